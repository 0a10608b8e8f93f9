package code_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/code"
)

// instance is a factor as each instance of the program has one, on a database
// that they share.
func instance(db *store.DB, clock *storetest.Clock, k mfa.Kind, p *post) code.Factor {
	return code.Factor{Channel: k, Courier: p, Limiter: db.Limiter, Now: clock.Now}
}

func each(t *testing.T, f func(t *testing.T, db *store.DB, clock *storetest.Clock)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(t, db, clock) })
}

// sends asks for a code and expects it to be sent, or a lock of so long.
func sends(t *testing.T, what string, f code.Factor, clock *storetest.Clock, s mfa.Subject, lock time.Duration) {
	t.Helper()
	_, _, err := f.Enroll(t.Context(), s, nil)
	if lock == 0 {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	var locked *mfa.LockedError
	if !errors.As(err, &locked) || locked.Until.Sub(clock.Now()).Round(time.Second) != lock {
		t.Errorf("%s: %v, want a lock of %v", what, err, lock)
	}
}

func number(i int) string { return fmt.Sprintf("+336123%05d", i) }

// B-11, §1.1: one code per half minute and person, five per hour, on all
// instances together, and every one of many at once counts.
func TestPerPerson(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{}
		fs := []code.Factor{instance(db, clock, code.SMS, p), instance(db, clock, code.SMS, p)}
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() { _, _, _ = fs[i%2].Enroll(t.Context(), ada, nil) })
		}
		wg.Wait()
		if p.count() != 1 {
			t.Fatalf("%d codes at once", p.count())
		}
		sends(t, "at once again", fs[1], clock, ada, 30*time.Second)
		sends(t, "by mail", instance(db, clock, code.Email, p), clock, ada, 0)
		for i := 2; i <= 5; i++ {
			clock.Pass(31 * time.Second)
			s := ada
			s.Phone, s.Network = number(i), ""
			sends(t, fmt.Sprint("code ", i), fs[i%2], clock, s, 0)
		}
		s := ada
		s.Phone, s.Network = number(6), ""
		clock.Pass(31 * time.Second)
		sends(t, "the sixth in an hour", fs[0], clock, s, time.Hour-31*time.Second)
		clock.Pass(time.Hour)
		sends(t, "an hour later", fs[0], clock, s, 0)
	})
}

func TestPerPersonAndDay(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	f := instance(db, clock, code.SMS, &post{})
	s := ada
	s.Network = ""
	for i := range 20 {
		s.Phone = number(i)
		sends(t, fmt.Sprint("code ", i+1), f, clock, s, 0)
		clock.Pass(16 * time.Minute)
	}
	s.Phone = number(99)
	sends(t, "the 21st in a day", f, clock, s, 24*time.Hour-16*time.Minute)
}

// B-11: an address gets five codes an hour and ten a day, whoever asks.
func TestPerAddress(t *testing.T) {
	for _, k := range kinds {
		clock := storetest.NewClock()
		db := storetest.OpenAt(t, clock.Now)
		f := instance(db, clock, k, &post{})
		from := func(i int) mfa.Subject {
			s := ada
			s.ID, s.Network = mfa.SubjectID(fmt.Sprint(i)), ""
			return s
		}
		for i := range 5 {
			sends(t, "of the first five", f, clock, from(i), 0)
		}
		sends(t, "the sixth", f, clock, from(5), time.Hour)
		clock.Pass(time.Hour)
		for i := range 5 {
			sends(t, "of the second five", f, clock, from(i), 0)
		}
		sends(t, "the eleventh in a day", f, clock, from(6), 24*time.Hour)
	}
}

