package apps

import (
	"fmt"
	"net/http"

	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// handout is what an application needs to know of us: addresses, and, this once,
// its secret.
type handout struct {
	issuer     string
	validation func(oidc.Client) string // the path of an Odoo's validation address
}

// onceView is the page that shows a secret, this once.
type onceView struct {
	admin.Head
	Title, Text string
	Secrets     []admin.Secret
	Facts       []fact
	Warnings    []string
	Snippets    []snippetView
	URL         string
}

// once answers what made a secret with the secret itself: it cannot be asked for
// again (SECURITY.md D-06).
func (h handout) once(c *page.Context, v admin.Visit, made oidc.Registered, what string) error {
	cl := made.Client
	view := onceView{
		Head: v.Head(c, crumbs(c, cl)...), Title: c.Words.T(fmt.Sprintf("admin.clients.once.%s", what), cl.Title()), Text: c.Words.T("admin.clients.once_text"), URL: address(cl.ID),
		Warnings: warned(c, made.Warnings),
		Facts:    []fact{{c.Words.T("admin.clients.field.id"), []string{string(cl.ID)}, true}, {c.Words.T("admin.clients.field.issuer"), []string{h.issuer}, true}},
	}
	if made.Secret != "" {
		view.Secrets = append(view.Secrets, admin.Secret{Label: c.Words.T("admin.clients.proof.secret"), Value: made.Secret})
	}
	shown := ""
	if cl.Type == oidc.Odoo && cl.ValidationSecret != "" {
		shown = h.issuer + h.validation(cl)
		view.Secrets = append(view.Secrets, admin.Secret{Label: c.Words.T("admin.clients.proof.validation"), Value: shown, Help: c.Words.T("admin.clients.validation_help")})
	}
	if len(view.Secrets) == 0 {
		return c.Redirect(address(cl.ID) + "?done=added")
	}
	best, err := snippetNamed(firstExample[cl.Type]).draw(h.filled(cl, c.Brand(), made.Secret, shown))
	if err != nil {
		return err
	}
	view.Snippets = []snippetView{best} // the others are on the application's page
	c.Here(address(cl.ID))
	return c.Show(set, http.StatusOK, "once.html", view)
}
