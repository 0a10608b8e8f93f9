package signin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/totp"
	"latchkey/ui/page"
)

type factorView struct {
	Ticket string
	Kind   string
	Digits int // 0: letters, too
	Error  *complaint
	Locked bool
	Others []way
	Again  string // address that starts with another account
}

// way is another method.
type way struct{ Kind, URL string }

// complaint says what was wrong with an answer and what to do next.
type complaint struct{ Title, Text string }

// factor asks for a second factor: the method in the address, or the one that
// the sign-in prefers.
func (p *Pages) factor(c *page.Context) error {
	return p.step(c, signin.AskFactor, func(v signin.View) error {
		return p.ask(c, v, mfa.Kind(c.Query("method")), http.StatusOK, nil)
	})
}

// ask draws the page for a method, which starts its challenge or finds the one
// under way.
func (p *Pages) ask(c *page.Context, v signin.View, k mfa.Kind, status int, wrong *complaint) error {
	prompt, k, err := p.SignIn.Challenge(c.Context(), v, k)
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		return p.locked(c, v, k, locked)
	}
	if err != nil {
		return p.moved(c, v, signin.Moved{}, err)
	}
	view := factorOf(c, v, k)
	view.Digits, view.Error = prompt.Digits, wrong
	return c.Show(set, status, "factor.html", view)
}

func (p *Pages) answer(c *page.Context) error {
	return p.step(c, signin.AskFactor, func(v signin.View) error {
		c.Here(at("/login/factor", ticket(c)))
		k := v.Flow.Method
		if shown, err := p.misshapen(c, v, k); shown || err != nil {
			return err
		}
		m, err := p.SignIn.Answer(c.Context(), v, c.Origin(), mfa.Answer{Code: c.Form("code")}, c.Known())
		locked := (*mfa.LockedError)(nil)
		switch {
		case errors.As(err, &locked):
			return p.locked(c, v, k, locked)
		case errors.Is(err, mfa.ErrWrong):
			return p.ask(c, v, k, http.StatusUnauthorized, &complaint{c.Words.T("factor.wrong_title"), c.Words.T(fmt.Sprintf("factor.%s.wrong", k))})
		case errors.Is(err, mfa.ErrExpired):
			// Its tries are used up or it took too long: ask anew. The account's
			// own budget goes on counting.
			v.Flow.Challenge = ""
			return p.ask(c, v, k, http.StatusUnauthorized, &complaint{c.Words.T("factor.expired_title"), c.Words.T(fmt.Sprintf("factor.%s.anew", k))})
		}
		return p.moved(c, v, m, err)
	})
}

// misshapen answers what cannot be a code of the method, a slip of the finger
// or a code of the other method, without spending a try on it. The number of
// digits is looked up only where most apps' six do not settle it.
func (p *Pages) misshapen(c *page.Context, v signin.View, k mfa.Kind) (shown bool, err error) {
	code := c.Form("code")
	if k != totp.Kind && k != backup.Kind || shaped(k, code, usualDigits) {
		return false, nil
	}
	prompt, _, err := p.SignIn.Challenge(c.Context(), v, k)
	if err != nil && !errors.Is(err, mfa.ErrLocked) {
		return true, p.moved(c, v, signin.Moved{}, err)
	}
	if err != nil || shaped(k, code, prompt.Digits) {
		return false, nil
	}
	view := factorOf(c, v, k)
	view.Digits, view.Error = prompt.Digits, shapeOf(c, k, prompt.Digits)
	return true, c.Show(set, http.StatusBadRequest, "factor.html", view)
}

// locked says when to try again. The other methods are offered when the lock
// is on this one alone, not when the person's tries with all of them are up.
func (p *Pages) locked(c *page.Context, v signin.View, k mfa.Kind, l *mfa.LockedError) error {
	view := factorOf(c, v, k)
	view.Locked = true
	view.Error = lockOf(c, l)
	if wide(v, k, l) {
		view.Others = nil
	}
	if s := seconds(l, c.Now()); s > 0 {
		c.W.Header().Set("Retry-After", strconv.Itoa(s))
	}
	return c.Show(set, http.StatusTooManyRequests, "factor.html", view)
}

// wide reports whether a lock is on all methods of the person.
func wide(v signin.View, k mfa.Kind, l *mfa.LockedError) bool {
	return l.Key == mfa.Budgets(mfa.SubjectID(v.Flow.User), k, mfa.Rules{})[0].Key
}

func lockOf(c *page.Context, l *mfa.LockedError) *complaint {
	s := seconds(l, c.Now())
	if s <= 0 {
		return &complaint{c.Words.T("factor.locked_title"), c.Words.T("factor.stopped_text")}
	}
	minutes := int(math.Ceil(float64(s) / 60))
	return &complaint{c.Words.T("factor.locked_title"), c.Words.N("factor.locked_text", minutes)}
}

// seconds is how long a lock still lasts; 0: until somebody lifts it.
func seconds(l *mfa.LockedError, now time.Time) int {
	if l.Until.IsZero() {
		return 0
	}
	return max(1, int(math.Ceil(l.Until.Sub(now).Seconds())))
}

func factorOf(c *page.Context, v signin.View, k mfa.Kind) factorView {
	if k == "" && len(v.Methods) > 0 {
		k = v.Methods[0]
	}
	view := factorView{Ticket: ticket(c), Kind: string(k), Again: v.Flow.ReturnTo}
	for _, m := range v.Methods {
		if m != k {
			view.Others = append(view.Others, way{string(m), at("/login/factor", ticket(c), "method", string(m))})
		}
	}
	return view
}
