package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/posture"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/temporary"
	"latchkey/mfa/trust"
)

// Cards gathers everything about one person. Its fields are set once, before
// first use.
type Cards struct {
	People    Finder
	Users     idp.Users
	Sessions  idp.Sessions
	Factors   *mfa.Engine
	Devices   trust.Devices
	Policies  Policies
	Ties      connector.Ties
	Apps      *oidc.Apps
	Log       idp.Log
	Approvals *account.Approvals // nil: nothing ever waits
	Now       func() time.Time
}

// Policies returns the policies in force.
type Policies interface {
	InForce(ctx context.Context) ([]policy.Policy, error)
}

// Factor is what may be seen of a credential: never its secret (SECURITY.md M-12).
type Factor struct {
	ID      mfa.CredentialID
	Kind    mfa.Kind
	Label   string
	Created time.Time
	Used    time.Time // zero: never
	Expires time.Time // zero: it lasts
	Left    int       // of backup codes, or uses of a temporary one
}

// Card is everything about a person.
type Card struct {
	Entry
	Factors  []Factor
	Devices  []trust.Device
	Sessions []idp.Session
	SignIns  []idp.Event // the last, with those that were refused
	Applies  []Applied
	Standing posture.Standing
	Locks    []Lock
	Letters  []Letter
	Ties     []connector.Tie
	Apps     []oidc.App
	Waiting  []account.Approval // temporary codes that wait for a second administrator
}

// Applied is a policy that concerns a person.
type Applied struct {
	Name string
	// Reasons say what it decides for them; none: another is stricter in
	// everything.
	Reasons []policy.Reason
	// Due is when it next decides otherwise for them: a deadline, or the end of an
	// exemption; zero: never.
	Due time.Time
	// Exempt says that they are let off for now.
	Exempt bool
}

// lastSignIns is how many are shown (SECURITY.md D-12).
const lastSignIns = 10

// About returns everything about a person. Whoever looks after people sees
// those of a higher role, too, but may not touch them.
func (s *Cards) About(ctx context.Context, by idp.Actor, id idp.UserID) (c Card, err error) {
	if err := by.May(idp.SeePeople); err != nil {
		return c, err
	}
	if c.Entry, err = s.People.Entry(ctx, id); err != nil {
		return c, err
	}
	for _, read := range []func(context.Context, idp.Actor, *Card) error{s.protection, s.policies, s.troubles, s.elsewhere} {
		if err := read(ctx, by, &c); err != nil {
			return Card{}, err
		}
	}
	return c, nil
}

// protection is what they prove who they are with, and where they did.
func (s *Cards) protection(ctx context.Context, _ idp.Actor, c *Card) error {
	held, err := s.Factors.Held(ctx, mfa.SubjectID(c.User.ID))
	if err != nil {
		return err
	}
	for _, h := range held {
		f := Factor{ID: h.ID, Kind: h.Kind, Label: h.Label, Created: h.Created, Used: h.Used, Expires: h.Expires}
		switch h.Kind {
		case backup.Kind:
			f.Left = backup.Left(h)
		case temporary.Kind:
			f.Left = temporary.Left(h)
		}
		c.Factors = append(c.Factors, f)
	}
	if c.Devices, err = s.Devices.Of(ctx, mfa.SubjectID(c.User.ID)); err != nil {
		return err
	}
	all, err := s.Sessions.Of(ctx, c.User.ID)
	if err != nil {
		return err
	}
	c.Sessions = slices.DeleteFunc(all, func(n idp.Session) bool { return n.Epoch != c.User.Epoch })
	return s.Log.Events(ctx, idp.EventQuery{
		User: c.User.ID, What: []string{"signin", "signin.password", "signin.factor", "signin.passkey"}, Limit: 4 * lastSignIns,
	}, func(e idp.Event) error {
		// What went well on the way is part of the sign-in itself.
		if (e.What == "signin" || e.Result != "ok") && len(c.SignIns) < lastSignIns {
			c.SignIns = append(c.SignIns, e)
		}
		return nil
	})
}

// policies is what applies, and why.
func (s *Cards) policies(ctx context.Context, _ idp.Actor, c *Card) error {
	all, err := s.Policies.InForce(ctx)
	if err != nil {
		return err
	}
	u := c.User
	f := policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(), Anywhere: true,
		Held: u.Factors, Lent: s.Factors.Lent(u.Subject()), Started: u.Graces, Now: s.Now(),
	}
	c.Standing = posture.Of(all, f, s.Factors.Kinds())
	sum := policy.Decide(all, f)
	for _, p := range all {
		all := p.Whom
		all.Except = nil
		if !p.Enabled || !all.Matches(f) {
			continue
		}
		a := Applied{Name: p.Name, Exempt: !p.Whom.Matches(f)}
		if d := policy.Decide([]policy.Policy{p}, f); len(d.Ahead) > 0 {
			a.Due = d.Ahead[0].At
		}
		for _, r := range sum.Reasons {
			if r.Policy == p.Name {
				a.Reasons = append(a.Reasons, r)
			}
		}
		c.Applies = append(c.Applies, a)
	}
	return nil
}

// troubles is what keeps them out, and what was sent to let them in.
func (s *Cards) troubles(ctx context.Context, by idp.Actor, c *Card) (err error) {
	if c.Locks, err = s.People.Locks(ctx, c.User.ID); err != nil {
		return err
	}
	if c.Letters, err = s.People.Letters(ctx, c.User.ID); err != nil || s.Approvals == nil {
		return err
	}
	c.Waiting, err = s.Approvals.Waiting(ctx, by, c.User.ID)
	if errors.Is(err, idp.ErrDenied) {
		err = nil // for who looks only
	}
	return err
}

// elsewhere is where else they are known.
func (s *Cards) elsewhere(ctx context.Context, _ idp.Actor, c *Card) (err error) {
	if c.Ties, err = s.Ties.OfUser(ctx, c.User.ID); err != nil {
		return err
	}
	c.Apps, err = s.Apps.Of(ctx, c.User)
	return err
}
