package config

import (
	"slices"
	"testing"
)

// What no browser would accept is told at the start; the site is the issuer's
// host unless the operator says otherwise.
func TestPasskeys(t *testing.T) {
	const issuer = "LATCHKEY_ISSUER=https://id.example.co.uk"
	for name, c := range map[string]struct {
		env []string
		key string // "" = fine
		id  string
	}{
		"the issuer's host":             {[]string{issuer}, "", "id.example.co.uk"},
		"with a port":                   {[]string{"LATCHKEY_ISSUER=https://id.example.org:8443"}, "", "id.example.org"},
		"here":                          {[]string{"LATCHKEY_ISSUER=http://localhost:8080"}, "", "localhost"},
		"an address has none":           {[]string{"LATCHKEY_ISSUER=https://192.0.2.1"}, "", ""},
		"said so":                       {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=id.example.co.uk"}, "", "id.example.co.uk"},
		"a domain above":                {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=example.co.uk"}, "", "example.co.uk"},
		"a public suffix":               {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=co.uk"}, "passkeys.rp_id", ""},
		"another domain":                {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=example.org"}, "passkeys.rp_id", ""},
		"the end of a name":             {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=ample.co.uk"}, "passkeys.rp_id", ""},
		"a domain below":                {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=a.id.example.co.uk"}, "passkeys.rp_id", ""},
		"an origin for a domain":        {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=https://id.example.co.uk"}, "passkeys.rp_id", ""},
		"a domain with a port":          {[]string{issuer, "LATCHKEY_PASSKEYS_RP_ID=id.example.co.uk:443"}, "passkeys.rp_id", ""},
		"for an address":                {[]string{"LATCHKEY_ISSUER=https://192.0.2.1", "LATCHKEY_PASSKEYS_RP_ID=example.org"}, "passkeys.rp_id", ""},
		"a further origin":              {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://portal.example.com, https://b.example.fr:8443"}, "", "id.example.co.uk"},
		"http":                          {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=http://portal.example.com"}, "passkeys.origins", ""},
		"a path":                        {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://portal.example.com/"}, "passkeys.origins", ""},
		"in capitals":                   {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://Portal.example.com"}, "passkeys.origins", ""},
		"the default port":              {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://portal.example.com:443"}, "passkeys.origins", ""},
		"a person":                      {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://a@portal.example.com"}, "passkeys.origins", ""},
		"an origin at an address":       {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://[2001:db8::1]"}, "passkeys.origins", ""},
		"letters that are not ASCII":    {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://müller.example"}, "passkeys.origins", ""},
		"twice":                         {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://a.example,https://a.example"}, "passkeys.origins", ""},
		"one name in many countries":    {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://shop.de,https://shop.fr,https://shop.it,https://shop.es,https://shop.pt,https://shop.com"}, "", "id.example.co.uk"},
		"more names than browsers read": {[]string{issuer, "LATCHKEY_PASSKEYS_ORIGINS=https://a.com,https://b.com,https://c.com,https://d.com,https://e.com"}, "passkeys.origins", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load("", c.env)
			if c.key != "" {
				if ms := mistakes(t, err); ms[c.key] == "" || len(ms) != 1 {
					t.Errorf("want one mistake about %s, got %v", c.key, err)
				}
				return
			}
			if err != nil || got.Passkeys.RPID != c.id {
				t.Errorf("site %q, %v, want %q", got.Passkeys.RPID, err, c.id)
			}
		})
	}
	got, err := Load("", []string{"LATCHKEY_ISSUER=https://id.example.org:443", "LATCHKEY_PASSKEYS_ORIGINS=https://portal.example.com"})
	if want := []string{"https://id.example.org", "https://portal.example.com"}; err != nil || !slices.Equal(got.PasskeyOrigins(), want) {
		t.Errorf("origins %q, %v, want %q", got.PasskeyOrigins(), err, want)
	}
}
