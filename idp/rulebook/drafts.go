package rulebook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/mfa/policy"
)

// ConflictError means that somebody else was quicker; nothing was written. It is
// an [idp.ErrSpent]. One of the two says what they did.
type ConflictError struct {
	Draft     *Draft   // the draft as it is now; nil: it is not that, or it is gone
	Published *Version // what was published since the draft was begun
}

func (e *ConflictError) Error() string {
	switch {
	case e.Published != nil:
		return fmt.Sprintf("%v: version %d of the policy was published meanwhile, by %s", idp.ErrSpent, e.Published.Number, e.Published.Who)
	case e.Draft != nil:
		return fmt.Sprintf("%v: the draft was changed meanwhile, by %s", idp.ErrSpent, e.Draft.Who)
	}
	return fmt.Sprintf("%v: the draft is gone", idp.ErrSpent)
}

func (e *ConflictError) Unwrap() error { return idp.ErrSpent }

// SaveDraft keeps what somebody has written. d.Version is the version of the
// draft that they saw, 0 if they saw none; when another one is there by now,
// nothing is written and the error is a [*ConflictError] with it. A policy
// without an id is a new one. It fails with idp.ErrTaken when another policy has
// the name.
func (s writer) SaveDraft(ctx context.Context, by idp.Actor, p policy.Policy, seen int) (Draft, error) {
	if err := s.may(ctx, by, "draft", p.ID); err != nil {
		return Draft{}, err
	}
	p, err := checked(p)
	if err != nil {
		return Draft{}, err
	}
	all, err := s.Store.All(ctx)
	if err != nil {
		return Draft{}, err
	}
	if slices.ContainsFunc(all, func(q policy.Policy) bool { return q.Name == p.Name && q.ID != p.ID }) {
		return Draft{}, fmt.Errorf("%w: the name %q", idp.ErrTaken, p.Name)
	}
	d := Draft{Policy: p, Version: seen + 1, At: s.Now(), Actor: by.User}
	if d.Who, err = s.who(ctx, by); err != nil {
		return Draft{}, err
	}
	was, err := s.began(ctx, &d, all, seen)
	if err != nil {
		return Draft{}, err
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.SaveDraft(ctx, d), s.note(ctx, by, "draft", d.Policy, was, d.Policy, nil))
	})
	if errors.Is(err, idp.ErrSpent) {
		return Draft{}, s.conflict(ctx, d.Policy.ID)
	}
	return d, err
}

// began fills in what a draft began from, and returns what it is compared with.
func (s writer) began(ctx context.Context, d *Draft, all []policy.Policy, seen int) (was policy.Policy, err error) {
	if d.Policy.ID == "" {
		d.Policy.ID = newID()
		return was, nil
	}
	old, err := s.Store.Draft(ctx, d.Policy.ID)
	switch {
	case err == nil && old.Version == seen:
		d.Base = old.Base
		return old.Policy, nil
	case err == nil:
		return was, &ConflictError{Draft: &old}
	case !errors.Is(err, idp.ErrNotFound):
		return was, err
	case seen != 0:
		return was, &ConflictError{}
	}
	i := at(all, d.Policy.ID)
	if i < 0 {
		return was, idp.ErrNotFound
	}
	last, err := s.Store.Last(ctx)
	d.Base = last[d.Policy.ID]
	return all[i], err
}

// conflict says what is there instead.
func (s writer) conflict(ctx context.Context, id string) error {
	d, err := s.Store.Draft(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		return &ConflictError{}
	} else if err != nil {
		return err
	}
	return &ConflictError{Draft: &d}
}

// checked is a policy as a file would say it, so that nothing is stored which no
// file could say.
func checked(p policy.Policy) (policy.Policy, error) {
	text, err := body(p)
	if err != nil {
		return p, err
	}
	return readOne(p.ID, text)
}

// Rebase lets a draft go on from the newest version: whoever does so has seen
// what was published since, and means their draft to replace it.
func (s writer) Rebase(ctx context.Context, by idp.Actor, id string, seen int) error {
	if err := s.may(ctx, by, "draft", id); err != nil {
		return err
	}
	d, err := s.Store.Draft(ctx, id)
	if err != nil {
		return err
	}
	if d.Version != seen {
		return &ConflictError{Draft: &d}
	}
	last, err := s.Store.Last(ctx)
	if err != nil {
		return err
	}
	d.Version, d.Base, d.At, d.Actor = d.Version+1, last[id], s.Now(), by.User
	if d.Who, err = s.who(ctx, by); err != nil {
		return err
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.SaveDraft(ctx, d), s.note(ctx, by, "draft", d.Policy, d.Policy, d.Policy, nil))
	})
	if errors.Is(err, idp.ErrSpent) {
		return s.conflict(ctx, id)
	}
	return err
}

// DropDraft throws a draft away; what is in force stays.
func (s writer) DropDraft(ctx context.Context, by idp.Actor, id string, seen int) error {
	if err := s.may(ctx, by, "drop", id); err != nil {
		return err
	}
	d, err := s.Store.Draft(ctx, id)
	if err != nil {
		return err
	}
	if d.Version != seen {
		return &ConflictError{Draft: &d}
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.DropDraft(ctx, id, seen), s.note(ctx, by, "drop", d.Policy, d.Policy, d.Policy, nil))
	})
	if errors.Is(err, idp.ErrSpent) {
		return s.conflict(ctx, id)
	}
	return err
}
