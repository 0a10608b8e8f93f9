package protocol

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/page"
)

var (
	user  = idp.User{ID: "u", Name: `Zoé <b>"x"`, Login: "zoe@example.com"}
	photo = oidc.Client{ID: "photos", Name: `Photos & <script>`, PostLogoutURIs: []string{"https://photos.example.org/bye"}}
)

func pages(t *testing.T) Pages {
	t.Helper()
	site, err := page.New(page.Config{Issuer: "https://id.example.com", CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return Pages{Site: site}
}

func draw(t *testing.T, lang string, f func(http.ResponseWriter, *http.Request)) (*http.Response, *goquery.Document) {
	t.Helper()
	r := httptest.NewRequest("GET", "/oauth2/authorize?client_id=photos", nil)
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	f(w, r)
	doc, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), doc
}

// P-32: the consent page says in words what is asked for, and the form leads
// to us and to the application only.
func TestConsent(t *testing.T) {
	p := pages(t)
	for lang, words := range map[string][]string{
		"en": {"See your email address", "Keep this access while you are away", "Access named “invoices.read”"},
		"fr": {"Consulter votre adresse e-mail", "Conserver cet accès en votre absence", "invoices.read"},
	} {
		res, doc := draw(t, lang, func(w http.ResponseWriter, r *http.Request) {
			p.Consent(w, r, oidc.ConsentView{Client: photo, User: user, Scopes: []string{"email", "offline_access", "invoices.read"},
				Action: "/oauth2/authorize/consent", Hidden: map[string]string{"request": `a"b`}, Redirect: "https://photos.example.org/cb?x=1"})
		})
		form := doc.Find("form#consent[method=post][action='/oauth2/authorize/consent']")
		for _, s := range []string{"button[name=decision][value=allow]", "button[name=decision][value=deny]", "input[type=hidden][name=csrf]", `input[name=request][value='a"b']`} {
			if form.Find(s).Length() != 1 {
				t.Errorf("no %s", s)
			}
		}
		for _, want := range append(words, photo.Name, user.Name, "photos.example.org") {
			if !strings.Contains(doc.Find("main").Text(), want) { // as text
				t.Errorf("%s: %q is missing", lang, want)
			}
		}
		if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' https://photos.example.org https:;") {
			t.Error(got)
		}
	}
}

// a form_post page may send its form to the application and nowhere
// else, and works without scripts.
func TestFormPost(t *testing.T) {
	p := pages(t)
	res, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.FormPost(w, r, "https://photos.example.org/cb?a=1&b=2", map[string][]string{"code": {`c"<`}, "state": {"s"}})
	})
	form := doc.Find("form[method=post]")
	if got := form.AttrOr("action", ""); got != "https://photos.example.org/cb?a=1&b=2" {
		t.Errorf("action %q", got)
	}
	if got := form.Find("input[name=code]").AttrOr("value", ""); got != `c"<` || form.Find("input").Length() != 2 || form.Find("button[type=submit]").Length() != 1 {
		t.Errorf("code %q, %d fields", got, form.Find("input").Length())
	}
	csp, nonce := res.Header.Get("Content-Security-Policy"), doc.Find("script[src]").AttrOr("nonce", "")
	if !strings.Contains(csp, "form-action https://photos.example.org https:;") || nonce == "" || !strings.Contains(csp, "script-src 'nonce-"+nonce+"'") {
		t.Errorf("%s, nonce %q", csp, nonce)
	}
	if res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("Cache-Control") != "no-store" {
		t.Error(res.Header)
	}
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "", "::"} {
		res, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) { p.FormPost(w, r, bad, nil) })
		if res.StatusCode != 400 || doc.Find("form").Length() != 0 {
			t.Errorf("%q: %d", bad, res.StatusCode)
		}
	}
}

