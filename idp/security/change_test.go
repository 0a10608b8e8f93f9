package security_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// app adds one more app and returns its credential.
func (h *house) app(by idp.Actor) mfa.CredentialID {
	h.t.Helper()
	before := h.held(h.user(by.User))
	ticket, key := h.wizard(by)
	_, err := h.ConfirmAdd(h.t.Context(), by, by.User, ticket, security.Proof{Answer: mfa.Answer{Code: h.code(key)}})
	h.must(err)
	for _, c := range h.held(h.user(by.User)) {
		if c.Kind == "totp" && !slices.ContainsFunc(before, func(o mfa.Credential) bool { return o.ID == c.ID }) {
			return c.ID
		}
	}
	h.t.Fatal("no app was added")
	return ""
}

// M-09: a factor can be removed as long as policy has what it wants; the last
// one goes with the password only. Trust that began with it goes, too.
func TestRemove(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada := h.user(h.add("ada", secret, "").ID)
		by := h.sit(ada, idp.Password, "totp")
		old := h.held(ada)[0].ID
		if err := h.RemoveFactor(ctx, by, ada.ID, old, false); !errors.Is(err, security.ErrLast) {
			t.Errorf("the last one: %v", err)
		}
		added := h.app(by) // with backup codes
		device, _ := h.trust(ada)
		if err := h.RemoveFactor(ctx, by, ada.ID, old, false); err != nil {
			t.Errorf("one of two: %v", err)
		}
		if ds, err := h.Devices.Of(ctx, mfa.SubjectID(ada.ID)); err != nil || len(ds) != 0 {
			t.Errorf("%s is still trusted: %v", device, err)
		}
		if err := h.RemoveFactor(ctx, by, ada.ID, added, false); !errors.Is(err, security.ErrLast) {
			t.Errorf("the last one but for backup codes: %v", err)
		}
		if err := h.RemoveFactor(ctx, by, ada.ID, old, false); !errors.Is(err, mfa.ErrNotHeld) {
			t.Errorf("again: %v", err)
		}
		if got := h.mails(); got[len(got)-1] != idp.FactorRemoved || !slices.Contains(h.events(ada), "factor.remove ok") {
			t.Errorf("mails %q, events %q", got, h.events(ada))
		}
		other := h.add("eve", secret, "")
		if err := h.RemoveFactor(ctx, by, ada.ID, h.held(other)[0].ID, false); !errors.Is(err, mfa.ErrNotHeld) || len(h.held(other)) != 1 {
			t.Errorf("somebody else's: %v", err)
		}
	})
}

// M-09: policy refuses with its name, wherever it would be asked.
func TestRemoveAgainstPolicy(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada := h.user(h.add("ada", secret, "").ID)
	by := h.sit(ada, idp.Password, "totp")
	email, err := h.BeginAdd(ctx, by, ada.ID, "sms", "+33698765432")
	h.must(err)
	_, err = h.ConfirmAdd(ctx, by, ada.ID, email.Ticket, security.Proof{Answer: mfa.Answer{Code: h.posts.last.Code}})
	h.must(err)
	h.must(h.db.Policies.Apply(ctx, []policy.Policy{{
		Name: "odoo-needs-an-app", Enabled: true, Whom: policy.Whom{Everyone: true}, Where: policy.Where{Clients: []string{"odoo"}},
		What: policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp"}},
	}}))
	app := h.held(ada)[slices.IndexFunc(h.held(ada), func(c mfa.Credential) bool { return c.Kind == "totp" })].ID
	var refused *security.RefusedError
	if err := h.RemoveFactor(ctx, by, ada.ID, app, false); !errors.As(err, &refused) || !slices.Equal(refused.Policies, []string{"odoo-needs-an-app"}) {
		t.Errorf("the app: %v", err)
	}
	if _, err := h.TurnOff(ctx, by, ada.ID, pass, "", false); !errors.As(err, &refused) {
		t.Errorf("turning off: %v", err)
	}
	o, err := h.Overview(ctx, by, ada.ID)
	if err != nil || !slices.Equal(o.Refused, []string{"odoo-needs-an-app"}) {
		t.Errorf("the page says %q, %v", o.Refused, err)
	}
	if ks := h.kinds(ada); !slices.Equal(ks, []mfa.Kind{"sms", "totp"}) {
		t.Errorf("%q are left", ks)
	}
}

