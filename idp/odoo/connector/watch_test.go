package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/ui/message"
)

// watched is an office with two instances that watch its Odoo, two administrators
// and somebody who is none.
type watched struct {
	*office
	instances []*connector.Watch
}

func watch(t *testing.T, db *store.DB, clock *storetest.Clock) *watched {
	t.Helper()
	h := &watched{office: open(t, db, clock, odootest.Options{Series: 18})}
	for id, u := range map[string]idp.User{
		"owner": {Role: idp.Owner, Email: "o@example.org", EmailVerified: true, Locale: "fr"}, "admin": {Role: idp.Admin, Email: "a@example.org", EmailVerified: true, Locale: "en"},
		"other": {Email: "x@example.org", EmailVerified: true},
	} {
		u.ID, u.Login, u.Name = idp.UserID(id), id, id
		h.must(db.Users.Add(t.Context(), u, []idp.Identifier{{Canonical: id, Skeleton: id}}))
	}
	notices := &message.Notices{Outbox: db.Outbox(), Issuer: "https://id.example.org", Brand: "House", Now: clock.Now}
	h.parts.Tell = message.Administrators{Notices: notices, Who: db.Administrators}
	for _, name := range []string{"one", "two"} {
		h.parts.Holder = name
		of := connector.New(h.parts)
		h.use(of)
		h.instances = append(h.instances, of.Watch)
	}
	h.connect()
	return h
}

// round lets both instances look, at the same time, and returns what is mailed.
func (h *watched) round() (out []mail.Message) {
	h.Helper()
	var both sync.WaitGroup
	for _, w := range h.instances {
		both.Go(func() {
			w.Round(h.Context(), func(connection string, err error) { h.Errorf("%s: %v", connection, err) })
		})
	}
	both.Wait()
	for {
		all, err := h.db.Outbox(mail.Mail).Claim(h.Context(), 10, time.Minute)
		h.must(err)
		if len(all) == 0 {
			slices.SortFunc(out, func(a, b mail.Message) int { return strings.Compare(a.To, b.To) })
			return out
		}
		for _, m := range all {
			h.must(h.db.Outbox().Done(h.Context(), m))
		}
		out = append(out, all...)
	}
}

// says wants one mail for each administrator, each in their language.
func (h *watched) says(all []mail.Message, english, french string, not ...string) {
	h.Helper()
	if len(all) != 2 || all[0].To != "a@example.org" || all[1].To != "o@example.org" || !strings.Contains(all[0].Text, english) || !strings.Contains(all[1].Text, french) {
		h.Fatalf("not %q and %q: %+v", english, french, all)
	}
	for _, text := range not {
		if strings.Contains(all[0].Text, text) {
			h.Errorf("says %q: %s", text, all[0].Text)
		}
	}
}

func (h *watched) silent(why string) {
	h.Helper()
	if all := h.round(); len(all) != 0 {
		h.Errorf("%s: %+v", why, all)
	}
}

// Every connection is examined once a day, by one of several instances, and
// administrators are mailed what is new, and once what is over.
func TestWatch(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		h := watch(t, db, clock)
		day := func() []mail.Message { h.wait(24 * time.Hour); return h.round() }
		h.odoo.SetParam("auth_signup.invitation_scope", "b2c") // as they wanted it when they connected
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Backup", "user_id": int64(odootest.Admin)})
		h.silent("just started")
		h.wait(23 * time.Hour)
		h.silent("the day is not over")
		if last, err := h.Last(t.Context(), host, "shop"); err != nil || !last.At.IsZero() {
			t.Fatalf("%+v, %v", last, err)
		}
		h.wait(25 * time.Hour)
		h.says(h.round(), "Other providers let people in", "D’autres fournisseurs", "Backup", "sign up")
		last, err := h.Last(t.Context(), host, "shop")
		h.must(err)
		if worst, found := last.Worst(); !found || worst.Level != connector.Problem || !last.At.Equal(clock.Now().Truncate(time.Millisecond)) {
			t.Errorf("%+v", last)
		}
		h.silent("known, and examined just now")
		if all := day(); len(all) != 0 {
			t.Errorf("known: %+v", all)
		}
		_, err = h.Examine(t.Context(), host, "shop", true) // puts the other provider right
		h.must(err)
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Night job", "user_id": int64(odootest.Admin)})
		h.setRow(odootest.Record{"enabled": false})
		all := day()
		h.says(all, "The provider row in Odoo is wrong", "https://id.example.org/admin/odoo/shop", "Odoo has addresses")
		if text := all[0].Text; !strings.Contains(text, "Night job") || !strings.Contains(text, "No longer found: Other providers let people in") || strings.Index(text, "provider row") > strings.Index(text, "Night job") {
			t.Error(text)
		}
		h.setRow(odootest.Record{"enabled": true})
		h.says(day(), "No longer found: The provider row", "N’y est plus", "New:", "Night job")
		if all := day(); len(all) != 0 {
			t.Errorf("told twice that it is over: %+v", all)
		}
	})
}

