package oidc_test

import (
	"net/url"
	"strings"
	"testing"

	"latchkey/idp/oidc"
)

// P-01: one string or, for a native client's loopback URI, another port.
func TestRedirectKnown(t *testing.T) {
	registered := []string{"https://a.example/cb", "https://a.example/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:8000/cb", "http://localhost:3000/", "com.example.app:/cb"}
	for uri, want := range map[string]struct{ native, web bool }{
		"https://a.example/cb":             {true, true},
		"https://a.example/cb?x=1":         {true, true},
		"com.example.app:/cb":              {true, true},
		"http://127.0.0.1/cb":              {true, true},
		"http://127.0.0.1:49152/cb":        {true, false},
		"http://[::1]:1/cb":                {true, false},
		"http://localhost:65535/":          {true, false},
		"":                                 {},
		"https://a.example/cb/":            {},
		"https://a.example/CB":             {},
		"https://a.example/cb?x=1&y=2":     {},
		"https://a.example/cb?x=2":         {},
		"https://a.example/cb#x":           {},
		"https://a.example:443/cb":         {},
		"https://a.example.evil/cb":        {},
		"https://a.example@evil/cb":        {},
		"https://evil/?https://a.example/": {},
		"http://a.example/cb":              {},
		"https://127.0.0.1:49152/cb":       {},
		"http://127.0.0.1:0/cb":            {},
		"http://127.0.0.1:65536/cb":        {},
		"http://127.0.0.1:/cb":             {},
		"http://127.0.0.1:1x/cb":           {},
		"http://127.0.0.1:80@evil/cb":      {},
		"http://127.0.0.1@evil/cb":         {},
		"http://127.0.0.1.evil/cb":         {},
		"http://127.0.0.1:80/cb/../x":      {},
		"http://127.0.0.1:80/cb?x=1":       {},
		"http://localhost:49152/cb":        {},
		"http://localhost.evil:80/":        {},
		"http://127.0.0.2:80/cb":           {},
		"javascript:alert(1)":              {},
	} {
		if got := oidc.RedirectKnown(oidc.Client{Type: oidc.Native, RedirectURIs: registered}, uri); got != want.native {
			t.Errorf("native, %q: %v", uri, got)
		}
		if got := oidc.RedirectKnown(oidc.Client{Type: oidc.Web, RedirectURIs: registered}, uri); got != want.web {
			t.Errorf("web, %q: %v", uri, got)
		}
	}
}

// Whatever is accepted is registered but for a port on the own machine.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1:80/cb", "http://127.0.0.1:80@evil/cb", "http://[::1]:9/cb?x", "https://a.example/cb", "http://localhost\\@evil:80/cb"} {
		f.Add(s)
	}
	c := oidc.Client{Type: oidc.Native, RedirectURIs: []string{"https://a.example/cb", "http://127.0.0.1/cb", "http://[::1]/cb?x", "http://localhost/cb"}}
	f.Fuzz(func(t *testing.T, uri string) {
		if !oidc.RedirectKnown(c, uri) || uri == "https://a.example/cb" {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("accepted %q, which is no URL", uri)
		}
		port := u.Port()
		u.Host = u.Hostname()
		if strings.Contains(u.Host, ":") {
			u.Host = "[" + u.Host + "]"
		}
		found := false
		for _, r := range c.RedirectURIs[1:] {
			found = found || u.String() == r
		}
		if !found || u.User != nil || len(port) > 5 {
			t.Errorf("accepted %q", uri)
		}
	})
}
