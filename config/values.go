package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// errValue is all that a setter says: what would be right is in the key.
var errValue = errors.New("config: not an allowed value")

// The makers of keys are kept out of line: with some seventy keys their copies
// would be most of this package.

// text makes a key whose value is kept as it is if ok agrees.
//
//go:noinline
func text(name, def, shown, allowed, doc string, field func(*Config) *string, ok func(string) bool) Key {
	return Key{Name: name, Default: def, Shown: shown, Allowed: allowed, Doc: doc,
		set: func(c *Config, v string) error {
			*field(c) = v
			// An empty text is judged when what it depends on is known.
			if v != def && ok != nil && !ok(v) {
				return errValue
			}
			return nil
		},
		get: func(c Config) string { return *field(&c) },
	}
}

func secret(name, shown, allowed, doc string, field func(*Config) *string, ok func(string) bool) Key {
	k := text(name, "", shown, allowed, doc, field, ok)
	k.Secret = true
	return k
}

// whole makes a key for a whole number within bounds.
//
//go:noinline
func whole(name, def string, least, most int, doc string, put func(*Config, int), get func(Config) int) Key {
	return Key{Name: name, Default: def, Doc: doc, Allowed: fmt.Sprintf("a whole number from %d to %d", least, most),
		set: func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < least || n > most {
				return errValue
			}
			put(c, n)
			return nil
		},
		get: func(c Config) string { return strconv.Itoa(get(c)) },
	}
}

// span makes a key for a length of time within bounds.
//
//go:noinline
func span(name, def string, least, most time.Duration, doc string, field func(*Config) *time.Duration) Key {
	return Key{Name: name, Default: def, Doc: doc, Allowed: fmt.Sprintf("a duration from %s to %s, such as %s", brief(least), brief(most), def),
		set: func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < least || d > most {
				return errValue
			}
			*field(c) = d
			return nil
		},
		get: func(c Config) string { return brief(*field(&c)) },
	}
}

// brief is 12h for what Duration.String calls 12h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// networks is a list of networks of which each is good.
func networks(name, shown, allowed, doc string, field func(*Config) *[]netip.Prefix, good func(netip.Prefix) bool) Key {
	return Key{Name: name, Shown: shown, Allowed: allowed, Doc: doc,
		set: func(c *Config, v string) error {
			*field(c) = nil
			for part := range strings.SplitSeq(v, ",") {
				part = strings.TrimSpace(part)
				if part == "" {
					continue
				}
				p, err := network(part)
				if err != nil || !good(p) {
					return fmt.Errorf("%q: %w", part, errValue)
				}
				*field(c) = append(*field(c), p)
			}
			return nil
		},
		get: func(c Config) string {
			var out []string
			for _, p := range *field(&c) {
				out = append(out, p.String())
			}
			return strings.Join(out, ", ")
		},
	}
}

func anyNetwork(netip.Prefix) bool { return true }

// private are the networks that a house has for itself. The server's own machine
// and link-local networks, where clouds tell secrets to whoever asks, are none.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

func isPrivate(p netip.Prefix) bool {
	return slices.ContainsFunc(private, func(all netip.Prefix) bool { return all.Bits() <= p.Bits() && all.Contains(p.Addr()) })
}

// network reads a CIDR network, or an address as a network of one.
func network(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

func level(name, def string) Key {
	levels := []string{"debug", "info", "warn", "error"}
	return Key{Name: name, Default: def, Allowed: strings.Join(levels, ", "), Doc: "Least important line that is logged.",
		set: func(c *Config, v string) error {
			if !slices.Contains(levels, v) {
				return errValue
			}
			return c.Log.Level.UnmarshalText([]byte(v))
		},
		get: func(c Config) string { return strings.ToLower(slog.Level(c.Log.Level).String()) },
	}
}

//go:noinline
func optional(ok func(string) bool) func(string) bool {
	return func(v string) bool { return v == "" || ok(v) }
}

//go:noinline
func oneOf(vs ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(vs, v) }
}

func isSet(v string) bool { return v != "" }

// isName keeps out what would break an otpauth label, whose parts a colon
// parts.
func isName(v string) bool {
	return v == strings.TrimSpace(v) && v != "" && utf8.RuneCountInString(v) <= 64 &&
		!strings.ContainsFunc(v, func(r rune) bool { return r == ':' || unicode.IsControl(r) })
}

func isListen(v string) bool {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}

// isIssuer checks the shape; whether http is allowed is a refusal. A path is
// not served, so it is not accepted (OpenID Connect Discovery 1.0 §4 would
// allow one).
func isIssuer(v string) bool {
	u, err := url.Parse(v)
	return err == nil && slices.Contains([]string{"http", "https"}, u.Scheme) && u.Hostname() != "" &&
		u.User == nil && u.Path == "" && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" &&
		!strings.ContainsAny(v, "#?\\ ") && v == strings.ToLower(v)
}

//go:noinline
func isURL(schemes ...string) func(string) bool {
	return func(v string) bool {
		u, err := url.Parse(v)
		return err == nil && slices.Contains(schemes, u.Scheme) && u.Hostname() != ""
	}
}

// isSMTP lets a mail go in clear text only when the address says so, and a
// password never (C-07).
func isSMTP(v string) bool {
	u, err := url.Parse(v)
	if err != nil || !isURL("smtp", "smtps")(v) || strings.Trim(u.Path, "/") != "" {
		return false
	}
	tls := u.Query().Get("tls")
	return tls == "" || tls == "none" && u.Scheme == "smtp" && u.User == nil
}

// isRedis accepts one host, or several parted by commas: of a cluster, or with
// ?master= sentinels. A port is judged for each of them, which url.Parse cannot.
func isRedis(v string) bool {
	scheme, rest, _ := strings.Cut(v, "://")
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	user := authority[:strings.LastIndex(authority, "@")+1]
	for host := range strings.SplitSeq(authority[len(user):], ",") {
		if !isRedisHost(scheme + "://" + user + host + path) {
			return false
		}
	}
	return true
}

func isRedisHost(v string) bool {
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"redis", "rediss"}, u.Scheme) {
		return false
	}
	number := strings.TrimPrefix(u.Path, "/")
	_, err = strconv.Atoi(number)
	return number == "" || err == nil
}

func isDatabase(v string) bool {
	if path, ok := strings.CutPrefix(v, "sqlite:"); ok {
		return path != "" && !strings.HasPrefix(path, "//")
	}
	u, err := url.Parse(v)
	return err == nil && slices.Contains(postgresSchemes, u.Scheme) && (u.Host != "" || u.Query().Has("host"))
}
