package apps

import (
	"fmt"
	"net/http"

	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// fate is whether an application goes on: it is switched off and on, and removed.
type fate struct{ clients *oidc.Registrar }

func (f fate) askDisable(c *page.Context, v admin.Visit) error {
	return f.sure(c, v, "disable")
}

func (f fate) askRemove(c *page.Context, v admin.Visit) error {
	return f.sure(c, v, "remove")
}

// sure asks before something that people will notice, and says how many.
func (f fate) sure(c *page.Context, v admin.Visit, act string) error {
	cl, head, err := about(c, v, f.clients)
	if err != nil {
		return err
	}
	usage, err := f.clients.Usage(c.Context(), v.By, cl.ID)
	if err != nil {
		return err
	}
	ask := admin.Confirm{
		ID: "client-" + act, Title: c.Words.T(fmt.Sprintf("admin.clients.%s_title", act), cl.Title()), Action: address(cl.ID, act), Cancel: address(cl.ID), Danger: true,
		Button: c.Words.T(fmt.Sprintf("admin.clients.%s", act)), Text: []string{c.Words.T(fmt.Sprintf("admin.clients.%s_text", act))},
	}
	if cl.Type != oidc.Service {
		ask.Text = append(ask.Text, c.Words.N("admin.clients.people", usage.People))
	}
	return confirm(c, head, http.StatusOK, ask)
}

func (f fate) disable(c *page.Context, v admin.Visit) error {
	if err := f.clients.Disable(c.Context(), v.By, id(c)); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=disabled")
}

func (f fate) enable(c *page.Context, v admin.Visit) error {
	if err := f.clients.Enable(c.Context(), v.By, id(c)); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=enabled")
}

func (f fate) remove(c *page.Context, v admin.Visit) error {
	if err := f.clients.Remove(c.Context(), v.By, id(c)); err != nil {
		return err
	}
	return c.Redirect(Clients + "?done=removed")
}
