package signin

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/totp"
	"latchkey/ui/page"
)

// track says how far the wizard is.
type track struct {
	At    int
	Kind  string
	Codes bool // there is a step in which backup codes are saved
}

// scanView is the first step with an authenticator app.
type scanView struct {
	track
	Client string
	Anew   bool // an earlier QR code is void
	SVG    template.HTML
	PNG    template.URL
	URI    template.URL
	Groups []string // the secret in groups of four
	Next   string
	Others []way
}

// sendView is the first step with a code that is sent: where it goes.
type sendView struct {
	track
	Ticket string
	Client string
	Phone  string // as typed
	Email  string
	Error  *complaint
	Others []way
}

// codesView is the step in which the backup codes are saved.
type codesView struct {
	track
	Ticket             string
	Shown              []string
	Kept, Missing      bool
	Download, Previous string
	FileName           string
	Account            string    // on paper, where codes of several accounts may lie together
	Made               time.Time // likewise
}

// confirmView is the last step: one right answer.
type confirmView struct {
	track
	Ticket   string
	Client   string
	Digits   int
	SentTo   string
	Wait     int // seconds until another code may be sent
	Error    *complaint
	Previous string
	Others   []way
	Passkey  page.Ceremony
}

// wizard draws the enrolment.
type wizard struct{ journey }

func (p wizard) mount(r gin.IRouter, s *page.Site) {
	r.GET("/login/enrol", s.Strangers(p.start))
	r.POST("/login/enrol", s.Strangers(p.begin, again("/login/enrol")))
	r.POST("/login/enrol/send", s.Strangers(p.sendAgain, again("/login/enrol/confirm")))
	r.GET("/login/enrol/codes", s.Strangers(p.codes))
	r.GET("/login/enrol/codes.txt", s.Strangers(p.download))
	r.POST("/login/enrol/codes", s.Strangers(p.keep, again("/login/enrol/codes")))
	r.GET("/login/enrol/confirm", s.Strangers(p.confirmation))
	r.POST("/login/enrol/confirm", s.Strangers(p.confirm, again("/login/enrol/confirm")))
}

// enrolling is the frame of the wizard's pages.
func (p wizard) enrolling(c *page.Context, draw func(signin.View) error) error {
	return p.steps(c, p.timely(c, draw), signin.MustEnrol, signin.MayEnrol)
}

// running is enrolling for the pages that need a wizard under way.
func (p wizard) running(c *page.Context, draw func(signin.View, signin.Enrolment) error) error {
	return p.enrolling(c, func(v signin.View) error {
		e, err := p.signIn.Wizard().Enrolment(c.Context(), v)
		if errors.Is(err, mfa.ErrExpired) {
			return c.Redirect(at("/login/enrol", ticket(c), "anew", "1"))
		} else if err != nil {
			return moved(c, v, signin.Moved{}, err)
		}
		return draw(v, e)
	})
}

// start draws the first step: of the method asked for, of the one under way, or
// of the first that there is.
func (p wizard) start(c *page.Context) error {
	return p.enrolling(c, func(v signin.View) error {
		k := mfa.Kind(c.Query("method"))
		e, err := p.signIn.Wizard().Enrolment(c.Context(), v)
		switch {
		case err == nil && (k == "" || k == e.Kind):
			return p.first(c, v, e)
		case err != nil && !errors.Is(err, mfa.ErrExpired):
			return moved(c, v, signin.Moved{}, err)
		}
		if !slices.Contains(v.Addable, k) {
			k = v.Addable[0]
		}
		if p.signIn.Factors.Sends(k) {
			return p.showSend(c, v, k, http.StatusOK, "", nil)
		}
		if err := p.signIn.Wizard().Enrol(c.Context(), v, k, ""); err != nil {
			return moved(c, v, signin.Moved{}, err)
		}
		if c.Query("anew") != "" {
			return c.Redirect(at("/login/enrol", ticket(c), "anew", "1"))
		}
		return c.Redirect(at("/login/enrol", ticket(c)))
	})
}

