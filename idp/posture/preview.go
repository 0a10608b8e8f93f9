package posture

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Users lists people; see [idp.Users].
type Users interface {
	List(ctx context.Context, q idp.UserQuery) ([]idp.User, error)
}

// Factors says what there is to prove with; see [mfa.Engine].
type Factors interface {
	Kinds() []mfa.Kind
	Lent(s mfa.Subject) []mfa.Kind
}

// Service looks at people in the light of policies. Its fields are set once,
// before first use.
type Service struct {
	Users   Users
	Factors Factors
	Now     func() time.Time
}

// Person is one person and where they stand.
type Person struct {
	User     idp.User
	Standing Standing
}

// Options narrow a preview. The zero value is everybody, at the strictest
// place.
type Options struct {
	Users   []idp.User   // none = everybody
	Client  idp.ClientID // at this application's door
	Network netip.Addr   // from this address
	At      time.Time    // zero: now
}

// Day says how many people stand how at the end of a day.
type Day struct {
	Day    policy.Date // UTC; empty: now
	States map[State]int
}

// Outlook is now and every day on which somebody's state changes, soonest
// first.
type Outlook []Day

// pageSize is how many people are read at a time.
const pageSize = 500

// Over lays a draft over the policies there are: one of the same name takes the
// place of the other, as it would if it were applied.
func Over(there, draft []policy.Policy) []policy.Policy {
	out := slices.Clone(there)
	for _, p := range draft {
		if i := slices.IndexFunc(out, func(q policy.Policy) bool { return q.Name == p.Name }); i >= 0 {
			p.ID = out[i].ID
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	return out
}

// Preview says where everybody would stand if these policies were in force. It
// tells each person as they come, by id, and the sum. Disabled people are left
// out: they stand before another door.
func (s *Service) Preview(ctx context.Context, ps []policy.Policy, o Options, each func(Person) error) (Outlook, error) {
	ps = atDoor(ps, o)
	var sum tally
	one := func(u idp.User) error {
		if u.Disabled {
			return nil
		}
		p := s.person(ps, u, o)
		sum.add(p.Standing)
		return each(p)
	}
	if o.Users != nil {
		for _, u := range o.Users {
			if err := one(u); err != nil {
				return nil, err
			}
		}
		return sum.outlook(), nil
	}
	err := everybody(ctx, s.Users, one)
	return sum.outlook(), err
}

func everybody(ctx context.Context, users Users, do func(idp.User) error) error {
	q := idp.UserQuery{Limit: pageSize}
	for {
		page, err := users.List(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range page {
			if err := do(u); err != nil {
				return err
			}
			q.After = u.ID
		}
		if len(page) < q.Limit {
			return nil
		}
	}
}

func (s *Service) person(ps []policy.Policy, u idp.User, o Options) Person {
	f := facts(u, s.Factors.Lent(u.Subject()), s.Now())
	f.Anywhere = o.Client == "" && !o.Network.IsValid()
	f.Client, f.Address = string(o.Client), o.Network.Unmap()
	st := Of(ps, f, s.Factors.Kinds())
	if !o.At.IsZero() {
		ahead := slices.DeleteFunc(slices.Clone(st.Ahead), func(p Point) bool { return !p.At.After(o.At) })
		st = Standing{Now: st.At(o.At), Ahead: ahead}
	}
	return Person{u, st}
}

// atDoor takes conditions away about which nothing is asked: an address alone
// says nothing of applications, so all of them are meant.
func atDoor(ps []policy.Policy, o Options) []policy.Policy {
	if o.Client != "" {
		return ps
	}
	out := slices.Clone(ps)
	for i := range out {
		out[i].Where.Clients = nil
	}
	return out
}

// tally counts states by day.
type tally struct {
	now   map[State]int
	moves map[policy.Date]map[State]int
}

func (t *tally) add(s Standing) {
	if t.now == nil {
		t.now, t.moves = map[State]int{}, map[policy.Date]map[State]int{}
	}
	t.now[s.Now.State]++
	before := s.Now.State
	for _, p := range s.Ahead {
		if p.State == before {
			continue
		}
		day := policy.Date(p.At.UTC().Format(time.DateOnly))
		if t.moves[day] == nil {
			t.moves[day] = map[State]int{}
		}
		t.moves[day][before]--
		t.moves[day][p.State]++
		before = p.State
	}
}

func (t *tally) outlook() Outlook {
	days := make([]policy.Date, 0, len(t.moves))
	for d := range t.moves {
		days = append(days, d)
	}
	slices.Sort(days)
	out := Outlook{{States: counts(nil, t.now)}}
	for _, d := range days {
		out = append(out, Day{Day: d, States: counts(out[len(out)-1].States, t.moves[d])})
	}
	return out
}

// counts are the states after a change, each of them named.
func counts(before, change map[State]int) map[State]int {
	out := map[State]int{}
	for _, s := range States {
		out[s] = before[s] + change[s]
	}
	return out
}
