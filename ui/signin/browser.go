package signin

import (
	"context"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// Browser is the [oidc.Browser] of these pages.
type Browser struct {
	Site    *page.Site
	Service *signin.Service
	// Registers reports whether people may make an account on the way to a client;
	// nil: they may not.
	Registers func(ctx context.Context, id idp.ClientID) bool
}

// Check asks the gate about the session behind the request.
func (b Browser) Check(r *http.Request, need idp.Need) (idp.Session, idp.User, error) {
	c := b.Site.From(nil, r)
	return b.Service.Gate(r.Context(), c.Session(), need, c.Origin())
}

// Binding names the browser.
func (b Browser) Binding(w http.ResponseWriter, r *http.Request) string {
	return b.Site.From(w, r).Browser()
}

// Forget ends the session and takes its cookie away.
func (b Browser) Forget(w http.ResponseWriter, r *http.Request) error {
	c := b.Site.From(w, r)
	if err := b.Service.SignOut(r.Context(), c.Session(), c.Origin()); err != nil {
		return err
	}
	c.ForgetSession()
	return nil
}

var _ oidc.Browser = Browser{}

// SignIn opens a flow that comes back to where the protocol waits, and sends
// the browser to its first page.
func (b Browser) SignIn(w http.ResponseWriter, r *http.Request, ask oidc.Ask) {
	c := b.Site.From(w, r)
	c.Dress(ask.Client.ID)
	path := "/login"
	if ask.Create && b.Registers != nil && b.Registers(r.Context(), ask.Client.ID) {
		path = "/register"
	}
	err := beginAt(c, b.Service, path, signin.Start{
		Need: ask.Need, ReturnTo: ask.ReturnTo, Redirect: ask.Redirect, Client: ask.Client.Name,
		Onward: ask.Client.Type != oidc.Odoo, // an Odoo takes its answer on the page where it lands
		Hint:   ask.Hint, Locales: ask.Locales, Choose: ask.Choose,
	})
	if err != nil {
		c.Fail(err)
	}
}
