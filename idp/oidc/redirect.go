package oidc

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// redirectKnown reports whether a client registered a redirect URI: the very
// same string (RFC 9700 §2.1). Only a native client's loopback URI may come
// with another port, because a program on a device cannot choose one ahead
// (RFC 8252 §7.3). It compares text, not parsed URLs: two parsers that
// disagree are how codes get stolen.
func redirectKnown(c Client, uri string) bool {
	if uri == "" {
		return false
	}
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if c.Type != Native {
		return false
	}
	host, rest, ok := cutLoopback(uri)
	return ok && slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		h, r, ok := cutLoopback(registered)
		return ok && h == host && r == rest
	})
}

// cutLoopback splits http://127.0.0.1:PORT/rest into its host and what follows
// the port.
func cutLoopback(uri string) (host, rest string, ok bool) {
	after, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", "", false
	}
	for _, h := range []string{"127.0.0.1", "[::1]", "localhost"} {
		rest, ok := strings.CutPrefix(after, h)
		if !ok {
			continue
		}
		if port, ok := strings.CutPrefix(rest, ":"); ok {
			end := strings.IndexFunc(port, func(c rune) bool { return c < '0' || c > '9' })
			if end < 0 {
				end = len(port)
			}
			if n, err := strconv.Atoi(port[:end]); err != nil || n < 1 || n > 65535 || end > 5 {
				return "", "", false
			}
			rest = port[end:]
		}
		// Anything but a path or a query would be more of the host name.
		return h, rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", "", false
}

// nearMiss reports whether a URI differs from a registered one in nothing but
// scheme, host or port: what an Odoo behind a proxy sends when it does not
// know that it is behind one.
func nearMiss(c Client, uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return false
	}
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		k, err := url.Parse(registered)
		return err == nil && k.EscapedPath() == u.EscapedPath() && k.RawQuery == u.RawQuery
	})
}
