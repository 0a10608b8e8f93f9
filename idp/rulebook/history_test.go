package rulebook_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

// Every version that was in force is kept, with who, when and why, and comes
// back.
func TestHistory(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		p := h.published(second("portal", policy.Whom{Kind: "portal"}))
		h.clock.Pass(time.Hour)
		p.What.Devices, p.Name = &policy.Devices{Days: 7}, "customers"
		d, err := h.SaveDraft(ctx, h.owner, p, 0)
		h.must(err)
		v, err := h.Publish(ctx, h.owner, p.ID, rulebook.Means{Seen: d.Version, Reason: "the auditor asked"})
		h.must(err)
		if v.Number != 2 || v.Name != "customers" || v.Who != "Person olga (olga@example.org)" || v.Actor != h.owner.User || v.Reason != "the auditor asked" || !v.At.Equal(h.clock.Now()) {
			t.Errorf("%+v", v)
		}
		_, err = h.Switch(ctx, host, p.ID, false, rulebook.Means{})
		h.must(err)
		if _, err = h.Switch(ctx, host, p.ID, false, rulebook.Means{}); err != nil { // again: nothing
			t.Error(err)
		}
		h.must(h.Remove(ctx, h.owner, p.ID, rulebook.Means{Reason: "gone"}))
		h.want(h.Remove(ctx, h.owner, p.ID, rulebook.Means{}), idp.ErrNotFound)
		gone, err := h.Gone(ctx, h.owner)
		h.must(err)
		if len(gone) != 1 || gone[0].Name != "customers" || gone[0].Act != rulebook.Removed {
			t.Errorf("%+v", gone)
		}
		_, err = h.Rollback(ctx, h.owner, p.ID, 1, rulebook.Means{})
		h.must(err)
		if gone, err = h.Gone(ctx, h.owner); err != nil || len(gone) > 0 {
			t.Errorf("%v, %v", gone, err)
		}
		vs, err := h.History(ctx, h.owner, p.ID, 0, 10)
		h.must(err)
		var acts []string
		for _, v := range vs {
			acts = append(acts, v.Name+" "+string(v.Act))
		}
		if want := []string{"portal rollback", "customers remove", "customers disable", "customers publish", "portal publish"}; !slices.Equal(acts, want) {
			t.Errorf("%q", acts)
		}
		if vs[2].Who != "command line, root" || vs[0].Source != 1 {
			t.Errorf("%+v", vs)
		}
		older, err := h.History(ctx, h.owner, p.ID, 3, 1)
		h.must(err)
		if len(older) != 1 || older[0].Number != 2 {
			t.Errorf("%+v", older)
		}
		diff, err := h.Between(ctx, h.owner, p.ID, 1, 2)
		h.must(err)
		if want := []rulebook.Change{{"name", "portal", "customers"}, {"what.trusted_devices.days", "", "7"}}; !slices.Equal(diff, want) {
			t.Errorf("%+v", diff)
		}
		there, err := h.db.Policies.InForce(ctx)
		h.must(err)
		if len(there) != 1 || there[0].Name != "portal" || there[0].ID != p.ID {
			t.Errorf("%+v", there)
		}
		id, err := h.Find(ctx, h.owner, "customers")
		h.must(err)
		if id != p.ID {
			t.Error("a former name does not find it")
		}
		es := h.events("policy.publish")
		if len(es) != 2 || es[1].Actor != h.owner.User || es[1].Detail["what.trusted_devices.days.after"] != "7" || es[1].Detail["name.before"] != "portal" || es[1].Detail["reason"] != "the auditor asked" {
			t.Errorf("%+v", es)
		}
		for _, what := range []string{"policy.draft", "policy.disable", "policy.remove", "policy.rollback"} {
			if len(h.events(what)) == 0 {
				t.Errorf("no event %s", what)
			}
		}
	})
}

// A policy from before there was a history keeps what it was.
func TestHistoryBeginsWithWhatWasThere(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		h.must(h.db.Policies.Apply(ctx, []policy.Policy{second("old", policy.Whom{Kind: "portal"})}))
		is := second("old", policy.Whom{Kind: "internal"})
		vs, err := h.Apply(ctx, host, []policy.Policy{is, second("new", policy.Whom{Kind: "portal"})}, rulebook.Means{})
		h.must(err)
		if len(vs) != 2 || vs[0].Number != 2 || vs[1].Number != 1 {
			t.Fatalf("%+v", vs)
		}
		found, err := h.Version(ctx, h.owner, vs[0].Policy, 1)
		h.must(err)
		if was, err := found.Read(); err != nil || found.Act != rulebook.Found || was.Whom.Kind != "portal" {
			t.Errorf("%+v, %v", found, err)
		}
		// What says the same makes no version.
		vs, err = h.Apply(ctx, host, []policy.Policy{is}, rulebook.Means{})
		if h.must(err); len(vs) > 0 {
			t.Errorf("%+v", vs)
		}
	})
}
