package signin

import (
	"errors"
	"net/http"

	"latchkey/idp"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

type leaveView struct{ Person page.Person }

// leftView is what the page after signing out shows.
type leftView struct {
	Frames []string // see Pages.Farewell
}

// leave asks before it signs anybody out: a link on a foreign page must not.
func (p *Pages) leave(c *page.Context) error {
	_, u, err := p.SignIn.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
	switch {
	case errors.Is(err, idp.ErrNotFound):
		c.Speak(c.Query(wished))
		return c.Show(set, http.StatusOK, "signed_out.html", leftView{})
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
	frames, err := p.farewell(c) // the session's end takes along whom to tell
	if err != nil {
		return err
	}
	if err := p.SignIn.SignOut(c.Context(), c.Session(), c.Origin()); err != nil {
		return err
	}
	c.ForgetSession()
	if len(frames) > 0 {
		c.Speak(c.Form(wished))
		c.Here("/logout")
		return c.Show(set, http.StatusOK, "signed_out.html", leftView{frames})
	}
	to := "/logout"
	if l, ok := locale.Find(c.Form(wished)); ok {
		to += "?" + wished + "=" + l.Lang()
	}
	return c.Redirect(to)
}

// farewell lists what the page after signing out must load.
func (p *Pages) farewell(c *page.Context) ([]string, error) {
	if p.Farewell == nil {
		return nil, nil
	}
	frames, err := p.Farewell(c.R)
	return c.Frames(frames), err
}
