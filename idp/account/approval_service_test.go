package account_test

import (
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
)

// M-10: a service neither asks nor allows: who registered it would be both
// administrators.
func TestServiceIsNoSecond(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		a := &account.Approvals{Help: h.Help, Store: h.db.Approvals}
		admin, err := h.Service.Add(ctx, host, account.New{Login: "admin", Role: idp.Admin})
		must(t, err)
		u := h.add(t, nil)
		service := idp.Actor{User: idp.ServiceUser("hr"), Role: idp.Admin, Scopes: []idp.Right{idp.HelpPeople}}
		_, err = a.Ask(ctx, service, u.ID, account.Temporary{Reason: "phone lost"})
		wantErr(t, err, account.ErrService)
		r, err := a.Ask(ctx, idp.Actor{User: admin.ID, Role: idp.Admin}, u.ID, account.Temporary{Reason: "phone lost"})
		must(t, err)
		wantErr(t, a.Allow(ctx, service, r.ID), account.ErrService)
		if now, err := a.Store.ByID(ctx, r.ID); err != nil || !now.Waits() {
			t.Errorf("%+v %v", now, err)
		}
	})
}

// M-10, D-03: a token asks and refuses, but it is nobody's second word: whoever
// asked may hold it.
func TestTokenIsNoSecond(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		a := &account.Approvals{Help: h.Help, Store: h.db.Approvals}
		admin, err := h.Service.Add(ctx, host, account.New{Login: "admin", Role: idp.Admin})
		must(t, err)
		owner, err := h.Service.Add(ctx, host, account.New{Login: "owner", Role: idp.Owner})
		must(t, err)
		u := h.add(t, nil)
		by := func(who idp.User, scopes ...idp.Right) idp.Actor {
			return idp.Actor{User: who.ID, Role: who.Role, Scopes: scopes}
		}
		r, err := a.Ask(ctx, by(admin, idp.HelpPeople), u.ID, account.Temporary{Reason: "phone lost"})
		must(t, err)
		wantErr(t, a.Allow(ctx, by(owner, idp.HelpPeople), r.ID), idp.ErrMore)
		if now, err := a.Store.ByID(ctx, r.ID); err != nil || !now.Waits() {
			t.Errorf("%+v %v", now, err)
		}
		must(t, a.Allow(ctx, by(owner), r.ID))
		_, _, err = a.Take(ctx, by(admin, idp.HelpPeople), r.ID)
		must(t, err)
		r, err = a.Ask(ctx, by(admin, idp.HelpPeople), u.ID, account.Temporary{Reason: "again"})
		must(t, err)
		must(t, a.Refuse(ctx, by(owner, idp.HelpPeople), r.ID))
	})
}
