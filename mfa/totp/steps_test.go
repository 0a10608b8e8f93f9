package totp

import (
	"errors"
	"testing"
	"time"

	"latchkey/mfa"
)

// T-03: this step and the one before, nothing else, for somebody whose clock
// is not known to be ahead.
func TestWindow(t *testing.T) {
	for offset, want := range map[int]error{-3: mfa.ErrWrong, -2: mfa.ErrWrong, -1: nil, 0: nil, 1: mfa.ErrWrong, 2: mfa.ErrWrong} {
		f, c := newFactor()
		cred, secret := imported(t, c.now)
		for _, within := range []time.Duration{0, 29 * time.Second} {
			c.now = noon.Add(within)
			code := codeAt(t, secret, noon.Add(time.Duration(offset)*30*time.Second))
			if _, err := f.try(t, cred, code); !errors.Is(err, want) {
				t.Errorf("step %+d, %v into the current one: %v, want %v", offset, within, err, want)
			}
		}
	}
}

// T-01: a step is accepted once, and none before it is accepted any more.
func TestReplay(t *testing.T) {
	f, c := newFactor()
	cred, secret := imported(t, c.now)
	before, now := codeAt(t, secret, c.now.Add(-30*time.Second)), codeAt(t, secret, c.now)
	cred, err := f.try(t, cred, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"the same step": now, "the step before": before} {
		if _, err := f.try(t, cred, code); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s: %v, want ErrWrong", name, err)
		}
	}
	c.forward(30 * time.Second)
	if _, err := f.try(t, cred, now); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("the used step is the one before the current: %v, want ErrWrong", err)
	}
}

// T-01, reliability "backwards jump": nothing used comes back to life when the
// server's clock is set back.
func TestClockSetBack(t *testing.T) {
	f, c := newFactor()
	cred, secret := imported(t, c.now.Add(-time.Hour))
	var used []string
	for range 4 {
		used = append(used, codeAt(t, secret, c.now))
		var err error
		if cred, err = f.try(t, cred, used[len(used)-1]); err != nil {
			t.Fatal(err)
		}
		c.forward(30 * time.Second)
	}
	for c.now = noon.Add(-time.Minute); c.now.Before(noon.Add(3 * time.Minute)); c.forward(10 * time.Second) {
		for i, code := range used {
			if _, err := f.try(t, cred, code); !errors.Is(err, mfa.ErrWrong) {
				t.Errorf("at %v, code %d: %v, want ErrWrong", c.now.Sub(noon), i, err)
			}
		}
	}
}

// A code from before an import was used elsewhere; setting the clock back must
// not make it good.
func TestImportClosesThePast(t *testing.T) {
	f, c := newFactor()
	cred, secret := imported(t, c.now)
	c.forward(-10 * time.Minute)
	if _, err := f.try(t, cred, codeAt(t, secret, c.now)); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("%v, want ErrWrong", err)
	}
}

// T-03: the next step counts only for an app that was seen ahead while it was
// added, and only as long as it stays so.
func TestDrift(t *testing.T) {
	f, c := newFactor()
	enroll := func(ahead time.Duration) (mfa.Credential, string) {
		t.Helper()
		p, st, err := f.Enroll(t.Context(), mfa.Subject{ID: "ada", Name: "ada"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		cred, err := f.Confirm(t.Context(), mfa.Subject{ID: "ada"}, st, mfa.Answer{Code: codeAt(t, p.Secret, c.now.Add(ahead))})
		if err != nil {
			t.Fatal(err)
		}
		c.forward(2 * time.Minute)
		return cred, p.Secret
	}
	next := func(cred mfa.Credential, secret string) error {
		_, err := f.try(t, cred, codeAt(t, secret, c.now.Add(30*time.Second)))
		return err
	}

	for _, ahead := range []time.Duration{0, -30 * time.Second} {
		if err := next(enroll(ahead)); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("added %v ahead, next step: %v, want ErrWrong", ahead, err)
		}
	}
	cred, secret := enroll(30 * time.Second)
	if err := next(cred, secret); err != nil {
		t.Errorf("added one step ahead, next step: %v", err)
	}
	if _, err := f.try(t, cred, codeAt(t, secret, c.now.Add(time.Minute))); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("added one step ahead, the step after the next: %v, want ErrWrong", err)
	}
	late, err := f.try(t, cred, codeAt(t, secret, c.now.Add(-30*time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	if err := next(late, secret); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("after a late code, next step: %v, want ErrWrong", err)
	}
	for i := range driftUses {
		if err := next(cred, secret); err != nil {
			t.Errorf("after %d codes on time, next step: %v", i, err)
		}
		if cred, err = f.try(t, cred, codeAt(t, secret, c.now)); err != nil {
			t.Fatal(err)
		}
		c.forward(time.Minute)
	}
	if err := next(cred, secret); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("after %d codes on time, next step: %v, want ErrWrong", driftUses, err)
	}
}
