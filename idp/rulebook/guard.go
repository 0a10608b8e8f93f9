package rulebook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
)

// ErrLockout is what every [LockoutError] is.
var ErrLockout = errors.New("rulebook: it would lock out those who could take it back")

// LockoutError says that a change would shut people out, now or at a deadline,
// with nothing that they could set up: whoever makes it, all owners, or all who
// administer. It is an [ErrLockout].
type LockoutError struct {
	Self   bool
	Owners bool       // all of them
	Staff  bool       // all owners and administrators
	People []idp.User // of the staff, whom it shuts out
	Word   string     // what must be typed to do it all the same
}

func (e *LockoutError) Error() string {
	var who []string
	for _, c := range []struct {
		is   bool
		what string
	}{{e.Self, "you"}, {e.Owners, "all owners"}, {e.Staff, "all administrators"}} {
		if c.is {
			who = append(who, c.what)
		}
	}
	return fmt.Sprintf("%v: %s; to do it all the same, confirm with %q", ErrLockout, strings.Join(who, ", "), e.Word)
}

func (e *LockoutError) Unwrap() error { return ErrLockout }

func newID() string { return rand.Text() }

// guard refuses a change that locks out those who could take it back. The
// host's command line is how one comes back in, so it may.
func (s *Service) guard(ctx context.Context, by idp.Actor, before []policy.Policy, steps []step, confirm string) error {
	if by.Host {
		return nil
	}
	after := before
	var names []string
	for _, st := range steps {
		if st.act == Removed {
			after = without(after, st.is.ID)
			names = append(names, st.was.Name)
		} else {
			after = over(after, st.is)
			names = append(names, st.is.Name)
		}
	}
	risk, err := s.risk(ctx, by, before, after)
	if err != nil || risk == nil {
		return err
	}
	risk.Word = strings.Join(names, ", ")
	if confirm == risk.Word {
		return nil
	}
	return risk
}

// Lockout says whom of the staff a policy's draft would lock out, before anybody
// publishes it; nil: nobody who matters.
func (s looker) Lockout(ctx context.Context, by idp.Actor, id string) (*LockoutError, error) {
	e, err := s.Get(ctx, by, id)
	if err != nil || e.Draft == nil {
		return nil, err
	}
	before, after, err := s.change(ctx, by, id)
	if err != nil {
		return nil, err
	}
	risk, err := s.risk(ctx, by, before, after)
	if risk != nil {
		risk.Word = e.Draft.Policy.Name
	}
	return risk, err
}

// risk says whom of the staff a change shuts out; nil: nobody who matters.
func (s looker) risk(ctx context.Context, by idp.Actor, before, after []policy.Policy) (*LockoutError, error) {
	staff, err := s.Store.Staff(ctx)
	if err != nil {
		return nil, err
	}
	p := s.posture()
	out := &LockoutError{}
	owners, shutOwners := 0, 0
	for _, u := range staff {
		shut := newlyShut(p.Person(before, u, posture.Options{}).Standing, p.Person(after, u, posture.Options{}).Standing)
		if shut {
			out.People = append(out.People, u)
			out.Self = out.Self || u.ID == by.User
		}
		if u.Role == idp.Owner {
			owners++
			if shut {
				shutOwners++
			}
		}
	}
	out.Owners = owners > 0 && shutOwners == owners
	out.Staff = len(staff) > 0 && len(out.People) == len(staff)
	if !out.Self && !out.Owners && !out.Staff {
		return nil, nil
	}
	return out, nil
}

// newlyShut reports whether somebody is shut out at some time who would not be
// without the change.
func newlyShut(before, after posture.Standing) bool {
	for _, p := range append([]posture.Point{after.Now}, after.Ahead...) {
		if p.State == posture.ShutOut && before.At(p.At).State != posture.ShutOut {
			return true
		}
	}
	return false
}

func (s *Config) posture() *posture.Service {
	return &posture.Service{Users: s.People, Factors: s.Factors, Now: s.Now}
}

// Doubt is something about a policy that somebody should know before it is in
// force; none of it is a mistake.
type Doubt struct {
	Kind  DoubtKind
	Value string // the group, person, application or other policy that it is about
}

// DoubtKind is what it is about.
type DoubtKind string

const (
	NoGroup    DoubtKind = "group"      // it names a group that does not exist (yet)
	NoUser     DoubtKind = "user"       // a person
	NoClient   DoubtKind = "client"     // an application
	Unmeetable DoubtKind = "unmeetable" // nobody can set up what it demands
	Together   DoubtKind = "together"   // nobody can set up what it and another one demand of the same person
	Past       DoubtKind = "past"       // its deadline has passed: it demands at once
	Ended      DoubtKind = "ended"      // an exemption has ended
	HardLock   DoubtKind = "lock"       // anybody can lock all owners, or all who administer, out with wrong passwords
)

