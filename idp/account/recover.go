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

// mayRecover reports whether a recovery mail may go out now, and counts it. It
// must not run inside an Atomic.
func (h *Help) mayRecover(ctx context.Context, u idp.User) (bool, error) {
	if u.ID == "" || u.Disabled || !mailed(u) {
		return false, nil
	}
	err := h.Limiter.Take(ctx, recoveries(u.ID)...)
	if errors.Is(err, mfa.ErrLocked) {
		return false, nil
	}
	return err == nil, err
}

// SendRecovery mails a person a link that leads to a new password, good for 15
// minutes and once; older ones are void (SECURITY.md E-03, E-04). It reports
// whether it did: not to somebody who is disabled or has no verified address,
// and not too often. Strangers must not learn which (E-01); from is theirs.
func (h *Help) SendRecovery(ctx context.Context, u idp.User, from idp.Actor) (sent bool, err error) {
	return h.recovery(ctx, u, from, "")
}

func (h *Help) recovery(ctx context.Context, u idp.User, from idp.Actor, client idp.ClientID) (sent bool, err error) {
	if sent, err = h.mayRecover(ctx, u); err != nil || !sent {
		return false, err
	}
	err = h.Atomic(ctx, func(ctx context.Context) error { return h.sendRecovery(ctx, u, from, client) })
	return err == nil, err
}

// sendRecovery makes and mails the link; it is good for the epoch of u. With the
// new password the person goes on to the client, if one is named that lets them in.
func (h *Help) sendRecovery(ctx context.Context, u idp.User, from idp.Actor, client idp.ClientID) error {
	l, token := idp.NewLink(idp.LinkRecover, u, h.Now(), idp.LinkRecover.Life())
	if client != "" && len(client) <= idp.MaxIdentifier {
		l.Data = map[string]string{"client": string(client)}
	}
	letter := idp.Letter{Token: token}
	if !from.Host {
		letter.Origin = from.Origin
	}
	return errors.Join(h.issue(ctx, u, l, letter), h.note(ctx, from, "password.recovery", u.ID, nil))
}

// ChooseNew sets a new password for whoever holds the token of a recovery link.
// It signs nobody in and leaves the second factors as they are (SECURITY.md
// E-03), but ends all sessions and trusted devices (E-08) and forgets the wrong
// passwords that were tried. A password that is refused (idp.ErrInvalid) does
// not use the link up. idp.ErrExpired, or idp.ErrSpent when it was used at this
// moment.
func (h *Help) ChooseNew(ctx context.Context, by idp.Actor, token, plain string) error {
	l, u, err := h.Links.Get(ctx, idp.LinkRecover, idp.HashLink(token))
	if err != nil {
		return err
	}
	if err := h.acceptable(ctx, u, plain); err != nil {
		return err
	}
	hash, err := h.Passwords.Hash(ctx, plain)
	if err != nil {
		return err
	}
	by.User = u.ID // the link is theirs
	return h.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			h.Links.Spend(ctx, l.Hash), h.Users.SetPassword(ctx, u.ID, u.Password, hash), h.Users.SetMailed(ctx, u.ID, true), h.Users.RaiseEpoch(ctx, u.ID),
			h.Sessions.EndAll(ctx, u.ID, ""), h.Locks.Lift(ctx, "pw:"+string(u.ID)),
			h.note(ctx, by, "password.recover", u.ID, nil), h.tell(ctx, by, u, idp.PasswordChanged))
	})
}
