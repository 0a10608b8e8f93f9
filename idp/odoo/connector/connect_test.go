package connector_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// Line 1: the row as stock Odoo needs it (ODOO.md §1), a client for all hosts,
// and a token that goes the whole way.
func TestConnect(t *testing.T) {
	eachOffice(t, odootest.Options{Website: true}, func(h *office) {
		h.odoo.Set("website", 1, odootest.Record{"domain": "shop.example.org"})
		h.odoo.SetParam("auth_signup.invitation_scope", "b2c") // means nothing beside a website
		var steps []string
		r, err := h.Connect(h.Context(), host, h.order(), func(s connector.Step) { steps = append(steps, s.Name) })
		h.must(err)
		if want := []string{"sign in", "read", "client", "provider row", "keep", "test"}; !slices.Equal(steps, want) {
			h.Errorf("steps %v", steps)
		}
		w := h.row()
		for field, want := range map[string]any{
			"client_id": "shop", "enabled": true, "scope": "openid profile email", "auth_endpoint": h.parts.Issuer + oidc.PathAuthorize, "validation_endpoint": r.ValidationURL,
			"data_endpoint": false, "body": "en:button", "name": "Latchkey",
		} {
			if w[field] != want {
				h.Errorf("%s = %v, want %v", field, w[field], want)
			}
		}
		c, err := h.parts.Clients.ByID(h.Context(), "shop")
		h.must(err)
		if want := []string{h.odoo.URL + connector.Callback, "https://shop.example.org" + connector.Callback}; !slices.Equal(c.RedirectURIs, want) {
			h.Errorf("redirect URIs %v", c.RedirectURIs)
		}
		want := oidc.SessionsMulti
		if h.odoo.Series < 18 { // ODOO.md §2: the stored token works as a password
			want = oidc.SessionsSingle
		}
		if c.Sessions != want || !c.Choose || c.Type != oidc.Odoo {
			h.Errorf("%+v", c)
		}
		f := r.Connection.Facts
		if f.OpenSignup || f.Company.Name != "My Company" || f.Company.Primary != "#714B67" || !f.Has("website") || f.Users != 1 || f.Version.Series != h.odoo.Series {
			h.Errorf("%+v", f)
		}
	})
}

// A second run changes nothing, and puts right what was damaged.
func TestConnectAgain(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		first := h.connect()
		h.written()
		again := h.connect()
		if did := h.written(); len(did) > 0 || again.ValidationURL != first.ValidationURL || again.Connection.Provider != first.Connection.Provider {
			h.Errorf("a second run wrote %v", did)
		}
		h.odoo.Set("auth.oauth.provider", first.Connection.Provider, odootest.Record{"data_endpoint": "https://x", "enabled": false, "validation_endpoint": "https://y", "body": "Ours"})
		c, err := h.parts.Clients.ByID(h.Context(), "shop")
		h.must(err)
		c.RedirectURIs, c.Disabled = []string{"https://by.hand.example.org" + connector.Callback}, false
		h.must(h.parts.Clients.Save(h.Context(), c))
		h.connect()
		w := h.row()
		if w["data_endpoint"] != false || w["enabled"] != true || w["validation_endpoint"] != first.ValidationURL || w["body"] != "Ours" {
			h.Errorf("%v", w)
		}
		c, err = h.parts.Clients.ByID(h.Context(), "shop")
		h.must(err)
		if len(c.RedirectURIs) != 2 {
			h.Errorf("%+v", c)
		}
		h.odoo.Remove("auth.oauth.provider", first.Connection.Provider)
		h.must(h.parts.Clients.Remove(h.Context(), "shop"))
		h.connect()
		if all, err := h.parts.Connections.All(h.Context()); err != nil || len(all) != 1 || h.row() == nil {
			h.Errorf("%v %v", all, err)
		}
	})
}

