package signin

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/totp"
	"latchkey/ui/page"
)

type scanView struct {
	At     int
	Client string
	Anew   bool // an earlier QR code is void
	SVG    template.HTML
	PNG    template.URL
	URI    template.URL
	Groups []string // the secret in groups of four
	Next   string
}

type codesView struct {
	At                 int
	Ticket             string
	Codes              []string
	Kept, Missing      bool
	Download, Previous string
	FileName           string
}

type confirmView struct {
	At       int
	Ticket   string
	Digits   int
	Error    *complaint
	Previous string
}

// wizard is the pages that set up a factor: scan, save the backup codes,
// confirm.
type wizard struct{ *Pages }

// enrolling is the frame of the wizard's pages: nothing of it is active before
// the last one (SECURITY.md M-07).
func (p wizard) enrolling(c *page.Context, draw func(signin.View, signin.Enrolment) error) error {
	return p.step(c, signin.MustEnrol, func(v signin.View) error {
		e, err := p.SignIn.Enrolment(c.Context(), v)
		if err != nil {
			return p.moved(c, v, signin.Moved{}, err)
		}
		return draw(v, e)
	})
}

func (p wizard) scan(c *page.Context) error {
	return p.enrolling(c, func(v signin.View, e signin.Enrolment) error {
		q, err := drawQR(e.Scan.URI, c.Words.T("enrol.scan_alt"))
		if err != nil {
			return err
		}
		return c.Show(set, http.StatusOK, "enrol_scan.html", scanView{
			At: 1, Client: v.Flow.Client, Anew: c.Query("anew") != "",
			SVG: q.svg, PNG: q.png, URI: template.URL(e.Scan.URI), //nolint:gosec // made by our own factor
			Groups: grouped(e.Scan.Secret), Next: at("/login/enrol/codes", ticket(c)),
		})
	})
}

// grouped cuts a secret into groups of four, which people can keep in mind
// while they type.
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
	return p.enrolling(c, func(v signin.View, e signin.Enrolment) error {
		return p.showCodes(c, e, http.StatusOK, false)
	})
}

func (p wizard) showCodes(c *page.Context, e signin.Enrolment, status int, missing bool) error {
	t := ticket(c)
	c.Script()
	return c.Show(set, status, "enrol_codes.html", codesView{
		At: 2, Ticket: t, Codes: e.Codes.Codes, Kept: e.Kept, Missing: missing,
		Download: at("/login/enrol/codes.txt", t), Previous: at("/login/enrol", t), FileName: c.Words.T("enrol.codes_file"),
	})
}

// download gives the codes as a text file that says what it is.
func (p wizard) download(c *page.Context) error {
	return p.enrolling(c, func(v signin.View, e signin.Enrolment) error {
		var b strings.Builder
		fmt.Fprintf(&b, "%s\r\n", c.Words.T("enrol.file_title", c.Brand()))
		fmt.Fprintf(&b, "%s\r\n", c.Words.T("enrol.file_account", v.User.Subject().Name))
		fmt.Fprintf(&b, "%s\r\n\r\n", c.Words.T("enrol.file_made", c.Words.Date(c.Now())))
		for _, code := range e.Codes.Codes {
			fmt.Fprintf(&b, "%s\r\n", code)
		}
		fmt.Fprintf(&b, "\r\n%s\r\n", c.Words.T("enrol.codes_where"))
		return c.Attach(c.Words.T("enrol.codes_file"), b.String())
	})
}

func (p wizard) keep(c *page.Context) error {
	return p.enrolling(c, func(v signin.View, e signin.Enrolment) error {
		if c.Form("kept") == "" {
			c.Here(at("/login/enrol/codes", ticket(c)))
			return p.showCodes(c, e, http.StatusBadRequest, true)
		}
		if len(v.Flow.Enrol) == 0 { // the wizard began this moment: these are not the codes that were saved
			return c.Redirect(at("/login/enrol", ticket(c), "anew", "1"))
		}
		if err := p.SignIn.Keep(c.Context(), v); err != nil {
			return p.moved(c, v, signin.Moved{}, err)
		}
		return c.Redirect(at("/login/enrol/confirm", ticket(c)))
	})
}

func (p wizard) confirmation(c *page.Context) error {
	return p.enrolling(c, func(v signin.View, e signin.Enrolment) error {
		if !e.Kept {
			return c.Redirect(at("/login/enrol/codes", ticket(c)))
		}
		return p.showConfirm(c, e, http.StatusOK, nil)
	})
}

func (p wizard) showConfirm(c *page.Context, e signin.Enrolment, status int, wrong *complaint) error {
	return c.Show(set, status, "enrol_confirm.html", confirmView{
		At: 3, Ticket: ticket(c), Digits: digitsOf(e), Error: wrong, Previous: at("/login/enrol/codes", ticket(c)),
	})
}

func digitsOf(e signin.Enrolment) int {
	if e.Scan.Digits == 0 {
		return usualDigits
	}
	return e.Scan.Digits
}

// misshapen is the first look at a code, as for signing in.
func (p wizard) misshapen(c *page.Context, v signin.View) (shown bool, err error) {
	code := c.Form("code")
	if shaped(totp.Kind, code, usualDigits) {
		return false, nil
	}
	e, err := p.SignIn.Enrolment(c.Context(), v)
	if err != nil {
		return true, p.moved(c, v, signin.Moved{}, err)
	}
	if !e.Kept || shaped(totp.Kind, code, digitsOf(e)) {
		return false, nil
	}
	return true, p.showConfirm(c, e, http.StatusBadRequest, shapeOf(c, totp.Kind, digitsOf(e)))
}

func (p wizard) confirm(c *page.Context) error {
	return p.step(c, signin.MustEnrol, func(v signin.View) error {
		c.Here(at("/login/enrol/confirm", ticket(c)))
		if !v.Flow.Kept {
			return c.Redirect(at("/login/enrol/codes", ticket(c)))
		}
		if shown, err := p.misshapen(c, v); shown || err != nil {
			return err
		}
		m, err := p.SignIn.Confirm(c.Context(), v, c.Origin(), c.Form("code"), c.Known())
		status, wrong := http.StatusUnauthorized, &complaint{c.Words.T("factor.wrong_title"), c.Words.T("enrol.confirm_wrong")}
		locked := (*mfa.LockedError)(nil)
		switch {
		case errors.As(err, &locked):
			status, wrong = http.StatusTooManyRequests, lockOf(c, locked)
		case errors.Is(err, mfa.ErrExpired):
			return c.Redirect(at("/login/enrol", ticket(c), "anew", "1"))
		case !errors.Is(err, mfa.ErrWrong):
			return p.moved(c, v, m, err)
		}
		e, err := p.SignIn.Enrolment(c.Context(), v)
		if err != nil {
			return p.moved(c, v, signin.Moved{}, err)
		}
		if !e.Kept { // the wizard started anew
			return c.Redirect(at("/login/enrol", ticket(c), "anew", "1"))
		}
		return p.showConfirm(c, e, status, wrong)
	})
}
