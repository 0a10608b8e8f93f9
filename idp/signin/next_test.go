package signin_test

import (
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// M-01, M-02, M-03, M-05, P-19: every way through a sign-in.
func TestNext(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	pwd := idp.Proof{Kind: idp.Password, At: now}
	app := idp.Proof{Kind: "totp", At: now}
	code := idp.Proof{Kind: "backup", At: now}
	none, must := policy.Decision{Assurance: policy.None}, policy.Decision{Assurance: policy.MFA}
	keysOnly := policy.Decision{Assurance: policy.MFA, Methods: []mfa.Kind{"passkey"}}
	appsOnly := policy.Decision{Assurance: policy.MFA, Methods: []mfa.Kind{"totp"}}
	held := []mfa.Kind{"totp", "backup"}
	key := idp.Proof{Kind: "passkey", At: now, Verified: true}
	touch := idp.Proof{Kind: "passkey", At: now}
	mail := idp.Proof{Kind: "email", At: now}
	browser := idp.Proof{Kind: "device", At: now, Device: "d", Proven: []mfa.Kind{"totp"}}
	trusting := policy.Decision{Assurance: policy.MFA, TrustDays: 30}
	resistant := policy.Decision{Assurance: policy.PhishingResistant, TrustDays: 30}
	lends := policy.Decision{Assurance: policy.MFA, Methods: []mfa.Kind{"sms", "email"}, Lent: []mfa.Kind{"sms", "email"}}
	ahead := policy.Decision{Assurance: policy.None, Ahead: []policy.Decision{must}}

	for _, test := range []struct {
		name   string
		proofs []idp.Proof
		need   idp.Need
		d      policy.Decision
		held   []mfa.Kind
		want   signin.Step
	}{
		{"stranger", nil, idp.Need{}, none, nil, signin.AskPassword},
		{"password is enough", []idp.Proof{pwd}, idp.Need{}, none, nil, signin.Done},
		{"holds a factor, nobody demands it", []idp.Proof{pwd}, idp.Need{}, none, held, signin.AskFactor},
		{"policy demands, holds one", []idp.Proof{pwd}, idp.Need{}, must, held, signin.AskFactor},
		{"policy demands, holds none", []idp.Proof{pwd}, idp.Need{}, must, nil, signin.MustEnrol},
		{"both proven", []idp.Proof{pwd, app}, idp.Need{}, must, held, signin.Done},
		{"a backup code is a factor", []idp.Proof{pwd, code}, idp.Need{}, must, held, signin.Done},
		{"the proven factor was removed meanwhile, none is left", []idp.Proof{pwd, app}, idp.Need{}, must, nil, signin.Done},
		{"policy forbids what they hold: it guards the enrolment", []idp.Proof{pwd}, idp.Need{}, keysOnly, held, signin.AskFactor},
		{"and then the allowed one is set up", []idp.Proof{pwd, app}, idp.Need{}, keysOnly, held, signin.MustEnrol},
		{"a backup code where only apps are allowed", []idp.Proof{pwd, code}, idp.Need{}, appsOnly, held, signin.AskFactor},
		{"prompt=login with an old proof", []idp.Proof{pwd, app}, idp.Need{Since: now.Add(time.Second)}, must, held, signin.AskPassword},
		{"prompt=login, proven in that very second", []idp.Proof{pwd, app}, idp.Need{Since: now}, must, held, signin.Done},
		{"acr wished for, no factor: go on without", []idp.Proof{pwd}, idp.Need{ACR: idp.AAL2}, none, nil, signin.Done},
		{"acr essential, no factor: set one up", []idp.Proof{pwd}, idp.Need{ACR: idp.AAL2, Essential: true}, none, nil, signin.MustEnrol},
		{"a passkey that knew the person is both factors", []idp.Proof{key}, idp.Need{}, must, []mfa.Kind{"passkey"}, signin.Done},
		{"and withstands phishing", []idp.Proof{key}, idp.Need{ACR: idp.PhishingResistant, Essential: true}, must, []mfa.Kind{"passkey"}, signin.Done},
		{"W-03: a mere touch is no first factor", []idp.Proof{touch}, idp.Need{}, none, []mfa.Kind{"passkey"}, signin.AskPassword},
		{"but a second one", []idp.Proof{pwd, touch}, idp.Need{}, resistant, []mfa.Kind{"passkey"}, signin.Done},
		{"M-19: a trusted browser skips the second factor", []idp.Proof{pwd, browser}, idp.Need{}, trusting, held, signin.Done},
		{"not the password", []idp.Proof{browser}, idp.Need{}, trusting, held, signin.AskPassword},
		{"not where policy does not trust", []idp.Proof{pwd, browser}, idp.Need{}, must, held, signin.AskFactor},
		{"not for an essential acr", []idp.Proof{pwd, browser}, idp.Need{ACR: idp.AAL2, Essential: true}, trusting, held, signin.AskFactor},
		{"not for a wished acr", []idp.Proof{pwd, browser}, idp.Need{ACR: idp.AAL2}, trusting, held, signin.AskFactor},
		{"not for max_age", []idp.Proof{pwd, browser}, idp.Need{Since: now.Add(-time.Hour)}, trusting, held, signin.AskFactor},
		{"not for more than was proven when trust began", []idp.Proof{pwd, browser}, idp.Need{}, resistant, []mfa.Kind{"totp", "passkey"}, signin.AskFactor},
		{"not for somebody who lacks what is demanded", []idp.Proof{pwd, browser}, idp.Need{}, policy.Decision{Assurance: policy.MFA, TrustDays: 30, Methods: []mfa.Kind{"passkey"}}, held, signin.AskFactor},
		{"a verified number where policy names it", []idp.Proof{pwd}, idp.Need{}, lends, nil, signin.AskFactor},
		{"M-17: a code by mail where policy names it", []idp.Proof{pwd, mail}, idp.Need{}, lends, nil, signin.Done},
		{"but not where it does not", []idp.Proof{pwd, mail}, idp.Need{}, must, nil, signin.MustEnrol},
		{"and never for an application's acr", []idp.Proof{pwd, mail}, idp.Need{ACR: idp.AAL2, Essential: true}, lends, nil, signin.AskFactor},
		{"acr wished for, factor held: ask it", []idp.Proof{pwd, code}, idp.Need{ACR: idp.PhishingResistant}, none, []mfa.Kind{"backup", "passkey"}, signin.AskFactor},
		{"demanded soon, not ready", []idp.Proof{pwd}, idp.Need{}, ahead, nil, signin.MayEnrol},
		{"demanded soon, ready", []idp.Proof{pwd, app}, idp.Need{}, ahead, held, signin.Done},
		{"a recent proof of everything: the second is old", []idp.Proof{{Kind: "totp", At: now.Add(-time.Hour)}, pwd}, idp.Need{Since: now, Every: true}, must, held, signin.AskFactor},
		{"a recent proof of everything", []idp.Proof{pwd, app}, idp.Need{Since: now, Every: true}, must, held, signin.Done},
		{"a temporary code opens, whatever methods there are", []idp.Proof{pwd, {Kind: "temporary", At: now}}, idp.Need{}, appsOnly, []mfa.Kind{"temporary", "totp"}, signin.Done},
		{"acr aal1 essential", []idp.Proof{pwd}, idp.Need{ACR: idp.AAL1, Essential: true}, none, nil, signin.Done},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := signin.Flow{Proofs: test.proofs, Need: test.need}
			if got := f.Next(test.d, test.held); got != test.want {
				t.Errorf("Next = %s, want %s", got, test.want)
			}
		})
	}
}

