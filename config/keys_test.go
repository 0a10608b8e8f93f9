package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of keys into docs/operator.md")

// Every field can be set by exactly one key, and every key sets one.
func TestKeysCoverTheStruct(t *testing.T) {
	samples := map[string]string{
		"issuer": "https://id.example.org", "listen": "127.0.0.1:1", "metrics_listen": "127.0.0.1:2", "data_dir": "/d", "trusted_proxies": "10.0.0.0/8", "outbound.networks": "10.1.0.0/16",
		"database.url": "sqlite:x", "redis.url": "redis://r", "secrets.keyring_file": "k", "log.level": "warn", "tracing.endpoint": "https://t", "tracing.headers": "A: b", "tracing.sample": "0.5", "log.format": "json",
		"branding.name": "N", "branding.company": "C", "mail.smtp_url": "smtp://m", "sms.http_url": "https://s", "sms.gateways": "[{name: a}]", "sms.countries": "FR", "sms.timeout": "2s", "accounts.closing": "request", "accounts.scim_delete": "remove", "retention.events": "100", "audit.webhook.url": "https://w", "audit.syslog.address": "tls://s:6514", "mail.admin": "a@example.org", "mail.from": "a@example.org", "mail.reply_to": "a@example.org", "mail.oauth.token_url": "https://t", "passkeys.rp_id": "example.org", "passkeys.origins": "https://example.org",
		"passwords.memory_kib": "20000", "tokens.code": "20s", "tokens.access": "20m", "tokens.id": "20m", "tokens.refresh_idle": "20m", "tokens.refresh_absolute": "20m", "limits.lock_for": "20m", "limits.api_per_minute": "20", "sessions.idle": "20m", "sessions.absolute": "20m",
	}
	setBy := map[string][]string{}
	for _, k := range keys {
		v := samples[k.Name]
		if v == "" {
			v = "7"
			if k.Name == "passwords.min_length" {
				v = "8"
			}
			if k.Name == "limits.address_tries" {
				v = "11"
			}
		}
		var c Config
		if err := k.set(&c, v); err != nil {
			t.Errorf("%s: %q is refused", k.Name, v)
		}
		for _, f := range filled(reflect.ValueOf(c), "") {
			setBy[f] = append(setBy[f], k.Name)
		}
	}
	for _, f := range leaves(reflect.TypeFor[Config](), "") {
		if len(setBy[f]) != 1 {
			t.Errorf("field %s is set by %v", f, setBy[f])
		}
	}
}

func leaves(t reflect.Type, path string) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Struct:
			out = append(out, leaves(f.Type, path+f.Name+".")...)
		default:
			out = append(out, path+f.Name)
		}
	}
	return out
}

func filled(v reflect.Value, path string) []string {
	var out []string
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case f.IsZero():
		case f.Kind() == reflect.Struct:
			out = append(out, filled(f, path+name+".")...)
		default:
			out = append(out, path+name)
		}
	}
	return out
}

// The operator's handbook lists every key as the program knows it. After a
// change: go test ./config -run Documentation -update
func TestDocumentation(t *testing.T) {
	const start, end = "<!-- keys -->\n", "<!-- /keys -->"
	page := filepath.Join("..", "docs", "operator.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), start)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table between %q and %q", page, start, end)
	}
	want := table()
	if *update {
		write(t, page, before+start+want+end+after)
	} else if old != want {
		t.Errorf("%s is not up to date: go test ./config -run Documentation -update", page)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| key | default | allowed | what it is |\n|---|---|---|---|\n")
	for _, k := range keys {
		def := k.Shown
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		name := "`" + k.Name + "`"
		if k.Secret {
			name += " 🔒"
		}
		b.WriteString("| " + name + " | " + def + " | " + k.Allowed + " | " + k.Doc + " |\n")
	}
	return b.String()
}
