package texts_test

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/settings"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/idp/texts"
	"latchkey/mfa"
	"latchkey/mfa/code"
)

var (
	admin   = idp.Actor{User: "a", Role: idp.Admin}
	auditor = idp.Actor{User: "b", Role: idp.Auditor}
	helper  = idp.Actor{User: "c", Role: idp.HelpDesk}
)

func each(t *testing.T, f func(t *testing.T, db *store.DB, s *texts.Service)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		f(t, db, &texts.Service{
			Store: db.Texts, Users: db.Users, Outbox: db.Outbox(), Log: db.Log, Atomic: db.Atomic, Limiter: db.Limiter,
			Day: code.Factor{Channel: code.SMS, Rates: code.Rates{CountryDay: 3}}.Day,
			Now: func() time.Time {
				clock.Pass(time.Millisecond) // so that events have an order
				return clock.Now()
			},
			Messages: []texts.Message{{Name: "code", Languages: []string{"en", "fr"}, Parts: []texts.Part{
				{Name: "subject", Values: []string{"brand"}, Most: 20}, {Name: "next", Most: 40},
			}}},
		})
	})
}

func own(version int64, pairs ...string) texts.Own {
	o := texts.Own{Message: "code", Language: "fr", Version: version, Texts: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Texts[pairs[i]] = pairs[i+1]
	}
	return o
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// D-01, D-07: who may not, does not; what is changed is in the log with what was
// before, and counts at once.
func TestChange(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *texts.Service) {
		ctx := t.Context()
		if _, err := s.List(ctx, helper); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("the help desk looks: %v", err)
		}
		if err := s.Change(ctx, auditor, own(0, "next", "x")); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("an auditor changes: %v", err)
		}
		must(t, s.Change(ctx, admin, own(0, "subject", "  De {brand}\r\n", "next", "")))
		if text, ok := s.Text("code", "fr", "subject"); !ok || text != "De {brand}" {
			t.Errorf("%q, %t", text, ok)
		}
		if _, ok := s.Text("code", "en", "subject"); ok {
			t.Error("another language has it, too")
		}
		must(t, s.Change(ctx, admin, own(1, "subject", "De {brand}"))) // nothing
		must(t, s.Change(ctx, admin, own(1, "next", "Rien.")))
		o, err := s.Get(ctx, auditor, "code", "fr")
		if err != nil || o.Version != 2 || !maps.Equal(o.Texts, map[string]string{"next": "Rien."}) {
			t.Errorf("%+v, %v", o, err)
		}
		if err := s.Change(ctx, admin, own(1)); !errors.Is(err, idp.ErrSpent) {
			t.Errorf("an old version: %v", err)
		}
		must(t, s.Change(ctx, admin, own(2)))
		if o, err := s.Get(ctx, admin, "code", "fr"); err != nil || o.Version != 3 || len(o.Texts) != 0 {
			t.Errorf("reset: %+v, %v", o, err)
		}
		var log []idp.Event
		must(t, db.Log.Events(ctx, idp.EventQuery{What: []string{"message.change"}}, func(e idp.Event) error {
			log = append(log, e)
			return nil
		}))
		if len(log) != 3 || log[1].Detail["subject.before"] != "De {brand}" || log[1].Detail["next.after"] != "Rien." || log[1].Actor != "a" {
			t.Errorf("%+v", log)
		}
		for _, o := range []texts.Own{{Message: "none", Language: "fr"}, {Message: "code", Language: "xx"}} {
			if err := s.Change(ctx, admin, o); !errors.Is(err, idp.ErrNotFound) {
				t.Errorf("%+v: %v", o, err)
			}
		}
	})
}

// Of many who change the same one wins.
func TestRace(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *texts.Service) {
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := s.Change(t.Context(), admin, own(0, "next", "x")); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, idp.ErrSpent):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if o, err := s.Get(t.Context(), admin, "code", "fr"); err != nil || o.Version != 1 || won.Load() != 1 {
			t.Errorf("%d won; %+v, %v", won.Load(), o, err)
		}
	})
}

