package account_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/picture"
	"latchkey/mfa"
	"latchkey/ui/message"
)

// self is what somebody may do for themselves.
func (h house) self() *account.Self {
	return &account.Self{Help: h.Help, Pictures: h.db.Pictures, Issuer: "https://id.example.org"}
}

// acting is somebody in a session who has just proven everything they have.
func (h house) acting(u idp.User) idp.Actor {
	n := idp.Session{ID: "s-" + idp.SessionID(u.ID), Proofs: []idp.Proof{{Kind: idp.Password, At: h.clock.Now()}}}
	if len(u.Factors) > 0 {
		n.Proofs = append(n.Proofs, idp.Proof{Kind: "totp", At: h.clock.Now()})
	}
	return idp.ActorOf(n, u, stranger.Origin)
}

// M-05, D-02, X-05: people change what they say about themselves, and nothing
// else; what is fed stays.
func TestChangeProfile(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		by := h.acting(u)
		h.clock.Pass(time.Hour)
		must(t, s.ChangeProfile(ctx, by, account.Own{Name: " Ada King ", GivenName: "Ada", FamilyName: "King", Locale: "fr", Zone: "Europe/London"}))
		now := h.user(t, u.ID)
		if now.Name != "Ada King" || now.Profile.GivenName != "Ada" || now.Profile.FamilyName != "King" || now.Locale != "fr" || now.Profile.Zoneinfo != "Europe/London" ||
			!now.Updated.Equal(h.clock.Now()) || now.Email != u.Email || now.Role != u.Role || now.Epoch != u.Epoch {
			t.Errorf("%+v", now)
		}
		if e := h.event(t, "profile.change"); e.Actor != u.ID || e.Detail["fields"] != "name given_name family_name locale zoneinfo" {
			t.Errorf("%+v", e)
		}
		for field, in := range map[string]account.Own{
			"name": {Name: "a\nb"}, "given_name": {GivenName: strings.Repeat("x", 257)}, "locale": {Locale: "no language"}, "zoneinfo": {Zone: "../etc/passwd"},
		} {
			err := s.ChangeProfile(ctx, by, in)
			wantErr(t, err, idp.ErrInvalid)
			if got := account.FieldOf(err); len(got) != 1 || got[0] != field {
				t.Errorf("%v is about %v, want %s", err, got, field)
			}
		}
		wantErr(t, s.ChangeProfile(ctx, by, account.Own{Zone: "Local"}), idp.ErrInvalid)
		for _, nobody := range []idp.Actor{{}, {User: u.ID}, {Host: true}} {
			wantErr(t, s.ChangeProfile(ctx, nobody, account.Own{Name: "x"}), idp.ErrDenied)
		}
		if h.user(t, u.ID).Name != "Ada King" {
			t.Error("a refused change was made")
		}
		s.Fed = func(idp.User) []account.Field {
			return []account.Field{account.FieldName, account.FieldPicture, account.FieldEmail}
		}
		must(t, s.ChangeProfile(ctx, by, account.Own{Name: "Eve", Locale: "en"}))
		if now := h.user(t, u.ID); now.Name != "Ada King" || now.Locale != "en" {
			t.Errorf("%+v", now)
		}
		wantErr(t, s.AskEmail(ctx, h.acting(u), "new@example.org"), idp.ErrDenied)
		wantErr(t, s.RemovePicture(ctx, by), idp.ErrDenied)
	})
}

// a picture is drawn anew, has an address that nobody can guess, and is
// gone with its account's.
func TestPicture(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		by := h.acting(u)
		var file bytes.Buffer
		must(t, png.Encode(&file, image.NewGray(image.Rect(0, 0, 300, 200))))
		wantErr(t, s.SetPicture(ctx, by, []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")), picture.ErrFormat)
		must(t, s.SetPicture(ctx, by, file.Bytes()))
		first := h.user(t, u.ID).Profile.Picture
		name, ours := strings.CutPrefix(first, "https://id.example.org/picture/")
		if !ours || len(name) != 26 || !s.Pictured(h.user(t, u.ID)) {
			t.Fatalf("picture %q", first)
		}
		got, err := s.Pictures.ByName(ctx, name)
		must(t, err)
		if c, err := png.DecodeConfig(bytes.NewReader(got)); err != nil || c.Width != picture.Side || c.Height != picture.Side {
			t.Errorf("%+v, %v", c, err)
		}
		must(t, s.SetPicture(ctx, by, file.Bytes()))
		_, err = s.Pictures.ByName(ctx, name)
		wantErr(t, err, idp.ErrNotFound) // the old address leads nowhere
		must(t, s.RemovePicture(ctx, by))
		_, err = s.Pictures.Of(ctx, u.ID)
		wantErr(t, err, idp.ErrNotFound)
		if h.user(t, u.ID).Profile.Picture != "" {
			t.Error("the claim stays")
		}
		must(t, s.SetPicture(ctx, by, file.Bytes()))
		name = strings.TrimPrefix(h.user(t, u.ID).Profile.Picture, "https://id.example.org/picture/")
		must(t, h.Service.Disable(ctx, host, u.ID))
		_, err = s.Pictures.ByName(ctx, name)
		wantErr(t, err, idp.ErrNotFound)
		must(t, h.Service.Remove(ctx, host, u.ID))
		_, err = s.Pictures.Of(ctx, u.ID)
		wantErr(t, err, idp.ErrNotFound)
	})
}

