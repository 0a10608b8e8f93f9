package connector

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// errDSN never repeats what was said: it holds a password.
var errDSN = fmt.Errorf("%w: dsn: that is no address of a PostgreSQL database, such as postgres://reader:PASSWORD@db.example.org/odoo", idp.ErrInvalid)

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
		return nil, fmt.Errorf("%w: dsn: the address must name its own user and password", idp.ErrInvalid)
	}
	mode, err := sslmode(u.RawQuery)
	if err != nil {
		return nil, err
	}
	port := cmp.Or(u.Port(), "5432")
	return alone([][2]string{{"host", host}, {"port", port}, {"user", u.User.Username()}, {"password", password}, {"dbname", database}, {"sslmode", mode}})
}

// sslmode is the only word that a DSN may have.
func sslmode(raw string) (string, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return "", errDSN
	}
	for word, values := range query {
		if word != "sslmode" || len(values) != 1 {
			return "", fmt.Errorf("%w: dsn: after the name of the database, only one sslmode is allowed", idp.ErrInvalid)
		}
	}
	mode := cmp.Or(query.Get("sslmode"), "prefer")
	if !slices.Contains([]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, mode) {
		return "", fmt.Errorf("%w: dsn: sslmode is one of PostgreSQL's", idp.ErrInvalid)
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
