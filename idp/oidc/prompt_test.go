package oidc

import (
	"testing"

	"latchkey/idp"
)

// OpenID Connect Core 1.0 §5.5.1.1: who names contexts is answered with one of
// them, the highest that was reached; who names none, or none that was reached,
// hears how it was.
func TestContextIsOneThatWasNamed(t *testing.T) {
	for _, c := range []struct {
		named   []string
		reached string
		want    string
	}{
		{nil, idp.PhishingResistant, idp.PhishingResistant},
		{[]string{idp.AAL2}, idp.PhishingResistant, idp.AAL2},
		{[]string{idp.AAL1, idp.AAL2}, idp.PhishingResistant, idp.AAL2},
		{[]string{idp.PhishingResistant, idp.AAL2}, idp.PhishingResistant, idp.PhishingResistant},
		{[]string{idp.PhishingResistant, idp.AAL2}, idp.AAL2, idp.AAL2},
		{[]string{idp.AAL2}, idp.AAL1, idp.AAL1},
		{[]string{idp.AAL1}, idp.AAL2, idp.AAL1},
	} {
		if got := (prompt{named: c.named}).context(c.reached); got != c.want {
			t.Errorf("%v named, %s reached: %s", c.named, c.reached, got)
		}
	}
}