// E-10, T-14, E-09: a new address counts when its mailbox has said so and its owner
// is signed in; the old one is told twice, and the login goes along.
func TestEmailChange(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s := t.Context(), h.self()
		u := h.add(t, func(in *account.New) { in.Login = "" })
		by := h.acting(u)
		must(t, s.AskEmail(ctx, by, " Ada.King@Example.org "))
		token := h.token(t, "verify")
		if now := h.user(t, u.ID); now.Email != u.Email || now.Login != u.Login {
			t.Fatal("asking changed the address")
		}
		var to []string
		for _, m := range h.mails(t) {
			to = append(to, strings.SplitN(m, "\n", 2)[0])
		}
		if got := strings.Join(to, " "); got != "ada.king@example.org ada@example.org" && got != "ada@example.org ada.king@example.org" {
			t.Errorf("mails to %s", got)
		}
		wantErr(t, h.Verify(ctx, stranger, token), idp.ErrMore)
		wantErr(t, h.Verify(ctx, idp.Actor{User: "eve", Session: "s"}, token), idp.ErrMore)
		h.clock.Pass(23 * time.Hour)
		must(t, h.Verify(ctx, by, token))
		now := h.user(t, u.ID)
		if now.Email != "ada.king@example.org" || !now.EmailVerified || now.Login != now.Email {
			t.Errorf("%+v", now)
		}
		if got, err := h.Service.Users.ByIdentifier(ctx, "ada.king@example.org"); err != nil || got.ID != u.ID {
			t.Errorf("%s, %v", got.ID, err)
		}
		_, err := h.Service.Users.ByIdentifier(ctx, "ada@example.org")
		wantErr(t, err, idp.ErrNotFound)
		told := 0
		for _, m := range h.mails(t) {
			if strings.HasPrefix(m, "ada@example.org\n") && strings.Contains(m, "/not-me/") {
				told++
			}
		}
		if told != 2 {
			t.Errorf("the old address was told %d times", told)
		}
		wantErr(t, h.Verify(ctx, by, token), idp.ErrExpired)
		h.event(t, "email.change")
	})
}

// M-05, A-13: a change of address takes a recent proof of everything, and an
// address.
func TestEmailChangeRefused(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		by := h.acting(u)
		half := by
		half.Proofs = by.Proofs[:1]
		wantErr(t, s.AskEmail(ctx, half, "new@example.org"), idp.ErrMore)
		for _, typed := range []string{"", "nothing", "a@b\r\nBcc: c@d", "Ada <a@example.org>", "аda@example.org", strings.Repeat("x", 250) + "@example.org", "ada@straße.example", "ada@ﬁrma.example"} {
			wantErr(t, s.AskEmail(ctx, by, typed), idp.ErrInvalid)
		}
		wantErr(t, s.AskEmail(ctx, by, "ADA@example.org"), account.ErrSame)
		h.clock.Pass(5*time.Minute + 1)
		wantErr(t, s.AskEmail(ctx, by, "new@example.org"), idp.ErrMore)
		if len(h.mails(t)) != 0 {
			t.Error(h.mails(t))
		}
	})
}

// E-01: an address that somebody has, or that looks like theirs, gets the same
// answer, the same number of mails and the same event; only its reader learns
// that it cannot be used.
func TestEmailTaken(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		h.add(t, func(in *account.New) { in.Login, in.Email, in.Name = "bob", "bob@example.org", "Robert" })
		h.add(t, func(in *account.New) { in.Login, in.Email = "rac", "rac@example.org" })
		for i, address := range []string{"free@example.org", "bob@example.org", "гас@example.org"} {
			h.clock.Pass(time.Minute)
			before := len(h.mails(t))
			must(t, s.AskEmail(ctx, h.acting(u), address))
			all := h.mails(t)
			if len(all) != before+2 {
				t.Errorf("%s: %d mails", address, len(all)-before)
			}
			links := 0
			for _, m := range all[:2] {
				if strings.HasPrefix(m, address+"\n") && strings.Contains(m, "/verify/") {
					links++
				}
				if strings.Contains(m, "Robert") {
					t.Errorf("a mail tells of its owner:\n%s", m)
				}
			}
			if (links == 1) != (i == 0) {
				t.Errorf("%s: %d links", address, links)
			}
		}
		// Somebody takes the address between the mail and its click.
		h.clock.Pass(time.Minute)
		must(t, s.AskEmail(ctx, h.acting(u), "late@example.org"))
		token := h.token(t, "verify")
		h.add(t, func(in *account.New) { in.Login, in.Email = "late", "late@example.org" })
		wantErr(t, h.Verify(ctx, h.acting(u), token), idp.ErrExpired)
		if h.user(t, u.ID).Email != u.Email {
			t.Error("an address has two owners")
		}
	})
}

