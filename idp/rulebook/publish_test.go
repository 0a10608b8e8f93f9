package rulebook_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Two people write on one draft: nobody's work is lost, and whoever is second
// is told whose was first.
func TestTwoWriters(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		anna := h.actor(h.add("anna", idp.Admin, "totp"))
		d, err := h.SaveDraft(ctx, h.owner, second("p", policy.Whom{Kind: "portal"}), 0)
		h.must(err)
		mine, theirs := d.Policy, d.Policy
		mine.Name, theirs.Name = "mine", "theirs"
		_, err = h.SaveDraft(ctx, anna, theirs, d.Version)
		h.must(err)
		_, err = h.SaveDraft(ctx, h.owner, mine, d.Version)
		var c *rulebook.ConflictError
		if !errors.As(err, &c) || c.Draft == nil || c.Draft.Policy.Name != "theirs" || c.Draft.Who != "Person anna (anna@example.org)" {
			t.Fatalf("%v", err)
		}
		_, err = h.Publish(ctx, h.owner, d.Policy.ID, rulebook.Means{Seen: d.Version})
		h.want(err, idp.ErrSpent)
		h.want(h.DropDraft(ctx, h.owner, d.Policy.ID, d.Version), idp.ErrSpent)
		_, err = h.SaveDraft(ctx, h.owner, mine, c.Draft.Version) // having seen it
		h.must(err)

		// Of many at the same moment one is first.
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wg.Go(func() {
				_, err := h.SaveDraft(ctx, anna, theirs, 3)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, idp.ErrSpent) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}

// A draft that began before somebody published something else does not undo
// that without a word.
func TestPublishedMeanwhile(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	p := h.published(second("p", policy.Whom{Kind: "portal"}))
	p.What.Devices = &policy.Devices{Days: 3}
	d, err := h.SaveDraft(ctx, h.owner, p, 0)
	h.must(err)
	_, err = h.Switch(ctx, host, p.ID, false, rulebook.Means{})
	h.must(err)
	_, err = h.Publish(ctx, h.owner, p.ID, rulebook.Means{Seen: d.Version})
	var c *rulebook.ConflictError
	if !errors.As(err, &c) || c.Published == nil || c.Published.Number != 2 {
		t.Fatal(err)
	}
	h.must(h.Rebase(ctx, h.owner, p.ID, d.Version))
	v, err := h.Publish(ctx, h.owner, p.ID, rulebook.Means{})
	h.must(err)
	if v.Number != 3 {
		t.Errorf("%+v", v)
	}
	if _, err := h.Publish(ctx, h.owner, p.ID, rulebook.Means{}); !errors.Is(err, idp.ErrNotFound) { // the draft is used up
		t.Error(err)
	}
	if _, err := h.Switch(ctx, h.owner, p.ID, false, rulebook.Means{Seen: 2}); !errors.As(err, &c) || c.Published.Number != 3 {
		t.Error(err)
	}
}

// Publishing at the same moment leaves one version of each number.
func TestPublishRace(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		p := h.published(second("p", policy.Whom{Kind: "portal"}))
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				q := p
				q.What.Devices = &policy.Devices{Days: i + 1}
				if _, err := h.Apply(ctx, host, []policy.Policy{q}, rulebook.Means{}); err != nil {
					var c *rulebook.ConflictError
					if !errors.As(err, &c) || c.Published == nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		vs, err := h.History(ctx, h.owner, p.ID, 0, 100)
		h.must(err)
		all, err := h.db.Policies.All(ctx)
		h.must(err)
		newest, err := vs[0].Read()
		h.must(err)
		if !reflect.DeepEqual(newest, all[0]) || vs[0].Number != len(vs) {
			t.Errorf("the newest of %d versions is %+v, in force %+v", len(vs), newest, all[0])
		}
	})
}

