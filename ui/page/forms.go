package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"latchkey/idp"
)

const csrfField = "csrf"

// Forms are the forms of a page. They keep other sites from posting in somebody's
// name: what one carries, and whether a request brings it. And they know who sat
// there when one was drawn, and how to draw it as it was typed.
type Forms struct {
	cookies *cookies
	bound   bool       // to the session, too
	sitter  idp.UserID // who sits there; empty: nobody, or not known
	poster  idp.UserID // who sat there when the posted form was drawn
	refill  *filling   // the form that is to be drawn as it was typed
}

// token is what a form of this browser carries. It is worth nothing without
// the browser's cookie, which no other site can read or set.
//
// Behind the signature it says who sits there, and covers it: the session may
// be gone when the form comes, and what was typed is still theirs.
func (f *Forms) token() string {
	who := ""
	if f.bound {
		who = string(f.sitter)
	}
	return f.cookies.site.sign(f.cookies.browserToken(), f.session(), who) + base64.RawURLEncoding.EncodeToString([]byte(who))
}

func (f *Forms) session() string {
	if f.bound {
		return f.cookies.Session()
	}
	return ""
}

// hidden is the field that Forms.check looks for.
func hidden(token string) template.HTML {
	// The token is base64url: nothing in it needs escaping.
	return template.HTML(`<input type="hidden" name="` + csrfField + `" value="` + token + `">`) //nolint:gosec // the token is base64url
}

func (s *Site) sign(browser, session, who string) string {
	m := hmac.New(sha256.New, s.key)
	// The first two are free of NUL: the cookies are checked on reading.
	m.Write([]byte("latchkey form\x00" + browser + "\x00" + session))
	if who != "" {
		m.Write([]byte("\x00" + who))
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// check fails with idp.ErrForged unless the request was made by a form
// that we drew for this browser (SECURITY.md ). The form must have
// been parsed.
func (f *Forms) check() error {
	r := f.cookies.r
	if !f.cookies.site.sameOrigin(r) {
		return fmt.Errorf("%w: cross-site", idp.ErrForged)
	}
	browser := f.cookies.cookie(browserCookie)
	if !isToken(browser) {
		return fmt.Errorf("%w: no browser cookie", idp.ErrForged)
	}
	got := r.PostForm.Get(csrfField)
	who, err := base64.RawURLEncoding.DecodeString(got[min(len(got), signature):])
	if err != nil {
		return fmt.Errorf("%w: token", idp.ErrForged)
	}
	want := f.cookies.site.sign(browser, f.session(), string(who))
	if !hmac.Equal([]byte(want), []byte(got[:min(len(got), signature)])) {
		return fmt.Errorf("%w: token", idp.ErrForged)
	}
	f.poster = idp.UserID(who)
	return nil
}

// signature is how many characters a signature has: SHA-256 in base64url.
const signature = 43

// CheckForm reads the form of a plain net/http request and checks it as
// those of our pages are; a form that cannot be read is idp.ErrForged, too.
func (s *Site) CheckForm(r *http.Request) error {
	if r.PostForm == nil {
		if err := (submission{r: r}).read(); err != nil {
			return fmt.Errorf("%w: %w", idp.ErrForged, err)
		}
	}
	return (&Forms{cookies: &cookies{site: s, r: r}, bound: true}).check()
}

// sameOrigin believes Sec-Fetch-Site first: a page without a referrer sends
// Origin "null" with its own forms. Clients that send neither header are not
// browsers; the token alone decides about them.
func (s *Site) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin" || site == "none"
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "null" || strings.EqualFold(origin, s.origin)
}
