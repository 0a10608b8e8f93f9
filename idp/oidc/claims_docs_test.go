package oidc

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// docs/api.md tells developers what each scope brings: no more and no less.
func TestClaimsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "| scope | claims |")
	table, _, _ := strings.Cut(after, "\n\n")
	told := map[string][]string{}
	for line := range strings.Lines(table) {
		words := strings.Split(line, "`")
		if len(words) < 3 {
			continue
		}
		told[words[1]] = nil
		for i := 3; i < len(words); i += 2 {
			told[words[1]] = append(told[words[1]], words[i])
		}
	}
	for _, s := range Scopes {
		var want []string
		for _, c := range standard {
			if c.scope == s {
				want = append(want, c.name)
			}
		}
		if s == "openid" {
			want = []string{"sub"}
		}
		if have, ok := told[s]; !ok || !slices.Equal(have, want) {
			t.Errorf("%s: docs/api.md tells %v, it is %v", s, have, want)
		}
		delete(told, s)
	}
	for s := range told {
		t.Errorf("docs/api.md tells of a scope %s", s)
	}
}
