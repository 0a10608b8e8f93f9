package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

var postgresSchemes = []string{"postgres", "postgresql"}

// refusals are the mistakes that no value makes alone. The program does not
// start with them (C-08): each one is a way to run without protection and not
// to notice.
func (c Config) refusals() Mistakes {
	var ms Mistakes
	refuse := func(key, val, allowed string) {
		k, _ := find(key)
		ms = append(ms, Mistake{Key: key, Value: k.masked(val), Allowed: allowed})
	}
	switch {
	case c.Issuer == "":
		refuse("issuer", "", "the public address, such as https://id.example.org; it is derived from listen only on a loopback address with a fixed port")
	case strings.HasPrefix(c.Issuer, "http://") && !LoopbackIssuer(c.Issuer):
		refuse("issuer", c.Issuer, "https, as over http passwords and tokens can be read on the way; http only on a loopback address")
	}
	if c.MetricsListen != "" && c.MetricsListen == c.Listen {
		refuse("metrics_listen", c.MetricsListen, "another address than listen, as metrics are not for the public (D-14)")
	}
	if c.Sessions.Idle > c.Sessions.Absolute {
		refuse("sessions.idle", brief(c.Sessions.Idle), "at most sessions.absolute, which is "+brief(c.Sessions.Absolute))
	}
	if c.Tokens.RefreshIdle > c.Tokens.RefreshAbsolute {
		refuse("tokens.refresh_idle", brief(c.Tokens.RefreshIdle), "at most tokens.refresh_absolute, which is "+brief(c.Tokens.RefreshAbsolute))
	}
	if c.Database.Shared() && c.Secrets.KeyringFile == "" {
		refuse("secrets.keyring_file", "", "with PostgreSQL the file that `latchkey keyring create FILE` wrote, the same for every instance; or set data_dir to keep it there")
	}
	c.refusePasskeys(refuse)
	c.refuseAudit(refuse)
	c.refuseMail(refuse)
	c.refuseTracing(refuse)
	if allowed := c.Database.tls(); allowed != "" {
		refuse("database.url", c.Database.URL, allowed)
	}
	return ms
}

// Shared reports whether the database is one that several instances can use.
func (d Database) Shared() bool {
	scheme, _, _ := strings.Cut(d.URL, ":")
	return slices.Contains(postgresSchemes, scheme)
}

// File is where the embedded database is kept; empty for a server database and
// one in memory.
func (d Database) File() string {
	path, embedded := strings.CutPrefix(d.URL, "sqlite:")
	if !embedded || path == ":memory:" {
		return ""
	}
	return path
}

// tls says what is wrong with the protection of the way to PostgreSQL, or
// nothing. Some modes fall back to clear text, or talk to anybody, without a
// word (C-07). Where none is written the store asks another host for a
// certificate.
func (d Database) tls() string {
	u, err := url.Parse(d.URL)
	if err != nil || !d.Shared() {
		return ""
	}
	q := u.Query()
	mode := q.Get("sslmode")
	switch {
	case slices.Contains([]string{"", "verify-full", "verify-ca", "disable"}, mode), local(u.Host, q["host"]), mode == "require" && q.Get("sslrootcert") != "":
		return ""
	case mode == "require":
		return "sslmode=verify-full with sslrootcert=FILE, as sslmode=require does not check whom it talks to"
	}
	return "sslmode=verify-full or verify-ca, or sslmode=disable where the network itself is trusted; other modes fall back to clear text in silence"
}

// local reports whether every host of a connection is this machine.
func local(authority string, more []string) bool {
	hosts := strings.Split(strings.Join(append(more, authority), ","), ",")
	return !slices.ContainsFunc(hosts, func(h string) bool {
		return h != "" && !strings.HasPrefix(h, "/") && !loopbackHost(hostOf(h))
	})
}

// ErrDemo says that demo mode would be open to others.
var ErrDemo = errors.New("config: demo mode has public passwords and is only for this machine: use a loopback address for listen and issuer, or say --demo-public if everybody who can reach it may sign in")

// Demo returns [ErrDemo] unless nobody else can reach the server, or the
// operator wants just that.
func (c Config) Demo(public bool) error {
	if public || Loopback(c.Listen) && LoopbackIssuer(c.Issuer) {
		return nil
	}
	return ErrDemo
}

// Loopback reports whether a host:port can be reached from this machine only.
func Loopback(listen string) bool { return isListen(listen) && loopbackHost(hostOf(listen)) }

// LoopbackIssuer reports whether an issuer names this machine.
func LoopbackIssuer(issuer string) bool {
	u, err := url.Parse(issuer)
	return err == nil && loopbackHost(u.Hostname())
}

// loopbackHost knows addresses and, of names, only those that RFC 6761 §6.3
// keeps for this machine.
func loopbackHost(h string) bool {
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Unmap().IsLoopback()
	}
	h = strings.ToLower(strings.TrimSuffix(h, "."))
	return h == "localhost" || strings.HasSuffix(h, ".localhost")
}

func hostOf(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return strings.Trim(address, "[]")
}

func portOf(listen string) string {
	_, port, _ := net.SplitHostPort(listen)
	return port
}

func join(dir, file string) string {
	if strings.HasPrefix(dir, "./") { // kept, as it says "here" to a reader
		return "./" + filepath.Join(dir, file)
	}
	return filepath.Join(dir, file)
}
