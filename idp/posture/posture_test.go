package posture_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/posture"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/message"
)

// house offers what the factors would.
type house []mfa.Kind

func (h house) Kinds() []mfa.Kind { return h }

func (h house) Lent(s mfa.Subject) (out []mfa.Kind) {
	if s.PhoneVerified && slices.Contains(h, "sms") {
		out = append(out, "sms")
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add adds a person with a verified address who holds these.
func add(t testing.TB, db *store.DB, u idp.User, held ...mfa.Kind) {
	t.Helper()
	u.Login, u.Kind, u.Password = string(u.ID), idp.Internal, "hash"
	ids := []idp.Identifier{{Canonical: string(u.ID), Skeleton: string(u.ID)}}
	if u.Email != "" {
		ids = append(ids, idp.Identifier{Canonical: u.Email, Skeleton: u.Email})
	}
	must(t, db.Users.Add(t.Context(), u, ids))
	for _, k := range held {
		must(t, db.Credentials.Save(t.Context(), mfa.Credential{ID: mfa.CredentialID(string(u.ID) + string(k)), Subject: mfa.SubjectID(u.ID), Kind: k}))
	}
}

func everyone(name string, w policy.What) policy.Policy {
	return policy.Policy{Name: name, Enabled: true, Whom: policy.Whom{Everyone: true}, What: w}
}

func TestPreview(t *testing.T) {
	storetest.EachAt(t, func() time.Time { return now }, func(t *testing.T, db *store.DB) {
		add(t, db, idp.User{ID: "ann"})
		add(t, db, idp.User{ID: "bob"}, "totp")
		add(t, db, idp.User{ID: "cat", Disabled: true})
		add(t, db, idp.User{ID: "dan", Phone: "+3212345", PhoneVerified: true})
		add(t, db, idp.User{ID: "eve"}, "sms") // which the house does not offer
		s := posture.Service{Users: db.Users, Factors: house{"totp", "backup"}, Now: func() time.Time { return now }}
		must(t, db.Users.BeginGrace(t.Context(), "ann", []string{"id-g"}, now.AddDate(0, 0, -10)))

		grace := everyone("g", policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 14}})
		grace.ID = "id-g"
		keys := everyone("keys", policy.What{Assurance: policy.PhishingResistant, Enrolment: policy.Enrolment{Deadline: "2027-03-01"}})
		got := map[idp.UserID]posture.Standing{}
		look := func(ps []policy.Policy, o posture.Options) posture.Outlook {
			clear(got)
			out, err := s.Preview(t.Context(), ps, o, func(p posture.Person) error { got[p.User.ID] = p.Standing; return nil })
			must(t, err)
			return out
		}
		states := func(s posture.Standing) (out []string) {
			for _, p := range append([]posture.Point{s.Now}, s.Ahead...) {
				out = append(out, p.At.Format("01-02")+" "+string(p.State))
			}
			return out
		}
		out := look([]policy.Policy{grace, keys}, posture.Options{})
		for id, want := range map[idp.UserID][]string{
			"ann": {"11-21 fine", "11-25 must_set_up", "03-01 shut_out"}, // her grace has begun
			"bob": {"11-21 asked", "12-05 asked", "03-01 shut_out"},
			"dan": {"11-21 fine", "12-05 must_set_up", "03-01 shut_out"},
			"eve": {"11-21 shut_out", "12-05 shut_out", "03-01 shut_out"},
		} {
			if !slices.Equal(states(got[id]), want) {
				t.Errorf("%s: %v, want %v", id, states(got[id]), want)
			}
		}
		if len(got) != 4 {
			t.Errorf("%d people; one is disabled", len(got))
		}
		want := []string{
			" fine 2 asked 1 must_set_up 0 shut_out 1",
			"2026-11-25 fine 1 asked 1 must_set_up 1 shut_out 1",
			"2026-12-05 fine 0 asked 1 must_set_up 2 shut_out 1",
			"2027-03-01 fine 0 asked 0 must_set_up 0 shut_out 4",
		}
		if text := outlook(out); !slices.Equal(text, want) {
			t.Errorf("outlook:\n%s", strings.Join(text, "\n"))
		}
		if p := got["ann"].Ahead[0]; !slices.Equal(p.SetUp, []mfa.Kind{"totp"}) || !slices.Equal(p.Reasons, []policy.Reason{{Policy: "g", Dimension: "assurance", Value: "mfa"}}) {
			t.Errorf("%+v", p)
		}

		// At a day to come; what is after it is still ahead.
		look([]policy.Policy{grace, keys}, posture.Options{At: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)})
		if ann := states(got["ann"]); !slices.Equal(ann, []string{"11-25 must_set_up", "03-01 shut_out"}) {
			t.Errorf("%v", ann)
		}

		// At one door.
		door := everyone("odoo", policy.What{Assurance: policy.MFA})
		door.Where = policy.Where{Clients: []string{"odoo"}, Networks: policy.Networks{NotIn: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
		office, away := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.1")
		for name, c := range map[string]struct {
			o    posture.Options
			want posture.State
		}{
			"anywhere":              {posture.Options{}, posture.MustSetUp},
			"Odoo":                  {posture.Options{Client: "odoo"}, posture.MustSetUp},
			"another":               {posture.Options{Client: "shop"}, posture.Fine},
			"Odoo, in the office":   {posture.Options{Client: "odoo", Network: office}, posture.Fine},
			"any, in the office":    {posture.Options{Network: office}, posture.Fine},
			"any, from elsewhere":   {posture.Options{Network: away}, posture.MustSetUp},
			"other, from elsewhere": {posture.Options{Client: "shop", Network: away}, posture.Fine},
		} {
			c.o.Users = []idp.User{{ID: "ann"}}
			look([]policy.Policy{door}, c.o)
			if st := got["ann"].Now.State; st != c.want || len(got) != 1 {
				t.Errorf("%s: %s, want %s (%d people)", name, st, c.want, len(got))
			}
		}
	})
}

func outlook(o posture.Outlook) (out []string) {
	for _, d := range o {
		line := string(d.Day)
		for _, s := range posture.States {
			line += fmt.Sprintf(" %s %d", s, d.States[s])
		}
		out = append(out, line)
	}
	return out
}

// More people than fit on a page are all seen, once.
func TestPreviewOfMany(t *testing.T) {
	db := storetest.Open(t)
	var all []idp.UserID
	for i := range 1203 {
		id := idp.UserID(fmt.Sprintf("u%04d", i))
		all = append(all, id)
		must(t, db.Users.Add(t.Context(), idp.User{ID: id, Login: string(id), Kind: idp.Portal, Password: "x"}, []idp.Identifier{{Canonical: string(id), Skeleton: string(id)}}))
	}
	s := posture.Service{Users: db.Users, Factors: house{"totp"}, Now: time.Now}
	var seen []idp.UserID
	out, err := s.Preview(t.Context(), nil, posture.Options{}, func(p posture.Person) error { seen = append(seen, p.User.ID); return nil })
	must(t, err)
	if !slices.Equal(seen, all) || out[0].States[posture.Fine] != len(all) {
		t.Errorf("saw %d, counted %v", len(seen), out)
	}
	stop := errors.New("enough")
	if _, err := s.Preview(t.Context(), nil, posture.Options{}, func(posture.Person) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestOver(t *testing.T) {
	there := []policy.Policy{{ID: "1", Name: "a"}, {ID: "2", Name: "b"}}
	got := posture.Over(there, []policy.Policy{{Name: "b", Enabled: true}, {Name: "c"}})
	if len(got) != 3 || got[1].ID != "2" || !got[1].Enabled || got[2].Name != "c" || there[1].Enabled {
		t.Errorf("%+v, %+v", got, there)
	}
}

// world is an outbox with two instances that remind.
type world struct {
	*storetest.Clock
	t    *testing.T
	db   *store.DB
	both []*posture.Reminders
}

func newWorld(t *testing.T, db *store.DB, c *storetest.Clock) *world {
	w := &world{Clock: c, t: t, db: db}
	for range 2 {
		w.both = append(w.both, &posture.Reminders{
			Users: db.Users, Policies: db.Policies, Factors: house{"totp", "sms"}, Now: c.Now,
			Tell: &message.Notices{Outbox: db.Outbox(), Issuer: "https://id.example.org", Brand: "House", Now: c.Now},
		})
	}
	return w
}

// mails runs a round in both instances and returns to whom was written.
func (w *world) mails() (to []string) {
	w.t.Helper()
	before := w.all()
	for range 2 {
		for _, r := range w.both {
			must(w.t, r.Run(w.t.Context()))
		}
	}
	for id, m := range w.all() {
		if _, old := before[id]; !old {
			to = append(to, m.To)
		}
	}
	slices.Sort(to)
	return to
}

func (w *world) all() map[string]mail.Message {
	ms, err := w.db.Outbox().Newest(w.t.Context(), 100)
	must(w.t, err)
	out := map[string]mail.Message{}
	for _, m := range ms {
		out[m.ID] = m
	}
	return out
}

// People hear of a deadline 14, 7, 3 and 1 days before, once each, whoever
// sends, and only those who would not get in.
func TestReminders(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, clock)
		mailed := func(id idp.UserID) idp.User {
			return idp.User{ID: id, Name: string(id), Email: string(id) + "@x.org", EmailVerified: true}
		}
		add(t, db, mailed("ann"))
		add(t, db, mailed("bob"), "totp") // is ready
		off, unproven, phone, spared := mailed("off"), mailed("unproven"), mailed("phone"), mailed("spared")
		off.Disabled, unproven.EmailVerified = true, false
		phone.Phone, phone.PhoneVerified = "+3212345", true // a code may be sent to it: nothing to set up
		for _, u := range []idp.User{off, unproven, phone, spared} {
			add(t, db, u)
		}
		add(t, db, idp.User{ID: "silent"})
		add(t, db, mailed("key"), "totp")
		start := clock.Now().UTC().Truncate(24 * time.Hour)
		day := func(n int) policy.Date { return policy.Date(start.AddDate(0, 0, n).Format(time.DateOnly)) }
		p := everyone("p", policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "sms"}, Enrolment: policy.Enrolment{Deadline: day(20)}})
		p.Whom.Except = []policy.Except{{User: "spared", Until: day(99)}}
		keys := policy.Policy{Name: "keys", Enabled: true, Whom: policy.Whom{Users: []string{"key"}},
			What: policy.What{Assurance: policy.PhishingResistant, Enrolment: policy.Enrolment{Deadline: day(22)}}}
		must(t, db.Policies.Apply(t.Context(), []policy.Policy{p, keys}))

		got := map[int][]string{}
		for d := range 24 {
			clock.Pass(start.AddDate(0, 0, d).Add(9 * time.Hour).Sub(clock.Now()))
			if to := w.mails(); to != nil {
				got[d] = to
			}
		}
		// The day counts from midnight: at nine in the morning 14 days are left on the seventh.
		ann, key := []string{"ann@x.org"}, []string{"key@x.org"}
		want := map[int][]string{6: ann, 8: key, 13: ann, 15: key, 17: ann, 19: {"ann@x.org", "key@x.org"}, 21: key}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("written %v\nwant %v", got, want)
		}
		for _, m := range w.all() {
			if m.To == "key@x.org" && !strings.Contains(m.Text, "tell your administrator before then") {
				t.Errorf("nothing helps but the administrator:\n%s", m.Text)
			}
		}
	})
}

