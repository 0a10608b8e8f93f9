package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"latchkey/idp"
)

const csrfField = "csrf"

var (
	errNoPage    = fmt.Errorf("page: no such address: %w", idp.ErrNotFound)
	errMethod    = errors.New("page: no such method here")
	errTooLarge  = errors.New("page: the form is too large")
	errMalformed = errors.New("page: the form cannot be read")
)

// read takes in the address and the form, and refuses what no browser sends
// by itself: text that is not UTF-8, NUL bytes (which databases refuse, each
// in its own way), and fields or parameters that occur twice, of which two
// readers might take different ones (SECURITY.md P-14, C-11).
func (c *Context) read() error {
	query, err := url.ParseQuery(c.R.URL.RawQuery)
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	if err := sane(query); err != nil {
		return err
	}
	if c.R.Method == http.MethodGet || c.R.Method == http.MethodHead {
		return nil
	}
	kind, _, err := mime.ParseMediaType(c.R.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" && c.upload > 0 {
		return c.readUpload()
	}
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return fmt.Errorf("%w: content type", errMalformed)
	}
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, MaxBody)
	if err := c.R.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return errTooLarge
		}
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return sane(c.R.PostForm)
}

func sane(vs url.Values) error {
	for name, values := range vs {
		if len(values) > 1 {
			return fmt.Errorf("%w: a field occurs twice", errMalformed)
		}
		for _, s := range append(values, name) {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return fmt.Errorf("%w: not text", errMalformed)
			}
		}
	}
	return nil
}

// token is what a form of this browser carries. It is worth nothing without
// the browser's cookie, which no other site can read or set.
func (c *Context) token() string {
	return c.site.sign(c.browserToken(), c.boundSession())
}

func (c *Context) boundSession() string {
	if c.bound {
		return c.Session()
	}
	return ""
}

// hidden is the field that [Context.CheckForm] looks for.
func hidden(token string) template.HTML {
	// The token is base64url: nothing in it needs escaping.
	return template.HTML(`<input type="hidden" name="` + csrfField + `" value="` + token + `">`) //nolint:gosec // the token is base64url
}

func (s *Site) sign(browser, session string) string {
	m := hmac.New(sha256.New, s.key)
	// Both are free of NUL: the cookies are checked on reading.
	m.Write([]byte("latchkey form\x00" + browser + "\x00" + session))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// CheckForm fails with idp.ErrForged unless the request was made by a form
// that we drew for this browser (SECURITY.md ). The form must have
// been parsed.
func (c *Context) CheckForm() error {
	if !c.site.sameOrigin(c.R) {
		return fmt.Errorf("%w: cross-site", idp.ErrForged)
	}
	browser := c.cookie(browserCookie)
	if !isToken(browser) {
		return fmt.Errorf("%w: no browser cookie", idp.ErrForged)
	}
	want := c.site.sign(browser, c.boundSession())
	if !hmac.Equal([]byte(want), []byte(c.R.PostForm.Get(csrfField))) {
		return fmt.Errorf("%w: token", idp.ErrForged)
	}
	return nil
}

// CheckForm reads the form of a plain net/http request and checks it as
// [Context.CheckForm] does; a form that cannot be read is idp.ErrForged, too.
func (s *Site) CheckForm(r *http.Request) error {
	c := &Context{R: r, site: s, bound: true, cookies: cookies{site: s, r: r}}
	if r.PostForm == nil {
		if err := c.read(); err != nil {
			return fmt.Errorf("%w: %w", idp.ErrForged, err)
		}
	}
	return c.CheckForm()
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
