package connector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
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

// Whether an address is somebody's depends on Odoo's sign-up as it is at that run,
// not as it was when the connection was made: a stranger makes a user with any
// address.
func TestSyncInvitesNoStrangers(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		asked := t.inviting()
		t.set(func(s *connector.Settings) { s.Invite = true })
		t.odoo.SetParam("auth_signup.invitation_scope", "b2c")
		t.odoo.AddUser("victim@example.org", "V", "victim@example.org", true)
		if s := t.sync(); s.Last.Invited != 0 || len(*asked) != 0 {
			t.Errorf("a stranger is invited: %+v", s.Last)
		}
		t.odoo.SetParam("auth_signup.invitation_scope", "b2b")
		t.odoo.AddUser("guest@example.org", "G", "guest@example.org", true)
		if s := t.sync(); s.Last.Invited != 1 || len(*asked) != 1 {
			t.Errorf("closed again: %+v", s.Last)
		}
	})
}

// An Odoo in which somebody makes users without end has 100 people a day mailed.
func TestSyncInvitesADay(t *testing.T) {
	clock := storetest.NewClock()
	town := townOf(open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{}))
	asked := town.inviting()
	town.set(func(s *connector.Settings) { s.Invite = true })
	for n := range 110 {
		login := fmt.Sprintf("p%03d@example.org", n)
		town.odoo.AddUser(login, login, login, true)
	}
	var got []int
	for range 5 {
		got = append(got, town.sync().Last.Invited)
	}
	town.wait(24 * time.Hour)
	got = append(got, town.sync().Last.Invited)
	if !slices.Equal(got, []int{25, 25, 25, 25, 0, 10}) || len(*asked) != 110 {
		t.Errorf("%v, asked %d times", got, len(*asked))
	}
}

// Nobody is mailed by a run that has lost its turn, nor when inviting was turned
// off while it ran.
func TestSyncInvitesOnlyWhileItMay(t *testing.T) {
	clock := storetest.NewClock()
	town := townOf(open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{}))
	asked := town.inviting()
	town.set(func(s *connector.Settings) { s.Invite = true })
	town.odoo.AddUser("one@example.org", "One", "one@example.org", true)
	_, err := town.try(connector.SyncOptions{Found: func(connector.SyncChange) error {
		clock.Pass(time.Hour)
		return town.db.Connections.Claim(t.Context(), "shop", "sync", "other", clock.Now().Add(time.Minute))
	}})
	if !errors.Is(err, idp.ErrBusy) || len(*asked) != 0 {
		t.Errorf("another instance is at it, and yet %v, %v", err, *asked)
	}
	clock.Pass(time.Hour)
	started := town.conn()
	town.set(func(s *connector.Settings) { s.Invite = false })
	town.odoo.AddUser("two@example.org", "Two", "two@example.org", true)
	if s, err := town.Sync(t.Context(), started, connector.SyncOptions{}); err != nil || s.Last.Created != 1 || len(*asked) != 0 {
		t.Errorf("turned off: %+v, %v, %v", s.Last, err, *asked)
	}
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
