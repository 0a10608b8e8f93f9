package signin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/ui/page"
)

// factorView is the page of the second step.
type factorView struct {
	Ticket    string
	Kind      string
	Shape     mfa.Shape
	Digits    int    // 0: letters, too
	SentTo    string // a masked address
	Wait      int    // seconds until a code may be sent again
	Unsent    bool   // no code is under way
	Error     *complaint
	Locked    bool
	Ways      []way // the other methods
	TrustDays int
	Again     string // address that starts with another account
	Lost      string // address of the page for whoever has nothing at hand
	Passkey   page.Ceremony
}

// way is another method. One that sends is a form, because a link must not
// send anything.
type way struct {
	Kind  string
	URL   string
	Sends bool
}

// complaint is what was wrong and what to do.
type complaint struct{ Title, Text string }

// second draws the second step.
type second struct{ journey }

func (p second) mount(r gin.IRouter, s *page.Site) {
	r.GET("/login/factor", s.Strangers(p.factor))
	r.POST("/login/factor", s.Strangers(p.answer, again("/login/factor")))
	r.POST("/login/factor/send", s.Strangers(p.send, again("/login/factor")))
	r.GET("/login/lost", s.Strangers(p.lost))
}

func (p second) factor(c *page.Context) error {
	return p.step(c, signin.AskFactor, func(v signin.View) error {
		return p.ask(c, v, mfa.Kind(c.Query("method")), http.StatusOK, nil)
	})
}

// ask draws the challenge of a method.
func (p second) ask(c *page.Context, v signin.View, k mfa.Kind, status int, wrong *complaint) error {
	prompt, k, err := p.signIn.Second().Challenge(c.Context(), v, k)
	view := p.factorOf(c, v, k)
	view.Error = wrong
	locked := (*mfa.LockedError)(nil)
	switch {
	case errors.As(err, &locked):
		return p.locked(c, v, k, locked)
	case errors.Is(err, mfa.ErrUnsent):
		view.Unsent = true
		if wrong == nil {
			view.Error = unsentOf(c, v, k)
		}
	case err != nil:
		return moved(c, v, signin.Moved{}, err)
	}
	return showFactor(c, status, view.prompted(prompt, c.Now()))
}

// prompted fills in what the factor says.
func (v factorView) prompted(p mfa.Prompt, now time.Time) factorView {
	v.Shape, v.Digits, v.SentTo = p.Shape, p.Digits, p.SentTo
	if p.Again.After(now) {
		v.Wait = int(math.Ceil(p.Again.Sub(now).Seconds()))
	}
	return v
}

// showFactor allows the script that a passkey needs.
func showFactor(c *page.Context, status int, v factorView) error {
	c.Script()
	c.Connect()
	return c.Show(set, status, "factor.html", v)
}

// unsentOf says why there is no code, if the sign-in has tried to send one.
func unsentOf(c *page.Context, v signin.View, k mfa.Kind) *complaint {
	u := v.Flow.Unsent
	if u == nil || v.Flow.Method != k {
		return nil
	}
	return limitOf(c, &mfa.LockedError{Until: u.Until})
}

// limitOf says that a code was not sent, and from when on it may be again.
func limitOf(c *page.Context, l *mfa.LockedError) *complaint {
	s := seconds(l, c.Now())
	switch {
	case s <= 0:
		return &complaint{c.Words.T("factor.unsent_title"), c.Words.T("factor.unsent_text")}
	case s <= 90:
		return &complaint{c.Words.T("factor.soon_title"), c.Words.N("factor.soon_text", s)}
	}
	return &complaint{c.Words.T("factor.unsent_title"), c.Words.N("factor.unsent_wait", minutes(s))}
}

// send sends a code, or sends it again.
func (p second) send(c *page.Context) error {
	return p.step(c, signin.AskFactor, func(v signin.View) error {
		k := mfa.Kind(c.Form("method"))
		here := at("/login/factor", ticket(c), "method", string(k))
		err := p.signIn.Second().Send(c.Context(), v, k)
		locked := (*mfa.LockedError)(nil)
		switch {
		case err == nil:
			return c.Redirect(here)
		case errors.As(err, &locked):
			c.Here(here)
			return p.ask(c, v, k, http.StatusTooManyRequests, limitOf(c, locked))
		case errors.Is(err, mfa.ErrUnsent):
			c.Here(here)
			return p.ask(c, v, k, http.StatusServiceUnavailable, limitOf(c, &mfa.LockedError{}))
		}
		return moved(c, v, signin.Moved{}, err)
	})
}

