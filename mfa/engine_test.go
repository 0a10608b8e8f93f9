package mfa_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	factor "latchkey/mfa/totp"

	"golang.org/x/crypto/argon2"
)

// house is an engine on a real database, with a clock that tests move.
type house struct {
	*mfa.Engine
	db *store.DB

	mu  sync.Mutex
	now time.Time
}

func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) forward(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

var (
	ada = mfa.Subject{ID: "ada", Name: "ada@example.org"}
	bob = mfa.Subject{ID: "bob", Name: "bob@example.org"}
)

const here = "signin:1" // the binding of most tests

func newHouse(t *testing.T, rules mfa.Rules, more ...mfa.Factor) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	h.db = storetest.OpenAt(t, h.Now)
	for _, s := range []mfa.Subject{ada, bob} {
		if err := h.db.Users.Add(t.Context(), idp.User{ID: idp.UserID(s.ID), Login: s.Name, Email: s.Name, Kind: idp.Internal, Created: h.now, Updated: h.now},
			[]idp.Identifier{{Canonical: s.Name, Skeleton: s.Name}}); err != nil {
			t.Fatal(err)
		}
	}
	h.Engine = &mfa.Engine{
		Credentials: h.db.Credentials, Challenges: h.db.Challenges, Limiter: h.db.Limiter, Atomic: h.db.Atomic,
		Now: h.Now, Rules: rules,
	}
	h.Register(factor.Factor{Issuer: "Latchkey", Now: h.Now}, backup.Factor{Hash: quick})
	h.Register(more...)
	return h
}

func quick(_ context.Context, code, salt []byte) ([]byte, error) {
	return argon2.IDKey(code, salt, 1, 64, 1, 32), nil
}

func code(t *testing.T, secret string, at time.Time) mfa.Answer {
	t.Helper()
	c, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return mfa.Answer{Code: c}
}

var wrong = mfa.Answer{Code: "not a code"}

