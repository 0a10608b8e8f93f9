package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// mostLabels is how many names browsers look at in a list of related origins
// (WebAuthn Level 3 §5.11.1).
const mostLabels = 5

// PasskeyOrigins lists where passkeys may be used, as browsers write it: the
// issuer's origin first.
func (c Config) PasskeyOrigins() []string {
	own := strings.TrimSuffix(c.Issuer, "/")
	for scheme, port := range map[string]string{"https://": ":443", "http://": ":80"} {
		if strings.HasPrefix(own, scheme) {
			own = strings.TrimSuffix(own, port)
		}
	}
	return append([]string{own}, c.Passkeys.Origins...)
}

// refusePasskeys says what no browser would accept: it would be found out by
// the first person who adds a passkey.
func (c Config) refusePasskeys(refuse func(key, val, allowed string)) {
	host := domainOf(c.Issuer)
	if id := c.Passkeys.RPID; c.Issuer != "" && id != "" && id != host && !above(id, host) {
		k, _ := find("passkeys.rp_id")
		refuse("passkeys.rp_id", id, k.Allowed)
	}
	if len(c.Passkeys.Origins) == 0 {
		return
	}
	var labels []string
	for _, o := range c.PasskeyOrigins() {
		if l := labelOf(domainOf(o)); !slices.Contains(labels, l) {
			labels = append(labels, l)
		}
	}
	if len(labels) > mostLabels {
		refuse("passkeys.origins", strings.Join(c.Passkeys.Origins, ","), "at most five names before the public suffix, with the issuer's: browsers do not look at more")
	}
}

// above reports whether a domain that can be registered, or one below it, is
// above host.
func above(id, host string) bool {
	registered, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil && strings.HasSuffix(host, "."+id) && (id == registered || strings.HasSuffix(id, "."+registered))
}

// labelOf is the name that a domain is registered by.
func labelOf(host string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		registered = host
	}
	label, _, _ := strings.Cut(registered, ".")
	return label
}

// domainOf is the host of an origin; empty when that is an IP address, for
// which there are no passkeys.
func domainOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ""
	}
	return u.Hostname()
}

func isDomain(v string) bool { return v != "" && domainOf("https://"+v) == v && isOrigin("https://"+v) }

// isOrigin accepts what a browser writes and nothing that is only equal to it,
// because the comparison is one of texts.
func isOrigin(v string) bool {
	u, err := url.Parse(v)
	return err == nil && u.Scheme == "https" && domainOf(v) != "" && v == "https://"+u.Host && u.Port() != "443" &&
		!strings.HasSuffix(v, ":") && !strings.HasSuffix(u.Hostname(), ".") &&
		strings.Trim(u.Hostname(), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// origins makes the key for a list of them.
func origins(name, allowed, doc string) Key {
	return Key{Name: name, Shown: "none", Allowed: allowed, Doc: doc,
		set: func(c *Config, v string) error {
			c.Passkeys.Origins = nil
			for part := range strings.SplitSeq(v, ",") {
				part = strings.TrimSpace(part)
				if part == "" {
					continue
				}
				if !isOrigin(part) || slices.Contains(c.Passkeys.Origins, part) {
					return errValue
				}
				c.Passkeys.Origins = append(c.Passkeys.Origins, part)
			}
			return nil
		},
		get: func(c Config) string { return strings.Join(c.Passkeys.Origins, ", ") },
	}
}
