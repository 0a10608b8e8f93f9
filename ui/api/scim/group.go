package scim

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/provision"
)

// groups answers what is about groups.
type groups struct{ *Server }

// groupOf is a group as a resource; members is nil where they are not asked for.
func (s groups) groupOf(g provision.Group, members []provision.Person) object {
	o := object{"schemas": []any{schemaGroup}, "id": g.ID, "displayName": g.Name}
	fill(o, object{"externalId": g.External})
	if members != nil {
		all := []any{}
		for _, m := range members {
			all = append(all, object{"value": string(m.ID), "$ref": s.address("Users", string(m.ID)), "type": "User"})
		}
		o["members"] = all
	}
	return s.stamped(o, "Group", "Groups", g.ID, time.Time{}, time.Time{})
}

// wantsMembers reports whether the answer shall have them: reading them costs.
func (c *call) wantsMembers() bool {
	q := c.URL.Query()
	only := fields(q.Get("attributes"))
	return !slices.Contains(fields(q.Get("excludedAttributes")), "members") && (len(only) == 0 || parted(only, "members") != nil)
}

func (s groups) members(c *call, name string) ([]provision.Person, error) {
	if !c.wantsMembers() {
		return nil, nil
	}
	all, err := s.Store.Members(c.Context(), name, maxMembers)
	if all == nil {
		all = []provision.Person{}
	}
	return all, err
}

func (s groups) listGroups(c *call) (*answer, error) {
	f, err := filterOf(c.URL.Query().Get("filter"), groupFields)
	if err != nil {
		return nil, err
	}
	from, count := c.window()
	all, total, err := s.Store.Groups(c.Context(), f, from, count)
	if err != nil {
		return nil, err
	}
	var out []object
	for _, g := range all {
		members, err := s.members(c, g.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, c.shown(s.groupOf(g, members)))
	}
	return listed(out, from, total), nil
}

// group answers with a group as it is now.
func (s groups) group(c *call, id string, status int) (*answer, error) {
	g, err := s.Store.Group(c.Context(), id)
	if err != nil {
		return nil, err
	}
	members, err := s.members(c, g.Name)
	if err != nil {
		return nil, err
	}
	o := s.groupOf(g, members)
	a := &answer{status: status, body: c.shown(o), version: o["meta"].(object)["version"].(string)}
	if status == http.StatusCreated {
		a.location = s.address("Groups", id)
	}
	return a, nil
}

func (s groups) getGroup(c *call) (*answer, error) {
	return s.group(c, c.PathValue("id"), http.StatusOK)
}

func (s groups) createGroup(c *call) (*answer, error) {
	o, err := c.read()
	if err != nil {
		return nil, err
	}
	ctx, name := c.Context(), text(o, "displayName")
	if name == "" {
		return nil, errors.Join(errValue, errors.New("displayName is needed"))
	}
	who, err := s.people(ctx, list(o, "members"))
	if err != nil {
		return nil, err
	}
	if err := s.Groups.Add(ctx, c.by, name); err != nil {
		return nil, err
	}
	g, err := s.Store.GroupOf(ctx, name)
	if err == nil && text(o, "externalId") != "" {
		err = s.Store.NoteGroup(ctx, g.ID, text(o, "externalId"))
	}
	if err == nil {
		err = s.settle(ctx, c.by, name, nil, who)
	}
	if err != nil {
		return nil, err
	}
	return s.group(c, g.ID, http.StatusCreated)
}

// people reads whom a list of members means. Groups in groups are not known
// here.
func (s groups) people(ctx context.Context, members []any) ([]idp.UserID, error) {
	var out []idp.UserID
	for _, m := range members {
		o, _ := m.(object)
		id := idp.UserID(text(o, "value"))
		if slices.Contains(out, id) {
			continue
		}
		if _, err := s.Store.Person(ctx, id); errors.Is(err, idp.ErrNotFound) || id == "" {
			return nil, errors.Join(errValue, errors.New("members: nobody has the id "+string(id)))
		} else if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// settle makes the members of a group those that shall be.
func (s groups) settle(ctx context.Context, by idp.Actor, name string, was, shall []idp.UserID) error {
	var come []string
	for _, id := range shall {
		if !slices.Contains(was, id) {
			come = append(come, string(id))
		}
	}
	if len(come) > 0 {
		if _, err := s.Groups.Join(ctx, by, name, come...); err != nil {
			return err
		}
	}
	for _, id := range was {
		if !slices.Contains(shall, id) {
			if err := s.Groups.Leave(ctx, by, name, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeGroup is what PUT and PATCH share.
func (s groups) changeGroup(c *call, next func(object) (object, error)) (*answer, error) {
	ctx, id := c.Context(), c.PathValue("id")
	g, err := s.Store.Group(ctx, id)
	if err != nil {
		return nil, err
	}
	members, err := s.Store.Members(ctx, g.Name, maxMembers)
	if err != nil {
		return nil, err
	}
	if members == nil {
		members = []provision.Person{}
	}
	o := s.groupOf(g, members)
	if err := c.match(o["meta"].(object)["version"].(string)); err != nil {
		return nil, err
	}
	if o, err = next(o); err != nil {
		return nil, err
	}
	if err := s.changeGroupTo(ctx, c.by, g, members, o); err != nil {
		return nil, err
	}
	return s.group(c, id, http.StatusOK)
}

func (s groups) changeGroupTo(ctx context.Context, by idp.Actor, g provision.Group, members []provision.Person, o object) error {
	name := text(o, "displayName")
	if name == "" {
		return errors.Join(errValue, errors.New("displayName is needed"))
	}
	var was []idp.UserID
	for _, m := range members {
		was = append(was, m.ID)
	}
	var shall []idp.UserID
	for _, m := range list(o, "members") { // who is there already is not looked up
		e, _ := m.(object)
		if id := idp.UserID(text(e, "value")); slices.Contains(was, id) {
			shall = append(shall, id)
			continue
		}
		more, err := s.people(ctx, []any{m})
		if err != nil {
			return err
		}
		shall = append(shall, more...)
	}
	if name != g.Name {
		if err := s.Groups.Rename(ctx, by, g.Name, name); err != nil {
			return err
		}
	}
	if external := text(o, "externalId"); external != g.External {
		if err := s.Store.NoteGroup(ctx, g.ID, external); err != nil {
			return err
		}
	}
	return s.settle(ctx, by, name, was, shall)
}

func (s groups) putGroup(c *call) (*answer, error) {
	o, err := c.read()
	if err != nil {
		return nil, err
	}
	return s.changeGroup(c, func(object) (object, error) { return o, nil })
}

func (s groups) patchGroup(c *call) (*answer, error) {
	ops, err := c.operations()
	if err != nil {
		return nil, err
	}
	return s.changeGroup(c, func(o object) (object, error) { return o, patch(o, ops) })
}

// deleteGroup refuses what a policy or an application names: it would open or
// shut a door, and the other system knows of neither.
func (s groups) deleteGroup(c *call) (*answer, error) {
	g, err := s.Store.Group(c.Context(), c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := c.match(s.groupOf(g, nil)["meta"].(object)["version"].(string)); c.Header.Get("If-Match") != "" && err != nil {
		members, bad := s.Store.Members(c.Context(), g.Name, maxMembers)
		if bad != nil {
			return nil, bad
		}
		if members == nil {
			members = []provision.Person{}
		}
		if err := c.match(s.groupOf(g, members)["meta"].(object)["version"].(string)); err != nil {
			return nil, err
		}
	}
	return &answer{status: http.StatusNoContent}, s.Groups.Remove(c.Context(), c.by, g.Name, "")
}
