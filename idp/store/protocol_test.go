package store_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/policy"
)

func TestGrants(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, grants := t.Context(), db.Grants
		person(t, db, "ann")
		code := oidc.Grant{
			Kind: oidc.KindCode, Signature: "s", Family: "f", Client: "c", User: "ann", Session: "sid",
			Payload: []byte{0, 1, 0xff}, Expires: clock.Now().Add(time.Minute),
		}
		machine := oidc.Grant{Kind: oidc.KindAccess, Signature: "s", Client: "c", Payload: []byte("{}"), Expires: clock.Now().Add(time.Minute)}
		must(t, grants.Put(ctx, code, machine))
		wantErr(t, grants.Put(ctx, code), idp.ErrTaken)
		got, u, err := grants.Get(ctx, oidc.KindCode, "s")
		must(t, err)
		if !reflect.DeepEqual(got, code) || u.ID != "ann" {
			t.Errorf("%+v, %v", got, u.ID)
		}
		got, u, err = grants.Get(ctx, oidc.KindAccess, "s")
		must(t, err)
		if !reflect.DeepEqual(got, machine) || u.ID != "" {
			t.Errorf("%+v, %v", got, u.ID)
		}
		_, _, err = grants.Get(ctx, oidc.KindRefresh, "s")
		wantErr(t, err, idp.ErrNotFound)

		token := code
		token.Kind, token.Signature = oidc.KindAccess, "t"
		must(t, grants.Spend(ctx, oidc.KindCode, "s", token))
		// P-04: the second use is seen, gives nothing, and can still be told
		// from a code that never was.
		other := token
		other.Signature = "t2"
		wantErr(t, grants.Spend(ctx, oidc.KindCode, "s", other), idp.ErrSpent)
		_, _, err = grants.Get(ctx, oidc.KindAccess, "t2")
		wantErr(t, err, idp.ErrNotFound)
		if got, _, _ := grants.Get(ctx, oidc.KindCode, "s"); !got.Spent {
			t.Error("not marked as spent")
		}
		// Neither half of an exchange happens alone.
		fresh := code
		fresh.Signature = "s2"
		must(t, grants.Put(ctx, fresh))
		wantErr(t, grants.Spend(ctx, oidc.KindCode, "s2", token), idp.ErrTaken)
		if got, _, _ := grants.Get(ctx, oidc.KindCode, "s2"); got.Spent {
			t.Error("spent without its token")
		}
		clock.Pass(time.Minute)
		wantErr(t, grants.Spend(ctx, oidc.KindCode, "s2"), idp.ErrSpent)
		if got, _, err := grants.Get(ctx, oidc.KindCode, "s2"); err != nil || got.Spent {
			t.Errorf("what is over is returned as it is: %+v, %v", got, err)
		}
		must(t, grants.Delete(ctx, oidc.KindCode, "s2"))
		must(t, grants.Delete(ctx, oidc.KindCode, "s2"))
		_, _, err = grants.Get(ctx, oidc.KindCode, "s2")
		wantErr(t, err, idp.ErrNotFound)
	})
}

