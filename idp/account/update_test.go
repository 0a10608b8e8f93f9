package account_test

import (
	"errors"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// a change claims new names and frees old ones; a new address is nobody's
// word yet. D-05: the log has the names of the fields.
func TestUpdate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := service(t, db), t.Context()
		add := func(in account.New) idp.User {
			t.Helper()
			u, err := s.Add(ctx, host, in)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		ada := add(account.New{Email: "ada@example.org", Name: "Ada", Phone: "+33612345678", Verified: true, Groups: []string{"staff"}})
		eve := add(account.New{Email: "eve@example.org", Verified: true})
		email, yes := "Ada.King@example.org", true
		if _, err := s.Update(ctx, idp.Actor{User: ada.ID}, ada.ID, account.Change{Email: &email}); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("somebody else's change: %v", err)
		}
		if _, err := s.Update(ctx, host, ada.ID, account.Change{}); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("a change of nothing: %v", err)
		}
		if _, err := s.Update(ctx, host, eve.ID, account.Change{Email: &ada.Email}); !errors.Is(err, idp.ErrTaken) {
			t.Errorf("somebody's e-mail: %v", err)
		}
		if _, err := s.Update(ctx, host, ada.ID, account.Change{Email: &email}); err != nil {
			t.Fatal(err)
		}
		got, err := db.Users().ByIdentifier(ctx, "ada.king@example.org")
		if err != nil || got.ID != ada.ID || got.Login != "ada.king@example.org" || got.EmailVerified || !got.PhoneVerified || got.Name != "Ada" || len(got.Groups) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.Users().ByIdentifier(ctx, "ada@example.org"); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("the old address still finds somebody: %v", err)
		}
		if got, err = s.Update(ctx, host, eve.ID, account.Change{Email: &ada.Email, Verified: &yes}); err != nil || !got.EmailVerified {
			t.Errorf("the freed address: %+v, %v", got, err)
		}
		var fields []string
		err = db.Log().Events(ctx, idp.EventQuery{}, func(e idp.Event) error {
			if e.What == "user.update" && e.Result == "ok" {
				fields = append(fields, e.Detail["fields"])
			}
			return nil
		})
		slices.Sort(fields) // one moment, so in no order
		if err != nil || len(fields) != 2 || fields[0] != "email" || fields[1] != "email verified" {
			t.Errorf("events %q, %v", fields, err)
		}
	})
}
