package signin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

type leaveView struct{ Person page.Person }

// leave asks before it signs anybody out: a link on a foreign page must not.
func (p *Pages) leave(c *page.Context) error {
	_, u, err := p.SignIn.Gate(c.Context(), c.Session(), idp.Need{})
	switch {
	case errors.Is(err, idp.ErrNotFound):
		c.Speak(c.Query(wished))
		return c.Show(set, http.StatusOK, "signed_out.html", nil)
	case err != nil && !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrDenied):
		return err
	}
	c.Speak(u.Locale)
	return c.Show(set, http.StatusOK, "logout.html", leaveView{page.PersonOf(u)})
}

// wished is a field of the sign-out forms and a parameter of the page after
// them: the language of whoever left, whose account is no longer there to
// tell it. No cookie keeps it, for the next person may be somebody else.
const wished = "ui_locales"

func (p *Pages) signOut(c *page.Context) error {
	if err := p.SignIn.SignOut(c.Context(), c.Session(), c.Origin()); err != nil {
		return err
	}
	c.ForgetSession()
	to := "/logout"
	if l, ok := locale.Find(c.Form(wished)); ok {
		to += "?" + wished + "=" + l.Lang()
	}
	return c.Redirect(to)
}

type securityView struct {
	Person  page.Person
	Factors []heldView
	NoCodes bool // an app and nothing to fall back on
}

type heldView struct {
	Name    string
	Added   time.Time
	Counted bool // backup codes are used up one by one
	Left    int
}

// security is a person's own page.
func (p *Pages) security(c *page.Context) error {
	_, u, err := p.SignIn.Gate(c.Context(), c.Session(), idp.Need{})
	if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrMore) {
		return begin(c, p.SignIn, signin.Start{ReturnTo: Home})
	}
	if err != nil {
		return err
	}
	c.Speak(u.Locale)
	held, err := p.SignIn.Factors.Held(c.Context(), mfa.SubjectID(u.ID))
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "security.html", securityOf(c, u, held))
}

func securityOf(c *page.Context, u idp.User, held []mfa.Credential) securityView {
	v := securityView{Person: page.PersonOf(u)}
	zone, err := time.LoadLocation(u.Profile.Zoneinfo)
	if err != nil {
		zone = time.UTC // an unknown zone costs a shift of the date, no more
	}
	left := 0
	for _, h := range held {
		f := heldView{Name: h.Label, Added: h.Created.In(zone)}
		if f.Name == "" {
			f.Name = c.Words.T(fmt.Sprintf("factor.%s.name", h.Kind))
		}
		if h.Kind == backup.Kind {
			f.Counted, f.Left = true, backup.Left(h)
			left += f.Left
		}
		v.Factors = append(v.Factors, f)
	}
	v.NoCodes = len(held) > 0 && left == 0
	return v
}
