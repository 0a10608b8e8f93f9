package connector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/password"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/totp"
	"latchkey/ui/message"
)

// Vectors of ODOO.md §5.
const (
	hashOfAdmin = "$pbkdf2-sha512$600000$QYjRGoNQSmnt3ZsTorS2Vg$i924uU8QG6CscT4IkHh6r64s4YjY.GMStAvwQDJ/rfc5pjS1WQUJ7nVr05pM3mhCfEMuQtph3vgr1jdE69elcA"
	oldApp      = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

var host = idp.Actor{Host: true}

// accountsOf are the use cases of package account on a database.
func accountsOf(db *store.DB, clock *storetest.Clock) *account.Service {
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	factors := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
	factors.Register(totp.Factor{Issuer: "Latchkey", Now: clock.Now})
	return &account.Service{
		Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: factors, Passwords: hasher,
		Log: db.Log, Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now, MinPassword: 15,
		Notify: &message.Notices{Outbox: db.Outbox(), Links: db.Links, Issuer: "https://id.example.org", Brand: "Latchkey", Now: clock.Now},
		Locks:  db.Locks, Links: db.Links, Owners: db.Owners,
	}
}

// arrivals is a connection and a database to import into.
type arrivals struct {
	*testing.T
	db    *store.DB
	clock *storetest.Clock
	conn  connector.Connection
}

func (a *arrivals) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *arrivals) bring(from connector.Source, dry bool) (connector.ImportReport, error) {
	a.Helper()
	i := connector.Import{Accounts: accountsOf(a.db, a.clock), Directory: a.db.Directory, Ties: a.db.Ties, Customers: customersOf(a.db, a.clock), Connection: a.conn, DryRun: dry}
	return i.Run(a.Context(), host, from)
}

func (a *arrivals) sql(o *odootest.Database, dry bool) connector.ImportReport {
	a.Helper()
	var groups []string
	for g := range a.conn.Settings.Groups {
		groups = append(groups, g)
	}
	from, err := connector.OpenSQLAtHost(a.Context(), o.DSN, groups)
	a.must(err)
	defer from.Close(a.Context())
	r, err := a.bring(from, dry)
	a.must(err)
	return r
}

func (a *arrivals) find(who string) idp.User {
	a.Helper()
	u, err := accountsOf(a.db, a.clock).Find(a.Context(), who)
	a.must(err)
	return u
}

func eachArrivals(t *testing.T, f func(a *arrivals)) {
	t.Helper()
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		a := &arrivals{T: t, db: db, clock: clock, conn: connector.Connection{ID: "shop", Client: "odoo-shop"}}
		a.must(db.Connections.Add(t.Context(), a.conn))
		f(a)
	})
}

// classes is what a report says, such as "archived 1".
func classes(r connector.ImportReport) (out []string) {
	for _, c := range r.Classes {
		if c.Count > 0 {
			out = append(out, fmt.Sprint(c.Class, " ", c.Count))
		}
		if len(c.Examples) != min(c.Count, 5) {
			out = append(out, "wrong examples")
		}
	}
	return out
}

