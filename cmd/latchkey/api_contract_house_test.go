package main

import (
	"net/http"
	"strings"

	"latchkey/idp/oidc"
)

func (c *contract) house() {
	s := c.call("get-settings", nil).want(http.StatusOK)
	in := m{"assurance": "aal2", "second_approver": true, "sessions": 5, "version": 0}
	c.call("replace-settings", in).want(http.StatusOK)
	c.call("replace-settings", in).want(http.StatusConflict)
	if now := c.call("get-settings", nil).want(http.StatusOK); now.at("sessions") != "5" || now.at("version") == s.at("version") {
		c.t.Errorf("%s", now.body)
	}
	r := c.call("get-registration", nil).want(http.StatusOK)
	if r.at("open") != "false" {
		c.t.Errorf("%s", r.body)
	}
	c.call("replace-registration", m{"open": true, "terms": "http://example.org", "version": 0}).want(http.StatusUnprocessableEntity)
	if now := c.call("replace-registration", m{"open": true, "refused": []string{"bad.example"}, "groups": []string{"Customers"}, "version": 0}).want(http.StatusOK); now.at("groups", 0) != "Customers" {
		c.t.Errorf("%s", now.body)
	}
	c.call("replace-registration", m{"open": false, "version": 0}).want(http.StatusConflict)
	// M-10: what takes two administrators is not had by one with a program.
	u := c.w.user("two@example.org")
	if a := c.call("give-temporary-code", m{"reason": "alone"}, "id", string(u.ID)).want(http.StatusConflict); a.at("type") != "urn:latchkey:problem:second-approver" {
		c.t.Errorf("%s", a.body)
	}
	gateway := m{"name": "Main", "type": "http", "values": m{"url": "https://sms.example.org/send", "token": "very-secret"}}
	made := c.call("create-gateway", gateway)
	if made.status == http.StatusUnprocessableEntity {
		c.t.Fatalf("%s", made.body)
	}
	id := made.want(http.StatusCreated).at("id")
	if l := c.call("list-gateways", nil).want(http.StatusOK); strings.Contains(string(l.body), "very-secret") || l.at("items", 0, "id") != id {
		c.t.Errorf("%s", l.body) // D-06
	}
	gateway["name"] = "Other"
	c.call("replace-gateway", gateway, "id", id).want(http.StatusNoContent)
	if g := c.call("get-gateway", nil, "id", id).want(http.StatusOK); g.at("name") != "Other" || strings.Contains(string(g.body), "very-secret") {
		c.t.Errorf("%s", g.body)
	}
	c.call("get-gateway", nil, "id", "nonsense").want(http.StatusNotFound)
	if l := c.call("list-gateway-types", nil).want(http.StatusOK); strings.Contains(string(l.body), `"type":"log"`) { // T-08
		c.t.Errorf("%s", l.body)
	}
	c.call("prefer-gateway", nil, "id", id).want(http.StatusNoContent)
	c.call("delete-gateway", nil, "id", id).want(http.StatusNoContent)
	c.call("delete-gateway", nil, "id", id).want(http.StatusNotFound)
	b := m{"name": "Shop", "colours": m{"primary": "#ffee00"}, "sign_in": m{"en": "Welcome"}}
	if a := c.call("replace-brand", b).want(http.StatusOK); a.at("brand", "name") != "Shop" || a.at("warnings", 0, "remedy") == "null" {
		c.t.Errorf("%s", a.body)
	}
	c.call("replace-brand", m{"colours": m{"primary": "yellow"}}).want(http.StatusUnprocessableEntity)
	c.call("get-brand", nil).want(http.StatusOK)
	c.call("reset-brand", nil).want(http.StatusNoContent)
	c.w.client(oidc.Input{ID: "branded", Type: oidc.SPA, RedirectURIs: []string{"https://x.example.org/"}})
	c.call("replace-client-brand", b, "client", "branded").want(http.StatusOK)
	c.call("get-client-brand", nil, "client", "branded").want(http.StatusOK)
	c.call("get-client-brand", nil, "client", "nonsense").want(http.StatusNotFound)
	c.call("reset-client-brand", nil, "client", "branded").want(http.StatusNoContent)
	for _, format := range []string{"json", "csv"} {
		if r := c.call("make-evidence-report", nil, "?format="+format).want(http.StatusOK); !strings.Contains(string(r.body), "owner@example.org") {
			c.t.Errorf("%s", r.body)
		}
	}
}
