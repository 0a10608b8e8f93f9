package rulebook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/mfa/policy"
)

// GroupStore keeps groups; see [idp.Groups] for the rest of them.
type GroupStore interface {
	Exists(ctx context.Context, name string) (bool, error)
	// Page returns groups whose names contain a text, by name, after a name; their
	// members are counted up to countMost.
	Page(ctx context.Context, q GroupQuery) ([]idp.Group, error)
	// Members returns people of a group by id; see [MemberQuery].
	Members(ctx context.Context, q MemberQuery) ([]idp.User, error)
	Put(ctx context.Context, name string) error
	// Rename fails with idp.ErrNotFound, and with idp.ErrTaken when there is a
	// group of the new name.
	Rename(ctx context.Context, from, to string) error
	// Remove fails with idp.ErrNotFound.
	Remove(ctx context.Context, name string) error
	Join(ctx context.Context, group string, id idp.UserID) error
	Leave(ctx context.Context, group string, id idp.UserID) error
}

// CountMost is how far members are counted: nobody waits for a million.
const CountMost = 10_000

// GroupQuery selects a page of groups.
type GroupQuery struct {
	Text  string // in the name
	Name  string // exactly this one
	After string
	Limit int
}

// MemberQuery selects a page of the people of a group.
type MemberQuery struct {
	Group string
	Words []string // folded, see [idp.Words]; each begins one of the person's words
	After idp.UserID
	Limit int
}

// Clients are the applications; see [oidc.Clients].
type Clients interface {
	All(ctx context.Context) ([]oidc.Client, error)
	ByID(ctx context.Context, id idp.ClientID) (oidc.Client, error)
	Save(ctx context.Context, c oidc.Client) error
}

// Feed is something that fills groups by itself, such as a connected Odoo: its
// groups are read-only here.
type Feed struct {
	Name  string
	Feeds func(group string) bool
}

// Groups looks after groups. Its fields are set once, before first use.
type Groups struct {
	*Service
	// Feeds lists what fills groups by itself; nil: nothing does.
	Feeds func(ctx context.Context) ([]Feed, error)
}

// Group is a group and what stands on it.
type Group struct {
	Name     string
	Members  int          // at most CountMost, which stands for more
	Feed     string       // that fills it; empty: people do
	Policies []PolicyName // that name it, drafts aside
	Clients  []ClientName // that only its members may use
}

// PolicyName and ClientName are for links.
type (
	PolicyName struct{ ID, Name string }
	ClientName struct{ ID, Name string }
)

// Used reports whether a policy or an application names the group.
func (g Group) Used() bool { return len(g.Policies)+len(g.Clients) > 0 }

// FedError refuses to change a group that something else fills; it is an
// [idp.ErrDenied].
type FedError struct{ Group, Feed string }

func (e *FedError) Error() string {
	return fmt.Sprintf("%v: the group %s is filled by %s; change it there", idp.ErrDenied, e.Group, e.Feed)
}

func (e *FedError) Unwrap() error { return idp.ErrDenied }

// UsedError refuses to remove a group on which something stands; it is an
// [idp.ErrTaken]. The name of the group, typed, confirms.
type UsedError struct{ Group Group }

func (e *UsedError) Error() string {
	return fmt.Sprintf("%v: the group %s is named by %d policies and %d applications; to remove it all the same, confirm with its name",
		idp.ErrTaken, e.Group.Name, len(e.Group.Policies), len(e.Group.Clients))
}

func (e *UsedError) Unwrap() error { return idp.ErrTaken }

// List returns a page of groups, by name.
func (g *Groups) List(ctx context.Context, by idp.Actor, q GroupQuery) ([]Group, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return nil, err
	}
	all, err := g.Groups.Page(ctx, q)
	if err != nil {
		return nil, err
	}
	ps, err := g.Store.All(ctx)
	if err != nil {
		return nil, err
	}
	cs, err := g.Clients.All(ctx)
	if err != nil {
		return nil, err
	}
	var feeds []Feed
	if g.Feeds != nil {
		if feeds, err = g.Feeds(ctx); err != nil {
			return nil, err
		}
	}
	out := make([]Group, len(all))
	for i, a := range all {
		out[i] = standing(a, ps, cs, feeds)
	}
	return out, nil
}

func standing(a idp.Group, ps []policy.Policy, cs []oidc.Client, feeds []Feed) Group {
	out := Group{Name: a.Name, Members: a.Members}
	for _, f := range feeds {
		if f.Feeds(a.Name) {
			out.Feed = f.Name
		}
	}
	for _, p := range ps {
		if slices.ContainsFunc(p.Whom.Groups, func(n string) bool { return strings.EqualFold(n, a.Name) }) {
			out.Policies = append(out.Policies, PolicyName{p.ID, p.Name})
		}
	}
	for _, c := range cs {
		if slices.Contains(c.Groups, a.Name) {
			out.Clients = append(out.Clients, ClientName{string(c.ID), c.Title()})
		}
	}
	return out
}

// Get returns one group, or idp.ErrNotFound.
func (g *Groups) Get(ctx context.Context, by idp.Actor, name string) (Group, error) {
	all, err := g.List(ctx, by, GroupQuery{Name: name, Limit: 1})
	if err != nil {
		return Group{}, err
	}
	if len(all) == 0 {
		return Group{}, idp.ErrNotFound
	}
	return all[0], nil
}

