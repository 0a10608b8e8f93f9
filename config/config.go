// Package config is what an operator may set: one struct, read from a YAML
// file and the environment, checked once and as a whole.
//
// It never looks anything up over the network, never opens the database and
// keeps no globals. What administrators change from day to day (people,
// clients, policies) is data, not configuration, and has no place here.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Config is the whole configuration, checked. Fields have the names of their
// keys; [Keys] says what each one means.
type Config struct {
	Issuer         string // public address, without a slash at the end
	Listen         string // host:port
	MetricsListen  string // host:port; empty: no metrics
	DataDir        string
	TrustedProxies []netip.Prefix
	Database       Database
	Redis          Redis
	Secrets        Secrets
	Passwords      Passwords
	Limits         Limits
	Sessions       Sessions
	Tokens         Tokens
	Log            Log
	Tracing        Tracing
	Branding       Branding
	Mail           Mail
	SMS            SMS
	Passkeys       Passkeys
	Accounts       Accounts
	Audit          Audit
	Places         Places
	Outbound       Outbound

	from map[string]string // key → where its value came from
}

// Database is where everything is kept.
type Database struct {
	URL string // sqlite:PATH, sqlite::memory: or postgres://…
}

// Redis is a cache that instances share.
type Redis struct {
	URL string // empty: each instance has a cache of its own
}

// Outbound says where this server may call addresses that somebody has entered
// in it, beside the internet at large (P-28).
type Outbound struct {
	Networks []netip.Prefix // private ones
}

// Secrets is what seals other secrets.
type Secrets struct {
	KeyringFile string
}

// Passwords sets the cost of hashing and the length of new passwords.
type Passwords struct {
	MemoryKiB uint32
	Time      uint32 // passes over the memory
	Threads   uint8
	MinLength int // code points, where the password can be the only factor
}

// Limits says how often a wrong answer is heard.
type Limits struct {
	PasswordTries  int           // per account and unknown browser, per LockFor
	AddressTries   int           // per IPv4 address or IPv6 /64, per LockFor
	ChallengeTries int           // wrong codes that kill one challenge
	FactorTries    int           // wrong codes per account, per LockFor
	FactorStreak   int           // wrong codes without a right one that stop a factor
	LockFor        time.Duration // how long failures are counted, and a lock lasts
	APIPerMinute   int           // requests of one caller of the API, for each instance
}

// Sessions says how long somebody stays signed in.
type Sessions struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // whatever happens
}

// Tokens says how long what relying parties get is good for.
type Tokens struct {
	Code            time.Duration
	Access          time.Duration
	ID              time.Duration
	RefreshIdle     time.Duration // since its last use
	RefreshAbsolute time.Duration // since the sign-in
}

// Log shapes the program's own log, which is not the audit log.
type Log struct {
	Level  slog.Level
	Format string // text or json
}

// Branding is the house name on pages.
type Branding struct {
	Name    string // of the service, also in authenticator apps
	Company string
}

// Mail is where mail is handed over.
type Mail struct {
	SMTPURL string // empty: no mail
	From    string // address, with or without a name; empty: noreply@ and the issuer's host
	ReplyTo string // address, with or without a name; empty: none
	OAuth   MailOAuth
	Admin   string // whom the program itself writes to; empty: nobody
}

// MailOAuth is how a token for the mail server is got: by the client
// credentials grant (RFC 6749 §4.4).
type MailOAuth struct {
	TokenURL     string // empty: the mail server is shown a password, or nothing
	ClientID     string
	ClientSecret string
	Scope        string // several are parted by spaces
}

// SMS is where text messages are handed over, and how many.
type SMS struct {
	Gateways        []Gateway // tried in order
	HTTPURL         string    // one more gateway, the simple case; empty: none
	Countries       []string  // the only ones; none: all
	Daily           int       // messages
	DailyPerCountry int
	Unconfirmed     int // messages to one country in an hour whose code nobody entered
	Timeout         time.Duration
}

// Passkeys says which site passkeys belong to.
type Passkeys struct {
	RPID             string   // a domain; empty: the issuer is an IP address, and there are no passkeys
	Origins          []string // where they may be used beside the issuer
	AttestationRoots string   // PEM file; empty: no maker's word is believed
}

// Places is where addresses are.
type Places struct {
	File string // a database in MaxMind's format; empty: nobody knows
}

// Accounts says what people may do about their own accounts.
type Accounts struct {
	Closing string // off or request
	// SCIMDelete is what becomes of people whom a system that feeds them in
	// deletes: disable or remove.
	SCIMDelete string
}

