package connector

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// errDSN never repeats what was said: it holds a password.
var errDSN = refuse("refused.dsn", idp.ErrInvalid)

// strangersDSN reads the address of a database that somebody gave who is not
// the operator of this host. Whoever names a server must not have it sent what
// lies here: passwords of the environment and of password files, keys of
// certificates, the contents of service files; nor reach what listens on a socket
// of this host alone (SECURITY.md D-02). So the address is a URL of one server
// that says all itself, of the words of a DSN only sslmode is taken, and what
// libpq would fill in is set here.
func strangersDSN(dsn string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" || u.Fragment != "" {
		return nil, errDSN
	}
	host, database := u.Hostname(), strings.TrimPrefix(u.Path, "/")
	if host == "" || strings.ContainsAny(host, "/\\@,") || database == "" {
		return nil, errDSN
	}
	password, _ := u.User.Password()
	if u.User.Username() == "" || password == "" {
		return nil, refuse("refused.dsn.user", idp.ErrInvalid)
	}
	mode, err := sslmode(u.RawQuery, host)
	if err != nil {
		return nil, err
	}
	port := cmp.Or(u.Port(), "5432")
	return alone([][2]string{{"host", host}, {"port", port}, {"user", u.User.Username()}, {"password", password}, {"dbname", database}, {"sslmode", mode}})
}

// sslmode is the only word that a DSN may have. What comes over a network comes
// encrypted or not at all, unless somebody says aloud that it need not be:
// password hashes and secrets of authenticator apps do. So libpq's modes that fall
// back to plain text when somebody on the way says that there is no TLS are for
// servers on this host (SECURITY.md C-07).
func sslmode(raw, host string) (string, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return "", errDSN
	}
	for word, values := range query {
		if word != "sslmode" || len(values) != 1 {
			return "", refuse("refused.dsn.words", idp.ErrInvalid)
		}
	}
	mode := query.Get("sslmode")
	if mode == "" {
		mode = map[bool]string{true: "prefer", false: "require"}[near(host)]
	}
	if !slices.Contains([]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, mode) {
		return "", refuse("refused.dsn.sslmode", idp.ErrInvalid)
	}
	if (mode == "allow" || mode == "prefer") && !near(host) {
		return "", refuse("refused.dsn.falls_back", idp.ErrInvalid, mode)
	}
	return mode, nil
}

// alone makes a configuration of these settings and of nothing that lies about
// on this host: each other word that libpq fills in from the environment or from
// the home directory is said here, too.
func alone(settings [][2]string) (*pgx.ConnConfig, error) {
	settings = append(settings, [][2]string{
		{"passfile", ""}, {"sslcert", ""}, {"sslkey", ""}, {"sslpassword", ""}, {"sslcertmode", "disable"}, {"sslrootcert", ""}, {"sslsni", "1"},
		{"sslnegotiation", "postgres"}, {"connect_timeout", "10"}, {"target_session_attrs", "any"}, {"krbspn", ""}, {"krbsrvname", ""},
		{"min_protocol_version", "3.0"}, {"max_protocol_version", "3.0"}, {"channel_binding", "prefer"}, {"require_auth", ""},
	}...)
	var words []string
	for _, s := range settings {
		words = append(words, s[0]+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s[1])+"'")
	}
	cfg, err := pgx.ParseConfig(strings.Join(words, " "))
	if err != nil {
		return nil, errDSN
	}
	cfg.RuntimeParams = map[string]string{} // of PGOPTIONS and the like
	cfg.DialFunc = pgconn.DialFunc((&net.Dialer{Timeout: dialLimit, ControlContext: rpc.Control}).DialContext)
	return cfg, nil
}

// near reports whether a server is on this host, so that nobody can read along: a
// loopback address, or the folder of a socket.
func near(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// hostDSN reads a DSN of the operator of this host. libpq falls back to a
// connection without encryption where nobody chose one; here that takes a word
// (sslmode), in the DSN or in PGSSLMODE.
func hostDSN(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errDSN
	}
	if os.Getenv("PGSSLMODE") != "" || choosesMode(dsn) {
		return cfg, nil
	}
	// A service file that chose otherwise has plain text first, or no fallback.
	type server struct {
		host string
		port uint16
	}
	encrypts := map[server]bool{{cfg.Host, cfg.Port}: cfg.TLSConfig != nil}
	cfg.Fallbacks = slices.DeleteFunc(cfg.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		at := server{f.Host, f.Port}
		if f.TLSConfig != nil {
			encrypts[at] = true
		}
		return f.TLSConfig == nil && encrypts[at] && !near(f.Host)
	})
	return cfg, nil
}

// drivers are the words of a DSN that are for the driver, but for sslmode.
var drivers = []string{
	"host", "port", "database", "user", "password", "passfile", "connect_timeout", "sslkey", "sslcert", "sslcertmode", "sslrootcert", "sslnegotiation", "sslpassword", "sslsni",
	"krbspn", "krbsrvname", "target_session_attrs", "service", "servicefile", "min_protocol_version", "max_protocol_version", "channel_binding", "require_auth",
}

// choosesMode reports whether a DSN itself has the word sslmode, or ssl=true, which
// means the same; a password or a name that looks like it is none. The driver reads
// it, so that nobody reads it otherwise; of what it does not know, nothing is chosen.
func choosesMode(dsn string) bool {
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return false
	}
	other := slices.Clone(drivers)
	for word := range cfg.RuntimeParams {
		if word != "ssl" {
			other = append(other, word)
		}
	}
	_, all := pgconn.ParseConfigWithOptions(dsn, pgconn.ParseConfigOptions{ConnStringAllowedKeys: append(slices.Clone(other), "sslmode", "ssl")})
	_, without := pgconn.ParseConfigWithOptions(dsn, pgconn.ParseConfigOptions{ConnStringAllowedKeys: other})
	return all == nil && without != nil
}

// unread explains why a database is not read: its server does not encrypt, or does
// not let us in.
func unread(err error, host string) error {
	if strings.Contains(err.Error(), "server refused TLS connection") { // pgx has no sentinel
		return refuse("refused.dsn.plain", idp.ErrInvalid, host)
	}
	return &saying{ErrDatabase, say("refused.server", host).because(err.Error())}
}
