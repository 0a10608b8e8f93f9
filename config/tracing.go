package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Tracing is where traces of requests are sent, and how many.
type Tracing struct {
	Endpoint string   // of a collector; empty: no traces
	Headers  []Header // sent along, such as a key
	Sample   float64  // 0 to 1: the share of requests that are traced
	Service  string   // what the collector knows this program as
}

// Header is one of HTTP.
type Header struct{ Name, Value string }

// share makes a key for a part of a whole.
func share(name, def, doc string, field func(*Config) *float64) Key {
	return Key{Name: name, Default: def, Doc: doc, Allowed: "a number from 0 to 1, such as 0.1",
		set: func(c *Config, v string) error {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil || !(f >= 0 && f <= 1) { // so that NaN is refused, too
				return errValue
			}
			*field(c) = f
			return nil
		},
		get: func(c Config) string { return strconv.FormatFloat(*field(&c), 'g', -1, 64) },
	}
}

// headers makes a key for a list of headers, whose values are secret.
func headers(name, shown, allowed, doc string, field func(*Config) *[]Header) Key {
	return Key{Name: name, Shown: shown, Allowed: allowed, Doc: doc, Secret: true,
		set: func(c *Config, v string) error {
			*field(c) = nil
			for part := range strings.SplitSeq(v, ",") {
				if part = strings.TrimSpace(part); part == "" {
					continue
				}
				h, ok := header(part)
				if !ok {
					return errValue
				}
				*field(c) = append(*field(c), h)
			}
			return nil
		},
		get: func(c Config) string {
			var out []string
			for _, h := range *field(&c) {
				out = append(out, h.Name+": "+h.Value)
			}
			return strings.Join(out, ", ")
		},
	}
}

// ownHeaders are those that the program sets itself: another value would break
// what is sent.
var ownHeaders = map[string]bool{
	"host": true, "connection": true, "transfer-encoding": true, "te": true, "trailer": true, "upgrade": true,
	"content-type": true, "content-encoding": true, "content-length": true, "user-agent": true,
}

// header reads NAME: VALUE with visible ASCII characters (RFC 9110 §5.1, §5.5).
func header(s string) (Header, bool) {
	name, v, ok := strings.Cut(s, ":")
	h := Header{name, strings.TrimSpace(v)}
	const others = "!#$%&'*+-.^_`|~" // of a token, beside letters and digits
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(others, r)
	})
	unseen := strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' || r > '~' })
	return h, ok && name != "" && h.Value != "" && !odd && !unseen && !ownHeaders[strings.ToLower(name)]
}

// isCollector accepts an address without secrets: they belong into headers.
func isCollector(v string) bool {
	u, err := url.Parse(v)
	return err == nil && isURL("http", "https")(v) && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

func isService(v string) bool {
	return v != "" && utf8.RuneCountInString(v) <= 64 && !strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' })
}

// refuseTracing refuses clear text across networks of others (C-07). Of a name
// only a connection can tell where it leads; it is looked at then.
func (c Config) refuseTracing(refuse func(key, val, allowed string)) {
	u, err := url.Parse(c.Tracing.Endpoint)
	if err != nil || u.Scheme != "http" {
		return
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !ip.Unmap().IsLoopback() && !ip.Unmap().IsPrivate() {
		refuse("tracing.endpoint", c.Tracing.Endpoint, "https, as over http what is sent can be read on the way; http only to this machine or a private network")
	}
}
