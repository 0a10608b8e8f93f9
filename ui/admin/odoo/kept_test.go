package odoo_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/odoo/odootest"
	"latchkey/ui/admin/admintest"
)

// Whoever must prove more on the way through the wizard goes on at the second
// step, as they typed it; the key is neither kept nor shown (D-06).
func TestTheWizardLosesNothing(t *testing.T) {
	o := open(t, odootest.Options{})
	v := o.Enter(idp.Owner, "/admin/odoo/connect")
	prove := func() {
		t.Helper()
		v.Want(http.StatusOK, "/login").Submit("reauthenticate", "password", admintest.Password)
		o.Clock.Pass(30 * time.Second)
		code, err := totp.GenerateCode(admintest.Secret, o.Clock.Now())
		o.Must(err)
		v.Submit("factor", "code", code).Want(http.StatusOK, "/admin/odoo/connect")
		if strings.Contains(string(v.Body), o.odoo.Key) {
			t.Error("the key is shown")
		}
	}
	v.Submit("odoo-address", "url", o.odoo.URL)
	o.Clock.Pass(6 * time.Minute)
	v.Submit("odoo-login", "login", odootest.Login, "key", o.odoo.Key, "database", "erp", "name", "shop")
	prove()
	filled := []string{"#kept", "form#odoo-login", `[name=login][value="` + odootest.Login + `"]`, `[name=name][value=shop]`, `[name=database][value=erp]`}
	v.Has(filled...).Submit("odoo-login", "key", o.odoo.Key).Want(http.StatusOK, "/admin/odoo/connect/look").Has("form#odoo-connect")
	o.Clock.Pass(6 * time.Minute)
	v.Submit("odoo-connect")
	prove()
	v.Has(filled...).Submit("odoo-login", "key", o.odoo.Key).Want(http.StatusOK, "/admin/odoo/connect/look").Has("form#odoo-connect")
}
