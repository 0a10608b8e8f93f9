// Package odootest is an Odoo to test against: an HTTP server that answers as
// Odoo 16 to 19 do, by XML-RPC and, from 19 on, by JSON-2, with the models that
// Latchkey uses, Odoo's login page and the server's side of a sign-in. It keeps
// to what was seen of running Odoos (ODOO.md §1, §3, §5), differences between
// versions included, and can be made slow or broken.
//
// It is for tests only, and knows nothing of how Latchkey speaks.
package odootest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Options say which Odoo.
type Options struct {
	Series    int      // 16 to 19; default 18
	Full      string   // default "18.0"
	Database  string   // default "erp"
	Databases []string // what it lists; nil: it keeps the list to itself
	Website   bool     // the module is installed
	NoOAuth   bool     // auth_oauth is not installed yet
	// Front is the scheme and host that this Odoo believes to have, as behind a
	// proxy without proxy_mode; empty: what the request says.
	Front string
	Now   func() time.Time
}

// The administrator of every fake.
const (
	Login    = "admin"
	Password = "admin"
	Admin    = 2 // res.users id
)

// Odoo is a running fake. Its records are changed and read by Add, Get, Set and
// Find; all methods are safe for concurrent use.
type Odoo struct {
	Options
	URL string
	Key string // an API key of the administrator

	mu       sync.Mutex
	models   map[string]*model
	params   map[string]string
	sessions map[string]session
	faults   []Fault
	calls    []Call
	mails    []string
	ahead    time.Duration
}

// Call is one call that came in.
type Call struct{ Protocol, Model, Method string }

// Fault is a way to fail.
type Fault int

// The ways to fail.
const (
	None    Fault = iota
	Error         // 500 with Odoo's HTML page
	Gateway       // 502 of a proxy
	HTML          // 200 with a page
	CutOff        // the answer ends in the middle
	Slow          // no answer for a while
)

// SlowFor is how long a slow answer takes.
const SlowFor = 2 * time.Second

// New starts a fake that ends with the test.
func New(t testing.TB, o Options) *Odoo {
	t.Helper()
	o.Series, o.Database = cmp.Or(o.Series, 18), cmp.Or(o.Database, "erp")
	o.Full = cmp.Or(o.Full, fmt.Sprintf("%d.0", o.Series))
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Odoo{Options: o, Key: rand.Text(), models: map[string]*model{}, params: map[string]string{}, sessions: map[string]session{}}
	f.seed()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /xmlrpc/2/{service}", f.xmlrpc)
	mux.HandleFunc("GET /web/login", f.loginPage)
	mux.HandleFunc("GET /auth_oauth/signin", f.signin)
	if f.Series >= 19 {
		mux.HandleFunc("POST /json/2/{model}/{method}", f.json2)
		mux.HandleFunc("GET /web/version", f.webVersion)
	}
	s := httptest.NewServer(f.breaking(mux))
	t.Cleanup(s.Close)
	f.URL = s.URL
	f.params["web.base.url"] = s.URL
	return f
}

// seed makes what a new database has.
func (f *Odoo) seed() {
	f.define()
	add := func(model string, r Record) int64 { return f.insert(model, r) }
	company := add("res.company", Record{"name": "My Company", "primary_color": "#714B67", "secondary_color": false, "logo_web": "iVBORw0KGgo="})
	for _, g := range []string{"group_user", "group_portal", "group_public", "group_system"} {
		id := add("res.groups", Record{"name": g, "full_name": g})
		add("ir.model.data", Record{"module": "base", "name": g, "model": "res.groups", "res_id": id})
	}
	for _, u := range []struct {
		login  string
		active bool
		group  string
	}{{"__system__", false, "group_user"}, {Login, true, "group_system"}, {"public", false, "group_public"}, {"portaltemplate", false, "group_portal"}} {
		add("res.users", Record{
			"login": u.login, "name": u.login, "active": u.active, "company_id": company, "password": Password, "share": u.group != "group_system" && u.group != "group_user",
			f.groupsField(): []int64{f.group(u.group)},
		})
	}
	add("res.lang", Record{"name": "English (US)", "code": "en_US"})
	modules := []string{"auth_signup", "auth_totp", "portal"}
	if f.Website {
		modules = append(modules, "website")
		add("website", Record{"name": "My Website", "domain": false, "auth_signup_uninvited": "b2b", "custom_code_head": false})
	}
	for _, m := range modules {
		add("ir.module.module", Record{"name": m, "state": "installed"})
	}
	oauth := add("ir.module.module", Record{"name": "auth_oauth", "state": "installed"})
	if f.NoOAuth {
		f.models["ir.module.module"].rows[oauth]["state"] = "uninstalled"
	} else {
		f.installOAuth()
	}
}

