package records

import (
	"testing"

	"latchkey/ui/page/pagetest"
)

// every page, looked at in a browser.
func TestLook(t *testing.T) { pagetest.Audit(t, Samples()) }
