package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/odootest"
	"latchkey/mfa"
	"latchkey/mfa/trust"
)

// Issue 6.9: every documented operation is called, and every answer is as the
// document says. An operation without a call fails.
func TestContract(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_LIMITS_API_PER_MINUTE=100000", "LATCHKEY_MAIL_SMTP_URL=smtp://"+mailbox(t), "LATCHKEY_SMS_HTTP_URL="+texter(t))
	c := newContract(t, w)
	owner := w.staff("owner@example.org", idp.Owner)
	c.secret = w.apiToken(owner)
	c.second = w.apiToken(w.staff("second@example.org", idp.Owner))
	for _, part := range []struct {
		name string
		run  func(*contract)
	}{
		{"people", (*contract).people}, {"help", (*contract).help}, {"groups", (*contract).groups}, {"clients", (*contract).clients},
		{"policies", (*contract).policies}, {"odoo", (*contract).odoo}, {"audit", (*contract).log}, {"house", (*contract).house}, {"tokens", (*contract).tokens},
		{"many people", (*contract).many}, {"import", (*contract).imports}, {"two administrators", (*contract).two}, {"companies", (*contract).companies},
		{"messages", (*contract).messages}, {"looks", (*contract).looks}, {"figures", (*contract).figures},
	} {
		t.Run(part.name, func(t *testing.T) {
			d := *c
			d.t = t
			part.run(&d)
		})
	}
	for _, r := range w.api().Routes() {
		if !c.seen[r.ID] && !t.Failed() {
			t.Errorf("no test calls %s (%s %s) with success", r.ID, r.Method, r.Path)
		}
	}
}

func (c *contract) people() {
	made := c.call("create-user", m{
		"email": "ada@example.org", "name": "Ada", "kind": "portal", "groups": []string{"customers"}, "phone": "+33612345678", "locale": "fr", "verified": true,
		"claims": m{"given_name": "Ada", "zoneinfo": "Europe/Paris"},
	}).want(http.StatusCreated)
	id := made.at("id")
	if made.header.Get("Location") != "/api/v1/users/"+id {
		c.t.Errorf("Location %q", made.header.Get("Location"))
	}
	c.call("create-user", m{"email": "ada@example.org"}).want(http.StatusConflict)
	wrong := c.call("create-user", m{"email": "nonsense", "phone": "12", "kind": "portal"}).want(http.StatusUnprocessableEntity)
	if wrong.at("errors", 0, "location") != "body.email" || wrong.at("errors", 1, "location") != "body.phone" {
		c.t.Errorf("%s", wrong.body)
	}
	c.call("create-user", m{"email": "bob@example.org", "nonsense": 1}).want(http.StatusUnprocessableEntity)
	got := c.call("get-user", nil, "id", id).want(http.StatusOK)
	c.call("get-user", nil, "id", "nobody").want(http.StatusNotFound)
	changed := c.w.send(c.secret, http.MethodPatch, "/api/v1/users/"+id, m{"name": "Ada L."}, "If-Match", got.header.Get("ETag")).want(http.StatusOK)
	if changed.at("name") != "Ada L." || changed.header.Get("ETag") == got.header.Get("ETag") {
		c.t.Errorf("%s", changed.body)
	}
	// A change that is meant for what was read before does nothing.
	c.w.send(c.secret, http.MethodPatch, "/api/v1/users/"+id, m{"name": "X"}, "If-Match", got.header.Get("ETag")).want(http.StatusPreconditionFailed)
	c.call("update-user", m{"role": "helpdesk"}, "id", id).want(http.StatusOK)
	c.call("update-user", m{"role": ""}, "id", id).want(http.StatusOK)
	for _, login := range []string{"b1", "b2", "b3"} {
		c.w.user(login + "@example.org")
	}
	first := c.call("list-users", nil, "?limit=2&active=true").want(http.StatusOK)
	next := c.call("list-users", nil, "?limit=2&active=true&cursor="+first.at("next")).want(http.StatusOK)
	if first.at("items", 0, "id") == next.at("items", 0, "id") || first.at("items", 1, "id") == next.at("items", 0, "id") {
		c.t.Errorf("the second page repeats the first: %s", next.body)
	}
	if one := c.call("list-users", nil, "?q=ada&kind=portal&group=customers&no_factor=true&never_signed_in=true").want(http.StatusOK); one.at("items", 0, "id") != id {
		c.t.Errorf("%s", one.body)
	}
	c.call("list-users", nil, "?cursor=nonsense").want(http.StatusUnprocessableEntity)
	c.call("list-users", nil, "?nonsense=1").want(http.StatusUnprocessableEntity)
	if csv := c.call("export-users", nil, "?format=csv").want(http.StatusOK); !strings.Contains(string(csv.body), "ada@example.org") {
		c.t.Errorf("%s", csv.body)
	}
	c.call("export-users", nil).want(http.StatusOK)
	if card := c.call("get-user-card", nil, "id", id).want(http.StatusOK); card.at("standing", "state") != "fine" || card.at("user", "id") != id {
		c.t.Errorf("%s", card.body)
	}
	if d := c.call("export-user-data", nil, "id", id).want(http.StatusOK); d.at("profile", "login") != "ada@example.org" {
		c.t.Errorf("%s", d.body)
	}
	c.call("export-user-data", nil, "id", "nobody").want(http.StatusNotFound)
	twin := c.w.user("ada2@example.org")
	c.call("merge-users", m{"gone": twin.ID, "dry_run": true}, "id", id).want(http.StatusOK)
	c.call("merge-users", m{"gone": twin.ID}, "id", id).want(http.StatusOK)
	c.call("delete-user", nil, "id", id).want(http.StatusNoContent)
	c.call("delete-user", nil, "id", id).want(http.StatusNotFound)
}

