package security_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
)

// doors are the use cases, each with an account to do it on.
func doors(h *house, u idp.User, app mfa.CredentialID) map[string]func(by idp.Actor) error {
	ctx := h.t.Context()
	return map[string]func(by idp.Actor) error{
		"look":    func(by idp.Actor) error { _, err := h.Overview(ctx, by, u.ID); return err },
		"history": func(by idp.Actor) error { _, _, err := h.History(ctx, by, u.ID, idp.Cursor{}, 10); return err },
		"add":     func(by idp.Actor) error { _, err := h.BeginAdd(ctx, by, u.ID, "totp", ""); return err },
		"codes":   func(by idp.Actor) error { _, err := h.BeginAdd(ctx, by, u.ID, "backup", ""); return err },
		"remove":  func(by idp.Actor) error { return h.RemoveFactor(ctx, by, u.ID, app, false) },
		"off":     func(by idp.Actor) error { _, err := h.TurnOff(ctx, by, u.ID, pass, "", false); return err },
		"password": func(by idp.Actor) error {
			_, err := h.ChangePassword(ctx, by, u.ID, pass, "another lantern in the dark", "")
			return err
		},
		"forget": func(by idp.Actor) error { return h.ForgetDevices(ctx, by, u.ID) },
		"end":    func(by idp.Actor) error { return h.EndOtherSessions(ctx, by, u.ID) },
		"not me": func(by idp.Actor) error { _, err := h.NotMe(ctx, by, u.ID, "x", ""); return err },
	}
}

// M-05, S-06: whatever changes something takes a proof of everything that the
// person has, not older than five minutes. The use case asks, not only the page.
func TestRecentProof(t *testing.T) {
	for name := range doors(&house{t: t}, idp.User{}, "") {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			u := h.add("ada", secret, "")
			u = h.user(u.ID)
			looks := name == "look" || name == "history"
			door := doors(h, u, h.held(u)[0].ID)[name]
			half := h.sit(u, idp.Password)
			whole := h.sit(u, idp.Password, "totp")
			device := h.sit(u, idp.Password, idp.Device)
			for who, by := range map[string]idp.Actor{"without the factor": half, "by a trusted device": device} {
				if err := door(by); errors.Is(err, idp.ErrMore) == looks {
					t.Errorf("%s: %v", who, err)
				}
			}
			if err := door(idp.Actor{User: u.ID}); !errors.Is(err, idp.ErrDenied) {
				t.Errorf("without a session: %v", err)
			}
			h.clock.Pass(5*time.Minute + time.Second)
			if err := door(whole); errors.Is(err, idp.ErrMore) == looks {
				t.Errorf("after five minutes: %v", err)
			}
			if err := door(h.sit(u, idp.Password, "totp")); errors.Is(err, idp.ErrMore) || errors.Is(err, idp.ErrDenied) {
				t.Errorf("with a fresh proof: %v", err)
			}
		})
	}
}

// D-01, D-02, D-07: others only by their role, never over a higher one, and
// never what makes a secret; each refusal is in the log.
func TestOthers(t *testing.T) {
	mayHelp := []string{"look", "history", "remove", "forget", "end"}
	for _, c := range []struct {
		by, whose idp.Role
		may       []string
	}{
		{"", "", nil},
		{idp.Auditor, "", []string{"look", "history"}},
		{idp.HelpDesk, "", mayHelp},
		{idp.HelpDesk, idp.Admin, nil},
		{idp.Admin, idp.HelpDesk, mayHelp},
		{idp.Admin, idp.Owner, nil},
		{idp.Owner, idp.Owner, mayHelp},
	} {
		for name := range doors(&house{t: t}, idp.User{}, "") {
			t.Run(string(c.by)+" "+string(c.whose)+" "+name, func(t *testing.T) {
				h := open(t)
				ada, eve := h.add("ada", secret, c.whose), h.add("eve", secret, c.by)
				door := doors(h, ada, h.held(ada)[0].ID)[name]
				err := door(h.sit(h.user(eve.ID), idp.Password, "totp"))
				if may := slices.Contains(c.may, name); may && err != nil || !may && !errors.Is(err, idp.ErrDenied) {
					t.Errorf("%v", err)
				} else if denied := slices.ContainsFunc(h.events(ada), func(e string) bool { return e[len(e)-7:] == " denied" }); denied == may {
					t.Errorf("the log has %q", h.events(ada))
				}
				if slices.Contains(c.may, name) && name != "look" && name != "history" {
					if err := door(h.sit(h.user(eve.ID), idp.Password)); !errors.Is(err, idp.ErrMore) {
						t.Errorf("without their own factor: %v", err)
					}
				}
			})
		}
	}
}

// The gate of a page asks what the use case asks.
func TestNeedFor(t *testing.T) {
	now := time.Now()
	if n := security.NeedFor(security.Look, now); !n.Since.IsZero() || n.Every {
		t.Errorf("to look: %+v", n)
	}
	for _, act := range []security.Act{security.AddFactor, security.RemoveFactor, security.Forget, security.EndSession, security.NewPassword, security.TurnOff, security.NotMe} {
		if n := security.NeedFor(act, now); n.Since.Before(now.Add(-5*time.Minute)) || !n.Every {
			t.Errorf("%s: %+v", act, n)
		}
	}
}
