package rulebook_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// What a draft would do is counted for everybody, told by reason and by person,
// and kept until the policies change or the answer is old.
func TestOutlook(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		h.add("ada", "")
		h.add("bob", "", "totp")
		h.add("eve", "", "passkey")
		h.add("off", "")
		h.must(h.accounts.Disable(ctx, host, mustFind(h, "off").ID))
		h.published(second("already", policy.Whom{Users: []string{"ada"}}))
		p := second("keys", everyone)
		p.What.Assurance, p.What.Enrolment.Deadline = policy.PhishingResistant, "2026-09-01"
		d, err := h.SaveDraft(ctx, h.owner, p, 0)
		h.must(err)
		o, err := h.Outlook(ctx, h.owner, d.Policy.ID, false)
		h.must(err)
		if o.Running || o.Effect == nil || o.Old || !o.At.Equal(h.clock.Now()) {
			t.Fatalf("%+v", o)
		}
		e := *o.Effect
		if e.Looked != 4 || e.Hits != 3 || e.New != 2 {
			t.Errorf("%+v", e)
		}
		if last := e.After[len(e.After)-1]; last.Day != "2026-09-01" || last.States[posture.MustSetUp] != 3 || last.States[posture.Asked] != 1 {
			t.Errorf("%+v", e.After)
		}
		if n := e.Before[len(e.Before)-1].States[posture.MustSetUp]; n != 1 {
			t.Errorf("%+v", e.Before)
		}
		var names []string
		for _, hit := range e.First {
			names = append(names, fmt.Sprint(hit.Name, hit.Day, hit.New))
		}
		slices.Sort(names[:2])
		if want := []string{"bob@example.org2026-09-01true", "olga@example.org2026-09-01true", "ada@example.orgfalse"}; !slices.Equal(names, want) {
			t.Errorf("%q", names)
		}
		if b := e.Because[0]; b.Policy != "keys" || b.People != 2 || b.Dimension != "assurance" || b.Value != "phishing-resistant" {
			t.Errorf("%+v", e.Because)
		}
		var told []posture.Hit
		h.must(h.Hits(ctx, h.owner, d.Policy.ID, func(hit posture.Hit) error { told = append(told, hit); return nil }))
		if len(told) != 3 {
			t.Errorf("%+v", told)
		}

		// The answer is kept; a new draft asks anew; old ones are looked up again.
		jobs := func() int {
			all, err := h.jobs.About(ctx, "policy:"+d.Policy.ID, 10)
			h.must(err)
			return len(all)
		}
		h.must(second2(h.Outlook(ctx, h.owner, d.Policy.ID, false)))
		if jobs() != 1 {
			t.Error("the answer is not kept")
		}
		h.must(second2(h.Outlook(ctx, h.owner, d.Policy.ID, true)))
		h.clock.Pass(20 * time.Minute)
		h.must(second2(h.Outlook(ctx, h.owner, d.Policy.ID, false)))
		h.clock.Pass(time.Second)
		d.Policy.What.Assurance = policy.MFA
		_, err = h.SaveDraft(ctx, h.owner, d.Policy, 1)
		h.must(err)
		if o, err = h.Outlook(ctx, h.owner, d.Policy.ID, false); err != nil || o.Effect.New != 0 || jobs() != 4 {
			t.Errorf("%+v, %v, %d jobs", o, err, jobs())
		}
		if all, err := h.db.Policies.All(ctx); err != nil || len(all) != 1 {
			t.Errorf("looking changed %+v, %v", all, err)
		}
	})
}

func second2[T any](_ T, err error) error { return err }

func mustFind(h *house, who string) idp.User {
	h.t.Helper()
	u, err := h.accounts.Find(h.t.Context(), who)
	h.must(err)
	return u
}

