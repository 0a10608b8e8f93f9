package policy

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/mfa"
)

// dice make policies and people out of few names, so that these meet often.
type dice struct{ *rand.Rand }

func (r dice) once(in int) bool { return r.IntN(in) == 0 }

func (r dice) some(from ...string) (out []string) {
	for _, s := range from {
		if r.once(2) {
			out = append(out, s)
		}
	}
	return out
}

func one[T any](r dice, from ...T) T { return from[r.IntN(len(from))] }

func (r dice) day() Date { return Date(now.AddDate(0, 0, r.IntN(60)-20).Format(time.DateOnly)) }

func (r dice) kinds(from ...string) (out []mfa.Kind) {
	for _, s := range r.some(from...) {
		out = append(out, mfa.Kind(s))
	}
	r.Shuffle(len(out), reflect.Swapper(out))
	return out
}

func (r dice) policy(name string) Policy {
	p := Policy{Name: name, Enabled: !r.once(6), Whom: Whom{Everyone: true}}
	if r.once(2) {
		p.ID = "id-" + name
	}
	switch r.IntN(4) {
	case 0:
		p.Whom = Whom{Administrators: r.once(3), Groups: r.some("x", "y"), Users: r.some("u", "v")}
	case 1:
		p.Whom = Whom{Kind: one(r, "internal", "portal")}
	}
	if r.once(4) {
		p.Whom.Except = []Except{{User: one(r, "u", "v"), Until: r.day()}}
	}
	if r.once(4) {
		p.Where.Clients = r.some("odoo", "shop")
		p.Where.Networks.In = one(r, nil, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("::/0")})
		p.Where.Networks.NotIn = one(r, nil, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")})
	}
	w := What{Assurance: one(r, "", None, MFA, MFA, PhishingResistant)}
	if r.once(2) {
		w.Methods = r.kinds("totp", "backup", "passkey", "sms", "email")
	}
	switch r.IntN(4) {
	case 0:
		w.Enrolment.Deadline = r.day()
	case 1:
		w.Enrolment.GraceDays = 1 + r.IntN(30)
	}
	r.limits(&w)
	p.What = w
	return p
}

func (r dice) limits(w *What) {
	if r.once(3) {
		w.Devices = &Devices{Days: r.IntN(40)}
	}
	if r.once(3) {
		w.Session = Session{Absolute: time.Duration(r.IntN(5)) * time.Hour, Idle: time.Duration(r.IntN(40)) * time.Minute}
	}
	if r.once(3) {
		w.Codes = Codes{Validity: time.Duration(r.IntN(11)) * time.Minute, Digits: one(r, 0, 6, 8, 10), Tries: r.IntN(11)}
	}
	if r.once(4) {
		w.Passkeys = Passkeys{Clones: one(r, "", "warn", "refuse"), Attestation: one(r, "", "none", "required"), Models: r.some("a", "b", "c")}
	}
	if r.once(4) {
		w.Lock = one(r, "", "soft", "hard")
	}
	if r.once(4) {
		w.Banner = map[string]string{"en": one(r, "hello", "welcome")}
	}
}

func (r dice) policies() (ps []Policy) {
	for i := range r.IntN(6) {
		ps = append(ps, r.policy(string(rune('a'+i))))
	}
	return ps
}

