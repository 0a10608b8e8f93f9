package account_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/temporary"
	"latchkey/mfa/trust"
	"latchkey/ui/message"
)

// house is a service with what hangs on an account around it.
type house struct {
	*account.Help
	db    *store.DB
	clock *storetest.Clock
	book  *trust.Book
}

func eachHouse(t *testing.T, f func(t *testing.T, h house)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		s := serviceAt(t, db, clock)
		f(t, house{
			&account.Help{Service: s, Limiter: db.Limiter, Letters: s.Notify.(*message.Notices)}, db, clock,
			&trust.Book{Devices: db.Devices, Secret: []byte("a key"), Now: clock.Now},
		})
	})
}

const (
	oldPassword = "correct horse battery"
	newPassword = "another horse battery"
)

func (h house) add(t *testing.T, change func(*account.New)) idp.User {
	t.Helper()
	in := account.New{Login: "ada", Email: "ada@example.org", Verified: true, Password: oldPassword, TOTPSecret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
	if change != nil {
		change(&in)
	}
	u, err := h.Service.Add(t.Context(), host, in)
	must(t, err)
	return h.user(t, u.ID)
}

func (h house) user(t *testing.T, id idp.UserID) idp.User {
	t.Helper()
	u, err := h.Service.Users.ByID(t.Context(), id)
	must(t, err)
	return u
}

// opens signs a person in and trusts their browser.
func (h house) opens(t *testing.T, u idp.User) (cookie string) {
	t.Helper()
	n := idp.Session{ID: idp.SessionID(h.clock.Now().String()), Hash: h.clock.Now().String(), User: u.ID, Epoch: u.Epoch, Seen: h.clock.Now(), Expires: h.clock.Now().Add(time.Hour), Idle: time.Hour}
	must(t, h.Service.Sessions.Open(t.Context(), n))
	_, cookie, err := h.book.Trust(t.Context(), mfa.SubjectID(u.ID), u.Epoch, []mfa.Kind{"totp"}, "", "", "", 24*time.Hour)
	must(t, err)
	return cookie
}

// open reports what is left of opens; some of it means all.
func (h house) open(t *testing.T, id idp.UserID, cookie string) bool {
	t.Helper()
	u := h.user(t, id)
	all, err := h.Service.Sessions.Of(t.Context(), id)
	must(t, err)
	_, trusted, err := h.book.Recognise(t.Context(), mfa.SubjectID(id), u.Epoch, u.Trust, cookie)
	must(t, err)
	if trusted != (len(all) > 0) {
		t.Errorf("%d sessions, trusted: %v", len(all), trusted)
	}
	return trusted
}

func (h house) passes(t *testing.T, id idp.UserID, plain string) bool {
	t.Helper()
	ok, _, err := h.Service.Passwords.Check(t.Context(), h.user(t, id).Password, plain)
	must(t, err)
	return ok
}

func (h house) mails(t *testing.T) []string {
	t.Helper()
	all, err := h.db.Outbox().Newest(t.Context(), 1000)
	must(t, err)
	var out []string
	for _, m := range all {
		out = append(out, m.To+"\n"+m.Subject+"\n"+m.Text)
	}
	return out
}

// token reads the newest link of a kind from the mails.
func (h house) token(t *testing.T, kind string) string {
	t.Helper()
	for _, m := range h.mails(t) {
		if found := regexp.MustCompile(`https://id\.example\.org/` + kind + `/([A-Za-z0-9_-]{43})\n`).FindStringSubmatch(m); found != nil {
			return found[1]
		}
	}
	t.Fatalf("no mail with a link to %s among\n%s", kind, strings.Join(h.mails(t), "\n\n"))
	return ""
}

// event returns the newest event of a name.
func (h house) event(t *testing.T, what string) (out idp.Event) {
	t.Helper()
	must(t, h.db.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if e.What == what && e.Result != "denied" {
			out = e
		}
		return nil
	}))
	if out.What == "" {
		t.Errorf("no event %s", what)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

var stranger = idp.Actor{Origin: idp.Origin{Address: "192.0.2.7", Agent: "Firefox"}}

// M-10, A-10, D-07: a temporary code needs a reason, stays within bounds, is
// shown once, logged without itself, and told to its owner.
func TestTemporaryCode(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, nil)
		for _, in := range []account.Temporary{
			{}, {Reason: " "}, {Reason: "two\nlines"}, {Reason: strings.Repeat("x", 201)}, {Reason: "r", For: 72*time.Hour + 1}, {Reason: "r", For: -1},
			{Reason: "r", For: time.Second}, {Reason: "r", Uses: 11}, {Reason: "r", Uses: -1},
		} {
			_, err := h.Codes().Give(ctx, host, u.ID, in)
			wantErr(t, err, idp.ErrInvalid)
		}
		for _, by := range []idp.Actor{{}, {User: u.ID}, {User: "eve", Role: idp.Auditor}} {
			_, err := h.Codes().Give(ctx, by, u.ID, account.Temporary{Reason: "r"})
			wantErr(t, err, idp.ErrDenied)
		}
		if n := len(h.user(t, u.ID).Factors); n != 1 {
			t.Fatalf("a refused code left %d factors", n)
		}
		h.clock.Pass(time.Second)
		code, err := h.Codes().Give(ctx, host, u.ID, account.Temporary{Reason: "phone lost, seen at the desk"})
		must(t, err)
		held, err := h.Service.Factors.Held(ctx, mfa.SubjectID(u.ID))
		must(t, err)
		if len(held) != 2 || held[1].Kind != temporary.Kind || !held[1].Expires.Equal(h.clock.Now().Add(24*time.Hour)) || temporary.Left(held[1]) != 1 {
			t.Errorf("%+v", held)
		}
		e := h.event(t, "factor.temporary")
		if e.Detail["reason"] != "phone lost, seen at the desk" || e.Detail["uses"] != "1" || e.User != u.ID || e.Method != temporary.Kind {
			t.Errorf("%+v", e)
		}
		for _, m := range append(h.mails(t), e.Detail["reason"], e.Detail["expires"]) {
			if strings.Contains(m, code) {
				t.Errorf("the code is in\n%s", m)
			}
		}
		if m := h.mails(t)[0]; !strings.Contains(m, "temporary code was issued") || !strings.Contains(m, "/not-me/") {
			t.Error(m)
		}
	})
}

