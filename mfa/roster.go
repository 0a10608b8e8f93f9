package mfa

import (
	"fmt"
	"slices"
)

// Optional is a factor that comes and goes while the program runs, such as one
// that needs a gateway which somebody must set up first.
type Optional interface {
	Factor
	// Ready reports whether it can be used now.
	Ready() bool
}

// roster is the factors that there are, in the order in which people are offered
// them. Nobody gets at a factor but through its guard.
type roster struct {
	factors map[Kind]guarded
	order   []Kind
}

func (r *roster) add(f Factor) {
	if r.factors == nil {
		r.factors = map[Kind]guarded{}
	}
	if _, twice := r.factors[f.Kind()]; twice {
		panic(fmt.Sprintf("mfa: factor %q registered twice", f.Kind()))
	}
	r.factors[f.Kind()] = guarded{f}
	r.order = append(r.order, f.Kind())
}

// factor fails with ErrNoFactor when nothing of that kind is registered.
func (r *roster) factor(k Kind) (guarded, error) {
	g, ok := r.factors[k]
	if !ok {
		return guarded{}, fmt.Errorf("%w: %q", ErrNoFactor, k)
	}
	return g, nil
}

// discovering is factor for those that are [Discovering].
func (r *roster) discovering(k Kind) (guarded, error) {
	g, ok := r.factors[k]
	if _, can := g.Factor.(Discovering); !ok || !can {
		return guarded{}, fmt.Errorf("%w: %q", ErrNoFactor, k)
	}
	return g, nil
}

func (r *roster) kinds() []Kind {
	return slices.DeleteFunc(slices.Clone(r.order), func(k Kind) bool {
		o, optional := r.factors[k].Factor.(Optional)
		return optional && !o.Ready()
	})
}

func (r *roster) sends(k Kind) bool {
	_, sends := r.factors[k].Factor.(Sending)
	return sends
}

// sole reports whether a new credential of a kind pushes out the ones before.
func (r *roster) sole(k Kind) bool {
	_, sole := r.factors[k].Factor.(Sole)
	return sole
}

func (r *roster) lent(s Subject) []Kind {
	var out []Kind
	for _, k := range r.order {
		if _, ok := r.lend(s, k); ok {
			out = append(out, k)
		}
	}
	return out
}

// lend makes a credential that is not stored.
func (r *roster) lend(s Subject, k Kind) (Credential, bool) {
	l, ok := r.factors[k].Factor.(Lending)
	if !ok {
		return Credential{}, false
	}
	c, ok := l.Lend(s)
	c.ID, c.Subject, c.Kind, c.Version = "lent:"+CredentialID(k), s.ID, k, 0
	return c, ok
}
