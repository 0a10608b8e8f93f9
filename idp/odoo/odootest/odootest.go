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
	Key   string // an API key of the administrator; default: a new one
	Now   func() time.Time
}

// The administrator of every fake.
const (
	Login    = "admin"
	Password = "admin"
	Admin    = 2 // res.users id
)

// Odoo is a running fake. Its records are changed and read by Add, Get, Set and
// All; all methods are safe for concurrent use.
type Odoo struct {
	Options
	URL string

	db      *records
	objects *objects
	site    *site
	faults  *faults
}

// Call is one call that came in.
type Call struct{ Protocol, Model, Method string }

// New starts a fake that ends with the test.
func New(t testing.TB, o Options) *Odoo {
	t.Helper()
	o.Series, o.Database = cmp.Or(o.Series, 18), cmp.Or(o.Database, "erp")
	o.Full, o.Key = cmp.Or(o.Full, fmt.Sprintf("%d.0", o.Series)), cmp.Or(o.Key, rand.Text())
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Odoo{Options: o}
	f.db = &records{Options: &f.Options, models: map[string]*model{}, params: map[string]string{}}
	f.db.seed()
	f.objects = &objects{db: f.db}
	f.site = &site{Options: &f.Options, db: f.db, sessions: map[string]session{}}
	f.faults = &faults{Options: &f.Options}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /xmlrpc/2/{service}", xmlWire{&f.Options, f.objects}.serve)
	mux.HandleFunc("GET /web/login", f.site.loginPage)
	mux.HandleFunc("GET /auth_oauth/signin", f.site.signin)
	if f.Series >= 19 {
		json2 := jsonWire{&f.Options, f.objects}
		mux.HandleFunc("POST /json/2/{model}/{method}", json2.serve)
		mux.HandleFunc("GET /web/version", json2.version)
	}
	s := httptest.NewServer(f.faults.before(mux))
	t.Cleanup(s.Close)
	f.URL = s.URL
	f.db.params["web.base.url"] = s.URL
	return f
}

// Group is the id of one of base's groups, such as "group_portal".
func (f *Odoo) Group(name string) int64 {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return f.db.group(name)
}

// Add makes a record and returns its id. Of a user, name, email, lang, tz and
// phone belong to a partner that is made with it.
func (f *Odoo) Add(model string, r Record) int64 {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return f.db.insert(model, r)
}

// AddUser makes an active portal or internal user.
func (f *Odoo) AddUser(login, name, email string, portal bool) int64 {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	g := "group_user"
	if portal {
		g = "group_portal"
	}
	return f.db.insert("res.users", Record{"login": login, "name": name, "email": email, "share": portal, "password": login, f.db.groupsField(): []int64{f.db.group(g)}})
}

// Get returns a copy of a record with what belongs to its partner, or nil.
func (f *Odoo) Get(model string, id int64) Record {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	r, ok := f.db.models[model].rows[id]
	if !ok {
		return nil
	}
	return f.db.whole(model, r)
}

// Set changes a record, as somebody in Odoo does.
func (f *Odoo) Set(model string, id int64, values Record) {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	f.db.update(model, id, values)
}

// Remove deletes a record.
func (f *Odoo) Remove(model string, id int64) {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	delete(f.db.models[model].rows, id)
}

// Forget empties a field of all records without writing them, as a foreign key
// does when what it led to is deleted.
func (f *Odoo) Forget(model, field string) {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	for _, r := range f.db.models[model].rows {
		r[field] = false
	}
}

// All returns the ids of a model, archived ones too.
func (f *Odoo) All(model string) []int64 {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return f.db.models[model].ids()
}

// Param reads a system parameter.
func (f *Odoo) Param(key string) string {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return f.db.params[key]
}

// SetParam writes a system parameter.
func (f *Odoo) SetParam(key, value string) {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	f.db.params[key] = value
}

// Calls returns the calls that came in since the last time.
func (f *Odoo) Calls() []Call {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	all := f.objects.calls
	f.objects.calls = nil
	return all
}

// Mails returns the logins to whom Odoo would have written.
func (f *Odoo) Mails() []string {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return slices.Clone(f.objects.mails)
}

// Break makes the next calls fail, one in each way.
func (f *Odoo) Break(ways ...Fault) { f.faults.plan(ways) }

// Skew sets the clock of the server apart.
func (f *Odoo) Skew(ahead time.Duration) { f.faults.skew(ahead) }

// Open signs a user in, as with a local password.
func (f *Odoo) Open(user int64) (id string) {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return f.site.open(user)
}

// Who is the login of a session; "": it is at an end.
func (f *Odoo) Who(id string) string {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	return f.site.who(id)
}