// sign asks for the code and answers with it.
func (h house) sign(t *testing.T, u idp.User, code string) error {
	t.Helper()
	c, err := h.Service.Factors.Ask(t.Context(), u.Subject(), temporary.Kind, "b")
	if err != nil {
		return err
	}
	_, err = h.Service.Factors.Check(t.Context(), u.Subject(), c.ID, "b", mfa.Answer{Code: code}, nil)
	return err
}

// T-11, A-10: a new code voids the old one; codes are their owner's, end by use
// and in time, and a used one makes room for the next.
func TestTemporaryCodeReplaces(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, nil)
		bob := h.add(t, func(in *account.New) { in.Login, in.Email = "bob", "bob@example.org" })
		give := func(u idp.User, uses int) string {
			t.Helper()
			code, err := h.Codes().Give(ctx, host, u.ID, account.Temporary{Reason: "r", Uses: uses, For: time.Hour})
			must(t, err)
			return code
		}
		first, his := give(u, 1), give(bob, 1)
		second := give(u, 2)
		wantErr(t, h.sign(t, u, first), mfa.ErrWrong)
		wantErr(t, h.sign(t, u, his), mfa.ErrWrong)
		must(t, h.sign(t, u, second))
		must(t, h.sign(t, u, second))
		wantErr(t, h.sign(t, u, second), mfa.ErrNotHeld)
		if fs := h.user(t, u.ID).Factors; len(fs) != 1 {
			t.Errorf("a used code is held: %v", fs)
		}
		third := give(u, 1)
		h.clock.Pass(time.Hour)
		wantErr(t, h.sign(t, u, third), mfa.ErrNotHeld)
		must(t, h.sign(t, u, give(u, 1)))
	})
}

// T-09, B-04: of twenty uses at once no more pass than the code has.
func TestTemporaryCodeRace(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		h.Service.Factors.Rules = mfa.Rules{PerAccount: 1000, PerChallenge: 1000}
		u := h.add(t, nil)
		for _, uses := range []int{1, 3} {
			code, err := h.Codes().Give(t.Context(), host, u.ID, account.Temporary{Reason: "r", Uses: uses})
			must(t, err)
			var won atomic.Int64
			parallel(func(int) {
				switch err := h.sign(t, u, code); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, mfa.ErrWrong) && !errors.Is(err, mfa.ErrNotHeld) && !errors.Is(err, mfa.ErrExpired):
					t.Error(err)
				}
			})
			if n := int(won.Load()); n < 1 || n > uses {
				t.Errorf("%d of %d uses passed", n, uses)
			}
		}
	})
}

// M-10: of codes that are given at once one stays.
func TestTemporaryCodesAtOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		u := h.add(t, nil)
		for range 5 {
			parallel(func(int) {
				if _, err := h.Codes().Give(t.Context(), host, u.ID, account.Temporary{Reason: "r"}); err != nil && !errors.Is(err, idp.ErrSpent) {
					t.Error(err)
				}
			})
			held, err := h.Service.Factors.Held(t.Context(), mfa.SubjectID(u.ID))
			must(t, err)
			if len(held) != 2 {
				t.Errorf("%d factors", len(held))
			}
		}
	})
}

