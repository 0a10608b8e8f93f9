package connector

import (
	"context"
	"errors"
	"fmt"

	"latchkey/idp"
)

// Callers tells a caller of the API as they are now, or fails with
// idp.ErrNotFound when what let them in is no longer good.
type Callers interface {
	Still(ctx context.Context, by idp.Actor) (idp.Actor, error)
}

// standing asks whether somebody may still do what they began.
type standing struct{ users idp.Users }

// still is the actor as they are now, if they may do yet what they began
// (SECURITY.md D-04); [ErrLost] if not.
func (s standing) still(ctx context.Context, by idp.Actor, callers Callers, may func(idp.Actor) error) (idp.Actor, error) {
	if by.Host {
		return by, nil
	}
	now, err := s.now(ctx, by, callers)
	if errors.Is(err, idp.ErrNotFound) {
		return by, ErrLost
	}
	if err != nil {
		return by, err
	}
	if err := may(now); err != nil {
		return by, fmt.Errorf("%w: %w", ErrLost, err)
	}
	return now, nil
}

// now is the actor as they are now, or fails with idp.ErrNotFound.
func (s standing) now(ctx context.Context, by idp.Actor, callers Callers) (idp.Actor, error) {
	if by.Scopes != nil {
		if callers == nil {
			return by, idp.ErrNotFound
		}
		return callers.Still(ctx, by)
	}
	u, err := s.users.ByID(ctx, by.User)
	if err == nil && u.Disabled {
		err = idp.ErrNotFound
	}
	by.Role = u.Role
	return by, err
}
