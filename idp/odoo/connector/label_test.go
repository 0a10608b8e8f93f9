package connector_test

import (
	"strings"
	"testing"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
)

// The button speaks the languages of its Odoo: those that are there at the
// connection, and those that come later, at the next one.
func TestButtonSpeaks(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		french := h.odoo.Add("res.lang", odootest.Record{"name": "French", "code": "fr_FR"})
		h.odoo.Add("res.lang", odootest.Record{"name": "English (UK)", "code": "en_GB"})
		h.connect()
		if w := h.row(); w["body"] != "en:button" || w["body fr_FR"] != "fr:button" || w["body en_GB"] != nil {
			h.Errorf("at first: %v", w)
		}
		h.odoo.Add("res.lang", odootest.Record{"name": "German", "code": "de_DE"})
		h.connect()
		if w := h.row(); w["body"] != "en:button" || w["body fr_FR"] != "fr:button" || w["body de_DE"] != "de:button" {
			h.Errorf("with one more: %v", w)
		}
		h.written()
		h.connect()
		if did := h.written(); len(did) > 0 {
			h.Errorf("a third time: %v", did)
		}
		h.odoo.Set("res.lang", french, odootest.Record{"active": false}) // Odoo refuses to speak it then
		h.connect()
	})
}

// What an administrator wrote on the button stays, in each language.
func TestButtonOfAdministrator(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		h.odoo.Add("res.lang", odootest.Record{"name": "French", "code": "fr_FR"})
		h.connect()
		h.setRow(odootest.Record{"body fr_FR": "Par ici"})
		h.connect()
		if w := h.row(); w["body fr_FR"] != "Par ici" {
			h.Errorf("%v", w)
		}
		h.setRow(odootest.Record{"body": "This way"})
		h.odoo.Add("res.lang", odootest.Record{"name": "German", "code": "de_DE"})
		h.connect()
		d, err := h.Examine(h.Context(), host, "shop", true)
		h.must(err)
		if _, ok := found(d, "label"); ok {
			h.Errorf("%+v", d.Findings)
		}
		if w := h.row(); w["body"] != "This way" || w["body de_DE"] != nil {
			h.Errorf("%v", w)
		}
	})
}

// Where everything is done, nothing is left but who keeps a password on purpose:
// the key that Latchkey itself uses is no finding, another one is.
func TestDoctorClean(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		h.odoo.Key = strings.Repeat("4f", 20)
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Latchkey", "user_id": int64(odootest.Admin)})
		h.connect()
		h.person("ada")
		h.lock()
		if _, err := h.Examine(h.Context(), host, "shop", true); err != nil { // the rows that Odoo brings along
			h.Fatal(err)
		}
		d, err := h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		if len(d.Findings) != 1 || d.Findings[0].Check != "break_glass" || d.Findings[0].Level != connector.Advice || !d.Well() {
			h.Errorf("%+v", d.Findings)
		}
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Stock feed", "user_id": h.ada()})
		d, err = h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		if f, ok := found(d, "api_keys"); !ok || !strings.Contains(f.Evidence, "there are 1") || !strings.Contains(f.Evidence, "Stock feed") || strings.Contains(f.Evidence, "Latchkey") {
			h.Errorf("%+v", d.Findings)
		}
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Old", "user_id": int64(odootest.Admin)}) // nobody can tell which is in use
		d, err = h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		if f, ok := found(d, "api_keys"); !ok || !strings.Contains(f.Evidence, "there are 3") || !strings.Contains(f.Cure, "Latchkey's own") {
			h.Errorf("%+v", d.Findings)
		}
	})
}

// Where a company has no logo of its own, Odoo shows "Your logo"; people are not
// shown that on a sign-in page.
func TestStockLogo(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		if logo := h.connect().Connection.Facts.Company.Logo; logo == "" {
			h.Error("the company's own logo is lost")
		}
		h.odoo.Set("res.company", 1, odootest.Record{"uses_default_logo": true})
		if logo := h.connect().Connection.Facts.Company.Logo; logo != "" {
			h.Error("Odoo's own picture is taken for the company's")
		}
	})
}
