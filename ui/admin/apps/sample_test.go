package apps

import (
	"testing"

	"latchkey/ui/page/pagetest"
)

// every page with sample data, and everything unfolded that can be.
func TestPagesInBrowser(t *testing.T) { pagetest.Audit(t, Samples()) }
