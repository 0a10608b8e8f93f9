package profile

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/security"
	"latchkey/ui/page"
)

// appsView is the page of the applications.
type appsView struct {
	head
	Tiles   []tile
	Used    []usedView
	Allowed []allowedView
}

// tile is an application that can be opened.
type tile struct {
	ID, Name, Initial, Address string
}

// usedView says when somebody last signed in to an application.
type usedView struct {
	ID, Name, When string
	Closed         bool // not open to them any more
}

// allowedView is what somebody allowed an application.
type allowedView struct {
	ID, Name, Since string
	Scopes          []string
}

// appPages is the page of the applications that somebody may open.
type appPages struct{ apps *oidc.Apps }

func (p appPages) mount(r gin.IRouter, s *page.Site, g gate) {
	r.GET(Apps, s.Members(g.enter(Apps, p.all)))
	r.GET(Apps+"/:client", s.Members(g.enter(Apps, p.open)))
	r.POST(Apps+"/withdraw", s.Members(g.enter(Apps, p.withdraw), to(Apps)))
}

func (p appPages) all(c *page.Context, v visit) error {
	all, err := p.apps.Of(c.Context(), v.user)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "apps.html", appsOf(c, v.user, all))
}

func appsOf(c *page.Context, u idp.User, all []oidc.App) appsView {
	view, zone := appsView{head: headOf(c)}, security.Zone(u)
	for _, a := range all {
		id, name := string(a.Client.ID), a.Client.Title()
		if a.Open && a.Address != "" {
			r, _ := utf8.DecodeRuneInString(name)
			view.Tiles = append(view.Tiles, tile{id, name, string(r), a.Address})
		}
		if !a.Used.IsZero() {
			view.Used = append(view.Used, usedView{id, name, c.Words.DateTime(a.Used.In(zone)), !a.Open})
		}
		if a.Consent != nil {
			view.Allowed = append(view.Allowed, allowedView{id, name, day(c, a.Consent.At, zone), page.Scopes(c.Words, a.Consent.Scopes)})
		}
	}
	return view
}

func day(c *page.Context, at time.Time, zone *time.Location) string { return c.Words.Date(at.In(zone)) }

// open leads to an application: where somebody goes who came by an invitation.
func (p appPages) open(c *page.Context, v visit) error {
	app, err := p.apps.Door(c.Context(), v.user, idp.ClientID(c.R.PathValue("client")))
	if err != nil {
		return err
	}
	return c.Leave(app.Address)
}

func (p appPages) withdraw(c *page.Context, v visit) error {
	if err := p.apps.Withdraw(c.Context(), v.by, idp.ClientID(c.Form("client"))); err != nil {
		return err
	}
	return c.Redirect(Apps + "?done=withdrawn")
}