func TestCoverage(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		for i := range 7 {
			u := h.add(fmt.Sprint("p", i), "", []mfa.Kind{"totp", "passkey", "backup"}[:i%3]...)
			if i < 3 {
				h.must(h.accounts.Memberships().Join(ctx, host, "few", u.ID))
			}
		}
		few := second("few", policy.Whom{Groups: []string{"few"}, Except: []policy.Except{{User: "p0", Until: "2026-12-01"}}})
		few.Enabled, few.What.Enrolment.GraceDays = false, 30
		few.Where.Clients = []string{"shop"}
		a, b := h.published(few), h.published(second("all", everyone))
		c, err := h.Coverage(ctx, h.owner, false)
		h.must(err)
		if got, want := c.By[a.ID], (posture.Coverage{People: 2, Ready: 2, Exempt: 1}); got != want {
			t.Errorf("%+v", got)
		}
		if got, want := c.By[b.ID], (posture.Coverage{People: 8, Ready: 5}); got != want {
			t.Errorf("%+v", got)
		}
	})
}

// What is foretold agrees with what people's posture says, which is tested
// against real sign-ins.
func TestWhatIfAgreesWithPosture(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	r := rand.New(rand.NewPCG(1, 2))
	var people []idp.User
	for i, held := range [][]mfa.Kind{nil, {"totp"}, {"passkey"}, {"backup"}, {"totp", "backup"}, {"sms"}, {"passkey", "totp"}} {
		people = append(people, h.add(fmt.Sprint("p", i), "", held...))
	}
	seen := map[posture.State]int{}
	for range 40 {
		var ps []policy.Policy
		for i := range 1 + r.IntN(3) {
			p := second(fmt.Sprint("p", i), everyone)
			p.What.Assurance = []policy.Assurance{policy.None, policy.MFA, policy.PhishingResistant}[r.IntN(3)]
			for _, k := range []mfa.Kind{"totp", "passkey", "backup"} {
				if r.IntN(2) == 0 {
					p.What.Methods = append(p.What.Methods, k)
				}
			}
			ps = append(ps, p)
		}
		_, err := h.Apply(ctx, host, ps, rulebook.Means{})
		h.must(err)
		in, err := h.db.Policies.All(ctx)
		h.must(err)
		for _, u := range people {
			a, err := h.WhatIf(ctx, h.owner, rulebook.Question{Who: string(u.ID)})
			h.must(err)
			st := (&posture.Service{Factors: h.Factors, Now: h.clock.Now}).Person(in, u, posture.Options{}).Standing.Now
			seen[st.State]++
			if got := stateOf(a.Signin); got != st.State {
				t.Fatalf("%s holds %v under %+v: foretold %+v (%s), posture %s", u.Login, u.Factors, in, a.Signin, got, st.State)
			}
		}
	}
	if len(seen) != len(posture.States) {
		t.Errorf("only %v", seen)
	}
}

func stateOf(f signin.Forecast) posture.State {
	switch {
	case f.Stuck:
		return posture.ShutOut
	case slices.Contains(f.Steps, signin.MustEnrol):
		return posture.MustSetUp
	case slices.Contains(f.Steps, signin.AskFactor):
		return posture.Asked
	}
	return posture.Fine
}

func TestWhatIf(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	h.add("bob", "", "totp")
	h.client("shop")
	p := second("outside", everyone)
	p.Where = policy.Where{Clients: []string{"shop"}, Networks: policy.Networks{NotIn: template(h, "outside").Where.Networks.NotIn}}
	p.What.Devices = &policy.Devices{Days: 5}
	h.published(p)
	late := second("late", policy.Whom{Users: []string{"bob"}})
	late.What.Assurance, late.What.Enrolment.Deadline = policy.PhishingResistant, "2026-08-01"
	d, err := h.SaveDraft(ctx, h.owner, late, 0)
	h.must(err)
	ask := func(q rulebook.Question) rulebook.Answer {
		t.Helper()
		q.Who = "bob@example.org"
		a, err := h.WhatIf(ctx, h.owner, q)
		h.must(err)
		return a
	}
	a := ask(rulebook.Question{Client: "shop", Address: "203.0.113.9"})
	if !a.Decision.Demands() || a.Policies[0].Verdict != policy.Holds || a.Decision.TrustDays != 5 || !reflect.DeepEqual(a.Signin.Methods, []mfa.Kind{"totp"}) ||
		!slices.Equal(a.Signin.Steps, []signin.Step{signin.AskPassword, signin.AskFactor, signin.Done}) {
		t.Errorf("%+v", a)
	}
	if a = ask(rulebook.Question{Client: "shop", Address: "10.1.2.3"}); a.Decision.Demands() || a.Policies[0].Verdict != policy.Elsewhere {
		t.Errorf("%+v", a)
	}
	a = ask(rulebook.Question{Client: "shop", Address: "10.1.2.3", Draft: d.Policy.ID})
	if a.Policies[1].Verdict != policy.Ahead || a.Drafted != "late" || len(a.Ahead) != 1 || !slices.Contains(a.Ahead[0].Steps, signin.MustEnrol) || !slices.Equal(a.Ahead[0].Addable, []mfa.Kind{"passkey"}) {
		t.Errorf("%+v", a)
	}
	if a = ask(rulebook.Question{Draft: d.Policy.ID, At: time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC)}); a.Policies[1].Verdict != policy.Holds || a.Decision.Assurance != policy.PhishingResistant {
		t.Errorf("%+v", a)
	}
	_, err = h.WhatIf(ctx, h.owner, rulebook.Question{Who: "nobody", Client: "none", Address: "here"})
	for _, f := range []string{"who", "client", "address"} {
		if err == nil || !slices.ContainsFunc(all(err), func(e *rulebook.FieldError) bool { return e.Field == f }) {
			t.Errorf("%s is not told: %v", f, err)
		}
	}
}