// A button's examination does not keep anybody from being told: what it found and
// nobody knows is told by the next night's, however often somebody looks.
func TestWatchAfterButton(t *testing.T) {
	clock := storetest.NewClock()
	h := watch(t, storetest.OpenAt(t, clock.Now), clock)
	h.silent("first seen")
	h.wait(48 * time.Hour)
	h.round()
	h.setRow(odootest.Record{"scope": false})
	h.wait(15 * time.Hour) // the next night's is nine hours ahead
	_, err := h.Examine(t.Context(), host, "shop", false)
	h.must(err)
	h.silent("examined, but not by the watch")
	h.wait(11 * time.Hour)
	h.says(h.round(), "The provider row in Odoo is wrong", "fournisseur")
	h.setRow(odootest.Record{"scope": "openid profile email"})
	for range 2 {
		h.wait(11 * time.Hour)
		_, err := h.Examine(t.Context(), host, "shop", false)
		h.must(err)
	}
	h.wait(2 * time.Hour)
	h.says(h.round(), "No longer found: The provider row", "N’y est plus")
	if _, err := h.Last(t.Context(), idp.Actor{User: "x", Role: idp.HelpDesk}, "shop"); err == nil {
		t.Error("the help desk sees connections")
	}
}

// An Odoo that is down is one message; what could not be looked at is not called
// over.
func TestWatchDown(t *testing.T) {
	clock := storetest.NewClock()
	h := watch(t, storetest.OpenAt(t, clock.Now), clock)
	h.silent("first seen")
	h.setRow(odootest.Record{"enabled": false})
	h.wait(48 * time.Hour)
	h.says(h.round(), "The provider row in Odoo is wrong", "")
	key := h.odoo.Key
	h.odoo.Key = "revoked"
	h.wait(24 * time.Hour)
	h.says(h.round(), "Odoo refuses the key", "", "No longer found")
	h.wait(24 * time.Hour)
	h.silent("still so")
	h.odoo.Key = key
	h.wait(24 * time.Hour)
	h.says(h.round(), "No longer found: Odoo refuses the key", "", "provider row", "New:")
}

// A synchronisation that fails for an hour is told at once, and once that it works
// again.
func TestWatchSync(t *testing.T) {
	clock := storetest.NewClock()
	h := watch(t, storetest.OpenAt(t, clock.Now), clock)
	ctx := t.Context()
	h.silent("first seen")
	c, err := h.Find(ctx, "shop")
	h.must(err)
	c.Settings.Sync = true
	h.must(h.db.Connections.Save(ctx, c))
	h.wait(48 * time.Hour)
	h.round()
	since := clock.Now()
	failed := func(times int, ran time.Time) {
		h.must(h.db.Connections.SetState(ctx, "shop", "sync", fmt.Sprintf(`{"succeeded":%q,"ran":%q,"failures":%d,"failure":"x","why":{"kind":"unreachable"}}`,
			since.Format(time.RFC3339), ran.Format(time.RFC3339), times)))
	}
	failed(9, since.Add(59*time.Minute))
	h.wait(59 * time.Minute)
	h.silent("for less than an hour")
	h.wait(10 * time.Minute)
	failed(1, clock.Now())
	h.silent("one try after a pause")
	failed(9, clock.Now())
	h.says(h.round(), "The synchronisation with Odoo fails since", "La synchronisation avec Odoo échoue")
	h.wait(time.Hour)
	h.silent("known")
	failed(0, clock.Now())
	h.wait(24 * time.Hour)
	h.says(h.round(), "No longer found: The synchronisation with Odoo fails", "N’y est plus")
}
