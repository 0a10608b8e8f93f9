package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/idp/oidc"
)

// A real browser loads an application's front-channel address inside the page
// after signing out and goes back to the application: at once with scripts,
// and after a moment without (OpenID Connect Front-Channel Logout 1.0; X-10).
func TestFrontchannelInChromium(t *testing.T) {
	t.Parallel()
	b := tab{t, shell(t, "en"), "en"}
	var mu sync.Mutex
	var code string
	var frames []string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.URL.Path {
		case "/fc":
			frames = append(frames, r.URL.Query().Get("sid"))
		case "/cb":
			code = r.URL.Query().Get("code")
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<h1 id="%s">application</h1>`, r.URL.Path[1:])
	}))
	defer app.Close()
	w := newWorld(t, "sqlite")
	w.user("ada@example.org")
	web := w.client(oidc.Input{
		ID: "web", Type: oidc.Web, Trusted: true, RedirectURIs: []string{app.URL + "/cb"}, PostLogoutURIs: []string{app.URL + "/bye"}, FrontchannelURI: app.URL + "/fc",
	})
	for _, script := range []bool{true, false} {
		b.noScript(!script)
		b.do(chromedp.Navigate(w.url + oidc.PathAuthorize + "?" + url.Values{
			"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {app.URL + "/cb"}, "scope": {"openid"},
		}.Encode()))
		b.do(chromedp.SendKeys(chromedp.CSS("input[name=login]"), "ada@example.org"), chromedp.SendKeys(chromedp.CSS("input[name=password]"), rightPassword))
		b.follow("form#login #submit")
		b.see("#cb", "")
		mu.Lock()
		got := code
		mu.Unlock()
		tokens := w.token(web, url.Values{"grant_type": {"authorization_code"}, "code": {got}, "redirect_uri": {app.URL + "/cb"}})
		hint, _ := tokens["id_token"].(string)
		start := time.Now()
		b.do(chromedp.Navigate(w.url + oidc.PathLogout + "?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {app.URL + "/bye"}}.Encode()))
		b.see("#bye", "")
		if took := time.Since(start); script && took > 4*time.Second {
			t.Errorf("with scripts the way back took %s", took)
		}
		mu.Lock()
		if len(frames) != 1 || frames[0] != payload(t, hint)["sid"] {
			t.Errorf("scripts %v: frames for %q", script, frames)
		}
		frames = nil
		mu.Unlock()
	}
}
