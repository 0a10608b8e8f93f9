package account_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// newcomer is somebody without a password.
func (h house) newcomer(t *testing.T, change ...func(*account.New)) idp.User {
	t.Helper()
	return h.add(t, func(in *account.New) {
		in.Password, in.TOTPSecret, in.Verified, in.Name = "", "", false, "Ada Lovelace"
		for _, f := range change {
			f(in)
		}
	})
}

// E-07, E-09: an invitation leads to a first password that its owner
// alone knows, once, and proves the address that it was mailed to.
func TestInvite(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.newcomer(t)
		h.Title = func(_ context.Context, id idp.ClientID) (string, error) { return "Atelier of " + string(id), nil }
		made, err := h.Invitations().Invite(ctx, host, u.ID, account.Invite{Client: "odoo"})
		must(t, err)
		token := h.token(t, "invite")
		if made.Token != token || made.SentTo != u.Email || !made.Expires.Equal(h.clock.Now().Add(72*time.Hour)) {
			t.Errorf("%+v", made)
		}
		if m := h.mails(t)[0]; !strings.HasPrefix(m, "ada@example.org\n") || !strings.Contains(m, "Ada Lovelace") || !strings.Contains(m, "Atelier of odoo") {
			t.Error(m)
		}
		l, _, err := h.Service.Links.Get(ctx, idp.LinkInvite, idp.HashLink(token))
		if must(t, err); l.Data["client"] != "odoo" {
			t.Errorf("%+v", l)
		}
		wantErr(t, h.Invitations().Accept(ctx, stranger, token, "short", ""), idp.ErrInvalid) // and the link stays
		wantErr(t, h.Invitations().Accept(ctx, stranger, "nonsense", newPassword, ""), idp.ErrExpired)
		if h.user(t, u.ID).Password != "" {
			t.Fatal("a refused password was set")
		}
		must(t, h.Invitations().Accept(ctx, stranger, token, newPassword, "Europe/Paris"))
		now := h.user(t, u.ID)
		if now.Profile.Zoneinfo != "Europe/Paris" {
			t.Errorf("zone %q", now.Profile.Zoneinfo)
		}
		if !h.passes(t, u.ID, newPassword) || !now.EmailVerified || now.Epoch <= u.Epoch || now.Email != u.Email || now.Login != u.Login {
			t.Errorf("%+v", now)
		}
		if all, err := h.Service.Sessions.Of(ctx, u.ID); err != nil || len(all) > 0 {
			t.Errorf("somebody was signed in by a link: %v, %v", all, err)
		}
		wantErr(t, h.Invitations().Accept(ctx, stranger, token, oldPassword, ""), idp.ErrExpired)
		if e := h.event(t, "user.accept"); e.Actor != u.ID || e.Origin.Address != "192.0.2.7" {
			t.Errorf("%+v", e)
		}
		if h.event(t, "user.invite").Detail["expires"] == "" {
			t.Error("the log does not say how long it was good")
		}
		if !slices.ContainsFunc(h.mails(t), func(m string) bool { return strings.Contains(m, "first password") }) {
			t.Error("nobody was told of the password")
		}
	})
}

// E-04, A-10: an invitation ends with its time, with a newer one, with another
// address, and with a password by another way.
func TestInviteEnds(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		u := h.newcomer(t)
		invite := func(in account.Invite) string {
			t.Helper()
			made, err := h.Invitations().Invite(ctx, host, u.ID, in)
			must(t, err)
			return made.Token
		}
		dead := func(token string) {
			t.Helper()
			wantErr(t, h.Invitations().Accept(ctx, stranger, token, newPassword, ""), idp.ErrExpired)
		}
		first := invite(account.Invite{})
		short := invite(account.Invite{For: time.Hour})
		dead(first)
		h.clock.Pass(time.Hour)
		dead(short)
		moved, email := invite(account.Invite{}), "ada.king@example.org"
		_, err := h.Service.Update(ctx, host, u.ID, account.Change{Email: &email})
		must(t, err)
		dead(moved)
		disabled := invite(account.Invite{})
		must(t, h.Service.Disable(ctx, host, u.ID))
		dead(disabled)
		must(t, h.Service.Enable(ctx, host, u.ID))
		dead(disabled)
		last := invite(account.Invite{})
		must(t, h.Service.SetPassword(ctx, host, u.ID, oldPassword))
		dead(last)
		if !h.passes(t, u.ID, oldPassword) {
			t.Error("a dead invitation changed the password")
		}
	})
}

