package account_test

import (
	"context"
	"errors"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
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
		"add": add(), "join": s.Join(ctx, admin, "fed", u.ID), "leave": s.Leave(ctx, admin, "fed", u.ID), "remove": s.RemoveGroup(ctx, admin, "fed"),
	} {
		if !errors.Is(err, account.ErrFed) || !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"another": s.Join(ctx, admin, "other", u.ID), "the synchronisation": s.Leave(ctx, host, "fed", u.ID),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