// Doubts looks at a policy as if it were published beside those in force.
func (s looker) Doubts(ctx context.Context, by idp.Actor, p policy.Policy) ([]Doubt, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return nil, err
	}
	all, err := s.Store.All(ctx)
	if err != nil {
		return nil, err
	}
	return s.DoubtsAmong(ctx, by, p, all)
}

// DoubtsAmong is Doubts beside other policies than those in force.
func (s looker) DoubtsAmong(ctx context.Context, by idp.Actor, p policy.Policy, all []policy.Policy) ([]Doubt, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return nil, err
	}
	out := s.unmeetable(p, all)
	now := s.Now()
	if day, ok := p.What.Enrolment.Deadline.Start(); ok && day.Before(now) {
		out = append(out, Doubt{Past, string(p.What.Enrolment.Deadline)})
	}
	for _, e := range p.Whom.Except {
		if day, ok := e.Until.Start(); ok && day.AddDate(0, 0, 1).Before(now) {
			out = append(out, Doubt{Ended, e.User})
		}
	}
	hard, err := s.lockable(ctx, p)
	if err != nil {
		return nil, err
	}
	if hard {
		out = append(out, Doubt{HardLock, ""})
	}
	strangers, err := s.strangers(ctx, p)
	return append(out, strangers...), err
}

// lockable reports whether a policy locks hard, over all browsers, all owners or
// all who administer: whoever knows their names could keep them all out
// (SECURITY.md B-02, B-09).
func (s looker) lockable(ctx context.Context, p policy.Policy) (bool, error) {
	if p.What.Lock == "" {
		return false, nil
	}
	staff, err := s.Store.Staff(ctx)
	if err != nil {
		return false, err
	}
	safe := func(u idp.User) bool {
		return !policy.Decide([]policy.Policy{p}, policy.Facts{
			User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(), Held: u.Factors, Anywhere: true, Now: s.Now(),
		}).HardLock
	}
	owners := slices.DeleteFunc(slices.Clone(staff), func(u idp.User) bool { return u.Role != idp.Owner })
	admins := slices.DeleteFunc(staff, func(u idp.User) bool { return u.Role == idp.Owner })
	all := func(us []idp.User) bool { return len(us) > 0 && !slices.ContainsFunc(us, safe) }
	return all(owners) || all(admins), nil
}

// unmeetable tells what nobody can satisfy who holds nothing: the policy alone,
// or with one of the others that may concern the same person.
func (s looker) unmeetable(p policy.Policy, all []policy.Policy) (out []Doubt) {
	kinds := s.Factors.Kinds()
	shut := func(ps ...policy.Policy) bool {
		for i := range ps {
			ps[i] = ps[i].Due()
			ps[i].Whom = policy.Whom{Everyone: true}
		}
		f := policy.Facts{Email: "somebody@example.org", Anywhere: true, Now: s.Now()}
		return posture.Of(ps, f, kinds).Now.State == posture.ShutOut
	}
	if shut(p) {
		return []Doubt{{Unmeetable, ""}}
	}
	for _, q := range all {
		if q.ID == p.ID || q.Name == p.Name || !q.Enabled || apart(p, q) || shut(q) {
			continue
		}
		if shut(p, q) {
			out = append(out, Doubt{Together, q.Name})
		}
	}
	return out
}

// apart reports whether two policies are surely never about the same person at
// the same door.
func apart(p, q policy.Policy) bool {
	kinds := p.Whom.Kind != "" && q.Whom.Kind != "" && p.Whom.Kind != q.Whom.Kind
	clients := len(p.Where.Clients) > 0 && len(q.Where.Clients) > 0 &&
		!slices.ContainsFunc(p.Where.Clients, func(c string) bool { return slices.Contains(q.Where.Clients, c) })
	return kinds || clients
}

// strangers names the groups, people and applications that are not there: a
// mistyped one would leave somebody unprotected without a word. They may come
// later, so this is no mistake.
func (s looker) strangers(ctx context.Context, p policy.Policy) (out []Doubt, err error) {
	for _, g := range p.Whom.Groups {
		there, err := s.Groups.Exists(ctx, g)
		if err != nil {
			return nil, err
		}
		if !there {
			out = append(out, Doubt{NoGroup, g})
		}
	}
	people := slices.Clone(p.Whom.Users)
	for _, e := range p.Whom.Except {
		people = append(people, e.User)
	}
	for _, who := range people {
		if _, err := s.Finder.Find(ctx, who); errors.Is(err, idp.ErrNotFound) {
			out = append(out, Doubt{NoUser, who})
		} else if err != nil {
			return nil, err
		}
	}
	for _, id := range p.Where.Clients {
		if _, err := s.Clients.ByID(ctx, idp.ClientID(id)); errors.Is(err, idp.ErrNotFound) {
			out = append(out, Doubt{NoClient, id})
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}
