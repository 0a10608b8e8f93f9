package connector_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// D-02: the address of a database that somebody names on a page or through the
// API cannot make this host send what lies on it, nor reach its sockets.
func TestStrangersDSN(t *testing.T) {
	home := t.TempDir()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(home, ".pgpass"), []byte("*:*:*:*:of-the-host\n"), 0o600))
	must(os.MkdirAll(filepath.Join(home, ".postgresql"), 0o700))
	for _, f := range []string{"postgresql.crt", "postgresql.key", "root.crt"} {
		must(os.WriteFile(filepath.Join(home, ".postgresql", f), []byte("of the host, and no certificate"), 0o600))
	}
	for name, value := range map[string]string{
		"HOME": home, "PGPASSWORD": "of-the-host", "PGUSER": "of-the-host", "PGHOST": "of-the-host", "PGDATABASE": "of-the-host", "PGPORT": "1", "PGOPTIONS": "-c of=host",
		"PGAPPNAME": "of-the-host", "PGSSLMODE": "disable", "PGSSLCERTMODE": "require", "PGCONNECT_TIMEOUT": "86400", "PGTARGETSESSIONATTRS": "read-write", "PGSSLNEGOTIATION": "direct",
	} {
		t.Setenv(name, value)
	}
	for _, dsn := range []string{
		"", "host=evil.example.org password=geheim user=u dbname=d", "host=evil.example.org servicefile=/etc/latchkey service=geheim",
		"postgres://evil.example.org/d", "postgres://u@evil.example.org/d", "postgres://:geheim@evil.example.org/d", "postgres://u:@evil.example.org/d",
		"postgres://u:geheim@/d", "postgres:///d?host=/var/run/postgresql&user=u&password=geheim", "postgres://u:geheim@%2Fvar%2Frun%2Fpostgresql/d", "postgres://u:geheim@evil.example.org",
		"postgres://u:geheim@evil.example.org/d?host=/var/run/postgresql", "postgres://u:geheim@evil.example.org/d?passfile=/etc/passwd", "postgres://u:geheim@evil.example.org/d?service=x&servicefile=/etc/passwd",
		"postgres://u:geheim@evil.example.org/d?sslcert=/a&sslkey=/b", "postgres://u:geheim@evil.example.org/d?sslrootcert=/etc/passwd", "postgres://u:geheim@evil.example.org/d?sslmode=disable&sslmode=require",
		"postgres://u:geheim@evil.example.org/d?options=-c%20x", "postgres://u:geheim@evil.example.org,other.example.org/d", "postgres://u:geheim@h/d?sslmode=geheim",
	} {
		cfg, err := connector.StrangersDSN(dsn)
		if !errors.Is(err, idp.ErrInvalid) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %+v %v", dsn, cfg, err)
		}
	}
	cfg, err := connector.StrangersDSN(`postgres://re%27ad%5Cer:its%27%20own%5C@db.example.org/odoo`)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != "db.example.org" || cfg.Port != 5432 || cfg.User != `re'ad\er` || cfg.Password != `its' own\` || cfg.Database != "odoo" || len(cfg.RuntimeParams) != 0 ||
		cfg.ValidateConnect != nil || cfg.SSLNegotiation != "postgres" || cfg.SSLCertMode != "disable" || len(cfg.Fallbacks) != 0 {
		t.Errorf("%+v", cfg)
	}
	if cfg.TLSConfig == nil || len(cfg.TLSConfig.Certificates) != 0 || cfg.TLSConfig.RootCAs != nil {
		t.Error("a certificate of this host is used")
	}
	for _, at := range []string{"169.254.169.254:80", "[fe80::1]:5432", "0.0.0.0:5432"} {
		if c, err := cfg.DialFunc(t.Context(), "tcp", at); err == nil || !strings.Contains(err.Error(), "not called") {
			t.Errorf("%s: %v %v", at, c, err)
		}
	}
	if c, err := cfg.DialFunc(t.Context(), "unix", filepath.Join(home, "socket")); err == nil || !strings.Contains(err.Error(), "not called") {
		t.Errorf("socket: %v %v", c, err)
	}
}

// C-07: what comes over a network is encrypted, unless somebody said that it need
// not be; on this host it may be as it likes. "tls then plain" is libpq's own
// choice.
func TestForeignDatabaseIsEncrypted(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	service := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(service, []byte("[open]\nhost=db.example.org\nsslmode=disable\n[silent]\nhost=db.example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", service)
	t.Setenv("PGSSLMODE", "")
	ways := func(cfg *pgx.ConnConfig, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		word := map[bool]string{true: "tls", false: "plain"}
		out := word[cfg.TLSConfig != nil]
		for _, f := range cfg.Fallbacks {
			out += " then " + word[f.TLSConfig != nil]
		}
		return out
	}
	for dsn, want := range map[string]string{
		"postgres://u:p@db.example.org/d": "tls", "postgres://u:p@10.1.2.3:5433/d": "tls", "postgres://u:p@db.example.org/d?sslmode=disable": "plain",
		"postgres://u:p@db.example.org/d?sslmode=require": "tls", "postgres://u:p@db.example.org/d?sslmode=verify-full": "tls", "postgres://u:p@localhost/d": "tls then plain",
		"postgres://u:p@127.0.0.1/d": "tls then plain", "postgres://u:p@[::1]/d": "tls then plain", "postgres://u:p@localhost.example.org/d": "tls",
		"postgres://u:p@localhost/d?sslmode=allow": "plain then tls", "postgres://u:p@localhost/d?sslmode=prefer": "tls then plain",
		"postgres://u:its+sslmode=disable@db.example.org/d": "tls", "postgres://u:p@db.example.org/sslmode": "tls",
	} {
		if got := ways(connector.StrangersDSN(dsn)); got != want {
			t.Errorf("page: %s: %s", dsn, got)
		}
		if got := ways(connector.HostDSN(dsn)); got != want {
			t.Errorf("host: %s: %s", dsn, got)
		}
	}
	for dsn, want := range map[string]string{
		"host=db.example.org user=u": "tls", "host=/var/run/postgresql user=u": "plain", "host=db.example.org,127.0.0.1 user=u": "tls then tls then plain",
		"host=db.example.org sslmode = prefer": "tls then plain", "postgres://u:p@db.example.org/d?sslmode=prefer": "tls then plain", "postgres://u:p@db.example.org/d?application_name=x&sslmode=allow": "plain then tls",
		"host=db.example.org user=u password=sslmode": "tls", "host=db.example.org user=u password='a sslmode=disable'": "tls", "host=db.example.org user=u dbname=sslmode": "tls",
		"host=/var/run/postgresql,db.example.org user=u": "plain then tls", "host=/var/run/postgresql,db.example.org,127.0.0.1 user=u": "plain then tls then tls then plain",
		"host=/var/run/postgresql,db.example.org user=u sslmode=disable": "plain then plain", "host=/var/run/postgresql,db.example.org service=open": "plain then plain",
		"service=open user=u": "plain", "service=silent user=u": "tls",
	} {
		if got := ways(connector.HostDSN(dsn)); got != want {
			t.Errorf("host: %s: %s", dsn, got)
		}
	}
	for _, mode := range []string{"allow", "prefer"} { // these fall back without a word
		if cfg, err := connector.StrangersDSN("postgres://u:p@db.example.org/d?sslmode=" + mode); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "sslmode="+mode) {
			t.Errorf("page: %s: %+v %v", mode, cfg, err)
		}
	}
	t.Setenv("PGSSLMODE", "disable")
	if got := ways(connector.HostDSN("host=db.example.org user=u")); got != "plain" {
		t.Errorf("PGSSLMODE: %s", got)
	}
	if got := ways(connector.StrangersDSN("postgres://u:p@db.example.org/d")); got != "tls" {
		t.Errorf("PGSSLMODE of the host holds for strangers: %s", got)
	}
}

// A server that does not encrypt is not read, and the error says how to.
func TestForeignDatabaseRefusesTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			said := make([]byte, 8) // SSLRequest
			if _, err := io.ReadFull(c, said); err == nil {
				_, _ = c.Write([]byte("N"))
			}
			c.Close()
		}
	}()
	for name, open := range map[string]func(context.Context, string, []string) (*connector.SQL, error){"page": connector.OpenSQL, "host": connector.OpenSQLAtHost} {
		_, err := open(t.Context(), "postgres://u:geheim@"+l.Addr().String()+"/d?sslmode=require", nil)
		if !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "sslmode=disable") || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a page gives is read with its own user and password, and by nothing else.
func TestStrangersSQL(t *testing.T) {
	o := odootest.NewDatabase(t, storetest.Postgres(t), 18)
	if _, err := connector.OpenSQL(t.Context(), o.DSN, nil); !errors.Is(err, idp.ErrInvalid) { // without a password, and with a search_path
		t.Errorf("%v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	called := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		said := make([]byte, 512)
		n, _ := c.Read(said) // then it is silent
		called <- string(said[:n])
		<-t.Context().Done()
	}()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	if _, err := connector.OpenSQL(ctx, "postgres://u:geheim@"+l.Addr().String()+"/d?sslmode=disable", nil); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("%v", err)
	}
	if said := <-called; !strings.Contains(said, "user\x00u\x00") || !strings.Contains(said, "database\x00d\x00") {
		t.Errorf("%q", said)
	}
}

// A server that takes its time does not hold an import for ever, whatever it was
// told of its own limit.
func TestSlowSQL(t *testing.T) {
	o := odootest.NewDatabase(t, storetest.Postgres(t), 18)
	from, err := connector.OpenSQLAtHost(t.Context(), o.DSN, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close(t.Context())
	connector.Impatient(from, 300*time.Millisecond)
	began := time.Now()
	if _, err := from.Next(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}