// P-02, C-09: an error page names the problem, an event, a way on, and only
// the details that it is given.
func TestError(t *testing.T) {
	p := pages(t)
	for key, title := range map[string]string{
		"redirect_uri": "The application’s return address is not registered",
		"client":       "This application is not known here",
		"pushed":       "This sign-in cannot go on from here",
		"no.such_key":  "The application sent an incomplete request",
	} {
		res, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
			p.Error(w, r, oidc.Problem{Status: 400, Key: key, Detail: map[string]string{"redirect_uri": "https://<evil>"}})
		})
		if res.StatusCode != 400 || doc.Find("h1").Text() != title || doc.Find(".event").Text() == "" || doc.Find("a.btn-primary").Length() != 1 {
			t.Errorf("%s: %d %q", key, res.StatusCode, doc.Find("main").Text())
		}
		if doc.Find("dd").Text() != "https://<evil>" || doc.Find("dd bdi *").Length() != 0 {
			t.Errorf("%s: detail %q", key, doc.Find("dd").Text())
		}
		if res.Header.Get("Location") != "" {
			t.Error("redirects")
		}
	}
}

// P-30: signing out is asked for; the way back is a link to the application.
func TestLogout(t *testing.T) {
	p := pages(t)
	res, doc := draw(t, "fr", func(w http.ResponseWriter, r *http.Request) {
		p.Logout(w, r, oidc.LogoutView{User: user, Client: photo, Action: "/oauth2/logout", Hidden: map[string]string{"state": "s"}})
	})
	form := doc.Find("form#logout[method=post][action='/oauth2/logout']")
	if form.Find("input[name=csrf]").Length() != 1 || form.Find("input[name=state][value=s]").Length() != 1 || form.Find("button#submit").Length() != 1 {
		t.Errorf("%s", doc.Text())
	}
	if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' https://photos.example.org https:;") {
		t.Error(got)
	}
	_, doc = draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.LoggedOut(w, r, oidc.LoggedOutView{Client: photo, Back: "https://photos.example.org/bye?state=1"})
	})
	_, french := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		r.PostForm = url.Values{"ui_locales": {"fr"}} // as the form above sends it
		p.LoggedOut(w, r, oidc.LoggedOutView{Client: photo})
	})
	if form.Find("input[name=ui_locales][value=fr]").Length() != 1 || french.Find("html").AttrOr("lang", "") != "fr" {
		t.Error("the language of who has left is lost")
	}
	if got := doc.Find("a#back").AttrOr("href", ""); got != "https://photos.example.org/bye?state=1" {
		t.Errorf("back is %q", got)
	}
	_, doc = draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.LoggedOut(w, r, oidc.LoggedOutView{Back: "javascript:alert(1)"})
	})
	if got := doc.Find("a#back").AttrOr("href", ""); strings.HasPrefix(got, "javascript:") {
		t.Errorf("back is %q", got)
	}
}

// The page after signing out loads the applications' addresses and no others,
// and goes on by itself, also without scripts, where it may (OpenID Connect
// Front-Channel Logout 1.0; X-03).
func TestFrames(t *testing.T) {
	p := pages(t)
	const back = "https://photos.example.org/bye?state=1"
	res, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.LoggedOut(w, r, oidc.LoggedOutView{Client: photo, Back: back, Onward: true, Frames: []string{
			"https://photos.example.org/out?iss=https%3A%2F%2Fid.example.com&sid=s1", "https://photos.example.org/other", "https://wiki.example.org:8443/out", "javascript:alert(1)",
		}})
	})
	var loaded []string
	doc.Find("iframe[sandbox][hidden]").Each(func(_ int, f *goquery.Selection) { loaded = append(loaded, f.AttrOr("src", "")) })
	if len(loaded) != 3 || loaded[0] != "https://photos.example.org/out?iss=https%3A%2F%2Fid.example.com&sid=s1" || doc.Find("iframe").Length() != 3 {
		t.Errorf("%q", loaded)
	}
	csp := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "; frame-src https://photos.example.org https://wiki.example.org:8443;") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Error(csp)
	}
	if got := res.Header.Get("Refresh"); got != "5; url="+back {
		t.Errorf("Refresh %q", got)
	}
	if doc.Find("a#back[data-onward]").AttrOr("href", "") != back || doc.Find("script[nonce]").Length() != 1 {
		t.Error("no script goes on")
	}
	res, doc = draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.LoggedOut(w, r, oidc.LoggedOutView{Client: photo, Back: back})
	})
	if res.Header.Get("Refresh") != "" || doc.Find("iframe, script, [data-onward]").Length() != 0 || strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-src") {
		t.Error("a page without frames goes on by itself")
	}
}

