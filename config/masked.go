package config

import (
	"net/url"
	"strings"
)

// Setting is one key and its value, fit to be shown.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"` // file and line, the variable, or "default"
}

// Masked lists every setting without the secrets in it.
func (c Config) Masked() []Setting {
	out := make([]Setting, len(keys))
	for i, k := range keys {
		v := k.get(c)
		if !k.Structured {
			v = k.masked(v)
		}
		out[i] = Setting{Key: k.Name, Value: v, From: c.from[k.Name]}
	}
	return out
}

const hidden = "xxxxx"

// masked hides the secret part of a value: passwords and queries of
// addresses, and the whole of what is no address.
func (k Key) masked(v string) string {
	if !k.Secret || v == "" || strings.HasPrefix(v, "sqlite:") {
		return v
	}
	u, err := url.Parse(v)
	if err != nil || !addresses[u.Scheme] || u.Host == "" && u.Path == "" {
		return hidden
	}
	if u.User != nil {
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), hidden)
		}
	}
	if strings.HasPrefix(u.Scheme, "http") && u.Path != "" && u.Path != "/" {
		u.Path, u.RawPath = "/"+hidden, "" // gateways carry their key in the path, too
	}
	q := u.Query()
	for name := range q {
		if !openParameters[name] {
			q.Set(name, hidden)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// addresses are those whose open parts are shown. A secret may look like one
// of another kind.
var addresses = map[string]bool{"postgres": true, "postgresql": true, "redis": true, "rediss": true, "smtp": true, "smtps": true, "http": true, "https": true}

// openParameters of addresses are no secrets and help to find mistakes.
var openParameters = map[string]bool{"sslmode": true, "tls": true, "sslrootcert": true, "host": true, "target_session_attrs": true, "connect_timeout": true, "master": true}

func (k Key) mistake(v value, err error) Mistake {
	allowed := k.Allowed
	if part, _, found := strings.Cut(err.Error(), ": "+errValue.Error()); found && !k.Secret {
		allowed += "; " + part + " is none"
	}
	return Mistake{Key: k.Name, Value: k.masked(v.text), From: v.from, Allowed: allowed}
}