// first draws the first step of a wizard under way.
func (p wizard) first(c *page.Context, v signin.View, e signin.Enrolment) error {
	if e.Ask.Shape != mfa.ShapeScan {
		if e.Ready() {
			return c.Redirect(at("/login/enrol/confirm", ticket(c)))
		}
		return c.Redirect(at("/login/enrol/codes", ticket(c)))
	}
	q, err := drawQR(e.Ask.URI, c.Words.T("enrol.scan_alt"))
	if err != nil {
		return err
	}
	next := "/login/enrol/codes"
	if e.Codes.Shape == "" {
		next = "/login/enrol/confirm"
	}
	c.Script() // copies the key
	return c.Show(set, http.StatusOK, "enrol_scan.html", scanView{
		track: trackOf(1, e), Client: v.Flow.Client, Anew: c.Query("anew") != "",
		SVG: q.svg, PNG: q.png, URI: template.URL(e.Ask.URI), //nolint:gosec // made by our own factor
		Groups: grouped(e.Ask.Secret), Next: at(next, ticket(c)), Others: addWays(c, v, e.Kind),
	})
}

func trackOf(at int, e signin.Enrolment) track { return track{at, string(e.Kind), e.Codes.Shape != ""} }

// addWays lists the other factors that could be set up instead.
func addWays(c *page.Context, v signin.View, but mfa.Kind) []way {
	var out []way
	for _, k := range v.Addable {
		if k != but {
			out = append(out, way{Kind: string(k), URL: at("/login/enrol", ticket(c), "method", string(k))})
		}
	}
	return out
}

// showSend asks where a code shall be sent.
func (p wizard) showSend(c *page.Context, v signin.View, k mfa.Kind, status int, phone string, wrong *complaint) error {
	return c.Show(set, status, "enrol_send.html", sendView{
		track: track{At: 1, Kind: string(k)}, Ticket: ticket(c), Client: v.Flow.Client, Phone: phone, Email: v.User.Email, Error: wrong,
		Others: addWays(c, v, k),
	})
}

// begin starts a wizard whose first step sends a code.
func (p wizard) begin(c *page.Context) error {
	return p.enrolling(c, func(v signin.View) error {
		k, typed, phone := mfa.Kind(c.Form("method")), c.Form("phone"), ""
		c.Here(at("/login/enrol", ticket(c), "method", string(k)))
		if k == "sms" {
			var err error
			if phone, err = idp.ReadPhone(typed, v.User); err != nil {
				return p.showSend(c, v, k, http.StatusBadRequest, typed, &complaint{c.Words.T("enrol.phone_wrong_title"), c.Words.T("enrol.phone_wrong")})
			}
		}
		err := p.signIn.Wizard().Enrol(c.Context(), v, k, phone)
		locked := (*mfa.LockedError)(nil)
		switch {
		case errors.As(err, &locked):
			return p.showSend(c, v, k, http.StatusTooManyRequests, typed, limitOf(c, locked))
		case errors.Is(err, mfa.ErrUnsent):
			return p.showSend(c, v, k, http.StatusServiceUnavailable, typed, limitOf(c, &mfa.LockedError{}))
		case err != nil:
			return moved(c, v, signin.Moved{}, err)
		}
		return c.Redirect(at("/login/enrol", ticket(c)))
	})
}

// sendAgain sends the wizard's code once more.
func (p wizard) sendAgain(c *page.Context) error {
	return p.running(c, func(v signin.View, e signin.Enrolment) error {
		c.Here(at("/login/enrol/confirm", ticket(c)))
		err := p.signIn.Wizard().SendAgain(c.Context(), v)
		locked := (*mfa.LockedError)(nil)
		switch {
		case err == nil:
			return c.Redirect(at("/login/enrol/confirm", ticket(c)))
		case errors.As(err, &locked):
			return p.showConfirm(c, v, e, http.StatusTooManyRequests, limitOf(c, locked))
		case errors.Is(err, mfa.ErrUnsent):
			return p.showConfirm(c, v, e, http.StatusServiceUnavailable, limitOf(c, &mfa.LockedError{}))
		}
		return moved(c, v, signin.Moved{}, err)
	})
}

func grouped(secret string) []string {
	const size = 4
	secret = strings.ReplaceAll(secret, " ", "")
	var out []string
	for len(secret) > size {
		out, secret = append(out, secret[:size]), secret[size:]
	}
	return append(out, secret)
}

func (p wizard) codes(c *page.Context) error {
	return p.running(c, func(v signin.View, e signin.Enrolment) error {
		if e.Codes.Shape == "" {
			return c.Redirect(at("/login/enrol/confirm", ticket(c)))
		}
		return p.showCodes(c, v, e, http.StatusOK, false)
	})
}

