package apitoken_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

type house struct {
	*apitoken.Service
	db    *store.DB
	clock *storetest.Clock
}

func each(t *testing.T, f func(t *testing.T, h house)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		f(t, house{&apitoken.Service{Tokens: db.APITokens, Users: db.Users, Log: db.Log, Atomic: db.Atomic, Now: clock.Now}, db, clock})
	})
}

func (h house) user(t *testing.T, name string, role idp.Role) (idp.User, idp.Actor) {
	t.Helper()
	u := idp.User{ID: idp.UserID(name), Login: name, Name: name, Kind: idp.Internal, Role: role, Created: h.clock.Now(), Updated: h.clock.Now()}
	id, err := idp.Identify(name)
	if err == nil {
		err = h.db.Users.Add(t.Context(), u, []idp.Identifier{id})
	}
	if err != nil {
		t.Fatal(err)
	}
	return u, idp.Actor{User: u.ID, Role: role}
}

var from = idp.Origin{Address: "192.0.2.1", Agent: "curl/8"}

// D-06: a token is shown once, is found by scanners, and is stored as a hash.
func TestMake(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		_, ada := h.user(t, "ada", idp.Admin)
		tok, secret, err := h.Make(t.Context(), ada, apitoken.New{Name: " reports ", Scopes: []idp.Right{idp.SeePeople, idp.SeeAudit, idp.SeePeople}})
		if err != nil || tok.Name != "reports" || !slices.Equal(tok.Scopes, []idp.Right{idp.SeeAudit, idp.SeePeople}) || !tok.Expires.Equal(h.clock.Now().Add(90*24*time.Hour)) {
			t.Fatal(tok, err)
		}
		if !regexp.MustCompile(`^lka_[A-Z2-7]{52}[0-9a-f]{8}$`).MatchString(secret) || !apitoken.WellFormed(secret) {
			t.Error(secret)
		}
		got, by, err := h.Bearer(t.Context(), secret, from)
		if err != nil || got.ID != tok.ID || by.User != "ada" || by.Role != idp.Admin || !slices.Equal(by.Scopes, tok.Scopes) || by.Origin.Agent != "token "+tok.ID+"; curl/8" {
			t.Errorf("%+v %+v %v", got, by, err)
		}
		if by.May(idp.SeeAudit) != nil || by.May(idp.EditPeople) == nil {
			t.Error("it does not reach as far as its scopes")
		}
		other := "0"
		if strings.HasSuffix(secret, other) {
			other = "1"
		}
		for _, bad := range []string{"", "lka_", secret[:len(secret)-1] + other, "lka_" + strings.Repeat("A", 60), strings.ToLower(secret)} {
			if _, _, err := h.Bearer(t.Context(), bad, from); !errors.Is(err, idp.ErrNotFound) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		_ = h.db.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
			for _, v := range e.Detail {
				if strings.Contains(v, secret[10:20]) {
					t.Error("the log has the token")
				}
			}
			return nil
		})
	})
}

// D-02: nobody gives a token what they have not got, and a token makes none.
func TestWhoMakesWhat(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		_, ada := h.user(t, "ada", idp.Admin)
		_, eve := h.user(t, "eve", idp.Auditor)
		own, ben := h.user(t, "ben", idp.HelpDesk)
		limited := ada
		limited.Scopes = []idp.Right{idp.MakeTokens, idp.SeePeople}
		see := []idp.Right{idp.SeePeople}
		for name, c := range map[string]struct {
			by   idp.Actor
			in   apitoken.New
			want error
		}{
			"auditor":       {eve, apitoken.New{Name: "x", Scopes: see}, idp.ErrDenied},
			"help desk":     {ben, apitoken.New{Name: "x", Scopes: see}, idp.ErrDenied},
			"another's":     {ada, apitoken.New{Name: "x", Owner: "eve", Scopes: see}, idp.ErrDenied},
			"by a token":    {limited, apitoken.New{Name: "x", Scopes: see}, apitoken.ErrFromToken},
			"beyond a role": {idp.Actor{Host: true}, apitoken.New{Name: "x", Owner: own.ID, Scopes: []idp.Right{idp.EditPeople}}, idp.ErrInvalid},
			"no name":       {ada, apitoken.New{Scopes: see}, idp.ErrInvalid},
			"no scope":      {ada, apitoken.New{Name: "x"}, idp.ErrInvalid},
			"no such right": {ada, apitoken.New{Name: "x", Scopes: []idp.Right{"all"}}, idp.ErrInvalid},
			"too long":      {ada, apitoken.New{Name: "x", Scopes: see, Life: 366 * 24 * time.Hour}, idp.ErrInvalid},
			"nobody's":      {idp.Actor{Host: true}, apitoken.New{Name: "x", Owner: "nobody", Scopes: see}, idp.ErrNotFound},
		} {
			if _, _, err := h.Make(t.Context(), c.by, c.in); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := h.Make(t.Context(), idp.Actor{Host: true}, apitoken.New{Name: "x", Owner: own.ID, Scopes: []idp.Right{idp.HelpPeople}}); err != nil {
			t.Error(err)
		}
	})
}