// A network has twenty codes an hour sent that nobody types; an office whose
// people type them in is not stopped.
func TestPerNetwork(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	p := &post{}
	f := instance(db, clock, code.Email, p)
	from := func(i int) mfa.Subject {
		s := ada
		s.ID, s.Email = mfa.SubjectID(fmt.Sprint(i)), fmt.Sprintf("p%d@example.org", i)
		return s
	}
	for i := range 50 {
		_, st, err := f.Enroll(t.Context(), from(i), nil)
		if err != nil {
			t.Fatalf("person %d: %v", i, err)
		}
		if _, err := f.Confirm(t.Context(), from(i), st, mfa.Answer{Code: p.last(t).Code}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		sends(t, fmt.Sprint("not typed ", i), f, clock, from(100+i), 0)
	}
	sends(t, "the 21st", f, clock, from(200), time.Hour)
	s := from(201)
	s.Network = "198.51.100.1"
	sends(t, "from elsewhere", f, clock, s, 0)
}

// The house's budget of a day, and of a country in a day.
func TestDailyBudgets(t *testing.T) {
	for reason, rates := range map[code.Reason]code.Rates{code.DayFull: {Daily: 3}, code.CountryFull: {Daily: 100, CountryDay: 3}} {
		h := newHouse(t, code.SMS, rates)
		b := &bell{}
		h.Alarm = b.ring
		for i := range 5 {
			s := mfa.Subject{ID: mfa.SubjectID(fmt.Sprint(i)), Phone: number(i)}
			if _, _, err := h.Enroll(t.Context(), s, nil); errors.Is(err, mfa.ErrUnsent) != (i >= 3) {
				t.Errorf("%s, code %d: %v", reason, i, err)
			}
		}
		if len(b.halts) != 1 || b.halts[0].Reason != reason {
			t.Errorf("%s: %+v", reason, b.halts)
		}
		mail := h.Factor
		mail.Channel = code.Email
		if _, _, err := mail.Enroll(t.Context(), ada, nil); err != nil {
			t.Errorf("mail: %v", err)
		}
		h.clock.Pass(25 * time.Hour)
		if _, _, err := h.Enroll(t.Context(), ada, nil); err != nil {
			t.Errorf("the next day: %v", err)
		}
	}
}

// After a right code nobody waits for the next one.
func TestPauseEndsWithSuccess(t *testing.T) {
	h := newHouse(t, code.SMS, code.Rates{})
	_, st, err := h.Enroll(t.Context(), ada, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Confirm(t.Context(), ada, st, wrong); !errors.Is(err, mfa.ErrWrong) {
		t.Fatal(err)
	}
	sends(t, "after a wrong code", h.Factor, h.clock, ada, 30*time.Second)
	if _, err := h.Confirm(t.Context(), ada, st, mfa.Answer{Code: h.last(t).Code}); err != nil {
		t.Fatal(err)
	}
	sends(t, "after a right code", h.Factor, h.clock, ada, 0)
}

// engine runs the factor as the program does.
func engine(t *testing.T, db *store.DB, clock *storetest.Clock, p *post) *mfa.Engine {
	t.Helper()
	u := idp.User{ID: idp.UserID(ada.ID), Login: "ada", Kind: idp.Internal, Created: clock.Now(), Updated: clock.Now()}
	if err := db.Users.Add(t.Context(), u, []idp.Identifier{{Canonical: "ada", Skeleton: "ada"}}); err != nil {
		t.Fatal(err)
	}
	e := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now, Rules: mfa.Rules{PerChallenge: 50, PerAccount: 100}}
	e.Register(instance(db, clock, code.SMS, p), instance(db, clock, code.Email, p))
	return e
}

// T-06: of twenty at once with the right code one gets in, whether the address
// is held or lent.
func TestOneWinner(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{}
		e := engine(t, db, clock, p)
		race := func(what string) {
			t.Helper()
			clock.Pass(time.Hour)
			c, err := e.Ask(t.Context(), ada, code.SMS, "here")
			if err != nil {
				t.Fatal(err)
			}
			right := mfa.Answer{Code: p.last(t).Code}
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := 0
			for range 20 {
				wg.Go(func() {
					_, err := e.Check(t.Context(), ada, c.ID, "here", right, nil)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
					case !errors.Is(err, mfa.ErrExpired) && !errors.Is(err, mfa.ErrWrong):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won != 1 {
				t.Errorf("%s: %d got in", what, won)
			}
		}
		race("lent")
		clock.Pass(time.Hour)
		c, err := e.Enroll(t.Context(), ada, code.SMS, "here")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_ = e.Confirm(t.Context(), ada, "here", []mfa.Response{{ID: c.ID, Answer: mfa.Answer{Code: p.last(t).Code}}}, nil)
			})
		}
		wg.Wait()
		held, err := e.Held(t.Context(), ada.ID)
		if err != nil || len(held) != 1 || held[0].Label != "+33 •• •• •• 78" {
			t.Fatalf("%+v, %v", held, err)
		}
		race("held")
	})
}

// T-07: a new code kills the old one and gives no tries back.
func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p := &post{}
		e := engine(t, db, clock, p)
		e.Rules.PerChallenge = 5
		for _, k := range kinds {
			c, err := e.Ask(t.Context(), ada, k, "here")
			if err != nil {
				t.Fatal(err)
			}
			first := p.last(t).Code
			try := func(what, typed string, want error) {
				t.Helper()
				if _, err := e.Check(t.Context(), ada, c.ID, "here", mfa.Answer{Code: typed}, nil); !errors.Is(err, want) {
					t.Errorf("%s, %s: %v, want %v", k, what, err, want)
				}
			}
			try("a letter", "12345x", mfa.ErrWrong)
			if _, err := e.Again(t.Context(), ada, c.ID, "here"); !errors.Is(err, mfa.ErrLocked) {
				t.Errorf("again at once: %v", err)
			}
			clock.Pass(31 * time.Second)
			again, err := e.Again(t.Context(), ada, c.ID, "here")
			if err != nil || again.ID != c.ID || !again.Prompt.Until.After(c.Prompt.Until) {
				t.Fatalf("%+v, %v", again, err)
			}
			if p.last(t).Code != first { // one in a million
				try("the first code", first, mfa.ErrWrong)
			}
			try("a letter", "12345x", mfa.ErrWrong)
			try("a letter", "12345x", mfa.ErrWrong)
			clock.Pass(31 * time.Second)
			if _, err := e.Again(t.Context(), ada, c.ID, "here"); err != nil {
				t.Fatal(err)
			}
			try("a letter", "12345x", mfa.ErrWrong)
			try("the right one, after all tries", p.last(t).Code, mfa.ErrExpired)
			clock.Pass(time.Hour)
		}
	})
}