// D-05: what would lock out whoever could take it back must be meant.
func TestLockout(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	ada := h.actor(h.add("ada", idp.Admin, "totp"))
	h.add("bob", "")
	never := second("backup-only", everyone)
	never.What.Methods = []mfa.Kind{"backup"}
	for _, later := range []policy.Enrolment{{}, {Deadline: "2027-01-01"}} {
		never.What.Enrolment = later
		d, err := h.SaveDraft(ctx, h.owner, never, 0)
		h.must(err)
		id := d.Policy.ID
		_, err = h.Publish(ctx, h.owner, id, rulebook.Means{Seen: d.Version, Confirm: "yes"})
		var l *rulebook.LockoutError
		if !errors.As(err, &l) || !l.Self || !l.Owners || !l.Staff || len(l.People) != 2 || l.Word != "backup-only" {
			t.Fatalf("%v", err)
		}
		if all, _ := h.db.Policies.All(ctx); len(all) > 0 {
			t.Fatal("it is in force all the same")
		}
		_, err = h.Publish(ctx, h.owner, id, rulebook.Means{Confirm: l.Word})
		h.must(err)
		h.must(h.Remove(ctx, h.owner, id, rulebook.Means{}))
		// Switching on and rolling back are no ways around.
		_, err = h.Rollback(ctx, h.owner, id, 1, rulebook.Means{})
		h.want(err, rulebook.ErrLockout)
	}
	// One administrator alone may be shut out by another; not by themselves.
	one := never
	one.Name, one.Whom, one.What.Enrolment = "ada", policy.Whom{Users: []string{"ada@example.org"}}, policy.Enrolment{}
	_, err := h.Apply(ctx, ada, []policy.Policy{one}, rulebook.Means{})
	h.want(err, rulebook.ErrLockout)
	_, err = h.Apply(ctx, h.owner, []policy.Policy{one}, rulebook.Means{})
	h.must(err)
	// Who is shut out already is not kept from better by it.
	_, err = h.Apply(ctx, ada, []policy.Policy{second("more", everyone)}, rulebook.Means{})
	h.must(err)
	// The host may.
	never.Name = "by host"
	_, err = h.Apply(ctx, host, []policy.Policy{never}, rulebook.Means{})
	h.must(err)
}

func TestExempt(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	bob := h.add("bob", "")
	p := h.published(second("p", everyone))
	for _, c := range []struct {
		who, until, reason, field string
	}{
		{"nobody", "2026-08-01", "x", "user"},
		{"bob", "2026-07-13", "x", "until"},
		{"bob", "2027-08-01", "x", "until"},
		{"bob", "soon", "x", "until"},
		{"bob", "2026-08-01", " ", "reason"},
	} {
		_, err := h.Exempt(ctx, h.owner, p.ID, c.who, policy.Date(c.until), rulebook.Means{Reason: c.reason})
		var f *rulebook.FieldError
		if !errors.As(err, &f) || f.Field != c.field || !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for i, until := range []policy.Date{"2026-08-01", "2026-07-14"} { // today is the last day
		v, err := h.Exempt(ctx, h.owner, p.ID, string(bob.ID), until, rulebook.Means{Reason: "broken phone"})
		h.must(err)
		is, err := v.Read()
		h.must(err)
		if want := []policy.Except{{User: "bob@example.org", Until: until}}; !slices.Equal(is.Whom.Except, want) || v.Number != 2+i || v.Act != rulebook.Exempted {
			t.Errorf("%+v", v)
		}
	}
	// D-07: the log, which is for ever, counts exemptions; the versions name people.
	if es := h.events("policy.exempt"); len(es) != 2 || es[0].Detail["whom.except.changed"] != "1" || strings.Contains(fmt.Sprint(es), "bob@") || es[0].Detail["reason"] != "broken phone" {
		t.Errorf("%+v", es)
	}
}

// D-07: a policy for people by name is counted in the log, which cannot forget.
func TestNamesStayOutOfTheLog(t *testing.T) {
	h := at(t)
	h.add("bob", "")
	p := h.published(second("p", policy.Whom{Users: []string{"bob@example.org", "eve@example.org"}}))
	p.Whom.Users = []string{"bob@example.org"}
	_, err := h.Apply(t.Context(), h.owner, []policy.Policy{p}, rulebook.Means{})
	h.must(err)
	var counted []string
	h.must(h.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if strings.Contains(fmt.Sprint(e.Detail), "@example.org") {
			t.Errorf("%s tells %v", e.What, e.Detail)
		}
		if n := e.Detail["whom.users.changed"]; n != "" {
			counted = append(counted, n)
		}
		return nil
	}))
	if !slices.Contains(counted, "1") || !slices.Contains(counted, "2") {
		t.Errorf("%v", counted)
	}
}