// M-15: what policy asks of administrators is not turned off by one, whatever
// their role; everybody else may.
func TestTurnOffAsAdministrator(t *testing.T) {
	h, ctx := open(t), t.Context()
	h.must(h.db.Policies.Apply(ctx, []policy.Policy{{
		Name: "admins", Enabled: true, Whom: policy.Whom{Administrators: true}, What: policy.What{Assurance: policy.MFA},
	}}))
	for i, role := range []idp.Role{idp.Owner, idp.Admin, idp.Auditor, idp.HelpDesk, ""} {
		u := h.user(h.add("ada"+strconv.Itoa(i), secret, role).ID)
		_, err := h.TurnOff(ctx, h.sit(u, idp.Password, "totp"), u.ID, pass, "", false)
		if refused := errors.Is(err, security.ErrPolicy); refused != (role != "") || err != nil && !refused {
			t.Errorf("role %q: %v", role, err)
		}
	}
}

// Of two factors that are removed at once one stays: each removal has seen the
// other's.
func TestRemoveTogether(t *testing.T) {
	each(t, func(h *house) {
		ada := h.user(h.add("ada", secret, "").ID)
		by := h.sit(ada, idp.Password, "totp")
		both := []mfa.CredentialID{h.held(ada)[0].ID, h.app(by)}
		errs := together(20, func(i int) error { return h.RemoveFactor(h.t.Context(), by, ada.ID, both[i%2], false) })
		if ks := h.kinds(ada); wins(errs) != 1 || !slices.Equal(ks, []mfa.Kind{"backup", "totp"}) {
			h.t.Errorf("%d won, %q are left", wins(errs), ks)
		}
	})
}

// M-06: off takes the password beside a factor; everything goes, and the session
// goes on.
func TestTurnOff(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada := h.user(h.add("ada", secret, "").ID)
		by, token := h.sitting(ada, idp.Password, "totp")
		h.newSet(by)
		h.trust(ada)
		if _, err := h.TurnOff(ctx, by, ada.ID, "wrong", "", true); !errors.Is(err, idp.ErrBadLogin) || len(h.kinds(ada)) != 2 {
			t.Errorf("a wrong password: %v", err)
		}
		_, elsewhere := h.sitting(ada, idp.Password, "totp")
		short, err := h.TurnOff(ctx, by, ada.ID, pass, "", true)
		h.must(err)
		if short {
			t.Error("the password is called short")
		}
		if ks := h.kinds(ada); len(ks) != 0 || !h.alive(token) || h.alive(elsewhere) {
			t.Errorf("%q are left, own session %v, elsewhere %v", ks, h.alive(token), h.alive(elsewhere))
		}
		if ds, _ := h.Devices.Of(ctx, mfa.SubjectID(ada.ID)); len(ds) != 0 {
			t.Error("a device is still trusted")
		}
		if got := h.mails(); got[len(got)-1] != idp.TwoStepOff {
			t.Errorf("mails %q", got)
		}
		if _, err := h.TurnOff(ctx, by, ada.ID, pass, "", true); !errors.Is(err, mfa.ErrNotHeld) {
			t.Errorf("twice: %v", err)
		}
	})
}

// a password that was long enough beside a factor may not be without.
func TestTurnOffWithShortPassword(t *testing.T) {
	h, ctx := open(t), t.Context()
	u, err := h.accounts.Add(ctx, host, account.New{Login: "ada", TOTPSecret: secret, Password: "qz7-Wolke"})
	h.must(err)
	short, err := h.TurnOff(ctx, h.sit(h.user(u.ID), idp.Password, "totp"), u.ID, "qz7-Wolke", "", false)
	if err != nil || !short {
		t.Errorf("%v, %v", short, err)
	}
}

