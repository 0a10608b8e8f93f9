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

// TemporaryCodes stand in for a second factor that is not at hand.
type TemporaryCodes struct {
	acts
	credentials mfa.Credentials
	key         func(ctx context.Context, code, salt []byte) ([]byte, error) // what codes are hashed with
	second      func(context.Context) (bool, error)                          // see Help.Second
}

// SecondNeeded reports whether a temporary code takes a second administrator.
// The host's command line needs none: it is the way in when nobody else is left.
func (t TemporaryCodes) SecondNeeded(ctx context.Context, by idp.Actor) (bool, error) {
	if t.second == nil || by.Host {
		return false, nil
	}
	return t.second(ctx)
}

// Give gives a person a code in the place of a second factor, and
// returns it to be passed on; it is shown once. An earlier one is void, and the
// person is told (SECURITY.md M-10, A-10). idp.ErrInvalid when the reason lacks
// or a number is out of bounds; idp.ErrSpent when somebody else gives one at
// the same moment; [ErrNeedsSecond] where that takes two: see [Approvals].
func (t TemporaryCodes) Give(ctx context.Context, by idp.Actor, id idp.UserID, in Temporary) (string, error) {
	if err := in.check(); err != nil {
		return "", err
	}
	u, err := t.touch(ctx, by, id, idp.HelpPeople, "factor.temporary")
	if err != nil {
		return "", err
	}
	if needed, err := t.SecondNeeded(ctx, by); err != nil || needed {
		return "", errors.Join(err, ErrNeedsSecond)
	}
	return t.give(ctx, by, u, in, "", func(context.Context) error { return nil })
}

// give makes a code. What must be so in the same moment joins the transaction.
func (t TemporaryCodes) give(ctx context.Context, by idp.Actor, u idp.User, in Temporary, approver idp.UserID, also func(context.Context) error) (string, error) {
	id := u.ID
	c, code, err := temporary.Issue(ctx, t.key, t.now(), in.For, in.Uses)
	if err != nil {
		return "", err
	}
	c.ID, c.Subject = mfa.CredentialID(rand.Text()), mfa.SubjectID(id)
	c.Handle = string(id) // handles are unique: of two codes given at once one stays
	detail := map[string]string{"reason": in.Reason, "uses": strconv.Itoa(in.Uses), "expires": c.Expires.UTC().Format(time.RFC3339)}
	if approver != "" {
		detail["approver"] = string(approver)
	}
	err = t.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			also(ctx),
			t.credentials.DropKind(ctx, c.Subject, c.Kind), t.credentials.Save(ctx, c),
			t.noteFactor(ctx, by, "factor.temporary", u, c.Kind, detail),
			t.notify.Notice(ctx, u, idp.Notice{Kind: idp.TemporaryCode, At: c.Created, Method: c.Kind, Credential: c.ID}))
	})
	if errors.Is(err, mfa.ErrConflict) {
		err = fmt.Errorf("%w: %w", idp.ErrSpent, err)
	}
	if err != nil {
		return "", err
	}
	return code, nil
}

// Void takes back the code that a person has, if they have one.
func (t TemporaryCodes) Void(ctx context.Context, by idp.Actor, id idp.UserID) error {
	u, err := t.touch(ctx, by, id, idp.HelpPeople, "factor.temporary_void")
	if err != nil {
		return err
	}
	return t.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			t.credentials.DropKind(ctx, mfa.SubjectID(id), temporary.Kind),
			t.noteFactor(ctx, by, "factor.temporary_void", u, temporary.Kind, nil))
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
