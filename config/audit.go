package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Audit says how long the log of events is kept, and where it is sent on to.
type Audit struct {
	Keep    time.Duration // 0: for ever
	Webhook Webhook
	Syslog  Syslog
}

// Webhook is an address that events are posted to.
type Webhook struct {
	URL    string // empty: none
	Secret string // signs deliveries
}

// Syslog is a server that events are written to.
type Syslog struct {
	Address string // tls://, tcp:// or udp://HOST:PORT; empty: none
	Roots   string // PEM file of who vouches for the server; empty: the system's
}

const (
	leastDays = 90 // what the rules of the trade want at hand at least (PCI DSS 10.5.1)
	mostDays  = 36500
)

// shortestSecret is enough that nobody guesses it.
const shortestSecret = 16

// days makes a key for a number of days, 0 for no end.
func days(name, def, doc string, field func(*Config) *time.Duration) Key {
	return Key{Name: name, Default: def, Doc: doc, Allowed: "0 (for ever), or a whole number of days from " + strconv.Itoa(leastDays) + " to " + strconv.Itoa(mostDays),
		set: func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n != 0 && (n < leastDays || n > mostDays) {
				return errValue
			}
			*field(c) = time.Duration(n) * 24 * time.Hour
			return nil
		},
		get: func(c Config) string { return strconv.Itoa(int(field(&c).Hours() / 24)) },
	}
}

func isSyslog(v string) bool {
	u, err := url.Parse(v)
	return err == nil && slices.Contains([]string{"tls", "tcp", "udp"}, u.Scheme) && u.Hostname() != "" && u.Port() != "" &&
		u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == ""
}

// refuseAudit refuses deliveries that nobody could tell from forged ones, or that
// others can read on the way.
func (c Config) refuseAudit(refuse func(key, val, allowed string)) {
	if c.Audit.Webhook.URL != "" && len(c.Audit.Webhook.Secret) < shortestSecret {
		refuse("audit.webhook.secret", "", "at least "+strconv.Itoa(shortestSecret)+" characters, which the receiver knows, too: it signs the deliveries")
	}
	if u, err := url.Parse(c.Audit.Webhook.URL); err == nil && u.Scheme == "http" && !loopbackHost(u.Hostname()) {
		refuse("audit.webhook.url", c.Audit.Webhook.URL, "https, as events name people; http only on a loopback address")
	}
}