// A-05, B-01, B-07: a wrong current password counts as at the sign-in, over all
// doors; then the right one is refused, too.
func TestWrongPasswordCounts(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada := h.user(h.add("ada", secret, "").ID)
		by := h.sit(ada, idp.Password, "totp")
		next := "another lantern in the dark"
		for i := range 10 {
			var err error
			if i%2 == 0 {
				_, err = h.ChangePassword(ctx, by, ada.ID, "wrong", next, "")
			} else {
				_, err = h.TurnOff(ctx, by, ada.ID, "wrong", "", false)
			}
			if !errors.Is(err, idp.ErrBadLogin) {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		if _, err := h.ChangePassword(ctx, by, ada.ID, pass, next, ""); !errors.Is(err, mfa.ErrLocked) {
			t.Errorf("the right one during the lock: %v", err)
		}
		f, err := h.SignIn.Begin(ctx, signin.Start{Browser: "b", ReturnTo: "/"})
		h.must(err)
		ticket, err := h.SignIn.Ticket(f)
		h.must(err)
		v, err := h.SignIn.Load(ctx, ticket, "b", by.Origin)
		h.must(err)
		if _, err := h.SignIn.Password(ctx, v, "ada", pass, signin.Marks{}); !errors.Is(err, idp.ErrBadLogin) {
			t.Errorf("the sign-in during the lock: %v", err)
		}
		if !slices.Contains(h.events(ada), "password.change locked") || !slices.Contains(h.mails(), idp.Locked) {
			t.Errorf("events %q, mails %q", h.events(ada), h.mails())
		}
		if h.user(ada.ID).Password != ada.Password {
			t.Error("the password has changed")
		}
	})
}

// S-01, S-05, E-08: a new password ends everything else; the session in which it
// is set goes on under a new id.
func TestChangePassword(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada := h.user(h.add("ada", secret, "").ID)
		by, old := h.sitting(ada, idp.Password, "totp")
		_, elsewhere := h.sitting(ada, idp.Password, "totp")
		_, helped := h.trust(ada)
		for name, c := range map[string]struct {
			next string
			want error
		}{
			"too short":      {"short-7", idp.ErrInvalid},
			"common":         {"password1", idp.ErrInvalid},
			"too long":       {strings.Repeat("ä", 257), idp.ErrInvalid},
			"the same again": {pass, security.ErrSame},
		} {
			if _, err := h.ChangePassword(ctx, by, ada.ID, pass, c.next, ""); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !h.alive(old) || !h.alive(elsewhere) {
			t.Error("a refused change has ended a session")
		}
		done, err := h.ChangePassword(ctx, by, ada.ID, pass, "another lantern in the dark", "")
		h.must(err)
		if h.alive(old) || h.alive(elsewhere) || h.alive(helped) || !h.alive(done.Session) || done.Known == "" {
			t.Errorf("old %v, elsewhere %v, helped %v, new %v, known %q", h.alive(old), h.alive(elsewhere), h.alive(helped), h.alive(done.Session), done.Known)
		}
		if _, _, err := h.SignIn.Gate(ctx, done.Session, idp.Need{}, by.Origin); err != nil {
			t.Errorf("the own session: %v", err)
		}
		if ds, _ := h.Devices.Of(ctx, mfa.SubjectID(ada.ID)); len(ds) != 0 {
			t.Error("a device is still trusted")
		}
		if right, _, err := h.Passwords.Check(ctx, h.user(ada.ID).Password, "another lantern in the dark"); !right || err != nil {
			t.Errorf("the new one does not work: %v", err)
		}
	})
}

// Twenty changes at once: one wins, and its session is the only one.
func TestChangePasswordTogether(t *testing.T) {
	each(t, func(h *house) {
		ada := h.user(h.add("ada", secret, "").ID)
		by := h.sit(ada, idp.Password, "totp")
		errs := together(10, func(i int) error {
			_, err := h.ChangePassword(h.t.Context(), by, ada.ID, pass, "another lantern in the dark "+string(rune('a'+i)), "")
			return err
		})
		ss, err := h.db.Sessions.Of(h.t.Context(), ada.ID)
		h.must(err)
		if wins(errs) != 1 || len(ss) != 1 || h.user(ada.ID).Epoch != ada.Epoch+1 {
			h.t.Errorf("%d won, %d sessions, epoch %d: %v", wins(errs), len(ss), h.user(ada.ID).Epoch, errs)
		}
	})
}