// all are the field errors that are joined.
func all(err error) (out []*rulebook.FieldError) {
	if j, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the tree itself is walked
		for _, e := range j.Unwrap() {
			out = append(out, all(e)...)
		}
		return out
	}
	var f *rulebook.FieldError
	if errors.As(err, &f) {
		out = append(out, f)
	}
	return out
}

func template(h *house, name string) policy.Policy {
	h.t.Helper()
	all := rulebook.Templates(h.clock.Now())
	i := slices.IndexFunc(all, func(t rulebook.Template) bool { return t.Name == name })
	if i < 0 {
		h.t.Fatalf("there is no template %s", name)
	}
	return all[i].Policy
}

// M-15: the template for administrators concerns every role and nobody else, in
// the outlook, the coverage and the question what happens if; and locks nobody
// out on the first day.
func TestAdministratorsTemplate(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	h.add("bob", "", "totp")
	roles := map[string]idp.Role{"adam": idp.Admin, "ada": idp.Auditor, "hal": idp.HelpDesk}
	for login, role := range roles {
		h.add(login, role, "totp")
	}
	p := template(h, "administrators")
	if risk, err := h.SaveDraft(ctx, h.owner, p, 0); err != nil {
		t.Fatal(err)
	} else if out, err := h.Lockout(ctx, h.owner, risk.Policy.ID); err != nil || out != nil {
		t.Errorf("it locks out: %v, %v", out, err)
	}
	p = h.published(p)
	for login, is := range map[string]bool{"olga": true, "adam": true, "ada": true, "hal": true, "bob": false} {
		a, err := h.WhatIf(ctx, h.owner, rulebook.Question{Who: login})
		h.must(err)
		if want := map[bool]policy.Verdict{true: policy.Ahead, false: policy.Others}[is]; a.Policies[0].Verdict != want || a.Decision.Demands() || (len(a.Ahead) == 1) != is {
			t.Errorf("%s: %s, %+v", login, a.Policies[0].Verdict, a.Signin)
		}
	}
	c, err := h.Coverage(ctx, h.owner, true)
	h.must(err)
	if got := c.By[p.ID]; got.People != 4 || got.Ready != 0 {
		t.Errorf("coverage: %+v", got)
	}
	// Where nobody can set up a passkey it would shut out all who could take it back.
	h.Factors = offers{"totp", "backup"}
	p.What.Enrolment = policy.Enrolment{}
	d, err := h.SaveDraft(ctx, h.owner, p, 0)
	h.must(err)
	if out, err := h.Lockout(ctx, h.owner, d.Policy.ID); err != nil || out == nil || !out.Self || !out.Staff {
		t.Errorf("nobody is warned: %v, %v", out, err)
	}
}

