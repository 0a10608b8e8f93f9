package account

import (
	"context"
	"errors"
	"fmt"

	"latchkey/idp"
)

// Memberships are the groups, and who is in which.
type Memberships struct {
	acts
	groups idp.Groups
	feeds  Fed // nil: nothing else fills groups
}

// AddGroup makes a group; an existing one is left as it is.
func (m Memberships) AddGroup(ctx context.Context, by idp.Actor, name string) error {
	if err := errors.Join(by.May(idp.EditPeople), checkGroup(name)); err != nil {
		return err
	}
	return m.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(m.groups.Put(ctx, name), m.note(ctx, by, "group.add", "", map[string]string{"group": name}))
	})
}

// Fed names what fills a group by itself, such as a connected Odoo.
type Fed func(ctx context.Context, group string) (by string, fed bool, err error)

// ErrFed refuses to change by hand a group that something else fills; it is an
// [idp.ErrInvalid].
var ErrFed = fmt.Errorf("%w: the group is filled by a connected system; change it there", idp.ErrInvalid)

// byHand refuses what would be undone with the next synchronisation, and may
// open an application until then.
func (m Memberships) byHand(ctx context.Context, by idp.Actor, group string) error {
	feed, fed, err := m.fed(ctx, by, group)
	if err == nil && fed {
		err = fmt.Errorf("%w: %q by %s", ErrFed, group, feed)
	}
	return err
}

// fed says what keeps the actor from changing a group. The synchronisation acts
// as the host, whom nothing keeps.
func (m Memberships) fed(ctx context.Context, by idp.Actor, group string) (feed string, fed bool, err error) {
	if by.Host || m.feeds == nil {
		return "", false, nil
	}
	return m.feeds(ctx, group)
}

// RemoveGroup removes a group and everybody's membership in it.
func (m Memberships) RemoveGroup(ctx context.Context, by idp.Actor, name string) error {
	if err := by.May(idp.EditPeople); err != nil {
		return err
	}
	if err := m.byHand(ctx, by, name); err != nil {
		return err
	}
	return m.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(m.groups.Remove(ctx, name), m.note(ctx, by, "group.remove", "", map[string]string{"group": name}))
	})
}

// Join puts a person into a group, which is made if it is new.
func (m Memberships) Join(ctx context.Context, by idp.Actor, group string, id idp.UserID) error {
	if err := checkGroup(group); err != nil {
		return err
	}
	return m.member(ctx, by, id, "group.join", group, func(ctx context.Context) error {
		return errors.Join(m.groups.Put(ctx, group), m.groups.Join(ctx, group, id))
	})
}

// Leave takes a person out of a group.
func (m Memberships) Leave(ctx context.Context, by idp.Actor, group string, id idp.UserID) error {
	return m.member(ctx, by, id, "group.leave", group, func(ctx context.Context) error {
		return m.groups.Leave(ctx, group, id)
	})
}

func (m Memberships) member(ctx context.Context, by idp.Actor, id idp.UserID, what, group string, do func(context.Context) error) error {
	u, err := m.touch(ctx, by, id, idp.EditPeople, what)
	if err == nil {
		err = m.byHand(ctx, by, group)
	}
	if err != nil {
		return err
	}
	return m.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(do(ctx), m.note(ctx, by, what, u.ID, map[string]string{"group": group}))
	})
}