// Issue 5.2: everything that can be read comes along, from the tables of each
// version, and a second run changes nothing.
func TestImportSQL(t *testing.T) {
	for _, version := range []int{16, 17, 18, 19} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			eachArrivals(t, func(a *arrivals) {
				o := odootest.NewDatabase(a.T, storetest.Postgres(a.T), version)
				ada := odootest.User{
					Login: "ada", Email: "Ada <Ada@Example.org>", Name: "Ada\nLovelace", Lang: "fr_BE", Zone: "Europe/Brussels", Phone: "+32 470 12 34 56",
					Password: hashOfAdmin, App: oldApp, Groups: []int{5},
				}
				if version >= 18 {
					ada.Devices = 12
				}
				o.User(ada)
				o.User(odootest.User{Login: "pia@example.org", Email: "pia@example.org", Name: "Pia", Password: hashOfAdmin, App: "false", Groups: []int{2}, Phone: "06 12 34 56 78"})
				a.conn.Settings.Groups = map[string]string{"sales_team.group_sale_manager": "", "Portail": "customers"}
				if r := a.sql(o, true); r.Added != 2 || r.Users != 6 {
					a.Errorf("dry: %+v", r)
				}
				r := a.sql(o, false)
				if got := classes(r); r.Added != 2 || r.Known != 0 || !slices.Equal(got, []string{"login-not-email 1", "unproven-email 1", "template 4"}) {
					a.Errorf("%+v %v", r, got)
				}
				u := a.find("ada")
				if u.Email != "ada@example.org" || u.EmailVerified || u.Name != "Ada Lovelace" || u.Kind != idp.Internal || u.Locale != "fr-BE" || u.Phone != "+32470123456" || u.PhoneVerified ||
					u.Password != hashOfAdmin || u.Profile.Zoneinfo != "Europe/Brussels" || !slices.Equal(u.Factors, []mfa.Kind{totp.Kind}) ||
					!slices.Equal(u.Groups, []string{"odoo:shop:internal", "odoo:shop:sales_team.group_sale_manager"}) {
					a.Errorf("%+v", u)
				}
				p := a.find("pia@example.org")
				if p.Kind != idp.Portal || !p.EmailVerified || p.Phone != "+33612345678" || p.PhoneVerified || len(p.Factors) != 0 || !slices.Equal(p.Groups, []string{"customers", "odoo:shop:portal"}) {
					a.Errorf("%+v", p)
				}
				lines := 0
				a.must(a.db.Log.Events(t.Context(), idp.EventQuery{User: u.ID, What: []string{"odoo.device"}}, func(e idp.Event) error {
					lines++
					if e.Origin.Address != "203.0.113.7" || e.Origin.Agent != "firefox linux" {
						a.Errorf("%+v", e)
					}
					return nil
				}))
				if want := min(ada.Devices, 10); lines != want || r.Devices != want {
					a.Errorf("%d lines of history, %d told, want %d", lines, r.Devices, want)
				}
				if r := a.sql(o, false); r.Added != 0 || r.Known != 2 {
					a.Errorf("again: %+v", r)
				}
			})
		})
	}
}

