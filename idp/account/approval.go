package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa/temporary"
)

// Approvals lets two administrators give a temporary code that one alone may
// not (SECURITY.md M-10: dual control). One asks, another allows it within the
// hour, and only then is the code made, and shown to who asked. Its fields are
// set once, before first use.
type Approvals struct {
	Help  *Help
	Store ApprovalStore
}

// approvalLife is for how long a request waits, and an allowed one for its code
// to be fetched.
const approvalLife = time.Hour

// What can be refused, beside the errors of package idp.
var (
	// ErrNeedsSecond means that a temporary code takes a second administrator. It
	// is an idp.ErrDenied.
	ErrNeedsSecond = fmt.Errorf("%w: a second administrator must allow it", idp.ErrDenied)
	// ErrOwnRequest means that somebody would allow what they asked for, or what
	// is for themselves. It is an idp.ErrDenied.
	ErrOwnRequest = fmt.Errorf("%w: somebody else must allow it", idp.ErrDenied)
	// ErrService means that a program in its own name asked for one, or would allow
	// it: whoever registered it would be two by themselves. It is an
	// idp.ErrDenied.
	ErrService = fmt.Errorf("%w: it takes two people", idp.ErrDenied)
	// ErrNotYet means that nobody has allowed it. It is an idp.ErrDenied.
	ErrNotYet = fmt.Errorf("%w: nobody has allowed it yet", idp.ErrDenied)
)

// Approval is a temporary code that was asked for.
type Approval struct {
	ID        string
	User      idp.UserID // whom it is for
	Requester idp.UserID
	Approver  idp.UserID // empty: it waits
	Temporary
	Created time.Time
	Expires time.Time
}

// Waits reports whether nobody has allowed it yet.
func (a Approval) Waits() bool { return a.Approver == "" }

// ApprovalStore keeps requests until they expire. Writes join the Atomic in ctx.
type ApprovalStore interface {
	// Add replaces what the same administrator asked for the same person before.
	Add(ctx context.Context, a Approval) error
	// ByID fails with idp.ErrNotFound when there is none or it has expired.
	ByID(ctx context.Context, id string) (Approval, error)
	// All returns what has not expired: of one person, or (empty) of all.
	All(ctx context.Context, whose idp.UserID) ([]Approval, error)
	// Allow notes the approver and a new end, or fails with idp.ErrSpent: there
	// is one already, it has expired, or they asked for it themselves.
	Allow(ctx context.Context, id string, by idp.UserID, expires time.Time) error
	// Spend takes an allowed one away, or a waiting one; idp.ErrSpent when it is
	// gone or no longer so.
	Spend(ctx context.Context, id string, allowed bool) error
}

// Ask asks for a temporary code that another administrator is to allow.
func (a *Approvals) Ask(ctx context.Context, by idp.Actor, id idp.UserID, in Temporary) (Approval, error) {
	if err := in.check(); err != nil {
		return Approval{}, err
	}
	u, err := a.Help.acts().touch(ctx, by, id, idp.HelpPeople, "factor.temporary_ask")
	if err != nil {
		return Approval{}, err
	}
	if _, is := by.Service(); is {
		return Approval{}, a.Help.acts().denied(ctx, by, id, "factor.temporary_ask", ErrService)
	}
	now := a.Help.Service.Now()
	out := Approval{
		ID: strings.ToLower(rand.Text()), User: id, Requester: by.User, Temporary: in, Created: now, Expires: now.Add(approvalLife),
	}
	return out, a.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(a.Store.Add(ctx, out), a.Help.acts().noteFactor(ctx, by, "factor.temporary_ask", u, temporary.Kind, map[string]string{"reason": in.Reason, "request": out.ID}))
	})
}

// Waiting lists requests: for one person, or (empty) for all. Those for people
// whom the actor may not help, or not any more, are left out.
func (a *Approvals) Waiting(ctx context.Context, by idp.Actor, whose idp.UserID) ([]Approval, error) {
	if err := by.May(idp.HelpPeople); err != nil {
		return nil, err
	}
	all, err := a.Store.All(ctx, whose)
	if err != nil {
		return nil, err
	}
	may := map[idp.UserID]bool{}
	for _, r := range all {
		if _, asked := may[r.User]; asked {
			continue
		}
		u, err := a.Help.Service.Users.ByID(ctx, r.User)
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			return nil, err
		}
		may[r.User] = err == nil && by.MayTouch(idp.HelpPeople, u) == nil
	}
	return slices.DeleteFunc(all, func(r Approval) bool { return !may[r.User] }), nil
}

