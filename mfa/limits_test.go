package mfa_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/mfa"
	"latchkey/mfa/backup"
	factor "latchkey/mfa/totp"
)

// B-03: a challenge dies after so many tries, whatever the limiter says.
func TestTriesPerChallenge(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerChallenge: 3, PerAccount: 100})
	secret, _ := h.wizard(t, ada)
	c := h.ask(t, factor.Kind)
	for range 3 {
		want(t, "wrong", h.answer(t, c, wrong), mfa.ErrWrong)
	}
	want(t, "right, too late", h.answer(t, c, code(t, secret, h.now)), mfa.ErrExpired)
	want(t, "right, on a new challenge", h.answer(t, h.ask(t, factor.Kind), code(t, secret, h.now)), nil)
}

// B-01, B-04, B-07: the account's tries end over all challenges and factors, a
// right answer then fares like a wrong one, and the lock ends on time.
func TestTriesPerAccount(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerAccount: 4, Per: 10 * time.Minute})
	secret, codes := h.wizard(t, ada)
	for i := range 4 {
		k := []mfa.Kind{factor.Kind, backup.Kind}[i%2]
		want(t, "wrong", h.answer(t, h.ask(t, k), wrong), mfa.ErrWrong)
	}
	c := h.ask(t, factor.Kind)
	asWrong, asRight := h.answer(t, c, wrong), h.answer(t, c, code(t, secret, h.now))
	want(t, "wrong, locked", asWrong, mfa.ErrLocked)
	want(t, "right, locked", asRight, mfa.ErrLocked)
	var one, other *mfa.LockedError
	if !errors.As(asWrong, &one) || !errors.As(asRight, &other) || !one.Until.Equal(other.Until) || !one.Until.After(h.now) {
		t.Errorf("%v and %v", asWrong, asRight)
	}
	want(t, "another factor, locked", h.answer(t, h.ask(t, backup.Kind), mfa.Answer{Code: codes[0]}), mfa.ErrLocked)
	h.forward(10*time.Minute + time.Second)
	want(t, "afterwards", h.answer(t, h.ask(t, factor.Kind), code(t, secret, h.now)), nil)
}

// B-02: so many failures in a row stop a factor until somebody helps; another
// factor goes on, and its success does not revive the first.
func TestStreak(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerAccount: 1000, Streak: 6})
	secret, codes := h.wizard(t, ada)
	for range 6 {
		want(t, "wrong", h.answer(t, h.ask(t, factor.Kind), wrong), mfa.ErrWrong)
		h.forward(time.Hour)
	}
	for i := range 2 {
		h.forward(24 * time.Hour)
		err := h.answer(t, h.ask(t, factor.Kind), code(t, secret, h.now))
		var locked *mfa.LockedError
		if !errors.As(err, &locked) || !locked.Until.IsZero() {
			t.Errorf("stopped factor: %v, want a lock without end", err)
		}
		want(t, "another factor", h.answer(t, h.ask(t, backup.Kind), mfa.Answer{Code: codes[i]}), nil)
	}
}

// A success gives the account its tries back.
func TestForgive(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerAccount: 4})
	secret, _ := h.wizard(t, ada)
	for range 5 {
		for range 3 {
			want(t, "wrong", h.answer(t, h.ask(t, factor.Kind), wrong), mfa.ErrWrong)
		}
		want(t, "right", h.answer(t, h.ask(t, factor.Kind), code(t, secret, h.now)), nil)
		h.forward(30 * time.Second)
	}
}

// B-08: passwords are counted under other keys than factors.
func TestBudgets(t *testing.T) {
	bs := mfa.Budgets("ada", "totp", mfa.Rules{})
	if len(bs) != 2 || bs[0].Key != "mfa:ada" || bs[1].Key != "mfa:ada:totp" {
		t.Fatalf("%+v", bs)
	}
	for _, b := range bs {
		if b.Max != 10 || b.Per != 15*time.Minute || b.Shared {
			t.Errorf("%+v", b)
		}
	}
	if bs[0].Streak != 0 || bs[1].Streak != 100 {
		t.Errorf("streaks %d and %d", bs[0].Streak, bs[1].Streak)
	}
}

// B-05: the try stays counted although the sign-in fails afterwards, and what
// the success would have changed is undone.
func TestFailureAfterTheAnswer(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerAccount: 2})
	secret, codes := h.wizard(t, ada)
	failing := errors.New("no session")
	c := h.ask(t, factor.Kind)
	_, err := h.Check(t.Context(), ada, c.ID, here, code(t, secret, h.now), func(context.Context, mfa.Credential) error { return failing })
	want(t, "then fails", err, failing)
	want(t, "the code is not used up", h.answer(t, c, code(t, secret, h.now)), nil)

	for i := range 2 {
		_, err = h.Check(t.Context(), ada, h.ask(t, backup.Kind).ID, here, mfa.Answer{Code: codes[i]}, func(context.Context, mfa.Credential) error { return failing })
		want(t, "then fails", err, failing)
	}
	want(t, "both tries counted", h.answer(t, h.ask(t, backup.Kind), mfa.Answer{Code: codes[0]}), mfa.ErrLocked)
}

// T-01, T-09: of parallel right answers one wins, on one challenge and over
// several.
func TestParallelRightAnswers(t *testing.T) {
	for _, same := range []bool{true, false} {
		h := newHouse(t, mfa.Rules{PerChallenge: 100, PerAccount: 100})
		secret, codes := h.wizard(t, ada)
		for kind, a := range map[mfa.Kind]mfa.Answer{factor.Kind: code(t, secret, h.now), backup.Kind: {Code: codes[0]}} {
			const n = 8
			cs := make([]mfa.Challenge, n)
			for i := range cs {
				if cs[i] = h.ask(t, kind); same {
					cs[i] = cs[0]
				}
			}
			won := h.atOnce(t, n, func(i int) error { return h.answer(t, cs[i], a) })
			if won != 1 {
				t.Errorf("%s, same challenge %v: %d of %d won", kind, same, won, n)
			}
		}
	}
}

// atOnce runs do n times in parallel and counts successes; any failure must be
// a refusal.
func (h *house) atOnce(t *testing.T, n int, do func(i int) error) (won int) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, mfa.ErrWrong) && !errors.Is(err, mfa.ErrExpired) && !errors.Is(err, mfa.ErrLocked):
			t.Errorf("loser: %v", err)
		}
	}
	return won
}

// B-04: parallel wrong tries all count.
func TestParallelWrongAnswers(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerChallenge: 100, PerAccount: 5})
	secret, _ := h.wizard(t, ada)
	c := h.ask(t, factor.Kind)
	var mu sync.Mutex
	judged := 0
	h.atOnce(t, 16, func(int) error {
		err := h.answer(t, c, wrong)
		if errors.Is(err, mfa.ErrWrong) {
			mu.Lock()
			judged++
			mu.Unlock()
		}
		return err
	})
	if judged != 5 {
		t.Errorf("%d answers were judged, want 5", judged)
	}
	want(t, "right afterwards", h.answer(t, c, code(t, secret, h.now)), mfa.ErrLocked)
}
