package company

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
)

// Contacts is what main contacts do.
type Contacts struct{ *Service }

const (
	// fresh is how recent every proof of a main contact must be for a change
	// (SECURITY.md M-05): they give access, and take it.
	fresh = 5 * time.Minute
	// daily is how many invitations all main contacts of a company send in a day:
	// each is a mail in the name of the house (B-11).
	daily = 50
)

// NeedForChange is what the gate must ask before a change; the use cases ask the
// same.
func NeedForChange(now time.Time) idp.Need {
	return idp.Need{Since: now.Add(-fresh), Every: true}
}

// State is how somebody stands, as their main contact sees it.
type State string

const (
	Ready    State = "ready"     // signs in with a second factor
	NotReady State = "not_ready" // has none yet
	Invited  State = "invited"   // has not chosen a password yet
	Expired  State = "expired"   // nor can any more: the invitation is too old
	Disabled State = "disabled"
)

// Person is somebody of a company, as their main contact sees them.
type Person struct {
	ID       string // of the membership
	Name     string
	Email    string
	State    State
	Factor   bool
	Lead     bool
	Self     bool
	SignedIn time.Time // zero: never
	Invited  time.Time // zero: never
	// What may be done to them.
	MayDisable, MayEnable, MayInvite bool
}

// People is a page of them.
type People struct {
	Company Company
	People  []Person
	Next    string // id with which the next page begins; empty: this is the last
}

// Invitation is whom a main contact invites.
type Invitation struct {
	Name, Email string
	Locale      string // default: the main contact's
}

func (in Invitation) account() account.New {
	return account.New{Email: in.Email, Name: in.Name, Kind: idp.Portal, Locale: in.Locale}
}

// Mine lists the companies that somebody leads; none for everybody else.
func (s *Contacts) Mine(ctx context.Context, by idp.Actor) ([]Company, error) {
	if !acting(by) {
		return nil, nil
	}
	return s.Store.Led(ctx, by.User)
}

// Leads reports whether a person leads any company: what they do not lead is
// not shown to them.
func (s *Contacts) Leads(ctx context.Context, id idp.UserID) (bool, error) {
	all, err := s.Store.Led(ctx, id)
	return len(all) > 0, err
}

// People returns a page of the people of a company that somebody leads, by name;
// idp.ErrNotFound for any other company. after is a page's Next.
func (s *Contacts) People(ctx context.Context, by idp.Actor, company, after string) (People, error) {
	const limit = 50
	c, err := s.led(ctx, by, company, "company.look", false)
	if err != nil {
		return People{}, err
	}
	all, err := s.Store.Members(ctx, MemberQuery{Company: c.ID, Viewer: by.User, Plain: true, After: after, Limit: limit + 1})
	if err != nil {
		return People{}, err
	}
	out := People{Company: c}
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].ID
	}
	for _, m := range all {
		out.People = append(out.People, s.person(by, m))
	}
	return out, nil
}

// person is what a main contact sees of a member. Of somebody with an account
// elsewhere that is what they would see of a new one (SECURITY.md E-01).
func (s *Contacts) person(by idp.Actor, m Member) Person {
	out := Person{
		ID: m.ID, Name: m.User.Name, Email: m.User.Email, Factor: m.Factor, Lead: m.Lead, Self: m.User.ID == by.User, SignedIn: m.SignedIn, Invited: m.Invited,
	}
	none, disabled := m.User.Password == "" && m.SignedIn.IsZero(), m.User.Disabled // a passkey alone is a way in, too
	if m.User.ID == "" {
		out.Name, out.Email, out.Self, disabled = m.Name, m.Email, false, m.Off != 0
	}
	out.State = s.state(m, none, disabled)
	if !changeable(by, m) {
		return out
	}
	out.MayDisable = !disabled
	out.MayEnable = disabled && (m.User.ID == "" || m.Off == m.User.Epoch)
	out.MayInvite = !disabled && none && out.Email != ""
	return out
}

// state is how far a member has come; none: they have no way in yet.
func (s *Contacts) state(m Member, none, disabled bool) State {
	switch {
	case disabled:
		return Disabled
	case none && !m.Invited.IsZero() && s.Now().Before(m.Invited.Add(idp.LinkInvite.Life())):
		return Invited
	case none && !m.Invited.IsZero():
		return Expired
	case m.Factor:
		return Ready
	}
	return NotReady
}

// changeable reports whether a main contact may change a member; the store asks
// the same again when it is done.
func changeable(by idp.Actor, m Member) bool {
	return !m.Lead && m.User.ID != by.User && !m.Apart
}

