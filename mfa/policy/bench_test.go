package policy

import (
	"math/rand/v2"
	"testing"
)

// Every door asks, so deciding must cost nothing that anybody notices: tens of
// microseconds for twenty policies.
func BenchmarkDecide(b *testing.B) {
	r := dice{rand.New(rand.NewPCG(13, 14))}
	var ps []Policy
	for i := range 20 {
		ps = append(ps, r.policy(string(rune('a'+i))))
	}
	f := r.facts()
	b.ReportAllocs()
	for b.Loop() {
		Decide(ps, f)
	}
}
