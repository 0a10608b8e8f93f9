package posture

import (
	"cmp"
	"context"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Hit is somebody who cannot sign in with what they have, now or from a day on.
type Hit struct {
	User  idp.UserID
	Name  string      // as lists call them: the e-mail, or the login
	State State       // the worst that comes
	Day   policy.Date // from when on they are blocked, UTC; empty: now
	SetUp []mfa.Kind  // what they could set up then
	// Reasons are those of the moment from which on they are blocked.
	Reasons []policy.Reason
	// New says that the change is why: without it they could sign in, or could at
	// least set something up.
	New bool
}

// Because is a reason with the number of people whom it blocks.
type Because struct {
	policy.Reason
	State  State
	People int
}

// Effect is what a change of policies does to everybody.
type Effect struct {
	Looked  int // at so many people
	Before  Outlook
	After   Outlook
	Hits    int       // people who are blocked at some time
	New     int       // of these, because of the change
	Because []Because // the most frequent reasons first, at most [mostReasons]
	First   []Hit     // at most [mostHits]: those who are shut out first, then those who are new
}

// So much of an effect is kept; [Service.Hits] tells all of it.
const (
	mostReasons = 20
	mostHits    = 50
)

// Effect adds up what a change does to everybody; the options say where. step
// is told how many people were looked at, now and then.
func (s *Service) Effect(ctx context.Context, before, after []policy.Policy, o Options, step func(int)) (Effect, error) {
	out := Effect{}
	was, is := tally{}, tally{}
	why := map[Because]int{}
	err := s.both(ctx, before, after, o, func(u idp.User, a, b Standing) error {
		was.add(a)
		is.add(b)
		out.Looked++
		step(out.Looked)
		h, ok := hit(u, a, b)
		if !ok {
			return nil
		}
		out.Hits++
		if h.New {
			out.New++
		}
		for _, r := range h.Reasons {
			why[Because{Reason: r, State: h.State}]++
		}
		out.First = insert(out.First, h)
		return nil
	})
	out.Before, out.After = was.outlook(), is.outlook()
	for b, n := range why {
		b.People = n
		out.Because = append(out.Because, b)
	}
	slices.SortFunc(out.Because, func(a, b Because) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Value, b.Value), cmp.Compare(a.State, b.State))
	})
	out.Because = out.Because[:min(len(out.Because), mostReasons)]
	return out, err
}

// Hits tells each of those who are blocked after a change, by id.
func (s *Service) Hits(ctx context.Context, before, after []policy.Policy, o Options, each func(Hit) error) error {
	return s.both(ctx, before, after, o, func(u idp.User, a, b Standing) error {
		if h, ok := hit(u, a, b); ok {
			return each(h)
		}
		return nil
	})
}

// both looks at each person before and after the change.
func (s *Service) both(ctx context.Context, before, after []policy.Policy, o Options, each func(u idp.User, before, after Standing) error) error {
	before, after = atDoor(before, o), atDoor(after, o)
	one := func(u idp.User) error {
		if u.Disabled {
			return nil
		}
		return each(u, s.person(before, u, o).Standing, s.person(after, u, o).Standing)
	}
	if o.Users == nil {
		return everybody(ctx, s.Users, one)
	}
	for _, u := range o.Users {
		if err := one(u); err != nil {
			return err
		}
	}
	return nil
}

// hit is what a change does to somebody who is blocked after it.
func hit(u idp.User, before, after Standing) (Hit, bool) {
	h := Hit{User: u.ID, Name: u.Email, State: Fine}
	if h.Name == "" {
		h.Name = u.Login
	}
	for i, p := range points(after) {
		if !p.State.Blocked() {
			continue
		}
		if !h.State.Blocked() {
			h.SetUp, h.Reasons = p.SetUp, p.Reasons
			if i > 0 {
				h.Day = policy.Date(p.At.UTC().Format(time.DateOnly))
			}
		}
		if worse(p.State, h.State) {
			h.State = p.State
		}
		h.New = h.New || worse(p.State, before.At(p.At).State)
	}
	return h, h.State.Blocked()
}

// points are where somebody stands now and at each deadline.
func points(s Standing) []Point { return append([]Point{s.Now}, s.Ahead...) }

// Worst is the worst that comes to somebody.
func (s Standing) Worst() State {
	worst := s.Now.State
	for _, p := range s.Ahead {
		if worse(p.State, worst) {
			worst = p.State
		}
	}
	return worst
}

func worse(a, b State) bool { return slices.Index(States, a) > slices.Index(States, b) }

// insert keeps the hits that somebody should see first.
func insert(first []Hit, h Hit) []Hit {
	rank := func(h Hit) int {
		n := slices.Index(States, h.State) * 2
		if h.New {
			n++
		}
		return -n
	}
	i, _ := slices.BinarySearchFunc(first, h, func(a, b Hit) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), -1) })
	if i >= mostHits {
		return first
	}
	first = slices.Insert(first, i, h)
	return first[:min(len(first), mostHits)]
}

// Coverage says how ready the people of a policy are for it.
type Coverage struct {
	People int // whom it is for, exempt ones aside
	Ready  int // of these, with what it demands once it is due
	Exempt int
}

// Coverage counts for each of the policies, by its place, switched on or not,
// wherever it is for. It looks at every person once.
func (s *Service) Coverage(ctx context.Context, ps []policy.Policy, step func(int)) ([]Coverage, error) {
	out := make([]Coverage, len(ps))
	due := make([][]policy.Policy, len(ps))
	for i, p := range ps {
		due[i] = []policy.Policy{p.Due()}
	}
	looked := 0
	err := everybody(ctx, s.Users, func(u idp.User) error {
		if looked++; !u.Disabled {
			f := facts(u, s.Factors.Lent(u.Subject()), s.Now())
			for i := range due {
				switch v, _ := due[i][0].Verdict(f); v {
				case policy.Exempted:
					out[i].Exempt++
				case policy.Holds:
					out[i].People++
					if !point(policy.Decide(due[i], f), f, s.Factors.Kinds()).State.Blocked() {
						out[i].Ready++
					}
				}
			}
		}
		step(looked)
		return nil
	})
	return out, err
}

// Person says where one person stands with policies.
func (s *Service) Person(ps []policy.Policy, u idp.User, o Options) Person {
	return s.person(atDoor(ps, o), u, o)
}
