package account

import (
	"context"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// recoveries are what mails with a recovery link cost: whoever asks for them in
// somebody's name fills no mailbox (SECURITY.md B-11).
func recoveries(id idp.UserID) []mfa.Budget {
	return []mfa.Budget{
		{Key: "recover:" + string(id), Max: 5, Per: time.Hour},
		{Key: "recover:" + string(id) + ":minute", Max: 1, Per: time.Minute},
	}
}

// Recovery is the way to a new password for whoever has forgotten theirs.
type Recovery struct {
	acts
	post
	rules    PasswordRules
	limiter  mfa.Limiter
	sessions idp.Sessions
	locks    Locks
}

// may reports whether a recovery mail may go out now, and counts it. It
// must not run inside an Atomic.
func (r Recovery) may(ctx context.Context, u idp.User) (bool, error) {
	if u.ID == "" || u.Disabled || !mailed(u) {
		return false, nil
	}
	err := r.limiter.Take(ctx, recoveries(u.ID)...)
	if errors.Is(err, mfa.ErrLocked) {
		return false, nil
	}
	return err == nil, err
}

// Forgot sends a recovery link to whoever has this login or e-mail, at the
// address on file and never at the one that was typed (SECURITY.md E-06).
// Nobody of that name is no error: the caller's answer must not depend on it. The
// client, if not empty, is where they were going.
func (r Recovery) Forgot(ctx context.Context, by idp.Actor, login string, client idp.ClientID) error {
	if len(login) > 4*idp.MaxIdentifier {
		return nil
	}
	u, err := r.users.ByIdentifier(ctx, idp.Canonical(login))
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	by.User = ""
	_, err = r.ask(ctx, u, by, client)
	return err
}

// Send mails a person a link that leads to a new password, good for 15
// minutes and once; older ones are void (SECURITY.md E-03, E-04). It reports
// whether it did: not to somebody who is disabled or has no verified address,
// and not too often. Strangers must not learn which (E-01); from is theirs.
func (r Recovery) Send(ctx context.Context, u idp.User, from idp.Actor) (sent bool, err error) {
	return r.ask(ctx, u, from, "")
}

func (r Recovery) ask(ctx context.Context, u idp.User, from idp.Actor, client idp.ClientID) (sent bool, err error) {
	if sent, err = r.may(ctx, u); err != nil || !sent {
		return false, err
	}
	err = r.atomic(ctx, func(ctx context.Context) error { return r.mail(ctx, u, from, client) })
	return err == nil, err
}

// mail makes and mails the link; it is good for the epoch of u. With the
// new password the person goes on to the client, if one is named that lets them in.
func (r Recovery) mail(ctx context.Context, u idp.User, from idp.Actor, client idp.ClientID) error {
	l, token := idp.NewLink(idp.LinkRecover, u, r.now(), idp.LinkRecover.Life())
	if client != "" && len(client) <= idp.MaxIdentifier {
		l.Data = map[string]string{"client": string(client)}
	}
	letter := idp.Letter{Token: token}
	if !from.Host {
		letter.Origin = from.Origin
	}
	return errors.Join(r.issue(ctx, u, l, letter), r.note(ctx, from, "password.recovery", u.ID, nil))
}

// ChooseNew sets a new password for whoever holds the token of a recovery link.
// It signs nobody in and leaves the second factors as they are (SECURITY.md
// E-03), but ends all sessions and trusted devices (E-08) and forgets the wrong
// passwords that were tried. A password that is refused (idp.ErrInvalid) does
// not use the link up. idp.ErrExpired, or idp.ErrSpent when it was used at this
// moment.
func (r Recovery) ChooseNew(ctx context.Context, by idp.Actor, token, plain string) error {
	l, u, err := r.links.Get(ctx, idp.LinkRecover, idp.HashLink(token))
	if err != nil {
		return err
	}
	hash, err := r.rules.hash(ctx, u, plain)
	if err != nil {
		return err
	}
	by.User = u.ID // the link is theirs
	return r.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			r.links.Spend(ctx, l.Hash), r.users.SetPassword(ctx, u.ID, u.Password, hash), r.users.SetMailed(ctx, u.ID, true), r.users.RaiseEpoch(ctx, u.ID),
			r.sessions.EndAll(ctx, u.ID, ""), r.locks.Lift(ctx, "pw:"+string(u.ID)),
			r.note(ctx, by, "password.recover", u.ID, nil), r.tell(ctx, by, u, idp.PasswordChanged))
	})
}