// D-01: only who may, does; who may not leaves a line.
func TestRights(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	p := h.published(second("p", policy.Whom{Kind: "portal"}))
	d := p
	d.What.Devices = &policy.Devices{}
	_, err := h.SaveDraft(ctx, h.owner, d, 0)
	h.must(err)
	for _, role := range []idp.Role{"", idp.HelpDesk, idp.Auditor} {
		by := h.actor(h.add("x"+string(role), role, "totp"))
		for name, do := range map[string]func() error{
			"draft":   func() error { _, err := h.SaveDraft(ctx, by, d, 1); return err },
			"drop":    func() error { return h.DropDraft(ctx, by, p.ID, 1) },
			"rebase":  func() error { return h.Rebase(ctx, by, p.ID, 1) },
			"publish": func() error { _, err := h.Publish(ctx, by, p.ID, rulebook.Means{}); return err },
			"apply":   func() error { _, err := h.Apply(ctx, by, []policy.Policy{d}, rulebook.Means{}); return err },
			"enable":  func() error { _, err := h.Switch(ctx, by, p.ID, false, rulebook.Means{}); return err },
			"exempt": func() error {
				_, err := h.Exempt(ctx, by, p.ID, "olga", "2026-08-01", rulebook.Means{Reason: "x"})
				return err
			},
			"rollback": func() error { _, err := h.Rollback(ctx, by, p.ID, 1, rulebook.Means{}); return err },
			"remove":   func() error { return h.Remove(ctx, by, p.ID, rulebook.Means{}) },
		} {
			if err := do(); !errors.Is(err, idp.ErrDenied) {
				t.Errorf("%s %q: %v", name, role, err)
			}
		}
		_, _, err := h.List(ctx, by)
		if _, err2 := h.History(ctx, by, p.ID, 0, 1); (err == nil) != (role != "") || (err2 == nil) != (role != "") {
			t.Errorf("%q looks: %v, %v", role, err, err2)
		}
	}
	denied := 0
	for _, e := range h.events("policy.publish") {
		if e.Result == "denied" {
			denied++
		}
	}
	if denied != 6 { // publish and apply, by each of the three
		t.Errorf("%d refusals are in the log", denied)
	}
	vs, err := h.History(ctx, h.owner, p.ID, 0, 10)
	if h.must(err); len(vs) != 1 {
		t.Errorf("%+v", vs)
	}
}

func TestNames(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		p, q := h.published(second("p", policy.Whom{Kind: "portal"})), h.published(second("q", policy.Whom{Kind: "portal"}))
		q.Name = "p"
		_, err := h.SaveDraft(ctx, h.owner, q, 0)
		h.want(err, idp.ErrTaken)
		// Two drafts may want one name; the first that is published gets it.
		a, err := h.SaveDraft(ctx, h.owner, second("new", policy.Whom{Kind: "portal"}), 0)
		h.must(err)
		b, err := h.SaveDraft(ctx, h.owner, second("new", policy.Whom{Kind: "portal"}), 0)
		h.must(err)
		_, err = h.Publish(ctx, h.owner, a.Policy.ID, rulebook.Means{})
		h.must(err)
		_, err = h.Publish(ctx, h.owner, b.Policy.ID, rulebook.Means{})
		h.want(err, idp.ErrTaken)
		if e, err := h.Get(ctx, h.owner, b.Policy.ID); err != nil || !e.New() || e.Draft == nil {
			t.Errorf("the draft is lost: %+v, %v", e, err)
		}
		if p.ID == q.ID {
			t.Error("one id")
		}
		// Days of grace of a policy go on with its id when its name changes.
		p.Name = "renamed"
		_, err = h.SaveDraft(ctx, h.owner, p, 0)
		h.must(err)
		_, err = h.Publish(ctx, h.owner, p.ID, rulebook.Means{})
		h.must(err)
		if all, err := h.db.Policies.All(ctx); err != nil || all[0].ID != p.ID || all[0].Name != "renamed" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