func (c *contract) help() {
	u := c.w.user("helped@example.org", withApp)
	p := c.w.person().open("/login").want("form#login").submit("form#login", "login", "helped@example.org", "password", rightPassword)
	p.submit("form#factor", "code", c.w.code(appSecret), "trust", "30")
	id := string(u.ID)
	factors := c.call("list-factors", nil, "id", id).want(http.StatusOK)
	sessions := c.call("list-sessions", nil, "id", id).want(http.StatusOK)
	c.call("list-devices", nil, "id", id).want(http.StatusOK)
	if h := c.call("list-history", nil, "id", id, "?limit=1").want(http.StatusOK); h.at("items", 0, "what") != "signin" {
		c.t.Errorf("%s", h.body)
	}
	if factors.at("items", 0, "kind") != "totp" {
		c.t.Errorf("%s", factors.body)
	}
	c.call("end-session", nil, "id", id, "session", sessions.at("items", 0, "id")).want(http.StatusNoContent)
	c.call("end-session", nil, "id", id, "session", "nonsense").want(http.StatusNotFound)
	c.call("forget-devices", nil, "id", id).want(http.StatusNoContent)
	c.call("forget-device", nil, "id", id, "device", "nonsense").want(http.StatusNotFound)
	trusted := trust.Device{ID: "d1", Subject: mfa.SubjectID(u.ID), Hash: "h", Agent: "Browser", Created: c.w.clock(), Used: c.w.clock(), Expires: c.w.clock().Add(time.Hour)}
	if err := c.w.db.Devices.Put(c.t.Context(), trusted, ""); err != nil {
		c.t.Fatal(err)
	}
	if d := c.call("list-devices", nil, "id", id).want(http.StatusOK); d.at("items", 0, "id") != "d1" {
		c.t.Errorf("%s", d.body)
	}
	c.call("forget-device", nil, "id", id, "device", "d1").want(http.StatusNoContent)
	c.call("end-sessions", nil, "id", id).want(http.StatusNoContent)
	if code := c.call("give-temporary-code", m{"reason": "phone lost"}, "id", id).want(http.StatusCreated); code.at("code") == "" {
		c.t.Errorf("%s", code.body)
	}
	c.call("give-temporary-code", m{"reason": "x", "uses": 1000}, "id", id).want(http.StatusUnprocessableEntity)
	c.call("void-temporary-code", nil, "id", id).want(http.StatusNoContent)
	c.call("send-enrol-link", m{"method": "totp", "hours": 2}, "id", id).want(http.StatusCreated)
	c.call("rename-factor", m{"label": "Phone"}, "id", id, "factor", factors.at("items", 0, "id")).want(http.StatusNoContent)
	if l := c.call("list-factors", nil, "id", id).want(http.StatusOK); l.at("items", 0, "label") != "Phone" {
		c.t.Errorf("%s", l.body)
	}
	c.call("remove-factor", nil, "id", id, "factor", "nonsense").want(http.StatusNotFound)
	c.call("remove-factor", nil, "id", id, "factor", factors.at("items", 0, "id")).want(http.StatusNoContent)
	c.call("reset-factors", nil, "id", id).want(http.StatusNoContent)
	c.call("unlock-user", nil, "id", id).want(http.StatusNoContent)
	c.call("disable-user", nil, "id", id).want(http.StatusNoContent)
	c.call("enable-user", nil, "id", id).want(http.StatusNoContent)
	c.call("enable-user", nil, "id", "nobody").want(http.StatusNotFound)
	fresh := c.w.user("fresh@example.org", func(in *account.New) { in.Password, in.Verified = "", false })
	if i := c.call("invite-user", m{"by_hand": true}, "id", string(fresh.ID)).want(http.StatusCreated); !strings.HasPrefix(i.at("link"), c.w.url) {
		c.t.Errorf("%s", i.body)
	}
	c.call("invite-user", m{}, "id", string(fresh.ID)).want(http.StatusCreated)
	c.call("invite-user", m{}, "id", id).want(http.StatusUnprocessableEntity)
}

