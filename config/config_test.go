package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, yaml string, env ...string) (Config, error) {
	t.Helper()
	file := ""
	if yaml != "" {
		file = filepath.Join(t.TempDir(), "latchkey.yaml")
		write(t, file, yaml)
	}
	return Load(file, env)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mistakes(t *testing.T, err error) map[string]string {
	t.Helper()
	var ms Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("want Mistakes, got %v", err)
	}
	out := map[string]string{}
	for _, m := range ms {
		if _, twice := out[m.Key]; twice {
			t.Errorf("%s is reported twice:\n%v", m.Key, err)
		}
		out[m.Key] = m.String()
	}
	return out
}

func TestDefaults(t *testing.T) {
	c, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[any]any{
		c.Issuer: "http://localhost:8080", c.Listen: "127.0.0.1:8080", c.Database.URL: "sqlite:./latchkey-data/latchkey.db",
		c.Secrets.KeyringFile: "./latchkey-data/keyring.json", c.Passwords.MemoryKiB: uint32(19456),
		c.Sessions.Idle: 30 * time.Minute, c.Sessions.Absolute: 12 * time.Hour, c.Limits.LockFor: 15 * time.Minute,
	} {
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	c, err := load(t, `
issuer: https://id.example.org
listen: 0.0.0.0:9000
trusted_proxies: [10.1.2.3/8, "::1"] # a network is written by its first address
passwords: {memory_kib: 65536}
sessions:
  idle: 1h
`, "LATCHKEY_SESSIONS_IDLE=20m", "LATCHKEY_LISTEN=", "HOME=/root")
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if c.Sessions.Idle != 20*time.Minute || c.Listen != "0.0.0.0:9000" || c.Passwords.MemoryKiB != 65536 || !reflect.DeepEqual(c.TrustedProxies, want) {
		t.Errorf("got %+v", c)
	}
}

// P-28: only networks that a house has for itself can be opened, none that could be
// the server's own machine or a cloud's, and no more than that.
func TestOutboundNetworks(t *testing.T) {
	for in, good := range map[string]bool{
		"10.0.0.0/8": true, "10.20.0.0/16, 192.168.1.7": true, "172.16.0.0/12": true, "100.64.0.0/10": true, "fd12:3456::/32": true,
		"0.0.0.0/0": false, "10.0.0.0/7": false, "172.16.0.0/11": false, "127.0.0.0/8": false, "::1": false, "::/0": false, "169.254.169.254": false, "fe80::/10": false,
		"192.168.0.0/16, 8.8.8.8": false, "::ffff:10.0.0.0/104": false,
	} {
		c, err := load(t, "issuer: https://id.example.org\n", "LATCHKEY_OUTBOUND_NETWORKS="+in)
		if (err == nil) != good || good && len(c.Outbound.Networks) == 0 {
			t.Errorf("%s: %v, %v", in, c.Outbound.Networks, err)
		}
	}
}

func TestEveryMistakeAtOnce(t *testing.T) {
	_, err := load(t, `
isuer: https://id.example.org
listen: [a, b]
database: oops
passwords:
  memory_kib: 1024
  tmie: 3
trusted_proxies: [10.0.0.0/8, nobody]
outbound: {networks: [10.1.0.0/16, 169.254.0.0/16]}
sessions: {idle: 1h, absolute: 30m}
redis: {url: {host: x}}
`, "LATCHKEY_LOG_LEVEL=loud", "LATCHKEY_DATABSE_URL=postgres://u:verysecret@h/d", "LATCHKEY_LIMITS_FACTOR_STREAK=101")
	ms := mistakes(t, err)
	for key, says := range map[string]string{
		"isuer":                "did you mean issuer?",
		"listen":               `line 3): "a,b" is not allowed; allowed: HOST:PORT`,
		"database":             "a section",
		"passwords.memory_kib": `"1024" is not allowed; allowed: a whole number from 19456 to`,
		"passwords.tmie":       "did you mean passwords.time?",
		"trusted_proxies":      `"nobody" is none`,
		"outbound.networks":    `"169.254.0.0/16" is none`,
		"sessions.idle":        "at most sessions.absolute, which is 30m",
		"redis.url":            "here stands a section",
		"log.level":            `(from LATCHKEY_LOG_LEVEL): "loud" is not allowed; allowed: debug, info, warn, error`,
		"LATCHKEY_DATABSE_URL": "did you mean LATCHKEY_DATABASE_URL?",
		"limits.factor_streak": "from 5 to 100",
		"issuer":               "not set; allowed: the public address",
	} {
		if !strings.Contains(ms[key], says) {
			t.Errorf("%s: got %q, want %q in it", key, ms[key], says)
		}
		delete(ms, key)
	}
	if len(ms) > 0 {
		t.Errorf("unexpected: %v", ms)
	}
	if strings.Contains(err.Error(), "verysecret") {
		t.Error("the mistake shows a secret")
	}
}

func TestBrokenFiles(t *testing.T) {
	for _, text := range []string{"a: [", "\tlisten: x", "- listen", "listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2", "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", "issuer: &a\n  b: *a"} {
		if c, err := load(t, text); err == nil {
			t.Errorf("%q is taken: %+v", text, c)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := load(t, "# nothing but words\n"); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

// C-08: what is dangerous is refused at start. D-14: metrics have their own door.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		env []string
		key string // "" = fine
	}{
		"http in public":            {[]string{"LATCHKEY_ISSUER=http://id.example.org"}, "issuer"},
		"http on a lookalike":       {[]string{"LATCHKEY_ISSUER=http://localhost.example.org"}, "issuer"},
		"http on a private address": {[]string{"LATCHKEY_ISSUER=http://192.168.1.2"}, "issuer"},
		"http on loopback":          {[]string{"LATCHKEY_ISSUER=http://127.0.0.1:99"}, ""},
		"http on ipv6 loopback":     {[]string{"LATCHKEY_ISSUER=http://[::1]:99"}, ""},
		"path":                      {[]string{"LATCHKEY_ISSUER=https://id.example.org/"}, "issuer"},
		"person in issuer":          {[]string{"LATCHKEY_ISSUER=https://a@id.example.org"}, "issuer"},
		"query":                     {[]string{"LATCHKEY_ISSUER=https://id.example.org?"}, "issuer"},
		"no issuer in public":       {[]string{"LATCHKEY_LISTEN=:8080"}, "issuer"},
		"no fixed port":             {[]string{"LATCHKEY_LISTEN=127.0.0.1:0"}, "issuer"},
		"metrics in public":         {[]string{"LATCHKEY_METRICS_LISTEN=127.0.0.1:8080"}, "metrics_listen"},
		"no keyring":                {[]string{"LATCHKEY_DATABASE_URL=postgres://u@localhost/d"}, "secrets.keyring_file"},
		"postgres here":             {[]string{"LATCHKEY_DATABASE_URL=postgres://u@localhost/d", keyring}, ""},
		"keyring in a data folder":  {[]string{"LATCHKEY_DATABASE_URL=postgres://u@localhost/d", "LATCHKEY_DATA_DIR=/var/lib/latchkey"}, ""},
		"postgres by socket":        {[]string{"LATCHKEY_DATABASE_URL=postgres:///d?host=/run/postgresql", keyring}, ""},
		"two hosts here":            {[]string{"LATCHKEY_DATABASE_URL=postgres://u@127.0.0.1:1,127.0.0.1:2/d", keyring}, ""},
		"one of two hosts away":     {[]string{"LATCHKEY_DATABASE_URL=postgres://u@127.0.0.1:1,db:2/d?sslmode=allow", keyring}, "database.url"},
		"verified by default":       {[]string{"LATCHKEY_DATABASE_URL=postgres://u@db/d", keyring}, ""},
		"prefer here":               {[]string{"LATCHKEY_DATABASE_URL=postgres://u@127.0.0.1:1,localhost:2/d?sslmode=prefer", keyring}, ""},
		"prefer":                    {[]string{"LATCHKEY_DATABASE_URL=postgres://u@db/d?sslmode=prefer", keyring}, "database.url"},
		"encrypted to anybody":      {[]string{"LATCHKEY_DATABASE_URL=postgres://u@db/d?sslmode=require", keyring}, "database.url"},
		"clear text on purpose":     {[]string{"LATCHKEY_DATABASE_URL=postgres://u@db/d?sslmode=disable", keyring}, ""},
		"verified":                  {[]string{"LATCHKEY_DATABASE_URL=postgres://u@db/d?sslmode=verify-full", keyring}, ""},
		"another database":          {[]string{"LATCHKEY_DATABASE_URL=mysql://u@db/d"}, "database.url"},
		"refresh for ever":          {[]string{"LATCHKEY_TOKENS_REFRESH_IDLE=800h"}, "tokens.refresh_idle"},
		"code for too long":         {[]string{"LATCHKEY_TOKENS_CODE=11m"}, "tokens.code"}, // RFC 6749 §4.1.2
		"mail in clear text":        {[]string{"LATCHKEY_MAIL_SMTP_URL=smtp://mail:25?tls=none"}, ""},
		"password in clear text":    {[]string{"LATCHKEY_MAIL_SMTP_URL=smtp://u:p@mail:25?tls=none"}, "mail.smtp_url"},
		"maybe clear text":          {[]string{"LATCHKEY_MAIL_SMTP_URL=smtp://mail:25?tls=maybe"}, "mail.smtp_url"},
		"weak hash":                 {[]string{"LATCHKEY_PASSWORDS_TIME=1"}, "passwords.time"},
		"kubernetes":                {[]string{"LATCHKEY_PORT=tcp://10.0.0.1:8080", "LATCHKEY_SERVICE_HOST=10.0.0.1", "LATCHKEY_PORT_8080_TCP_ADDR=10.0.0.1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("", c.env)
			if c.key == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if ms := mistakes(t, err); ms[c.key] == "" || len(ms) != 1 {
				t.Errorf("want one mistake about %s, got %v", c.key, err)
			}
		})
	}
}

const keyring = "LATCHKEY_SECRETS_KEYRING_FILE=/run/secrets/keyring"

// C-08: public passwords only where nobody else can use them.
func TestDemo(t *testing.T) {
	for _, c := range []struct {
		listen, issuer string
		public, fine   bool
	}{
		{"127.0.0.1:8080", "http://localhost:8080", false, true},
		{"[::1]:8080", "http://localhost:8080", false, true},
		{"0.0.0.0:8080", "http://localhost:8080", false, false},
		{":8080", "http://localhost:8080", false, false},
		{"127.0.0.1:8080", "https://id.example.org", false, false}, // behind a proxy
		{"0.0.0.0:8080", "https://id.example.org", true, true},
	} {
		if err := (Config{Listen: c.listen, Issuer: c.issuer}).Demo(c.public); (err == nil) != c.fine {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A keyring is made only where it cannot be one too many.
func TestKeyringMayBeMade(t *testing.T) {
	const postgres = "LATCHKEY_DATABASE_URL=postgres://u@localhost/d"
	for _, c := range []struct {
		env  []string
		file string
		may  bool
	}{
		{nil, "./latchkey-data/keyring.json", true},
		{[]string{"LATCHKEY_SECRETS_KEYRING_FILE=/k"}, "/k", true},
		{[]string{postgres, "LATCHKEY_DATA_DIR=/d"}, "/d/keyring.json", true},
		{[]string{postgres, "LATCHKEY_DATA_DIR=/d", "LATCHKEY_SECRETS_KEYRING_FILE=/k"}, "/k", false},
	} {
		got, err := Load("", c.env)
		if err != nil || got.Secrets.KeyringFile != c.file || got.KeyringMayBeMade() != c.may {
			t.Errorf("%v: got %s, %v, %v", c.env, got.Secrets.KeyringFile, got.KeyringMayBeMade(), err)
		}
	}
}

func TestIn(t *testing.T) {
	for _, c := range []struct {
		env          []string
		dir, db, key string
	}{
		{nil, "./demo", "sqlite:./demo/latchkey.db", "./demo/keyring.json"},
		{[]string{"LATCHKEY_DATABASE_URL=sqlite:x.db"}, "./demo", "sqlite:x.db", "./demo/keyring.json"},
		{[]string{"LATCHKEY_DATA_DIR=/d"}, "/d", "sqlite:/d/latchkey.db", "/d/keyring.json"},
	} {
		before, err := Load("", c.env)
		if err != nil {
			t.Fatal(err)
		}
		got := before.In("./demo")
		if got.DataDir != c.dir || got.Database.URL != c.db || got.Secrets.KeyringFile != c.key {
			t.Errorf("%v: got %s, %s, %s", c.env, got.DataDir, got.Database.URL, got.Secrets.KeyringFile)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "url")
	write(t, file, "postgres://u:p4ss@localhost/d\n")
	c, err := Load("", []string{"LATCHKEY_DATABASE_URL_FILE=" + file, keyring})
	if err != nil || c.Database.URL != "postgres://u:p4ss@localhost/d" {
		t.Fatalf("got %v, %v", c.Database.URL, err)
	}
	for name, env := range map[string][]string{
		"both":     {"LATCHKEY_DATABASE_URL_FILE=" + file, "LATCHKEY_DATABASE_URL=sqlite:x"},
		"missing":  {"LATCHKEY_DATABASE_URL_FILE=" + filepath.Join(dir, "none")},
		"a folder": {"LATCHKEY_DATABASE_URL_FILE=" + dir},
	} {
		if ms := mistakes(t, second(Load("", env))); ms["database.url"] == "" {
			t.Errorf("%s: %v", name, ms)
		}
	}
	// Only secrets have the variant; for others it is a mistyped name.
	if _, err := Load("", []string{"LATCHKEY_LISTEN_FILE=" + file}); err == nil {
		t.Error("LATCHKEY_LISTEN_FILE is taken")
	}
}

func second[T any](_ T, err error) error { return err }

// D-06: what is shown has no secrets in it.
func TestMasked(t *testing.T) {
	c, err := Load("", []string{
		"LATCHKEY_DATABASE_URL=postgres://u:hush@db/d?sslmode=verify-full&password=hush", keyring, "LATCHKEY_REDIS_URL=redis://:hush@r:6379/2",
		"LATCHKEY_MAIL_SMTP_URL=smtp://m:hush@mail:25", "LATCHKEY_SMS_HTTP_URL=https://sms.example.org/send/hush?key=hush",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Masked() {
		if strings.Contains(s.Value, "hush") {
			t.Errorf("%s shows %s", s.Key, s.Value)
		}
		if s.Key == "database.url" && (s.Value != "postgres://u:xxxxx@db/d?password=xxxxx&sslmode=verify-full" || s.From != "LATCHKEY_DATABASE_URL") {
			t.Errorf("got %+v", s)
		}
	}
	for _, bad := range []string{"LATCHKEY_REDIS_URL=hush", "LATCHKEY_DATABASE_URL=mysql://u:hush@h/d", "LATCHKEY_MAIL_SMTP_URL=smtp://m:hush@:x:y/"} {
		if _, err := Load("", []string{bad}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the mistake is missing or shows the secret: %v", bad, err)
		}
	}
}
