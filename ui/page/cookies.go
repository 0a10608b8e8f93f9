package page

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/ui/locale"
)

// The cookies. With https each has the prefix __Host-, which keeps other hosts
// of the domain from setting it (SECURITY.md S-03).
const (
	browserCookie = "latchkey-browser" // which browser this is; not who sits there
	sessionCookie = "latchkey-session" // who is signed in
	knownCookie   = "latchkey-known"   // on which accounts this browser has signed in before
	deviceCookie  = "latchkey-device"  // who trusts this browser
	langCookie    = "latchkey-lang"    // the language chosen on the switch
)

// cookieLife is the longest that browsers keep a cookie (RFC 6265bis §5.5).
const cookieLife = 400 * 24 * time.Hour

// cookies reads and sets them for one request.
type cookies struct {
	site *Site
	w    http.ResponseWriter
	r    *http.Request
}

func (s *Site) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// cookie is the value that the request carries, or "".
func (c *cookies) cookie(name string) string {
	k, err := c.r.Cookie(c.site.cookieName(name))
	if err != nil {
		return ""
	}
	return k.Value
}

// setCookie sets a cookie for the given time; not above zero: it is deleted.
func (s *Site) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if age <= 0 {
		value, age = "", -1
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the issuer is https; on a loopback http issuer plain clients must work
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: age,
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Session is the token in the session cookie, or "". It says nothing about
// whether that session lives.
func (c *cookies) Session() string {
	if v := c.cookie(sessionCookie); isToken(v) {
		return v
	}
	return ""
}

// SetSession gives the browser a session and renews the cookie that tells
// this browser from others.
func (c *cookies) SetSession(token string, life time.Duration) {
	c.site.setCookie(c.w, sessionCookie, token, life)
	c.site.setCookie(c.w, browserCookie, c.browserToken(), cookieLife)
}

// ForgetSession takes the session cookie away and has the browser drop what it
// kept of our pages (SECURITY.md S-09). It does not ask for all cookies to be
// cleared: the one of a known browser keeps strangers from locking its owner
// out (B-09).
func (c *cookies) ForgetSession() {
	c.site.setCookie(c.w, sessionCookie, "", 0)
	c.site.setCookie(c.w, browserCookie, "", 0) // what was begun here is over
	c.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// Known is the value of the cookie of known browsers, or "".
func (c *cookies) Known() string { return c.cookie(knownCookie) }

// SetKnown replaces it; empty deletes it.
func (c *cookies) SetKnown(value string) {
	if value == "" {
		c.site.setCookie(c.w, knownCookie, "", 0)
		return
	}
	c.site.setCookie(c.w, knownCookie, value, cookieLife)
}

// Device is the value of the cookie of trusted browsers, or "".
func (c *cookies) Device() string { return c.cookie(deviceCookie) }

// SetDevice replaces it. The database knows when trust ends, not the cookie.
func (c *cookies) SetDevice(value string) { c.site.setCookie(c.w, deviceCookie, value, cookieLife) }

// Browser is a value that is the same for every request of one browser and
// that no other browser can name: the hex SHA-256 of its cookie. It sets the
// cookie when there is none yet.
func (c *cookies) Browser() string {
	sum := sha256.Sum256([]byte(c.browserToken()))
	return hex.EncodeToString(sum[:])
}

// browserToken is the cookie's own value. A new one may have been set by an
// earlier handler of this very answer; then it is that one.
func (c *cookies) browserToken() string {
	if v := c.cookie(browserCookie); isToken(v) {
		return v
	}
	name := c.site.cookieName(browserCookie) + "="
	for _, line := range c.w.Header().Values("Set-Cookie") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if v, _, _ := strings.Cut(rest, ";"); isToken(v) {
				return v
			}
		}
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails, by its contract
	v := base64.RawURLEncoding.EncodeToString(raw)
	c.site.setCookie(c.w, browserCookie, v, cookieLife)
	return v
}

// isToken reports whether a cookie's value has the shape of our random tokens:
// what else is in it was not put there by us.
func isToken(v string) bool {
	const shortest, longest = 26, 128
	if len(v) < shortest || len(v) > longest {
		return false
	}
	for _, r := range v {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

const langParameter = "lang"

// switched reports whether a request comes from the language switch, and
// where it leads without the switch's parameter.
func (s *Site) switched(r *http.Request) (to, lang string) {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.RawQuery, langParameter+"=") {
		return "", ""
	}
	p, ok := locale.Find(r.URL.Query().Get(langParameter))
	if !ok {
		return "", ""
	}
	to = address(r.URL.EscapedPath(), without(r.URL.RawQuery, langParameter))
	if !local(to) {
		return "", ""
	}
	return to, p.Lang()
}

// without drops a parameter and leaves the others as they were written: an
// authorization request must arrive untouched.
func without(raw, name string) string {
	var keep []string
	for part := range strings.SplitSeq(raw, "&") {
		key, _, _ := strings.Cut(part, "=")
		if k, err := url.QueryUnescape(key); part == "" || err == nil && k == name {
			continue
		}
		keep = append(keep, part)
	}
	return strings.Join(keep, "&")
}

func address(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
