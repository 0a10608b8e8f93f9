package connector_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// atHost is who acts on the command line.
var atHost = host

// office is this provider with one Odoo beside it, both on real addresses.
type office struct {
	*testing.T
	*connector.Book
	*connector.Register
	*connector.Setup
	*connector.Doctor
	*connector.Locks
	*connector.Websites
	parts connector.Parts
	db    *store.DB
	odoo  *odootest.Odoo
	clock *storetest.Clock
	doors *httptest.Server
}

// open starts an office with an Odoo.
func open(t *testing.T, db *store.DB, clock *storetest.Clock, o odootest.Options) *office {
	t.Helper()
	o.Now = clock.Now
	h := &office{T: t, db: db, odoo: odootest.New(t, o), clock: clock}
	validate := &odoo.Service{
		Tokens: db.OdooTokens, Grants: db.Grants, Users: db.Users, Clients: db.Clients, Log: db.Log, Atomic: db.Atomic, Now: clock.Now,
		Secret: []byte(strings.Repeat("o", 32)), Origin: func(*http.Request) idp.Origin { return idp.Origin{} },
		Fault: func(_ *http.Request, err error) { t.Error(err) }, Note: func(*http.Request, oidc.ClientID, string) {},
	}
	mux := http.NewServeMux()
	mux.HandleFunc(odoo.Pattern, validate.Validate)
	h.doors = httptest.NewServer(mux)
	t.Cleanup(h.doors.Close)
	h.parts = connector.Parts{
		Connections: db.Connections, Journal: db.Journal, Clients: db.Clients, Users: db.Users, Log: db.Log, Atomic: db.Atomic, Probes: validate, Outbox: db.Outbox(mail.Odoo),
		Issuer: h.doors.URL, Brand: "Latchkey", Now: clock.Now, HTTP: h.doors.Client(),
		Say: func(lang, key string, _ ...any) string { return lang + ":" + key },
	}
	h.use(connector.New(h.parts))
	return h
}

// use lets an office do its use cases.
func (h *office) use(o *connector.Office) {
	h.Book, h.Register, h.Setup, h.Doctor, h.Locks, h.Websites = o.Book, o.Register, o.Setup, o.Doctor, o.Locks, o.Websites
}

// eachOffice runs f with every version of Odoo, on SQLite.
func eachOffice(t *testing.T, o odootest.Options, f func(h *office)) {
	t.Helper()
	for o.Series = 16; o.Series <= 19; o.Series++ {
		t.Run(strings.Repeat("I", o.Series-15), func(t *testing.T) {
			clock := storetest.NewClock()
			f(open(t, storetest.OpenAt(t, clock.Now), clock, o))
		})
	}
}

func (h *office) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *office) order() connector.Order {
	return connector.Order{URL: h.odoo.URL, Database: h.odoo.Database, Login: odootest.Login, Key: h.odoo.Key, ID: "shop"}
}

func (h *office) connect() connector.Report {
	h.Helper()
	r, err := h.Connect(h.Context(), host, h.order(), nil)
	h.must(err)
	if len(r.Warnings) > 0 && h.odoo.Series >= 18 {
		h.Errorf("warnings: %v", r.Warnings)
	}
	return r
}

// person makes somebody here who is linked to a new user there.
func (h *office) person(login string) (idp.User, int64) {
	h.Helper()
	u := idp.User{ID: idp.UserID("u-" + login), Login: login, Email: login + "@example.org", Kind: idp.Portal, Created: h.clock.Now()}
	h.must(h.db.Users.Add(h.Context(), u, []idp.Identifier{{Canonical: login, Skeleton: login}}))
	return u, h.link(u)
}

func (h *office) link(u idp.User) int64 {
	h.Helper()
	c, err := h.Find(h.Context(), "shop")
	h.must(err)
	id := h.odoo.AddUser(u.Login, u.Login, u.Email, true)
	h.odoo.Set("res.users", id, odootest.Record{"oauth_provider_id": c.Provider, "oauth_uid": string(u.ID), "oauth_access_token": "lko_1"})
	return id
}

// row is the provider's row as it lies in Odoo.
func (h *office) row() odootest.Record {
	h.Helper()
	c, err := h.Find(h.Context(), "shop")
	h.must(err)
	return h.odoo.Get("auth.oauth.provider", c.Provider)
}

// written are the calls that changed something since the last time.
func (h *office) written() (out []string) {
	for _, c := range h.odoo.Calls() {
		if slices.Contains([]string{"create", "write", "unlink", "set_param", "button_immediate_install", "remove_oauth_access_token"}, c.Method) {
			out = append(out, c.Model+"."+c.Method)
		}
	}
	return out
}

// send sends what waits.
func (h *office) send() int {
	h.Helper()
	s := mail.Sender{
		Outbox: h.db.Outbox(mail.Odoo), Now: h.clock.Now,
		Transports: map[mail.Channel]mail.Transport{mail.Odoo: connector.New(h.parts).Endings},
	}
	n, err := s.Round(context.WithoutCancel(h.Context()))
	h.must(err)
	return n
}

// wait lets time go by.
func (h *office) wait(d time.Duration) { h.clock.Pass(d) }