// able reports whether an administrator may help a person now: roles change
// while a request waits (SECURITY.md D-02, D-04).
func (a *Approvals) able(ctx context.Context, id idp.UserID, u idp.User) (bool, error) {
	who, err := a.Help.Service.Users.ByID(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		return false, nil
	}
	return err == nil && !who.Disabled && (idp.Actor{User: who.ID, Role: who.Role}).MayTouch(idp.HelpPeople, u) == nil, err
}

// Request returns one, for who may help its person.
func (a *Approvals) Request(ctx context.Context, by idp.Actor, id string) (Approval, idp.User, error) {
	if err := by.May(idp.HelpPeople); err != nil {
		return Approval{}, idp.User{}, err
	}
	r, err := a.Store.ByID(ctx, id)
	if err != nil {
		return Approval{}, idp.User{}, err
	}
	u, err := a.Help.acts().touch(ctx, by, r.User, idp.HelpPeople, "factor.temporary_allow")
	return r, u, err
}

// Allow is the second administrator's word: neither who asked nor whom it is
// for. idp.ErrSpent when who asked may not help that person any more. It takes a
// person who is signed in (SECURITY.md M-10, D-03): a token may lie with anybody,
// also with who asked, so it is idp.ErrMore for one.
func (a *Approvals) Allow(ctx context.Context, by idp.Actor, id string) error {
	r, u, err := a.Request(ctx, by, id)
	if err != nil {
		return err
	}
	if _, is := by.Service(); is {
		return a.Help.acts().denied(ctx, by, r.User, "factor.temporary_allow", ErrService)
	}
	if by.Scopes != nil {
		return a.Help.acts().denied(ctx, by, r.User, "factor.temporary_allow", idp.ErrMore)
	}
	if by.User == r.Requester || by.User == r.User || by.User == "" {
		return a.Help.acts().denied(ctx, by, r.User, "factor.temporary_allow", ErrOwnRequest)
	}
	if able, err := a.able(ctx, r.Requester, u); err != nil {
		return err
	} else if !able { // nobody could take the code
		return idp.ErrSpent
	}
	return a.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			a.Store.Allow(ctx, id, by.User, a.Help.Service.Now().Add(approvalLife)),
			a.Help.acts().noteFactor(ctx, by, "factor.temporary_allow", u, temporary.Kind, map[string]string{"requester": string(r.Requester), "reason": r.Reason, "request": id}))
	})
}

// Refuse takes a waiting request away; who asked may take it back so, too.
func (a *Approvals) Refuse(ctx context.Context, by idp.Actor, id string) error {
	r, u, err := a.Request(ctx, by, id)
	if err != nil {
		return err
	}
	return a.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			a.Store.Spend(ctx, id, !r.Waits()),
			a.Help.acts().noteFactor(ctx, by, "factor.temporary_refuse", u, temporary.Kind, map[string]string{"requester": string(r.Requester), "request": id}))
	})
}

// Take makes the code that was allowed and returns it, once, to who asked. The
// event names both. Whoever allowed it must still be one who may.
func (a *Approvals) Take(ctx context.Context, by idp.Actor, id string) (string, Approval, error) {
	r, u, err := a.Request(ctx, by, id)
	if err != nil {
		return "", r, err
	}
	switch {
	case by.User != r.Requester:
		return "", r, a.Help.acts().denied(ctx, by, r.User, "factor.temporary", idp.ErrDenied)
	case r.Waits():
		return "", r, ErrNotYet
	}
	if able, err := a.able(ctx, r.Approver, u); err != nil {
		return "", r, err
	} else if !able {
		return "", r, ErrNotYet
	}
	code, err := a.Help.Codes().give(ctx, by, u, r.Temporary, r.Approver, func(ctx context.Context) error { return a.Store.Spend(ctx, id, true) })
	return code, r, err
}
