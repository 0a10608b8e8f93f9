package connector

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// Inviter mails people a way to their first password; account.Invitations is one.
type Inviter interface {
	// Invite fails with idp.ErrInvalid when somebody cannot be invited, and with
	// idp.ErrNotFound when they are gone.
	Invite(ctx context.Context, by idp.Actor, id idp.UserID, in account.Invite) (account.Invitation, error)
}

// inviteMost is how many people one run invites: the mails of all runs together
// are 75 a minute, which a mail server takes, and an administrator has the time to
// turn it off. The rest waits.
const inviteMost = 25

// inviteDay is how many people one connection invites in 24 hours. Whoever makes
// users in an Odoo without end would else have this house mail strangers without
// end, in its own name. The rest waits.
const inviteDay = 100

// inviteState is the name under which is kept who waits for an invitation.
const inviteState = "invite"

// invitedState is the name under which is kept how many were invited, since when.
const invitedState = "invited"

type invitedSince struct {
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// newcomer is somebody whom a run brings in.
type newcomer struct {
	id     idp.UserID // "" in a dry run
	odoo   int64
	login  string
	proven bool // the address is theirs, and there is no password
}

// invite mails those whom this run brought in, and those who wait since an
// earlier one. Who is taken off the list is on no list before their mail is made:
// nobody gets two, and who gets none, after a crash, is in the list of people
// without a password (SECURITY.md E-04).
func (r *syncRun) invite(ctx context.Context) error {
	if !r.c.Settings.Invite || r.invites == nil {
		return nil
	}
	var who []idp.UserID
	for _, n := range r.came {
		switch {
		case !n.proven:
			r.note(n.odoo, n.login, "", say("sync.uninvited"))
		case r.DryRun:
			r.counts.Invited++
			if err := r.tell("invite", Held{Tie: Tie{Odoo: n.odoo, Login: n.login}}, Note{}); err != nil {
				return err
			}
		default:
			who = append(who, n.id)
		}
	}
	if r.DryRun {
		return nil
	}
	now, err := r.book.connections.ByID(ctx, r.c.ID)
	if err != nil || !now.Settings.Invite {
		return err // turned off meanwhile
	}
	some, err := r.waiting(ctx, who)
	if err != nil || len(some) == 0 {
		return err
	}
	people, err := r.directory.People(ctx, some)
	for _, u := range people {
		if err == nil {
			err = r.inviteOne(ctx, u)
		}
	}
	return err
}

// waiting takes those off the list who are invited now.
func (r *syncRun) waiting(ctx context.Context, who []idp.UserID) (some []idp.UserID, err error) {
	raw, err := r.book.connections.State(ctx, r.c.ID, inviteState)
	if err != nil {
		return nil, err
	}
	var all []idp.UserID
	if raw != "" {
		if err := json.Unmarshal([]byte(raw), &all); err != nil {
			return nil, err
		}
	}
	all = slices.Concat(all, who)
	if len(all) == 0 {
		return nil, nil
	}
	day, err := r.invitedToday(ctx)
	if err != nil {
		return nil, err
	}
	some = all[:max(0, min(len(all), inviteMost, inviteDay-day.Count))]
	if len(some) > 0 {
		day.Count += len(some)
		if err := r.book.remember(ctx, r.c.ID, invitedState, day); err != nil {
			return nil, err
		}
	}
	rest := ""
	if left := all[len(some):]; len(left) > 0 {
		text, err := json.Marshal(left)
		if err != nil {
			return nil, err
		}
		rest = string(text)
	}
	if rest == raw {
		return some, nil
	}
	return some, r.book.connections.SetState(ctx, r.c.ID, inviteState, rest)
}

// invitedToday counts those who were taken off the list in the last 24 hours, from
// the first of them on.
func (r *syncRun) invitedToday(ctx context.Context) (day invitedSince, err error) {
	err = r.book.recall(ctx, r.c.ID, invitedState, &day)
	if now := r.book.now(); !now.Before(day.At.Add(24 * time.Hour)) {
		day = invitedSince{At: now}
	}
	return day, err
}

// inviteOne mails one person, unless something has happened since: nobody with a
// role, and nobody whom somebody has invited before.
func (r *syncRun) inviteOne(ctx context.Context, u idp.User) error {
	if u.Role != "" || !u.EmailVerified || account.Invitable(u, false) != nil {
		return nil
	}
	before := false
	err := r.book.log.Events(ctx, idp.EventQuery{User: u.ID, What: []string{"user.invite"}, Limit: 1}, func(e idp.Event) error {
		before = true
		return nil
	})
	if err != nil || before {
		return err
	}
	_, err = r.invites.Invite(ctx, syncActor(r.c), u.ID, account.Invite{Client: r.c.Client})
	if errors.Is(err, idp.ErrInvalid) || errors.Is(err, idp.ErrNotFound) {
		return nil // a password or an archive at this moment
	}
	if err != nil {
		return err
	}
	r.counts.Invited++
	return r.tell("invite", Held{Tie: Tie{User: u.ID, Login: u.Login}}, Note{})
}
