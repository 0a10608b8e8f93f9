package rulebook_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

// When a group has another name, all that names it follows, at once.
func TestRenameGroup(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		for i := range 3 {
			h.must(h.accounts.Memberships().Join(ctx, host, "old", h.add(fmt.Sprint("p", i), "").ID))
		}
		h.client("shop", "old", "others")
		h.client("open")
		p := h.published(second("p", policy.Whom{Groups: []string{"others", "OLD"}}))
		q := h.published(second("q", policy.Whom{Kind: "portal"}))
		draft := p
		draft.What.Devices = &policy.Devices{Days: 2}
		_, err := h.SaveDraft(ctx, h.owner, draft, 0)
		h.must(err)
		fresh, err := h.SaveDraft(ctx, h.owner, second("fresh", policy.Whom{Groups: []string{"old"}}), 0)
		h.must(err)

		h.want(h.groups.Rename(ctx, h.owner, "none", "new"), idp.ErrNotFound)
		h.must(h.groups.Add(ctx, h.owner, "there"))
		h.want(h.groups.Rename(ctx, h.owner, "old", "there"), idp.ErrTaken)
		h.want(h.groups.Rename(ctx, h.owner, "old", " "), idp.ErrInvalid)
		h.must(h.groups.Rename(ctx, h.owner, "old", "new"))

		g, err := h.groups.Get(ctx, h.owner, "new")
		h.must(err)
		if g.Members != 3 || len(g.Policies) != 1 || len(g.Clients) != 1 || g.Clients[0].ID != "shop" {
			t.Errorf("%+v", g)
		}
		_, err = h.groups.Get(ctx, h.owner, "old")
		h.want(err, idp.ErrNotFound)
		c, err := h.db.Clients.ByID(ctx, "shop")
		h.must(err)
		if !slices.Equal(c.Groups, []string{"new", "others"}) {
			t.Errorf("%v", c.Groups)
		}
		vs, err := h.History(ctx, h.owner, p.ID, 0, 10)
		h.must(err)
		if len(vs) != 2 || vs[0].Act != rulebook.Renamed || !strings.Contains(vs[0].Body, "new") {
			t.Errorf("%+v", vs)
		}
		if vs, err = h.History(ctx, h.owner, q.ID, 0, 10); err != nil || len(vs) != 1 {
			t.Errorf("%+v, %v", vs, err)
		}
		// The draft follows and can still be published.
		if _, err = h.Publish(ctx, h.owner, p.ID, rulebook.Means{}); err != nil {
			t.Error(err)
		}
		e, err := h.Get(ctx, h.owner, fresh.Policy.ID)
		h.must(err)
		if !slices.Equal(e.Draft.Policy.Whom.Groups, []string{"new"}) {
			t.Errorf("%+v", e.Draft)
		}
		all, err := h.db.Policies.All(ctx)
		h.must(err)
		if !slices.Equal(all[0].Whom.Groups, []string{"others", "new"}) {
			t.Errorf("%+v", all[0])
		}
		if es := h.events("group.rename"); len(es) != 1 || es[0].Detail["name.after"] != "new" {
			t.Errorf("%+v", es)
		}
	})
}

func TestRemoveGroup(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		h.must(h.groups.Add(ctx, h.owner, "used"))
		h.must(h.groups.Add(ctx, h.owner, "free"))
		h.want(h.groups.Add(ctx, h.owner, "free"), idp.ErrTaken)
		h.published(second("p", policy.Whom{Groups: []string{"used"}}))
		h.must(h.groups.Remove(ctx, h.owner, "free", ""))
		err := h.groups.Remove(ctx, h.owner, "used", "")
		var used *rulebook.UsedError
		if !errors.As(err, &used) || len(used.Group.Policies) != 1 {
			t.Errorf("%v", err)
		}
		h.must(h.groups.Remove(ctx, h.owner, "used", "used"))
		h.want(h.groups.Remove(ctx, h.owner, "used", "used"), idp.ErrNotFound)
	})
}

