package posture_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	otp "github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/password"
	"latchkey/idp/posture"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
)

const (
	plain = "a lantern in the harbour"
	who   = "ada@example.org"
)

type silent struct{}

func (silent) Notice(context.Context, idp.User, idp.Notice) error { return nil }

// door is a whole sign-in for one person.
type door struct {
	*signin.Service
	t      *testing.T
	clock  *storetest.Clock
	db     *store.DB
	user   idp.User
	secret string
	codes  []string
}

func newDoor(t *testing.T) *door {
	d := &door{t: t, clock: storetest.NewClock()}
	d.db = storetest.OpenAt(t, d.clock.Now)
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	engine := &mfa.Engine{Credentials: d.db.Credentials, Challenges: d.db.Challenges, Limiter: d.db.Limiter, Atomic: d.db.Atomic, Now: d.clock.Now}
	engine.Register(totp.Factor{Issuer: "Latchkey", Now: d.clock.Now}, backup.Factor{Hash: hasher.Key})
	d.Service = &signin.Service{
		Users: d.db.Users, Sessions: d.db.Sessions, Flows: d.db.Flows, Policies: d.db.Policies, Factors: engine, Passwords: hasher, Limiter: d.db.Limiter,
		Log: d.db.Log, Tokens: d.db.SessionTokens, Notify: silent{}, Atomic: d.db.Atomic, Sealer: keyring.New(), Secret: make([]byte, 32),
		Rules: signin.DefaultRules, Now: d.clock.Now, Links: d.db.Links, Devices: &trust.Book{Devices: d.db.Devices, Secret: make([]byte, 32), Now: d.clock.Now},
	}
	return d
}

// enter makes the person, with some factors that work.
func (d *door) enter(kind idp.Kind, role idp.Role, groups []string, held []mfa.Kind) {
	d.t.Helper()
	hash, err := d.Passwords.Hash(d.t.Context(), plain)
	must(d.t, err)
	id, err := idp.Identify(who)
	must(d.t, err)
	u := idp.User{ID: "ada", Login: who, Email: who, EmailVerified: true, Kind: kind, Role: role, Password: hash}
	must(d.t, d.db.Users.Add(d.t.Context(), u, []idp.Identifier{id}))
	for _, g := range groups {
		must(d.t, d.db.Groups.Put(d.t.Context(), g))
		must(d.t, d.db.Groups.Join(d.t.Context(), g, "ada"))
	}
	for _, k := range held {
		if k != "totp" && k != "backup" { // of a kind that the house no longer offers
			must(d.t, d.db.Credentials.Save(d.t.Context(), mfa.Credential{ID: mfa.CredentialID(k), Subject: "ada", Kind: k}))
			continue
		}
		c, err := d.Factors.Enroll(d.t.Context(), u.Subject(), k, "b")
		must(d.t, err)
		answer := mfa.Answer{Kept: true}
		if k == "totp" {
			d.secret = c.Prompt.Secret
			answer = d.right(k)
		} else {
			d.codes = c.Prompt.Codes
		}
		must(d.t, d.Factors.Confirm(d.t.Context(), u.Subject(), "b", []mfa.Response{{ID: c.ID, Answer: answer}}, nil))
	}
	d.clock.Pass(time.Minute) // the code that confirmed is spent
	d.user, err = d.db.Users.ByID(d.t.Context(), "ada")
	must(d.t, err)
}

// right is an answer that has not been given before.
func (d *door) right(k mfa.Kind) mfa.Answer {
	d.t.Helper()
	if k == "backup" {
		code := d.codes[0]
		d.codes = d.codes[1:]
		return mfa.Answer{Code: code}
	}
	code, err := otp.GenerateCode(d.secret, d.clock.Now())
	must(d.t, err)
	return mfa.Answer{Code: code}
}

// password gives the right password and returns where that leads.
func (d *door) password() (signin.Moved, signin.View, error) {
	d.t.Helper()
	f, err := d.Begin(d.t.Context(), signin.Start{Browser: "b", ReturnTo: "/"})
	must(d.t, err)
	ticket, err := d.Ticket(f)
	must(d.t, err)
	v, err := d.Load(d.t.Context(), ticket, "b", idp.Origin{})
	must(d.t, err)
	m, err := d.Password(d.t.Context(), v, who, plain, signin.Marks{})
	must(d.t, err)
	return d.see(m)
}

func (d *door) see(m signin.Moved) (signin.Moved, signin.View, error) {
	if m.Step == signin.Done {
		return m, signin.View{}, nil
	}
	v, err := d.Load(d.t.Context(), m.Ticket, "b", idp.Origin{})
	return m, v, err
}

func in(s signin.Step) bool { return s == signin.Done || s == signin.MayEnrol }

