package password

import (
	"slices"
	"testing"

	"latchkey/idp/trace/tracetest"
)

// Waiting and hashing are told apart; what is there tells nothing of who exists.
func TestSpans(t *testing.T) {
	h := New(cheap, 1, 0)
	encoded := hashed(t, h, "correct horse")
	for _, what := range []string{encoded, ""} {
		ctx, spans := tracetest.Record(t)
		if _, _, err := h.Check(ctx, what, "correct horse"); err != nil {
			t.Fatal(err)
		}
		if got := spans(); !slices.Equal(got, []string{"internal password wait", "internal password hash"}) {
			t.Errorf("%q", got)
		}
	}
}