// Each class is found, and each choice does what it says. The default leaves
// out whoever might come in as somebody else.
func TestImportClasses(t *testing.T) {
	storetest.Postgres(t) // skips where there is none
	people := func(o *odootest.Database) {
		internal, portal := []int{1}, []int{2}
		for _, u := range []odootest.User{
			{Login: "one", Email: "same@example.org", Groups: internal}, {Login: "two", Email: "SAME@example.org", Groups: internal}, // the same e-mail
			{Login: "Case@example.org", Email: "case@example.org", Groups: portal}, {Login: "case@example.org", Email: "other-case@example.org", Groups: portal},
			{Login: "nomail", Groups: internal}, {Login: "nomail@example.org", Email: "; ;", Groups: portal},
			{Login: "gone@example.org", Email: "gone@example.org", Groups: portal, Archived: true},
			{Login: "nobody@example.org", Email: "nobody@example.org", Groups: []int{3}},
			{Login: "bob", Email: "bob@example.org", Groups: internal},
			{Login: "bob@example.org", Email: "rob@example.org", Groups: portal}, // bob's e-mail
			{Login: "here@example.org", Email: "here@example.org", Groups: portal},
			{Login: "рас", Email: "cyr@example.org", Groups: portal}, // looks like pac
			{Login: "bad@example.org", Email: "bad@example.org", Groups: portal, Phone: "call me", Password: "plain", App: "!!"},
		} {
			o.User(u)
		}
	}
	for name, c := range map[string]struct {
		on   map[connector.Class]connector.Choice
		want []string // who is there afterwards
		out  int
	}{
		"default": {nil, []string{"bad@example.org", "bob", "here@example.org", "pac"}, 15},
		"bold": {map[connector.Class]connector.Choice{
			connector.SameEmail: connector.First, connector.OnlyCase: connector.First, connector.NoEmail: connector.Bring, connector.Archived: connector.AsDisabled,
			connector.NotEmail: connector.ByLogin, connector.Exists: connector.Adopt,
		}, []string{"Case@example.org", "bad@example.org", "bob", "bob@example.org", "gone@example.org", "here@example.org", "nomail", "nomail@example.org", "one", "pac"}, 8},
		"careful": {map[connector.Class]connector.Choice{
			connector.SameEmail: connector.WithoutEmail, connector.NoEmail: connector.ByLogin, connector.NotEmail: connector.ByEmail, connector.Unproven: connector.Skip, connector.BadPhone: connector.Skip,
		}, []string{"here@example.org", "nomail", "nomail@example.org", "one", "pac", "two"}, 13},
	} {
		t.Run(name, func(t *testing.T) {
			o := odootest.NewDatabase(t, storetest.Postgres(t), 18)
			people(o)
			a := &arrivals{T: t, db: storetest.Open(t), clock: storetest.NewClock(), conn: connector.Connection{ID: "shop", Client: "c", Settings: connector.Settings{Import: connector.Options{On: c.on}}}}
			s := accountsOf(a.db, a.clock)
			for _, in := range []account.New{{Login: "pac"}, {Email: "here@example.org", Name: "Here before"}} {
				if _, err := s.Add(t.Context(), host, in); err != nil {
					t.Fatal(err)
				}
			}
			dry := a.sql(o, true)
			r := a.sql(o, false)
			us, err := a.db.Users.List(t.Context(), idp.UserQuery{})
			a.must(err)
			var got []string
			for _, u := range us {
				got = append(got, u.Login)
				if u.Disabled != (u.Login == "gone@example.org") {
					t.Errorf("%s: disabled %v", u.Login, u.Disabled)
				}
				if u.Login == "here@example.org" && u.Name != "Here before" {
					t.Errorf("an import changed %+v", u)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || r.Out != c.out {
				t.Errorf("%v, %d left out: %v", got, r.Out, classes(r))
			}
			if dry.Added != r.Added || dry.Out != r.Out || dry.Adopted != r.Adopted || !slices.Equal(classes(dry), classes(r)) {
				t.Errorf("the dry run said %+v", dry)
			}
			if r.Added+r.Out+r.Known+r.Adopted+r.Outside != r.Users {
				t.Errorf("somebody is not counted: %+v", r)
			}
			if name == "careful" {
				return
			}
			if b := a.find("bad@example.org"); name == "default" && (b.Password != "" || len(b.Factors) != 0 || b.Phone != "") {
				t.Errorf("%+v", b)
			}
		})
	}
}

// A removed person does not come back by themselves; an interrupted import goes
// on where it stopped; --only leaves the others alone.
func TestImportAgain(t *testing.T) {
	eachArrivals(t, func(a *arrivals) {
		o := odootest.NewDatabase(a.T, storetest.Postgres(a.T), 19)
		o.Crowd(450)
		o.User(odootest.User{Login: "staff", Email: "staff@example.org", Groups: []int{4}})
		a.conn.Settings.Import.Only = idp.Portal
		stop := errors.New("stop")
		from, err := connector.OpenSQLAtHost(t.Context(), o.DSN, nil)
		a.must(err)
		defer from.Close(t.Context())
		broken := &breaking{Source: from, after: 2, err: stop}
		if r, err := a.bring(broken, false); !errors.Is(err, stop) {
			a.Errorf("%+v %v", r, err)
		}
		r := a.sql(o, false)
		if r.Added+r.Known != 450 || r.Outside != 1 {
			a.Errorf("%+v", r)
		}
		s := accountsOf(a.db, a.clock)
		a.must(s.Remove(t.Context(), host, a.find("customer7@example.org").ID))
		if r := a.sql(o, false); r.Added != 0 || r.Known != 449 || r.Out != 1+4 || !slices.Contains(classes(r), "removed 1") {
			a.Errorf("%+v %v", r, classes(r))
		}
		a.conn.Settings.Import.On = map[connector.Class]connector.Choice{connector.WasRemoved: connector.Bring}
		if r := a.sql(o, false); r.Added != 1 {
			a.Errorf("%+v", r)
		}
		a.conn.Settings.Import.Only = ""
		if r := a.sql(o, false); r.Added != 1 || a.find("staff").Kind != idp.Internal {
			a.Errorf("%+v", r)
		}
	})
}

// breaking fails after some pages of the second reading.
type breaking struct {
	connector.Source
	readings, after int
	err             error
}

func (b *breaking) Begin(ctx context.Context, light bool) error {
	b.readings++
	return b.Source.Begin(ctx, light)
}

func (b *breaking) Next(ctx context.Context) ([]connector.Person, error) {
	if b.readings > 1 {
		if b.after--; b.after == 0 {
			return nil, b.err
		}
	}
	return b.Source.Next(ctx)
}

// The server refuses every change, and the address is in no error.
func TestImportReadsOnly(t *testing.T) {
	o := odootest.NewDatabase(t, storetest.Postgres(t), 18)
	from, err := connector.OpenSQLAtHost(t.Context(), o.DSN, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close(t.Context())
	if err := connector.TryWrite(t.Context(), from); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("%v", err)
	}
	for _, dsn := range []string{"", "postgres://u:geheim@127.0.0.1:1/x?connect_timeout=2", "host=127.0.0.1 port=1 password=geheim", "postgres://u:geheim@[", storetest.Postgres(t)} {
		_, err := connector.OpenSQLAtHost(t.Context(), dsn, nil)
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", dsn, err)
		}
	}
	if _, err := connector.OpenSQLAtHost(t.Context(), o.DSN, []string{"Administrator"}); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "stock.group_stock_manager") {
		t.Errorf("%v", err)
	}
}

