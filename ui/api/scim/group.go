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
func (s groups) groupOf(g provision.Group, members []idp.UserID) object {
	o := object{"schemas": []any{schemaGroup}, "id": g.ID, "displayName": g.Name}
	fill(o, object{"externalId": g.External})
	if members != nil {
		all := []any{}
		for _, id := range members {
			all = append(all, object{"value": string(id), "$ref": s.address("Users", string(id)), "type": "User"})
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

func (s groups) members(c *call, name string) ([]idp.UserID, error) {
	if !c.wantsMembers() {
		return nil, nil
	}
	return s.Store.Members(c.Context(), name, maxMembers)
}

// several are groups of a list. Members come along where "attributes" names
// them, up to maxListed in all; a group with more than are left comes without,
// and must be read by itself (RFC 7644 §3.9, SECURITY.md C-11).
func (s groups) several(c *call, all []provision.Group) (out []object, err error) {
	asked := parted(fields(c.URL.Query().Get("attributes")), "members") != nil && c.wantsMembers()
	left := maxListed
	for _, g := range all {
		var members []idp.UserID
		if asked {
			members, err = s.Store.Members(c.Context(), g.Name, left)
			if errors.Is(err, idp.ErrInvalid) {
				members, err = nil, nil
			}
			if err != nil {
				return nil, err
			}
			left -= len(members)
		}
		out = append(out, c.shown(s.groupOf(g, members)))
	}
	return out, nil
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
	out, err := s.several(c, all)
	if err != nil {
		return nil, err
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
	who, _, err := s.people(ctx, list(o, "members"), nil)
	if err != nil {
		return nil, err
	}
	if err := s.mayTouch(ctx, c.by, name, who, s.People.Memberships().Join); err != nil {
		return nil, err
	}
	if err := s.Groups.Add(ctx, c.by, name); err != nil {
		return nil, err
	}
	g, err := s.fill(ctx, c.by, name, text(o, "externalId"), who)
	if err != nil { // half a group is none
		return nil, errors.Join(err, s.Groups.Remove(context.WithoutCancel(ctx), c.by, name, ""))
	}
	return s.group(c, g.ID, http.StatusCreated)
}

// fill gives a new group what it came with.
func (s groups) fill(ctx context.Context, by idp.Actor, name, external string, who []idp.UserID) (provision.Group, error) {
	g, err := s.Store.GroupOf(ctx, name)
	if err != nil {
		return g, err
	}
	return g, s.Atomic(ctx, func(ctx context.Context) error {
		if external != "" {
			if err := s.Store.NoteGroup(ctx, g.ID, external); err != nil {
				return err
			}
		}
		return s.settle(ctx, by, name, who, nil)
	})
}

// people reads whom a list of members means: who is new, each once, and who of
// those that were there stays. Only the new ones are looked up. Groups in groups
// are not known here.
func (s groups) people(ctx context.Context, members []any, was []idp.UserID) (come []idp.UserID, stay map[idp.UserID]bool, err error) {
	there, seen, stay := map[idp.UserID]bool{}, map[idp.UserID]bool{}, map[idp.UserID]bool{}
	for _, id := range was {
		there[id] = true
	}
	for _, m := range members {
		o, _ := m.(object)
		id := idp.UserID(text(o, "value"))
		switch {
		case there[id]:
			stay[id] = true
			continue
		case seen[id]:
			continue
		}
		seen[id] = true
		if come = append(come, id); len(come) > maxElements {
			return nil, nil, errMany
		}
	}
	for _, id := range come {
		if _, err := s.Store.Person(ctx, id); errors.Is(err, idp.ErrNotFound) || id == "" {
			return nil, nil, errors.Join(errValue, errors.New("members: nobody has the id "+string(id)))
		} else if err != nil {
			return nil, nil, err
		}
	}
	return come, stay, nil
}

// settle makes the members of a group those that shall be.
func (s groups) settle(ctx context.Context, by idp.Actor, name string, come, gone []idp.UserID) error {
	if len(come) > 0 {
		ids := make([]string, len(come))
		for i, id := range come {
			ids[i] = string(id)
		}
		if _, err := s.Groups.Join(ctx, by, name, ids...); err != nil {
			return err
		}
	}
	for _, id := range gone {
		if err := s.Groups.Leave(ctx, by, name, id); err != nil {
			return err
		}
	}
	return nil
}

// mayTouch asks before anything is written whether the actor may change all of
// these. Of whom they may not there is a line in the log, which must stay when
// the rest does not happen (SECURITY.md D-07).
func (s groups) mayTouch(ctx context.Context, by idp.Actor, name string, all []idp.UserID, try func(context.Context, idp.Actor, string, idp.UserID) error) error {
	for _, id := range all {
		p, err := s.Store.Person(ctx, id)
		if err != nil {
			return err
		}
		if err := by.MayTouch(idp.EditPeople, p.User); err != nil {
			return errors.Join(err, try(ctx, by, name, id))
		}
	}
	return nil
}

// matchGroup refuses a change that is meant for another version. One without
// the members is a version, too: lists have no other (see [groups.several]), and
// who has not read members overwrites nobody's change of them unawares.
func (s groups) matchGroup(c *call, g provision.Group, full object) error {
	bare := s.groupOf(g, nil)
	if c.match(bare["meta"].(object)["version"].(string)) == nil {
		return nil
	}
	return c.match(full["meta"].(object)["version"].(string))
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
	o := s.groupOf(g, members)
	if err := s.matchGroup(c, g, o); err != nil {
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

func (s groups) changeGroupTo(ctx context.Context, by idp.Actor, g provision.Group, was []idp.UserID, o object) error {
	name := text(o, "displayName")
	if name == "" {
		return errors.Join(errValue, errors.New("displayName is needed"))
	}
	come, stay, err := s.people(ctx, list(o, "members"), was)
	if err != nil {
		return err
	}
	gone := slices.DeleteFunc(slices.Clone(was), func(id idp.UserID) bool { return stay[id] })
	if err := s.mayTouch(ctx, by, g.Name, come, s.People.Memberships().Join); err != nil {
		return err
	}
	if err := s.mayTouch(ctx, by, g.Name, gone, s.People.Memberships().Leave); err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		if external := text(o, "externalId"); external != g.External {
			if err := s.Store.NoteGroup(ctx, g.ID, external); err != nil {
				return err
			}
		}
		if err := s.settle(ctx, by, g.Name, come, gone); err != nil {
			return err
		}
		if name == g.Name {
			return nil
		}
		return s.Groups.Rename(ctx, by, g.Name, name) // last: until it is done the group is found by its old name
	})
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
	return s.changeGroup(c, patchKeeping("displayName", ops))
}

// deleteGroup refuses what a policy or an application names: it would open or
// shut a door, and the other system knows of neither.
func (s groups) deleteGroup(c *call) (*answer, error) {
	g, err := s.Store.Group(c.Context(), c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var members []idp.UserID
	if c.Header.Get("If-Match") != "" {
		if members, err = s.Store.Members(c.Context(), g.Name, maxMembers); err != nil {
			return nil, err
		}
	}
	if err := s.matchGroup(c, g, s.groupOf(g, members)); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, s.Groups.Remove(c.Context(), c.by, g.Name, "")
}
