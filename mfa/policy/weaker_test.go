package policy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// D-07: a change that demands less, or of fewer people or doors, is known as such,
// and one that demands more, or of more, is not.
func TestWeaker(t *testing.T) {
	net := func(all ...string) (out []netip.Prefix) {
		for _, s := range all {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	type edit = func(*policy.Policy)
	for name, c := range map[string]struct {
		was, is edit
		want    string
		back    string // what the change the other way round loosens
	}{
		"nothing":      {func(*policy.Policy) {}, func(*policy.Policy) {}, "", ""},
		"switched off": {func(*policy.Policy) {}, func(p *policy.Policy) { p.Enabled = false }, "enabled", ""},
		"removed":      {func(*policy.Policy) {}, func(p *policy.Policy) { *p = policy.Policy{ID: p.ID} }, "enabled", ""},
		"renamed":      {func(*policy.Policy) {}, func(p *policy.Policy) { p.Name = "other" }, "", ""},
		"everybody to a kind": {
			func(p *policy.Policy) { p.Whom = policy.Whom{Everyone: true} }, func(p *policy.Policy) { p.Whom = policy.Whom{Kind: "internal"} }, "whom", ""},
		"another kind": {
			func(p *policy.Policy) { p.Whom = policy.Whom{Kind: "portal"} }, func(p *policy.Policy) { p.Whom = policy.Whom{Kind: "internal"} }, "whom", "whom"},
		"a group less": {
			func(p *policy.Policy) { p.Whom = policy.Whom{Groups: []string{"a", "b"}} }, func(p *policy.Policy) { p.Whom = policy.Whom{Groups: []string{"B"}} }, "whom", ""},
		"a group narrows a kind": {
			func(p *policy.Policy) { p.Whom = policy.Whom{Kind: "internal"} }, func(p *policy.Policy) { p.Whom = policy.Whom{Kind: "internal", Groups: []string{"a"}} }, "whom", ""},
		"administrators no more": {
			func(p *policy.Policy) { p.Whom = policy.Whom{Administrators: true, Users: []string{"ann"}} }, func(p *policy.Policy) { p.Whom = policy.Whom{Users: []string{"ann"}} }, "whom", ""},
		"nobody": {func(*policy.Policy) {}, func(p *policy.Policy) { p.Whom = policy.Whom{} }, "whom", ""},
		"exempted": {
			func(*policy.Policy) {}, func(p *policy.Policy) { p.Whom.Except = []policy.Except{{User: "bob", Until: "2026-08-01"}} }, "whom.except", ""},
		"exempted for longer": {
			func(p *policy.Policy) { p.Whom.Except = []policy.Except{{User: "bob", Until: "2026-08-01"}} },
			func(p *policy.Policy) { p.Whom.Except = []policy.Except{{User: "BOB", Until: "2026-08-02"}} }, "whom.except", ""},
		"for one application": {func(*policy.Policy) {}, func(p *policy.Policy) { p.Where.Clients = []string{"shop"} }, "where.clients", ""},
		"inside alone": {
			func(*policy.Policy) {}, func(p *policy.Policy) { p.Where.Networks.In = net("10.0.0.0/8") }, "where.networks.in", ""},
		"a smaller network": {
			func(p *policy.Policy) { p.Where.Networks.In = net("10.0.0.0/8") }, func(p *policy.Policy) { p.Where.Networks.In = net("10.1.0.0/16") }, "where.networks.in", ""},
		"not in the office": {
			func(p *policy.Policy) { p.Where.Networks.NotIn = net("10.1.0.0/16") }, func(p *policy.Policy) { p.Where.Networks.NotIn = net("10.0.0.0/8") }, "where.networks.not_in", ""},
		"assurance": {
			func(p *policy.Policy) { p.What.Assurance = policy.PhishingResistant }, func(p *policy.Policy) { p.What.Assurance = policy.MFA }, "what.assurance", ""},
		"a method more": {
			func(p *policy.Policy) { p.What.Methods = []mfa.Kind{"totp"} }, func(p *policy.Policy) { p.What.Methods = []mfa.Kind{"totp", "sms"} }, "what.methods", ""},
		"all methods": {func(p *policy.Policy) { p.What.Methods = []mfa.Kind{"totp"} }, func(*policy.Policy) {}, "what.methods", ""},
		"a later day": {
			func(p *policy.Policy) { p.What.Enrolment.Deadline = "2026-08-01" }, func(p *policy.Policy) { p.What.Enrolment.Deadline = "2026-09-01" }, "what.enrolment.deadline", ""},
		"grace": {func(*policy.Policy) {}, func(p *policy.Policy) { p.What.Enrolment.GraceDays = 7 }, "what.enrolment.grace_days", ""},
		"grace for a day": {
			func(p *policy.Policy) { p.What.Enrolment.Deadline = "2026-08-01" }, func(p *policy.Policy) { p.What.Enrolment.GraceDays = 7 }, "what.enrolment.deadline", "what.enrolment.deadline"},
		"trusted for longer": {
			func(p *policy.Policy) { p.What.Devices = &policy.Devices{} }, func(p *policy.Policy) { p.What.Devices = &policy.Devices{Days: 30} }, "what.trusted_devices.days", ""},
		"trust not said":  {func(p *policy.Policy) { p.What.Devices = &policy.Devices{Days: 9} }, func(*policy.Policy) {}, "what.trusted_devices.days", ""},
		"longer sessions": {func(p *policy.Policy) { p.What.Session = policy.Session{Absolute: time.Hour, Idle: time.Minute} }, func(*policy.Policy) {}, "what.session.absolute what.session.idle", ""},
		"codes": {
			func(p *policy.Policy) { p.What.Codes = policy.Codes{Validity: time.Minute, Digits: 8, Tries: 3} },
			func(p *policy.Policy) {
				p.What.Codes = policy.Codes{Validity: 2 * time.Minute, Digits: 6, Tries: 9}
			}, "what.codes.validity what.codes.digits what.codes.tries", ""},
		"passkeys": {
			func(p *policy.Policy) {
				p.What.Passkeys = policy.Passkeys{Clones: "refuse", Attestation: "required", Models: []string{"a"}}
			}, func(*policy.Policy) {}, "what.passkeys.clones what.passkeys.attestation what.passkeys.models", ""},
		"soft lock": {func(p *policy.Policy) { p.What.Lock = "hard" }, func(p *policy.Policy) { p.What.Lock = "soft" }, "what.lock", ""},
	} {
		t.Run(name, func(t *testing.T) {
			made := func(change edit) policy.Policy {
				p := policy.Policy{ID: "p", Name: "p", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Assurance: policy.MFA}}
				change(&p)
				return p
			}
			was, is := made(c.was), made(c.is)
			if got := strings.Join(policy.Weaker(was, is), " "); got != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
			if got := strings.Join(policy.Weaker(is, was), " "); got != c.back {
				t.Errorf("the other way round: %q, not %q", got, c.back)
			}
		})
	}
}

// Whatever a change makes somebody owe less is called weaker: the decision for the
// people concerned never sinks without a word.
func TestWeakerMissesNothing(t *testing.T) {
	whoms := []policy.Whom{{Everyone: true}, {Kind: "internal"}, {Kind: "portal"}, {Groups: []string{"a"}}, {Groups: []string{"a", "b"}}, {Kind: "internal", Users: []string{"ann"}}, {Administrators: true}, {}}
	whats := []policy.What{{}, {Assurance: policy.MFA}, {Assurance: policy.PhishingResistant}, {Assurance: policy.MFA, Lock: "hard"}}
	var all []policy.Policy
	for _, whom := range whoms {
		for _, what := range whats {
			all = append(all, policy.Policy{ID: "p", Name: "p", Enabled: true, Whom: whom, What: what})
		}
	}
	people := []policy.Facts{
		{User: "1", Login: "ann", Kind: "internal", Groups: []string{"a"}}, {User: "2", Kind: "portal", Groups: []string{"b"}}, {User: "3", Kind: "internal", Administrator: true},
	}
	ranks := []policy.Assurance{policy.None, policy.MFA, policy.PhishingResistant}
	for _, was := range all {
		for _, is := range all {
			for _, who := range people {
				before, after := policy.Decide([]policy.Policy{was}, who), policy.Decide([]policy.Policy{is}, who)
				sinks := slices.Index(ranks, after.Assurance) < slices.Index(ranks, before.Assurance) || before.HardLock && !after.HardLock
				if sinks && len(policy.Weaker(was, is)) == 0 {
					t.Errorf("%+v to %+v: %s owes less", was, is, who.User)
				}
			}
		}
	}
}