// P-09, S-05: a selection revokes what it names and nothing beside.
func TestRevoke(t *testing.T) {
	all := []oidc.Grant{
		{Kind: "access", Signature: "1", Family: "f1", Client: "c1", User: "ann", Session: "s1"},
		{Kind: "refresh", Signature: "2", Family: "f1", Client: "c1", User: "ann", Session: "s1"},
		{Kind: "access", Signature: "3", Family: "f2", Client: "c2", User: "ann", Session: "s2"},
		{Kind: "access", Signature: "4", Family: "f3", Client: "c1", User: "bob", Session: "s3"},
		{Kind: "access", Signature: "5", Client: "c3"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, grants := t.Context(), db.Grants
		for _, c := range []struct {
			s    oidc.Selection
			want []string
		}{
			{oidc.Selection{Family: "f1"}, []string{"1", "2"}},
			{oidc.Selection{User: "ann"}, []string{"1", "2", "3"}},
			{oidc.Selection{User: "ann", Client: "c2"}, []string{"3"}},
			{oidc.Selection{Session: "s3"}, []string{"4"}},
			{oidc.Selection{Client: "c1", Kinds: []string{"access", "code"}}, []string{"1", "4"}},
			{oidc.Selection{User: "x"}, nil},
		} {
			for _, g := range all {
				must(t, grants.Delete(ctx, g.Kind, g.Signature))
				g.Expires = time.Now().Add(time.Hour)
				must(t, grants.Put(ctx, g))
			}
			must(t, grants.Revoke(ctx, c.s))
			var got []string
			for _, g := range all {
				if now, _, err := grants.Get(ctx, g.Kind, g.Signature); err != nil || now.Spent {
					got = append(got, g.Signature)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%+v revoked %v, want %v", c.s, got, c.want)
			}
		}
		wantErr(t, grants.Revoke(ctx, oidc.Selection{}), idp.ErrInvalid)
		wantErr(t, grants.Revoke(ctx, oidc.Selection{Kinds: []string{"access"}}), idp.ErrInvalid) // everybody's
	})
}

func TestOdooTokens(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, odoo := t.Context(), db.OdooTokens
		g := oidc.Grant{Signature: "s", Family: "f", Client: "c", User: "ann", Session: "1", Payload: []byte("p"), Expires: clock.Now().Add(time.Hour)}
		soon := func() time.Time { return clock.Now().Add(time.Minute) }
		_, err := odoo.Fire(ctx, "s", "c")
		wantErr(t, err, idp.ErrSpent)
		must(t, odoo.Arm(ctx, g, 2, soon()))
		_, err = odoo.Fire(ctx, "s", "other client") // P-08: bound to its audience
		wantErr(t, err, idp.ErrSpent)
		g.Kind = oidc.KindOdoo
		for range 2 {
			got, err := odoo.Fire(ctx, "s", "c")
			must(t, err)
			if !reflect.DeepEqual(got, g) {
				t.Errorf("%+v, want %+v", got, g)
			}
		}
		_, err = odoo.Fire(ctx, "s", "c")
		wantErr(t, err, idp.ErrSpent)
		// The next sign-in arms the same token, with what it is now.
		g.Session, g.Payload = "2", []byte("q")
		must(t, odoo.Arm(ctx, g, 1, soon()))
		if got, err := odoo.Fire(ctx, "s", "c"); err != nil || !reflect.DeepEqual(got, g) {
			t.Errorf("%+v, %v", got, err)
		}
		must(t, odoo.Arm(ctx, g, 1, soon()))
		clock.Pass(time.Minute)
		_, err = odoo.Fire(ctx, "s", "c")
		wantErr(t, err, idp.ErrSpent) // no longer armed
		must(t, odoo.Arm(ctx, g, 1, soon()))
		must(t, db.Grants.Revoke(ctx, oidc.Selection{Session: "2"}))
		_, err = odoo.Fire(ctx, "s", "c")
		wantErr(t, err, idp.ErrSpent) // S-05
		must(t, db.Atomic(ctx, func(ctx context.Context) error {
			if _, err := odoo.Fire(ctx, "s", "c"); err == nil || errors.Is(err, idp.ErrSpent) {
				t.Error("fired inside Atomic:", err)
			}
			return odoo.Arm(ctx, g, 1, soon())
		}))
		_, err = odoo.Fire(ctx, "s", "c")
		must(t, err)
	})
}

// Arming does not wait for the disk, nor does what is written with it; nothing
// that follows on the connection is lazy.
func TestArmIsLazy(t *testing.T) {
	address := storetest.Postgres(t)
	db := storetest.With(t, store.Config{URL: address, MaxConns: 1})
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, address)
	must(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `
		CREATE TABLE seen (n SERIAL, how TEXT);
		CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO seen (how) VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
		CREATE TRIGGER look AFTER INSERT OR UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION look()`)
	must(t, err)
	later := time.Now().Add(time.Hour)
	arm := func(ctx context.Context) error {
		return db.OdooTokens.Arm(ctx, oidc.Grant{Signature: "s", Client: "c", Expires: later}, 1, later)
	}
	must(t, arm(ctx))
	must(t, arm(ctx))
	_, err = db.OdooTokens.Fire(ctx, "s", "c")
	must(t, err)
	must(t, db.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(arm(ctx), db.Log.Append(ctx, event("a")))
	}))
	var got []string
	must(t, conn.QueryRow(ctx, `SELECT array_agg(how ORDER BY n) FROM seen`).Scan(&got))
	if want := []string{"off", "off", "on", "off"}; !slices.Equal(got, want) {
		t.Errorf("synchronous_commit was %v, want %v", got, want)
	}
}

