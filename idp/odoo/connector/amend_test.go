package connector_test

import (
	"errors"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// D-01, D-07: a cure that changes an application, and a disconnection that
// removes it, take the right to change applications and are in the log.
func TestApplicationsAreTheirOwnRight(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Series: 17})
	h.connect()
	c, err := h.parts.Clients.ByID(t.Context(), "shop")
	h.must(err)
	c.Sessions = "multi" // before 18 a stored token works as a password
	h.must(h.parts.Clients.Save(t.Context(), c))
	narrow := idp.Actor{User: "b", Role: idp.Admin, Scopes: []idp.Right{idp.EditOdoo}}
	if _, err := h.Cure(t.Context(), narrow, "shop", "token_as_password"); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("cure: %v", err)
	}
	if _, err := h.Disconnect(t.Context(), narrow, "shop", false, false); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("disconnect: %v", err)
	}
	if c, err = h.parts.Clients.ByID(t.Context(), "shop"); err != nil || c.Sessions != "multi" {
		t.Errorf("%+v, %v", c, err)
	}
	admin := idp.Actor{User: "b", Role: idp.Admin}
	d, err := h.Cure(t.Context(), admin, "shop", "token_as_password")
	h.must(err)
	if !slices.ContainsFunc(d.Findings, func(f connector.Finding) bool { return f.Check == "token_as_password" && f.Fixed }) {
		t.Errorf("%+v", d.Findings)
	}
	_, err = h.Disconnect(t.Context(), admin, "shop", false, false)
	h.must(err)
	var noted []string
	h.must(h.parts.Log.Events(t.Context(), idp.EventQuery{What: []string{"client.update", "client.remove"}}, func(e idp.Event) error {
		noted = append(noted, e.What+" "+e.Detail["sessions.before"]+" "+e.Detail["sessions.after"])
		return nil
	}))
	slices.Sort(noted)
	if !slices.Equal(noted, []string{"client.remove  ", "client.update multi single"}) {
		t.Errorf("%q", noted)
	}
}
