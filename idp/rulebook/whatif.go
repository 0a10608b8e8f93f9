package rulebook

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa/policy"
)

// Question is: what happens if somebody signs in somewhere, from somewhere?
type Question struct {
	Who     string // e-mail, login or id
	Client  string // id of the application; empty: our own pages, as strict as the strictest of them
	Address string // IP; empty: not known, as if in every network
	At      time.Time
	Draft   string // id of a policy whose draft is taken as published; empty: what is in force
}

// Answer is what would happen.
type Answer struct {
	User     idp.User
	Disabled bool // the password is refused whatever it is
	// Obstacles keep them out beside policy, the worst first. Signin says what
	// would come without them.
	Obstacles []Obstacle
	At        time.Time
	Decision  policy.Decision
	Signin    signin.Forecast
	Ahead     []signin.Forecast // at each deadline of the decision's Ahead
	Policies  []Part
	Drafted   string // name of the policy whose draft is taken as published
}

// Part is what one policy has to do with it.
type Part struct {
	Name    string
	Verdict policy.Verdict
	Until   time.Time // of Ahead and Exempted
}

// WhatIf asks the same functions as the sign-in does. It fails with a
// [*FieldError] that names who, client or address.
func (s looker) WhatIf(ctx context.Context, by idp.Actor, q Question) (Answer, error) {
	if err := errors.Join(by.May(idp.SeeRules), by.May(idp.SeePeople)); err != nil {
		return Answer{}, err
	}
	var wrong []error
	u, err := s.Finder.Find(ctx, strings.TrimSpace(q.Who))
	if errors.Is(err, idp.ErrNotFound) || strings.TrimSpace(q.Who) == "" {
		wrong = append(wrong, &FieldError{Field: "who", Want: "there is nobody with this e-mail, login or id"})
	} else if err != nil {
		return Answer{}, err
	}
	if q.Client != "" {
		if _, err := s.Clients.ByID(ctx, idp.ClientID(q.Client)); errors.Is(err, idp.ErrNotFound) {
			wrong = append(wrong, &FieldError{Field: "client", Want: "there is no such application"})
		} else if err != nil {
			return Answer{}, err
		}
	}
	var address netip.Addr
	if q.Address != "" {
		if address, err = netip.ParseAddr(strings.TrimSpace(q.Address)); err != nil {
			wrong = append(wrong, &FieldError{Field: "address", Want: "an IP address such as 203.0.113.7"})
		}
	}
	if len(wrong) > 0 {
		return Answer{}, errors.Join(wrong...)
	}
	ps, drafted, err := s.asked(ctx, by, q.Draft)
	if err != nil {
		return Answer{}, err
	}
	st, err := s.standing(ctx, u)
	if err != nil {
		return Answer{}, err
	}
	out := s.answer(ps, u, st, q, address.Unmap())
	out.Drafted = drafted
	return out, nil
}

// asked are the policies that a question is about.
func (s looker) asked(ctx context.Context, by idp.Actor, draft string) (ps []policy.Policy, drafted string, err error) {
	if draft == "" {
		ps, err = s.Store.All(ctx)
		return ps, "", err
	}
	e, err := s.Get(ctx, by, draft)
	if err != nil {
		return nil, "", err
	}
	_, ps, err = s.change(ctx, by, draft)
	if e.Draft != nil {
		drafted = e.Draft.Policy.Name
	}
	return ps, drafted, err
}

func (s looker) answer(ps []policy.Policy, u idp.User, st Standing, q Question, from netip.Addr) Answer {
	out := Answer{User: u, Disabled: u.Disabled, At: q.At}
	if out.At.IsZero() {
		out.At = s.Now()
	}
	out.Obstacles = st.Obstacles(u, out.At)
	f := policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(),
		Client: q.Client, Address: from, Held: u.Factors, Lent: s.Factors.Lent(u.Subject()), Started: u.Graces, Mailed: u.Mailed, Now: out.At,
	}
	out.Decision = policy.Decide(ps, f)
	need := idp.Need{Client: idp.ClientID(q.Client)}
	out.Signin = signin.Foretell(out.Decision, u, st.first(u), need, s.Factors.Kinds(), out.At)
	for _, d := range out.Decision.Ahead {
		out.Ahead = append(out.Ahead, signin.Foretell(d, u, st.first(u), need, s.Factors.Kinds(), d.At))
	}
	for _, p := range ps {
		v, until := p.Verdict(f)
		out.Policies = append(out.Policies, Part{p.Name, v, until})
	}
	return out
}
