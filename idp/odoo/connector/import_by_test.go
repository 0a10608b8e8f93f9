package connector_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
)

// An administrator on a page may bring an Odoo's people in, though nobody may put
// them into its groups by hand: those are that Odoo's (SECURITY.md D-02).
func TestImportByAdministrator(t *testing.T) {
	admin := idp.Actor{User: "boss", Role: idp.Admin}
	eachArrivals(t, func(a *arrivals) {
		accounts := accountsOf(a.db, a.clock)
		accounts.Fed = func(_ context.Context, group string) (string, bool, error) {
			return "shop", connector.Feeds(a.conn, group), nil
		}
		from, err := connector.OpenCSV(bytes.NewReader([]byte("ID;Login;Name;Email;Active;Share User\n7;pia@example.org;Pia;pia@example.org;TRUE;TRUE\n8;ada@example.org;Ada;ada@example.org;TRUE;FALSE\n")), nil)
		a.must(err)
		i := connector.Import{Accounts: accounts, Directory: a.db.Directory, Ties: a.db.Ties, Connection: a.conn}
		if r, err := i.Run(a.Context(), admin, from); err != nil || r.Added != 2 || r.Out != 0 {
			a.Fatalf("%+v %v", r, err)
		}
		if g := a.find("pia@example.org").Groups; !slices.Equal(g, []string{"odoo:shop:portal"}) {
			a.Errorf("%v", g)
		}
		if err := accounts.Memberships().Join(a.Context(), admin, "odoo:shop:portal", a.find("ada@example.org").ID); !errors.Is(err, account.ErrFed) {
			a.Errorf("by hand: %v", err)
		}
	})
}
