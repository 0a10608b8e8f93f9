package pagetest

import (
	"context"
	_ "embed" // for the scripts
	"encoding/json"
	"fmt"

	"github.com/chromedp/chromedp"
)

// axe-core 4.14.1 by Deque Systems (MPL-2.0; its licence lies beside it), as
// its publisher built it. It is test code: no program of ours contains it.
//
//go:embed axe/axe.min.js
var axeScript string

//go:embed measure.js
var measureScript string

// The rules that pages are held against: WCAG 2.2 AA and what axe-core holds for
// good practice.
var (
	pageRules = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}
	mailRules = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"} // a mail has no landmarks
)

// measure looks in the tab for what axe-core does not.
func measure(ctx context.Context, mail bool) ([]string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf("(%s)(%t)", measureScript, mail)))
}

// axe holds the page in the tab against rules and returns sentences about what
// is wrong. Colours are the same in every language, and slow to compare:
// without them it takes a third of the time.
func axe(ctx context.Context, rules []string, colours bool) ([]string, error) {
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if err != nil {
		return nil, err
	}
	if !there { // a new document; the debugger is above its Content-Security-Policy
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axeScript+";true")); err != nil {
			return nil, err
		}
	}
	options, err := json.Marshal(map[string]any{
		"runOnly": map[string]any{"type": "tag", "values": rules}, "resultTypes": []string{"violations"},
		"rules": map[string]any{"color-contrast": map[string]bool{"enabled": colours}}, "elementRef": false,
	})
	if err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf(`axe.run(document, %s).then((r) => r.violations.flatMap((v) =>
		v.nodes.map((n) => "axe " + v.id + ": " + n.html.slice(0, 160) + " (" + n.failureSummary.split("\n").slice(1).join(";").trim() + ")")))`, options), chromedp.EvalAwaitPromise))
}
