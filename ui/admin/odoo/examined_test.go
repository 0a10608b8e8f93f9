package odoo_test

import (
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/odootest"
	"latchkey/ui/admin/admintest"
)

// The page of a connection says when it was examined last, by whomever, and the
// worst that was found.
func TestExaminedIsShown(t *testing.T) {
	o := open(t, odootest.Options{Series: 18})
	o.connected()
	v := o.Enter(idp.Auditor, "/admin/odoo/shop")
	v.Has("#examined").HasNot("#examined .chip")
	_, err := o.use.Doctor.Examine(t.Context(), admintest.Host, "shop", false)
	o.Must(err)
	v.Get("/admin/odoo/shop").Has("#examined .chip-bad").Says("14 July 2026", "Other providers let people in")
	_, err = o.use.Doctor.Examine(t.Context(), admintest.Host, "shop", true)
	o.Must(err)
	v.Get("/admin/odoo/shop").HasNot("#examined .chip-bad")
}
