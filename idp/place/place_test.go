package place_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"latchkey/idp/place"
)

type m = mmdbtype.Map

func name(en string) m { return m{"names": m{"en": mmdbtype.String(en)}} }

func country(en, code string) m {
	c := name(en)
	c["iso_code"] = mmdbtype.String(code)
	return c
}

// write makes a database as the real ones are made.
func write(t *testing.T, path string, nets map[string]m) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", IncludeReservedNetworks: true})
	must(t, err)
	for cidr, record := range nets {
		_, n, err := net.ParseCIDR(cidr)
		must(t, err)
		must(t, tree.Insert(n, record))
	}
	var b bytes.Buffer
	_, err = tree.WriteTo(&b)
	must(t, err)
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	write(t, path, map[string]m{
		"192.0.2.0/25":     {"city": name("Lyon"), "country": country("France", "fr")},
		"192.0.2.128/25":   {"subdivisions": mmdbtype.Slice{name("Bavaria")}, "country": country("Germany", "DE")},
		"198.51.100.0/24":  {"country": country("Italy", "IT")},
		"203.0.113.0/24":   {"traits": m{}},
		"2001:db8:aa::/48": {"city": name("Utrecht"), "country": country("Netherlands", "NL")},
	})
	b, err := place.Open(path, time.Now)
	must(t, err)
	for address, want := range map[string]string{
		"192.0.2.7": "Lyon, FR", "::ffff:192.0.2.7": "Lyon, FR", "192.0.2.200": "Bavaria, DE", "198.51.100.1": "Italy, IT", "203.0.113.1": "",
		"2001:db8:aa::1": "Utrecht, NL", "2001:db8:bb::1": "", "10.0.0.1": "", "": "", "no address": "",
	} {
		if got := b.Of(address); got != want {
			t.Errorf("%q: %q instead of %q", address, got, want)
		}
	}
}

// A newer file is taken up; one that is broken leaves the old one in use.
func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	write(t, path, map[string]m{"192.0.2.0/24": {"city": name("Lyon")}})
	now := time.Now()
	b, err := place.Open(path, func() time.Time { return now })
	must(t, err)
	want := func(when, want string) {
		t.Helper()
		if got := b.Of("192.0.2.1"); got != want {
			t.Errorf("%s: %q", when, got)
		}
	}
	want("at first", "Lyon")
	must(t, os.WriteFile(path, []byte("half"), 0o600))
	must(t, os.Chtimes(path, now, now.Add(time.Hour)))
	now = now.Add(2 * time.Minute)
	want("broken", "Lyon")
	write(t, path, map[string]m{"192.0.2.0/24": {"city": name("Nice")}})
	must(t, os.Chtimes(path, now, now.Add(2*time.Hour)))
	want("within the minute", "Lyon")
	now = now.Add(2 * time.Minute)
	want("then", "Nice")
}

func TestNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.mmdb")
	if _, err := place.Open(path, time.Now); err == nil {
		t.Error("opened what is not there")
	}
	must(t, os.WriteFile(path, []byte("hello"), 0o600))
	if _, err := place.Open(path, time.Now); err == nil {
		t.Error("opened something else")
	}
}