// E-09: an address is confirmed by the token that was mailed to it, while it is
// the account's.
func TestConfirmEmail(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s := t.Context(), h.self()
		u := h.add(t, func(in *account.New) { in.Verified = false })
		must(t, s.ConfirmEmail(ctx, h.acting(u)))
		old := h.token(t, "verify")
		h.clock.Pass(time.Minute)
		must(t, s.ConfirmEmail(ctx, h.acting(u)))
		token := h.token(t, "verify")
		wantErr(t, h.Verify(ctx, h.acting(u), old), idp.ErrExpired) // a newer one is out
		email := "other@example.org"
		_, err := h.Service.Update(ctx, host, u.ID, account.Change{Email: &email})
		must(t, err)
		wantErr(t, h.Verify(ctx, h.acting(u), token), idp.ErrExpired)
		if h.user(t, u.ID).EmailVerified {
			t.Fatal("a token for one address has confirmed another")
		}
		h.clock.Pass(time.Minute)
		must(t, s.ConfirmEmail(ctx, h.acting(u)))
		must(t, h.Verify(ctx, h.acting(u), h.token(t, "verify")))
		if now := h.user(t, u.ID); !now.EmailVerified || now.Email != email || now.Login != u.Login {
			t.Errorf("%+v", now)
		}
		h.clock.Pass(time.Minute)
		wantErr(t, s.ConfirmEmail(ctx, h.acting(u)), account.ErrSame)
		if m := strings.Join(h.mails(t), "\n"); strings.Contains(m, "now has another email address") {
			t.Error("a confirmation was told as a change")
		}
	})
}

// B-11: one such mail a minute, five an hour, and three an hour to one address,
// whoever asks.
func TestVerifyLimits(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		must(t, s.AskEmail(ctx, h.acting(u), "a@example.org"))
		wantErr(t, s.AskEmail(ctx, h.acting(u), "b@example.org"), mfa.ErrLocked)
		for range 4 {
			h.clock.Pass(time.Minute)
			must(t, s.AskEmail(ctx, h.acting(u), strings.ToLower(h.clock.Now().Format("t150405"))+"@example.org"))
		}
		h.clock.Pass(time.Minute)
		wantErr(t, s.AskEmail(ctx, h.acting(u), "c@example.org"), mfa.ErrLocked)
		for i := range 4 {
			who := h.add(t, func(in *account.New) {
				in.Login, in.Email = "user"+string(rune('a'+i)), "user"+string(rune('a'+i))+"@example.org"
			})
			err := s.AskEmail(ctx, h.acting(who), "victim@example.org")
			if i < 3 {
				must(t, err)
			} else {
				wantErr(t, err, mfa.ErrLocked)
			}
		}
	})
}

// E-04, E-09: of many who follow the link at once one confirms it.
func TestVerifyRace(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		must(t, s.AskEmail(ctx, h.acting(u), "ada.king@example.org"))
		token := h.token(t, "verify")
		var won atomic.Int64
		parallel(func(int) {
			switch err := h.Verify(ctx, h.acting(u), token); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, idp.ErrSpent) && !errors.Is(err, idp.ErrExpired):
				t.Error(err)
			}
		})
		if won.Load() != 1 || h.user(t, u.ID).Email != "ada.king@example.org" {
			t.Errorf("%d winners", won.Load())
		}
	})
}

// A wish to leave is noted and told once a day, where it may be said; nothing
// goes by itself.
func TestAskClosing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, s, u := t.Context(), h.self(), h.add(t, nil)
		wantErr(t, s.AskClosing(ctx, h.acting(u)), idp.ErrDenied)
		s.Desk = message.Desk{Notices: h.Service.Notify.(*message.Notices), Admin: "desk@example.org"}
		by := h.acting(u)
		by.Proofs = nil
		wantErr(t, s.AskClosing(ctx, by), idp.ErrMore)
		must(t, s.AskClosing(ctx, h.acting(u)))
		wantErr(t, s.AskClosing(ctx, h.acting(u)), mfa.ErrLocked)
		h.event(t, "account.close")
		if all := h.mails(t); len(all) != 2 || !strings.Contains(strings.Join(all, ""), "desk@example.org\n") {
			t.Errorf("%d mails: %s", len(all), all)
		}
		if now := h.user(t, u.ID); now.Disabled || now.Epoch != u.Epoch {
			t.Errorf("%+v", now)
		}
	})
}
