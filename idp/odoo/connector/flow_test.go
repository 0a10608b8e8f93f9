package connector_test

import (
	"strings"
	"testing"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/oidc"
)

// OCA's auth_oidc asks in other ways (ODOO.md §4). Odoo then takes no token that
// we send it, so none is sent; and a way that the client may not use is named.
func TestOtherFlows(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		h.connect()
		h.person("ada")
		h.setRow(odootest.Record{"flow": "id_token_code"})
		h.connect() // without warnings
		d, err := h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		for _, check := range []string{"validation", "button", "flow"} {
			if f, ok := found(d, check); ok {
				h.Errorf("by code: %+v", f)
			}
		}
		h.setRow(odootest.Record{"flow": "id_token"})
		d, err = h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		f, ok := found(d, "flow")
		if !ok || f.Level != connector.Problem || !strings.Contains(f.Evidence, "id_token token") {
			h.Errorf("%+v", d.Findings)
		}
		if _, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{}); err == nil {
			h.Error("locked, though nobody could come in")
		}
		h.change(func(c *oidc.Client) { c.ResponseTypes = append(c.ResponseTypes, "id_token token") })
		d, err = h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		if f, ok := found(d, "flow"); ok {
			h.Errorf("%+v", f)
		}
		h.lock()
	})
}
