package page

import (
	"net/url"
	"strings"
	"testing"
)

// S-09: headers of every page, errors included.
func TestHeaders(t *testing.T) {
	for issuer, https := range map[string]bool{"https://id.example.com": true, "http://127.0.0.1:8080": false} {
		h := newHouse(t, issuer)
		for _, path := range []string{"/form", "/fail?with=unknown", "/nowhere"} {
			head := h.do("GET", path, nil, "").Header
			for name, want := range map[string]string{
				"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
				"X-Content-Type-Options":       "nosniff",
				"Referrer-Policy":              "no-referrer",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Cache-Control":                "no-store",
			} {
				if got := head.Get(name); got != want {
					t.Errorf("%s %s: %s is %q", issuer, path, name, got)
				}
			}
			if got := head.Get("Strict-Transport-Security"); (got == "max-age=31536000; includeSubDomains") != https {
				t.Errorf("%s: HSTS %q", issuer, got)
			}
		}
	}
}

// form-action takes the origin of where the flow leads, and nothing that
// could start another directive.
func TestFormAction(t *testing.T) {
	h := newHouse(t, "https://id.example.com")
	for to, want := range map[string]string{
		"https://odoo.example.com/auth_oauth/signin?x=1": "form-action 'self' https://odoo.example.com;",
		"http://127.0.0.1:5000/cb":                       "form-action 'self' http://127.0.0.1:5000;",
		"http://[::1]:5000/cb":                           "form-action 'self' http:;",
		"com.example.app:/cb":                            "form-action 'self' com.example.app:;",
		"javascript:alert(1)":                            "form-action 'self';",
		"https://a.example;script-src *":                 "form-action 'self';",
		"https://a b/":                                   "form-action 'self';",
		"/relative":                                      "form-action 'self';",
		"":                                               "form-action 'self';",
	} {
		got := h.do("GET", "/leads?to="+url.QueryEscape(to), nil, "").Header.Get("Content-Security-Policy")
		if !strings.Contains(got, want) && (!strings.HasPrefix(to, "https://a.example;") || strings.Contains(got, "script-src")) {
			t.Errorf("%q: %s", to, got)
		}
	}
}

// an application that may redirect further gets its scheme, no more.
func TestFormActionOnward(t *testing.T) {
	h := newHouse(t, "https://id.example.com")
	for to, want := range map[string]string{
		"https://api.example.com/cb": "form-action 'self' https://api.example.com https:;",
		"http://127.0.0.1:5000/cb":   "form-action 'self' http://127.0.0.1:5000 http:;",
		"com.example.app:/cb":        "form-action 'self' com.example.app:;",
		"javascript:alert(1)":        "form-action 'self';",
	} {
		got := h.do("GET", "/leads?on=1&to="+url.QueryEscape(to), nil, "").Header.Get("Content-Security-Policy")
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s", to, got)
		}
	}
}

// redirects of our own stay here.
func TestRedirect(t *testing.T) {
	h := newHouse(t, "https://id.example.com")
	for to, ok := range map[string]bool{
		"/my/security": true, "/a?b=https://c": true, "//evil.example": false, `/\evil.example`: false, "/\t/evil.example": false,
		"https://evil.example": false, "javascript:alert(1)": false, "": false, "my": false, "/a\r\nSet-Cookie: x": false,
	} {
		res := h.do("GET", "/go?to="+url.QueryEscape(to), nil, "")
		if (res.StatusCode == 303) != ok || (res.Header.Get("Location") != "") != ok {
			t.Errorf("%q: %d %q", to, res.StatusCode, res.Header.Get("Location"))
		}
	}
}