// D-04, D-13: what ends a token ends it at once.
func TestEnd(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		owner, root := h.user(t, "root", idp.Owner)
		u, ada := h.user(t, "ada", idp.Admin)
		see := apitoken.New{Name: "x", Scopes: []idp.Right{idp.SeePeople}}
		hers, secret, err := h.Make(t.Context(), ada, see)
		if err != nil {
			t.Fatal(err)
		}
		his, _, err := h.Make(t.Context(), root, see)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := h.List(t.Context(), ada); err != nil || len(all) != 1 || all[0].ID != hers.ID {
			t.Errorf("%v %v", all, err) // an owner's are not hers to see
		}
		if all, err := h.List(t.Context(), root); err != nil || len(all) != 2 {
			t.Errorf("%v %v", all, err)
		}
		if err := h.Revoke(t.Context(), ada, his.ID); !errors.Is(err, idp.ErrDenied) {
			t.Error(err)
		}
		if _, err := h.Get(t.Context(), ada, his.ID); !errors.Is(err, idp.ErrDenied) {
			t.Error(err)
		}
		good := func(want bool) {
			t.Helper()
			if _, _, err := h.Bearer(t.Context(), secret, from); (err == nil) != want || err != nil && !errors.Is(err, idp.ErrNotFound) {
				t.Error(err)
			}
		}
		state := func(want apitoken.State) {
			t.Helper()
			if g, err := h.Get(t.Context(), root, hers.ID); err != nil || g.State(h.clock.Now()) != want {
				t.Errorf("%v %v", g.State(h.clock.Now()), err)
			}
		}
		good(true)
		state(apitoken.Live)
		if err := h.db.Users.SetDisabled(t.Context(), u.ID, true); err != nil {
			t.Fatal(err)
		}
		good(false)
		if err := h.db.Users.SetDisabled(t.Context(), u.ID, false); err != nil {
			t.Fatal(err)
		}
		good(false) // what died stays dead
		state(apitoken.Void)
		ada = idp.Actor{User: u.ID, Role: idp.Admin}
		if hers, secret, err = h.Make(t.Context(), ada, see); err != nil {
			t.Fatal(err)
		}
		good(true)
		h.clock.Pass(90*24*time.Hour - time.Millisecond)
		good(true)
		h.clock.Pass(time.Millisecond)
		good(false)
		state(apitoken.Expired)
		if err := h.Revoke(t.Context(), root, hers.ID); err != nil {
			t.Error(err)
		}
		state(apitoken.Revoked)
		if err := h.Revoke(t.Context(), root, hers.ID); !errors.Is(err, idp.ErrSpent) {
			t.Error(err)
		}
		// Who is removed takes theirs along.
		if err := h.db.Users.Remove(t.Context(), owner.ID); err != nil {
			t.Fatal(err)
		}
		if all, err := h.List(t.Context(), idp.Actor{Host: true}); err != nil || len(all) != 2 {
			t.Errorf("%v %v", all, err)
		}
	})
}

// The last use is noted once a minute at most: each costs a write.
func TestUsed(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		_, ada := h.user(t, "ada", idp.Admin)
		_, secret, err := h.Make(t.Context(), ada, apitoken.New{Name: "x", Scopes: []idp.Right{idp.SeePeople}})
		if err != nil {
			t.Fatal(err)
		}
		use := func() (trips int64) {
			t.Helper()
			before, _ := h.db.Trips()
			if _, _, err := h.Bearer(t.Context(), secret, from); err != nil {
				t.Fatal(err)
			}
			after, _ := h.db.Trips()
			return after - before
		}
		first := h.clock.Now().Truncate(time.Millisecond)
		use()
		h.clock.Pass(59 * time.Second)
		if n := use(); n != 1 {
			t.Errorf("%d round trips", n)
		}
		if all, err := h.List(t.Context(), ada); err != nil || !all[0].Used.Equal(first) {
			t.Errorf("%v, %v", all, err)
		}
		h.clock.Pass(time.Second)
		use()
		if all, err := h.List(t.Context(), ada); err != nil || !all[0].Used.Equal(first.Add(time.Minute)) {
			t.Errorf("%v, %v", all, err)
		}
	})
}
