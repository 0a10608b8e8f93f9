package security

import (
	"context"
	"errors"
	"slices"

	"latchkey/idp"
)

// Line is an event as the person may see it.
type Line struct {
	idp.Event
	// Other says that somebody else did it: an administrator, or the house. From
	// where is not the person's to know.
	Other bool
}

// signins are what the log says of sign-ins: those that led to a session, and
// refusals. What went well on the way is part of the first.
var signins = []string{"signin", "signin.password", "signin.factor", "signin.passkey"}

// changes are the other lines that people see of themselves.
var changes = []string{
	"signout", "factor.add", "factor.remove", "factor.rename", "factor.off", "factor.reset", "factor.later",
	"factor.invite", "factor.temporary", "factor.temporary_void", "password.change", "password.set", "password.recovery", "password.recover", "device.trust", "device.forget", "device.forget_all",
	"session.end", "session.end_all", "user.not_me", "user.disable", "user.enable", "user.unlock", "user.update", "odoo.device",
}

// unnamed are done by somebody whom the house does not know yet: where from is
// what the person wants to see.
var unnamed = []string{"password.recovery", "password.recover"}

// shown reports whether an event is a line of its own.
func shown(e idp.Event) bool {
	return e.What == "signin" || e.Result != "ok" || !slices.Contains(signins, e.What)
}

// History returns one page of what happened to an account, newest first, and
// where the next one begins; the zero Cursor when there is none. Nobody sees
// anybody else's (SECURITY.md D-12), but for those who help.
func (s *Service) History(ctx context.Context, by idp.Actor, whose idp.UserID, before idp.Cursor, limit int) ([]Line, idp.Cursor, error) {
	p, err := s.reach(ctx, by, whose, Look)
	if err != nil {
		return nil, idp.Cursor{}, err
	}
	return lines(ctx, s.Log, p, slices.Concat(signins, changes), before, limit)
}

var errEnough = errors.New("security: enough lines")

// portions bounds how much of the log one page looks through: an account that
// strangers knock at has thousands of lines.
const portions = 4

func lines(ctx context.Context, log idp.Log, p person, what []string, before idp.Cursor, limit int) (out []Line, next idp.Cursor, err error) {
	q := idp.EventQuery{User: p.ID, What: what, Before: before, Limit: 4 * (limit + 1)}
	for range portions {
		read, last := 0, idp.Cursor{}
		err = log.Events(ctx, q, func(e idp.Event) error {
			read++
			if shown(e) {
				if len(out) == limit { // there is more
					next = idp.Cursor{At: out[limit-1].At, ID: out[limit-1].ID}
					return errEnough
				}
				out = append(out, lineOf(p, e))
			}
			last = idp.Cursor{At: e.At, ID: e.ID}
			return nil
		})
		switch {
		case errors.Is(err, errEnough):
			return out, next, nil
		case err != nil:
			return nil, idp.Cursor{}, err
		case read < q.Limit:
			return out, idp.Cursor{}, nil
		}
		q.Before, next = last, last
	}
	return out, next, nil
}

func lineOf(p person, e idp.Event) Line {
	l := Line{Event: e, Other: e.Actor != p.ID && !slices.Contains(signins, e.What) && !slices.Contains(unnamed, e.What)}
	if l.Other {
		l.Origin = idp.Origin{}
	}
	return l
}