func (r dice) facts() Facts {
	f := Facts{
		User: "u", Kind: one(r, "internal", "portal"), Administrator: r.once(3), Groups: r.some("x", "z"), Client: one(r, "", "odoo", "shop"),
		Address:  one(r, netip.Addr{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("::ffff:192.0.2.7"), netip.MustParseAddr("2001:db8::1")),
		Anywhere: r.once(5), Held: r.kinds("totp", "backup", "passkey", "sms", "email", "temporary"), Lent: r.kinds("sms", "email", "totp"), Now: now,
	}
	for _, key := range r.some("a", "id-a", "id-b", "id-c", "d", "id-d") {
		if f.Started == nil {
			f.Started = map[string]time.Time{}
		}
		f.Started[key] = now.AddDate(0, 0, -r.IntN(40))
	}
	return f
}

// at is the decision that holds at a time.
func (d Decision) at(t time.Time) Decision {
	out := d
	for _, a := range d.Ahead {
		if !a.At.After(t) {
			out = a
		}
	}
	return out
}

// says is whether a policy says anything of a limit: where none does there is
// no limit to keep to.
func (d Decision) says(dimension, key string) bool {
	return slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Dimension == dimension && strings.HasPrefix(r.Value, key+" ") })
}

// However policies are ordered the decision is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(1, 2))}
	for range 5000 {
		ps, f := r.policies(), r.facts()
		before := Decide(ps, f)
		r.Shuffle(len(ps), reflect.Swapper(ps))
		if after := Decide(ps, f); !reflect.DeepEqual(before, after) {
			t.Fatalf("order matters:\n%+v\n%+v", before, after)
		}
	}
}

// One more policy never asks for less nor allows more, now or at any time to
// come. What nobody speaks of at first is no limit; what only a policy can
// offer (to trust a browser, to use what is not enrolled) is no demand.
func TestOneMorePolicyIsNeverKinder(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(3, 4))}
	seen := map[string]int{}
	for range 20000 {
		ps, f, more := r.policies(), r.facts(), r.policy("z")
		before, after := Decide(ps, f), Decide(append(slices.Clone(ps), more), f)
		times := []time.Time{now}
		for _, a := range slices.Concat(before.Ahead, after.Ahead) {
			times = append(times, a.At)
		}
		for _, at := range times {
			b, a := before.at(at), after.at(at)
			if why := kinder(b, a, f, seen); why != "" {
				t.Fatalf("at %s one more policy allows %s\nmore   %+v\npolicies %+v\nfacts  %+v\nbefore %+v\nafter  %+v", at, why, more, ps, f, b, a)
			}
		}
	}
	for _, what := range []string{"ahead", "assurance", "usable", "lacks", "lent", "trusted_devices", "session", "codes", "models", "lock"} {
		if seen[what] < 100 {
			t.Errorf("%s became stricter only %d times: the test does not look", what, seen[what])
		}
	}
}

// kinder is where a is kinder than b, or empty.
func kinder(b, a Decision, f Facts, seen map[string]int) string {
	count := func(what string, stricter bool) {
		if stricter {
			seen[what]++
		}
	}
	count("ahead", a.At.After(now))
	count("assurance", a.Assurance.rank() > b.Assurance.rank())
	if a.Assurance.rank() < b.Assurance.rank() {
		return "assurance " + string(a.Assurance)
	}
	for _, d := range []struct{ b, a Decision }{{b, a}, {b.AtLeast(MFA), a.AtLeast(MFA)}} {
		for _, m := range methods {
			was, is := len(d.b.Usable([]mfa.Kind{m.kind})), len(d.a.Usable([]mfa.Kind{m.kind}))
			count("usable", is < was)
			if is > was && (!m.weak || d.b.Demands()) { // a weak one is there to be named
				return string(m.kind)
			}
		}
		count("lacks", !d.b.Lacks(f.Held) && d.a.Lacks(f.Held))
		if d.b.Lacks(f.Held) && !d.a.Lacks(f.Held) && b.Demands() { // else it only offers
			return "to have nothing more"
		}
	}
	if b.Demands() {
		count("lent", len(a.Lent) < len(b.Lent))
		for _, k := range a.Lent {
			if !slices.Contains(b.Lent, k) {
				return "unenrolled " + string(k)
			}
		}
	}
	if why := longer(b, a, count); why != "" {
		return why
	}
	switch {
	case b.Terms.NoClones && !a.Terms.NoClones, b.Terms.Attested && !a.Terms.Attested:
		return "other keys"
	case len(b.Terms.Models) > 0 && len(a.Terms.Models) == 0:
		return "all makes of key"
	case b.HardLock && !a.HardLock:
		return "a softer lock"
	}
	count("lock", a.HardLock && !b.HardLock)
	count("models", len(b.Terms.Models) > 0 && !slices.Equal(a.Terms.Models, b.Terms.Models))
	for _, m := range a.Terms.Models {
		if len(b.Terms.Models) > 0 && m != NoModel && !slices.Contains(b.Terms.Models, m) {
			return "key " + m
		}
	}
	if len(a.Banners) < len(b.Banners) {
		return "a banner less"
	}
	return ""
}

