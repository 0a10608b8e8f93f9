package security_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
)

// wizard leads an app to its last step.
func (h *house) wizard(by idp.Actor) (ticket, secret string) {
	h.t.Helper()
	a, err := h.BeginAdd(h.t.Context(), by, by.User, "totp", "")
	h.must(err)
	if a.Codes.Shape == "" {
		return a.Ticket, a.Ask.Secret
	}
	kept, err := h.Keep(h.t.Context(), by, by.User, a.Ticket)
	h.must(err)
	return kept, a.Ask.Secret
}

// newSet gives somebody a set of backup codes.
func (h *house) newSet(by idp.Actor) []string {
	h.t.Helper()
	a, err := h.BeginAdd(h.t.Context(), by, by.User, backup.Kind, "")
	h.must(err)
	_, err = h.ConfirmAdd(h.t.Context(), by, by.User, a.Ticket, security.Proof{Answer: mfa.Answer{Kept: true}})
	h.must(err)
	return a.Ask.Codes
}

// M-07, M-08: nothing is active before the last step; the wizard is its
// session's and its person's alone, and shows the same when reloaded.
func TestWizardIsBound(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada, eve := h.add("ada", "", ""), h.add("eve", "", "")
	by := h.sit(ada, idp.Password)
	a, err := h.BeginAdd(ctx, by, ada.ID, "totp", "")
	h.must(err)
	again, err := h.Adding(ctx, by, ada.ID, a.Ticket)
	if err != nil || again.Ask.Secret != a.Ask.Secret || len(again.Codes.Codes) != 10 || !slices.Equal(again.Codes.Codes, a.Codes.Codes) {
		t.Errorf("reloaded: %+v, %v", again, err)
	}
	right := security.Proof{Answer: mfa.Answer{Code: h.code(a.Ask.Secret)}}
	if _, err := h.ConfirmAdd(ctx, by, ada.ID, a.Ticket, right); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("before the codes are saved: %v", err)
	}
	kept, err := h.Keep(ctx, by, ada.ID, a.Ticket)
	h.must(err)
	for who, other := range map[string]idp.Actor{"another session": h.sit(ada, idp.Password), "somebody else": h.sit(eve, idp.Password)} {
		if _, err := h.ConfirmAdd(ctx, other, other.User, kept, right); !errors.Is(err, mfa.ErrExpired) {
			t.Errorf("%s: %v", who, err)
		}
	}
	if _, err := h.ConfirmAdd(ctx, by, ada.ID, "x"+kept, right); !errors.Is(err, mfa.ErrExpired) {
		t.Errorf("a forged ticket: %v", err)
	}
	if _, err := h.ConfirmAdd(ctx, by, ada.ID, kept, security.Proof{Answer: mfa.Answer{Code: "000000"}}); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a wrong code: %v", err)
	}
	if ks := h.kinds(ada); len(ks) != 0 || len(h.mails()) != 0 {
		t.Errorf("before the last step: %q, mails %q", ks, h.mails())
	}
	_, err = h.ConfirmAdd(ctx, by, ada.ID, kept, right)
	h.must(err)
	if ks := h.kinds(ada); !slices.Equal(ks, []mfa.Kind{"backup", "totp"}) {
		t.Errorf("after it: %q", ks)
	}
}

