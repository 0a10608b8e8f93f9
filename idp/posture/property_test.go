package posture_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var kinds = []mfa.Kind{"totp", "passkey", "sms", "email", "backup", "temporary"}

type dice struct{ *rand.Rand }

func (r dice) once(in int) bool { return r.IntN(in) == 0 }

func some[T any](r dice, from ...T) (out []T) {
	for _, x := range from {
		if r.once(2) {
			out = append(out, x)
		}
	}
	r.Shuffle(len(out), reflect.Swapper(out))
	return out
}

func one[T any](r dice, from ...T) T { return from[r.IntN(len(from))] }

func (r dice) day() policy.Date {
	return policy.Date(now.AddDate(0, 0, r.IntN(50)-15).Format(time.DateOnly))
}

func (r dice) policies() (ps []policy.Policy) {
	for i := range r.IntN(5) {
		p := policy.Policy{ID: "id-" + string(rune('a'+i)), Name: string(rune('a' + i)), Enabled: !r.once(6), Whom: policy.Whom{Everyone: true}}
		if r.once(3) {
			p.Whom = policy.Whom{Administrators: r.once(3), Groups: some(r, "x", "y"), Users: some(r, "u", "v")}
		}
		if r.once(4) {
			p.Whom.Except = []policy.Except{{User: one(r, "u", "v"), Until: r.day()}}
		}
		p.What.Assurance = one(r, "", policy.None, policy.MFA, policy.MFA, policy.PhishingResistant)
		if r.once(2) {
			p.What.Methods = some(r, kinds[:5]...)
		}
		p.What.Enrolment = one(r, policy.Enrolment{}, policy.Enrolment{}, policy.Enrolment{Deadline: r.day()}, policy.Enrolment{GraceDays: 1 + r.IntN(30)})
		ps = append(ps, p)
	}
	return ps
}

// inOrder are those of the kinds that were kept, in the order in which the
// house offers them.
func inOrder(ks []mfa.Kind) []mfa.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k mfa.Kind) bool { return !slices.Contains(ks, k) })
}

// What a preview foretells is what sign-in does: thousands of times, a person
// signs in with the right password and then tries every way there is, today
// and at each deadline, and gets as far as was said.
func TestPreviewIsEnforcement(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(11, 12))}
	seen := map[posture.State]int{}
	turns := 0
	for range 8000 {
		ps := r.policies()
		offered := inOrder(some(r, kinds...))
		f := policy.Facts{User: "u", Email: one(r, "", "u@example.org", "u@example.org"), Groups: some(r, "x", "z"), Administrator: r.once(3), Anywhere: true, Held: some(r, kinds...), Now: now}
		if r.once(2) {
			f.Held = nil
		}
		f.Lent = slices.DeleteFunc(some[mfa.Kind](r, "sms", "email"), func(k mfa.Kind) bool { return !slices.Contains(offered, k) })
		if r.once(2) {
			f.Started = map[string]time.Time{"id-a": now.AddDate(0, 0, -r.IntN(40))}
		}
		s := posture.Of(ps, f, offered)
		for i, foretold := range append([]posture.Point{s.Now}, s.Ahead...) {
			f.Now = foretold.At
			d := policy.Decide(ps, f)
			got := tryAll(d, f, offered)
			if got.State != foretold.State || !slices.Equal(got.With, foretold.With) || !slices.Equal(got.SetUp, foretold.SetUp) {
				t.Fatalf("at %s\nforetold %+v\nsign-in  %+v\npolicies %+v\nfacts    %+v\noffered  %v", f.Now, foretold, got, ps, f, offered)
			}
			if d.Demands() && foretold.State.Blocked() && len(foretold.Reasons) == 0 {
				t.Fatalf("%s without a reason: %+v", foretold.State, d)
			}
			seen[foretold.State]++
			if i > 0 {
				turns++
			}
			// Sign-in keeps when a grace began.
			f.Started = maps.Clone(f.Started)
			for _, id := range d.Grace {
				if f.Started == nil {
					f.Started = map[string]time.Time{}
				}
				f.Started[id] = f.Now
			}
		}
	}
	for _, state := range posture.States {
		if seen[state] < 300 {
			t.Errorf("%s came up %d times: the test does not look", state, seen[state])
		}
	}
	if turns < 2000 {
		t.Errorf("%d deadlines", turns)
	}
}

// tryAll signs in in every way there is: it gives each answer that the person
// has, and where a factor must be set up, tries each.
func tryAll(d policy.Decision, f policy.Facts, offered []mfa.Kind) (got posture.Point) {
	pwd := []idp.Proof{{Kind: idp.Password, At: f.Now}}
	with := func(ks ...mfa.Kind) signin.Flow {
		flow := signin.Flow{Proofs: slices.Clone(pwd)}
		for _, k := range ks {
			flow.Proofs = append(flow.Proofs, idp.Proof{Kind: k, At: f.Now})
		}
		return flow
	}
	in := func(s signin.Step) bool { return s == signin.Done || s == signin.MayEnrol } // that may be put off
	first := with().Next(d, f.Held)
	got.State = posture.ShutOut
	var guards [][]mfa.Kind // proven before something is set up
	switch {
	case in(first):
		got.State = posture.Fine
		return got
	case first == signin.MustEnrol:
		guards = [][]mfa.Kind{nil}
	case first == signin.AskFactor:
		for _, k := range offered {
			if !slices.Contains(d.With(f.Held), k) {
				continue
			}
			switch next := with(k).Next(d, f.Held); {
			case in(next):
				got.State, got.With = posture.Asked, append(got.With, k)
			case next == signin.MustEnrol:
				guards = append(guards, []mfa.Kind{k})
			}
		}
	}
	for _, guard := range guards {
		var done []mfa.Kind
		for _, k := range offered {
			byThemselves := k != "backup" && k != "temporary" && (k != "email" || f.Email != "")
			if byThemselves && in(with(append(slices.Clone(guard), k)...).Next(d, append(slices.Clone(f.Held), k))) {
				done = append(done, k)
			}
		}
		if len(done) > 0 {
			got.State, got.SetUp = posture.MustSetUp, done
		}
		got.With = append(got.With, guard...)
	}
	return got
}
