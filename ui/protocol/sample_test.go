package protocol

import (
	"testing"

	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
)

// every page in a browser.
func TestPagesInBrowser(t *testing.T) {
	base, names := pagetest.Serve(t, func(s *page.Site) []page.Sample { return Pages{Site: s}.Samples() })
	pagetest.Inspect(t, base, names)
}