// E-04, A-11, D-07: whoever has a password is not invited, nor who is disabled or
// cannot be written to; only the house invites. A link that is handed over is not
// mailed and proves no address.
func TestInviteWhom(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		has := h.add(t, nil)
		none := h.newcomer(t, func(in *account.New) { in.Login, in.Email = "bob", "" })
		off := h.newcomer(t, func(in *account.New) { in.Login, in.Email = "eve", "eve@example.org" })
		must(t, h.Service.Disable(ctx, host, off.ID))
		byHand := account.Invite{ByHand: true}
		for _, c := range []struct {
			by   idp.Actor
			whom idp.UserID
			in   account.Invite
			want error
		}{
			{host, has.ID, account.Invite{}, account.ErrHasPassword}, {host, has.ID, byHand, account.ErrHasPassword},
			{host, none.ID, account.Invite{}, account.ErrNoAddress}, {host, off.ID, byHand, account.ErrDisabled},
			{host, none.ID, account.Invite{For: 73 * time.Hour}, idp.ErrInvalid}, {host, none.ID, account.Invite{For: -1}, idp.ErrInvalid},
			{idp.Actor{User: none.ID}, none.ID, byHand, idp.ErrDenied}, {idp.Actor{}, none.ID, byHand, idp.ErrDenied}, {host, "nobody", byHand, idp.ErrNotFound},
		} {
			_, err := h.Invitations().Invite(ctx, c.by, c.whom, c.in)
			wantErr(t, err, c.want)
		}
		carl := h.newcomer(t, func(in *account.New) { in.Login, in.Email = "carl", "carl@example.org" })
		made, err := h.Invitations().Invite(ctx, host, carl.ID, byHand)
		must(t, err)
		if made.SentTo != "" || len(h.mails(t)) != 0 {
			t.Errorf("mailed: %+v", made)
		}
		must(t, h.Invitations().Accept(ctx, stranger, made.Token, newPassword, "Moon/Crater")) // a zone that there is not is left out
		if now := h.user(t, carl.ID); now.Profile.Zoneinfo != "" {
			t.Errorf("zone %q", now.Profile.Zoneinfo)
		}
		if h.user(t, carl.ID).EmailVerified {
			t.Error("a link that was handed over has proven an address")
		}
		var who []string
		must(t, h.Invitations().Without(ctx, host, "", func(u idp.User) error { who = append(who, u.Login); return nil }))
		slices.Sort(who)
		if !slices.Equal(who, []string{"bob", "eve"}) {
			t.Errorf("without a password: %v", who)
		}
		wantErr(t, h.Invitations().Without(ctx, idp.Actor{User: has.ID}, "", func(idp.User) error { return nil }), idp.ErrDenied)
	})
}

// A-11, D-02: a link to hand over is made by who may change people, and only for
// somebody who never was in and whom no mail reaches; the command line may.
func TestInviteByHand(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, byHand := t.Context(), account.Invite{ByHand: true}
		fresh := h.newcomer(t)
		proven := h.newcomer(t, func(in *account.New) { in.Login, in.Email, in.Verified = "bob", "bob@example.org", true })
		been := h.newcomer(t, func(in *account.New) { in.Login, in.Email = "carl", "" })
		must(t, h.Service.Sessions.Open(ctx, idp.Session{ID: "s", Hash: "h", User: been.ID, Created: h.clock.Now(), Seen: h.clock.Now(), Expires: h.clock.Now().Add(time.Hour)}))
		must(t, h.Service.Sessions.EndAll(ctx, been.ID, "")) // what was, was
		desk, admin := idp.Actor{User: "d", Role: idp.HelpDesk}, idp.Actor{User: "a", Role: idp.Admin}
		for _, c := range []struct {
			by   idp.Actor
			whom idp.UserID
			want error
		}{
			{desk, fresh.ID, idp.ErrDenied}, {desk, proven.ID, idp.ErrDenied}, {desk, been.ID, idp.ErrDenied},
			{admin, proven.ID, account.ErrReachable}, {admin, been.ID, account.ErrReachable},
			{admin, fresh.ID, nil}, {host, proven.ID, nil}, {host, been.ID, nil},
		} {
			if _, err := h.Invitations().Invite(ctx, c.by, c.whom, byHand); !errors.Is(err, c.want) {
				t.Errorf("%+v for %s: %v, want %v", c.by, c.whom, err, c.want)
			}
		}
		if _, err := h.Invitations().Invite(ctx, desk, proven.ID, account.Invite{}); err != nil {
			t.Errorf("by mail the help desk still invites: %v", err)
		}
	})
}

// E-04, E-07: of many who follow an invitation at once one chooses the password.
func TestInviteRace(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		u := h.newcomer(t)
		made, err := h.Invitations().Invite(t.Context(), host, u.ID, account.Invite{})
		must(t, err)
		var won atomic.Int64
		var winner atomic.Value
		parallel(func(i int) {
			plain := newPassword + strings.Repeat("!", i+1)
			switch err := h.Invitations().Accept(t.Context(), stranger, made.Token, plain, ""); {
			case err == nil:
				won.Add(1)
				winner.Store(plain)
			case !errors.Is(err, idp.ErrSpent) && !errors.Is(err, idp.ErrExpired):
				t.Error(err)
			}
		})
		if won.Load() != 1 || !h.passes(t, u.ID, winner.Load().(string)) {
			t.Errorf("%d winners", won.Load())
		}
	})
}
