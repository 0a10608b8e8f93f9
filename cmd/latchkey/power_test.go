package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/power"
	"latchkey/idp/settings"
)

// D-07: whichever use case writes an event, it goes through the log that tells
// owners, and the mail waits in the outbox.
func TestOwnersAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ctx := t.Context()
	for _, id := range []string{"olga", "oscar"} {
		u := idp.User{ID: idp.UserID(id), Login: id, Name: id, Email: id + "@example.org", EmailVerified: true, Kind: idp.Internal, Role: idp.Owner}
		if err := w.db.Users.Add(ctx, u, []idp.Identifier{{Canonical: id, Skeleton: id}}); err != nil {
			t.Fatal(err)
		}
	}
	olga := idp.Actor{User: "olga", Role: idp.Owner}
	keys, err := w.protocol.custodian().List(ctx, host)
	if err != nil || len(keys) == 0 {
		t.Fatalf("%v, %v", keys, err)
	}
	for kind, do := range map[power.Kind]func() error{
		power.Role: func() error {
			_, err := w.people.accounts.Add(ctx, olga, account.New{Email: "new@example.org", Name: "New", Kind: idp.Internal, Role: idp.Admin})
			return err
		},
		power.Guard: func() error {
			if err := w.choices.settings.Change(ctx, olga, 0, settings.House{SecondApprover: true}); err != nil {
				return err
			}
			return w.choices.settings.Change(ctx, olga, 1, settings.House{})
		},
		power.Keys: func() error { return w.protocol.custodian().Revoke(ctx, olga, keys[0].ID) },
		power.Program: func() error {
			_, err := w.protocol.registrar().Add(ctx, olga, oidc.Input{ID: "erp", Name: "ERP", Type: oidc.Service, Scopes: []string{string(idp.EditPeople)}})
			return err
		},
		power.Host: func() error { return w.people.accounts.SetPassword(ctx, host, "olga", "correct horse battery staple") },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		all, err := w.db.Outbox().Claim(ctx, 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, m := range all {
			if m.To == "oscar@example.org" && strings.Contains(m.Text, w.url+"/admin/audit?what=") {
				told++
			}
			if err := w.db.Outbox().Done(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if told != 1 {
			t.Errorf("%s: oscar has %d mails of %d", kind, told, len(all))
		}
	}
}
