package connector_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
)

// invited remembers whom it was to invite, and invites them.
type invited struct {
	account.Invitations
	who *[]string
}

func (i invited) Invite(ctx context.Context, by idp.Actor, id idp.UserID, in account.Invite) (account.Invitation, error) {
	*i.who = append(*i.who, string(in.Client))
	return i.Invitations.Invite(ctx, by, id, in)
}

// inviting lets the synchronisation of a town invite; it returns the clients for
// which it did.
func (t *town) inviting() *[]string {
	t.Helper()
	p, who := t.parts, &[]string{}
	help := account.Help{Service: t.accounts, Letters: t.accounts.Notify.(account.Letters), Limiter: t.db.Limiter}
	p.Accounts, p.Directory, p.Ties, p.Limiter, p.Holder, p.Customers = t.accounts, t.db.Directory, t.db.Ties, t.db.Limiter, "one", t.customers
	p.Invites = invited{help.Invitations(), who}
	t.Synchroniser = connector.New(p).Sync
	return who
}

// Who comes in with an address that is theirs gets the invitation, once, and not
// more of them at a time than the budget allows; who came before, nobody.
func TestSyncInvites(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		asked := t.inviting()
		t.odoo.AddUser("before@example.org", "Before", "before@example.org", true)
		if s := t.sync(); s.Last.Created != 1 || s.Last.Invited != 0 || len(*asked) != 0 {
			t.Fatalf("off, and yet %+v", s.Last)
		}
		t.set(func(s *connector.Settings) { s.Invite = true })
		for n := range 30 {
			login := fmt.Sprintf("p%02d@example.org", n)
			t.odoo.AddUser(login, login, login, true)
		}
		t.odoo.AddUser("other", "Other", "somebody@example.org", true) // whose address that is nobody knows
		var would []string
		_, err := t.try(connector.SyncOptions{DryRun: true, Found: func(c connector.SyncChange) error {
			if c.What == "invite" {
				would = append(would, c.Login)
			}
			return nil
		}})
		t.must(err)
		if len(would) != 30 || slices.Contains(would, "other") || len(*asked) != 0 {
			t.Errorf("dry: %v, asked %v", would, *asked)
		}
		s := t.sync()
		if s.Last.Created != 31 || s.Last.Invited != 25 || !slices.ContainsFunc(s.Troubles, func(b connector.SyncTrouble) bool { return b.Login == "other" && b.Says == "sync.uninvited" }) {
			t.Errorf("%+v %+v", s.Last, s.Troubles)
		}
		// One of those who wait gets a role, and one an invitation by hand.
		waits := t.waiting()
		if len(waits) != 5 {
			t.Fatalf("%v wait", waits)
		}
		t.role(waits[0].ID, idp.HelpDesk)
		help := account.Help{Service: t.accounts, Letters: t.accounts.Notify.(account.Letters), Limiter: t.db.Limiter}
		_, err = help.Invitations().Invite(t.Context(), atHost, waits[1].ID, account.Invite{})
		t.must(err)
		if s := t.sync(); s.Last.Invited != 3 {
			t.Errorf("the rest: %+v", s.Last)
		}
		if s := t.sync(); s.Last.Invited != 0 || len(*asked) != 28 || (*asked)[0] != "shop" || t.events("user.invite") != 29 {
			t.Errorf("again: %+v, asked %d times, %d invitations", s.Last, len(*asked), t.events("user.invite"))
		}
	})
}

// waiting are the people of the town whom nobody has invited.
func (t *town) waiting() (out []idp.User) {
	t.Helper()
	had := map[idp.UserID]bool{}
	t.must(t.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"user.invite"}}, func(e idp.Event) error { had[e.User] = true; return nil }))
	for n := range 30 {
		if u := t.user(fmt.Sprintf("p%02d@example.org", n)); !had[u.ID] {
			out = append(out, u)
		}
	}
	return out
}

// Who waits when it is turned off is not mailed when it is turned on again.
func TestSyncInvitesNoMore(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		t.inviting()
		t.set(func(s *connector.Settings) { s.Invite = true })
		for n := range 30 {
			login := fmt.Sprintf("p%02d@example.org", n)
			t.odoo.AddUser(login, login, login, true)
		}
		if s := t.sync(); s.Last.Invited != 25 {
			t.Fatalf("%+v", s.Last)
		}
		for _, on := range []bool{false, true} {
			_, err := t.Configure(t.Context(), atHost, "shop", func(s *connector.Settings) { s.Invite = on })
			t.must(err)
			if s := t.sync(); s.Last.Invited != 0 {
				t.Errorf("%v: %+v", on, s.Last)
			}
		}
	})
}
