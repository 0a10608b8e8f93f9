// Package pagetest looks at pages as a reader would: in a real browser, measured
// against what WCAG 2.2 AA asks and a machine can tell, and by a plain client
// that follows links and fills in forms.
package pagetest

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// Chrome starts a browser, or skips where there is none.
func Chrome(t *testing.T) context.Context {
	t.Helper()
	return chrome(t, browsers)
}

// chrome starts the first that there is.
func chrome(t *testing.T, names []string) context.Context {
	t.Helper()
	path := ""
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("LATCHKEY_TEST_ALL") != "" {
			t.Fatal("no Chromium")
		}
		t.Skip("no Chromium on this machine")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	return ctx
}
