package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/temporary"
)

// Temporary describes a code for somebody who has no second factor at hand.
type Temporary struct {
	Reason string        // for the log
	For    time.Duration // at most temporary.MaxLife; default 24 hours
	Uses   int           // at most temporary.MaxUses; default 1
}

// TemporaryCode gives a person a code in the place of a second factor, and
// returns it to be passed on; it is shown once. An earlier one is void, and the
// person is told (SECURITY.md M-10, A-10). idp.ErrInvalid when the reason lacks
// or a number is out of bounds; idp.ErrSpent when somebody else gives one at
// the same moment; [ErrNeedsSecond] where that takes two: see [Approvals].
func (h *Help) TemporaryCode(ctx context.Context, by idp.Actor, id idp.UserID, in Temporary) (string, error) {
	if err := in.check(); err != nil {
		return "", err
	}
	u, err := h.person(ctx, by, id, idp.HelpPeople, "factor.temporary")
	if err != nil {
		return "", err
	}
	if needed, err := h.SecondNeeded(ctx, by); err != nil || needed {
		return "", errors.Join(err, ErrNeedsSecond)
	}
	return h.give(ctx, by, u, in, "", func(context.Context) error { return nil })
}

// give makes a code. What must be so in the same moment joins the transaction.
func (h *Help) give(ctx context.Context, by idp.Actor, u idp.User, in Temporary, approver idp.UserID, also func(context.Context) error) (string, error) {
	id := u.ID
	c, code, err := temporary.Issue(ctx, h.Passwords.Key, h.Now(), in.For, in.Uses)
	if err != nil {
		return "", err
	}
	c.ID, c.Subject = mfa.CredentialID(rand.Text()), mfa.SubjectID(id)
	c.Handle = string(id) // handles are unique: of two codes given at once one stays
	detail := map[string]string{"reason": in.Reason, "uses": strconv.Itoa(in.Uses), "expires": c.Expires.UTC().Format(time.RFC3339)}
	if approver != "" {
		detail["approver"] = string(approver)
	}
	err = h.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			also(ctx),
			h.Factors.Credentials.DropKind(ctx, c.Subject, c.Kind), h.Factors.Credentials.Save(ctx, c),
			h.noteFactor(ctx, by, "factor.temporary", u, c.Kind, detail),
			h.Notify.Notice(ctx, u, idp.Notice{Kind: idp.TemporaryCode, At: c.Created, Method: c.Kind, Credential: c.ID}))
	})
	if errors.Is(err, mfa.ErrConflict) {
		err = fmt.Errorf("%w: %w", idp.ErrSpent, err)
	}
	if err != nil {
		return "", err
	}
	return code, nil
}

// VoidTemporaryCode takes back the code that a person has, if they have one.
func (h *Help) VoidTemporaryCode(ctx context.Context, by idp.Actor, id idp.UserID) error {
	u, err := h.person(ctx, by, id, idp.HelpPeople, "factor.temporary_void")
	if err != nil {
		return err
	}
	return h.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			h.Factors.Credentials.DropKind(ctx, mfa.SubjectID(id), temporary.Kind),
			h.noteFactor(ctx, by, "factor.temporary_void", u, temporary.Kind, nil))
	})
}

// check fills in what is left out and refuses what is out of bounds.
func (in *Temporary) check() error {
	if in.For == 0 {
		in.For = 24 * time.Hour
	}
	if in.Uses == 0 {
		in.Uses = 1
	}
	in.Reason = strings.TrimSpace(in.Reason)
	errs := []error{worded("reason", in.Reason)}
	if in.For < time.Minute || in.For > temporary.MaxLife {
		errs = append(errs, fmt.Errorf("%w: a temporary code is good for 1m to %gh", idp.ErrInvalid, temporary.MaxLife.Hours()))
	}
	if in.Uses < 1 || in.Uses > temporary.MaxUses {
		errs = append(errs, fmt.Errorf("%w: a temporary code is good for 1 to %d uses", idp.ErrInvalid, temporary.MaxUses))
	}
	return errors.Join(errs...)
}

// noteFactor is note for what is about a factor.
func (h *Help) noteFactor(ctx context.Context, by idp.Actor, what string, u idp.User, k mfa.Kind, detail map[string]string) error {
	return h.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: h.Now(), What: what, User: u.ID, Actor: by.User, Session: by.Session, Method: k, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}
