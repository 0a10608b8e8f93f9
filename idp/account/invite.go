package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
)

// Invite describes an invitation.
type Invite struct {
	For    time.Duration // how long it is good; 0: as long as it can be, 72 hours
	Client idp.ClientID  // where the person goes when they are in; empty: to their own pages
	ByHand bool          // the link is handed over, not mailed: it proves no address
}

// What stands in the way of an invitation; each is an idp.ErrInvalid.
var (
	ErrHasPassword = fmt.Errorf("%w: there is a password already", idp.ErrInvalid)
	ErrDisabled    = fmt.Errorf("%w: the account is disabled", idp.ErrInvalid)
	ErrNoAddress   = fmt.Errorf("%w: there is no e-mail address", idp.ErrInvalid)
	// ErrReachable: a link to hand over would let whoever makes it in as somebody
	// who has an account in use, or can be written to.
	ErrReachable = fmt.Errorf("%w: a mail reaches them, or they have signed in before", idp.ErrInvalid)
)

// Invitable says why a person cannot be invited, or nothing.
func Invitable(u idp.User, byHand bool) error {
	switch {
	case u.Disabled:
		return ErrDisabled
	case u.Password != "":
		return ErrHasPassword
	case u.Email == "" && !byHand:
		return ErrNoAddress
	}
	return nil
}

// Invitations are the way to a first password for whoever has none.
type Invitations struct {
	acts
	post
	rules    PasswordRules
	sessions idp.Sessions
	locks    Locks
	titles   func(context.Context, idp.ClientID) (string, error) // see Help.Title
}

// MayHandOver says why an invitation of a person cannot be handed over, or
// nothing. Whoever makes such a link could use it: so it takes more than helping
// does, and is for newcomers alone. Somebody who has no password may well have a
// passkey or another way in, and their account would be taken (SECURITY.md A-11,
// D-02). The host's command line may: it can set a password anyway.
func (i Invitations) MayHandOver(ctx context.Context, by idp.Actor, u idp.User) error {
	if by.Host {
		return nil
	}
	if err := by.MayTouch(idp.EditPeople, u); err != nil {
		return err
	}
	been, err := i.sessions.Ever(ctx, u.ID)
	if err == nil && (been || mailed(u)) {
		err = ErrReachable
	}
	return err
}

// Invite asks a person who has no password to choose the first one. It mails
// them a link that is good once; earlier ones are void. Nobody else learns or
// sets that password (SECURITY.md ). Whoever has one gets a recovery
// mail instead, which is good for minutes, not days (E-04).
//
// idp.ErrInvalid with the reason.
func (i Invitations) Invite(ctx context.Context, by idp.Actor, id idp.UserID, in Invite) (Invitation, error) {
	right := idp.HelpPeople
	if in.ByHand {
		right = idp.EditPeople
	}
	u, err := i.touch(ctx, by, id, right, "user.invite")
	if err != nil {
		return Invitation{}, err
	}
	if in.For == 0 {
		in.For = idp.LinkInvite.Life()
	}
	if in.For < time.Minute || in.For > idp.LinkInvite.Life() {
		return Invitation{}, fmt.Errorf("%w: an invitation is good for 1m to %gh", idp.ErrInvalid, idp.LinkInvite.Life().Hours())
	}
	if err := Invitable(u, in.ByHand); err != nil {
		return Invitation{}, err
	}
	if in.ByHand {
		if err := i.MayHandOver(ctx, by, u); err != nil {
			return Invitation{}, err
		}
	}
	title, err := i.title(ctx, in.Client)
	if err != nil {
		return Invitation{}, err
	}
	l, token := idp.NewLink(idp.LinkInvite, u, i.now(), in.For)
	l.Data = map[string]string{"client": string(in.Client)}
	out := Invitation{Token: token, Expires: l.Expires}
	if !in.ByHand {
		l.Data["email"], out.SentTo = u.Email, u.Email
	}
	err = i.atomic(ctx, func(ctx context.Context) error {
		errs := []error{i.links.Void(ctx, l.Purpose, u.ID), i.links.Put(ctx, l)}
		if !in.ByHand {
			errs = append(errs, i.letters.Letter(ctx, u, idp.Letter{Link: l, Token: token, To: u.Email, Client: title}))
		}
		return errors.Join(append(errs, i.note(ctx, by, "user.invite", u.ID, map[string]string{"expires": l.Expires.UTC().Format(time.RFC3339)}))...)
	})
	if err != nil {
		return Invitation{}, err
	}
	return out, nil
}

// title is what the mail calls the application: most people know its name better
// than the house's.
func (i Invitations) title(ctx context.Context, id idp.ClientID) (string, error) {
	if id == "" || i.titles == nil {
		return "", nil
	}
	return i.titles(ctx, id)
}

// Without calls f with the people who have no password, of a group or (empty) of
// all; byHand or not, f is told nothing of whether they can be invited.
func (i Invitations) Without(ctx context.Context, by idp.Actor, group string, f func(idp.User) error) error {
	if err := by.May(idp.SeePeople); err != nil {
		return err
	}
	for q := (idp.UserQuery{Group: group, Limit: 500}); ; {
		page, err := i.users.List(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range page {
			if u.Password != "" {
				continue
			}
			if err := f(u); err != nil {
				return err
			}
		}
		if len(page) < q.Limit {
			return nil
		}
		q.After = page[len(page)-1].ID
	}
}

// Accept sets the first password of whoever holds the token of an invitation. It
// signs nobody in: the sign-in that follows asks for what policy demands
// (SECURITY.md E-03). A link that was mailed proves the address it went to
// (E-09). A password that is refused (idp.ErrInvalid) does not use the link up.
// The zone is the browser's, for the times that the person reads; one that is not
// known, or not needed, is left out.
// idp.ErrExpired, or idp.ErrSpent when it was used at this moment.
func (i Invitations) Accept(ctx context.Context, by idp.Actor, token, plain, zone string) error {
	l, u, err := i.links.Get(ctx, idp.LinkInvite, idp.HashLink(token))
	if err != nil {
		return err
	}
	if u.Password != "" {
		return fmt.Errorf("%w: there is a password by now", idp.ErrExpired)
	}
	hash, err := i.rules.hash(ctx, u, plain)
	if err != nil {
		return err
	}
	by.User = u.ID // the link is theirs
	is, ids, err := u, []idp.Identifier(nil), error(nil)
	proves := !u.EmailVerified && u.Email != "" && l.Data["email"] == u.Email
	if proves {
		if is, ids, err = moving(u, u.Email); err != nil {
			return err
		}
	}
	is.Updated = i.now()
	located := u.Profile.Zoneinfo == "" && zone != "" && checkOwn(FieldZone, zone) == nil
	return i.atomic(ctx, func(ctx context.Context) error {
		errs := []error{
			i.links.Spend(ctx, l.Hash), i.users.SetPassword(ctx, u.ID, u.Password, hash), i.users.RaiseEpoch(ctx, u.ID), i.sessions.EndAll(ctx, u.ID, ""),
			i.locks.Lift(ctx, "pw:"+string(u.ID)), i.note(ctx, by, "user.accept", u.ID, nil),
		}
		if located {
			is.Profile.Zoneinfo = zone
			errs = append(errs, i.users.SetProfile(ctx, is))
		}
		if proves {
			errs = append(errs, i.users.SetEmail(ctx, u, is, ids))
		}
		return errors.Join(append(errs, i.tell(ctx, by, is, idp.PasswordChosen))...)
	})
}
