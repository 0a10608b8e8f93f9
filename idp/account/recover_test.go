package account_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
)

// send asks for a recovery mail.
func (h house) send(t *testing.T, u idp.User) bool {
	t.Helper()
	sent, err := h.Recovery().Send(t.Context(), u, stranger)
	must(t, err)
	return sent
}

// E-03, E-07, E-08: a mailed link leads to a new password and to nothing else:
// the second factor stays, nobody is signed in, everything open ends.
func TestRecovery(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, nil)
		cookie := h.opens(t, u)
		lock := mfa.Budget{Key: "pw:" + string(u.ID), Max: 1, Per: time.Hour}
		other := mfa.Budget{Key: "mfa:" + string(u.ID), Max: 1, Per: time.Hour}
		must(t, h.Limiter.Take(ctx, lock, other))
		if !h.send(t, u) {
			t.Fatal("nothing was sent")
		}
		token := h.token(t, "recover")
		for range 3 { // looking at the page is no use of it: mail scanners do that
			_, _, err := h.Service.Links.Get(ctx, idp.LinkRecover, idp.HashLink(token))
			must(t, err)
		}
		if !h.open(t, u.ID, cookie) || !h.passes(t, u.ID, oldPassword) {
			t.Error("asking for a mail changed the account")
		}
		for _, plain := range []string{"", "short", "password1234567", strings.Repeat("x", 257)} {
			wantErr(t, h.Recovery().ChooseNew(ctx, stranger, token, plain), idp.ErrInvalid)
		}
		for _, wrong := range []string{"", "x", token + "x", idp.HashLink(token)} {
			wantErr(t, h.Recovery().ChooseNew(ctx, stranger, wrong, newPassword), idp.ErrExpired)
		}
		before := h.user(t, u.ID)
		must(t, h.Recovery().ChooseNew(ctx, stranger, token, newPassword))
		after := h.user(t, u.ID)
		if h.open(t, u.ID, cookie) || h.passes(t, u.ID, oldPassword) || !h.passes(t, u.ID, newPassword) || after.Epoch != before.Epoch+1 {
			t.Errorf("%+v", after)
		}
		if len(after.Factors) != 1 || after.Factors[0] != "totp" {
			t.Errorf("factors %v", after.Factors)
		}
		must(t, h.Limiter.Take(ctx, lock)) // wrong passwords are forgotten, wrong codes are not
		wantErr(t, h.Limiter.Take(ctx, other), mfa.ErrLocked)
		wantErr(t, h.Recovery().ChooseNew(ctx, stranger, token, newPassword), idp.ErrExpired)
		if e := h.event(t, "password.recover"); e.Actor != u.ID || e.Origin.Address != "192.0.2.7" {
			t.Errorf("%+v", e)
		}
		told := 0
		for _, m := range h.mails(t) {
			if strings.Contains(m, "your password was changed") && strings.Contains(m, "192.0.2.7") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

// E-04: a newer link voids the older, and 15 minutes, a new password or another
// address end it.
func TestRecoveryEnds(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, nil)
		token := func() string {
			t.Helper()
			h.clock.Pass(15 * time.Minute)
			if !h.send(t, h.user(t, u.ID)) {
				t.Fatal("nothing was sent")
			}
			return h.token(t, "recover")
		}
		dead := func(token string) {
			t.Helper()
			wantErr(t, h.Recovery().ChooseNew(ctx, stranger, token, newPassword), idp.ErrExpired)
		}
		first := token()
		h.clock.Pass(time.Minute)
		if !h.send(t, u) {
			t.Fatal("nothing was sent")
		}
		dead(first)
		must(t, h.Recovery().ChooseNew(ctx, stranger, h.token(t, "recover"), newPassword))

		late := token()
		h.clock.Pass(15 * time.Minute)
		dead(late)
		changed := token()
		must(t, h.Service.SetPassword(ctx, host, u.ID, oldPassword))
		dead(changed)
		moved, email, yes := token(), "ada.king@example.org", true
		_, err := h.Service.Update(ctx, host, u.ID, account.Change{Email: &email, Verified: &yes})
		must(t, err)
		dead(moved)
		disabled := token()
		must(t, h.Service.Disable(ctx, host, u.ID))
		dead(disabled)
		if h.send(t, h.user(t, u.ID)) {
			t.Error("a disabled person was written to")
		}
	})
}

