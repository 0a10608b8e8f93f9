package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"latchkey/mfa/policy"
)

// The list of trusted browsers names the place, where the operator has a
// file of places.
func TestPlaces(t *testing.T) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, here, _ := net.ParseCIDR("127.0.0.0/8")
	name := mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String("Lyon")}}
	if err := tree.Insert(here, mmdbtype.Map{"city": name, "country": mmdbtype.Map{"iso_code": mmdbtype.String("FR")}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "city.mmdb")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "sqlite", "LATCHKEY_PLACES_FILE="+file)
	w.policies(policy.Policy{Name: "trust", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{
		Assurance: policy.MFA, Devices: &policy.Devices{Days: 30},
	}})
	w.user("bob@example.org", withApp)
	p := w.person().open("/my/security/devices").submit("form#login", "login", "bob@example.org", "password", rightPassword)
	p.submit("form#factor", "code", w.code(appSecret), "trust_device", "yes")
	if page := p.open("/my/security/devices").text(); !strings.Contains(page, "Lyon, FR") {
		t.Error(page)
	}
}
