package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
)

// Act is what is done to everybody of a selection.
type Act string

const (
	Disable     Act = "disable"
	Enable      Act = "enable"
	Unlock      Act = "unlock"
	Invite      Act = "invite"
	EnrolLink   Act = "enrol"
	ResetFactor Act = "reset"
	EndSessions Act = "end"
	Join        Act = "join"
	Leave       Act = "leave"
	Remove      Act = "remove"
)

// Acts lists them, in the order in which they are offered.
func Acts() []Act {
	return []Act{Invite, EnrolLink, Join, Leave, EndSessions, Unlock, ResetFactor, Disable, Enable, Remove}
}

// Why somebody of a selection is passed over.
const (
	SkipRole    = "role"    // theirs is above the actor's
	SkipSelf    = "self"    // the actor themselves
	SkipAlready = "already" // it is so already
	SkipOff     = "disabled"
	SkipHas     = "password" // there is one: no invitation
	SkipAddress = "address"  // no e-mail, or none that is known to be theirs
)

// Order is an act with what it takes.
type Order struct {
	Act   Act      `json:"act"`
	Group string   `json:"group,omitempty"`  // Join, Leave
	Kind  mfa.Kind `json:"method,omitempty"` // EnrolLink; default: an authenticator app
}

// Doing is what the acts are made of; see [account.Service] and [account.Help].
type Doing interface {
	Disable(ctx context.Context, by idp.Actor, id idp.UserID) error
	Enable(ctx context.Context, by idp.Actor, id idp.UserID) error
	Unlock(ctx context.Context, by idp.Actor, id idp.UserID) error
	ResetFactors(ctx context.Context, by idp.Actor, id idp.UserID) error
	EndSessions(ctx context.Context, by idp.Actor, id idp.UserID) error
	Remove(ctx context.Context, by idp.Actor, id idp.UserID) error
	Join(ctx context.Context, by idp.Actor, group string, id idp.UserID) error
	Leave(ctx context.Context, by idp.Actor, group string, id idp.UserID) error
	Invite(ctx context.Context, by idp.Actor, id idp.UserID, in account.Invite) (account.Invitation, error)
	EnrolLink(ctx context.Context, by idp.Actor, id idp.UserID, kind mfa.Kind, life time.Duration) (account.Invitation, error)
}

// acts is the one table of what each act takes, whom it passes over, and how it
// is done.
var acts = map[Act]struct {
	right idp.Right
	skip  func(o Order, u idp.User) string
	do    func(ctx context.Context, d Doing, by idp.Actor, o Order, id idp.UserID) error
	self  bool // may be done to oneself with others
}{
	Disable: {right: idp.EditPeople, skip: when(func(_ Order, u idp.User) bool { return u.Disabled }), do: plain(Doing.Disable)},
	Enable:  {right: idp.EditPeople, skip: when(func(_ Order, u idp.User) bool { return !u.Disabled }), do: plain(Doing.Enable), self: true},
	Unlock:  {right: idp.HelpPeople, do: plain(Doing.Unlock), self: true},
	Invite: {right: idp.HelpPeople, self: true, skip: func(_ Order, u idp.User) string {
		switch account.Invitable(u, false) {
		case account.ErrDisabled:
			return SkipOff
		case account.ErrHasPassword:
			return SkipHas
		case account.ErrNoAddress:
			return SkipAddress
		}
		return ""
	}, do: func(ctx context.Context, d Doing, by idp.Actor, _ Order, id idp.UserID) error {
		_, err := d.Invite(ctx, by, id, account.Invite{})
		return err
	}},
	EnrolLink: {right: idp.HelpPeople, self: true, skip: func(o Order, u idp.User) string {
		switch {
		case u.Disabled:
			return SkipOff
		case slices.Contains(u.Factors, o.Kind):
			return SkipAlready
		case u.Email == "" || !u.EmailVerified:
			return SkipAddress
		}
		return ""
	}, do: func(ctx context.Context, d Doing, by idp.Actor, o Order, id idp.UserID) error {
		_, err := d.EnrolLink(ctx, by, id, o.Kind, 0)
		return err
	}},
	ResetFactor: {right: idp.HelpPeople, skip: when(func(_ Order, u idp.User) bool { return len(u.Factors) == 0 }), do: plain(Doing.ResetFactors)},
	EndSessions: {right: idp.HelpPeople, do: plain(Doing.EndSessions)},
	Join: {right: idp.EditPeople, self: true, skip: when(func(o Order, u idp.User) bool { return slices.Contains(u.Groups, o.Group) }), do: func(ctx context.Context, d Doing, by idp.Actor, o Order, id idp.UserID) error {
		return d.Join(ctx, by, o.Group, id)
	}},
	Leave: {right: idp.EditPeople, self: true, skip: when(func(o Order, u idp.User) bool { return !slices.Contains(u.Groups, o.Group) }), do: func(ctx context.Context, d Doing, by idp.Actor, o Order, id idp.UserID) error {
		return d.Leave(ctx, by, o.Group, id)
	}},
	Remove: {right: idp.EditPeople, do: plain(Doing.Remove)},
}