// the check takes what the consent page drew, and nothing else.
func TestCSRF(t *testing.T) {
	p := pages(t)
	res, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.Consent(w, r, oidc.ConsentView{Client: photo, User: user, Action: "/x"})
	})
	token := doc.Find("input[name=csrf]").AttrOr("value", "")
	post := func(body string, parsed bool) error {
		r := httptest.NewRequest("POST", "/x", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range res.Cookies() {
			r.AddCookie(c)
		}
		if parsed {
			if err := r.ParseForm(); err != nil {
				t.Fatal(err)
			}
		}
		return p.CSRF(r)
	}
	good := url.Values{"csrf": {token}}.Encode()
	for _, parsed := range []bool{false, true} {
		if err := post(good, parsed); err != nil {
			t.Errorf("our own form: %v", err)
		}
		for _, bad := range []string{"", "csrf=x", "csrf="} {
			if err := post(bad, parsed); err == nil {
				t.Errorf("%q is taken", bad)
			}
		}
	}
}

// RFC 8628 §3.3, §5.4: a person types the code, and then sees which application
// it is, where the device is and what it may, with a warning; what the device
// says of itself does not speak to them (E-11).
func TestDevice(t *testing.T) {
	p := pages(t)
	res, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
		p.Device(w, r, oidc.DeviceView{Action: "/device", Code: "WDJB-MJHT", Wrong: true})
	})
	input := doc.Find("form#device[method=post][action='/device'] input[name=user_code]")
	if res.StatusCode != 400 || input.AttrOr("value", "") != "WDJB-MJHT" || input.AttrOr("autocapitalize", "") != "characters" || input.AttrOr("aria-invalid", "") != "true" ||
		doc.Find("form#device input[name=csrf]").Length() != 1 || doc.Find("#wrong").Length() != 1 {
		t.Errorf("%d %s", res.StatusCode, doc.Find("main").Text())
	}
	for lang, words := range map[string][]string{
		"en": {"Only go on if you started this yourself", "Keep this access while you are away", "Chrome on Android"},
		"de": {"Fahren Sie nur fort, wenn Sie das selbst begonnen haben", "Chrome unter Android"},
	} {
		_, doc := draw(t, lang, func(w http.ResponseWriter, r *http.Request) {
			p.DeviceConfirm(w, r, oidc.DeviceConfirmView{
				Client: photo, User: user, Scopes: []string{"email", "offline_access"}, Code: "WDJB-MJHT", Place: "Lyon", Action: "/device/confirm",
				From: idp.Origin{Address: "203.0.113.7", Agent: "Chrome/1 Android approved by your administrator"}, At: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
				Hidden: map[string]string{"user_code": "WDJB-MJHT", "mark": `a"b`},
			})
		})
		form := doc.Find("form#device-confirm[method=post][action='/device/confirm']")
		for _, s := range []string{
			"button[name=decision][value=allow]", "button[name=decision][value=deny]", "input[name=csrf]", "input[name=user_code][value='WDJB-MJHT']", `input[name=mark][value='a"b']`,
		} {
			if form.Find(s).Length() != 1 {
				t.Errorf("no %s", s)
			}
		}
		text := doc.Find("main").Text()
		for _, want := range append(words, photo.Name, user.Name, "203.0.113.7", "Lyon", "2026", "UTC") { // as text
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", lang, want)
			}
		}
		if doc.Find("#code").Text() != "WDJB-MJHT" || strings.Contains(text, "approved") {
			t.Error(text)
		}
	}
	for allowed, title := range map[bool]string{true: "You can go back to your device", false: "The device was refused"} {
		_, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
			p.DeviceDone(w, r, oidc.DeviceDoneView{Client: photo, Allowed: allowed})
		})
		if doc.Find("h1").Text() != title {
			t.Errorf("%q", doc.Find("h1").Text())
		}
	}
}