// D-01, D-07: what connecting does to clients needs the right to change them, does
// not let one in that is disabled, is in the log, and sends nobody to another Odoo.
func TestConnectRights(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	narrow := idp.Actor{User: "b", Role: idp.Admin, Scopes: []idp.Right{idp.EditOdoo}}
	if _, err := h.Connect(t.Context(), narrow, h.order(), nil); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("a new one: %v", err)
	}
	h.connect()
	c, err := h.parts.Clients.ByID(t.Context(), "shop")
	h.must(err)
	byHand := []string{"https://by.hand.example.org" + connector.Callback}
	c.RedirectURIs, c.Disabled = byHand, true
	h.must(h.parts.Clients.Save(t.Context(), c))
	if _, err := h.Connect(t.Context(), narrow, h.order(), nil); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("an old one: %v", err)
	}
	admin := idp.Actor{User: "b", Role: idp.Admin}
	if _, err := h.Connect(t.Context(), admin, h.order(), nil); err != nil {
		t.Error(err)
	}
	if c, err := h.parts.Clients.ByID(t.Context(), "shop"); err != nil || !c.Disabled || len(c.RedirectURIs) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	var noted []string
	h.must(h.parts.Log.Events(t.Context(), idp.EventQuery{What: []string{"client.add", "client.update"}}, func(e idp.Event) error {
		noted = append(noted, e.What+" "+string(e.Client))
		return nil
	}))
	slices.Sort(noted)
	if !slices.Equal(noted, []string{"client.add shop", "client.update shop"}) {
		t.Errorf("%v", noted)
	}

	other := odootest.New(t, odootest.Options{Now: clock.Now})
	o := connector.Order{URL: other.URL, Database: other.Database, Login: odootest.Login, Key: other.Key, ID: "shop"}
	if _, err := h.Connect(t.Context(), admin, o, nil); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "disconnect") {
		t.Errorf("another Odoo: %v", err)
	}
	h.must(h.parts.Connections.Remove(t.Context(), "shop")) // its client is left
	if _, err := h.Connect(t.Context(), admin, o, nil); !errors.Is(err, idp.ErrTaken) {
		t.Errorf("another Odoo's client: %v", err)
	}
	if c, err := h.parts.Clients.ByID(t.Context(), "shop"); err != nil || len(c.RedirectURIs) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	o.Moved = true
	if _, err := h.Connect(t.Context(), admin, o, nil); err != nil {
		t.Errorf("said to be the same: %v", err)
	}
}

// A dry run looks, and leaves no trace on either side.
func TestConnectDry(t *testing.T) {
	eachOffice(t, odootest.Options{NoOAuth: true}, func(h *office) {
		o := h.order()
		o.Dry = true
		r, err := h.Connect(h.Context(), host, o, nil)
		h.must(err)
		all, err := h.parts.Connections.All(h.Context())
		h.must(err)
		clients, err := h.parts.Clients.All(h.Context())
		h.must(err)
		if did := h.written(); len(did)+len(all)+len(clients) > 0 || r.ValidationURL != "" {
			h.Errorf("wrote %v, %d connections, %d clients", did, len(all), len(clients))
		}
		if r := h.connect(); len(r.Steps) != 7 || h.odoo.NoOAuth { // with Odoo's own module
			h.Errorf("%+v", r.Steps)
		}
	})
}

// What an administrator gets wrong is said in words, and nothing is left behind.
func TestConnectMistakes(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Databases: []string{"erp", "test"}})
	clerk := h.odoo.AddUser("clerk", "Clerk", "clerk@example.org", false)
	h.odoo.Set("res.users", clerk, odootest.Record{"password": "clerk"})
	for name, c := range map[string]struct {
		change func(*connector.Order)
		err    error
		says   string
	}{
		"wrong key":         {func(o *connector.Order) { o.Key = "wrong" }, rpc.ErrWrongKey, "API key"},
		"no administrator":  {func(o *connector.Order) { o.Login, o.Key = "clerk", "clerk" }, rpc.ErrDenied, "Administration: Settings"},
		"no such database":  {func(o *connector.Order) { o.Database = "nosuch" }, rpc.ErrNoDatabase, "database"},
		"several databases": {func(o *connector.Order) { o.Database = "" }, idp.ErrInvalid, "erp, test"},
		"not Odoo":          {func(o *connector.Order) { o.URL = h.doors.URL }, rpc.ErrNotOdoo, "404"},
		"nothing there":     {func(o *connector.Order) { o.URL = "http://127.0.0.1:1" }, rpc.ErrUnreachable, "refused"},
		"a path":            {func(o *connector.Order) { o.URL += "/web" }, rpc.ErrNotOdoo, "no path"},
		"a name of nothing": {func(o *connector.Order) { o.ID = "???" }, idp.ErrInvalid, "letter"},
		"a bad way back":    {func(o *connector.Order) { o.Reach = "latchkey" }, idp.ErrInvalid, "http://latchkey:8080"},
	} {
		o := h.order()
		c.change(&o)
		_, err := h.Connect(t.Context(), host, o, nil)
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), o.Key) && o.Key != "clerk" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Connect(t.Context(), idp.Actor{Role: idp.HelpDesk}, h.order(), nil); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("help desk: %v", err)
	}
	all, err := h.parts.Connections.All(t.Context())
	h.must(err)
	if did := h.written(); len(did)+len(all) > 0 {
		t.Errorf("%v %v", did, all)
	}
}

