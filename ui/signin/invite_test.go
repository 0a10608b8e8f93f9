package signin

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
)

// the page says while one types whether the password is long enough, and
// where the script may not run it says so before.
func TestLengthIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	base, _ := pagetest.Serve(t, func(*page.Site) []page.Sample { return Samples() })
	ctx := pagetest.Chrome(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"invite?lang=en")); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{"seven c": "Too short yet", "eight ch": "Long enough"} {
		said, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => { const f = document.querySelector("#new-password"); f.value = "`+typed+`";
			f.dispatchEvent(new Event("input")); return document.querySelector("#password-count").textContent; })()`))
		if err != nil || strings.TrimSpace(said) != want {
			t.Errorf("%q: %q, %v", typed, said, err)
		}
	}
}
