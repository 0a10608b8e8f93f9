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
