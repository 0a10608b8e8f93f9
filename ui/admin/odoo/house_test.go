package odoo_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/keyring"
	"latchkey/idp/mail"
	odooidp "latchkey/idp/odoo"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/admin/odoo"
	"latchkey/ui/message"
	"latchkey/ui/page/pagetest"
)

// office is a house with the pages of connected Odoos, and an Odoo beside it.
type office struct {
	*admintest.House
	pages *odoo.Pages
	use   *connector.Office
	jobs  *job.Desk
	odoo  *odootest.Odoo
}

func open(t *testing.T, o odootest.Options) *office {
	t.Helper()
	of := &office{}
	of.House = admintest.Open(t, func(h *admintest.House) []admin.Section {
		issuer := "http://localhost:" + strings.Split(h.Listener.Addr().String(), ":")[1]
		validate := &odooidp.Service{
			Tokens: h.DB.OdooTokens, Grants: h.DB.Grants, Users: h.DB.Users, Clients: h.DB.Clients, Log: h.DB.Log, Atomic: h.DB.Atomic, Now: h.Clock.Now,
			Secret: []byte(strings.Repeat("o", 32)), Origin: func(*http.Request) idp.Origin { return idp.Origin{} },
			Fault: func(_ *http.Request, err error) { t.Error(err) }, Note: func(*http.Request, oidc.ClientID, string) {},
		}
		h.Router.GET("/odoo/:client_id/:secret/userinfo", gin.WrapF(validate.Validate))
		of.use = connector.New(connector.Parts{
			Connections: h.DB.Connections, Journal: h.DB.Journal, Clients: h.DB.Clients, Users: h.DB.Users, Log: h.DB.Log, Atomic: h.DB.Atomic, Probes: validate,
			Outbox: h.DB.Outbox(mail.Odoo), Issuer: issuer, Brand: "Latchkey", Now: h.Clock.Now, HTTP: &http.Client{}, Say: message.InOdoo,
			Accounts: h.Accounts, Directory: h.DB.Directory, Ties: h.DB.Ties, Holder: "test",
			Tell: message.Administrators{Notices: h.Notices, Who: h.DB.Administrators},
		})
		of.jobs = &job.Desk{Store: h.DB.Jobs, Now: h.Clock.Now, Fault: func(j job.Job, err error) { t.Errorf("%s: %v", j.Kind, err) }}
		of.pages = &odoo.Pages{Odoo: of.use, Jobs: of.jobs, Sealer: keyring.New(), End: func(ctx context.Context, by idp.Actor, who string) error {
			u, err := h.Accounts.Find(ctx, who)
			if err != nil {
				return err
			}
			return h.Security.EndOtherSessions(ctx, by, u.ID)
		}}
		return of.pages.Sections()
	})
	t.Cleanup(of.jobs.Close)
	o.Now = of.Clock.Now
	of.odoo = odootest.New(t, o)
	return of
}

// connected connects the Odoo as "shop", without a page.
func (o *office) connected() {
	o.T.Helper()
	_, err := o.use.Setup.Connect(o.T.Context(), admintest.Host, connector.Order{URL: o.odoo.URL, Database: o.odoo.Database, Login: odootest.Login, Key: o.odoo.Key, ID: "shop"}, nil)
	o.Must(err)
}

// wait lets the work end that a page shows, and loads the page anew.
func (o *office) wait(v *pagetest.Visitor) *pagetest.Visitor {
	o.T.Helper()
	if !strings.HasPrefix(v.At.Path, "/admin/odoo/job/") {
		o.T.Fatalf("no work at %s with %d: %s", v.At, v.Status, strings.Join(strings.Fields(v.Doc.Find("main").Text()), " "))
	}
	at := v.At.Path
	for range 200 {
		if v.Get(at); v.Header.Get("Refresh") == "" {
			return v.Want(http.StatusOK, at)
		}
		time.Sleep(20 * time.Millisecond)
	}
	o.T.Fatal("the work does not end")
	return nil
}

// down is a proxy whose Odoo has stopped, for longer than a test takes.
var down = slices.Repeat([]odootest.Fault{odootest.Gateway}, 100)
