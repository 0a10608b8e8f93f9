package settings_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/idp/store"
)

// D-01, D-02, D-07: who may change it, that it is off before, and what is in the
// log. While people make accounts by it, and for their groups, it takes the right
// to make people.
func TestRegistration(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *settings.Service) {
		ctx := t.Context()
		s.Fed = func(_ context.Context, group string) (string, bool, error) { return "shop", group == "Odoo", nil }
		is, err := s.Registration(ctx)
		if err != nil || is.For("") || is.Admits("ada@example.org") {
			t.Errorf("%+v, %v", is, err)
		}
		_, _, err = s.ReadRegistration(ctx, helper)
		wantErr(t, err, idp.ErrDenied)
		wantErr(t, s.ChangeRegistration(ctx, auditor, 0, settings.Registration{}), idp.ErrDenied)
		wrong := settings.Registration{
			Allowed: []string{"nodots"}, Refused: []string{"a b.org"}, Groups: []string{"Odoo"}, Terms: "http://example.org", Privacy: "https://a:b@example.org",
		}
		err = s.ChangeRegistration(ctx, admin, 0, wrong)
		wantErr(t, err, idp.ErrInvalid)
		if got := slices.Sorted(slices.Values(settings.RegistrationFields(err))); !slices.Equal(got, []string{"allowed", "groups", "privacy", "refused", "terms"}) {
			t.Errorf("%q: %v", got, err)
		}
		next := settings.Registration{
			Open: true, Allowed: []string{" Example.ORG ", "xn--bcher-kva.example", ""}, Groups: []string{"Customers ", "Customers"}, Clients: []idp.ClientID{"shop"}, Terms: "https://example.org/terms ",
		}
		service := idp.Actor{User: "a", Role: idp.Admin, Scopes: []idp.Right{idp.SeeHouse, idp.EditHouse}}
		wantErr(t, s.ChangeRegistration(ctx, service, 0, next), idp.ErrDenied)
		if err := s.ChangeRegistration(ctx, admin, 0, next); err != nil {
			t.Fatal(err)
		}
		got, version, err := s.ReadRegistration(ctx, auditor)
		want := settings.Registration{
			Open: true, Allowed: []string{"example.org", "xn--bcher-kva.example"}, Groups: []string{"Customers"}, Clients: []idp.ClientID{"shop"}, Terms: "https://example.org/terms",
		}
		if err != nil || version != 1 || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %d, %v", got, version, err)
		}
		wantErr(t, s.ChangeRegistration(ctx, admin, 0, settings.Registration{}), idp.ErrSpent)
		var es []idp.Event
		if err := db.Log.Events(ctx, idp.EventQuery{What: []string{"registration.change"}}, func(e idp.Event) error { es = append(es, e); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(es) != 1 || es[0].Actor != "a" || es[0].Detail["registration.after"] != "open" || es[0].Detail["groups.after"] != "Customers" {
			t.Errorf("%+v", es)
		}
		next.Groups = want.Groups
		wantErr(t, s.ChangeRegistration(ctx, service, 1, next), idp.ErrDenied) // the same groups, and yet who gets into them
		wantErr(t, s.ChangeRegistration(ctx, service, 1, settings.Registration{Groups: want.Groups}), idp.ErrDenied)
		if err := s.ChangeRegistration(ctx, admin, 1, settings.Registration{Groups: want.Groups}); err != nil {
			t.Fatal(err)
		}
		wantErr(t, s.ChangeRegistration(ctx, service, 2, next), idp.ErrDenied)
		if err := s.ChangeRegistration(ctx, service, 2, settings.Registration{Groups: want.Groups, Terms: want.Terms}); err != nil {
			t.Error(err) // it is off and stays so
		}
	})
}

func TestRegistrationAdmits(t *testing.T) {
	r := settings.Registration{Open: true, Allowed: []string{"example.org", "xn--bcher-kva.example"}, Refused: []string{"bad.example.org"}, Clients: []idp.ClientID{"shop"}}
	for address, want := range map[string]bool{
		"ada@example.org": true, "Ada@EXAMPLE.org": true, "ada@mail.example.org": true, "ada@xn--bcher-kva.example": true, "ada@bücher.example": false,
		"ada@badexample.org": false, "ada@example.org.evil.net": false, "ada@bad.example.org": false, "ada@very.bad.example.org": false, "example.org": false, "": false,
	} {
		if r.Admits(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
	if r.For("") || r.For("wiki") || !r.For("shop") {
		t.Error("offered to the wrong applications")
	}
	some := settings.Registration{Open: true, Refused: []string{"xn--bcher-kva.example"}}
	all := settings.Registration{Open: true}
	for _, address := range []string{"ada@bücher.example", "ada@straße.example", "ada@ﬁrma.example", "ada@example", "ada@[192.0.2.1]", "ada%x@example.org"} {
		if some.Admits(address) || all.Admits(address) {
			t.Errorf("%s: a list, or its owner, is got around by other letters", address)
		}
	}
	if !some.Admits("ada@example.org") || !all.Admits("jürgen+shop@example.org") {
		t.Error("refused without need")
	}
	r.Open, r.Clients = false, nil
	if r.For("") || r.Admits("ada@example.org") {
		t.Error("offered though it is off")
	}
}
