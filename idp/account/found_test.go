package account_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// The first owner: one link, one owner, no default account.
func TestFirstOwner(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx, from := t.Context(), idp.Origin{Address: "192.0.2.7"}
		token, until, err := h.Service.Founding().OwnerLink(ctx, idp.Origin{})
		must(t, err)
		if !until.Equal(h.clock.Now().Add(24 * time.Hour)) {
			t.Errorf("good until %s", until)
		}
		wantErr(t, h.Service.Founding().MayFound(ctx, "x"+token), idp.ErrExpired)
		good := account.New{Name: "Ada", Email: "ada@example.org", Password: oldPassword}
		for _, bad := range []account.New{{Name: "Ada", Password: oldPassword}, {Email: "ada@example.org"}, {Email: "ada@example.org", Password: "short"}} {
			_, err := h.Service.Founding().Found(ctx, from, token, bad)
			wantErr(t, err, idp.ErrInvalid)
		}
		// Of many at once one wins; the others make nobody.
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				in := good
				in.Email = string(rune('a'+i)) + "@example.org"
				_, err := h.Service.Founding().Found(ctx, from, token, in)
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, idp.ErrSpent) && !errors.Is(err, idp.ErrExpired):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		all, err := h.Service.Users.List(ctx, idp.UserQuery{})
		if err != nil || won.Load() != 1 || len(all) != 1 || all[0].Role != idp.Owner || all[0].Kind != idp.Internal || all[0].EmailVerified {
			t.Fatalf("%d won, %+v, %v", won.Load(), all, err)
		}
		// D-07: who it is that owns the house now, and that a link was made.
		if e := h.event(t, "owner.found"); e.Actor != all[0].ID || e.User != all[0].ID || e.Origin.Address != from.Address {
			t.Errorf("%+v", e)
		}
		if e := h.event(t, "owner.offer"); e.Result != "ok" || e.Actor != "" {
			t.Errorf("%+v", e)
		}
		wantErr(t, h.Service.Founding().MayFound(ctx, token), idp.ErrExpired)
		_, _, err = h.Service.Founding().OwnerLink(ctx, idp.Origin{})
		wantErr(t, err, idp.ErrTaken)
	})
}

// D-05: the last owner stays, whoever tries and however many at once; the
// command line is the way out.
func TestLastOwner(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		role := func(r idp.Role) func(*account.New) { return func(in *account.New) { in.Role, in.TOTPSecret = r, "" } }
		ada := h.add(t, role(idp.Owner))
		eve := h.add(t, func(in *account.New) { role(idp.Owner)(in); in.Login, in.Email = "eve", "eve@example.org" })
		by := func(u idp.User) idp.Actor { return idp.Actor{User: u.ID, Role: u.Role} }
		none := idp.Role("")
		// Each puts the other out at the same moment.
		var wg sync.WaitGroup
		var failed atomic.Int32
		for _, pair := range [][2]idp.User{{ada, eve}, {eve, ada}} {
			wg.Go(func() {
				_, err := h.Service.Update(ctx, by(pair[0]), pair[1].ID, account.Change{Role: &none})
				if errors.Is(err, idp.ErrLastOwner) {
					failed.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if failed.Load() != 1 {
			t.Fatalf("%d of two were refused", failed.Load())
		}
		last := h.user(t, ada.ID)
		if last.Role != idp.Owner {
			last = h.user(t, eve.ID)
		}
		wantErr(t, h.Service.Disable(ctx, by(last), last.ID), idp.ErrLastOwner)
		wantErr(t, h.Service.Remove(ctx, by(last), last.ID), idp.ErrLastOwner)
		if u := h.user(t, last.ID); u.Disabled || u.Role != idp.Owner {
			t.Errorf("%+v", u)
		}
		must(t, h.Service.Disable(ctx, host, last.ID)) // break-glass
		_, _, err := h.Service.Founding().OwnerLink(ctx, idp.Origin{})
		must(t, err)
	})
}

// D-01, D-02: what each role may do to each other one, through the use cases.
func TestRolesAndPeople(t *testing.T) {
	eachHouse(t, func(t *testing.T, h house) {
		ctx := t.Context()
		roles := []idp.Role{"", idp.HelpDesk, idp.Auditor, idp.Admin, idp.Owner}
		people := map[idp.Role]idp.User{}
		for _, r := range roles {
			people[r] = h.add(t, func(in *account.New) {
				in.Login, in.Email, in.Role, in.TOTPSecret = "the-"+string(r)+"-one", "x"+string(r)+"@example.org", r, ""
			})
		}
		name := "Another"
		for i, mine := range roles {
			by := idp.Actor{User: people[mine].ID, Role: mine}
			for j, theirs := range roles {
				u := people[theirs]
				allowed := func(what string, want bool, err error) {
					t.Helper()
					if want != !errors.Is(err, idp.ErrDenied) {
						t.Errorf("%q does %s to %q: %v", mine, what, theirs, err)
					}
				}
				edits, helps := mine.Holds(idp.EditPeople) && j <= i, mine.Holds(idp.HelpPeople) && j <= i
				_, err := h.Service.Update(ctx, by, u.ID, account.Change{Name: &name})
				allowed("update", edits, err)
				allowed("unlock", helps, h.Service.Unlock(ctx, by, u.ID))
				allowed("join", edits, h.Service.Memberships().Join(ctx, by, "club", u.ID))
				allowed("leave", edits, h.Service.Memberships().Leave(ctx, by, "club", u.ID))
				allowed("set password", false, h.Service.SetPassword(ctx, by, u.ID, newPassword))
				_, err = h.Codes().Give(ctx, by, u.ID, account.Temporary{Reason: "lost"})
				allowed("temporary code", helps, err)
				_, err = h.Service.Add(ctx, by, account.New{Login: string(mine) + "makes" + string(theirs), Role: theirs})
				allowed("add", edits, err)
				_, err = h.Service.Update(ctx, by, people[""].ID, account.Change{Role: &theirs})
				allowed("grant", edits && mine.Holds(idp.GrantRoles), err)
				_, err = h.Service.Update(ctx, host, people[""].ID, account.Change{Role: new(idp.Role)})
				must(t, err)
			}
		}
		denied := 0
		must(t, h.db.Log.Events(ctx, idp.EventQuery{}, func(e idp.Event) error {
			if e.Result == "denied" && e.Actor != "" {
				denied++
			}
			return nil
		}))
		if denied < 50 { // D-07
			t.Errorf("%d refusals are in the log", denied)
		}
	})
}
