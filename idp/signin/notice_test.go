package signin_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/keyring"
	"latchkey/idp/password"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
)

const (
	pass   = "a lantern in the harbour"
	secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// told writes down what would be told; ui/message has the words.
type told struct {
	all []idp.Notice
}

func (n *told) Notice(ctx context.Context, u idp.User, what idp.Notice) error {
	n.all = append(n.all, what)
	return nil
}

// Letter takes none: sign-in writes no links.
func (n *told) Letter(context.Context, idp.User, idp.Letter) error { return errors.ErrUnsupported }

// take returns the kinds told since the last call.
func (n *told) take() (out []idp.NoticeKind) {
	for _, x := range n.all {
		out = append(out, x.Kind)
	}
	n.all = nil
	return out
}

type house struct {
	*signin.Service
	t        *testing.T
	db       *store.DB
	clock    *storetest.Clock
	told     *told
	accounts *account.Service
}

var from = idp.Origin{Address: "192.0.2.7", Agent: "Firefox"}

func open(t *testing.T) *house {
	h := &house{t: t, clock: storetest.NewClock()}
	h.db = storetest.OpenAt(t, h.clock.Now)
	h.told = &told{}
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	factors := &mfa.Engine{Credentials: h.db.Credentials, Challenges: h.db.Challenges, Limiter: h.db.Limiter, Atomic: h.db.Atomic, Now: h.clock.Now}
	factors.Register(totp.Factor{Issuer: "Latchkey", Now: h.clock.Now}, backup.Factor{Hash: hasher.Key})
	h.accounts = &account.Service{
		Users: h.db.Users, Groups: h.db.Groups, Sessions: h.db.Sessions, Factors: factors, Passwords: hasher, Log: h.db.Log, Locks: h.db.Locks, Notify: h.told, Policies: h.db.Policies, Atomic: h.db.Atomic, Now: h.clock.Now, MinPassword: 8,
	}
	h.Service = &signin.Service{
		Tokens: h.db.SessionTokens,
		Users:  h.db.Users, Sessions: h.db.Sessions, Flows: h.db.Flows, Policies: h.db.Policies, Factors: factors,
		Passwords: hasher, Limiter: h.db.Limiter, Log: h.db.Log, Notify: h.told, Atomic: h.db.Atomic, Sealer: keyring.New(),
		Secret: make([]byte, 32), Rules: signin.DefaultRules, Now: h.clock.Now, Links: h.db.Links,
		Devices: &trust.Book{Devices: h.db.Devices, Secret: make([]byte, 32), Now: h.clock.Now},
	}
	return h
}

func (h *house) add(change func(*account.New)) idp.User {
	h.t.Helper()
	in := account.New{Email: "ada@example.org", Verified: true, Password: pass}
	if change != nil {
		change(&in)
	}
	u, err := h.accounts.Add(h.t.Context(), idp.Actor{Host: true}, in)
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// password opens a flow and gives a password.
func (h *house) password(plain, known string) (signin.Moved, error) {
	h.t.Helper()
	f, err := h.Begin(h.t.Context(), signin.Start{Browser: "b", ReturnTo: "/", Client: "Atelier"})
	if err != nil {
		h.t.Fatal(err)
	}
	ticket, err := h.Ticket(f)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.Password(h.t.Context(), h.view(ticket), "ada@example.org", plain, signin.Marks{Known: known})
}

func (h *house) view(ticket string) signin.View {
	h.t.Helper()
	v, err := h.Load(h.t.Context(), ticket, "b", from)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *house) answer(ticket, code, known string) (signin.Moved, error) {
	h.t.Helper()
	v := h.view(ticket)
	return h.Second().Answer(h.t.Context(), v, v.Flow.Method, mfa.Answer{Code: code}, signin.Marks{Known: known}, false)
}

func (h *house) code(key string) string {
	h.t.Helper()
	c, err := otp.GenerateCode(key, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *house) want(kinds ...idp.NoticeKind) {
	h.t.Helper()
	if got := h.told.take(); !slices.Equal(got, kinds) {
		h.t.Errorf("told %v, want %v", got, kinds)
	}
}

func (h *house) must(m signin.Moved, err error) signin.Moved {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// B-12: a sign-in from a browser that is not known to be the person's.
func TestNewBrowser(t *testing.T) {
	h := open(t)
	h.add(nil)
	first := h.must(h.password(pass, ""))
	h.want() // every browser is new at the very first sign-in
	h.must(h.password(pass, first.Known))
	h.want()
	h.must(h.password(pass, ""))
	h.want(idp.NewBrowser)
	h.must(h.password(pass, "x.y~z"))
	if n := h.told.all[0]; n.Origin != from || n.Client != "Atelier" || !n.At.Equal(h.clock.Now()) {
		t.Errorf("%+v", n)
	}
	h.want(idp.NewBrowser)
}

// Somebody who fills the log with wrong passwords does not silence the news
// of the right one.
func TestNewBrowserAfterNoise(t *testing.T) {
	h := open(t)
	h.add(nil)
	h.must(h.password(pass, ""))
	for range 60 {
		h.password("wrong", "")
		h.clock.Pass(3 * time.Minute)
	}
	h.told.take()
	h.must(h.password(pass, ""))
	h.want(idp.NewBrowser)
}

// The look at the log is paid by unknown browsers alone.
func TestKnownBrowserCostsNothing(t *testing.T) {
	h := open(t)
	h.add(nil)
	known := h.must(h.password(pass, "")).Known
	cost := func(known string) int64 {
		before, _ := h.db.Trips()
		h.must(h.password(pass, known))
		after, _ := h.db.Trips()
		return after - before
	}
	if a, b := cost(known), cost(""); b != a+1 {
		t.Errorf("known browser %d round trips, unknown %d, want one more", a, b)
	}
}

// B-12, A-12: a wrong password is not told, a lock is, and the answer is the same.
func TestLocked(t *testing.T) {
	h := open(t)
	h.add(nil)
	for range signin.DefaultRules.AccountTries {
		if _, err := h.password("wrong", ""); !errors.Is(err, idp.ErrBadLogin) {
			t.Fatal(err)
		}
	}
	h.want()
	if _, err := h.password(pass, ""); !errors.Is(err, idp.ErrBadLogin) {
		t.Fatal(err)
	}
	h.want(idp.Locked)
}

// Nobody hears of locks of names that nobody has, or of a disabled account.
func TestLockOfNobody(t *testing.T) {
	h := open(t)
	for range 12 {
		h.password("wrong", "")
	}
	u := h.add(nil)
	if err := h.accounts.Disable(t.Context(), idp.Actor{Host: true}, u.ID); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		h.password(pass, "")
	}
	h.want()
}

// B-12: a wrong second factor after a right password, and its lock.
func TestWrongFactor(t *testing.T) {
	h := open(t)
	h.add(func(in *account.New) { in.TOTPSecret = secret })
	m := h.must(h.password(pass, ""))
	h.want()
	if _, err := h.answer(m.Ticket, "000000", ""); !errors.Is(err, mfa.ErrWrong) {
		t.Fatal(err)
	}
	if n := h.told.all[0]; n.Method != totp.Kind {
		t.Errorf("%+v", n)
	}
	h.want(idp.WrongFactor)
	h.must(h.answer(m.Ticket, h.code(secret), ""))
	h.want()
	for range 3 {
		m := h.must(h.password(pass, ""))
		for range 4 {
			h.answer(m.Ticket, "000000", "")
		}
	}
	if got := h.told.take(); len(got) != 12 || got[9] != idp.WrongFactor || got[10] != idp.Locked {
		t.Errorf("%v", got)
	}
}

// M-18: added factors and used backup codes; a wrong code in the wizard is no news.
func TestFactorNews(t *testing.T) {
	h := open(t)
	h.add(nil)
	err := h.db.Policies.Apply(t.Context(), []policy.Policy{{Name: "all", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Assurance: policy.MFA}}})
	if err != nil {
		t.Fatal(err)
	}
	m := h.must(h.password(pass, ""))
	if err := h.Wizard().Enrol(t.Context(), h.view(m.Ticket), totp.Kind, ""); err != nil {
		t.Fatal(err)
	}
	e, err := h.Wizard().Enrolment(t.Context(), h.view(m.Ticket))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Wizard().Keep(t.Context(), h.view(m.Ticket)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Wizard().Confirm(t.Context(), h.view(m.Ticket), mfa.Answer{Code: "000000"}, signin.Marks{}); !errors.Is(err, mfa.ErrWrong) {
		t.Fatal(err)
	}
	h.want()
	known := h.must(h.Wizard().Confirm(t.Context(), h.view(m.Ticket), mfa.Answer{Code: h.code(e.Ask.Secret)}, signin.Marks{})).Known
	h.want(idp.FactorAdded)

	m = h.must(h.password(pass, known))
	if _, _, err := h.Second().Challenge(t.Context(), h.view(m.Ticket), backup.Kind); err != nil {
		t.Fatal(err)
	}
	h.must(h.answer(m.Ticket, e.Codes.Codes[0], known))
	h.want(idp.BackupUsed)
}

// M-10: what others change about an account, without where they sit.
func TestAccountNews(t *testing.T) {
	h := open(t)
	u := h.add(func(in *account.New) { in.TOTPSecret = secret })
	by := idp.Actor{Host: true, User: "root", Origin: from}
	if err := h.accounts.ResetFactors(t.Context(), by, u.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.accounts.SetPassword(t.Context(), by, u.ID, "another lantern at sea"); err != nil {
		t.Fatal(err)
	}
	for _, n := range h.told.all {
		if n.Origin != (idp.Origin{}) {
			t.Errorf("%+v", n)
		}
	}
	h.want(idp.FactorsReset, idp.PasswordChanged)
	if err := h.accounts.ResetFactors(t.Context(), idp.Actor{}, u.ID); !errors.Is(err, idp.ErrDenied) {
		t.Fatal(err)
	}
	h.want()
}

var errOutbox = errors.New("outbox")

type broken struct{}

func (broken) Notice(context.Context, idp.User, idp.Notice) error { return errOutbox }

// A change that cannot be told does not happen.
func TestNoSilentChange(t *testing.T) {
	h := open(t)
	u := h.add(func(in *account.New) { in.TOTPSecret = secret })
	h.accounts.Notify, h.Notify = broken{}, broken{}
	if err := h.accounts.ResetFactors(t.Context(), idp.Actor{Host: true}, u.ID); !errors.Is(err, errOutbox) {
		t.Fatal(err)
	}
	if held, err := h.db.Credentials.Held(t.Context(), mfa.SubjectID(u.ID)); err != nil || len(held) != 1 {
		t.Errorf("%v, %v", held, err)
	}
	m := h.must(h.password(pass, ""))
	if _, err := h.answer(m.Ticket, "000000", ""); !errors.Is(err, errOutbox) || !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("%v", err)
	}
}