// Members returns a page of the people of a group, by id.
func (g *Groups) Members(ctx context.Context, by idp.Actor, q MemberQuery) ([]idp.User, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return nil, err
	}
	return g.Groups.Members(ctx, q)
}

// Add makes a group. It fails with idp.ErrTaken when it is there.
func (g *Groups) Add(ctx context.Context, by idp.Actor, name string) error {
	if err := g.mayEdit(ctx, by, "group.add", name); err != nil {
		return err
	}
	name, err := checkGroup(name)
	if err != nil {
		return err
	}
	there, err := g.Groups.Exists(ctx, name)
	if err == nil && there {
		err = fmt.Errorf("%w: the group %q", idp.ErrTaken, name)
	}
	if err == nil {
		err = g.open(ctx, name)
	}
	if err != nil {
		return err
	}
	return g.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(g.Groups.Put(ctx, name), g.event(ctx, by, "group.add", "ok", map[string]string{"group": name}))
	})
}

// Remove removes a group; its members stay people. One that a policy or an
// application names is a [*UsedError] unless confirm is its name.
func (g *Groups) Remove(ctx context.Context, by idp.Actor, name, confirm string) error {
	is, err := g.own(ctx, by, "group.remove", name)
	if err != nil {
		return err
	}
	if is.Used() && confirm != name && !by.Host {
		return &UsedError{is}
	}
	return g.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(g.Groups.Remove(ctx, name), g.event(ctx, by, "group.remove", "ok", map[string]string{"group": name}))
	})
}

// Join puts people into a group, all or none. Each is an e-mail, login or id;
// those who are not there are named in a [*FieldError].
func (g *Groups) Join(ctx context.Context, by idp.Actor, name string, who ...string) (int, error) {
	if _, err := g.own(ctx, by, "group.join", name); err != nil {
		return 0, err
	}
	var people []idp.User
	var missing []string
	for _, w := range who {
		u, err := g.Finder.Find(ctx, w)
		switch {
		case errors.Is(err, idp.ErrNotFound):
			missing = append(missing, w)
			continue
		case err != nil:
			return 0, err
		}
		if err := g.mayTouch(ctx, by, "group.join", u); err != nil {
			return 0, err
		}
		people = append(people, u)
	}
	if len(missing) > 0 || len(people) == 0 {
		return 0, &FieldError{Field: "who", Want: strings.Join(missing, ", ")}
	}
	return len(people), g.Atomic(ctx, func(ctx context.Context) error {
		var errs []error
		for _, u := range people {
			errs = append(errs, g.Groups.Join(ctx, name, u.ID), g.member(ctx, by, "group.join", name, u))
		}
		return errors.Join(errs...)
	})
}

// Leave takes somebody out of a group.
func (g *Groups) Leave(ctx context.Context, by idp.Actor, name string, id idp.UserID) error {
	if _, err := g.own(ctx, by, "group.leave", name); err != nil {
		return err
	}
	u, err := g.People.ByID(ctx, id)
	if err != nil {
		return err
	}
	if err := g.mayTouch(ctx, by, "group.leave", u); err != nil {
		return err
	}
	return g.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(g.Groups.Leave(ctx, name, id), g.member(ctx, by, "group.leave", name, u))
	})
}

// own is a group that people may change, if the actor may.
func (g *Groups) own(ctx context.Context, by idp.Actor, what, name string) (Group, error) {
	if err := g.mayEdit(ctx, by, what, name); err != nil {
		return Group{}, err
	}
	is, err := g.Get(ctx, by, name)
	if err == nil && is.Feed != "" {
		err = &FedError{name, is.Feed}
	}
	return is, err
}

// open refuses a name that something else fills.
func (g *Groups) open(ctx context.Context, name string) error {
	if g.Feeds == nil {
		return nil
	}
	feeds, err := g.Feeds(ctx)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		if f.Feeds(name) {
			return &FedError{name, f.Name}
		}
	}
	return nil
}

func (g *Groups) mayEdit(ctx context.Context, by idp.Actor, what, name string) error {
	err := by.May(idp.EditPeople)
	if err == nil || by.User == "" {
		return err
	}
	return errors.Join(err, g.event(ctx, by, what, "denied", map[string]string{"group": name}))
}

// mayTouch asks whether somebody may change what a person is in: a group may
// open applications (SECURITY.md D-02).
func (g *Groups) mayTouch(ctx context.Context, by idp.Actor, what string, u idp.User) error {
	err := by.MayTouch(idp.EditPeople, u)
	if err == nil || by.User == "" {
		return err
	}
	e := idp.Event{ID: newID(), At: g.Now(), What: what, User: u.ID, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "denied"}
	return errors.Join(err, g.Log.Append(ctx, e))
}

func (g *Groups) member(ctx context.Context, by idp.Actor, what, group string, u idp.User) error {
	return g.Log.Append(ctx, idp.Event{
		ID: newID(), At: g.Now(), What: what, User: u.ID, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: map[string]string{"group": group},
	})
}

// checkGroup is what a group may be called.
func checkGroup(name string) (string, error) {
	name = strings.TrimSpace(name)
	const most = 128
	if name == "" || utf8.RuneCountInString(name) > most || strings.ContainsFunc(name, unicode.IsControl) {
		return "", &FieldError{Field: "name", Want: fmt.Sprintf("1 to %d characters", most)}
	}
	return name, nil
}