// Days of grace that have not begun end at no day that could be told; then
// they count from the first sign-in. What no server told in time is not told
// late, and the newest reminder stands for those missed.
func TestRemindersOfGrace(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	w := newWorld(t, db, clock)
	add(t, db, idp.User{ID: "ann", Email: "ann@x.org", EmailVerified: true, Locale: "fr"})
	must(t, db.Policies.Apply(t.Context(), []policy.Policy{everyone("p", policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 10}})}))
	ps, err := db.Policies.All(t.Context())
	must(t, err)
	for range 3 {
		if to := w.mails(); to != nil {
			t.Fatalf("written to %v", to)
		}
		clock.Pass(48 * time.Hour)
	}
	must(t, db.Users.BeginGrace(t.Context(), "ann", []string{ps[0].ID}, clock.Now()))
	if to := w.mails(); len(to) != 1 {
		t.Errorf("ten days are left: written to %v", to)
	}
	clock.Pass(8 * 24 * time.Hour) // past seven and three
	if to := w.mails(); len(to) != 1 {
		t.Errorf("two days are left: written to %v", to)
	}
	clock.Pass(time.Hour)
	if to := w.mails(); to != nil {
		t.Errorf("written again to %v", to)
	}
	clock.Pass(7 * 24 * time.Hour)
	if to := w.mails(); to != nil {
		t.Errorf("written after the deadline to %v", to)
	}
	for _, m := range w.all() {
		if !strings.Contains(m.Subject, "validation en deux étapes") {
			t.Errorf("not in her language: %s", m.Subject)
		}
	}
}

// deaf fails for one person.
type deaf struct{ told []idp.UserID }

func (d *deaf) Deadline(_ context.Context, u idp.User, _ posture.Reminder) error {
	if u.ID == "ann" {
		return errors.New("no pen")
	}
	d.told = append(d.told, u.ID)
	return nil
}

func TestOneWhoCannotBeToldKeepsNobodyUninformed(t *testing.T) {
	db := storetest.Open(t)
	for _, id := range []idp.UserID{"ann", "bob"} {
		add(t, db, idp.User{ID: id, Email: string(id) + "@x.org", EmailVerified: true})
	}
	must(t, db.Policies.Apply(t.Context(), []policy.Policy{everyone("p", policy.What{Assurance: policy.MFA,
		Enrolment: policy.Enrolment{Deadline: policy.Date(time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly))}})}))
	d := &deaf{}
	r := posture.Reminders{Users: db.Users, Policies: db.Policies, Factors: house{"totp"}, Tell: d, Now: time.Now}
	for range 2 {
		if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "ann: no pen") {
			t.Errorf("%v", err)
		}
	}
	if !slices.Equal(d.told, []idp.UserID{"bob"}) {
		t.Errorf("told %v", d.told)
	}
}
