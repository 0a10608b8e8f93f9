package register_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/mail"
	"latchkey/idp/password"
	"latchkey/idp/people"
	"latchkey/idp/register"
	"latchkey/idp/settings"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/ui/message"
)

const good = "three green boats at noon"

var (
	host = idp.Actor{Host: true}
	from = idp.Origin{Address: "203.0.113.7"}
)

// town is registration over real stores, with the mails that it wrote.
type town struct {
	*register.Service
	t     *testing.T
	db    *store.DB
	clock *storetest.Clock
}

func open(t *testing.T, db *store.DB, clock *storetest.Clock) *town {
	t.Helper()
	notices := &message.Notices{Outbox: db.Outbox(), Links: db.Links, Issuer: "https://id.example.org", Brand: "Atelier", Now: clock.Now}
	accounts := &account.Service{
		Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Log: db.Log, Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now, MinPassword: 15,
		Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0), Notify: notices, Links: db.Links, Owners: db.Owners, Locks: db.Locks,
	}
	out := &town{t: t, db: db, clock: clock, Service: &register.Service{
		Settings: &settings.Service{Store: db.Settings, Log: db.Log, Atomic: db.Atomic, Now: clock.Now},
		Accounts: accounts, Requests: db.Requested, Letters: notices, Limiter: db.Limiter, Network: signin.Network,
	}}
	out.set(settings.Registration{Open: true})
	return out
}

func each(t *testing.T, f func(h *town)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(open(t, db, clock)) })
}

func one(t *testing.T) *town {
	clock := storetest.NewClock()
	return open(t, storetest.OpenAt(t, clock.Now), clock)
}

func (h *town) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *town) set(next settings.Registration) {
	h.t.Helper()
	_, version, err := h.Settings.ReadRegistration(h.t.Context(), host)
	h.must(err)
	h.must(h.Settings.ChangeRegistration(h.t.Context(), host, version, next))
}

// ask asks for an account and returns the mails that came of it.
func (h *town) ask(email string) []mail.Message {
	h.t.Helper()
	h.clock.Pass(time.Second) // the newest are found by their time
	before := len(h.letters())
	in := register.Asked{Email: email, Name: "Ada King", Language: "fr"}
	h.must(h.Ask(h.t.Context(), from, in))
	all := h.letters()
	return all[:len(all)-before]
}

func (h *town) letters() []mail.Message {
	h.t.Helper()
	all, err := h.db.Outbox().Newest(h.t.Context(), 100)
	h.must(err)
	return all
}

func tokenOf(m mail.Message) string {
	_, rest, _ := strings.Cut(m.Text, "/register/")
	token, _, _ := strings.Cut(rest, "\n")
	return token
}

func (h *town) everybody() []people.Entry {
	h.t.Helper()
	all, err := h.db.People.Find(h.t.Context(), people.Query{Limit: 100})
	h.must(err)
	return all
}

func (h *town) events(what string) (out []idp.Event) {
	h.t.Helper()
	h.must(h.db.Log.Events(h.t.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error { out = append(out, e); return nil }))
	return out
}

// make follows a link.
func (h *town) make(token string, in register.Chosen) (idp.User, error) {
	r, err := h.Open(h.t.Context(), token)
	if err != nil {
		return idp.User{}, err
	}
	if in.Name == "" {
		in.Name = r.Name
	}
	if in.Agreement == "" {
		in.Agreement = r.Agreement()
	}
	return h.Make(h.t.Context(), from, r, in)
}

