package account_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/temporary"
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
		got, err := db.Users.ByIdentifier(ctx, "ada.king@example.org")
		if err != nil || got.ID != ada.ID || got.Login != "ada.king@example.org" || got.EmailVerified || !got.PhoneVerified || got.Name != "Ada" || len(got.Groups) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.Users.ByIdentifier(ctx, "ada@example.org"); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("the old address still finds somebody: %v", err)
		}
		if got, err = s.Update(ctx, host, eve.ID, account.Change{Email: &ada.Email, Verified: &yes}); err != nil || !got.EmailVerified {
			t.Errorf("the freed address: %+v, %v", got, err)
		}
		var fields []string
		err = db.Log.Events(ctx, idp.EventQuery{}, func(e idp.Event) error {
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

// D-04, D-05: a role or a proof that is taken away while somebody edits the
// person stays away.
func TestUpdateBringsNothingBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := service(t, db), t.Context()
		u, err := s.Add(ctx, host, account.New{Email: "ada@example.org", Phone: "+33612345678", Verified: true, Role: idp.Admin})
		must(t, err)
		other, name, none, no := service(t, db), "Ada King", idp.Role(""), false
		for what, take := range map[string]func() error{
			"role":  func() error { _, err := other.Update(ctx, host, u.ID, account.Change{Role: &none}); return err },
			"email": func() error { _, err := other.Update(ctx, host, u.ID, account.Change{ProvenEmail: &no}); return err },
			"phone": func() error { return db.Users.ForgetPhone(ctx, u.ID, "") },
		} {
			// Before the transaction: what it reads is old by then.
			s.Atomic = func(ctx context.Context, f func(context.Context) error) error {
				must(t, take())
				return db.Atomic(ctx, f)
			}
			if _, err := s.Update(ctx, host, u.ID, account.Change{Name: &name}); !errors.Is(err, idp.ErrSpent) {
				t.Errorf("%s: %v", what, err)
			}
		}
		got, err := db.Users.ByID(ctx, u.ID)
		if err != nil || got.Role != "" || got.EmailVerified || got.PhoneVerified || got.Name == name {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// D-02: what was given to somebody opens nothing any more when they get a role;
// a change of the name leaves it.
func TestRisenRoleVoids(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, name, role := t.Context(), "Ada King", idp.Admin
		u := h.add(t, nil)
		given := map[idp.Purpose]string{}
		for _, p := range []idp.Purpose{idp.LinkInvite, idp.LinkEnrol, idp.LinkRecover} {
			l, token := idp.NewLink(p, u, h.clock.Now(), time.Minute)
			must(t, h.Service.Links.Put(ctx, l))
			given[p] = token
		}
		_, err := h.Codes().Give(ctx, host, u.ID, account.Temporary{Reason: "phone lost"})
		must(t, err)
		check := func(good bool) {
			t.Helper()
			for p, token := range given {
				if _, _, err := h.Service.Links.Get(ctx, p, idp.HashLink(token)); (err == nil) != good {
					t.Errorf("%s: %v", p, err)
				}
			}
			if slices.Contains(h.user(t, u.ID).Factors, temporary.Kind) != good {
				t.Errorf("temporary code: %v", h.user(t, u.ID).Factors)
			}
		}
		_, err = h.Service.Update(ctx, host, u.ID, account.Change{Name: &name})
		must(t, err)
		check(true)
		_, err = h.Service.Update(ctx, host, u.ID, account.Change{Role: &role})
		must(t, err)
		check(false)
	})
}

// D-07: the log says what a new person may do, and has no name or address of
// theirs.
func TestAddLeavesNoNames(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		h.add(t, func(in *account.New) { in.Role, in.Groups = idp.Auditor, []string{"b", "a"} })
		d := h.event(t, "user.add").Detail
		if d["role"] != "auditor" || d["groups"] != "a|b" || d["kind"] != "internal" || d["email_verified"] != "true" || d["password"] != "yes" {
			t.Errorf("%v", d)
		}
		for k, v := range d {
			if k == "login" || strings.Contains(v, "ada") {
				t.Errorf("%s: %s", k, v)
			}
		}
	})
}
