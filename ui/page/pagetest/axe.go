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

// rules are what axe-core holds a page against: all that have one of the tags, or
// those that are named.
type rules struct {
	tags, named []string
	without     []string
}

// The rules that pages are held against are WCAG 2.2 AA and what axe-core holds
// for good practice. What cannot come out differently is not asked again.
var (
	pageRules = rules{tags: []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}, without: []string{review}}
	mailRules = rules{tags: []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"}, without: []string{review}} // a mail has no landmarks

	// colours depend on the theme, and nothing else does.
	colours = rules{named: []string{contrast}}
	// shape is the same in every theme.
	shape = rules{tags: pageRules.tags, without: []string{review, contrast, sheets}}
	// words are what a translation can break: all that reads or measures text.
	// The rest is markup, which all languages share.
	words = rules{named: []string{
		"aria-command-name", "aria-dialog-name", "aria-input-field-name", "aria-meter-name", "aria-progressbar-name", "aria-tab-name",
		"aria-toggle-field-name", "aria-tooltip-name", "aria-treeitem-name", "button-name", "document-title", "empty-heading",
		"empty-table-header", "frame-title", "html-has-lang", "html-lang-valid", "image-alt", "image-redundant-alt", "input-button-name",
		"label", "label-content-name-mismatch", "label-title-only", "link-name", "role-img-alt", "select-name", "summary-name", "svg-img-alt",
		"table-duplicate-name", "valid-lang",
	}}
)

const (
	contrast = "color-contrast"
	sheets   = "css-orientation-lock" // looks at style sheets alone, not at the page
	review   = "hidden-content"       // asks a person to look, and never fails
)

// measure looks in the tab for what axe-core does not.
func measure(ctx context.Context, mail bool) ([]string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf("(%s)(%t)", measureScript, mail)))
}

// axe holds the page in the tab against rules and returns sentences about what
// is wrong.
func axe(ctx context.Context, by rules) ([]string, error) {
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if err != nil {
		return nil, err
	}
	if !there { // a new document; the debugger is above its Content-Security-Policy
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axeScript+";true")); err != nil {
			return nil, err
		}
	}
	options := map[string]any{"resultTypes": []string{"violations"}, "elementRef": false}
	if by.named != nil {
		options["runOnly"] = by.named
	} else {
		off := map[string]any{}
		for _, rule := range by.without {
			off[rule] = map[string]bool{"enabled": false}
		}
		options["runOnly"], options["rules"] = map[string]any{"type": "tag", "values": by.tags}, off
	}
	text, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf(`axe.run(document, %s).then((r) => r.violations.flatMap((v) =>
		v.nodes.map((n) => "axe " + v.id + ": " + n.html.slice(0, 160) + " (" + n.failureSummary.split("\n").slice(1).join(";").trim() + ")")))`, text), chromedp.EvalAwaitPromise))
}
