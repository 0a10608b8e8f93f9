package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"latchkey/config"
)

// databaseDown says what to do when PostgreSQL cannot be used at all; other
// errors stay as they are. The address is shown without its password.
func databaseDown(cfg config.Config, err error) error {
	if err == nil || !cfg.Database.Shared() {
		return err
	}
	at, name := whereabouts(cfg.Database.URL)
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch code := state.SQLState(); {
		case code == "3D000":
			return fmt.Errorf("database.url: %s has no database %q; create it with `createdb %s`, or correct database.url", at, name, name)
		case strings.HasPrefix(code, "28"):
			return fmt.Errorf("database.url: %s refuses the user or the password; correct database.url", at)
		}
		return err
	}
	var dial *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("database.url: the name %s leads nowhere (%s); correct database.url", dns.Name, dns.Err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("database.url: nothing answers at %s (%w); start PostgreSQL or correct database.url", at, dial.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("database.url: nothing answers at %s (it took too long); start PostgreSQL or correct database.url", at)
	}
	return err
}

// whereabouts reads host, port and name of the database; host and name may
// also stand behind the question mark.
func whereabouts(raw string) (at, name string) {
	u, err := url.Parse(raw)
	if err != nil {
		return "the address", ""
	}
	q := u.Query()
	at, name = u.Host, strings.TrimPrefix(u.Path, "/")
	if at == "" {
		at = q.Get("host")
	}
	if u.Port() == "" && !strings.ContainsAny(at, ",/") {
		port := q.Get("port")
		if port == "" {
			port = "5432"
		}
		at = net.JoinHostPort(strings.Trim(at, "[]"), port)
	}
	if name == "" {
		if name = q.Get("dbname"); name == "" {
			name = u.User.Username()
		}
	}
	return at, name
}