// S-06: one's own devices and sessions, and nobody else's; what came from them
// ends with them.
func TestEndAndForget(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada, eve := h.user(h.add("ada", secret, "").ID), h.add("eve", "", "")
		by, own := h.sitting(ada, idp.Password, "totp")
		other, token := h.sitting(ada, idp.Password, "totp")
		theirs, _ := h.sitting(eve, idp.Password)
		grant := func(id idp.SessionID, signature string) {
			h.must(h.db.Grants.Put(ctx, oidc.Grant{
				Kind: oidc.KindAccess, Signature: signature, Family: signature, Client: "c", User: ada.ID, Session: id, Payload: []byte("x"), Expires: h.clock.Now().Add(time.Hour),
			}))
		}
		spent := func(signature string) bool {
			g, _, err := h.db.Grants.Get(ctx, oidc.KindAccess, signature)
			return err != nil || g.Spent
		}
		grant(by.Session, "mine")
		grant(other.Session, "other")
		if err := h.EndSession(ctx, by, ada.ID, theirs.Session); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("somebody else's session: %v", err)
		}
		h.must(h.EndSession(ctx, by, ada.ID, other.Session))
		if h.alive(token) || !h.alive(own) || !spent("other") || spent("mine") {
			t.Errorf("other %v, own %v, tokens: other %v, mine %v", h.alive(token), h.alive(own), spent("other"), spent("mine"))
		}
		third, token := h.sitting(ada, idp.Password)
		grant(third.Session, "third")
		h.must(h.EndOtherSessions(ctx, by, ada.ID))
		if h.alive(token) || !h.alive(own) || !spent("third") || spent("mine") {
			t.Errorf("end others: third %v, own %v, tokens: third %v, mine %v", h.alive(token), h.alive(own), spent("third"), spent("mine"))
		}
		a, first := h.trust(ada)
		_, second := h.trust(ada)
		if err := h.ForgetDevice(ctx, h.sit(eve, idp.Password), eve.ID, a); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("somebody else's device: %v", err)
		}
		h.must(h.ForgetDevice(ctx, by, ada.ID, a))
		if h.alive(first) || !h.alive(second) || !h.alive(own) {
			t.Errorf("after one: %v, %v, own %v", h.alive(first), h.alive(second), h.alive(own))
		}
		h.must(h.ForgetDevices(ctx, by, ada.ID))
		if ds, _ := h.Devices.Of(ctx, mfa.SubjectID(ada.ID)); len(ds) != 0 || h.alive(second) || !h.alive(own) {
			t.Errorf("after all: %d, %v, own %v", len(ds), h.alive(second), h.alive(own))
		}
	})
}

// "It was not me" puts everybody out but whoever says so.
func TestNotMe(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada := h.user(h.add("ada", secret, "").ID)
		by, old := h.sitting(ada, idp.Password, "totp")
		_, thief := h.sitting(ada, idp.Password, "totp")
		_, helped := h.trust(ada)
		done, err := h.NotMe(ctx, by, ada.ID, "EVENT", "")
		h.must(err)
		if h.alive(old) || h.alive(thief) || h.alive(helped) || !h.alive(done.Session) {
			t.Errorf("old %v, thief %v, helped %v, new %v", h.alive(old), h.alive(thief), h.alive(helped), h.alive(done.Session))
		}
		if u := h.user(ada.ID); u.Epoch != ada.Epoch+1 || !slices.Contains(h.events(ada), "user.not_me ok") {
			t.Errorf("epoch %d, events %q", u.Epoch, h.events(ada))
		}
	})
}

// Somebody without a password, who signs in with passkeys, gets one without
// giving any, and cannot turn off what they sign in with.
func TestNoPassword(t *testing.T) {
	h, ctx := open(t), t.Context()
	u, err := h.accounts.Add(ctx, host, account.New{Login: "ada", TOTPSecret: secret})
	h.must(err)
	u = h.user(u.ID)
	n := h.sit(u)
	n.Proofs = []idp.Proof{{Kind: idp.Passkey, Verified: true, At: h.clock.Now()}}
	if _, err := h.TurnOff(ctx, n, u.ID, "", "", false); !errors.Is(err, security.ErrLast) {
		t.Errorf("off: %v", err)
	}
	if _, err := h.ChangePassword(ctx, n, u.ID, "", "another lantern in the dark", ""); err != nil {
		t.Errorf("a first password: %v", err)
	}
}

// Names are cleaned, and stay those of their owner.
func TestRename(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada := h.user(h.add("ada", secret, "").ID)
	by := h.sit(ada, idp.Password, "totp")
	id := h.held(ada)[0].ID
	h.must(h.RenameFactor(ctx, by, ada.ID, id, "My\u202e phone\r\n"+strings.Repeat("x", 100)))
	if l := h.held(ada)[0].Label; !strings.HasPrefix(l, "My phone x") || len([]rune(l)) != 64 {
		t.Errorf("%q", l)
	}
	eve := h.sit(h.add("eve", "", ""), idp.Password)
	if err := h.RenameFactor(ctx, eve, eve.User, id, "stolen"); !errors.Is(err, mfa.ErrNotHeld) {
		t.Errorf("somebody else's: %v", err)
	}
}
