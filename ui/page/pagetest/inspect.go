package pagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"latchkey/ui/locale"
)

// look is a page to be looked at.
type look struct {
	title, address string
	lang           string // what the page must be in; empty: whatever it is in
	kind           kind
}

type kind int

const (
	aMail    kind = iota // without a frame of ours; small and light
	worded               // a page small and light, for its words
	mirrored             // the same, for its shape, too
	closely              // a page in both themes and in all sizes
)

// Inspect looks at the pages below an address in a browser (SECURITY.md X-10),
// with everything unfolded that can be: in English in both themes, 320 and 1200
// px wide, with text twice as large and with wide spacing; from right to left and
// in the other languages, 320 px wide, in the latter for what words can break.
// With LATCHKEY_SHOTS set to a folder it keeps pictures there, of a phone of 360
// px, too.
func Inspect(t *testing.T, base string, names []string) {
	t.Helper()
	locale.Rehearse()
	var looks []look
	tags := []string{locale.Fallback, locale.Rehearsal}
	for _, l := range locale.Languages() {
		if l.Tag != locale.Fallback {
			tags = append(tags, l.Tag)
		}
	}
	for _, tag := range tags { // language by language: the browser has one at a time
		for _, name := range names {
			l := look{strings.ReplaceAll(name, "/", "-") + "-" + tag, base + name + "?lang=" + tag, tag, worded}
			switch tag {
			case locale.Fallback:
				l.kind = closely
			case locale.Rehearsal:
				l.kind = mirrored
			}
			looks = append(looks, l)
		}
	}
	inspect(t, looks)
}

// InspectPlain looks at pages that have one language only.
func InspectPlain(t *testing.T, addresses ...string) {
	t.Helper()
	inspectAll(t, closely, addresses)
}

// InspectMails looks at mails, which have no frame of ours.
func InspectMails(t *testing.T, addresses ...string) {
	t.Helper()
	inspectAll(t, aMail, addresses)
}

func inspectAll(t *testing.T, k kind, addresses []string) {
	t.Helper()
	var looks []look
	for i, a := range addresses {
		looks = append(looks, look{title: fmt.Sprintf("%s-%d", t.Name(), i), address: a, kind: k})
	}
	inspect(t, looks)
}

// Fine holds the page that the tab shows against everything, and returns
// sentences about what is wrong.
func Fine(ctx context.Context) ([]string, error) {
	own, err := measure(ctx, false)
	if err != nil {
		return nil, err
	}
	theirs, err := axe(ctx, pageRules)
	return append(own, theirs...), err
}

// inspect shares the work between two tabs. Each has cookies of its own, and
// so a language of its own.
func inspect(t *testing.T, looks []look) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser := chrome(t, append([]string{"chromium-headless-shell"}, browsers...)) // a third less work than with the windows nobody sees
	if err := chromedp.Do(browser); err != nil {                                   // started once, for both tabs
		t.Fatal(err)
	}
	next := make(chan look)
	var tabs sync.WaitGroup
	several := 2
	if os.Getenv("LATCHKEY_SHOTS") != "" { // of a tab behind another there is no picture
		several = 1
	}
	for range several {
		tabs.Go(func() {
			ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
			defer end()
			// The tab lives as long as the context that opens it. To hand axe over for
			// each document would take as long as to hold the document against it.
			if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: axeScript}); err != nil {
				t.Error(err)
			}
			for l := range next {
				wrong, err := view(ctx, l)
				if err != nil {
					t.Errorf("%s: %v", l.title, err)
				}
				slices.Sort(wrong)
				for _, w := range slices.Compact(wrong) {
					t.Errorf("%s: %s", l.title, w)
				}
			}
		})
	}
	for _, l := range looks {
		next <- l
	}
	close(next)
	tabs.Wait()
}

// eye is a tab, and what it has found wrong with a page.
type eye struct {
	context.Context
	look
	opened int // how much was folded
	wrong  []string
}

// first is what a page is held against as soon as it is there.
var first = map[kind]rules{aMail: mailRules, worded: words, mirrored: shape, closely: pageRules}

