package apps

import (
	"fmt"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// listView is the page of all applications.
type listView struct {
	admin.Head
	Rows  []listRow
	May   bool // add some
	Empty *admin.Empty
}

type listRow struct {
	ID, Name, URL, Type, Used string
	Disabled, Warned, Former  bool
	Itself                    bool // it registered itself
}

func (r reader) list(c *page.Context, v admin.Visit) error {
	all, err := r.clients.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "list.html", listOf(c, v, all, r.clients.Now()))
}

func listOf(c *page.Context, v admin.Visit, all []oidc.Entry, now time.Time) listView {
	view := listView{Head: v.Head(c), May: v.May(idp.EditClients)}
	for _, e := range all {
		view.Rows = append(view.Rows, listRow{
			ID: string(e.Client.ID), Name: e.Client.Title(), URL: address(e.Client.ID), Type: typeName(c, e.Client.Type), Used: day(c, v, e.Used),
			Disabled: e.Client.Disabled, Warned: len(e.Warnings) > 0, Itself: e.Client.ByItself(), Former: e.Client.FormerSecret.Good(now) || e.Client.FormerValidation.Good(now),
		})
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.clients.empty"), Text: c.Words.T("admin.clients.empty_text")}
		if view.May {
			view.Empty.URL, view.Empty.Button = Clients+"/new", c.Words.T("admin.clients.add")
		}
	}
	return view
}

func typeName(c *page.Context, t oidc.Type) string {
	return c.Words.T(fmt.Sprintf("admin.clients.type.%s", string(t)))
}
