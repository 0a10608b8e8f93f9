package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// D-02: what a connected Odoo fills is not changed by hand, one by one or in
// bulk: a group may open applications.
func TestFedGroups(t *testing.T) {
	db := storetest.Open(t)
	s, ctx := service(t, db), t.Context()
	s.Fed = func(_ context.Context, group string) (string, bool, error) { return "shop", group == "fed", nil }
	u, err := s.Add(ctx, host, account.New{Login: "ada", Groups: []string{"fed"}})
	if err != nil {
		t.Fatal(err)
	}
	admin := idp.Actor{User: "admin", Role: idp.Admin}
	add := func() error {
		_, err := s.Add(ctx, admin, account.New{Login: "eve", Groups: []string{"other", "fed"}})
		return err
	}
	for name, err := range map[string]error{
		"add": add(), "join": s.Memberships().Join(ctx, admin, "fed", u.ID), "leave": s.Memberships().Leave(ctx, admin, "fed", u.ID), "remove": s.Memberships().RemoveGroup(ctx, admin, "fed"),
	} {
		if !errors.Is(err, account.ErrFed) || !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"another": s.Memberships().Join(ctx, admin, "other", u.ID), "the synchronisation": s.Memberships().Leave(ctx, host, "fed", u.ID),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// D-02: nor does a table put anybody there. The rows are refused, in the
// rehearsal, too, and the others go in; who is there already is left alone.
func TestFedGroupsOfAnImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := service(t, db), t.Context()
		s.Fed = func(_ context.Context, group string) (string, bool, error) { return "shop", group == "fed", nil }
		if _, err := s.Add(ctx, host, account.New{Login: "there", Groups: []string{"fed"}}); err != nil {
			t.Fatal(err)
		}
		for _, dry := range []bool{true, false} {
			table, err := account.OpenTable(strings.NewReader("login,groups\nada,staff|fed\nthere,fed\nbob,staff\nada,staff\n"))
			if err != nil {
				t.Fatal(err)
			}
			var found []account.Finding
			i := account.Importer{Service: s, Directory: db.Directory, DryRun: dry, Found: func(f account.Finding) error { found = append(found, f); return nil }}
			sum, err := i.Import(ctx, idp.Actor{User: "admin", Role: idp.Admin}, table)
			if err != nil || sum != (account.Imported{Rows: 4, Added: 2, Unchanged: 1, Conflicts: 1}) {
				t.Errorf("dry %v: %+v, %v", dry, sum, err)
			}
			if len(found) != 1 || found[0].Line != 2 || found[0].Kind != account.Filled || found[0].Other != "shop" || !strings.Contains(found[0].Text, `"fed" is filled by shop`) {
				t.Errorf("dry %v: %+v", dry, found)
			}
		}
		u, err := s.Find(ctx, "ada")
		if err != nil || len(u.Groups) != 1 || u.Groups[0] != "staff" {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// A connection that begins to fill a group while a table is written refuses the
// row, not the table.
func TestFedGroupsOfAnImportMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := service(t, db)
		asked := 0
		s.Fed = func(_ context.Context, group string) (string, bool, error) {
			if group == "fed" {
				asked++
			}
			return "shop", group == "fed" && asked > 1, nil
		}
		table, err := account.OpenTable(strings.NewReader("login,groups\nada,fed\nbob,staff\n"))
		if err != nil {
			t.Fatal(err)
		}
		var found []account.Finding
		i := account.Importer{Service: s, Directory: db.Directory, Found: func(f account.Finding) error { found = append(found, f); return nil }}
		sum, err := i.Import(t.Context(), idp.Actor{User: "admin", Role: idp.Admin}, table)
		if err != nil || sum != (account.Imported{Rows: 2, Added: 1, Conflicts: 1}) || len(found) != 1 || found[0].Kind != account.Filled {
			t.Errorf("%+v, %+v, %v", sum, found, err)
		}
	})
}