// Invite makes a portal user of a company, who gets a mail. The answer is the
// same when the address is somebody's (SECURITY.md E-01): a member of the company
// who has no password gets another invitation, and nothing happens to anybody
// else. It fails with a [*mfa.LockedError] after too many in a day.
func (s *Contacts) Invite(ctx context.Context, by idp.Actor, company string, in Invitation) error {
	c, err := s.led(ctx, by, company, "company.invite", true)
	if err != nil {
		return err
	}
	if in.Name, err = named(in.Name); err != nil {
		return err
	}
	in.Email = strings.ToLower(strings.TrimSpace(in.Email))
	if in.Email == "" {
		return &FieldError{"email", "an address such as ada@example.org is expected"}
	}
	if in.Locale == "" {
		lead, err := s.Users.ByID(ctx, by.User)
		if err != nil {
			return err
		}
		in.Locale = lead.Locale
	}
	// A mistake costs no invitation, and tells nothing of who is there.
	if err := s.Help.Service.Check(in.account()); err != nil {
		return err
	}
	if err := s.spend(ctx, c); err != nil {
		return err
	}
	return s.evenly(ctx, func() error { return s.invite(ctx, by, c, in) })
}

// evenly lets no work end early: what is done for an address that was free is more
// than for one that is somebody's elsewhere.
func (s *Contacts) evenly(ctx context.Context, work func() error) error {
	if s.Even <= 0 {
		return work()
	}
	end := time.NewTimer(s.Even)
	defer end.Stop()
	err := work()
	select {
	case <-end.C:
	case <-ctx.Done():
	}
	return err
}

func (s *Contacts) invite(ctx context.Context, by idp.Actor, c Company, in Invitation) error {
	there, err := s.Users.ByIdentifier(ctx, idp.Canonical(in.Email))
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return s.welcome(ctx, by, c, in)
	case err != nil:
		return err
	}
	m, err := s.Store.MemberOf(ctx, c.ID, there.ID)
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return s.ask(ctx, by, c, in)
	case err != nil:
		return err
	}
	if m, err = s.Store.Member(ctx, c.ID, m.ID, by.User); err != nil {
		return err
	}
	if !s.person(by, m).MayInvite {
		return nil
	}
	return s.mail(ctx, by, c, m.ID, there.ID)
}

// welcome makes somebody new.
func (s *Contacts) welcome(ctx context.Context, by idp.Actor, c Company, in Invitation) error {
	var m Member
	made := func(ctx context.Context) error {
		if err := s.Store.Leads(ctx, c.ID, by.User); err != nil {
			return err
		}
		u, err := s.Help.Service.Add(ctx, house(by), in.account())
		if err != nil {
			return err
		}
		m = Member{ID: newID(), Company: c.ID, User: u, Email: u.Email, Hand: true}
		return errors.Join(s.Store.Put(ctx, m), s.note(ctx, by, "company.put", "ok", u.ID, map[string]string{"company": c.ID, "lead": "false"}))
	}
	err := s.Atomic(ctx, made)
	if errors.Is(err, idp.ErrTaken) { // since we looked, or it looks like somebody's
		return s.ask(ctx, by, c, in)
	} else if err != nil {
		return err
	}
	return s.mail(ctx, by, c, m.ID, m.User.ID)
}

// mail sends an invitation to a member.
func (s *Contacts) mail(ctx context.Context, by idp.Actor, c Company, member string, id idp.UserID) error {
	return s.Atomic(ctx, func(ctx context.Context) error {
		if err := errors.Join(s.Store.Leads(ctx, c.ID, by.User), s.Store.Within(ctx, c.ID, member, by.User)); err != nil {
			return err
		}
		_, err := s.Help.Invitations().Invite(ctx, house(by), id, account.Invite{})
		return errors.Join(err, s.note(ctx, by, "company.invite", "ok", id, map[string]string{"company": c.ID}))
	})
}

// ask keeps the invitation of an address that is somebody else's. Administrators
// see on the company's page whom it was for; the log, which cannot forget, says
// that it was so, not the address.
func (s *Contacts) ask(ctx context.Context, by idp.Actor, c Company, in Invitation) error {
	m := Member{ID: newID(), Company: c.ID, Name: in.Name, Email: in.Email, Hand: true, Invited: s.Now()}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Leads(ctx, c.ID, by.User), s.Store.Ask(ctx, m),
			s.note(ctx, by, "company.invite", "taken", "", map[string]string{"company": c.ID}))
	})
}

