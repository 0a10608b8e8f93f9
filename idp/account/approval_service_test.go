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
		a := &account.Approvals{Help: h.Help, Store: h.db.Approvals()}
		admin, err := h.Add(ctx, host, account.New{Login: "admin", Role: idp.Admin})
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