// A file that Odoo exported is another source of the same people.
func TestImportCSV(t *testing.T) {
	a := &arrivals{T: t, db: storetest.Open(t), clock: storetest.NewClock(), conn: connector.Connection{ID: "shop", Client: "c"}}
	const file = "ID;Login;Name;Email;Language;Active;Share User;Timezone\n7;pia@example.org;Pia;pia@example.org;fr_FR;TRUE;TRUE;Europe/Paris\n8;ada@example.org;Ada;ada@example.org;en_US;True;False;\n" +
		"9;old@example.org;Old;old@example.org;en_US;False;False;\nx;bad@example.org;;;;;;\n"
	from, err := connector.OpenCSV(bytes.NewReader([]byte(file)), nil)
	a.must(err)
	r, err := a.bring(from, false)
	a.must(err)
	if r.Added != 2 || !slices.Equal(classes(r), []string{"archived 1", "unproven-email 1", "mistake 1"}) {
		t.Errorf("%+v %v", r, classes(r))
	}
	p := a.find("pia@example.org")
	tie, err := a.db.Ties.ByUser(t.Context(), "shop", p.ID)
	if err != nil || tie.Odoo != 7 || p.Kind != idp.Portal || p.Locale != "fr-FR" || p.EmailVerified || a.find("ada@example.org").Kind != idp.Internal {
		t.Errorf("%+v %+v %v", p, tie, err)
	}
	from, err = connector.OpenCSV(bytes.NewReader([]byte(file)), nil)
	a.must(err)
	if r, err := a.bring(from, false); err != nil || r.Added != 0 || r.Known != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

// FuzzJudge: whatever Odoo says of somebody, whoever comes in has a name to sign
// in with, secrets that can be checked, and an e-mail that counts as theirs only
// if it is their login or an administrator said so.
func FuzzJudge(f *testing.F) {
	f.Add("ada", "ada@example.org", "Ada", "+33612345678", "fr_FR", hashOfAdmin, oldApp, uint16(0), true)
	f.Add("Pia@x.org", "pia@x.org, b@x.org", "\x00", "06", "sr@latin", "", "false", uint16(7), false)
	f.Fuzz(func(t *testing.T, login, email, name, phone, lang, hash, app string, bits uint16, open bool) {
		bit := func(n int) bool { return bits>>n&1 == 1 }
		p := connector.Person{
			ID: 7, Login: login, Email: email, Name: name, Phone: phone, Lang: lang, Password: hash, App: app, Country: "FR",
			Active: !bit(0), Internal: bit(1), Portal: !bit(1) || bit(2), Zone: lang, Company: name,
		}
		on := map[connector.Class]connector.Choice{}
		for n, c := range connector.Classes {
			if bit(3 + n%12) {
				on[c.Class] = c.Choices[len(c.Choices)-1]
			}
		}
		in, skip := connector.Judge(connector.Options{On: on}, p, open)
		if skip {
			return
		}
		if in.Login == "" && in.Email == "" && login != "" {
			t.Errorf("no name: %+v", in)
		}
		if in.PasswordHash != "" && password.Known(in.PasswordHash) != nil {
			t.Errorf("a hash that cannot be checked")
		}
		if in.Phone != "" && !strings.HasPrefix(in.Phone, "+") || len(in.Name) > 256 || strings.ContainsFunc(in.Name, func(r rune) bool { return r < ' ' }) || in.Verified {
			t.Errorf("%+v", in)
		}
		if in.ProvenEmail && on[connector.Unproven] != connector.Verified && (idp.Canonical(in.Email) != idp.Canonical(login) || open && p.Portal) {
			t.Errorf("somebody's e-mail: %+v", in)
		}
	})
}