// Load reads the file, if one is named, then the environment (as os.Environ
// gives it), which wins. The error is a [Mistakes] with every mistake there
// is, the judges' with them; the Config is then not to be used.
func Load(file string, env []string, judges ...Judge) (Config, error) {
	r := reading{values: map[string]value{}, judges: judges}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			r.wrong(Mistake{Key: "config", Value: file, From: "the command line", Allowed: "a YAML file that can be read: " + reason(err)})
		} else {
			r.file(file, text)
		}
	}
	r.environment(env)
	c := r.build()
	if len(r.mistakes) > 0 {
		return c, r.mistakes
	}
	return c, nil
}

// value is what was written for a key, and where.
type value struct{ text, from string }

// reading collects what was written until it can be judged.
type reading struct {
	values   map[string]value
	mistakes Mistakes
	judges   []Judge
}

func (r *reading) wrong(m Mistake) { r.mistakes = append(r.mistakes, m) }

// build fills a Config: first what was written, then what follows from it,
// then what only makes sense together.
func (r *reading) build() Config {
	c := Config{from: map[string]string{}}
	bad := map[string]bool{} // keys whose mistake is told already
	for _, m := range r.mistakes {
		bad[m.Key] = true
	}
	for _, k := range keys {
		v, written := r.values[k.Name]
		if !written {
			v = value{text: k.Default, from: byDefault}
		}
		c.from[k.Name] = v.from
		if err := k.set(&c, v.text); err != nil {
			r.refuse(k, v, err)
			bad[k.Name] = true
		}
	}
	c.derive()
	for _, m := range c.refusals() {
		if !bad[m.Key] {
			m.From = c.from[m.Key]
			r.wrong(m)
		}
	}
	for _, judge := range r.judges {
		for _, m := range judge(c) {
			name, _, _ := strings.Cut(m.Key, "[")
			m.From = c.from[name]
			r.wrong(m)
		}
	}
	return c
}

// refuse tells what is wrong with a value: one thing, or several within it.
func (r *reading) refuse(k Key, v value, err error) {
	var inside Mistakes
	if !errors.As(err, &inside) {
		r.wrong(k.mistake(v, err))
		return
	}
	for _, m := range inside {
		m.From = v.from
		r.wrong(m)
	}
}

// derive fills what has no fixed default.
func (c *Config) derive() {
	if c.Issuer == "" && Loopback(c.Listen) {
		if port := portOf(c.Listen); port != "0" {
			c.Issuer = "http://localhost:" + port
			c.from["issuer"] = "derived from listen"
		}
	}
	if c.Passkeys.RPID == "" && c.Issuer != "" {
		c.Passkeys.RPID = domainOf(c.Issuer)
		c.from["passkeys.rp_id"] = "derived from issuer"
	}
	if c.Database.URL == "" {
		c.Database.URL = "sqlite:" + join(c.DataDir, "latchkey.db")
		c.from["database.url"] = inDataDir
	}
	// A server database may belong to many instances, so a keyring in a folder
	// that nobody chose would be one too many.
	if c.Secrets.KeyringFile == "" && (!c.Database.Shared() || c.from["data_dir"] != byDefault) {
		c.Secrets.KeyringFile = join(c.DataDir, "keyring.json")
		c.from["secrets.keyring_file"] = inDataDir
	}
}

// Where values come from that nobody wrote.
const (
	byDefault = "default"
	inDataDir = "derived from data_dir"
)

// In moves what is kept in the data folder to another one, unless the operator
// has chosen a folder or a place for each.
func (c Config) In(dir string) Config {
	if c.from["data_dir"] != byDefault {
		return c
	}
	c.from = maps.Clone(c.from)
	c.DataDir = dir
	for key, field := range map[string]*string{"database.url": &c.Database.URL, "secrets.keyring_file": &c.Secrets.KeyringFile} {
		if c.from[key] == inDataDir {
			*field = ""
		}
	}
	c.derive()
	return c
}

// KeyringMayBeMade reports whether a keyring that is missing may be made by
// the program: beside the embedded database, or in a data folder that the
// operator chose. A file that the operator named for a server database is
// known to other instances or a backup, and must come from there.
func (c Config) KeyringMayBeMade() bool {
	return !c.Database.Shared() || c.from["secrets.keyring_file"] == inDataDir
}

func reason(err error) string {
	if os.IsNotExist(err) {
		return "there is no such file"
	}
	return fmt.Sprint(err)
}
