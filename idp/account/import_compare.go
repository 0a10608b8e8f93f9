package account

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"latchkey/idp"
)

// compare holds rows against the people who are there, and returns those of new
// people.
func (r *importing) compare(ctx context.Context, all []candidate) (fresh []candidate, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	var ids []idp.Identifier
	for _, c := range all {
		ids = append(ids, c.ids...)
	}
	held, err := r.Directory.Holding(ctx, ids)
	if err != nil {
		return nil, err
	}
	people, err := r.people(ctx, held)
	if err != nil {
		return nil, err
	}
	feeds := map[string]string{}
	for _, c := range all {
		f, same, err := r.meet(ctx, c, held, people)
		if err == nil && f.Kind == "" && !same {
			f, err = r.filled(ctx, c, feeds)
		}
		if err != nil {
			return nil, err
		}
		if f.Kind != "" {
			r.conflicting(f)
			continue
		}
		first, name := r.earlier(c)
		switch {
		case first > 0:
			r.conflicting(Finding{Line: c.Line, Kind: Twice, Text: fmt.Sprintf("%q, or a name that looks the same, is in line %d already", name, first)})
		case same:
			r.sum.Unchanged++
		default:
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

// meet says who is in the way of a row, or that its person is there already.
func (r *importing) meet(ctx context.Context, c candidate, h Holders, people map[idp.UserID]idp.User) (f Finding, same bool, err error) {
	f, same = conflict(c, h, people)
	there := c.holders(h)
	if r.Meets == nil || len(there) != 1 {
		return f, same, nil
	}
	settled, err := r.Meets(ctx, c.Row, people[there[0]])
	if settled && err == nil {
		r.sum.Settled++
	}
	if settled || err != nil {
		return Finding{}, true, err
	}
	if same {
		f = Finding{Line: c.Line, Kind: Taken, Other: people[there[0]].Login}
		f.Text = f.Other + " is there already"
	}
	return f, false, nil
}

// filled says that a row names a group that something else fills (SECURITY.md
// D-02). feeds keeps the answers of a batch; empty: nothing does.
func (r *importing) filled(ctx context.Context, c candidate, feeds map[string]string) (Finding, error) {
	for _, g := range c.u.Groups {
		feed, asked := feeds[g]
		if !asked {
			by, fed, err := r.Service.Memberships().fed(ctx, r.by, g)
			if err != nil {
				return Finding{}, err
			}
			if fed {
				feed = by
			}
			feeds[g] = feed
		}
		if feed != "" {
			return Finding{Line: c.Line, Kind: Filled, Other: feed, Text: fmt.Sprintf("the group %q is filled by %s; add people to it there", g, feed)}, nil
		}
	}
	return Finding{}, nil
}

func (r *importing) people(ctx context.Context, h Holders) (map[idp.UserID]idp.User, error) {
	var ids []idp.UserID
	for _, m := range []map[string]idp.UserID{h.Names, h.Looks} {
		for _, id := range m {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := map[idp.UserID]idp.User{}
	if len(ids) == 0 {
		return out, nil
	}
	us, err := r.Directory.People(ctx, slices.Compact(ids))
	for _, u := range us {
		out[u.ID] = u
	}
	return out, err
}

// conflict says who is in the way of a row, or that its person is there already.
func conflict(c candidate, h Holders, people map[idp.UserID]idp.User) (f Finding, same bool) {
	holders := c.holders(h)
	f = Finding{Line: c.Line}
	switch len(holders) {
	case 0:
		for _, id := range c.ids {
			if u, ok := h.Looks[id.Skeleton]; ok {
				f.Kind, f.Other = Alike, people[u].Login
				f.Text = fmt.Sprintf("%q looks like a name of %s", id.Canonical, f.Other)
				return f, false
			}
		}
		return f, false
	case 1:
		u := people[holders[0]]
		differs := c.differs(u)
		if len(differs) == 0 {
			return f, true
		}
		f.Kind, f.Other = Taken, u.Login
		f.Text = fmt.Sprintf("%s is there already, with another %s; an import changes nobody", u.Login, strings.Join(differs, ", "))
		return f, false
	}
	f.Kind, f.Other = Taken, people[holders[0]].Login
	f.Text = fmt.Sprintf("login and e-mail belong to two people, %s and %s", people[holders[0]].Login, people[holders[1]].Login)
	return f, false
}

// holders are the people who have the names of a row.
func (c candidate) holders(h Holders) (out []idp.UserID) {
	for _, id := range c.ids {
		if u, ok := h.Names[id.Canonical]; ok && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// differs names what a row says otherwise about somebody who is there. What it
// does not mention may be anything, and so may what people change themselves
// or what is never shown: the password, the app.
func (c candidate) differs(u idp.User) (out []string) {
	given := func(field string) bool { return c.Given[field] }
	for _, d := range []struct {
		field string
		is    bool
	}{
		{"login", c.u.Login != u.Login}, {"email", c.u.Email != u.Email}, {"name", given("name") && c.u.Name != u.Name},
		{"kind", given("kind") && c.u.Kind != u.Kind}, {"phone", given("phone") && c.u.Phone != u.Phone},
		{"groups", slices.ContainsFunc(c.u.Groups, func(g string) bool { return !slices.Contains(u.Groups, g) })},
		{"verified", c.In.Verified && (c.u.EmailVerified && !u.EmailVerified || c.u.PhoneVerified && !u.PhoneVerified)},
	} {
		if d.is {
			out = append(out, d.field)
		}
	}
	return out
}