func parallel(do func(int)) {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// M-11, M-08: the link asks for one method, goes to the known address, voids the
// one before, ends in time, and brings no secret.
func TestEnrolLink(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, func(in *account.New) { in.TOTPSecret, in.Locale = "", "fr" })
		for _, k := range []mfa.Kind{"", "backup", "temporary", "email", "pwd", "passkey"} { // no passkeys in this house
			_, err := h.EnrolLink(ctx, host, u.ID, k, 0)
			wantErr(t, err, idp.ErrInvalid)
		}
		for _, life := range []time.Duration{-1, time.Second, 72*time.Hour + 1} {
			_, err := h.EnrolLink(ctx, host, u.ID, "totp", life)
			wantErr(t, err, idp.ErrInvalid)
		}
		_, err := h.EnrolLink(ctx, idp.Actor{User: u.ID}, u.ID, "totp", 0)
		wantErr(t, err, idp.ErrDenied)
		first, err := h.EnrolLink(ctx, host, u.ID, "totp", 0)
		must(t, err)
		if first.SentTo != "ada@example.org" || first.Token != h.token(t, "enrol") || !first.Expires.Equal(h.clock.Now().Add(72*time.Hour)) {
			t.Errorf("%+v", first)
		}
		l, who, err := h.Service.Links.Get(ctx, idp.LinkEnrol, idp.HashLink(first.Token))
		must(t, err)
		if who.ID != u.ID || l.Data["method"] != "totp" {
			t.Errorf("%+v of %s", l, who.ID)
		}
		if m := h.mails(t)[0]; !strings.Contains(m, "Votre administrateur") || strings.Contains(m, "otpauth") || strings.Contains(m, "/not-me/") {
			t.Error(m)
		}
		if e := h.event(t, "factor.invite"); e.Method != "totp" || strings.Contains(e.Detail["expires"], first.Token) {
			t.Errorf("%+v", e)
		}
		h.clock.Pass(time.Second)
		second, err := h.EnrolLink(ctx, host, u.ID, "totp", time.Hour)
		must(t, err)
		_, _, err = h.Service.Links.Get(ctx, idp.LinkEnrol, idp.HashLink(first.Token))
		wantErr(t, err, idp.ErrExpired)
		h.clock.Pass(time.Hour)
		_, _, err = h.Service.Links.Get(ctx, idp.LinkEnrol, idp.HashLink(second.Token))
		wantErr(t, err, idp.ErrExpired)

		bob := h.add(t, func(in *account.New) { in.Login, in.Email, in.Verified = "bob", "bob@example.org", false })
		n := len(h.mails(t))
		invited, err := h.EnrolLink(ctx, host, bob.ID, "totp", 0)
		must(t, err)
		if invited.SentTo != "" || invited.Token == "" || len(h.mails(t)) != n {
			t.Errorf("an address that nobody verified: %+v", invited)
		}
		must(t, h.Service.Disable(ctx, host, bob.ID))
		_, err = h.EnrolLink(ctx, host, bob.ID, "totp", 0)
		wantErr(t, err, idp.ErrInvalid)
	})
}

// atomically is for what must be all or nothing.
func (h house) atomically(t *testing.T, do func(context.Context) error) {
	t.Helper()
	must(t, h.Service.Atomic(t.Context(), do))
}

// D-02, D-04, M-10: somebody who is promoted while a request for them waits is
// no business of those below any more: it is not listed, not allowed and not
// taken. What was asked by somebody who may not help them now is not allowed.
func TestApprovalOfTheRisen(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		a := &account.Approvals{Help: h.Help, Store: h.db.Approvals}
		as := func(login string, role idp.Role) idp.Actor {
			u, err := h.Service.Add(ctx, host, account.New{Login: login, Role: role})
			must(t, err)
			return idp.Actor{User: u.ID, Role: role}
		}
		asks, allows, admin := as("asks", idp.HelpDesk), as("allows", idp.HelpDesk), as("admin", idp.Admin)
		ada := h.add(t, nil)
		request := func() string {
			r, err := a.Ask(ctx, asks, ada.ID, account.Temporary{Reason: "phone lost"})
			must(t, err)
			return r.ID
		}
		seen := func(by idp.Actor) int {
			all, err := a.Waiting(ctx, by, "")
			must(t, err)
			return len(all)
		}
		role := func(id idp.UserID, is idp.Role) {
			_, err := h.Service.Update(ctx, host, id, account.Change{Role: &is})
			must(t, err)
		}
		id := request()
		if seen(asks) != 1 || seen(allows) != 1 {
			t.Fatal("it is not listed")
		}
		role(ada.ID, idp.Admin)
		if seen(asks) != 0 || seen(allows) != 0 || seen(admin) != 1 {
			t.Error("those below are shown it")
		}
		wantErr(t, a.Allow(ctx, allows, id), idp.ErrDenied)
		wantErr(t, a.Allow(ctx, admin, id), idp.ErrSpent)
		role(ada.ID, "")
		role(asks.User, "")
		wantErr(t, a.Allow(ctx, allows, id), idp.ErrSpent)
		role(asks.User, idp.HelpDesk)
		must(t, a.Allow(ctx, allows, id))
		role(allows.User, "")
		_, _, err := a.Take(ctx, asks, id)
		wantErr(t, err, account.ErrNotYet)
		role(allows.User, idp.HelpDesk)
		if code, _, err := a.Take(ctx, asks, id); err != nil || code == "" {
			t.Errorf("%q, %v", code, err)
		}
	})
}
