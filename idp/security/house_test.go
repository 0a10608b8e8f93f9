package security_test

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/keyring"
	"latchkey/idp/password"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/code"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
)

const (
	secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	pass   = "a lantern in the harbour"
)

var host = idp.Actor{Host: true}

// house is the use cases over a real database.
type house struct {
	*security.Service
	t        *testing.T
	db       *store.DB
	clock    *storetest.Clock
	accounts *account.Service
	posts    posts
	told     told
}

// posts are the codes that were sent.
type posts struct {
	mu   sync.Mutex
	last code.Letter
}

func (p *posts) Send(_ context.Context, l code.Letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = l
	return nil
}

// told are the notices, as they were written: what is undone is among them.
type told struct {
	mu    sync.Mutex
	kinds []idp.NoticeKind
}

func (n *told) Notice(_ context.Context, _ idp.User, said idp.Notice) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kinds = append(n.kinds, said.Kind)
	return nil
}

func open(t *testing.T) *house {
	t.Helper()
	clock := storetest.NewClock()
	return over(t, storetest.OpenAt(t, clock.Now), clock)
}

// each runs a test on every kind of database.
func each(t *testing.T, f func(h *house)) {
	t.Helper()
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(over(t, db, clock)) })
}

func over(t *testing.T, db *store.DB, clock *storetest.Clock) *house {
	t.Helper()
	h := &house{t: t, db: db, clock: clock}
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	engine := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
	engine.Register(
		totp.Factor{Issuer: "Latchkey", Now: clock.Now},
		code.Factor{Channel: code.SMS, Courier: &h.posts, Limiter: db.Limiter, Now: clock.Now},
		code.Factor{Channel: code.Email, Courier: &h.posts, Limiter: db.Limiter, Now: clock.Now},
		backup.Factor{Hash: hasher.Key},
	)
	book := &trust.Book{Devices: db.Devices, Secret: make([]byte, 32), Now: clock.Now}
	h.accounts = &account.Service{
		Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: engine, Passwords: hasher, Log: db.Log,
		Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now, MinPassword: 15, Locks: db.Locks, Owners: db.Owners, Notify: &h.told,
	}
	in := &signin.Service{
		Users: db.Users, Sessions: db.Sessions, Flows: db.Flows, Policies: db.Policies, Factors: engine, Passwords: hasher,
		Limiter: db.Limiter, Log: db.Log, Tokens: db.SessionTokens, Devices: book, Links: db.Links, Notify: &h.told,
		Atomic: db.Atomic, Sealer: keyring.New(), Secret: make([]byte, 32), Rules: signin.DefaultRules, Now: clock.Now,
	}
	h.Service = &security.Service{Means: security.Means{
		Users: db.Users, Sessions: db.Sessions, Flows: db.Flows, Policies: db.Policies, Factors: engine, Devices: book,
		Passwords: hasher, Rules: h.accounts.Rules(), Limiter: db.Limiter, Log: db.Log, Tokens: db.SessionTokens, Notify: &h.told,
		Atomic: db.Atomic, Sealer: in.Sealer, SignIn: in, Now: clock.Now,
	}}
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) add(login, secret string, role idp.Role) idp.User {
	h.t.Helper()
	u, err := h.accounts.Add(h.t.Context(), host, account.New{
		Login: login, Email: login + "@example.com", Verified: true, Name: "Person " + login, Password: pass, TOTPSecret: secret, Role: role, Locale: "fr",
	})
	h.must(err)
	return u
}

func (h *house) user(id idp.UserID) idp.User {
	h.t.Helper()
	u, err := h.db.Users.ByID(h.t.Context(), id)
	h.must(err)
	return u
}

// sit opens a session with these proofs and returns who acts in it.
func (h *house) sit(u idp.User, kinds ...mfa.Kind) idp.Actor {
	by, _ := h.sitting(u, kinds...)
	return by
}

func (h *house) sitting(u idp.User, kinds ...mfa.Kind) (by idp.Actor, token string) {
	h.t.Helper()
	now, token := h.clock.Now(), rand.Text()
	n := idp.Session{
		ID: idp.SessionID(rand.Text()), Hash: signin.HashToken(token), User: u.ID, Epoch: h.user(u.ID).Epoch, Created: now, Seen: now,
		Expires: now.Add(12 * time.Hour), Idle: time.Hour, Origin: idp.Origin{Address: "203.0.113.7", Agent: "Firefox"},
	}
	for _, k := range kinds {
		n.Proofs = append(n.Proofs, idp.Proof{Kind: k, At: now})
	}
	h.must(h.db.Sessions.Open(h.t.Context(), n))
	return idp.ActorOf(n, u, n.Origin), token
}

// alive reports whether a session of that token lives.
func (h *house) alive(token string) bool {
	_, _, err := h.db.Sessions.ByHash(h.t.Context(), signin.HashToken(token))
	return err == nil
}

func (h *house) demand(what policy.What) {
	h.t.Helper()
	h.must(h.db.Policies.Apply(h.t.Context(), []policy.Policy{{Name: "staff", Enabled: true, Whom: policy.Whom{Everyone: true}, What: what}}))
}

// code is what the app with a secret shows now.
func (h *house) code(secret string) string {
	h.t.Helper()
	c, err := otp.GenerateCode(secret, h.clock.Now())
	h.must(err)
	return c
}

func (h *house) held(u idp.User) []mfa.Credential {
	h.t.Helper()
	held, err := h.db.Credentials.Held(h.t.Context(), mfa.SubjectID(u.ID))
	h.must(err)
	return held
}

func (h *house) kinds(u idp.User) []mfa.Kind {
	var out []mfa.Kind
	for _, c := range h.held(u) {
		out = append(out, c.Kind)
	}
	slices.Sort(out)
	return out
}

// trust begins to trust a browser, with a session that it helped to open.
func (h *house) trust(u idp.User) (id, token string) {
	h.t.Helper()
	d, _, err := h.Devices.Trust(h.t.Context(), mfa.SubjectID(u.ID), h.user(u.ID).Epoch, []mfa.Kind{"totp"}, "Firefox", "203.0.113.7", "", 24*time.Hour)
	h.must(err)
	now, token := h.clock.Now(), rand.Text()
	h.must(h.db.Sessions.Open(h.t.Context(), idp.Session{
		ID: idp.SessionID(rand.Text()), Hash: signin.HashToken(token), User: u.ID, Epoch: h.user(u.ID).Epoch, Created: now, Seen: now,
		Expires: now.Add(time.Hour), Idle: time.Hour, Device: d.ID, Proofs: []idp.Proof{{Kind: idp.Password, At: now}},
	}))
	return d.ID, token
}

// events lists what the log has of a person, newest first.
func (h *house) events(u idp.User) (out []string) {
	h.t.Helper()
	h.must(h.db.Log.Events(h.t.Context(), idp.EventQuery{User: u.ID, Limit: 100}, func(e idp.Event) error {
		out = append(out, e.What+" "+e.Result)
		return nil
	}))
	return out
}

// mails lists the notices so far.
func (h *house) mails() []idp.NoticeKind {
	h.told.mu.Lock()
	defer h.told.mu.Unlock()
	return slices.Clone(h.told.kinds)
}

// together runs f n times at once and returns the errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = f(i)
		}()
	}
	wg.Wait()
	return errs
}

func wins(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}

// hashing is what backup codes are hashed with.
type hashing interface {
	Key(ctx context.Context, code, salt []byte) ([]byte, error)
}

func hash(token string) string { return signin.HashToken(token) }
