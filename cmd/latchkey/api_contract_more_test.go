package main

import (
	"net/http"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
)

func (c *contract) clients() {
	made := c.call("create-client", m{"client_id": "site", "type": "web", "client_name": "Shop", "redirect_uris": []string{"https://shop.example.org/cb"}}).want(http.StatusCreated)
	secret := made.at("secret")
	if secret == "" || made.at("client", "client_id") != "site" {
		c.t.Errorf("%s", made.body)
	}
	c.call("create-client", m{"client_id": "site", "type": "web", "redirect_uris": []string{"https://shop.example.org/cb"}}).want(http.StatusConflict)
	c.call("create-client", m{"type": "web", "redirect_uris": []string{"http://shop.example.org/cb#x"}}).want(http.StatusUnprocessableEntity)
	if o := c.call("create-client", m{"client_id": "erp", "type": "odoo", "redirect_uris": []string{"https://erp.example.org/auth_oauth/signin"}}).want(http.StatusCreated); !strings.Contains(o.at("validation_url"), "/odoo/erp/") {
		c.t.Errorf("%s", o.body)
	}
	for _, id := range []string{"get-client", "get-client-usage"} { // D-06
		if got := c.call(id, nil, "client", "site").want(http.StatusOK); strings.Contains(string(got.body), secret) || strings.Contains(string(got.body), "secret\":") {
			c.t.Errorf("%s", got.body)
		}
	}
	c.call("list-clients", nil).want(http.StatusOK)
	if ch := c.call("update-client", m{"client_name": "Shop 2", "scopes": []string{"openid"}}, "client", "site").want(http.StatusOK); ch.at("client", "client_name") != "Shop 2" || ch.at("secret") != "null" {
		c.t.Errorf("%s", ch.body)
	}
	ch := c.call("update-client", m{"require_pushed_authorization_requests": true, "request_object_signing_alg": "PS256", "request_uris": []string{"https://shop.example.org/r#h"}}, "client", "site").want(http.StatusOK)
	if ch.at("client", "require_pushed_authorization_requests") != "true" || ch.at("client", "request_object_signing_alg") != "PS256" || !strings.Contains(string(ch.body), `"https://shop.example.org/r#h"`) {
		c.t.Errorf("%s", ch.body)
	}
	c.call("update-client", m{"request_object_signing_alg": ""}, "client", "site").want(http.StatusOK)
	c.call("update-client", m{"request_uris": []string{"https://10.0.0.1/r"}}, "client", "site").want(http.StatusUnprocessableEntity)
	if r := c.call("rotate-client", m{"overlap_hours": 24}, "client", "site").want(http.StatusOK); r.at("secret") == secret || len(r.at("secret")) < 20 {
		c.t.Errorf("%s", r.body)
	}
	c.call("end-former", nil, "client", "site", "what", "secret").want(http.StatusNoContent)
	c.call("end-former", nil, "client", "site", "what", "secret").want(http.StatusNotFound)
	c.call("disable-client", nil, "client", "site").want(http.StatusNoContent)
	c.call("enable-client", nil, "client", "site").want(http.StatusNoContent)
	c.call("test-client", nil, "client", "erp").want(http.StatusOK)
	c.call("delete-client", nil, "client", "site").want(http.StatusNoContent)
	c.call("get-client", nil, "client", "site").want(http.StatusNotFound)
	keys := c.call("list-keys", nil).want(http.StatusOK)
	if strings.Contains(strings.ToLower(string(keys.body)), "private") {
		c.t.Errorf("%s", keys.body)
	}
	c.call("rotate-keys", nil).want(http.StatusOK)
	c.call("revoke-key", nil, "key", keys.at("items", 0, "id")).want(http.StatusNoContent)
	c.call("revoke-key", nil, "key", "nonsense").want(http.StatusNotFound)
}

