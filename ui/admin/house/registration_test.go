package house

import (
	"net/http"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/settings"
)

// D-01: who sees and who changes it; what was typed is not lost, and whoever comes
// second is told.
func TestRegistration(t *testing.T) {
	h, p, _ := open(t)
	h.Enter(idp.HelpDesk, registrationPath).Want(http.StatusForbidden, registrationPath)
	h.Enter(idp.Auditor, registrationPath).Want(http.StatusOK, registrationPath).HasNot("form#registration button")
	v, late := h.Enter(idp.Admin, settingsPath).Follow("a[href='/admin/settings/registration']"), h.Enter(idp.Owner, registrationPath)
	v.HasNot("#f-open[checked]")
	v.Submit("registration", "open", "yes", "allowed", "nonsense", "terms", "http://example.org").Want(http.StatusBadRequest, registrationPath)
	v.Has("#f-allowed[aria-invalid]", "#f-terms[aria-invalid][value='http://example.org']", "#f-open[checked]", "#wrong")
	v.Submit("registration", "allowed", "", "terms", "https://example.org/terms", "refused", "a.example, b.example\nc.example", "groups", "Customers", "client.shop", "yes")
	v.Want(http.StatusOK, registrationPath).Has("#done", "#f-open[checked]", ".chip-warn") // there is no mail server
	is, err := p.Settings.Registration(t.Context())
	if err != nil || !is.Open || !slices.Equal(is.Refused, []string{"a.example", "b.example", "c.example"}) || !slices.Equal(is.Groups, []string{"Customers"}) ||
		!is.For("shop") || is.For("wiki") || is.Terms != "https://example.org/terms" || len(is.Allowed) != 0 {
		t.Errorf("%+v, %v", is, err)
	}
	v.Has("#everyone a[href='/admin/clients/wiki']").HasNot("#everyone a[href='/admin/clients/shop']") // C-12: who gets in where
	late.Submit("registration", "groups", "Others").Want(http.StatusConflict, registrationPath).Has("#wrong")
	if is, _ := p.Settings.Registration(t.Context()); !is.Open {
		t.Error("whoever came second has won")
	}
}

// D-01: an application that is gone stays in the list until somebody unticks it:
// without it the list would be empty, and an account offered everywhere.
func TestRegistrationOfGoneClient(t *testing.T) {
	h, p, _ := open(t)
	err := p.Settings.ChangeRegistration(t.Context(), idp.Actor{Host: true}, 0, settings.Registration{Open: true, Clients: []idp.ClientID{"gone"}})
	if err != nil {
		t.Fatal(err)
	}
	h.Enter(idp.Owner, registrationPath).Has("input[name='client.gone'][checked]").Submit("registration", "terms", "https://example.org/terms").Want(http.StatusOK, registrationPath)
	if is, err := p.Settings.Registration(t.Context()); err != nil || is.For("wiki") || is.Terms == "" {
		t.Errorf("%+v, %v", is, err)
	}
}