// Resend invites a member once more who has not come yet.
func (s *Contacts) Resend(ctx context.Context, by idp.Actor, company, id string) error {
	c, m, err := s.reach(ctx, by, company, id, "company.invite")
	if err != nil {
		return err
	}
	if !s.person(by, m).MayInvite {
		return idp.ErrNotFound
	}
	if err := s.spend(ctx, c); err != nil {
		return err
	}
	return s.evenly(ctx, func() error {
		if m.User.ID == "" {
			return s.ask(ctx, by, c, Invitation{Name: m.Name, Email: m.Email})
		}
		return s.mail(ctx, by, c, m.ID, m.User.ID)
	})
}

// Disable locks a member out at once.
func (s *Contacts) Disable(ctx context.Context, by idp.Actor, company, id string) error {
	c, m, err := s.reach(ctx, by, company, id, "company.disable")
	if err != nil {
		return err
	}
	if !s.person(by, m).MayDisable {
		return idp.ErrNotFound
	}
	return s.change(ctx, by, c, m, "company.disable", func(ctx context.Context) error {
		if m.User.ID == "" {
			return s.Store.Hold(ctx, m.ID, true)
		}
		return errors.Join(s.Help.Service.Disable(ctx, house(by), m.User.ID), s.Store.Hold(ctx, m.ID, true))
	})
}

// Enable lets a member in again whom a main contact disabled, and nobody else.
func (s *Contacts) Enable(ctx context.Context, by idp.Actor, company, id string) error {
	c, m, err := s.reach(ctx, by, company, id, "company.enable")
	if err != nil {
		return err
	}
	if !s.person(by, m).MayEnable {
		return s.denied(ctx, by, "company.enable", m.User.ID, company, idp.ErrNotFound)
	}
	return s.change(ctx, by, c, m, "company.enable", func(ctx context.Context) error {
		if m.User.ID == "" {
			return s.Store.Hold(ctx, m.ID, false)
		}
		return errors.Join(s.Store.Held(ctx, m.ID), s.Help.Service.Enable(ctx, house(by), m.User.ID), s.Store.Hold(ctx, m.ID, false))
	})
}

// change does something to a member, if they are the main contact's to change at
// that moment.
func (s *Contacts) change(ctx context.Context, by idp.Actor, c Company, m Member, what string, do func(context.Context) error) error {
	return s.evenly(ctx, func() error {
		return s.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(s.Store.Leads(ctx, c.ID, by.User), s.Store.Within(ctx, c.ID, m.ID, by.User), do(ctx),
				s.note(ctx, by, what, "ok", m.User.ID, map[string]string{"company": c.ID}))
		})
	})
}

// reach is the head of every act on a member: is the company the actor's, is it
// proven, is the member theirs to change?
func (s *Contacts) reach(ctx context.Context, by idp.Actor, company, id, what string) (Company, Member, error) {
	c, err := s.led(ctx, by, company, what, true)
	if err != nil {
		return c, Member{}, err
	}
	m, err := s.Store.Member(ctx, c.ID, id, by.User)
	if err != nil {
		return c, m, s.denied(ctx, by, what, "", company, err)
	}
	if m.User.ID != "" && !m.Plain() || !changeable(by, m) {
		return c, m, s.denied(ctx, by, what, m.User.ID, company, idp.ErrNotFound)
	}
	return c, m, nil
}

// led is a company that the actor leads now. A change takes fresh proofs, too:
// idp.ErrMore.
func (s *Contacts) led(ctx context.Context, by idp.Actor, company, what string, change bool) (Company, error) {
	mine, err := s.Mine(ctx, by)
	if err != nil {
		return Company{}, err
	}
	for _, c := range mine {
		if c.ID != company {
			continue
		}
		if !change {
			return c, nil
		}
		u, err := s.Users.ByID(ctx, by.User)
		if err == nil && !by.Proven(u.Factors, s.Now().Add(-fresh)) {
			err = idp.ErrMore
		}
		return c, err
	}
	return Company{}, s.denied(ctx, by, what, "", company, idp.ErrNotFound)
}

// acting reports whether somebody acts as themselves, in a session of their own:
// no token does, and nobody who has a role.
func acting(by idp.Actor) bool {
	return by.User != "" && by.Session != "" && by.Role == "" && by.Scopes == nil && !by.Host
}

// house is a main contact as package account is told to let them: what they may
// do has been asked here. Its events name them.
func house(by idp.Actor) idp.Actor {
	by.Host = true
	return by
}

func (s *Contacts) spend(ctx context.Context, c Company) error {
	return s.Limiter.Take(ctx, mfa.Budget{Key: "company:" + c.ID, Max: daily, Per: 24 * time.Hour})
}