// A link that was mailed leads to the wizard, whatever policy wants, but not
// past what is held already (M-05, M-11); what was put off stays put off.
func TestNextWantsAndSkips(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	pwd, app := idp.Proof{Kind: idp.Password, At: now}, idp.Proof{Kind: "totp", At: now}
	none := policy.Decision{Assurance: policy.None}
	soon := policy.Decision{Assurance: policy.None, Ahead: []policy.Decision{{Assurance: policy.MFA}}}
	for name, test := range map[string]struct {
		f    signin.Flow
		d    policy.Decision
		held []mfa.Kind
		want signin.Step
	}{
		"wants, holds nothing":      {signin.Flow{Proofs: []idp.Proof{pwd}, Wants: "totp"}, none, nil, signin.MustEnrol},
		"wants, holds one":          {signin.Flow{Proofs: []idp.Proof{pwd}, Wants: "sms"}, none, []mfa.Kind{"totp"}, signin.AskFactor},
		"wants, has proven it":      {signin.Flow{Proofs: []idp.Proof{pwd, app}, Wants: "sms"}, none, []mfa.Kind{"totp"}, signin.MustEnrol},
		"wants, but is a stranger":  {signin.Flow{Wants: "totp"}, none, nil, signin.AskPassword},
		"put off":                   {signin.Flow{Proofs: []idp.Proof{pwd}, Skipped: true}, soon, nil, signin.Done},
		"put off, but demanded now": {signin.Flow{Proofs: []idp.Proof{pwd}, Skipped: true}, policy.Decision{Assurance: policy.MFA}, nil, signin.MustEnrol},
	} {
		if got := test.f.Next(test.d, test.held); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// B-10: one customer, one counter.
func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "unknown", "nonsense": "unknown",
	} {
		if got := signin.Network(address); got != want {
			t.Errorf("Network(%q) = %s, want %s", address, got, want)
		}
	}
}
