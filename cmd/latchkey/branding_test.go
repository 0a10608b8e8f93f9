package main

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/oidc"
	"latchkey/ui/demo"
)

// name is what the header and the title of a page say.
func (p *person) name() string {
	_, title, _ := strings.Cut(p.page.Find("title").Text(), " · ")
	if header := strings.TrimSpace(p.page.Find(".brand").Text()); header != title {
		return header + " and " + title
	}
	return title
}

// From the request of an application to its answer, every page has its looks; the
// person's own pages have the house's.
func TestSignInLooksLikeTheApplication(t *testing.T) {
	w := newWorld(t, "sqlite")
	if _, err := w.choices.brands.Set(t.Context(), host, "", brand.Brand{Name: "Maison"}); err != nil {
		t.Fatal(err)
	}
	w.user("ada@example.org", withApp)
	w.demandMFA()
	c := w.client(oidc.Input{ID: "shop", Name: "Registered", Type: oidc.Web, RedirectURIs: []string{"https://shop.example.org/callback"}})
	if _, err := w.choices.brands.Set(t.Context(), host, "shop", brand.Brand{Name: "The Shop", SignIn: brand.Words{"en": "Hello there"}}); err != nil {
		t.Fatal(err)
	}
	ask := func(redirect string) string {
		return w.url + oidc.PathAuthorize + "?" + url.Values{
			"client_id": {string(c.Client.ID)}, "response_type": {"code"}, "scope": {"openid"}, "state": {"0123456789"}, "nonce": {"0123456789"}, "redirect_uri": {redirect},
			"code_challenge": {challenge(strings.Repeat("v", 43))}, "code_challenge_method": {"S256"},
		}.Encode()
	}
	p := w.person()
	looks := func(page, want string) {
		t.Helper()
		if got := p.name(); got != want {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
	p.open(ask("https://evil.example/"))
	looks("an error of its making", "The Shop")
	p.open(ask("https://shop.example.org/callback")).want("#house-text")
	looks("password", "The Shop")
	p.submit("#login", "login", "ada@example.org", "password", "wrong").want("#wrong")
	looks("wrong password", "The Shop")
	p.submit("#login", "login", "ada@example.org", "password", rightPassword)
	looks("second factor", "The Shop")
	if p.has("#house-text") {
		t.Error("the text of the sign-in page is everywhere")
	}
	p.submit("#factor", "code", w.code(appSecret)).want("#consent")
	looks("consent", "The Shop")
	if !strings.Contains(p.text(), "your Maison account") {
		t.Errorf("whose account it is: %s", p.text())
	}
	p.open(w.url + "/my/security")
	looks("their own page", "Maison")
	p.open(w.url + oidc.PathLogout + "?client_id=shop")
	looks("signing out", "The Shop")
	p.submit("#logout")
	looks("signed out", "The Shop")
	p.open(w.url + "/login")
	looks("on their own account", "Maison")
}

// A connected Odoo gives its client the looks of its company, once, unless
// somebody does not want it.
func TestConnectTakesOdoosLooks(t *testing.T) {
	w := newWorld(t, "sqlite")
	for k, v := range map[string]string{"LATCHKEY_DATA_DIR": w.cfg.DataDir, "LATCHKEY_DATABASE_URL": w.cfg.Database.URL, "LATCHKEY_ISSUER": w.url} {
		t.Setenv(k, v)
	}
	o := odootest.New(t, odootest.Options{Website: true, Now: time.Now})
	connect := func(more ...string) string {
		t.Helper()
		args := append([]string{"odoo", "connect", "--url", o.URL, "--db", o.Database, "--login", odootest.Login, "--api-key-stdin", "--name", "shop", "--json"}, more...)
		out, err := w.fed(o.Key+"\n", args...)
		if err != nil {
			t.Fatal(err)
		}
		var said struct{ Branding string }
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return said.Branding
	}
	own := func() brand.Brand {
		t.Helper()
		var v brandView
		out, err := w.fed("", "branding", "show", "--client", "shop", "--json")
		if err != nil || json.Unmarshal([]byte(out), &v) != nil {
			t.Fatal(out, err)
		}
		return v.Own
	}
	if said := connect("--dry-run"); !strings.HasPrefix(said, "would copy name, colours and logo of My Company") {
		t.Errorf("%q", said)
	}
	if said := connect("--no-branding"); said != "" || !own().Empty() {
		t.Errorf("%q, %+v", said, own())
	}
	// This Odoo's logo is broken, and everything else is taken.
	if said := connect(); !strings.HasPrefix(said, "copied from Odoo: name My Company, colours #714b67; left out: logo: not a PNG") {
		t.Errorf("%q", said)
	}
	if b := own(); b.Name != "My Company" || b.Colours.Primary != "#714b67" || b.Logo.Hash != "" {
		t.Errorf("%+v", b)
	}
	o.Set("res.company", 1, odootest.Record{"logo_web": base64.StdEncoding.EncodeToString(demo.Logo), "primary_color": "#017e84"})
	if said := connect(); said != "the client keeps the brand that it has" || own().Colours.Primary != "#714b67" {
		t.Errorf("%q, %+v", said, own())
	}
	if _, err := w.fed("", "branding", "reset", "--client", "shop"); err != nil {
		t.Fatal(err)
	}
	if said, b := connect(), own(); !strings.HasPrefix(said, "copied from Odoo: name My Company, colours #017e84, logo (") || b.Logo.Width != 96 || b.Colours.Primary != "#017e84" {
		t.Errorf("%q, %+v", said, b)
	}
}

// The shop of the demo has a brand that passes the check, in every language.
func TestDemoBrand(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.client(oidc.Input{ID: demoCodeClient, Name: "Demo shop", Type: oidc.Web, RedirectURIs: []string{"http://localhost:1/callback"}})
	if err := stageIn(w.base).dress(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := w.choices.brands.Look(t.Context(), idp.ClientID(demoCodeClient))
	if err != nil || b.Name != "Demo shop" || b.Logo.Hash == "" {
		t.Fatalf("%+v, %v", b, err)
	}
	for _, lang := range tags() {
		if b.SignIn[lang] == "" || b.Support[lang] == "" {
			t.Errorf("nothing in %s", lang)
		}
	}
	if warnings, err := w.choices.brands.Check(demoBrand); err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v", warnings, err)
	}
}