func TestMembers(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.t.Context()
		h.must(h.groups.Add(ctx, h.owner, "g"))
		h.must(h.groups.Add(ctx, h.owner, "100% of_us"))
		for i := range 7 {
			h.add(fmt.Sprint("p", i), "")
		}
		n, err := h.groups.Join(ctx, h.owner, "g", "p0", "p1@example.org", "p2", "p3")
		if h.must(err); n != 4 {
			t.Error(n)
		}
		_, err = h.groups.Join(ctx, h.owner, "g", "p4", "nobody")
		var f *rulebook.FieldError
		if !errors.As(err, &f) || f.Want != "nobody" {
			t.Error(err)
		}
		var seen []string
		for q := (rulebook.MemberQuery{Group: "g", Limit: 3}); ; {
			page, err := h.groups.Members(ctx, h.owner, q)
			h.must(err)
			for _, u := range page {
				seen = append(seen, u.Login)
				q.After = u.ID
			}
			if len(page) < 3 {
				break
			}
		}
		slices.Sort(seen)
		if !slices.Equal(seen, []string{"p0", "p1", "p2", "p3"}) {
			t.Error(seen)
		}
		found, err := h.groups.Members(ctx, h.owner, rulebook.MemberQuery{Group: "g", Words: idp.Words("PERSON P2")})
		h.must(err)
		if len(found) != 1 || found[0].Login != "p2" {
			t.Errorf("%+v", found)
		}
		h.must(h.groups.Leave(ctx, h.owner, "g", found[0].ID))
		for _, q := range []rulebook.GroupQuery{{Text: "100%"}, {Text: "F_U"}, {After: "1"}} {
			gs, err := h.groups.List(ctx, h.owner, q)
			h.must(err)
			if len(gs) == 0 || q.Text != "" && (len(gs) != 1 || gs[0].Name != "100% of_us") {
				t.Errorf("%+v: %+v", q, gs)
			}
		}
		if es := h.events("group.join"); len(es) != 4 || es[0].Detail["group"] != "g" {
			t.Errorf("%+v", es)
		}
	})
}

// D-01, D-02: rights, and what something else fills is not changed here.
func TestGroupRights(t *testing.T) {
	h := at(t)
	ctx := t.Context()
	h.groups.Feeds = func(context.Context) ([]rulebook.Feed, error) {
		return []rulebook.Feed{{Name: "Shop", Feeds: func(g string) bool { return strings.HasPrefix(g, "odoo:") }}}, nil
	}
	bob := h.add("bob", "")
	h.must(h.accounts.Memberships().Join(ctx, host, "odoo:shop:staff", bob.ID))
	h.must(h.groups.Add(ctx, h.owner, "own"))
	if g, err := h.groups.Get(ctx, h.owner, "odoo:shop:staff"); err != nil || g.Feed != "Shop" {
		t.Errorf("%+v, %v", g, err)
	}
	for name, err := range map[string]error{
		"add":       h.groups.Add(ctx, h.owner, "odoo:x"),
		"rename":    h.groups.Rename(ctx, h.owner, "odoo:shop:staff", "mine"),
		"rename to": h.groups.Rename(ctx, h.owner, "own", "odoo:y"),
		"remove":    h.groups.Remove(ctx, h.owner, "odoo:shop:staff", "odoo:shop:staff"),
		"join":      second2(h.groups.Join(ctx, h.owner, "odoo:shop:staff", "olga")),
		"leave":     h.groups.Leave(ctx, h.owner, "odoo:shop:staff", bob.ID),
	} {
		var fed *rulebook.FedError
		if !errors.As(err, &fed) || fed.Feed != "Shop" {
			t.Errorf("%s: %v", name, err)
		}
	}
	help := h.actor(h.add("help", idp.HelpDesk))
	for name, err := range map[string]error{
		"add": h.groups.Add(ctx, help, "x"), "rename": h.groups.Rename(ctx, help, "own", "x"), "remove": h.groups.Remove(ctx, help, "own", ""),
		"join": second2(h.groups.Join(ctx, help, "own", "bob")), "leave": h.groups.Leave(ctx, help, "own", bob.ID),
	} {
		h.want(err, idp.ErrDenied)
		if name == "add" && len(h.events("group.add")) != 2 {
			t.Error("a refusal leaves no line")
		}
	}
	// Somebody of a higher role is not put into a group.
	admin := h.actor(h.add("admin", idp.Admin))
	h.want(second2(h.groups.Join(ctx, admin, "own", "olga")), idp.ErrDenied)
}