// M-01, M-18, S-01, S-08: with the first factor the session in which it was added
// goes on, under a new id and with the proof; others end, or are asked for it.
func TestFirstFactor(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.t, h.t.Context()
		ada := h.add("ada", "", "")
		by, old := h.sitting(ada, idp.Password)
		_, elsewhere := h.sitting(ada, idp.Password)
		ticket, key := h.wizard(by)
		done, err := h.ConfirmAdd(ctx, by, ada.ID, ticket, security.Proof{Answer: mfa.Answer{Code: h.code(key)}, Label: "  Pixel\n8 "})
		h.must(err)
		if h.alive(old) || !h.alive(done.Session) || !h.alive(elsewhere) || done.MaxAge <= 0 || done.MaxAge > 12*time.Hour {
			t.Errorf("old %v, new %v, elsewhere %v, for %v", h.alive(old), h.alive(done.Session), h.alive(elsewhere), done.MaxAge)
		}
		if _, _, err := h.SignIn.Gate(ctx, done.Session, idp.Need{}, by.Origin); err != nil {
			t.Errorf("the own session: %v", err)
		}
		if _, _, err := h.SignIn.Gate(ctx, elsewhere, idp.Need{}, by.Origin); !errors.Is(err, idp.ErrMore) {
			t.Errorf("a session from before: %v", err)
		}
		if got := h.mails(); !slices.Equal(got, []idp.NoticeKind{idp.FactorAdded}) {
			t.Errorf("mails %q", got)
		}
		n, u, err := h.db.Sessions.ByHash(ctx, hash(done.Session))
		h.must(err)
		i := slices.IndexFunc(h.held(u), func(c mfa.Credential) bool { return c.Kind == "totp" })
		if label := h.held(u)[i].Label; label != "Pixel 8" {
			t.Errorf("called %q", label)
		}
		// The second one, with everything else signed out.
		h.clock.Pass(time.Minute)
		by = idp.ActorOf(n, u, by.Origin)
		ticket, key = h.wizard(by)
		more, err := h.ConfirmAdd(ctx, by, ada.ID, ticket, security.Proof{Answer: mfa.Answer{Code: h.code(key)}, EndOthers: true})
		h.must(err)
		if more.Session != "" || !h.alive(done.Session) || h.alive(elsewhere) {
			t.Errorf("session %q, own %v, elsewhere %v", more.Session, h.alive(done.Session), h.alive(elsewhere))
		}
	})
}

// M-07, M-08: of twenty answers at once one makes a factor, with one set of codes.
func TestConfirmTogether(t *testing.T) {
	each(t, func(h *house) {
		ada := h.add("ada", "", "")
		by := h.sit(ada, idp.Password)
		ticket, key := h.wizard(by)
		errs := together(20, func(int) error {
			_, err := h.ConfirmAdd(h.t.Context(), by, ada.ID, ticket, security.Proof{Answer: mfa.Answer{Code: h.code(key)}})
			return err
		})
		if ks := h.kinds(ada); !slices.Equal(ks, []mfa.Kind{"backup", "totp"}) || wins(errs) != 1 {
			h.t.Errorf("%d won: %q", wins(errs), ks)
		}
		if ss, err := h.db.Sessions.Of(h.t.Context(), ada.ID); err != nil || len(ss) != 1 {
			h.t.Errorf("%d sessions, %v", len(ss), err)
		}
	})
}

// T-09, T-12: twenty new sets at once leave one, and no code of any other works;
// so do first sets from several sessions.
func TestRenewTogether(t *testing.T) {
	for name, secret := range map[string]string{"a set in place of one": secret, "the first set": ""} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				ctx := h.t.Context()
				ada := h.add("ada", secret, "")
				ada = h.user(ada.ID)
				if secret != "" {
					h.newSet(h.sit(ada, idp.Password, "totp"))
				}
				const n = 20
				type one struct {
					by     idp.Actor
					ticket string
					code   string
					answer mfa.Answer
				}
				all := make([]one, n)
				for i := range all {
					by := h.sit(ada, idp.Password, "totp")
					if secret == "" {
						a, err := h.BeginAdd(ctx, by, ada.ID, "totp", "")
						h.must(err)
						kept, err := h.Keep(ctx, by, ada.ID, a.Ticket)
						h.must(err)
						all[i] = one{by, kept, a.Codes.Codes[0], mfa.Answer{Code: h.code(a.Ask.Secret)}}
						continue
					}
					a, err := h.BeginAdd(ctx, by, ada.ID, backup.Kind, "")
					h.must(err)
					all[i] = one{by, a.Ticket, a.Ask.Codes[0], mfa.Answer{Kept: true}}
				}
				errs := together(n, func(i int) error {
					_, err := h.ConfirmAdd(ctx, all[i].by, ada.ID, all[i].ticket, security.Proof{Answer: all[i].answer})
					return err
				})
				sets := 0
				for _, c := range h.held(ada) {
					if c.Kind == backup.Kind {
						sets++
					}
				}
				if sets != 1 || wins(errs) == 0 {
					h.t.Fatalf("%d won, %d sets: %v", wins(errs), sets, errs)
				}
				good := 0
				for _, o := range all {
					held := h.held(ada)
					set := held[slices.IndexFunc(held, func(c mfa.Credential) bool { return c.Kind == backup.Kind })]
					f := backup.Factor{Hash: h.Passwords.(hashing).Key}
					if _, err := f.Check(ctx, mfa.Subject{ID: mfa.SubjectID(ada.ID)}, []mfa.Credential{set}, nil, mfa.Answer{Code: o.code}); err == nil {
						good++
					}
				}
				if good != 1 {
					h.t.Errorf("codes of %d sets work", good)
				}
			})
		})
	}
}