// wizard enrols an app and backup codes, and returns the secret and the codes.
func (h *house) wizard(t *testing.T, s mfa.Subject) (string, []string) {
	t.Helper()
	app, codes := h.begin(t, s)
	err := h.Confirm(t.Context(), s, here, []mfa.Response{{app.ID, code(t, app.Prompt.Secret, h.now)}, {codes.ID, mfa.Answer{Kept: true}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.forward(time.Minute)
	return app.Prompt.Secret, codes.Prompt.Codes
}

func (h *house) begin(t *testing.T, s mfa.Subject) (app, codes mfa.Challenge) {
	t.Helper()
	app, err := h.Enroll(t.Context(), s, factor.Kind, here)
	if err != nil {
		t.Fatal(err)
	}
	codes, err = h.Enroll(t.Context(), s, backup.Kind, here)
	if err != nil {
		t.Fatal(err)
	}
	return app, codes
}

func (h *house) ask(t *testing.T, k mfa.Kind) mfa.Challenge {
	t.Helper()
	c, err := h.Ask(t.Context(), ada, k, here)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) answer(t *testing.T, c mfa.Challenge, a mfa.Answer) error {
	t.Helper()
	_, err := h.Check(t.Context(), ada, c.ID, here, a, nil)
	return err
}

func (h *house) holds(t *testing.T, s mfa.Subject) map[mfa.Kind]int {
	t.Helper()
	cs, err := h.Held(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	n := map[mfa.Kind]int{}
	for _, c := range cs {
		n[c.Kind]++
	}
	return n
}

func want(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// M-07: nothing is held before every answer is right, and then all of it is.
func TestConfirmAllOrNone(t *testing.T) {
	h := newHouse(t, mfa.Rules{})
	app, codes := h.begin(t, ada)
	right, kept := code(t, app.Prompt.Secret, h.now), mfa.Answer{Kept: true}
	failing := errors.New("the caller's write failed")
	for name, c := range map[string]struct {
		rs   []mfa.Response
		then func(context.Context, []mfa.Credential) error
		want error
	}{
		"no answer":               {nil, nil, mfa.ErrExpired},
		"wrong code":              {[]mfa.Response{{app.ID, wrong}, {codes.ID, kept}}, nil, mfa.ErrWrong},
		"codes not kept":          {[]mfa.Response{{app.ID, right}, {codes.ID, mfa.Answer{}}}, nil, mfa.ErrWrong},
		"one challenge twice":     {[]mfa.Response{{codes.ID, kept}, {codes.ID, kept}}, nil, mfa.ErrWrong}, // a set is unique to its owner
		"one challenge is not it": {[]mfa.Response{{app.ID, right}, {"none", kept}}, nil, mfa.ErrExpired},
		"the rest fails":          {[]mfa.Response{{app.ID, right}, {codes.ID, kept}}, func(context.Context, []mfa.Credential) error { return failing }, failing},
	} {
		want(t, name, h.Confirm(t.Context(), ada, here, c.rs, c.then), c.want)
		if n := h.holds(t, ada); len(n) != 0 {
			t.Errorf("%s: holds %v", name, n)
		}
	}
	err := h.Confirm(t.Context(), ada, here, []mfa.Response{{app.ID, right}, {codes.ID, kept}}, func(_ context.Context, made []mfa.Credential) error {
		if len(made) != 2 || made[0].Kind != factor.Kind || made[1].Kind != backup.Kind || made[0].Subject != ada.ID || made[0].ID == "" {
			t.Errorf("made %+v", made)
		}
		return nil
	})
	want(t, "all right", err, nil)
	if n := h.holds(t, ada); n[factor.Kind] != 1 || n[backup.Kind] != 1 {
		t.Errorf("holds %v", n)
	}
	want(t, "the same again", h.Confirm(t.Context(), ada, here, []mfa.Response{{codes.ID, kept}}, nil), mfa.ErrExpired)
}

// M-08, M-03: a ceremony belongs to one person, one sign-in, one purpose.
func TestBinding(t *testing.T) {
	h := newHouse(t, mfa.Rules{})
	secret, _ := h.wizard(t, ada)
	h.wizard(t, bob)
	right := code(t, secret, h.now)

	c := h.ask(t, factor.Kind)
	_, err := h.Check(t.Context(), bob, c.ID, here, right, nil)
	want(t, "another person", err, mfa.ErrExpired)
	for _, other := range []string{"", "signin:2", here + " "} {
		_, err = h.Check(t.Context(), ada, c.ID, other, right, nil)
		want(t, "binding "+other, err, mfa.ErrExpired)
		_, err = h.Pending(t.Context(), ada.ID, c.ID, other)
		want(t, "pending with binding "+other, err, mfa.ErrExpired)
	}
	_, err = h.Pending(t.Context(), bob.ID, c.ID, here)
	want(t, "pending for another person", err, mfa.ErrExpired)
	want(t, "a verification is no enrolment", h.Confirm(t.Context(), ada, here, []mfa.Response{{c.ID, right}}, nil), mfa.ErrExpired)
	want(t, "a challenge that never was", h.answer(t, mfa.Challenge{ID: "none"}, right), mfa.ErrExpired)

	e, err := h.Enroll(t.Context(), ada, factor.Kind, here)
	want(t, "Enroll", err, nil)
	fresh := code(t, e.Prompt.Secret, h.now)
	want(t, "an enrolment is no verification", h.answer(t, e, fresh), mfa.ErrExpired)
	want(t, "another person's enrolment", h.Confirm(t.Context(), bob, here, []mfa.Response{{e.ID, fresh}}, nil), mfa.ErrExpired)
	want(t, "another sign-in's enrolment", h.Confirm(t.Context(), ada, "signin:2", []mfa.Response{{e.ID, fresh}}, nil), mfa.ErrExpired)

	again, err := h.Pending(t.Context(), ada.ID, e.ID, here)
	if err != nil || again.Prompt.Secret != e.Prompt.Secret || again.Prompt.URI != e.Prompt.URI {
		t.Errorf("a reloaded page shows %+v, %v", again.Prompt, err)
	}
	// None of these foreign tries cost the owner anything.
	want(t, "the owner", h.answer(t, c, right), nil)
}

func TestExpiry(t *testing.T) {
	h := newHouse(t, mfa.Rules{TTL: time.Minute})
	secret, _ := h.wizard(t, ada)
	c := h.ask(t, factor.Kind)
	h.forward(time.Minute)
	want(t, "after a minute", h.answer(t, c, code(t, secret, h.now)), mfa.ErrExpired)
	_, err := h.Pending(t.Context(), ada.ID, c.ID, here)
	want(t, "pending", err, mfa.ErrExpired)
}

func TestNotHeld(t *testing.T) {
	h := newHouse(t, mfa.Rules{})
	_, err := h.Ask(t.Context(), ada, factor.Kind, here)
	want(t, "nothing held", err, mfa.ErrNotHeld)
	_, err = h.Ask(t.Context(), ada, "sms", here)
	want(t, "no such factor", err, mfa.ErrNoFactor)
	_, err = h.Enroll(t.Context(), ada, "sms", here)
	want(t, "no such factor", err, mfa.ErrNoFactor)
	secret, _ := h.wizard(t, ada)
	c := h.ask(t, factor.Kind)
	want(t, "DropAll", h.DropAll(t.Context(), ada.ID), nil)
	want(t, "dropped meanwhile", h.answer(t, c, code(t, secret, h.now)), mfa.ErrExpired)
}

// T-12: a new set of backup codes kills the old one in the same moment; a new
// app leaves the others.
func TestRegenerate(t *testing.T) {
	h := newHouse(t, mfa.Rules{})
	secret, old := h.wizard(t, ada)
	app, codes := h.begin(t, ada)
	want(t, "old code while the new ones are only shown", h.answer(t, h.ask(t, backup.Kind), mfa.Answer{Code: old[0]}), nil)
	want(t, "Confirm", h.Confirm(t.Context(), ada, here, []mfa.Response{{app.ID, code(t, app.Prompt.Secret, h.now)}, {codes.ID, mfa.Answer{Kept: true}}}, nil), nil)
	if n := h.holds(t, ada); n[factor.Kind] != 2 || n[backup.Kind] != 1 {
		t.Errorf("holds %v", n)
	}
	want(t, "old code", h.answer(t, h.ask(t, backup.Kind), mfa.Answer{Code: old[1]}), mfa.ErrWrong)
	want(t, "new code", h.answer(t, h.ask(t, backup.Kind), mfa.Answer{Code: codes.Prompt.Codes[1]}), nil)
	want(t, "old app", h.answer(t, h.ask(t, factor.Kind), code(t, secret, h.now)), nil)
}

// T-12: of wizards that run at once one wins, so no second set stays alive.
func TestRegenerateInParallel(t *testing.T) {
	h := newHouse(t, mfa.Rules{PerAccount: 100})
	h.wizard(t, ada)
	const n = 4
	cs := make([]mfa.Challenge, n)
	for i := range cs {
		_, cs[i] = h.begin(t, ada)
	}
	won := h.atOnce(t, n, func(i int) error {
		return h.Confirm(t.Context(), ada, here, []mfa.Response{{cs[i].ID, mfa.Answer{Kept: true}}}, nil)
	})
	if sets := h.holds(t, ada)[backup.Kind]; won < 1 || sets != 1 {
		t.Errorf("%d won, %d sets are held", won, sets)
	}
}

// M-03: a challenge that was answered takes no second answer, not even a right
// one.
func TestAnsweredOnce(t *testing.T) {
	h := newHouse(t, mfa.Rules{})
	secret, codes := h.wizard(t, ada)
	c := h.ask(t, factor.Kind)
	want(t, "first", h.answer(t, c, code(t, secret, h.now)), nil)
	h.forward(30 * time.Second)
	want(t, "second", h.answer(t, c, code(t, secret, h.now)), mfa.ErrExpired)
	c = h.ask(t, backup.Kind)
	want(t, "first", h.answer(t, c, mfa.Answer{Code: codes[0]}), nil)
	want(t, "second", h.answer(t, c, mfa.Answer{Code: codes[1]}), mfa.ErrExpired)
	_, err := h.Pending(t.Context(), ada.ID, c.ID, here)
	want(t, "pending", err, mfa.ErrExpired)
}

// What Check returns and hands on is what is stored, with the time of its use.
func TestUse(t *testing.T) {
	h := newHouse(t, mfa.Rules{})
	secret, _ := h.wizard(t, ada)
	var seen mfa.Credential
	used, err := h.Check(t.Context(), ada, h.ask(t, factor.Kind).ID, here, code(t, secret, h.now), func(_ context.Context, c mfa.Credential) error {
		seen = c
		return nil
	})
	if err != nil || seen.ID != used.ID || !used.Used.Equal(h.now) {
		t.Fatalf("%+v, %v", used, err)
	}
	cs, err := h.Held(t.Context(), ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		if c.ID == used.ID && (!c.Used.Equal(h.now) || string(c.Data) != string(used.Data) || c.Version <= used.Version) {
			t.Errorf("stored %+v", c)
		}
	}
}

// bomb is a factor that fails in every bad way.
type bomb struct {
	check func() (mfa.Credential, error)
}

func (bomb) Kind() mfa.Kind { return "bomb" }
func (bomb) Enroll(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeCode}, nil, nil
}
func (bomb) Confirm(_ context.Context, _ mfa.Subject, _ mfa.State, a mfa.Answer) (mfa.Credential, error) {
	if a.Code == "" {
		panic("confirm")
	}
	return mfa.Credential{}, nil
}
func (bomb) Ask(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeCode}, nil, nil
}
func (b bomb) Check(context.Context, mfa.Subject, []mfa.Credential, mfa.State, mfa.Answer) (mfa.Credential, error) {
	return b.check()
}

// M-04: a factor that panics, or proves what is not held, proves nothing.
func TestFailsClosed(t *testing.T) {
	var check func() (mfa.Credential, error)
	h := newHouse(t, mfa.Rules{PerAccount: 100}, bomb{check: func() (mfa.Credential, error) { return check() }})
	e, err := h.Enroll(t.Context(), ada, "bomb", here)
	want(t, "Enroll", err, nil)
	if err := h.Confirm(t.Context(), ada, here, []mfa.Response{{e.ID, mfa.Answer{}}}, nil); err == nil || len(h.holds(t, ada)) != 0 {
		t.Errorf("Confirm that panics: %v, holds %v", err, h.holds(t, ada))
	}
	want(t, "Confirm", h.Confirm(t.Context(), ada, here, []mfa.Response{{e.ID, mfa.Answer{Code: "x"}}}, nil), nil)
	for name, f := range map[string]func() (mfa.Credential, error){
		"panic":             func() (mfa.Credential, error) { panic("check") },
		"runtime error":     func() (mfa.Credential, error) { return make([]mfa.Credential, 0)[len(ada.ID)], nil },
		"nothing proven":    func() (mfa.Credential, error) { return mfa.Credential{}, nil },
		"foreign is proven": func() (mfa.Credential, error) { return mfa.Credential{ID: "bob's", Subject: bob.ID}, nil },
	} {
		check = f
		c := h.ask(t, "bomb")
		called := false
		_, err := h.Check(t.Context(), ada, c.ID, here, mfa.Answer{}, func(context.Context, mfa.Credential) error { called = true; return nil })
		if err == nil || called || errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s: %v, went on: %v", name, err, called)
		}
	}
}

func TestRegisterTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a kind was registered twice")
		}
	}()
	newHouse(t, mfa.Rules{}, bomb{}, bomb{})
}