// X-05, E-11: what cannot be said says why, all at once.
func TestCheck(t *testing.T) {
	s := &texts.Service{Messages: []texts.Message{{Name: "code", Languages: []string{"fr"}, Parts: []texts.Part{
		{Name: "subject", Values: []string{"brand"}, Most: 20}, {Name: "next", Most: 40},
	}}}}
	for _, c := range []struct {
		text, part string
		want       []texts.Reason
	}{
		{"Code", "subject", []texts.Reason{texts.Lacks}},
		{"{marque}", "subject", []texts.Reason{texts.Unknown, texts.Lacks}},
		{"{brand} {brand} {code}", "subject", []texts.Reason{texts.TooLong, texts.Unknown}},
		{"{brand} 100 % {", "subject", nil},
		{"{brand}\x00", "subject", []texts.Reason{texts.Unclean}},
		{"{brand}\u202e", "subject", []texts.Reason{texts.Unclean}},
		{"{brand}", "next", []texts.Reason{texts.Unknown}},
		{strings.Repeat("é", 40), "next", nil},
		{strings.Repeat("é", 41), "next", []texts.Reason{texts.TooLong}},
	} {
		_, err := s.Check(own(0, c.part, c.text))
		var got texts.Mistakes
		errors.As(err, &got)
		if len(got) != len(c.want) || (err != nil) != errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v, want %v", c.text, err, c.want)
			continue
		}
		for i, m := range got {
			if m.Part != c.part || m.Reason != c.want[i] {
				t.Errorf("%q: %v, want %v", c.text, m, c.want[i])
			}
		}
	}
	if _, err := s.Check(own(0, "foot", "x")); !errors.Is(err, idp.ErrInvalid) {
		t.Errorf("the foot: %v", err)
	}
}

// E-11: a value that looks like a place is none.
func TestFill(t *testing.T) {
	if got := texts.Fill("{day}: {brand} {brand} {other}", []string{"brand", "day"}, []string{"{day}", "Monday"}); got != "Monday: {day} {day} {other}" {
		t.Error(got)
	}
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		text             string
		messages, length int
		whole            bool
	}{
		{"", 0, 0, true}, {strings.Repeat("a", 160), 1, 160, true}, {strings.Repeat("a", 161), 2, 161, true}, {strings.Repeat("é", 306), 2, 306, true},
		{"{€}", 1, 6, true}, {strings.Repeat("ê", 70), 1, 70, false}, {strings.Repeat("ê", 71), 2, 71, false}, {"😀", 1, 2, false},
	} {
		if m, l, w := texts.Segments(c.text); m != c.messages || l != c.length || w != c.whole {
			t.Errorf("%.10s: %d, %d, %t", c.text, m, l, w)
		}
	}
}

// A test message goes to whoever asks for it, whatever it says of its recipient.
func TestTry(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *texts.Service) {
		ctx := t.Context()
		must(t, db.Users.Add(ctx, idp.User{ID: "a", Login: "ada", Email: "ada@example.org", EmailVerified: true, Phone: "+33612345678", Role: idp.Admin}, nil))
		m := mail.Message{Channel: mail.Mail, To: "victim@example.org", Subject: "S", Text: "T"}
		if to, err := s.Try(ctx, admin, "code", m); err != nil || to != "ada@example.org" {
			t.Errorf("%s, %v", to, err)
		}
		m.Channel = mail.SMS
		if _, err := s.Try(ctx, admin, "code", m); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("to a number that nobody has proven: %v", err)
		}
		if _, err := s.Try(ctx, auditor, "code", m); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("an auditor: %v", err)
		}
		all, err := db.Outbox().Newest(ctx, 10)
		if err != nil || len(all) != 1 || all[0].To != "ada@example.org" || all[0].Subject != "S" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// B-11: tests are few in an hour, of whatever message, and together with those of
// the gateways; by SMS they are of what the house sends in a day, too.
func TestTryIsBounded(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *texts.Service) {
		ctx := t.Context()
		must(t, db.Users.Add(ctx, idp.User{
			ID: "a", Login: "ada", Email: "ada@example.org", EmailVerified: true, Phone: "+33612345678", PhoneVerified: true, Role: idp.Admin,
		}, nil))
		letter, text := mail.Message{Channel: mail.Mail, Text: "T"}, mail.Message{Channel: mail.SMS, Text: "T"}
		for range 3 {
			_, err := s.Try(ctx, admin, "code", text)
			must(t, err)
		}
		locked := (*mfa.LockedError)(nil)
		if _, err := s.Try(ctx, admin, "code", text); !errors.As(err, &locked) || locked.Key != "send-country:+33 FR" {
			t.Errorf("more to a country than a day has: %v", err)
		}
		for range 6 {
			_, err := s.Try(ctx, admin, "code", letter)
			must(t, err)
		}
		must(t, db.Limiter.Take(ctx, settings.Trials(admin.User)))
		if _, err := s.Try(ctx, admin, "code", letter); !errors.As(err, &locked) || locked.Key != "test:a" {
			t.Errorf("an eleventh test: %v", err)
		}
		if all, err := db.Outbox().Newest(ctx, 20); err != nil || len(all) != 9 {
			t.Errorf("%d, %v", len(all), err)
		}
	})
}
