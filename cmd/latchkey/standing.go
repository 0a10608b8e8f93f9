package main

import (
	"context"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/idp/rulebook"
)

// standing is how somebody stands beside policy when they come to sign in.
func (r *ruleSide) standing(ctx context.Context, u idp.User) (rulebook.Standing, error) {
	var st rulebook.Standing
	e, err := r.db.People.Entry(ctx, u.ID)
	if err != nil {
		return st, err
	}
	st.Invited = e.Invited
	letters, err := r.db.People.Letters(ctx, u.ID)
	if err != nil {
		return st, err
	}
	for _, l := range letters {
		if l.Purpose == idp.LinkInvite && l.Expires.After(st.Until) {
			st.Until = l.Expires
		}
	}
	locks, err := r.db.People.Locks(ctx, u.ID)
	if err != nil {
		return st, err
	}
	for _, l := range locks {
		if !l.Browser { // one of their own browsers is not every browser
			st.Locks = append(st.Locks, rulebook.Lock{What: l.What, Method: l.Method, Until: l.Until})
		}
	}
	st.Elsewhere, err = r.odoo.office().Trickle.Expects(ctx, u)
	return st, err
}

// obstacles are what keeps somebody out, as notes.
func (r *ruleSide) obstacles(ctx context.Context, u idp.User, at time.Time) ([]string, error) {
	st, err := r.standing(ctx, u)
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = r.now()
	}
	until := func(t time.Time) string {
		if t.IsZero() {
			return "until an administrator lifts it"
		}
		return "until " + t.UTC().Format(time.RFC3339)
	}
	var out []string
	for _, o := range st.Obstacles(u, at) {
		var text string
		switch o.What {
		case rulebook.ObstacleDisabled:
			text = "the account is disabled"
		case rulebook.ObstacleInvited:
			text = "no password yet: the invitation of " + o.Since.UTC().Format(time.DateOnly) + " is good " + until(o.Until)
		case rulebook.ObstacleOver:
			text = "no password yet: the invitation of " + o.Since.UTC().Format(time.DateOnly) + " is good no more"
		case rulebook.ObstacleNoPassword:
			text = "neither a password nor a passkey, and never invited"
		case rulebook.ObstaclePassword:
			text = "the password is locked in browsers that they have not used before, " + until(o.Until)
		case rulebook.ObstacleFactor:
			text = "the second factor is locked, " + until(o.Until)
			if o.Method != "" {
				text = fmt.Sprintf("the second factor %s is locked, %s", o.Method, until(o.Until))
			}
		}
		out = append(out, fmt.Sprintf("%s cannot sign in: %s", u.Login, text))
	}
	return out, nil
}
