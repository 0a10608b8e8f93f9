package code_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/code"
)

// bell notes what the house is told.
type bell struct {
	mu    sync.Mutex
	halts []code.Halt
}

func (b *bell) ring(_ context.Context, h code.Halt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.halts = append(b.halts, h)
	return nil
}

// Many numbers, few codes that come back: SMS to that country stop, on every
// instance, and the house is told once. Codes that come back stop nothing.
func TestPumping(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		p, b := &post{}, &bell{}
		fs := []code.Factor{instance(db, clock, code.SMS, p), instance(db, clock, code.SMS, p)}
		for i := range fs {
			fs[i].Alarm, fs[i].Rates = b.ring, code.Rates{UnconfirmedHour: 8}
		}
		person := func(i int, phone string) mfa.Subject {
			return mfa.Subject{ID: mfa.SubjectID(fmt.Sprint(i)), Phone: phone}
		}
		for i := range 30 { // an honest crowd
			_, st, err := fs[i%2].Enroll(t.Context(), person(i, number(i)), nil)
			if err != nil {
				t.Fatalf("honest %d: %v", i, err)
			}
			right := mfa.Answer{Code: p.last(t).Code}
			for range 3 { // the same code again and again gives back no more than one
				if _, err := fs[(i+1)%2].Confirm(t.Context(), person(i, number(i)), st, right); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 8 {
			if _, _, err := fs[i%2].Enroll(t.Context(), person(100+i, number(100+i)), nil); err != nil {
				t.Fatalf("pumped %d: %v", i, err)
			}
		}
		for i := range 4 {
			_, _, err := fs[i%2].Enroll(t.Context(), person(200+i, number(200+i)), nil)
			if !errors.Is(err, mfa.ErrUnsent) || errors.Is(err, mfa.ErrLocked) {
				t.Errorf("after the limit: %v", err)
			}
		}
		if len(b.halts) != 1 || b.halts[0].Reason != code.Pumping || b.halts[0].Country != "+33 FR" || !b.halts[0].Until.Equal(clock.Now().Add(time.Hour)) {
			t.Errorf("told %+v", b.halts)
		}
		for _, phone := range []string{"+4915112345678", "+12025550123"} {
			if _, _, err := fs[0].Enroll(t.Context(), person(300, phone), nil); err != nil {
				t.Errorf("to %s: %v", phone, err)
			}
			clock.Pass(31 * time.Second)
		}
		clock.Pass(time.Hour)
		if _, _, err := fs[0].Enroll(t.Context(), person(400, number(400)), nil); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// One calling code is many countries: premium islands do not stop the rest.
func TestSharedCallingCode(t *testing.T) {
	h := newHouse(t, code.SMS, code.Rates{UnconfirmedHour: 1})
	b := &bell{}
	h.Alarm = b.ring
	for i, phone := range []string{"+18762101234", "+12025550123", "+18762101235"} {
		s := mfa.Subject{ID: mfa.SubjectID(fmt.Sprint(i)), Phone: phone}
		if _, _, err := h.Enroll(t.Context(), s, nil); errors.Is(err, mfa.ErrUnsent) != (i == 2) {
			t.Errorf("%s: %v", phone, err)
		}
	}
	if len(b.halts) != 1 || b.halts[0].Country != "+1 JM" {
		t.Errorf("%+v", b.halts)
	}
}

// Only countries that are allowed, and nothing is counted for others.
func TestCountries(t *testing.T) {
	h := newHouse(t, code.SMS, code.Rates{})
	for _, c := range []struct {
		allowed []string
		phone   string
		ok      bool
	}{
		{nil, "+33612345678", true}, {[]string{"+33"}, "+33612345678", true}, {[]string{"FR", "DE"}, "+33612345678", true},
		{[]string{"+49", "DE"}, "+33612345678", false}, {[]string{"US"}, "+18762101234", false}, {[]string{"+1"}, "+18762101234", true}, {[]string{"+1876"}, "+12025550123", false},
	} {
		f := h.Factor
		f.Countries = c.allowed
		before := h.count()
		h.clock.Pass(25 * time.Hour)
		s := mfa.Subject{ID: "ada", Phone: c.phone, PhoneVerified: true}
		_, _, err := f.Enroll(t.Context(), s, nil)
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, mfa.ErrUnsent) || c.ok != (h.count() > before) {
			t.Errorf("%v, %s: %v", c.allowed, c.phone, err)
		}
		if _, lent := f.Lend(s); lent != c.ok {
			t.Errorf("%v, %s: lent = %v", c.allowed, c.phone, lent)
		}
	}
	f := h.Factor
	f.Countries = []string{"DE"}
	s := mfa.Subject{ID: "bob", Phone: "+33687654321"}
	for range 3 { // the pause would show that it was counted
		if _, _, err := f.Enroll(t.Context(), s, nil); !errors.Is(err, code.ErrCountry) {
			t.Error(err)
		}
	}
}
