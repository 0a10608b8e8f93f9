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
	all, err := g.Service.Groups.Page(ctx, q)
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
	return g.Service.Groups.Members(ctx, q)
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
	there, err := g.Service.Groups.Exists(ctx, name)
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
		return errors.Join(g.Service.Groups.Put(ctx, name), g.event(ctx, by, "group.add", "ok", map[string]string{"group": name}))
	})
}

// Rename renames a group; policies, drafts and applications that name it follow,
// all at once.
func (g *Groups) Rename(ctx context.Context, by idp.Actor, from, to string) error {
	is, err := g.own(ctx, by, "group.rename", from)
	if err != nil {
		return err
	}
	if to, err = checkGroup(to); err != nil {
		return err
	}
	if to == from {
		return nil
	}
	if err := g.open(ctx, to); err != nil {
		return err
	}
	if len(is.Policies) > 0 {
		err = errors.Join(err, by.May(idp.EditRules))
	}
	if len(is.Clients) > 0 {
		err = errors.Join(err, by.May(idp.EditClients))
	}
	if err != nil {
		return err
	}
	steps, drafts, clients, err := g.followers(ctx, is, to)
	if err != nil {
		return err
	}
	who, err := g.who(ctx, by)
	if err != nil {
		return err
	}
	err = g.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{g.Service.Groups.Rename(ctx, from, to), g.event(ctx, by, "group.rename", "ok", map[string]string{"name.before": from, "name.after": to})}
		for _, st := range steps {
			_, err := g.write(ctx, by, st, who, from+" → "+to)
			errs = append(errs, err)
		}
		for _, d := range drafts {
			errs = append(errs, g.Store.SaveDraft(ctx, d))
		}
		for _, c := range clients {
			errs = append(errs, g.Clients.Save(ctx, c), g.event(ctx, by, "client.update", "ok", map[string]string{"client": string(c.ID), "groups.before": from, "groups.after": to}))
		}
		return errors.Join(errs...)
	})
	if errors.Is(err, idp.ErrSpent) {
		return g.quicker(ctx, steps, err)
	}
	return err
}

// followers are what names a group, as it will be when that has another name.
func (g *Groups) followers(ctx context.Context, is Group, to string) (steps []step, drafts []Draft, clients []oidc.Client, err error) {
	follow := func(names []string) []string {
		out := slices.Clone(names)
		for i, n := range out {
			if strings.EqualFold(n, is.Name) {
				out[i] = to
			}
		}
		return out
	}
	// What follows is for the house to know: renaming takes no right to read it.
	there, fresh, err := g.Service.List(ctx, idp.Actor{Host: true})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range there {
		base := 0 // how far a draft's own base moves on
		if after := follow(e.Policy.Whom.Groups); !slices.Equal(after, e.Policy.Whom.Groups) {
			p := e.Policy
			p.Whom.Groups = after
			steps = append(steps, step{act: Renamed, was: e.Policy, is: p, last: e.Version, known: true})
			base = max(e.Version, 1) + 1
		}
		if d := e.Draft; d != nil {
			moved := *d
			moved.Policy.Whom.Groups = follow(d.Policy.Whom.Groups)
			if base > 0 && d.Base == e.Version {
				moved.Base = base // nobody published anything else
			}
			if moved.Base != d.Base || !slices.Equal(moved.Policy.Whom.Groups, d.Policy.Whom.Groups) {
				moved.Version++
				drafts = append(drafts, moved)
			}
		}
	}
	for _, d := range fresh {
		if after := follow(d.Policy.Whom.Groups); !slices.Equal(after, d.Policy.Whom.Groups) {
			d.Policy.Whom.Groups = after
			d.Version++
			drafts = append(drafts, d)
		}
	}
	for _, c := range is.Clients {
		client, err := g.Clients.ByID(ctx, idp.ClientID(c.ID))
		if err != nil {
			return nil, nil, nil, err
		}
		client.Groups = slices.Clone(client.Groups)
		for i, n := range client.Groups {
			if n == is.Name {
				client.Groups[i] = to
			}
		}
		clients = append(clients, client)
	}
	return steps, drafts, clients, nil
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
		return errors.Join(g.Service.Groups.Remove(ctx, name), g.event(ctx, by, "group.remove", "ok", map[string]string{"group": name}))
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
			errs = append(errs, g.Service.Groups.Join(ctx, name, u.ID), g.member(ctx, by, "group.join", name, u))
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
		return errors.Join(g.Service.Groups.Leave(ctx, name, id), g.member(ctx, by, "group.leave", name, u))
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
