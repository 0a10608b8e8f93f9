package power

import (
	"context"
	"errors"
	"slices"

	"latchkey/idp"
)

// Teller writes to owners.
type Teller interface {
	// Changed tells one person of a change. It joins the Atomic in ctx.
	Changed(ctx context.Context, to idp.User, c *Change) error
}

// Owners finds who owns the house and can be written to.
type Owners interface {
	// Owners returns the owners whose address is known to be theirs.
	Owners(ctx context.Context) ([]idp.User, error)
	// Reachable also returns administrators.
	Reachable(ctx context.Context) ([]idp.User, error)
}

// Log is the log of events that also tells owners. Its fields are set before
// first use; Tell may follow, as whoever writes mails stands on what writes
// events.
type Log struct {
	idp.Log
	Who    Owners
	Users  idp.Users
	Atomic idp.Atomic
	Tell   Teller
}

// Append puts an event into the log, and what it changes in the power to the
// owners: both or none.
func (l *Log) Append(ctx context.Context, e idp.Event) error {
	c, is := Of(e)
	if !is || l.Tell == nil {
		return l.Log.Append(ctx, e)
	}
	return l.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(l.Log.Append(ctx, e), l.tell(ctx, &c))
	})
}

func (l *Log) tell(ctx context.Context, c *Change) (err error) {
	var role idp.Role
	if c.Doer, _, err = l.person(ctx, c.By); err != nil {
		return err
	}
	c.Whom, role, err = l.person(ctx, c.About)
	if err != nil || c.Kind == Host && c.About != "" && role == "" {
		return err
	}
	if c.Event == "user.enable" {
		if c.Role = role; role == "" {
			return nil
		}
	}
	who, err := l.readers(ctx, c.By)
	errs := []error{err}
	for _, to := range who {
		errs = append(errs, l.Tell.Changed(ctx, to, c))
	}
	return errors.Join(errs...)
}

// readers are the owners but whoever did it, who knows; nobody else there, they
// too: somebody may act in their name. A house without an owner that can be
// written to tells its administrators.
func (l *Log) readers(ctx context.Context, by idp.UserID) ([]idp.User, error) {
	all, err := l.Who.Owners(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		if all, err = l.Who.Reachable(ctx); err != nil {
			return nil, err
		}
	}
	others := slices.DeleteFunc(slices.Clone(all), func(u idp.User) bool { return u.ID == by })
	if len(others) == 0 {
		return all, nil
	}
	return others, nil
}

// person is the login and the role of somebody. A service has neither, nor has who
// is being added in this very transaction.
func (l *Log) person(ctx context.Context, id idp.UserID) (login string, role idp.Role, err error) {
	if id == "" {
		return "", "", nil
	}
	u, err := l.Users.ByID(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		err = nil
	}
	return u.Login, u.Role, err
}