// when passes over those about whom something is so already.
func when(so func(Order, idp.User) bool) func(Order, idp.User) string {
	return func(o Order, u idp.User) string {
		if so(o, u) {
			return SkipAlready
		}
		return ""
	}
}

// plain is an act that takes nothing but whom.
func plain(do func(Doing, context.Context, idp.Actor, idp.UserID) error) func(context.Context, Doing, idp.Actor, Order, idp.UserID) error {
	return func(ctx context.Context, d Doing, by idp.Actor, _ Order, id idp.UserID) error {
		return do(d, ctx, by, id)
	}
}

// Right is what an act takes; empty for one that there is not.
func (a Act) Right() idp.Right { return acts[a].right }

// check fills in what is left out and refuses what cannot be done.
func (o *Order) check() error {
	o.Group = strings.TrimSpace(o.Group)
	if o.Act == EnrolLink && o.Kind == "" {
		o.Kind = "totp"
	}
	switch _, known := acts[o.Act]; {
	case !known:
		return fmt.Errorf("%w: act: there is no %q", idp.ErrInvalid, o.Act)
	case (o.Act == Join || o.Act == Leave) && o.Group == "":
		return fmt.Errorf("%w: group: it is empty", idp.ErrInvalid)
	}
	return nil
}

// passes says why somebody is passed over, or nothing.
func (o Order) passes(by idp.Actor, u idp.User) string {
	a := acts[o.Act]
	switch {
	case by.MayTouch(a.right, u) != nil:
		return SkipRole
	case u.ID == by.User && !a.self:
		return SkipSelf
	case a.skip != nil:
		return a.skip(o, u)
	}
	return ""
}

// Does joins the use cases of one person to what the acts are made of.
type Does struct{ Help *account.Help }

// Disable implements [Doing].
func (d Does) Disable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return d.Help.Service.Disable(ctx, by, id)
}

// Enable implements [Doing].
func (d Does) Enable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return d.Help.Service.Enable(ctx, by, id)
}

// Unlock implements [Doing].
func (d Does) Unlock(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return d.Help.Service.Unlock(ctx, by, id)
}

// ResetFactors implements [Doing].
func (d Does) ResetFactors(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return d.Help.Service.ResetFactors(ctx, by, id)
}

// EndSessions implements [Doing].
func (d Does) EndSessions(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return d.Help.Service.EndSessions(ctx, by, id)
}

// Remove implements [Doing].
func (d Does) Remove(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return d.Help.Service.Remove(ctx, by, id)
}

// Join implements [Doing].
func (d Does) Join(ctx context.Context, by idp.Actor, group string, id idp.UserID) error {
	return d.Help.Service.Memberships().Join(ctx, by, group, id)
}

// Leave implements [Doing].
func (d Does) Leave(ctx context.Context, by idp.Actor, group string, id idp.UserID) error {
	return d.Help.Service.Memberships().Leave(ctx, by, group, id)
}

// Invite implements [Doing].
func (d Does) Invite(ctx context.Context, by idp.Actor, id idp.UserID, in account.Invite) (account.Invitation, error) {
	return d.Help.Invitations().Invite(ctx, by, id, in)
}

// EnrolLink implements [Doing].
func (d Does) EnrolLink(ctx context.Context, by idp.Actor, id idp.UserID, kind mfa.Kind, life time.Duration) (account.Invitation, error) {
	return d.Help.EnrolLink(ctx, by, id, kind, life)
}
