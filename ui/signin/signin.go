// Package signin draws the sign-in pages and the way out. It carries tickets,
// cookies and answers between the browser and idp/signin.
//
// It decides nothing: which page comes next, who may pass and what an answer
// is worth are decided there.
package signin

import (
	"context"
	"embed"
	"net/http"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/register"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(files, "_*.html", "[a-z]*.html")

// Home is where people go who came for no application.
const Home = "/my/security"

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Site   *page.Site
	SignIn *signin.Service
	Help   *account.Help // nil: there are no pages behind mailed addresses
	// Register lets strangers make an account where the house allows it; nil: it
	// never does.
	Register *register.Service
	// Background runs something after the answer, or says that too much is
	// waiting already.
	Background func(do func(context.Context) error) bool
	// Farewell, if set, lists addresses that a browser that signs out must
	// load, so that applications end their sessions, too. It is asked while
	// the session lives.
	Farewell func(*http.Request) ([]string, error)
	// Door, if set, says how an application is called and where a person enters it;
	// empty: they cannot.
	Door func(ctx context.Context, u idp.User, id idp.ClientID) (name, address string, err error)
	// App, if set, is an application on the way to which somebody may be;
	// idp.ErrNotFound.
	App func(ctx context.Context, id idp.ClientID) (oidc.Client, error)
	// Related are the other origins at which passkeys may be used.
	Related []string
}

// Mount adds the routes.
func (p *Pages) Mount(r gin.IRouter) {
	j := journey{p.SignIn}
	first{j, p.registration(), p.App}.mount(r, p.Site)
	second{j}.mount(r, p.Site)
	offers{j}.mount(r, p.Site)
	wizard{j}.mount(r, p.Site)
	keys{j, p.Related}.mount(r, p.Site)
	exit{p.SignIn, p.Farewell}.mount(r, p.Site)
	p.mountLinks(r)
}

// mountLinks adds the pages behind the addresses that are mailed or printed. A GET
// changes nothing there: mail scanners open every link (SECURITY.md E-07).
func (p *Pages) mountLinks(r gin.IRouter) {
	if p.Help == nil {
		return
	}
	if p.Register != nil {
		p.registration().mount(r, p.Site)
	}
	l, e := links{p.Help.Service.Links}, entrance{p.SignIn, p.Door}
	enrolRequests{l, p.SignIn}.mount(r, p.Site)
	alarms{l, p.Help}.mount(r, p.Site)
	recovery{l, e, p.Help.Recovery(), p.Help.Service.Rules(), p.Background}.mount(r, p.Site)
	invitations{l, e, p.Help.Invitations(), p.Help.Service.Rules()}.mount(r, p.Site)
	addresses{l, p.SignIn, p.Help}.mount(r, p.Site)
	founding{p.SignIn, p.Help.Service.Founding(), p.Help.Service.MinPassword}.mount(r, p.Site)
}

func (p *Pages) registration() registration {
	if p.Register == nil {
		return registration{}
	}
	return registration{entrance{p.SignIn, p.Door}, p.Register, p.Register.Accounts.Rules(), p.Background}
}

// here leads from a refused form back to the address that it was sent to.
func here(c *page.Context) string { return c.R.URL.Path }
