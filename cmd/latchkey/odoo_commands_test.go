package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/idp/account"
	"latchkey/idp/odoo/odootest"
)

// fed runs the command line with something on standard input.
func (w *world) fed(in string, args ...string) (string, error) {
	w.t.Helper()
	var out bytes.Buffer
	c := (&app{}).root()
	c.SetArgs(args)
	c.SetIn(strings.NewReader(in))
	c.SetOut(&out)
	c.SetErr(w.t.Output())
	err := c.ExecuteContext(w.t.Context())
	return out.String(), err
}

// What an administrator types, from the first connection to the last, and what
// comes back for machines. Names are fixed.
func TestOdooCommands(t *testing.T) {
	w := newWorld(t, "sqlite")
	for k, v := range map[string]string{"LATCHKEY_DATA_DIR": w.cfg.DataDir, "LATCHKEY_DATABASE_URL": w.cfg.Database.URL, "LATCHKEY_ISSUER": w.url} {
		t.Setenv(k, v)
	}
	o := odootest.New(t, odootest.Options{Website: true, Now: time.Now})
	o.Add("res.lang", odootest.Record{"name": "French / Français", "code": "fr_FR", "active": true})
	says := func(into any, in string, args ...string) error {
		t.Helper()
		out, err := w.fed(in, append(append([]string{"odoo"}, args...), "--json")...)
		if e := json.Unmarshal([]byte(out), into); e != nil && (err == nil || errors.Is(err, errFindings)) {
			t.Fatalf("%v: %v in %q", args, e, out)
		}
		return err
	}
	must := func(into any, in string, args ...string) {
		t.Helper()
		if err := says(into, in, args...); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}
	var got struct {
		Client        string `json:"client_id"`
		Authorization string `json:"authorization_url"`
		Validation    string `json:"validation_url"`
		Warnings      []string
		Steps         []struct{ Name string }
	}
	connect := []string{"connect", "--url", o.URL, "--db", o.Database, "--login", odootest.Login, "--api-key-stdin", "--name", "shop"}
	must(&got, o.Key+"\n", connect...)
	if got.Client != "shop" || got.Authorization != w.url+"/oauth2/authorize" || !strings.HasPrefix(got.Validation, w.url+"/odoo/shop/") || len(got.Warnings) > 0 || len(got.Steps) != 6 {
		t.Errorf("%+v", got)
	}
	var none any
	if err := says(&none, "wrong\n", connect...); err == nil || strings.Contains(err.Error(), "wrong\n") {
		t.Errorf("a wrong key: %v", err)
	}
	if b, err := os.ReadFile(w.cfg.Database.File()); err != nil || bytes.Contains(b, []byte(o.Key)) {
		t.Errorf("the key lies open in the database: %v", err)
	}

	ada := w.user("ada@example.org", func(in *account.New) { in.Kind = "portal" })
	there := o.AddUser("ada", "Ada", "ada@example.org", true)
	var list []struct {
		Provider int64 `json:"provider_id"`
		Well     bool
	}
	must(&list, "", "list")
	if len(list) != 1 || !list[0].Well {
		t.Fatalf("%+v", list)
	}
	o.Set("res.users", there, odootest.Record{"oauth_provider_id": list[0].Provider, "oauth_uid": string(ada.ID), "oauth_access_token": "lko_1"})
	session := o.Open(there)
	var ended struct {
		Odoo []ending
	}
	must(&ended, "", "sessions-end", "ada@example.org")
	if len(ended.Odoo) != 1 || ended.Odoo[0].State != "done" || o.Who(session) != "" {
		t.Errorf("%+v, %q", ended, o.Who(session))
	}

	var health struct {
		OK          bool
		Connections []struct{ Findings []struct{ Check string } }
	}
	if err := says(&health, "", "doctor"); !errors.Is(err, errFindings) || health.OK {
		t.Errorf("Odoo's own rows: %v %+v", err, health)
	}
	must(&health, "", "doctor", "shop", "--fix")
	must(&health, "", "doctor")
	if !health.OK {
		t.Errorf("%+v", health)
	}
	var locked struct{ Locked, Exempt []string }
	must(&locked, "", "lock", "--dry-run")
	must(&locked, "", "lock")
	if len(locked.Locked) != 1 || locked.Locked[0] != "ada" || len(locked.Exempt) != 1 {
		t.Errorf("%+v", locked)
	}
	must(&locked, "", "lock", "--again")
	if len(locked.Locked) != 1 {
		t.Errorf("again: %+v", locked)
	}
	var set map[string]any
	if must(&set, "", "set", "--keep-locked", "on", "--invite", "on"); set["keep_locked"] != true || set["invite"] != true || set["leads"] != false {
		t.Errorf("%v", set)
	}
	must(&none, "", "unlock")
	must(&none, "", "portal", "install")
	if head, _ := o.Get("website", 1)["custom_code_head"].(string); !strings.Contains(head, `"client":"shop"`) || !strings.Contains(head, "Connexion et sécurité") {
		t.Errorf("%s", head)
	}
	must(&none, "", "portal", "show")
	must(&none, "", "portal", "remove")
	must(&none, "", "disconnect", "shop")
	if err := says(&none, "", "doctor"); err == nil || errors.Is(err, errFindings) {
		t.Errorf("a doctor without a patient: %v", err)
	}
	if rows := o.All("auth.oauth.provider"); len(rows) != 0 {
		t.Errorf("rows are left: %v", rows)
	}
}

// The page where somebody signs out everywhere says that Odoo is meant,
// too, once one is connected.
func TestSessionsPageTellsOfOdoo(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.user("ada@example.org")
	p := w.person().open("/my/security/sessions")
	if p.has("form#login") {
		p.signIn(w, "ada@example.org")
	}
	if p.open("/my/security/sessions"); p.has("#odoo") {
		t.Error("tells of an Odoo that there is not")
	}
	w.connected(t)
	if p.open("/my/security/sessions"); !p.has("#odoo") {
		t.Errorf("does not tell: %s", p.text())
	}
}