// A-13, E-04, E-09, D-02: nobody is stored before a password is chosen; then it is
// a portal customer without a role whose address is proven, by a link that is
// good once. What is refused leaves the link as it is.
func TestRegister(t *testing.T) {
	each(t, func(h *town) {
		t, ctx := h.t, h.t.Context()
		h.set(settings.Registration{Open: true, Groups: []string{"Customers"}, Terms: "https://example.org/terms"})
		sent := h.ask(" ADA@Example.org ")
		if len(sent) != 1 || sent[0].To != "ada@example.org" || !strings.Contains(sent[0].Subject, "créez votre compte") || strings.Contains(sent[0].Text, "Ada King") {
			t.Fatalf("%+v", sent) // E-11: a stranger's words are in no mail
		}
		token := tokenOf(sent[0])
		if len(h.everybody()) != 0 {
			t.Error("somebody is stored")
		}
		for _, wrong := range []string{"", "x", token + "x", idp.HashLink(token)} {
			if _, err := h.make(wrong, register.Chosen{Password: good, Agreed: true}); !errors.Is(err, idp.ErrExpired) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		for _, plain := range []string{"", "short", "ada@example.org", strings.Repeat("x", 257)} {
			if _, err := h.make(token, register.Chosen{Password: plain, Agreed: true}); !errors.Is(err, idp.ErrInvalid) || errors.Is(err, register.ErrTerms) {
				t.Errorf("%q: %v", plain, err)
			}
		}
		if _, err := h.make(token, register.Chosen{Password: good}); !errors.Is(err, register.ErrTerms) {
			t.Errorf("without the terms: %v", err)
		}
		u, err := h.make(token, register.Chosen{Password: good, Zone: "Europe/Paris", Agreed: true})
		h.must(err)
		u, err = h.db.Users.ByID(ctx, u.ID)
		h.must(err)
		if u.Kind != idp.Portal || u.Role != "" || u.Email != "ada@example.org" || u.Login != u.Email || !u.EmailVerified || u.Name != "Ada King" || u.Locale != "fr" ||
			!slices.Equal(u.Groups, []string{"Customers"}) || u.Profile.Zoneinfo != "Europe/Paris" {
			t.Errorf("%+v", u)
		}
		if ok, _, err := h.Accounts.Passwords.Check(ctx, u.Password, good); err != nil || !ok {
			t.Errorf("the password is not theirs: %v", err)
		}
		if all := h.everybody(); len(all) != 1 || all[0].Registered.IsZero() {
			t.Errorf("%+v", all)
		}
		es := h.events("user.register")
		if len(es) != 1 || es[0].User != u.ID || es[0].Actor != u.ID || es[0].Origin.Address != from.Address || es[0].Detail["terms"] != "https://example.org/terms" {
			t.Errorf("%+v", es)
		}
		if _, err := h.make(token, register.Chosen{Password: good, Agreed: true}); !errors.Is(err, idp.ErrExpired) {
			t.Errorf("twice: %v", err)
		}
	})
}

// E-04: of many who follow one link at once one makes an account.
func TestRegisterOnce(t *testing.T) {
	each(t, func(h *town) {
		r, err := h.Open(h.t.Context(), tokenOf(h.ask("ada@example.org")[0]))
		h.must(err)
		var wg sync.WaitGroup
		made := make(chan idp.UserID, 6)
		for range cap(made) {
			wg.Go(func() {
				u, err := h.Make(context.WithoutCancel(h.t.Context()), from, r, register.Chosen{Name: "Ada", Password: good})
				if err == nil {
					made <- u.ID
				} else if !errors.Is(err, idp.ErrTaken) && !errors.Is(err, idp.ErrSpent) {
					h.t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(made) != 1 || len(h.everybody()) != 1 {
			h.t.Errorf("%d made, %d are there", len(made), len(h.everybody()))
		}
	})
}

// E-01, E-06, A-13: whoever is known gets one mail at the address on file, without
// a link to an account, and nothing is changed; neither look-alikes nor unproven
// or disabled accounts make a difference to how many mails there are.
func TestKnown(t *testing.T) {
	h := one(t)
	ctx := t.Context()
	add := func(login, email string, verified bool) idp.User {
		u, err := h.Accounts.Add(ctx, host, account.New{Login: login, Email: email, Verified: verified, Password: good, Locale: "de"})
		h.must(err)
		return u
	}
	ada := add("ada", "ada@example.org", true)
	add("bob@example.org", "robert@example.org", true)
	eve := add("eve", "eve@example.org", false)
	for asked, want := range map[string]struct{ to, subject string }{
		"Ada@example.org": {"ada@example.org", "haben schon ein Konto"}, "bob@example.org": {"robert@example.org", "haben schon ein Konto"},
		"eve@example.org":      {"eve@example.org", "pas de compte"},
		"а\u0501а@example.org": {"а\u0501а@example.org", "pas de compte"}, // looks the same
		"аdа@example.org":      {},                                        // mixes scripts: refused by the form
		"example":              {},
	} {
		sent := h.ask(asked)
		if want.to == "" {
			if len(sent) != 0 {
				t.Errorf("%s: %+v", asked, sent)
			}
			continue
		}
		if len(sent) != 1 || sent[0].To != want.to || !strings.Contains(sent[0].Subject, want.subject) || strings.Contains(sent[0].Text, "/register/") {
			t.Errorf("%s: %+v", asked, sent)
		}
	}
	after, err := h.db.Users.ByID(ctx, ada.ID)
	if err != nil || after.Epoch != ada.Epoch || after.Password != ada.Password {
		t.Errorf("%+v, %v", after, err)
	}
	if u, _ := h.db.Users.ByID(ctx, eve.ID); u.EmailVerified {
		t.Error("an address was proven by asking")
	}
	if len(h.everybody()) != 3 {
		t.Error("somebody was made")
	}
}

// E-09: an address that somebody has by the time of the click makes no second
// account, and one that looks the same neither.
func TestTakenMeanwhile(t *testing.T) {
	h := one(t)
	token := tokenOf(h.ask("ada@example.org")[0])
	_, err := h.Accounts.Add(t.Context(), host, account.New{Login: "ada@example.org", Password: good})
	h.must(err)
	if _, err := h.make(token, register.Chosen{Password: good}); !errors.Is(err, idp.ErrTaken) || len(h.everybody()) != 1 {
		t.Errorf("%v", err)
	}
}

// D-11: what a stranger calls an application is in no log and in no link.
func TestClientThatIsNone(t *testing.T) {
	h := one(t)
	h.Title = func(_ context.Context, id idp.ClientID) (string, error) {
		return map[idp.ClientID]string{"shop": "Shop"}[id], nil
	}
	for client, want := range map[idp.ClientID]idp.ClientID{"shop": "shop", "call 555-0199": "", idp.ClientID(strings.Repeat("x", 10_000)): ""} {
		h.clock.Pass(time.Hour)
		h.must(h.Ask(t.Context(), from, register.Asked{Email: "ada@example.org", Name: "Ada", Language: "en", Client: client}))
		all := h.letters()
		r, err := h.Open(t.Context(), tokenOf(all[0]))
		if es := h.events("register.ask"); err != nil || r.Client != want || es[len(es)-1].Client != want {
			t.Errorf("%.20q: %q, %v", client, r.Client, err)
		}
	}
}

// Off means off, at once: for asking, and for links that are under way.
func TestOff(t *testing.T) {
	h := one(t)
	token := tokenOf(h.ask("ada@example.org")[0])
	for name, r := range map[string]settings.Registration{
		"off": {}, "another application": {Open: true, Clients: []idp.ClientID{"shop"}}, "another domain": {Open: true, Allowed: []string{"example.net"}},
		"a refused domain": {Open: true, Refused: []string{"example.org"}},
	} {
		h.set(r)
		if sent := h.ask("bob@example.org"); len(sent) != 0 {
			t.Errorf("%s: %+v", name, sent)
		}
		if _, err := h.make(token, register.Chosen{Password: good}); !errors.Is(err, idp.ErrExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.set(settings.Registration{Open: true})
	h.clock.Pass(59 * time.Minute)
	if _, err := h.Open(t.Context(), token); err != nil {
		t.Error(err)
	}
	h.clock.Pass(time.Minute)
	if _, err := h.Open(t.Context(), token); !errors.Is(err, idp.ErrExpired) {
		t.Errorf("after an hour: %v", err)
	}
}

// B-10, B-11, C-12: neither a mailbox nor a table is filled from here, from one
// place or from many; a newer link, which a stranger may have asked for, leaves
// the older one as it is.
func TestBudgets(t *testing.T) {
	h := one(t)
	first := tokenOf(h.ask("ada@example.org")[0])
	if sent := h.ask("ada@example.org"); len(sent) != 0 {
		t.Errorf("at once again: %+v", sent)
	}
	h.clock.Pass(time.Minute)
	second := tokenOf(h.ask("ada@example.org")[0])
	if r, err := h.Open(t.Context(), first); err != nil || r.Client != "" {
		t.Errorf("the older link: %v", err)
	}
	if _, err := h.Open(t.Context(), second); err != nil {
		t.Error(err)
	}
	h.clock.Pass(time.Minute)
	h.ask("ada@example.org")
	h.clock.Pass(time.Minute)
	if sent := h.ask("ada@example.org"); len(sent) != 0 {
		t.Errorf("a fourth mail in an hour: %+v", sent)
	}
}

// C-12: one place, and everybody together; who asks for an account at one of many
// networks of a site is at that site. That it is full is told, whatever the
// address, and is an event once an hour.
func TestRoom(t *testing.T) {
	h := one(t)
	room := func(format string, n int) (got int) {
		for i := range n {
			err := h.Room(t.Context(), idp.Origin{Address: fmt.Sprintf(format, i)})
			if err == nil {
				got++
			} else if !errors.Is(err, mfa.ErrLocked) {
				t.Fatal(err)
			}
		}
		return got
	}
	if n := room("2001:db8::%x", 30); n != 20 {
		t.Errorf("%d from one network", n)
	}
	if n := room("2001:db8:1:%x::1", 50); n != 40 {
		t.Errorf("%d from one site", n)
	}
	if len(h.events("register.full")) != 0 {
		t.Error("it is not full")
	}
	for i := range 9 {
		room(fmt.Sprintf("198.51.%d.", i)+"%d", 60)
	}
	if es := h.events("register.full"); len(es) != 1 || es[0].Origin.Address != "" {
		t.Errorf("%+v", es)
	}
}

// B-11: a mailbox is one mailbox by all its names.
func TestOneMailbox(t *testing.T) {
	h := one(t)
	for _, names := range [][]string{{"ada@example.org", "ada+1@example.org", "Ada+2@example.org"}, {"ada.king@gmail.com", "adaking+x@gmail.com", "a.d.a.king@googlemail.com"}} {
		for i, name := range names {
			if sent := h.ask(name); len(sent) != max(0, 1-i) {
				t.Errorf("%s: %d mails", name, len(sent))
			}
		}
	}
	if len(h.ask("ada.lovelace@example.org"))+len(h.ask("adalovelace@example.org")) != 2 {
		t.Error("elsewhere a dot is a letter")
	}
}

// E-11, A-13: a stranger's words are a name and nothing else, and an address is
// the one that it looks like.
func TestForm(t *testing.T) {
	h := one(t)
	for name, right := range map[string]bool{
		"Ada King": true, "Dr.Müller": true, "J. R. R. Tolkien": true, "Nguyễn Thị Mai": true, "": false, " ": false, "Call 1@example.org": false, "Win at evil.example": false,
		"https://evil": false, "www.evil": false, "Ada\nKing": false, "Ada\u2028King": false, "Ada \u202egniK": false, "Ada\u0085King": false, strings.Repeat("x", 257): false,
	} {
		if err := h.Check(register.Asked{Email: "ada@example.org", Name: name, Language: "en"}); (err == nil) != right || err != nil && !errors.Is(err, register.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for address, right := range map[string]bool{
		"ada@example.org": true, "ADA+x@Example.org": true, "o'neill@example.org": true, "ada@localhost": false, "ada@[192.0.2.1]": false, "ada@192.0.2.1": false, "a%b@example.org": false,
		"a!b@example.org": false, "\"a b\"@example.org": false, "ada@straße.example": false, "ada@ﬁrma.example": false, "ada@example.org.": false, "ada@-x.example": false,
	} {
		in := register.Asked{Email: address, Name: "Ada", Language: "en"}
		if err := h.Check(in); (err == nil) != right {
			t.Errorf("%s: %v", address, err)
		}
		if !right {
			if sent := h.ask(address); len(sent) != 0 {
				t.Errorf("%s: %+v", address, sent)
			}
		}
	}
}

// E-11, X-07: what a stranger wrote is a suggestion; D-07: who makes an account is
// the one who did it; A-01: the rules that count are those of the groups that a
// person gets.
func TestMakeIsTheirs(t *testing.T) {
	h := one(t)
	h.set(settings.Registration{Open: true, Terms: "https://example.org/1", Groups: []string{"Customers"}})
	token := tokenOf(h.ask("ada@example.org")[0])
	r, err := h.Open(t.Context(), token)
	h.must(err)
	h.set(settings.Registration{Open: true, Terms: "https://example.org/2", Groups: []string{"Customers", "Fed"}})
	h.Settings.Fed = func(_ context.Context, g string) (string, bool, error) { return "shop", g == "Fed", nil }
	if _, err := h.make(token, register.Chosen{Password: good, Agreed: true, Agreement: r.Agreement()}); !errors.Is(err, register.ErrTerms) {
		t.Errorf("agreed to other terms: %v", err)
	}
	if _, err := h.make(token, register.Chosen{Name: "evil.example", Password: good, Agreed: true}); !errors.Is(err, register.ErrName) {
		t.Errorf("a link for a name: %v", err)
	}
	if r, err = h.Open(t.Context(), token); err != nil || !slices.Equal(r.Person().Groups, []string{"Customers"}) {
		t.Errorf("%v, %v", r.Person().Groups, err)
	}
	u, err := h.make(token, register.Chosen{Name: "Ada Lovelace", Password: good, Agreed: true})
	h.must(err)
	if es := h.events("user.add"); u.Name != "Ada Lovelace" || len(es) != 1 || es[0].Actor != u.ID || es[0].User != u.ID {
		t.Errorf("%+v, %+v", u, es)
	}
}