// installOAuth brings the rows that the module comes with.
func (f *Odoo) installOAuth() {
	for _, n := range []string{"Odoo.com Accounts", "Facebook Graph", "Google OAuth2"} {
		f.insert("auth.oauth.provider", Record{
			"name": n, "enabled": false, "body": "Log in with " + n, "auth_endpoint": "https://accounts.example.org/auth", "validation_endpoint": "https://accounts.example.org/info",
			"scope": "openid", "client_id": false, "data_endpoint": false, "css_class": "fa", "sequence": int64(10),
		})
	}
}

func (f *Odoo) groupsField() string {
	if f.Series >= 19 {
		return "group_ids"
	}
	return "groups_id"
}

// Group is the id of one of base's groups, such as "group_portal".
func (f *Odoo) Group(name string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.group(name)
}

func (f *Odoo) group(name string) int64 {
	for _, r := range f.models["ir.model.data"].rows {
		if r["name"] == name {
			return r["res_id"].(int64)
		}
	}
	return 0
}

// Add makes a record and returns its id. Of a user, name, email, lang, tz and
// phone belong to a partner that is made with it.
func (f *Odoo) Add(model string, r Record) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.insert(model, r)
}

// AddUser makes an active portal or internal user.
func (f *Odoo) AddUser(login, name, email string, portal bool) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := "group_user"
	if portal {
		g = "group_portal"
	}
	return f.insert("res.users", Record{"login": login, "name": name, "email": email, "share": portal, "password": login, f.groupsField(): []int64{f.group(g)}})
}

// Get returns a copy of a record with what belongs to its partner, or nil.
func (f *Odoo) Get(model string, id int64) Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.models[model].rows[id]
	if !ok {
		return nil
	}
	return f.whole(model, r)
}

// Set changes a record, as somebody in Odoo does.
func (f *Odoo) Set(model string, id int64, values Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.update(model, id, values)
}

// Remove deletes a record.
func (f *Odoo) Remove(model string, id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.models[model].rows, id)
}

// All returns the ids of a model, archived ones too.
func (f *Odoo) All(model string) []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.models[model].ids()
}

// Param reads a system parameter.
func (f *Odoo) Param(key string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.params[key]
}

// SetParam writes a system parameter.
func (f *Odoo) SetParam(key, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.params[key] = value
}

// Break makes the next calls fail, one in each way.
func (f *Odoo) Break(ways ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = ways
}

// Skew sets the clock of the server apart.
func (f *Odoo) Skew(ahead time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead = ahead
}

// Calls returns the calls that came in since the last time.
func (f *Odoo) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.calls
	f.calls = nil
	return all
}

// Mails returns the logins to whom Odoo would have written.
func (f *Odoo) Mails() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mails)
}

// breaking fails as it was told to.
func (f *Odoo) breaking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		way, ahead := None, f.ahead
		if len(f.faults) > 0 {
			way, f.faults = f.faults[0], f.faults[1:]
		}
		f.mu.Unlock()
		w.Header().Set("Date", f.Now().Add(ahead).UTC().Format(http.TimeFormat))
		const page = "<!DOCTYPE html><html><body>Internal Server Error</body></html>"
		switch way {
		case Error, Gateway, HTML:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(map[Fault]int{Error: 500, Gateway: 502, HTML: 200}[way])
			_, _ = w.Write([]byte(page))
		case CutOff:
			w.Header().Set("Content-Type", "text/xml")
			w.Header().Set("Content-Length", "4096")
			_, _ = w.Write([]byte("<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>"))
			panic(http.ErrAbortHandler)
		case Slow:
			select {
			case <-r.Context().Done():
				return
			case <-time.After(SlowFor):
			}
			next.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
