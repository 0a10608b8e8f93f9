package page

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// commonHeaders are right for every answer, pages or not (SECURITY.md X-04).
func (s *Site) commonHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if s.https {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// pageHeaders are those of a page. Every page may carry a ticket or a code in its
// address, so none gives its address away; nothing of it is kept.
func (s *Site) pageHeaders(h http.Header, may *reach) {
	s.commonHeaders(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", may.permissions())
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", may.policy())
	h.Add("Vary", "Accept-Language, Cookie")
}

// reach is what a page may do in the browser beyond being read.
type reach struct {
	away  bool     // forms do not come back to us
	forms []string // further origins that a form may lead to
	inner []string // origins whose pages may be loaded inside this one
	nonce string   // for scripts; empty: no script on this page
	calls bool     // its scripts may call us
}

// Frames lets the page load these addresses inside it, and no others of their
// kind, and returns them. What is not a web address is left out.
func (c *reach) Frames(addresses []string) (framed []string) {
	for _, a := range addresses {
		src := source(a)
		if !strings.HasPrefix(src, "https://") && !strings.HasPrefix(src, "http://") {
			continue
		}
		framed = append(framed, a)
		if !slices.Contains(c.inner, " "+src) {
			c.inner = append(c.inner, " "+src)
		}
	}
	return framed
}

// policy is the page's Content-Security-Policy (SECURITY.md X-03). Browsers
// apply form-action to the redirects that follow a form, too: without the
// application's origin the way back after signing in would be blocked.
func (c *reach) policy() string {
	parts := []string{
		"default-src 'none'", "style-src 'self'", "img-src 'self' data:",
		"form-action" + strings.Join(c.targets(), ""),
		"frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'",
	}
	if len(c.inner) > 0 {
		parts = append(parts, "frame-src"+strings.Join(c.inner, ""))
	}
	if c.nonce != "" {
		parts = append(parts, "script-src 'nonce-"+c.nonce+"'")
	}
	if c.calls {
		parts = append(parts, "connect-src 'self'")
	}
	return strings.Join(parts, "; ")
}

// permissions is the page's Permissions-Policy. Passkeys may be used where a
// script of ours runs their ceremony, and by no page inside ours.
func (c *reach) permissions() string {
	passkeys := "()"
	if c.calls {
		passkeys = "(self)"
	}
	return "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=" + passkeys + ", publickey-credentials-create=" + passkeys
}

// Connect lets the scripts of this page call our own addresses: a passkey's
// ceremony is a conversation.
func (c *reach) Connect() { c.calls = true }

func (c *reach) targets() []string {
	if c.away && len(c.forms) > 0 {
		return c.forms
	}
	return append([]string{" 'self'"}, c.forms...)
}

// LeadsOnlyTo lets the forms of this page end where LeadsOn says and not on
// our own pages, and reports whether there may be a form at all: it may not for
// a URL that would run as a script.
func (c *reach) LeadsOnlyTo(target string) bool {
	c.away = true
	c.LeadsOn(target)
	return len(c.forms) > 0
}

// LeadsTo lets the forms of this page end, by way of redirects, at the origin
// of a URL. What is not a URL adds nothing.
func (c *reach) LeadsTo(target string) {
	if src := source(target); src != "" {
		c.forms = append(c.forms, " "+src)
	}
}

// LeadsOn is LeadsTo for an application that may redirect further, say from
// its API's address to its own. Chromium holds every redirect that follows a
// form against form-action and blocks the rest without a word, so any address
// of that scheme must do. It is for web addresses only; an app's scheme stays
// as it is.
func (c *reach) LeadsOn(target string) {
	c.LeadsTo(target)
	for _, scheme := range []string{"https:", "http:"} {
		if src := source(target); strings.HasPrefix(src, scheme) && src != scheme {
			c.forms = append(c.forms, " "+scheme)
		}
	}
}

// source is a URL's origin as a CSP source expression, or its scheme where
// that grammar has no word for the host (IPv6) or there is none (the schemes
// of apps). It is made of checked characters only, because it ends up in a
// header beside other directives.
func source(target string) string {
	u, err := url.Parse(target)
	if err != nil || !isScheme(u.Scheme) {
		return ""
	}
	switch u.Scheme {
	case "javascript", "data", "blob", "filesystem", "about":
		return ""
	case "http", "https":
		if !isHost(u.Host) {
			return u.Scheme + ":"
		}
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

func isScheme(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

func isHost(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-._:") == ""
}

// Script allows the scripts of this page and returns the nonce for them.
func (c *reach) Script() string {
	if c.nonce == "" {
		c.nonce = rand.Text()
	}
	return c.nonce
}
