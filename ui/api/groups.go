package api

import (
	"context"
	"net/http"
	"net/url"

	"latchkey/idp"
	"latchkey/idp/rulebook"
)

// Group is a named set of people.
type Group struct {
	Name     string  `json:"name"`
	Members  int     `json:"members" doc:"Counted up to 10,000."`
	Feed     string  `json:"feed,omitempty" doc:"What fills it; empty: people do."`
	Policies []Named `json:"policies" doc:"That name it."`
	Clients  []Named `json:"clients" doc:"That only its members may use."`
}

// Named is something that has an id and a name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func viewGroup(g rulebook.Group) Group {
	return Group{
		g.Name, g.Members, g.Feed, each(g.Policies, func(n rulebook.PolicyName) Named { return Named(n) }),
		each(g.Clients, func(n rulebook.ClientName) Named { return Named(n) }),
	}
}

// GroupName is a group to be made, or the new name of one.
type GroupName struct {
	Name string `json:"name" minLength:"1" maxLength:"128"`
}

type AboutGroup struct {
	Group string `path:"group" maxLength:"128" doc:"The group's name."`
}

type member struct {
	AboutGroup
	ID idp.UserID `path:"id" maxLength:"64" doc:"The person's id."`
}

// groupsAPI are the operations about groups.
type groupsAPI struct{ *API }

func (a groupsAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/groups" + path, tag: "groups", summary: summary, right: right}
	}
	add(a.API, o("list-groups", http.MethodGet, "", "List groups", idp.SeePeople), a.listGroups)
	create := o("create-group", http.MethodPost, "", "Make a group", idp.EditPeople)
	create.status = http.StatusCreated
	add(a.API, create, a.createGroup)
	add(a.API, o("get-group", http.MethodGet, "/{group}", "Show a group", idp.SeePeople), func(ctx context.Context, by idp.Actor, in *AboutGroup) (*body[Group], error) {
		g, err := a.Groups.Get(ctx, by, in.Group)
		return answer(viewGroup(g), err)
	})
	rename := o("rename-group", http.MethodPatch, "/{group}", "Rename a group", idp.EditPeople)
	rename.about = "Policies and applications that name it follow; this takes the rights to change them, too."
	add(a.API, rename, a.renameGroup)
	remove := o("delete-group", http.MethodDelete, "/{group}", "Remove a group; its members stay", idp.EditPeople)
	remove.about = "One that a policy or an application names goes only with its name as `confirm`."
	add(a.API, remove, func(ctx context.Context, by idp.Actor, in *struct {
		AboutGroup
		Confirm string `query:"confirm" maxLength:"128"`
	}) (*none, error) {
		return done(a.Groups.Remove(ctx, by, in.Group, in.Confirm))
	})
	add(a.API, o("list-members", http.MethodGet, "/{group}/members", "List the members of a group", idp.SeePeople), a.members)
	add(a.API, o("add-member", http.MethodPut, "/{group}/members/{id}", "Put a person into a group", idp.EditPeople), func(ctx context.Context, by idp.Actor, in *member) (*none, error) {
		if _, err := a.People.Service.Users.ByID(ctx, in.ID); err != nil {
			return nil, err
		}
		_, err := a.Groups.Join(ctx, by, in.Group, string(in.ID))
		return done(err)
	})
	add(a.API, o("remove-member", http.MethodDelete, "/{group}/members/{id}", "Take a person out of a group", idp.EditPeople), func(ctx context.Context, by idp.Actor, in *member) (*none, error) {
		return done(a.Groups.Leave(ctx, by, in.Group, in.ID))
	})
}

func (a groupsAPI) listGroups(ctx context.Context, by idp.Actor, in *struct {
	Paging
	Query string `query:"q" maxLength:"128" doc:"In the name."`
}) (*body[Page[Group]], error) {
	q := rulebook.GroupQuery{Text: in.Query, Limit: in.Limit + 1}
	if err := in.place(&q.After); err != nil {
		return nil, err
	}
	all, err := a.Groups.List(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(g rulebook.Group) any { return g.Name }, viewGroup), nil
}

func (a groupsAPI) createGroup(ctx context.Context, by idp.Actor, in *struct{ Body GroupName }) (*made[Group], error) {
	if err := a.Groups.Add(ctx, by, in.Body.Name); err != nil {
		return nil, err
	}
	v := Group{Name: in.Body.Name}
	return &made[Group]{Location: groupAddress(in.Body.Name), Body: v}, nil
}

func groupAddress(name string) string { return Prefix + "/groups/" + url.PathEscape(name) }

func (a groupsAPI) renameGroup(ctx context.Context, by idp.Actor, in *struct {
	AboutGroup
	Body GroupName
}) (*made[Group], error) {
	if err := a.Groups.Rename(ctx, by, in.Group, in.Body.Name); err != nil {
		return nil, err
	}
	g, err := a.Groups.Get(ctx, by, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &made[Group]{Location: groupAddress(g.Name), Body: viewGroup(g)}, nil
}

func (a groupsAPI) members(ctx context.Context, by idp.Actor, in *struct {
	AboutGroup
	Paging
	Query string `query:"q" maxLength:"128" doc:"Words of name, login or e-mail, or their beginnings."`
}) (*body[Page[User]], error) {
	if _, err := a.Groups.Get(ctx, by, in.Group); err != nil {
		return nil, err
	}
	q := rulebook.MemberQuery{Group: in.Group, Words: idp.Words(in.Query), Limit: in.Limit + 1}
	if err := in.place(&q.After); err != nil {
		return nil, err
	}
	all, err := a.Groups.Members(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(u idp.User) any { return u.ID }, viewUser), nil
}
