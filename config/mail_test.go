package config

import (
	"strings"
	"testing"
)

// E-11, C-07: a sender that is none, half an OAuth client, and a token that
// others could read on the way are refused, each by its key.
func TestMail(t *testing.T) {
	const (
		server = "LATCHKEY_MAIL_SMTP_URL=smtp://smtp.example.org:587"
		from   = "LATCHKEY_MAIL_FROM=a@example.org"
		id     = "LATCHKEY_MAIL_OAUTH_CLIENT_ID=i"
		secret = "LATCHKEY_MAIL_OAUTH_CLIENT_SECRET=x:/hush"
		token  = "LATCHKEY_MAIL_OAUTH_TOKEN_URL=https://login.example.org/t"
	)
	for name, c := range map[string]struct {
		env  []string
		keys string // of the mistakes, parted by spaces; empty: none
	}{
		"an address":                 {[]string{from}, ""},
		"with a name":                {[]string{`LATCHKEY_MAIL_FROM="Häuser, Co" <a@example.org>`, "LATCHKEY_MAIL_REPLY_TO=Help <help@example.org>"}, ""},
		"no address":                 {[]string{"LATCHKEY_MAIL_FROM=Latchkey", "LATCHKEY_MAIL_REPLY_TO=a@b, c@d"}, "mail.from mail.reply_to"},
		"a header in a name":         {[]string{"LATCHKEY_MAIL_FROM=\"A\nBcc: b@example.org\" <a@example.org>"}, "mail.from"},
		"a header, encoded":          {[]string{"LATCHKEY_MAIL_FROM==?utf-8?q?A=0D=0AB?= <a@example.org>"}, "mail.from"},
		"OAuth":                      {[]string{server, from, id, secret, token}, ""},
		"OAuth, the user named":      {[]string{"LATCHKEY_MAIL_SMTP_URL=smtp://a%40example.org@m:587", id, secret, token}, ""},
		"OAuth here":                 {[]string{server, from, id, secret, "LATCHKEY_MAIL_OAUTH_TOKEN_URL=http://127.0.0.1:1/t"}, ""},
		"OAuth without a mailbox":    {[]string{server, id, secret, token}, "mail.from"},
		"OAuth without a server":     {[]string{from, id, secret, token}, "mail.smtp_url"},
		"OAuth, in part":             {[]string{server, from, secret}, "mail.oauth.token_url mail.oauth.client_id"},
		"OAuth, a scope alone":       {[]string{server, from, "LATCHKEY_MAIL_OAUTH_SCOPE=s"}, "mail.oauth.token_url mail.oauth.client_id mail.oauth.client_secret"},
		"OAuth over http":            {[]string{server, from, id, secret, "LATCHKEY_MAIL_OAUTH_TOKEN_URL=http://login.example.org/t"}, "mail.oauth.token_url"},
		"OAuth and a password":       {[]string{"LATCHKEY_MAIL_SMTP_URL=smtp://a:hush@m", from, id, secret, token}, "mail.smtp_url"},
		"OAuth in clear text":        {[]string{"LATCHKEY_MAIL_SMTP_URL=smtp://m?tls=none", from, id, secret, token}, "mail.smtp_url"},
		"OAuth by no web address":    {[]string{server, from, id, secret, "LATCHKEY_MAIL_OAUTH_TOKEN_URL=login.example.org"}, "mail.oauth.token_url"},
		"an OAuth key of no meaning": {[]string{"LATCHKEY_MAIL_OAUTH_TENANT=t"}, "LATCHKEY_MAIL_OAUTH_TENANT"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load("", c.env)
			if c.keys == "" {
				if err != nil {
					t.Error(err)
				}
				for _, s := range got.Masked() {
					if strings.Contains(s.Value, "hush") {
						t.Errorf("%s shows the secret: %s", s.Key, s.Value)
					}
				}
				return
			}
			ms := mistakes(t, err)
			for key := range strings.FieldsSeq(c.keys) {
				if ms[key] == "" {
					t.Errorf("nothing about %s: %v", key, err)
				}
			}
			if n := len(strings.Fields(c.keys)); len(ms) != n || strings.Contains(err.Error(), "hush") {
				t.Errorf("%d mistakes, want %d: %v", len(ms), n, err)
			}
		})
	}
}

func TestSender(t *testing.T) {
	c, err := load(t, `
mail:
  smtp_url: smtp://m
  from: '"Häuser, Co" <a@example.org>'
  oauth:
    token_url: https://login.example.org/t
    client_id: i
audit:
  webhook: {url: "https://siem.example.org", secret: 0123456789abcdef}
`, "LATCHKEY_MAIL_OAUTH_CLIENT_SECRET=s")
	if err != nil {
		t.Fatal(err)
	}
	if name, address := c.Mail.Sender(); name != "Häuser, Co" || address != "a@example.org" {
		t.Errorf("%q <%s>", name, address)
	}
	if name, address := (Mail{}).Sender(); name != "" || address != "" {
		t.Errorf("nobody is %q <%s>", name, address)
	}
}

// Sentinels and clusters are several hosts, each with its own port.
func TestRedisAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"redis://h": true, "rediss://u:p@h:1/3": true, "redis://a,b": true, "redis://a:1,b,c:3": true, "redis://u:p@a:1,b:2/1?master=m": true, "redis://[::1]:1,[::2]:2": true,
		"redis://": false, "redis://a,": false, "redis://a:x,b": false, "redis://a/x": false, "http://a,b": false, "a,b": false,
	} {
		if _, err := Load("", []string{"LATCHKEY_REDIS_URL=" + address}); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	c, err := Load("", []string{"LATCHKEY_REDIS_URL=redis://u:hush@a:1,b:2/1?master=m"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Masked() {
		if s.Key == "redis.url" && s.Value != "redis://u:xxxxx@a:1,b:2/1?master=m" {
			t.Errorf("shown as %s", s.Value)
		}
	}
}