func TestConsents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, consents := t.Context(), db.Consents
		person(t, db, "ann")
		if got, err := consents.Of(ctx, "ann", "c"); err != nil || got != nil {
			t.Errorf("%v, %v", got, err)
		}
		must(t, consents.Give(ctx, "ann", "c", []string{"openid", "email"}, time.Now()))
		must(t, consents.Give(ctx, "ann", "c", []string{"openid", "profile"}, time.Now()))
		if got, err := consents.Of(ctx, "ann", "c"); err != nil || !slices.Equal(got, []string{"openid", "profile"}) {
			t.Errorf("%v, %v", got, err)
		}
		must(t, consents.Withdraw(ctx, "ann", "c"))
		if got, err := consents.Of(ctx, "ann", "c"); err != nil || got != nil {
			t.Errorf("%v, %v", got, err)
		}
		wantErr(t, consents.Give(ctx, "nobody", "c", nil, time.Now()), idp.ErrNotFound)
	})
}

func TestClients(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, clients := t.Context(), db.Clients
		c := oidc.Client{ID: "c", Name: "C", Type: oidc.Web, Scopes: []string{"openid"}, Created: time.UnixMilli(7).UTC()}
		_, err := clients.ByID(ctx, "c")
		wantErr(t, err, idp.ErrNotFound)
		must(t, clients.Add(ctx, c))
		wantErr(t, clients.Add(ctx, c), idp.ErrTaken)
		c.Version = 1
		if got, err := clients.ByID(ctx, "c"); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%+v, %v", got, err)
		}
		slow := c
		c.Name = "D"
		must(t, clients.Save(ctx, c))
		wantErr(t, clients.Save(ctx, slow), idp.ErrSpent) // of two who change the same one the second is told
		wantErr(t, clients.Save(ctx, oidc.Client{ID: "x"}), idp.ErrNotFound)
		if all, err := clients.All(ctx); err != nil || len(all) != 1 || all[0].Name != "D" {
			t.Errorf("%+v, %v", all, err)
		}
		must(t, db.Grants.Put(ctx, oidc.Grant{Kind: "access", Signature: "s", Client: "c"}))
		must(t, clients.Remove(ctx, "c"))
		wantErr(t, clients.Remove(ctx, "c"), idp.ErrNotFound)
		_, err = clients.ByID(ctx, "c")
		wantErr(t, err, idp.ErrNotFound)
		_, _, err = db.Grants.Get(ctx, "access", "s")
		wantErr(t, err, idp.ErrNotFound)
	})
}

func TestPolicies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, policies := t.Context(), db.Policies
		p := func(name string, on bool) policy.Policy { return policy.Policy{Name: name, Enabled: on} }
		must(t, policies.Apply(ctx, []policy.Policy{p("z", true), p("a", false)}))
		first, err := policies.All(ctx)
		must(t, err)
		must(t, policies.Apply(ctx, []policy.Policy{p("m", true), p("z", false), p("a", true)}))
		all, err := policies.All(ctx)
		must(t, err)
		if len(all) != 3 || all[0].Name != "z" || all[1].Name != "a" || all[2].Name != "m" {
			t.Fatalf("%+v", all)
		}
		if all[0].ID == "" || all[0].ID != first[0].ID {
			t.Errorf("id changed from %q to %q", first[0].ID, all[0].ID)
		}
		on, err := policies.InForce(ctx)
		must(t, err)
		if len(on) != 2 || on[0].Name != "a" || on[1].Name != "m" {
			t.Errorf("%+v", on)
		}
		if again, _ := policies.All(ctx); len(again) != 3 || again[0].Name != "z" {
			t.Error("InForce changed what is held")
		}
		must(t, policies.Remove(ctx, "a"))
		wantErr(t, policies.Remove(ctx, "a"), idp.ErrNotFound)
		wantErr(t, policies.Apply(ctx, []policy.Policy{p("new", true), p("", true)}), idp.ErrInvalid)
		if all, _ := policies.All(ctx); len(all) != 2 {
			t.Errorf("%+v", all)
		}
	})
}

func TestKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, keys, when := t.Context(), db.Keys, time.UnixMilli(9).UTC()
		k := oidc.Key{ID: "k1", Alg: "RS256", State: oidc.Current, Private: []byte("pkcs8"), Created: when, Changed: when}
		must(t, keys.Add(ctx, k))
		if all, err := keys.All(ctx); err != nil || !reflect.DeepEqual(all, []oidc.Key{k}) {
			t.Errorf("%+v, %v", all, err)
		}
		second := oidc.Key{ID: "k2", Alg: "RS256", State: oidc.Next, Created: when.Add(1e6)}
		must(t, keys.Add(ctx, second))
		wantErr(t, keys.Add(ctx, oidc.Key{ID: "k3", Alg: "RS256", State: oidc.Next}), idp.ErrTaken)
		wantErr(t, keys.Move(ctx, "k2", oidc.Next, oidc.Current, when), idp.ErrTaken)
		must(t, db.Atomic(ctx, func(ctx context.Context) error { // C-02: the rotation is one step
			return errors.Join(keys.Move(ctx, "k1", oidc.Current, oidc.Retired, when.Add(5e6)),
				keys.Move(ctx, "k2", oidc.Next, oidc.Current, when.Add(5e6)))
		}))
		wantErr(t, keys.Move(ctx, "k1", oidc.Current, oidc.Retired, when), idp.ErrSpent)
		all, err := keys.All(ctx)
		must(t, err)
		if len(all) != 2 || all[0].State != oidc.Retired || all[1].State != oidc.Current || !all[1].Changed.Equal(when.Add(5e6)) {
			t.Errorf("%+v", all)
		}
		must(t, keys.Remove(ctx, "k1"))
		if all, _ := keys.All(ctx); len(all) != 1 {
			t.Errorf("%+v", all)
		}
	})
}

// What another instance or the command line changes counts here soon; a client
// that was just added, at once.
func TestCatalogueIsShared(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		if url == "sqlite::memory:" {
			t.Skip("nobody else can open it")
		}
		ring := keyring.New()
		here := storetest.With(t, store.Config{URL: url, Keyring: ring})
		there := storetest.With(t, store.Config{URL: url, Keyring: ring})
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan struct{})
		go func() { here.Watch(ctx); close(watched) }()
		defer func() { cancel(); <-watched }()

		for _, look := range []func() error{
			func() error { _, err := here.Clients.All(ctx); return err },
			func() error { _, err := here.Policies.All(ctx); return err },
			func() error { _, err := here.Keys.All(ctx); return err },
		} {
			must(t, look())
		}
		must(t, there.Clients.Add(ctx, oidc.Client{ID: "c", Name: "old"}))
		_, err := here.Clients.ByID(ctx, "c")
		must(t, err)
		must(t, there.Clients.Save(ctx, oidc.Client{ID: "c", Name: "new"}))
		must(t, there.Policies.Apply(ctx, []policy.Policy{{Name: "p", Enabled: true}}))
		must(t, there.Keys.Add(ctx, oidc.Key{ID: "k", Alg: "ES256", State: oidc.Current}))
		// Losing the race for the first key shows the winner's at once.
		wantErr(t, here.Keys.Add(ctx, oidc.Key{ID: "mine", Alg: "ES256", State: oidc.Current}), idp.ErrTaken)
		if all, err := here.Keys.All(ctx); err != nil || len(all) != 1 || all[0].ID != "k" {
			t.Errorf("%+v, %v", all, err)
		}
		seen := func() bool {
			c, err := here.Clients.ByID(ctx, "c")
			must(t, err)
			ps, err := here.Policies.InForce(ctx)
			must(t, err)
			return c.Name == "new" && len(ps) == 1
		}
		for deadline := time.Now().Add(5 * time.Second); !seen(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("not seen within 5 s")
			}
		}
		a, err := here.Secret(ctx, "cookies")
		must(t, err)
		b, err := there.Secret(ctx, "cookies")
		must(t, err)
		if len(a) != 32 || !slices.Equal(a, b) {
			t.Error("the secret differs between instances")
		}
		if c, _ := here.Secret(ctx, "other"); slices.Equal(a, c) {
			t.Error("two names, one secret")
		}
	})
}
