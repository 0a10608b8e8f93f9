package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// finger is a discovering factor for which every answer is right: what makes
// an answer good once must be the engine.
type finger struct{}

func (finger) Kind() mfa.Kind { return "finger" }

func (finger) Enroll(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeKey}, nil, nil
}

func (finger) Confirm(context.Context, mfa.Subject, mfa.State, mfa.Answer) (mfa.Credential, error) {
	return mfa.Credential{Handle: "finger", Data: []byte("{}")}, nil
}

func (finger) Ask(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeKey}, nil, nil
}

func (finger) Check(_ context.Context, _ mfa.Subject, held []mfa.Credential, _ mfa.State, _ mfa.Answer) (mfa.Credential, error) {
	return held[0], nil
}

func (finger) Discover(context.Context) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeKey}, nil, nil
}

func (finger) Handle(a mfa.Answer) (string, error) {
	if a.Public == nil {
		return "", mfa.ErrWrong
	}
	return "finger", nil
}

func discovering(t *testing.T, db *store.DB, now func() time.Time) *mfa.Engine {
	t.Helper()
	e := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: now}
	e.Register(finger{})
	c, err := e.Enroll(t.Context(), ada, "finger", here)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Confirm(t.Context(), ada, here, []mfa.Response{{ID: c.ID}}, nil); err != nil {
		t.Fatal(err)
	}
	return e
}

// W-01: of twenty answers to one discovery one signs in, on both databases; it
// leaves nothing that another could use, and nobody else's counts.
func TestDiscoveryOnce(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		e := discovering(t, db, clock.Now)
		a := mfa.Answer{Public: json.RawMessage(`{}`)}
		held, err := e.Discovery().Claimed(t.Context(), "finger", a)
		if err != nil || held.Subject != ada.ID {
			t.Fatalf("%+v, %v", held, err)
		}
		c, err := e.Discovery().Ask(t.Context(), "finger", "browser")
		if err != nil {
			t.Fatal(err)
		}
		var won, wrote int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := e.Discovery().Check(t.Context(), ada, c, "browser", held, a, func(context.Context, mfa.Credential) error {
					mu.Lock()
					defer mu.Unlock()
					wrote++
					return nil
				})
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
		all.Wait()
		if won != 1 || wrote < 1 {
			t.Errorf("%d of 20 won", won)
		}
		next, err := e.Discovery().Ask(t.Context(), "finger", "browser")
		if err != nil {
			t.Fatal(err)
		}
		held, err = e.Discovery().Claimed(t.Context(), "finger", a)
		if err != nil {
			t.Fatal(err)
		}
		for name, refused := range map[string]func() error{
			"another browser": func() error {
				_, err := e.Discovery().Check(t.Context(), ada, next, "other", held, a, nil)
				return err
			},
			"another person": func() error {
				_, err := e.Discovery().Check(t.Context(), bob, next, "browser", held, a, nil)
				return err
			},
			"as an ordinary challenge": func() error {
				_, err := e.Check(t.Context(), ada, next.ID, "browser", a, nil)
				return err
			},
		} {
			if err := refused(); !errors.Is(err, mfa.ErrExpired) {
				t.Errorf("%s: %v", name, err)
			}
		}
		clock.Pass(time.Hour)
		if _, err := e.Discovery().Check(t.Context(), ada, next, "browser", held, a, nil); !errors.Is(err, mfa.ErrExpired) {
			t.Errorf("too late: %v", err)
		}
	})
}