// Templates are policies that a file could say and that somebody can satisfy.
func TestTemplates(t *testing.T) {
	h := at(t)
	h.Factors = offers{"totp", "passkey", "sms", "email", "backup"}
	for _, tpl := range rulebook.Templates(h.clock.Now()) {
		text, err := policy.Format([]policy.Policy{tpl.Policy})
		h.must(err)
		if ps, err := policy.Parse(text); err != nil || !reflect.DeepEqual(ps[0], tpl.Policy) {
			t.Errorf("%s: %v\n%s", tpl.Name, err, text)
		}
		ds, err := h.Doubts(t.Context(), h.owner, tpl.Policy)
		ds = slices.DeleteFunc(ds, func(d rulebook.Doubt) bool { return d.Kind == rulebook.HardLock }) // the PCI preset is hard on purpose
		if err != nil || len(ds) > 0 {
			t.Errorf("%s: %v, %v", tpl.Name, ds, err)
		}
	}
}

func TestDoubts(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	keys := second("keys", policy.Whom{Kind: "internal"})
	keys.What.Assurance = policy.PhishingResistant
	h.published(keys)
	p := policy.Policy{Name: "p", Enabled: true, What: policy.What{Methods: []mfa.Kind{"totp"}, Enrolment: policy.Enrolment{Deadline: "2026-01-01"}},
		Whom:  policy.Whom{Groups: []string{"nowhere"}, Users: []string{"nobody"}, Except: []policy.Except{{User: "olga", Until: "2026-01-01"}}},
		Where: policy.Where{Clients: []string{"none"}}}
	got, err := h.Doubts(ctx, h.owner, p)
	h.must(err)
	want := []rulebook.Doubt{
		{rulebook.Together, "keys"}, {rulebook.Past, "2026-01-01"}, {rulebook.Ended, "olga"},
		{rulebook.NoGroup, "nowhere"}, {rulebook.NoUser, "nobody"}, {rulebook.NoClient, "none"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	p.Whom = policy.Whom{Kind: "portal"} // never the same person
	if got, err = h.Doubts(ctx, h.owner, p); err != nil || slices.ContainsFunc(got, func(d rulebook.Doubt) bool { return d.Kind == rulebook.Together }) {
		t.Errorf("%+v, %v", got, err)
	}
	p.What.Assurance, p.What.Methods = policy.MFA, []mfa.Kind{"backup"}
	if got, err = h.Doubts(ctx, h.owner, p); err != nil || got[0].Kind != rulebook.Unmeetable {
		t.Errorf("%+v, %v", got, err)
	}
}

// B-02, B-09: a hard lock of all owners, or of all administrators, is worth a
// word: with it a stranger can keep them out. It is no mistake.
func TestDoubtsHardLock(t *testing.T) {
	h := at(t)
	h.add("adam", idp.Admin)
	h.add("bob", "")
	for whom, want := range map[string]bool{"olga": true, "adam": true, "bob": false} {
		for lock, hard := range map[string]bool{"hard": true, "soft": false} {
			p := policy.Policy{Name: "p", Enabled: true, Whom: policy.Whom{Users: []string{whom}}, What: policy.What{Lock: lock}}
			got, err := h.Doubts(t.Context(), h.owner, p)
			h.must(err)
			if slices.Contains(got, rulebook.Doubt{Kind: rulebook.HardLock}) != (want && hard) {
				t.Errorf("%s, %s: %+v", whom, lock, got)
			}
			p.Whom = policy.Whom{Administrators: true}
			if got, err = h.Doubts(t.Context(), h.owner, p); err != nil || slices.Contains(got, rulebook.Doubt{Kind: rulebook.HardLock}) != hard {
				t.Errorf("administrators, %s: %+v, %v", lock, got, err)
			}
			p.Whom = everyone
			if got, err = h.Doubts(t.Context(), h.owner, p); err != nil || slices.Contains(got, rulebook.Doubt{Kind: rulebook.HardLock}) != hard {
				t.Errorf("everyone, %s: %+v, %v", lock, got, err)
			}
		}
	}
	h.add("oscar", idp.Owner)
	one := policy.Policy{Name: "one", Enabled: true, Whom: policy.Whom{Users: []string{"olga"}}, What: policy.What{Lock: "hard"}}
	if got, err := h.Doubts(t.Context(), h.owner, one); err != nil || len(got) != 0 {
		t.Errorf("one of two owners: %+v, %v", got, err)
	}
	p := h.published(policy.Policy{Name: "hard", Enabled: true, Whom: everyone, What: policy.What{Lock: "hard"}})
	if p.ID == "" {
		t.Error("it was refused")
	}
}
