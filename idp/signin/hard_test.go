package signin_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/signin"
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
		{"of administrators", policy.Policy{Name: "pci", Enabled: true, Whom: policy.Whom{Administrators: true}, What: hard.What}, false},
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

// M-15, D-02: who gets a role falls under what policies ask of administrators at
// once, where they are signed in and on the way in; who loses it, no longer.
func TestRoleCountsAtOnce(t *testing.T) {
	h := open(t)
	u := h.add(nil)
	id, err := idp.Identify(u.Email)
	if err != nil {
		t.Fatal(err)
	}
	h.policies(policy.Policy{Name: "admins", Enabled: true, Whom: policy.Whom{Administrators: true}, What: policy.What{Assurance: policy.MFA}})
	in := h.must(h.password(pass, "")).Session
	for _, c := range []struct {
		role idp.Role
		want error
	}{{"", nil}, {idp.HelpDesk, idp.ErrMore}, {idp.Auditor, idp.ErrMore}, {idp.Admin, idp.ErrMore}, {idp.Owner, idp.ErrMore}, {"", nil}} {
		was := u
		u.Role = c.role
		if err := h.db.Users.Update(t.Context(), was, u, []idp.Identifier{id}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Gate(t.Context(), in, idp.Need{}, from); !errors.Is(err, c.want) {
			t.Errorf("role %q: %v, want %v", c.role, err, c.want)
		}
		m := h.must(h.password(pass, ""))
		if must := m.Step == signin.MustEnrol; must != (c.want != nil) {
			t.Errorf("role %q: the password leads to %s", c.role, m.Step)
		}
	}
}

// M-15: the hard lock of administrators asks for their role, too.
func TestHardLockOfAdministrators(t *testing.T) {
	h := open(t)
	h.add(func(in *account.New) { in.Role = idp.HelpDesk })
	h.policies(policy.Policy{Name: "admins", Enabled: true, Whom: policy.Whom{Administrators: true}, What: policy.What{Lock: "hard"}})
	known := h.must(h.password(pass, "")).Known
	h.wrong("", 5)
	h.wrong(known, 5)
	if !h.refused(known) {
		t.Error("the own browser has a budget of its own")
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
