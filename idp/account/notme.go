package account

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/mfa/temporary"
)

// Undone is what NotMe did beside locking the account.
type Undone struct {
	Mailed  bool     // a link to a new password is on its way
	Removed mfa.Kind // the factor that was taken away, if one was
	Locked  bool     // only an administrator can let somebody in now
}

// NotMe takes back what a notice told of, for whoever holds the token of its
// link: the password is void, all sessions and trusted devices are at an end,
// and a recovery mail is sent to the address that the notice went to, if that
// still is the person's.
//
// A factor that was added goes, with all that was added since, if an older one
// is left. If none is, it stays: without it a mailbox alone would open the
// account, and only an administrator can tell the owner from somebody who
// reads their mail (SECURITY.md E-03, M-10). If it is a passkey, which opens the
// account by itself, the account is disabled until one has.
//
// idp.ErrExpired, or idp.ErrSpent when the link was used at this moment.
func (h *Help) NotMe(ctx context.Context, by idp.Actor, token string) (Undone, error) {
	l, u, err := h.Service.Links.Get(ctx, idp.LinkNotMe, idp.HashLink(token))
	if err != nil {
		return Undone{}, err
	}
	done, err := h.undo(ctx, by, l, u)
	if errors.Is(err, mfa.ErrNotHeld) { // a factor went away meanwhile
		done, err = h.undo(ctx, by, l, u)
	}
	return done, err
}

func (h *Help) undo(ctx context.Context, by idp.Actor, l idp.Link, u idp.User) (done Undone, err error) {
	held, err := h.Service.Factors.Held(ctx, mfa.SubjectID(u.ID))
	if err != nil {
		return Undone{}, err
	}
	gone := since(held, mfa.CredentialID(l.Data["credential"]))
	if len(gone) > 0 {
		done.Removed = gone[0].Kind
	}
	done.Locked = len(gone) == 0 && slices.ContainsFunc(held, func(c mfa.Credential) bool {
		return c.Kind == idp.Passkey && c.ID == mfa.CredentialID(l.Data["credential"])
	})
	// No limit is asked: the link is good once, and so is this mail.
	done.Mailed = mailed(u) && u.Email == l.Data["email"] && !done.Locked
	by.User = u.ID // the link is theirs
	err = h.Service.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{
			h.Service.Links.Spend(ctx, l.Hash), h.Service.Users.RaiseEpoch(ctx, u.ID), h.Service.Users.VoidPassword(ctx, u.ID), h.Service.Sessions.EndAll(ctx, u.ID, ""),
			h.acts().noteFactor(ctx, by, "user.not_me", u, done.Removed, map[string]string{
				"notice": l.Data["kind"], "removed": strconv.Itoa(len(gone)), "mailed": strconv.FormatBool(done.Mailed),
			}),
		}
		for _, c := range gone {
			errs = append(errs, h.Service.Factors.Drop(ctx, c.Subject, c.ID), h.forgetNumber(ctx, u, c))
		}
		if done.Locked {
			errs = append(errs, h.Service.Users.SetDisabled(ctx, u.ID, true))
		}
		if done.Mailed {
			next := u
			next.Epoch++ // as it is when this commits
			errs = append(errs, h.Recovery().mail(ctx, next, by, ""))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return Undone{}, err
	}
	return done, nil
}

// forgetNumber makes a number that is a factor no more nobody's: it must not be
// lent as one either (SECURITY.md M-09, T-14).
func (h *Help) forgetNumber(ctx context.Context, u idp.User, c mfa.Credential) error {
	if to := code.Address(c); c.Kind == code.SMS && to != "" {
		return h.Service.Users.ForgetPhone(ctx, u.ID, to)
	}
	return nil
}

// since lists a credential and what was added after it, or nothing when that
// would leave no older second factor. A temporary code can always go.
func since(held []mfa.Credential, id mfa.CredentialID) []mfa.Credential {
	i := slices.IndexFunc(held, func(c mfa.Credential) bool { return c.ID == id })
	if id == "" || i < 0 {
		return nil
	}
	from, older := held[i], false
	gone := []mfa.Credential{from}
	for _, c := range held {
		switch {
		case c.ID == from.ID:
		case !c.Created.Before(from.Created):
			gone = append(gone, c)
		case c.Kind != temporary.Kind:
			older = true
		}
	}
	switch {
	case older:
		return gone
	case from.Kind == temporary.Kind:
		return gone[:1]
	}
	return nil
}
