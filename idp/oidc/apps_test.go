package oidc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// P-32, D-02: people see the applications that are theirs, with what they did
// and allowed there, and take back what is theirs to take back.
func TestApps(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ada := idp.User{ID: "ada", Login: "ada", Kind: idp.Internal, Groups: []string{"staff"}}
		must(db.Users.Add(ctx, ada, nil))
		must(db.Users.Add(ctx, idp.User{ID: "bob", Login: "bob"}, nil))
		for _, c := range []oidc.Client{
			{ID: "wiki", Name: "wiki", Type: oidc.SPA, RedirectURIs: []string{"app:/cb", "https://wiki.example.org:8443/cb?x=1"}},
			{ID: "odoo", Name: "Atelier", Type: oidc.Odoo, RedirectURIs: []string{"https://odoo.example.org/auth_oauth/signin"}, Groups: []string{"staff"}},
			{ID: "boss", Type: oidc.Web, RedirectURIs: []string{"https://boss.example.org/cb"}, Groups: []string{"bosses"}},
			{ID: "gone", Name: "Gone", Type: oidc.Web, RedirectURIs: []string{"https://gone.example.org/cb"}, Disabled: true},
		} {
			must(db.Clients.Add(ctx, c))
		}
		for i, e := range []idp.Event{
			{What: "signin", User: "ada", Client: "odoo", Result: "ok"}, {What: "token.issue", User: "ada", Client: "odoo", Result: "ok"},
			{What: "signin", User: "ada", Client: "wiki", Result: "wrong"}, {What: "signin", User: "bob", Client: "wiki", Result: "ok"},
			{What: "consent", User: "ada", Client: "boss", Result: "ok"}, {What: "signin", User: "ada", Result: "ok"},
		} {
			clock.Pass(time.Minute)
			e.ID, e.At = strings.Repeat("x", i+1), clock.Now()
			must(db.Log.Append(ctx, e))
		}
		last := clock.Now().Add(-4 * time.Minute)
		must(db.Consents.Give(ctx, "ada", "gone", []string{"openid", "email"}, clock.Now()))
		must(db.Consents.Give(ctx, "bob", "wiki", []string{"openid"}, clock.Now()))
		for _, g := range []oidc.Grant{
			{Kind: oidc.KindRefresh, Signature: "hers", User: "ada", Client: "gone"}, {Kind: oidc.KindRefresh, Signature: "others", User: "ada", Client: "wiki"},
			{Kind: oidc.KindRefresh, Signature: "his", User: "bob", Client: "gone"},
		} {
			g.Expires = clock.Now().Add(time.Hour)
			must(db.Grants.Put(ctx, g))
		}
		apps := &oidc.Apps{
			Clients: db.Clients, Consents: db.Consents, Uses: db.Uses, Grants: db.Grants, Log: db.Log, Atomic: db.Atomic, Now: clock.Now,
		}
		all, err := apps.Of(ctx, ada)
		must(err)
		var got []string
		for _, a := range all {
			got = append(got, string(a.Client.ID)+" "+a.Address)
		}
		if s := strings.Join(got, ", "); s != "odoo https://odoo.example.org/web/login, gone https://gone.example.org/, wiki https://wiki.example.org:8443/" {
			t.Errorf("%s", s)
		}
		if a := all[0]; !a.Open || !a.Used.Equal(last) || a.Consent != nil {
			t.Errorf("odoo: %+v", a)
		}
		if a := all[1]; a.Open || !a.Used.IsZero() || a.Consent == nil || len(a.Consent.Scopes) != 2 || !a.Consent.At.Equal(clock.Now()) {
			t.Errorf("gone: %+v", a)
		}
		if a := all[2]; !a.Open || !a.Used.IsZero() || a.Consent != nil {
			t.Errorf("wiki: %+v", a)
		}
		for _, id := range []oidc.ClientID{"boss", "gone", "nothing"} {
			if _, err := apps.Door(ctx, ada, id); !errors.Is(err, idp.ErrNotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
		for _, by := range []idp.Actor{{}, {User: "ada"}, {Host: true}} {
			if err := apps.Withdraw(ctx, by, "gone"); !errors.Is(err, idp.ErrDenied) {
				t.Errorf("%+v: %v", by, err)
			}
		}
		by := idp.Actor{User: "ada", Session: "s"}
		if err := apps.Withdraw(ctx, by, "wiki"); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("what was never allowed: %v", err)
		}
		must(apps.Withdraw(ctx, by, "gone"))
		for sig, spent := range map[string]bool{"hers": true, "others": false, "his": false} {
			if g, _, err := db.Grants.Get(ctx, oidc.KindRefresh, sig); err != nil || g.Spent != spent {
				t.Errorf("%s: %+v, %v", sig, g, err)
			}
		}
		if left, err := db.Consents.All(ctx, "bob"); err != nil || len(left) != 1 {
			t.Errorf("%v, %v", left, err)
		}
	})
}

// OpenID Connect Core 1.0 §4: a sign-in begins where the application says. What
// registered itself is put before nobody who has nothing to do with it.
func TestAppsOfStrangers(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	apps := &oidc.Apps{Clients: db.Clients, Consents: db.Consents, Uses: db.Uses, Now: clock.Now, Issuer: "https://id.example.org"}
	for id, self := range map[oidc.ClientID]*oidc.Self{"ours": nil, "stranger": {}, "allowed": {}} {
		c := oidc.Client{ID: id, Type: oidc.Web, RedirectURIs: []string{"https://rp.example.org/cb"}, Details: oidc.Details{InitiateURI: "https://rp.example.org/start?a=b", Self: self}}
		if err := db.Clients.Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Users.Add(t.Context(), idp.User{ID: "ada", Login: "ada"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Consents.Give(t.Context(), "ada", "allowed", []string{"openid"}, clock.Now()); err != nil {
		t.Fatal(err)
	}
	all, err := apps.Of(t.Context(), idp.User{ID: "ada"})
	if err != nil || len(all) != 2 || all[0].Client.ID != "allowed" || all[1].Client.ID != "ours" {
		t.Fatalf("%+v, %v", all, err)
	}
	if want := "https://rp.example.org/start?a=b&iss=https%3A%2F%2Fid.example.org"; all[1].Address != want {
		t.Errorf("%s, want %s", all[1].Address, want)
	}
	// P-32: our address, and our mails, lead nobody to where a stranger wants them.
	door := func(who idp.UserID, id oidc.ClientID, want error) {
		t.Helper()
		if app, err := apps.Door(t.Context(), idp.User{ID: who}, id); !errors.Is(err, want) || err == nil && app.Address == "" {
			t.Errorf("%s at %s: %+v, %v", who, id, app, err)
		}
	}
	door("ada", "ours", nil)
	door("ada", "allowed", nil)
	door("bob", "allowed", idp.ErrNotFound)
	door("ada", "stranger", idp.ErrNotFound)
	// Whoever signed in on the way there may have said no on the next page.
	if err := db.Log.Append(t.Context(), idp.Event{ID: "e", At: clock.Now(), What: "signin", User: "ada", Client: "stranger", Result: "ok"}); err != nil {
		t.Fatal(err)
	}
	door("ada", "stranger", idp.ErrNotFound)
	if all, err = apps.Of(t.Context(), idp.User{ID: "ada"}); err != nil || len(all) != 3 || all[2].Client.ID != "stranger" || all[2].Address != "" || all[0].Address == "" {
		t.Errorf("%+v, %v", all, err)
	}
}