func longer(b, a Decision, count func(string, bool)) string {
	for _, l := range limits {
		if !b.says(l.dimension, l.key) {
			continue
		}
		get := func(d Decision) int64 {
			return map[string]int64{
				"days": int64(d.TrustDays), "absolute": int64(d.Session.Absolute), "idle": int64(d.Session.Idle),
				"validity": int64(d.Terms.Validity), "digits": int64(d.Terms.Digits), "tries": int64(d.Terms.Tries),
			}[l.key]
		}
		was, is := get(b), get(a)
		if l.more {
			was, is = -was, -is
		}
		count(l.dimension, is < was)
		if is > was || !a.says(l.dimension, l.key) {
			return l.dimension + " " + l.key
		}
	}
	return ""
}

// What is announced for a deadline is what is decided when it comes, and
// between deadlines nothing changes.
func TestAheadIsWhatWillBeDecided(t *testing.T) {
	r := dice{rand.New(rand.NewPCG(5, 6))}
	deadlines, graces := 0, 0
	for range 5000 {
		ps, f := r.policies(), r.facts()
		d := Decide(ps, f)
		held := d
		held.Ahead = nil
		steps := append([]Decision{held}, d.Ahead...)
		for i, want := range steps {
			if i > 0 {
				// The caller keeps when a grace began.
				f.Started = begun(f.Started, &steps[i-1])
				graces += len(steps[i-1].Grace)
				deadlines++
				before := Decide(ps, f.when(want.At.Add(-time.Second)))
				before.Ahead, before.At = nil, steps[i-1].At
				if quiet := steps[i-1]; !sameDemands(before, quiet) {
					t.Fatalf("a second before %s:\n%+v\nwant as before\n%+v", want.At, before, quiet)
				}
			}
			f = f.when(want.At)
			got := Decide(ps, f)
			if !reflect.DeepEqual(got.Ahead, tail(steps, i)) {
				t.Fatalf("ahead of %s:\n%+v\nwant\n%+v", want.At, got.Ahead, tail(steps, i))
			}
			got.Ahead = nil
			if !reflect.DeepEqual(got, want) || len(want.Ahead) > 0 {
				t.Fatalf("at %s\n%+v\nannounced\n%+v", want.At, got, want)
			}
			if i > 0 && !want.At.After(steps[i-1].At) {
				t.Fatalf("%s comes after %s", want.At, steps[i-1].At)
			}
		}
	}
	if deadlines < 1000 || graces < 300 {
		t.Errorf("%d deadlines, %d graces: the test does not look", deadlines, graces)
	}
}

func (f Facts) when(t time.Time) Facts {
	f.Now, f.Started = t, maps.Clone(f.Started)
	return f
}

func tail(ds []Decision, i int) []Decision {
	if i+1 == len(ds) {
		return nil
	}
	return ds[i+1:]
}

func sameDemands(a, b Decision) bool {
	return a.Assurance == b.Assurance && slices.Equal(a.Methods, b.Methods) && slices.Equal(a.Lent, b.Lent) &&
		a.TrustDays == b.TrustDays && a.HardLock == b.HardLock && a.Session == b.Session && reflect.DeepEqual(a.Terms, b.Terms)
}