// showCodes allows the script that copies and prints.
func (p wizard) showCodes(c *page.Context, v signin.View, e signin.Enrolment, status int, missing bool) error {
	t := ticket(c)
	c.Script()
	previous := at("/login/enrol", t)
	if e.Ask.Shape != mfa.ShapeScan { // what was sent is on its way
		previous = ""
	}
	return c.Show(set, status, "enrol_codes.html", codesView{
		track: trackOf(2, e), Ticket: t, Shown: e.Codes.Codes, Kept: e.Kept, Missing: missing,
		Download: at("/login/enrol/codes.txt", t), Previous: previous, FileName: c.Words.T("enrol.codes_file"),
		Account: v.User.Subject().Name, Made: c.Now(),
	})
}

// download is the list of backup codes as a file.
func (p wizard) download(c *page.Context) error {
	return p.running(c, func(v signin.View, e signin.Enrolment) error {
		return CodesFile(c, v.User.Subject().Name, e.Codes.Codes)
	})
}

func (p wizard) keep(c *page.Context) error {
	return p.running(c, func(v signin.View, e signin.Enrolment) error {
		if c.Form("kept") == "" {
			c.Here(at("/login/enrol/codes", ticket(c)))
			return p.showCodes(c, v, e, http.StatusBadRequest, true)
		}
		if err := p.signIn.Wizard().Keep(c.Context(), v); err != nil {
			return moved(c, v, signin.Moved{}, err)
		}
		return c.Redirect(at("/login/enrol/confirm", ticket(c)))
	})
}

func (p wizard) confirmation(c *page.Context) error {
	return p.running(c, func(v signin.View, e signin.Enrolment) error {
		if !e.Ready() {
			return c.Redirect(at("/login/enrol/codes", ticket(c)))
		}
		return p.showConfirm(c, v, e, http.StatusOK, nil)
	})
}

func (p wizard) showConfirm(c *page.Context, v signin.View, e signin.Enrolment, status int, wrong *complaint) error {
	c.Script()
	c.Connect()
	view := confirmView{
		track: trackOf(3, e), Ticket: ticket(c), Client: v.Flow.Client, Digits: e.Ask.Digits, SentTo: e.Ask.SentTo, Error: wrong,
		Previous: at("/login/enrol/codes", ticket(c)), Others: addWays(c, v, e.Kind), Passkey: p.ceremony(c),
	}
	if e.Codes.Shape == "" {
		view.Previous = at("/login/enrol", ticket(c))
	}
	if e.Ask.Shape != mfa.ShapeScan && e.Codes.Shape == "" {
		view.Previous = ""
	}
	view.Wait = factorView{}.prompted(e.Ask, c.Now()).Wait
	return c.Show(set, status, "enrol_confirm.html", view)
}

func (p wizard) confirm(c *page.Context) error {
	return p.running(c, func(v signin.View, e signin.Enrolment) error {
		c.Here(at("/login/enrol/confirm", ticket(c)))
		if !e.Ready() {
			return c.Redirect(at("/login/enrol/codes", ticket(c)))
		}
		if !shaped(e.Ask, c.Form("code")) {
			return p.showConfirm(c, v, e, http.StatusBadRequest, shapeOf(c, e.Ask))
		}
		m, err := p.signIn.Wizard().Confirm(c.Context(), v, mfa.Answer{Code: c.Form("code")}, marks(c))
		locked := (*mfa.LockedError)(nil)
		switch {
		case errors.As(err, &locked):
			return p.showConfirm(c, v, e, http.StatusTooManyRequests, lockOf(c, locked))
		case errors.Is(err, mfa.ErrWrong) && e.Kind == totp.Kind:
			return p.showConfirm(c, v, e, http.StatusUnauthorized, &complaint{c.Words.T("factor.wrong_title"), c.Words.T("enrol.confirm_wrong")})
		case errors.Is(err, mfa.ErrWrong):
			return p.showConfirm(c, v, e, http.StatusUnauthorized, &complaint{c.Words.T("factor.wrong_title"), c.Words.T(fmt.Sprintf("factor.%s.wrong", e.Kind))})
		case errors.Is(err, mfa.ErrExpired) && p.signIn.Factors.Sends(e.Kind):
			return p.showConfirm(c, v, e, http.StatusUnauthorized, &complaint{c.Words.T("factor.expired_title"), c.Words.T(fmt.Sprintf("factor.%s.anew", e.Kind))})
		case errors.Is(err, mfa.ErrExpired):
			return c.Redirect(at("/login/enrol", ticket(c), "anew", "1"))
		}
		return moved(c, v, m, err)
	})
}
