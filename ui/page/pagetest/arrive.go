package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// arrive brings the page into the tab. A page in one more language comes into
// the window that shows another of its site: what the two have in common, axe and
// the style sheets, is most of the work of a new window, and the same each time.
func (e *eye) arrive() error {
	if e.kind == worded || e.kind == mirrored {
		there, err := chromedp.Run(e, chromedp.Evaluate[string](`typeof axe === "object" ? location.origin + "/" : ""`))
		if err != nil {
			return err
		}
		if there != "" && strings.HasPrefix(e.address, there) {
			return e.exchange(there)
		}
	}
	return chromedp.Do(e, chromedp.Navigate(e.address))
}

// complete waits for what a document needs, and names its scripts. A document
// that was put into a window does not wait for its style sheets by itself.
const complete = `(async () => {
	if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
	for (const sheet of document.querySelectorAll("link[rel=stylesheet]")) {
		if (!sheet.sheet) await new Promise((done, failed) => { sheet.onload = done; sheet.onerror = () => failed(new Error("no " + sheet.href)); });
	}
	return [...document.scripts].map((s) => s.getAttribute("src")).filter(Boolean);
})()`

// exchange shows a page in place of the one in the window, and runs its scripts:
// the nonce in the window is the other page's.
func (e *eye) exchange(origin string) error {
	html, err := get(e, e.address)
	if err != nil {
		return err
	}
	if err := e.put(html); err != nil {
		return err
	}
	scripts, err := chromedp.Run(e, chromedp.Evaluate[[]string](complete, chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	for _, src := range scripts {
		script, err := get(e, origin+strings.TrimPrefix(src, "/"))
		if err != nil {
			return err
		}
		if _, err := chromedp.Run(e, chromedp.Evaluate[bool]("(() => {"+script+"\n})(), true")); err != nil {
			return fmt.Errorf("%s: %w", src, err)
		}
	}
	return nil
}

// alike puts a page in place of the one in the window if both have the same style
// sheets: to read these is most of the work. Scripts in it do not run.
const alike = `((html) => {
	const next = new DOMParser().parseFromString(html, "text/html");
	const sheets = (d) => [...d.querySelectorAll("link[rel=stylesheet],style")];
	const text = (d) => sheets(d).map((e) => e.href || e.textContent).join("\n");
	if (text(next) !== text(document) || sheets(document).some((e) => !e.sheet || e.parentNode !== document.head)) return false;
	const old = document.documentElement, kept = sheets(document);
	for (const a of [...old.attributes]) old.removeAttribute(a.name);
	for (const a of next.documentElement.attributes) old.setAttribute(a.name, a.value);
	for (const e of [...document.head.children]) if (!kept.includes(e)) e.remove();
	for (const e of sheets(next)) e.remove();
	document.head.prepend(...next.head.children);
	document.body.replaceWith(next.body);
	scrollTo(0, 0);
	return true;
})`

// put shows a document in the window, as a whole if it has to.
func (e *eye) put(html string) error {
	arg, err := json.Marshal(html)
	if err != nil {
		return err
	}
	if done, err := chromedp.Run(e, chromedp.Evaluate[bool](alike+"("+string(arg)+")")); done || err != nil {
		return err
	}
	tree, err := chromedp.Call(e, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	_, err = chromedp.Call(e, page.SetDocumentContent, page.SetDocumentContentParams{FrameID: tree.FrameTree.Frame.ID, HTML: html})
	return err
}

// get is what a browser without cookies would be shown.
func get(ctx context.Context, address string) (string, error) {
	jar, err := cookiejar.New(nil) // the switch of languages sets one
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	rsp, err := (&http.Client{Jar: jar, Timeout: time.Minute}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = rsp.Body.Close() }()
	text, err := io.ReadAll(rsp.Body)
	return string(text), err
}
