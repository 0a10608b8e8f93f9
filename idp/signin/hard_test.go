package signin_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/mfa/policy"
)

func (h *house) policies(ps ...policy.Policy) {
	h.t.Helper()
	if err := h.db.Policies.Apply(h.t.Context(), ps); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) wrong(known string, times int) {
	h.t.Helper()
	for range times {
		if _, err := h.password("wrong", known); !errors.Is(err, idp.ErrBadLogin) {
			h.t.Fatal(err)
		}
	}
}

// refused reports whether even the right password is.
func (h *house) refused(known string) bool {
	h.t.Helper()
	_, err := h.password(pass, known)
	if err != nil && !errors.Is(err, idp.ErrBadLogin) {
		h.t.Fatal(err)
	}
	return err != nil
}

// B-13, N-06, SECURITY.md decision 9: where a policy locks hard, ten wrong passwords
// over all browsers together lock the account for half an hour in all of them.
func TestHardLock(t *testing.T) {
	hard := policy.Policy{Name: "pci", Enabled: true, Whom: policy.Whom{Kind: "internal"}, What: policy.What{Lock: "hard"}}
	for _, c := range []struct {
		name string
		p    policy.Policy
		hard bool
	}{
		{"hard", hard, true},
		{"hard at one door", policy.Policy{Name: "pci", Enabled: true, Whom: hard.Whom, Where: policy.Where{Clients: []string{"pos"}}, What: hard.What}, true},
		{"of a word that is none", policy.Policy{Name: "pci", Enabled: true, Whom: hard.Whom, What: policy.What{Lock: "iron"}}, true},
		{"soft", policy.Policy{Name: "pci", Enabled: true, Whom: hard.Whom, What: policy.What{Lock: "soft"}}, false},
		{"of others", policy.Policy{Name: "pci", Enabled: true, Whom: policy.Whom{Kind: "portal"}, What: hard.What}, false},
		{"switched off", policy.Policy{Name: "pci", Whom: hard.Whom, What: hard.What}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			h.add(nil)
			h.policies(c.p)
			known := h.must(h.password(pass, "")).Known
			h.wrong("", 5)
			h.wrong(known, 5)
			if got := h.refused(known); got != c.hard {
				t.Errorf("the own browser is refused: %v", got)
			}
			if got := h.refused(""); got != c.hard {
				t.Errorf("another browser is refused: %v", got)
			}
			h.clock.Pass(29 * time.Minute)
			if got := h.refused(known); got != c.hard {
				t.Errorf("after 29 minutes refused: %v", got)
			}
			h.clock.Pass(31 * time.Minute)
			if h.refused(known) || h.refused("") {
				t.Error("the lock does not end")
			}
		})
	}
}

// A right password in between gives all tries back, in every browser.
func TestHardLockForgives(t *testing.T) {
	h := open(t)
	h.add(nil)
	h.policies(policy.Policy{Name: "pci", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Lock: "hard"}})
	known := h.must(h.password(pass, "")).Known
	for range 3 {
		h.wrong("", 9)
		h.must(h.password(pass, known))
	}
}
