package security

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"latchkey/idp"
)

// Act is something that can be done here.
type Act string

const (
	Look         Act = "look"
	AddFactor    Act = "factor.add"
	ConfirmAdd   Act = "factor.confirm"
	RemoveFactor Act = "factor.remove"
	RenameFactor Act = "factor.rename"
	Forget       Act = "device.forget"
	EndSession   Act = "session.end"
	NewPassword  Act = "password.change"
	TurnOff      Act = "factor.off"
	NotMe        Act = "not-me"
)

const (
	// fresh is how recent a proof must be for a change (SECURITY.md M-05).
	fresh = 5 * time.Minute
	// unhurried is how recent it must still be at the end of a wizard that began
	// with a fresh one: people go and look for their phones.
	unhurried = 20 * time.Minute
)

// acts is the one place that says what each act takes. Whoever acts on their
// own account needs every proof that they can give, as recent as that; so does
// whoever acts for somebody else. Zero: any session will do.
var acts = map[Act]struct {
	within time.Duration
	// others says that helpers may do it for somebody else. What makes a secret
	// is never theirs to do.
	others bool
}{
	Look:         {others: true},
	AddFactor:    {within: fresh},
	ConfirmAdd:   {within: unhurried},
	RemoveFactor: {within: fresh, others: true},
	RenameFactor: {within: unhurried, others: true},
	Forget:       {within: fresh, others: true},
	EndSession:   {within: fresh, others: true},
	NewPassword:  {within: fresh},
	TurnOff:      {within: fresh},
	NotMe:        {within: fresh},
}

// NeedFor is what the gate must ask before a page on which an act begins.
func NeedFor(act Act, now time.Time) idp.Need {
	a := acts[act]
	if a.within == 0 {
		return idp.Need{}
	}
	return idp.Need{Since: now.Add(-a.within), Every: true}
}

// may refuses with idp.ErrDenied who must not, and with idp.ErrMore who must
// first prove more. The gate has asked the same of whoever comes by a page;
// asked here again it cannot be forgotten.
func (s *Means) may(ctx context.Context, by idp.Actor, whose idp.User, act Act) error {
	a, known := acts[act]
	if !known {
		return idp.ErrDenied
	}
	if by.Host && a.others {
		return nil
	}
	if by.Scopes != nil { // a token of the API: it has no session and proves nothing, and reaches as far as its scopes
		if !a.others || mayHelp(by, whose, act) != nil {
			return s.denied(ctx, by, whose, act)
		}
		return nil
	}
	if by.User != whose.ID && (!a.others || mayHelp(by, whose, act) != nil) {
		return s.denied(ctx, by, whose, act)
	}
	if by.User == "" || by.Session == "" {
		return idp.ErrDenied
	}
	if a.within == 0 {
		return nil
	}
	return s.proven(ctx, by, whose, s.Now().Add(-a.within))
}

// proven refuses with idp.ErrMore who has not proven since a moment what they
// hold themselves.
func (s *Means) proven(ctx context.Context, by idp.Actor, whose idp.User, since time.Time) error {
	held := whose.Factors
	if by.User != whose.ID {
		u, err := s.Users.ByID(ctx, by.User)
		if err != nil {
			return err
		}
		held = u.Factors
	}
	if !by.Proven(held, since) {
		return idp.ErrMore
	}
	return nil
}

// mayHelp refuses who may not do an act for another (SECURITY.md D-01, D-02).
func mayHelp(by idp.Actor, whose idp.User, act Act) error {
	if act == Look && by.Role == idp.Auditor { // looks at everybody
		return by.May(idp.SeePeople)
	}
	if act == Look {
		return by.MayTouch(idp.SeePeople, whose)
	}
	return by.MayTouch(idp.HelpPeople, whose)
}

// denied leaves a line in the log: somebody tries what is not theirs (D-07).
func (s *Means) denied(ctx context.Context, by idp.Actor, whose idp.User, act Act) error {
	e := idp.Event{
		ID: rand.Text(), At: s.Now(), What: string(act), User: whose.ID, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "denied",
	}
	return errors.Join(idp.ErrDenied, s.Log.Append(ctx, e))
}