// tryDoor signs in by every method that is offered, and says how far it got. It
// sets nothing up unless finish says so.
func (d *door) tryDoor(finish bool) posture.Point {
	d.t.Helper()
	m, v, err := d.password()
	switch {
	case in(m.Step):
		return posture.Point{State: posture.Fine}
	case errors.Is(err, idp.ErrDenied):
		return posture.Point{State: posture.ShutOut}
	}
	must(d.t, err)
	if v.Step == signin.MustEnrol {
		d.setUp(v, finish)
		return posture.Point{State: posture.MustSetUp, SetUp: v.Addable}
	}
	got := posture.Point{State: posture.ShutOut, With: v.Methods}
	for _, k := range v.Methods {
		_, v, err := d.password()
		must(d.t, err)
		if v.Flow.Asked[k] == "" {
			_, _, err = d.Second().Challenge(d.t.Context(), v, k)
			must(d.t, err)
			_, v, err = d.see(signin.Moved{Step: v.Step, Ticket: v.Flow.ID})
			must(d.t, err)
		}
		m, err := d.Second().Answer(d.t.Context(), v, k, d.right(k), signin.Marks{}, false)
		must(d.t, err)
		switch _, v, err = d.see(m); {
		case in(m.Step):
			got.State = posture.Asked
		case errors.Is(err, idp.ErrDenied):
		default:
			must(d.t, err)
			got.State, got.SetUp = posture.MustSetUp, v.Addable
			d.setUp(v, finish)
			if finish {
				return got
			}
		}
	}
	return got
}

// setUp goes through the wizard, and must be in afterwards.
func (d *door) setUp(v signin.View, finish bool) {
	d.t.Helper()
	if !finish || !slices.Contains(v.Addable, "totp") {
		return
	}
	ctx := d.t.Context()
	must(d.t, d.Wizard().Enrol(ctx, v, "totp", ""))
	_, v, err := d.see(signin.Moved{Ticket: v.Flow.ID})
	must(d.t, err)
	wizard, err := d.Wizard().Enrolment(ctx, v)
	must(d.t, err)
	must(d.t, d.Wizard().Keep(ctx, v))
	_, v, err = d.see(signin.Moved{Ticket: v.Flow.ID})
	must(d.t, err)
	d.secret = wizard.Ask.Secret
	m, err := d.Wizard().Confirm(ctx, v, d.right("totp"), signin.Marks{})
	must(d.t, err)
	if !in(m.Step) {
		d.t.Errorf("set up, and still asked for %s", m.Step)
	}
}

// The same with the whole sign-in, its database and real codes: what the
// preview says of a stored person comes true when they sign in on that day.
func TestPreviewIsWhatHappens(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(15, 16))}
	seen := map[posture.State]int{}
	for range 100 {
		d := newDoor(t)
		d.enter(one(r, idp.Internal, idp.Portal), one(r, "", "", idp.HelpDesk, idp.Owner), some(r, "x", "z"), one[[]mfa.Kind](r, nil, nil, []mfa.Kind{"totp"}, []mfa.Kind{"totp", "backup"}, []mfa.Kind{"backup"}, []mfa.Kind{"passkey", "totp"}, []mfa.Kind{"passkey"}))
		ps := r.policies()
		for i := range ps {
			for j := range ps[i].Whom.Except {
				ps[i].Whom.Except[j] = policy.Except{User: who, Until: policy.Date(d.clock.Now().AddDate(0, 0, r.IntN(30)).Format(time.DateOnly))}
			}
			if ps[i].What.Enrolment.Deadline != "" {
				ps[i].What.Enrolment.Deadline = policy.Date(d.clock.Now().AddDate(0, 0, r.IntN(40)-10).Format(time.DateOnly))
			}
		}
		must(t, d.db.Policies.Apply(t.Context(), ps))
		stored, err := d.db.Policies.All(t.Context())
		must(t, err)
		s := posture.Service{Users: d.db.Users, Factors: d.Factors, Now: d.clock.Now}
		var foretold posture.Standing
		_, err = s.Preview(t.Context(), stored, posture.Options{}, func(p posture.Person) error { foretold = p.Standing; return nil })
		must(t, err)
		points := append([]posture.Point{foretold.Now}, foretold.Ahead...)
		for i, want := range points {
			d.clock.Pass(want.At.Sub(d.clock.Now()))
			got := d.tryDoor(i == len(points)-1)
			if got.State != want.State || got.State != posture.ShutOut && (!slices.Equal(got.With, want.With) || !slices.Equal(got.SetUp, want.SetUp)) {
				t.Fatalf("at %s\nforetold %+v\nhappened %+v\npolicies %+v\nuser     %+v", want.At, want, got, stored, d.user)
			}
			seen[got.State]++
		}
	}
	for _, state := range posture.States {
		if seen[state] < 5 {
			t.Errorf("%s came up %d times", state, seen[state])
		}
	}
}