// P-32, P-28: whoever registered itself says so by a notice, its picture comes from
// us, and its addresses learn nothing of where people come from.
func TestConsentOfStranger(t *testing.T) {
	p := pages(t)
	stranger := photo
	stranger.Details = oidc.Details{
		Self: &oidc.Self{}, Logo: []byte("png"), LogoURI: "https://photos.example.org/logo", PolicyURI: "https://photos.example.org/policy", TermsURI: "https://photos.example.org/terms",
	}
	for _, c := range []oidc.Client{photo, stranger} {
		_, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
			p.Consent(w, r, oidc.ConsentView{Client: c, User: user, Scopes: []string{"openid"}, Action: "/oauth2/consent", Redirect: "https://photos.example.org/cb"})
		})
		for selector, want := range map[string]bool{
			"#itself": true, ".app-logo img[src^='/oauth2/logo/photos?v=']": true, "img[src^='http']": false,
			"#app-links a[href='https://photos.example.org/policy'][rel~=noreferrer]": true, "#app-links a[href='https://photos.example.org/terms'][rel~=noreferrer]": true,
		} {
			if got := doc.Find(selector).Length() > 0; got != (want && c.ByItself()) {
				t.Errorf("by itself %v: %s: %v", c.ByItself(), selector, got)
			}
		}
	}
}

// P-36, P-29: the page of a device says the same of whoever registered itself.
func TestDeviceOfStranger(t *testing.T) {
	p := pages(t)
	stranger := photo
	stranger.Details = oidc.Details{Self: &oidc.Self{}}
	for _, c := range []oidc.Client{photo, stranger} {
		_, doc := draw(t, "en", func(w http.ResponseWriter, r *http.Request) {
			p.DeviceConfirm(w, r, oidc.DeviceConfirmView{Client: c, User: user, Scopes: []string{"openid"}, Code: "WDJB-MJHT", Action: oidc.PathDeviceConfirm})
		})
		if got := doc.Find("#itself").Length() > 0; got != c.ByItself() {
			t.Errorf("by itself %v: %v", c.ByItself(), got)
		}
	}
}

// an own scheme goes to no host, whatever it says.
func TestHostOf(t *testing.T) {
	for target, want := range map[string]string{
		"https://bank.example:8443/cb": "bank.example:8443", "http://localhost:9/cb": "localhost:9", "com.evil.app://bank.example/cb": "com.evil.app", "com.evil.app:/cb": "com.evil.app",
	} {
		if got := hostOf(target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// P-32: an application that asks for no scope learns who somebody is all the same,
// and the pages say that in the place of a list.
func TestConsentWithoutScopes(t *testing.T) {
	p := pages(t)
	for scopes, want := range map[string]string{"": "recognise you", "email": "for the following"} {
		for name, show := range map[string]func(http.ResponseWriter, *http.Request){
			"consent": func(w http.ResponseWriter, r *http.Request) {
				p.Consent(w, r, oidc.ConsentView{Client: photo, User: user, Scopes: strings.Fields(scopes), Action: "/oauth2/consent", Redirect: "https://photos.example.org/cb"})
			},
			"device": func(w http.ResponseWriter, r *http.Request) {
				p.DeviceConfirm(w, r, oidc.DeviceConfirmView{Client: photo, User: user, Scopes: strings.Fields(scopes), Code: "WDJB-MJHT", Action: oidc.PathDeviceConfirm})
			},
		} {
			_, doc := draw(t, "en", show)
			if text := doc.Text(); !strings.Contains(text, want) || (doc.Find(".scopes").Length() > 0) != (scopes != "") {
				t.Errorf("%s %q: %s", name, scopes, text)
			}
		}
	}
}
