package apps_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/admin/apps"
)

// office is a house with the pages of applications, and an application's own
// server.
type office struct {
	*admintest.House
	pages *apps.Pages
	app   *httptest.Server
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{app: httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))}
	t.Cleanup(o.app.Close)
	o.House = admintest.Open(t, func(h *admintest.House) []admin.Section {
		issuer := "http://" + h.Listener.Addr().String()
		o.pages = &apps.Pages{
			Clients: &oidc.Registrar{
				Clients: h.DB.Clients, Uses: h.DB.ClientUses, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now, Issuer: issuer,
				Self: &http.Client{}, Out: oidc.NewCalls(oidc.Outbound{Issuer: issuer}), Odoo: func(context.Context, oidc.Client) (oidc.Note, error) { return oidc.Note{}, nil },
			},
			Keys: &oidc.Custodian{Ring: h.Keys, Log: h.DB.Log, Now: h.Clock.Now}, Issuer: issuer, Validation: odoo.ValidationPath,
		}
		return o.pages.Sections()
	})
	return o
}

// web registers an application.
func (o *office) web(id string) oidc.Registered {
	o.T.Helper()
	made, err := o.pages.Clients.Add(o.T.Context(), admintest.Host, oidc.Input{ID: oidc.ClientID(id), Name: "Wiki", Type: oidc.Web, RedirectURIs: []string{o.app.URL + "/back"}})
	o.Must(err)
	return made
}
