package connector_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
)

func (t *town) role(id idp.UserID, role idp.Role) {
	t.Helper()
	_, err := t.accounts.Update(t.Context(), atHost, id, account.Change{Role: &role})
	t.must(err)
}

// D-02, D-05: an Odoo neither changes nor shuts out people with a role here, even
// the last owner, neither ties nor links them by a name, and does not judge their
// first password.
func TestStaffAreSpared(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		change := t.odoo.AddUser("owner@example.org", "Owner", "owner@example.org", false)
		remove := t.odoo.AddUser("admin@example.org", "Admin", "admin@example.org", false)
		t.odoo.Set("res.users", change, odootest.Record{"password": "Old-Password-1"})
		t.bring()
		t.sync()
		for login, role := range map[string]idp.Role{"owner@example.org": idp.Owner, "admin@example.org": idp.Admin} {
			u := t.user(login)
			t.role(u.ID, role)
		}
		t.set(func(s *connector.Settings) {
			s.Trickle = true
			s.Import.On = map[connector.Class]connector.Choice{connector.Exists: connector.Adopt}
		})
		owner := t.user("owner@example.org")
		t.odoo.Calls()
		if t.asks(t.trickle(), owner, "Old-Password-1") || t.calls() != 0 {
			t.Error("Odoo judges the owner's password")
		}

		t.wait(time.Hour)
		t.odoo.Set("res.users", change, odootest.Record{"name": "Mallory", "active": false})
		if s := t.sync(); s.Last.Disabled+s.Last.Changed != 0 || s.Last.LeftOut != 1 || len(s.Troubles) != 1 {
			t.Errorf("archived: %+v", s)
		}
		t.odoo.Remove("res.users", remove)
		t.wait(7 * time.Hour)
		if s := t.sync(); s.Last.Disabled+s.Last.Changed != 0 || s.Last.LeftOut != 2 {
			t.Errorf("deleted: %+v", s)
		}
		if u := t.user("owner@example.org"); u.Disabled || u.Name != "Owner" || t.user("admin@example.org").Disabled {
			t.Errorf("%+v", u)
		}

		// One who is not tied: neither adopted nor linked by a proven address.
		t.odoo.Set("res.users", change, odootest.Record{"active": true})
		staff := t.add(account.New{Email: "desk@example.org", Verified: true})
		t.role(staff.ID, idp.HelpDesk)
		desk := t.odoo.AddUser("desk@example.org", "Desk", "desk@example.org", false)
		t.sync()
		if ties, err := t.db.Ties.OfUser(t.Context(), staff.ID); err != nil || len(ties) != 0 {
			t.Errorf("%v %v", ties, err)
		}
		_, found := t.link(false)
		missed := slices.DeleteFunc(found, func(f connector.LinkTrouble) bool { return f != connector.HasRole })
		if len(missed) != 2 || t.linkedTo(desk) != "" || t.linkedTo(change) != "" {
			t.Errorf("%v, %q %q", found, t.linkedTo(desk), t.linkedTo(change))
		}

		// What was news is done once they have no role any more.
		t.role(owner.ID, "")
		t.wait(7 * time.Hour)
		if t.sync(); t.user("owner@example.org").Name != "Mallory" {
			t.Error("what Odoo says of somebody without a role is lost")
		}
	})
}