func (c *contract) groups() {
	c.call("create-group", m{"name": "Ventes / Süd"}).want(http.StatusCreated)
	c.call("create-group", m{"name": "Ventes / Süd"}).want(http.StatusConflict)
	u := c.w.user("member@example.org")
	c.call("add-member", nil, "group", "Ventes / Süd", "id", string(u.ID)).want(http.StatusNoContent)
	c.call("add-member", nil, "group", "nonsense", "id", string(u.ID)).want(http.StatusNotFound)
	c.call("add-member", nil, "group", "Ventes / Süd", "id", "nobody").want(http.StatusNotFound)
	if g := c.call("get-group", nil, "group", "Ventes / Süd").want(http.StatusOK); g.at("members") != "1" {
		c.t.Errorf("%s", g.body)
	}
	if l := c.call("list-members", nil, "group", "Ventes / Süd").want(http.StatusOK); l.at("items", 0, "id") != string(u.ID) {
		c.t.Errorf("%s", l.body)
	}
	c.call("list-groups", nil, "?q=ventes").want(http.StatusOK)
	c.call("rename-group", m{"name": "Ventes"}, "group", "Ventes / Süd").want(http.StatusOK)
	c.call("remove-member", nil, "group", "Ventes", "id", string(u.ID)).want(http.StatusNoContent)
	c.call("delete-group", nil, "group", "Ventes").want(http.StatusNoContent)
	c.call("delete-group", nil, "group", "Ventes").want(http.StatusNotFound)
}

func (c *contract) odoo() {
	there := odootest.New(c.t, odootest.Options{Now: c.w.clock, Website: true, Databases: []string{"erp"}})
	made := c.call("connect-odoo", m{"url": there.URL, "database": there.Database, "login": odootest.Login, "key": there.Key, "id": "shop"}).want(http.StatusCreated)
	if strings.Contains(string(made.body), there.Key) || slices.ContainsFunc(made.header.Values("Location"), func(s string) bool { return s != "/api/v1/odoo/shop" }) {
		c.t.Errorf("%s", made.body)
	}
	c.call("list-connections", nil).want(http.StatusOK)
	c.call("get-connection", nil, "id", "shop").want(http.StatusOK)
	c.call("get-connection", nil, "id", "nonsense").want(http.StatusNotFound)
	if s := c.call("update-connection", m{"archive": true}, "id", "shop").want(http.StatusOK); s.at("settings", "archive") != "true" {
		c.t.Errorf("%s", s.body)
	}
	c.call("examine-odoo", m{}, "id", "shop").want(http.StatusOK)
	c.call("run-sync", m{"dry_run": true}, "id", "shop").want(http.StatusOK)
	c.call("get-sync", nil, "id", "shop").want(http.StatusOK)
	c.call("list-sync-runs", nil, "id", "shop").want(http.StatusOK)
	c.call("link-people", m{"dry_run": true}, "id", "shop").want(http.StatusOK)
	c.call("lock-odoo", m{"dry_run": true, "force": true}, "id", "shop").want(http.StatusOK)
	c.call("unlock-odoo", m{"dry_run": true}, "id", "shop").want(http.StatusOK)
	c.moreOdoo(there)
	c.call("disconnect-odoo", nil, "id", "shop", "?dry_run=true").want(http.StatusOK)
}