func (c *contract) policies() {
	policy := m{"name": "customers", "enabled": true, "whom": m{"kind": "portal"}, "what": m{"assurance": "mfa"}}
	made := c.call("create-policy", m{"policy": policy}).want(http.StatusCreated)
	id := made.at("id")
	bad := c.call("create-policy", m{"policy": m{"name": "x", "enabled": true, "whom": m{"everyone": true}, "what": m{"assurance": "very"}}}).want(http.StatusUnprocessableEntity)
	if !strings.Contains(bad.at("errors", 0, "location"), "assurance") {
		c.t.Errorf("%s", bad.body)
	}
	policy["whom"] = m{"groups": []string{"nobody"}}
	c.call("save-draft", m{"policy": policy, "seen": 1}, "id", id).want(http.StatusOK)
	c.call("save-draft", m{"policy": policy, "seen": 1}, "id", id).want(http.StatusConflict)
	c.call("check-policy", m{"policy": policy}).want(http.StatusOK)
	c.call("preview-policy", nil, "id", id).want(http.StatusOK)
	c.call("preview-policy-again", nil, "id", id).want(http.StatusAccepted)
	c.call("list-blocked", nil, "id", id).want(http.StatusOK)
	c.call("count-coverage", nil).want(http.StatusAccepted)
	if l := c.call("list-policy-templates", nil).want(http.StatusOK); l.at("items", 0, "policy", "name") == "null" {
		c.t.Errorf("%s", l.body)
	}
	c.call("publish-policy", m{"reason": "test"}, "id", id).want(http.StatusOK)
	c.call("disable-policy", m{}, "id", id).want(http.StatusOK)
	c.call("enable-policy", m{}, "id", id).want(http.StatusOK)
	c.w.user("exempt@example.org")
	until := c.w.clock().AddDate(0, 1, 0).Format(time.DateOnly)
	c.call("exempt-from-policy", m{"who": "exempt@example.org", "until": until, "reason": "on leave"}, "id", id).want(http.StatusOK)
	if l := c.call("list-policy-versions", nil, "id", id, "?limit=2").want(http.StatusOK); l.at("items", 0, "version") != "4" || l.at("next") == "null" {
		c.t.Errorf("%s", l.body)
	}
	c.call("get-policy-version", nil, "id", id, "version", "1").want(http.StatusOK)
	c.call("get-policy-version", nil, "id", id, "version", "99").want(http.StatusNotFound)
	c.call("compare-policy-versions", nil, "id", id, "?from=1&to=2").want(http.StatusOK)
	c.call("roll-policy-back", m{"version": 1}, "id", id).want(http.StatusOK)
	if g := c.call("get-policy", nil, "id", id).want(http.StatusOK); g.at("policy", "name") != "customers" {
		c.t.Errorf("%s", g.body)
	}
	c.call("list-policies", nil).want(http.StatusOK)
	c.call("get-coverage", nil).want(http.StatusOK)
	c.call("ask-what-if", m{"who": "exempt@example.org", "address": "203.0.113.7"}).want(http.StatusOK)
	if bad := c.call("ask-what-if", m{"who": "nobody"}).want(http.StatusUnprocessableEntity); bad.at("errors", 0, "location") != "body.who" {
		c.t.Errorf("%s", bad.body)
	}
	c.call("apply-policies", m{"policies": []m{policy}}).want(http.StatusOK)
	c.call("save-draft", m{"policy": policy}, "id", id).want(http.StatusOK)
	c.call("disable-policy", m{}, "id", id).want(http.StatusOK)
	c.call("rebase-draft", m{"seen": 1}, "id", id).want(http.StatusNoContent)
	draft := c.call("get-policy", nil, "id", id).want(http.StatusOK)
	if draft.at("draft", "base") != draft.at("version") {
		c.t.Errorf("%s", draft.body)
	}
	c.call("drop-draft", nil, "id", id, "?seen="+draft.at("draft", "version")).want(http.StatusNoContent)
	c.call("remove-policy", m{}, "id", id).want(http.StatusNoContent)
	c.call("list-removed-policies", nil).want(http.StatusOK)
}

func (c *contract) log() {
	found := c.call("search-log", nil, "?limit=1&event=token.").want(http.StatusOK)
	if found.at("items", 0, "event") != "token.make" {
		c.t.Errorf("%s", found.body)
	}
	c.call("get-event", nil, "event", found.at("items", 0, "id")).want(http.StatusOK)
	c.call("get-event", nil, "event", "nonsense").want(http.StatusNotFound)
	first := c.call("search-log", nil, "?limit=1").want(http.StatusOK)
	if next := c.call("search-log", nil, "?limit=1&cursor="+first.at("next")).want(http.StatusOK); next.at("items", 0, "id") == first.at("items", 0, "id") {
		c.t.Errorf("%s", next.body)
	}
	for _, format := range []string{"jsonl", "csv"} {
		if f := c.call("export-log", nil, "?event=token.&format="+format).want(http.StatusOK); !strings.Contains(string(f.body), "token.make") {
			c.t.Errorf("%s", f.body)
		}
	}
	c.call("export-log", nil, "?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z").want(http.StatusUnprocessableEntity)
	c.call("get-log-status", nil).want(http.StatusOK)
	c.call("verify-log", m{}).want(http.StatusOK)
	c.call("list-checkpoints", nil).want(http.StatusOK)
}

func (c *contract) tokens() {
	other := c.w.staff("tokens@example.org", idp.Admin)
	t, _, err := c.w.tokens().Make(c.t.Context(), host, apitoken.New{Name: "other", Owner: other.ID, Scopes: []idp.Right{idp.SeePeople}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.call("list-tokens", nil).want(http.StatusOK)
	if g := c.call("get-token", nil, "token", t.ID).want(http.StatusOK); g.at("state") != "live" || g.at("owner_login") != "tokens@example.org" {
		c.t.Errorf("%s", g.body)
	}
	c.call("revoke-token", nil, "token", t.ID).want(http.StatusNoContent)
	c.call("revoke-token", nil, "token", t.ID).want(http.StatusConflict)
	c.call("get-token", nil, "token", "nonsense").want(http.StatusNotFound)
	if me := c.call("get-me", nil).want(http.StatusOK); me.at("user", "login") != "owner@example.org" || me.at("role") != "owner" {
		c.t.Errorf("%s", me.body)
	}
}
