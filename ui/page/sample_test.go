package page_test

import (
	"slices"
	"testing"

	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
)

// the page of a problem in a browser. They differ in their sentences only,
// so that a few stand for all.
func TestPagesInBrowser(t *testing.T) {
	some := slices.DeleteFunc(page.Samples(), func(s page.Sample) bool {
		return !slices.Contains([]string{"error-internal", "error-expired", "error-locked"}, s.Name)
	})
	if len(some) != 3 {
		t.Fatalf("%d samples", len(some))
	}
	pagetest.Audit(t, some)
}
