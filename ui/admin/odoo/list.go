package odoo

import (
	"context"
	"fmt"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// reader shows connections, and what became of them.
type reader struct {
	connections register
	states      states
	work        bench
	histories   histories
}

// register is what is known of connections.
type register interface {
	getter
	List(ctx context.Context, by idp.Actor) ([]connector.Connection, error)
	Runs(ctx context.Context, by idp.Actor, id string) ([]connector.SyncRun, error)
	Cases(ctx context.Context, by idp.Actor, id string) ([]connector.Case, error)
}

// states says how the synchronisation stands.
type states interface {
	SyncState(ctx context.Context, connection string) (connector.SyncState, error)
}

// listView is the page of all connections.
type listView struct {
	admin.Head
	Rows  []listRow
	May   bool
	Empty *admin.Empty
}

type listRow struct {
	ID, URL, Address, Company, Version, Contact, Sync, Linked string
	Well, Locked                                              bool
}

func (r reader) list(c *page.Context, v admin.Visit) error {
	all, err := r.connections.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	view := listView{Head: v.Head(c), May: v.May(idp.EditOdoo)}
	for _, one := range all {
		s, err := r.states.SyncState(c.Context(), one.ID)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, rowOf(c, v, one, s))
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.odoo.empty"), Text: c.Words.T("admin.odoo.empty_text")}
		if view.May {
			view.Empty.URL, view.Empty.Button = addressConnect, c.Words.T("admin.odoo.connect")
		}
	}
	return c.Show(set, http.StatusOK, "list.html", view)
}

func rowOf(c *page.Context, v admin.Visit, one connector.Connection, s connector.SyncState) listRow {
	row := listRow{
		ID: one.ID, URL: address(one.ID), Address: one.URL, Company: one.Facts.Company.Name, Version: one.Facts.Version.Full, Contact: when(c, v, one.Health.Good),
		Linked: c.Words.T("admin.odoo.linked_of", fmt.Sprint(one.Facts.Linked), fmt.Sprint(one.Facts.Users)), Well: one.Health.Well(), Locked: !one.Lock.At.IsZero(),
		Sync: c.Words.T("admin.odoo.off"),
	}
	if one.Settings.Sync {
		row.Sync = when(c, v, s.Succeeded)
		row.Well = row.Well && s.Failure == ""
	}
	return row
}