// B-11, E-06: one mail a minute and five an hour, to a known address only.
func TestRecoveryLimits(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		u := h.add(t, nil)
		var sent atomic.Int64
		parallel(func(int) {
			if h.send(t, u) {
				sent.Add(1)
			}
		})
		if sent.Load() != 1 || len(h.mails(t)) != 1 {
			t.Errorf("%d sent, %d mails", sent.Load(), len(h.mails(t)))
		}
		for i, want := range []bool{true, true, true, true, false, false} {
			h.clock.Pass(time.Minute)
			if got := h.send(t, u); got != want {
				t.Errorf("mail %d: %v, want %v", i+2, got, want)
			}
		}
		h.clock.Pass(time.Hour)
		if !h.send(t, u) {
			t.Error("nothing after an hour")
		}
		n := len(h.mails(t))
		for _, change := range []func(*idp.User){
			func(u *idp.User) { u.EmailVerified = false }, func(u *idp.User) { u.Email = "" }, func(u *idp.User) { *u = idp.User{} },
		} {
			other := h.user(t, h.add(t, func(in *account.New) {
				in.Login, in.Email = "n"+h.clock.Now().Format("150405"), "n"+h.clock.Now().Format("150405")+"@example.org"
			}).ID)
			change(&other)
			if h.send(t, other) {
				t.Errorf("sent to %+v", other)
			}
			h.clock.Pass(time.Second)
		}
		if len(h.mails(t)) != n {
			t.Errorf("%d mails too many", len(h.mails(t))-n)
		}
	})
}

// E-04: of twenty that choose a password with one link at once one wins.
func TestChooseNewOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		u := h.add(t, nil)
		if !h.send(t, u) {
			t.Fatal("nothing was sent")
		}
		token := h.token(t, "recover")
		var won atomic.Int64
		parallel(func(int) {
			switch err := h.Recovery().ChooseNew(t.Context(), stranger, token, newPassword); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, idp.ErrSpent) && !errors.Is(err, idp.ErrExpired):
				t.Error(err)
			}
		})
		if after := h.user(t, u.ID); won.Load() != 1 || after.Epoch != u.Epoch+1 {
			t.Errorf("%d winners, epoch %d", won.Load(), after.Epoch)
		}
	})
}

// added gives a person a credential and tells them of it, as a wizard does.
func (h house) added(t *testing.T, u idp.User, k mfa.Kind, id mfa.CredentialID) (token string) {
	t.Helper()
	h.clock.Pass(time.Minute)
	h.atomically(t, func(ctx context.Context) error {
		return errors.Join(
			h.Service.Factors.Credentials.Save(ctx, mfa.Credential{ID: id, Subject: mfa.SubjectID(u.ID), Kind: k, Created: h.clock.Now()}),
			h.Service.Notify.Notice(ctx, u, idp.Notice{Kind: idp.FactorAdded, At: h.clock.Now(), Method: k, Credential: id}))
	})
	return h.token(t, "not-me")
}

// B-12, E-08: who says that it was not them ends what the other has: sessions,
// devices, the password, the factor and what came after it.
func TestNotMe(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, nil)
		cookie := h.opens(t, u)
		token := h.added(t, u, "passkey", "hers?")
		h.added(t, u, "backup", "later")
		if !h.open(t, u.ID, cookie) || len(h.user(t, u.ID).Factors) != 3 {
			t.Fatal("not set up")
		}
		done, err := h.NotMe(ctx, stranger, token)
		must(t, err)
		if !done.Mailed || done.Removed != "passkey" {
			t.Errorf("%+v", done)
		}
		after := h.user(t, u.ID)
		if h.open(t, u.ID, cookie) || after.Password != "" || h.passes(t, u.ID, oldPassword) || after.Epoch != u.Epoch+1 {
			t.Errorf("%+v", after)
		}
		if len(after.Factors) != 1 || after.Factors[0] != "totp" { // the old one still guards the account (E-03)
			t.Errorf("factors %v", after.Factors)
		}
		if e := h.event(t, "user.not_me"); e.Detail["notice"] != "factor_added" || e.Detail["removed"] != "2" || e.Origin.Address != "192.0.2.7" {
			t.Errorf("%+v", e)
		}
		_, err = h.NotMe(ctx, stranger, token)
		wantErr(t, err, idp.ErrExpired)
		must(t, h.Recovery().ChooseNew(ctx, stranger, h.token(t, "recover"), newPassword))
		if !h.passes(t, u.ID, newPassword) {
			t.Error("the mailed link did not lead to a new password")
		}
	})
}

