package main

import (
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
	"latchkey/mfa/policy"
)

// M-15: the first step is done once policies that are in force ask everybody who
// administers for what resists phishing, at once or from a day on.
func TestResistant(t *testing.T) {
	now := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	p := func(w policy.Whom, a policy.Assurance) policy.Policy {
		return policy.Policy{Name: "p", Enabled: true, Whom: w, What: policy.What{Assurance: a, Enrolment: policy.Enrolment{GraceDays: 14}}}
	}
	off := p(policy.Whom{Administrators: true}, policy.PhishingResistant)
	off.Enabled = false
	for name, c := range map[string]struct {
		ps   []policy.Policy
		want bool
	}{
		"none":              {nil, false},
		"administrators":    {[]policy.Policy{p(policy.Whom{Administrators: true}, policy.PhishingResistant)}, true},
		"employees":         {[]policy.Policy{p(policy.Whom{Kind: "internal"}, policy.PhishingResistant)}, true},
		"customers":         {[]policy.Policy{p(policy.Whom{Kind: "portal"}, policy.PhishingResistant)}, false},
		"one group":         {[]policy.Policy{p(policy.Whom{Groups: []string{"board"}}, policy.PhishingResistant)}, false},
		"any second factor": {[]policy.Policy{p(policy.Whom{Administrators: true}, policy.MFA)}, false},
		"switched off":      {[]policy.Policy{off}, false},
	} {
		if got := resistant(c.ps, now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// D-05: an owner who was invited and never came, or is disabled, is no second
// owner.
func TestActiveOwners(t *testing.T) {
	in := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	staff := []evidence.Admin{
		{Role: idp.Owner, SignedIn: in}, {Role: idp.Owner}, {Role: idp.Owner, SignedIn: in, Disabled: true}, {Role: idp.Admin, SignedIn: in},
	}
	if n := activeOwners(staff); n != 1 {
		t.Errorf("%d owners, want 1", n)
	}
	staff[1].SignedIn = in
	if n := activeOwners(staff); n != 2 {
		t.Errorf("%d owners, want 2", n)
	}
}