// T-12, M-07: the old codes die when the new ones are said to be saved, not
// before.
func TestRenewCodes(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada := h.user(h.add("ada", secret, "").ID)
	by := h.sit(ada, idp.Password, "totp")
	first := h.newSet(by)
	next, err := h.BeginAdd(ctx, by, ada.ID, backup.Kind, "")
	h.must(err)
	if _, err := h.ConfirmAdd(ctx, by, ada.ID, next.Ticket, security.Proof{}); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("not saved: %v", err)
	}
	works := func(code string) bool {
		c, err := h.Factors.Ask(ctx, ada.Subject(), backup.Kind, "test")
		h.must(err)
		_, err = h.Factors.Check(ctx, ada.Subject(), c.ID, "test", mfa.Answer{Code: code}, nil)
		return err == nil
	}
	if !works(first[0]) || works(next.Ask.Codes[0]) {
		t.Error("a code of the new set works before it is saved, or the old one does not")
	}
	_, err = h.ConfirmAdd(ctx, by, ada.ID, next.Ticket, security.Proof{Answer: mfa.Answer{Kept: true}})
	h.must(err)
	if works(first[1]) || !works(next.Ask.Codes[0]) {
		t.Error("a code of the old set works, or the new one does not")
	}
	if got := h.mails(); !slices.Equal(got, []idp.NoticeKind{idp.CodesRenewed, idp.CodesRenewed}) {
		t.Errorf("mails %q", got)
	}
}

// Backup codes stand in for something; policy says what may be added (M-16).
func TestAddable(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada := h.add("ada", "", "")
	by := h.sit(ada, idp.Password)
	if _, err := h.BeginAdd(ctx, by, ada.ID, backup.Kind, ""); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("backup codes alone: %v", err)
	}
	if _, err := h.BeginAdd(ctx, by, ada.ID, "temporary", ""); !errors.Is(err, mfa.ErrNoFactor) {
		t.Errorf("a temporary code: %v", err)
	}
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "backup"}})
	var refused *security.RefusedError
	if _, err := h.BeginAdd(ctx, by, ada.ID, "sms", "06 12 34 56 78"); !errors.As(err, &refused) || !slices.Equal(refused.Policies, []string{"staff"}) {
		t.Errorf("SMS, which policy does not name: %v", err)
	}
}

// T-14, M-16: a number is added when a code sent to it comes back; it is read as
// people of the country write it.
func TestPhone(t *testing.T) {
	h, ctx := open(t), t.Context()
	ada := h.add("ada", "", "")
	by := h.sit(ada, idp.Password)
	for _, typed := range []string{"", "12", "abc", "+33 1", "+1 900 555 0100"} {
		if _, err := h.BeginAdd(ctx, by, ada.ID, "sms", typed); !errors.Is(err, security.ErrUnusable) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	a, err := h.BeginAdd(ctx, by, ada.ID, "sms", "06 12 34 56 78")
	h.must(err)
	if a.Phone != "+33612345678" || h.posts.last.To != a.Phone || !h.posts.last.Adding {
		t.Errorf("%q, sent to %q", a.Phone, h.posts.last.To)
	}
	if u := h.user(ada.ID); u.Phone != "" || len(u.Factors) != 0 {
		t.Errorf("before the code: %+v", u)
	}
	done, err := h.ConfirmAdd(ctx, by, ada.ID, a.Ticket, security.Proof{Answer: mfa.Answer{Code: h.posts.last.Code}})
	h.must(err)
	if u := h.user(ada.ID); u.Phone != a.Phone || !u.PhoneVerified || !slices.Equal(u.Factors, []mfa.Kind{"sms"}) || !done.NoCodes || done.Session == "" {
		t.Errorf("after it: %+v, %+v", u, done)
	}
	n, u, err := h.db.Sessions.ByHash(ctx, hash(done.Session))
	h.must(err)
	if _, err := h.BeginAdd(ctx, idp.ActorOf(n, u, by.Origin), ada.ID, "sms", "+33612345678"); !errors.Is(err, idp.ErrTaken) {
		t.Errorf("the same number once more: %v", err)
	}
}