// E-03, M-10: a mailbox alone does not open an account: the only second factor
// stays, whoever added it.
func TestNotMeKeepsTheOnlyFactor(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		u := h.add(t, func(in *account.New) { in.TOTPSecret = "" })
		token := h.added(t, u, "totp", "only")
		h.added(t, u, "backup", "codes")
		done, err := h.NotMe(t.Context(), stranger, token)
		must(t, err)
		if after := h.user(t, u.ID); done.Removed != "" || len(after.Factors) != 2 || after.Password != "" {
			t.Errorf("%+v, %+v", done, after)
		}
		// A temporary code always goes, and takes nothing along that would be missed.
		h.clock.Pass(time.Hour)
		bob := h.add(t, func(in *account.New) { in.Login, in.Email, in.TOTPSecret = "bob", "bob@example.org", "" })
		_, err = h.Codes().Give(t.Context(), host, bob.ID, account.Temporary{Reason: "r"})
		must(t, err)
		token = h.token(t, "not-me")
		h.added(t, bob, "totp", "own")
		done, err = h.NotMe(t.Context(), stranger, token)
		must(t, err)
		if after := h.user(t, bob.ID); done.Removed != "temporary" || len(after.Factors) != 1 || after.Factors[0] != "totp" {
			t.Errorf("%+v, %v", done, after.Factors)
		}
	})
}

// E-06, E-10: after the address has changed the old one is told, and can lock
// the account, but no link to a new password goes to the new one.
func TestNotMeAfterAnotherAddress(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.add(t, func(in *account.New) { in.Phone = "+33612345678" })
		invited, err := h.EnrolLink(ctx, host, u.ID, "totp", 0)
		must(t, err)
		h.clock.Pass(time.Second)
		email, phone, yes := "eve@example.org", "+33612345679", true
		_, err = h.Service.Update(ctx, host, u.ID, account.Change{Email: &email, Verified: &yes})
		must(t, err)
		token := h.token(t, "not-me")
		if m := h.mails(t)[0]; !strings.HasPrefix(m, "ada@example.org\n") || !strings.Contains(m, "address of your account was changed") {
			t.Error(m)
		}
		_, _, err = h.Service.Links.Get(ctx, idp.LinkEnrol, idp.HashLink(invited.Token))
		wantErr(t, err, idp.ErrExpired)
		n := len(h.mails(t))
		done, err := h.NotMe(ctx, stranger, token)
		must(t, err)
		if done.Mailed || len(h.mails(t)) != n || h.user(t, u.ID).Password != "" {
			t.Errorf("%+v, %d mails", done, len(h.mails(t))-n)
		}
		h.clock.Pass(time.Second)
		_, err = h.Service.Update(ctx, host, u.ID, account.Change{Phone: &phone})
		must(t, err)
		if m := h.mails(t)[0]; !strings.Contains(m, "phone number of your account was changed") || strings.Contains(m, phone) {
			t.Error(m)
		}
	})
}

// Of twenty that follow one link at once one wins, and one mail goes out.
func TestNotMeOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		u := h.add(t, nil)
		token := h.added(t, u, "passkey", "p")
		var won atomic.Int64
		parallel(func(int) {
			switch _, err := h.NotMe(t.Context(), stranger, token); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, idp.ErrSpent) && !errors.Is(err, idp.ErrExpired):
				t.Error(err)
			}
		})
		mails := 0
		for _, m := range h.mails(t) {
			mails += strings.Count(m, "/recover/")
		}
		if mails != 1 {
			t.Errorf("%d recovery mails", mails)
		}
		if after := h.user(t, u.ID); won.Load() != 1 || after.Epoch != u.Epoch+1 || len(after.Factors) != 1 {
			t.Errorf("%d winners, %+v", won.Load(), after)
		}
	})
}