func (p second) answer(c *page.Context) error {
	return p.step(c, signin.AskFactor, func(v signin.View) error {
		k := mfa.Kind(c.Form("method"))
		if k == "" {
			k = v.Flow.Method
		}
		c.Here(at("/login/factor", ticket(c), "method", string(k)))
		if shown, err := p.misshapen(c, v, k); shown || err != nil {
			return err
		}
		m, err := p.signIn.Second().Answer(c.Context(), v, k, mfa.Answer{Code: c.Form("code")}, marks(c), c.Form("trust_device") != "")
		locked := (*mfa.LockedError)(nil)
		switch {
		case errors.As(err, &locked):
			return p.locked(c, v, k, locked)
		case errors.Is(err, mfa.ErrWrong):
			return p.ask(c, v, k, http.StatusUnauthorized, &complaint{c.Words.T("factor.wrong_title"), c.Words.T(fmt.Sprintf("factor.%s.wrong", k))})
		case errors.Is(err, mfa.ErrExpired):
			// Its tries are used up or it took too long: ask anew. The account's
			// own budget goes on counting.
			v.Flow.Asked = nil
			return p.ask(c, v, k, http.StatusUnauthorized, &complaint{c.Words.T("factor.expired_title"), c.Words.T(fmt.Sprintf("factor.%s.anew", k))})
		}
		return moved(c, v, m, err)
	})
}

// misshapen answers a form whose code cannot be one: that is a slip, and no
// try is counted for it.
func (p second) misshapen(c *page.Context, v signin.View, k mfa.Kind) (shown bool, err error) {
	if shaped(usual(k), c.Form("code")) {
		return false, nil // the usual case does not look the challenge up twice
	}
	prompt, k, err := p.signIn.Second().Challenge(c.Context(), v, k)
	if errors.Is(err, mfa.ErrUnsent) || errors.Is(err, mfa.ErrLocked) {
		return false, nil // Answer says what is wrong
	}
	if err != nil {
		return true, moved(c, v, signin.Moved{}, err)
	}
	if shaped(prompt, c.Form("code")) {
		return false, nil
	}
	view := p.factorOf(c, v, k).prompted(prompt, c.Now())
	view.Error = shapeOf(c, prompt)
	return true, showFactor(c, http.StatusBadRequest, view)
}

// locked shows that a method, or all of them, must wait.
func (p second) locked(c *page.Context, v signin.View, k mfa.Kind, l *mfa.LockedError) error {
	view := p.factorOf(c, v, k)
	view.Locked = true
	view.Error = lockOf(c, l)
	if wide(v, k, l) {
		view.Ways = nil
	}
	if s := seconds(l, c.Now()); s > 0 {
		c.W.Header().Set("Retry-After", strconv.Itoa(s))
	}
	return showFactor(c, http.StatusTooManyRequests, view)
}

// wide reports whether a lock holds for all methods.
func wide(v signin.View, k mfa.Kind, l *mfa.LockedError) bool {
	return l.Key == mfa.Budgets(mfa.SubjectID(v.Flow.User), k, mfa.Rules{})[0].Key
}

func lockOf(c *page.Context, l *mfa.LockedError) *complaint {
	s := seconds(l, c.Now())
	if s <= 0 {
		return &complaint{c.Words.T("factor.locked_title"), c.Words.T("factor.stopped_text")}
	}
	return &complaint{c.Words.T("factor.locked_title"), c.Words.N("factor.locked_text", minutes(s))}
}

func minutes(seconds int) int { return int(math.Ceil(float64(seconds) / 60)) }

func seconds(l *mfa.LockedError, now time.Time) int {
	if l.Until.IsZero() {
		return 0
	}
	return max(1, int(math.Ceil(l.Until.Sub(now).Seconds())))
}

func (p second) factorOf(c *page.Context, v signin.View, k mfa.Kind) factorView {
	if k == "" && len(v.Methods) > 0 {
		k = v.Methods[0]
	}
	return factorView{
		Ticket: ticket(c), Kind: string(k), Again: v.Flow.ReturnTo, Ways: p.ways(c, v, k),
		TrustDays: trustable(v, k), Lost: at("/login/lost", ticket(c)), Passkey: p.ceremony(c),
	}
}

// trustable is for how many days this browser may be trusted after a proof by a
// method: not after one that is for once or for a while.
func trustable(v signin.View, k mfa.Kind) int {
	if k == "backup" || k == "temporary" {
		return 0
	}
	return v.TrustDays
}

// ways lists the other methods.
func (p second) ways(c *page.Context, v signin.View, but mfa.Kind) []way {
	var out []way
	for _, m := range v.Methods {
		if m != but {
			out = append(out, way{
				string(m), at("/login/factor", ticket(c), "method", string(m)), p.signIn.Factors.Sends(m) && v.Flow.Asked[m] == "",
			})
		}
	}
	return out
}

// lostView is the page for whoever has lost what they prove themselves with.
type lostView struct {
	Ticket string
	Ways   []way
	Back   string
}

func (p second) lost(c *page.Context) error {
	return p.step(c, signin.AskFactor, func(v signin.View) error {
		return c.Show(set, http.StatusOK, "lost.html", lostView{ticket(c), p.ways(c, v, ""), at("/login/factor", ticket(c))})
	})
}