// view looks at one page.
func view(ctx context.Context, l look) ([]string, error) {
	ctx, end := context.WithTimeout(ctx, time.Minute)
	defer end()
	e := &eye{Context: ctx, look: l}
	if err := e.set(320, 640, "light"); err != nil {
		return nil, err
	}
	if err := e.arrive(); err != nil {
		return nil, err
	}
	steps := []func() error{e.language, e.unfold, e.measure, e.axe(first[l.kind])}
	if l.kind == closely {
		steps = append([]func() error{e.measure, e.language, e.unfold, e.unfolded, e.axe(first[l.kind])}, e.shown(320, 640, "dark"), e.measure, e.axe(colours), e.enlarged, e.shown(1200, 800, "light"), e.measure, e.axe(shape))
	}
	for _, step := range append(steps, e.pictures) {
		if err := step(); err != nil {
			return e.wrong, err
		}
	}
	return e.wrong, nil
}

func (e *eye) say(found []string, err error) error {
	e.wrong = append(e.wrong, found...)
	return err
}

func (e *eye) measure() error {
	return e.say(measure(e, e.kind == aMail))
}

func (e *eye) axe(by rules) func() error {
	return func() error { return e.say(axe(e, by)) }
}

// language makes sure that it is the page that was asked for.
func (e *eye) language() error {
	is, err := chromedp.Run(e, chromedp.Evaluate[string](`document.documentElement.lang`))
	if err == nil && e.lang != "" && is != e.lang {
		e.wrong = append(e.wrong, "is in "+is+", not in "+e.lang)
	}
	return err
}

// unfold opens what is folded, for which there must be room, too.
func (e *eye) unfold() (err error) {
	e.opened, err = chromedp.Run(e, chromedp.Evaluate[int](`(() => {
		const folded = document.querySelectorAll("details:not([open])");
		folded.forEach((d) => d.open = true);
		return folded.length;
	})()`))
	return err
}

// unfolded measures what has come to light.
func (e *eye) unfolded() error {
	if e.opened == 0 {
		return nil
	}
	return e.measure()
}

// set makes the window and the theme. Colours on their way from one theme to
// the other would be neither.
func (e *eye) set(width, height int64, theme string) error {
	if err := chromedp.Do(e, chromedp.EmulateViewport(width, height)); err != nil {
		return err
	}
	_, err := chromedp.Call(e, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	return err
}

func (e *eye) shown(width, height int64, theme string) func() error {
	return func() error { return e.set(width, height, theme) }
}

// enlarged shows the text twice as large (WCAG 1.4.4) in a window of 640 px,
// and then with the spacing that readers may choose (1.4.12).
func (e *eye) enlarged() error {
	if err := e.set(640, 800, "light"); err != nil {
		return err
	}
	for _, how := range []string{`document.documentElement.style.fontSize = "200%"`, `(() => {
		document.documentElement.style.fontSize = "";
		const s = new CSSStyleSheet();
		s.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }");
		document.adoptedStyleSheets = [s];
	})()`} {
		if _, err := chromedp.Run(e, chromedp.Evaluate[bool](how+", true")); err != nil {
			return err
		}
		if err := e.measure(); err != nil {
			return err
		}
	}
	_, err := chromedp.Run(e, chromedp.Evaluate[bool](`document.adoptedStyleSheets = [], true`))
	return err
}

// pictures keeps what was seen, if it is to be kept.
func (e *eye) pictures() error {
	folder := os.Getenv("LATCHKEY_SHOTS")
	if folder == "" {
		return nil
	}
	themes := []string{"light"}
	if e.kind == closely {
		themes = append(themes, "dark")
	}
	for _, width := range []int64{360, 1200} {
		for _, theme := range themes {
			name := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", e.title, width, theme))
			if err := e.picture(name, width, theme); err != nil {
				return err
			}
		}
	}
	return nil
}

// picture makes the window as high as the page: beyond the window, what runs
// from right to left is shifted.
func (e *eye) picture(name string, width int64, theme string) error {
	if err := e.set(width, 740, theme); err != nil {
		return err
	}
	height, err := chromedp.Run(e, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return err
	}
	if err := e.set(width, max(740, height), theme); err != nil {
		return err
	}
	png, err := chromedp.Run(e, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(name, png, 0o600) //nolint:gosec // the tester's own folder
}