// The single database of a server need not be named.
func TestConnectOneDatabase(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Databases: []string{"erp"}})
	o := h.order()
	o.Database, o.ID = "", ""
	r, err := h.Connect(t.Context(), host, o, nil)
	h.must(err)
	if r.Connection.Database != "erp" || r.Connection.ID != "odoo" {
		t.Errorf("%+v", r.Connection)
	}
	o.ID = "other"
	if _, err := h.Connect(t.Context(), host, o, nil); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "odoo") {
		t.Errorf("the same Odoo under another name: %v", err)
	}
}

// Disconnect takes back what connect made, and nothing else.
func TestDisconnect(t *testing.T) {
	eachOffice(t, odootest.Options{Website: true}, func(h *office) {
		before := h.odoo.All("auth.oauth.provider")
		h.odoo.Set("website", 1, odootest.Record{"custom_code_head": "<!-- theirs -->"})
		h.connect()
		_, ada := h.person("ada")
		if _, err := h.InstallPortal(h.Context(), host, "shop"); err != nil {
			h.Fatal(err)
		}
		if _, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{}); err != nil {
			h.Fatal(err)
		}
		h.written()
		did, err := h.Disconnect(h.Context(), host, "shop", true, false)
		h.must(err)
		if wrote := h.written(); len(wrote) > 0 || len(did) != 6 {
			h.Errorf("dry: %v %q", wrote, did)
		}
		if _, err = h.Disconnect(h.Context(), host, "shop", false, false); err != nil {
			h.Fatal(err)
		}
		u := h.odoo.Get("res.users", ada)
		if u["oauth_uid"] != false || u["oauth_provider_id"] != false || h.odoo.Get("website", 1)["custom_code_head"] != "<!-- theirs -->" {
			h.Errorf("%v", u)
		}
		if after := h.odoo.All("auth.oauth.provider"); !slices.Equal(before, after) || h.odoo.Param("auth_signup.reset_password") != "True" {
			h.Errorf("rows %v, were %v", after, before)
		}
		_, err = h.parts.Clients.ByID(h.Context(), "shop")
		_, gone := h.parts.Connections.ByID(h.Context(), "shop")
		if !errors.Is(err, idp.ErrNotFound) || !errors.Is(gone, idp.ErrNotFound) {
			h.Errorf("%v %v", err, gone)
		}
		h.connect() // and again
	})
}

// The key to all of an Odoo lies sealed, and only one instance has a task.
func TestConnectionStore(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), db.Connections
		c := connector.Connection{ID: "shop", URL: "https://erp.example.org", Key: "k-e-y", Client: "shop", Created: clock.Now()}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(s.Add(ctx, c))
		if err := s.Add(ctx, c); !errors.Is(err, idp.ErrTaken) {
			t.Errorf("twice: %v", err)
		}
		got, err := s.ByClient(ctx, "shop")
		must(err)
		if got.Key != "k-e-y" || !got.Health.Well() {
			t.Errorf("%+v", got)
		}
		must(s.Heard(ctx, "shop", clock.Now().Add(1e9), errors.New("down")))
		must(s.Save(ctx, got))
		got, err = s.ByID(ctx, "shop")
		must(err)
		if got.Health.Well() || got.Health.Failure != "down" {
			t.Errorf("%+v", got.Health)
		}
		must(s.SetState(ctx, "shop", "mark", "7"))
		if v, err := s.State(ctx, "shop", "mark"); err != nil || v != "7" {
			t.Errorf("%q %v", v, err)
		}
		until := clock.Now().Add(60e9)
		must(s.Claim(ctx, "shop", "sync", "one", until))
		must(s.Claim(ctx, "shop", "sync", "one", until))
		if err := s.Claim(ctx, "shop", "sync", "two", until); !errors.Is(err, idp.ErrBusy) {
			t.Errorf("two have it: %v", err)
		}
		clock.Pass(61e9)
		must(s.Claim(ctx, "shop", "sync", "two", clock.Now().Add(60e9)))
		must(s.Remove(ctx, "shop"))
		if err := s.Remove(ctx, "shop"); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}
