package signin

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

type leaveView struct{ Person page.Person }

// leftView is what the page after signing out shows.
type leftView struct {
	Frames []string // see Pages.Farewell
}

// exit draws the way out.
type exit struct {
	signIn *signin.Service
	told   func(*http.Request) ([]string, error) // see Pages.Farewell
}

func (p exit) mount(r gin.IRouter, s *page.Site) {
	r.GET("/logout", s.Members(p.leave))
	r.POST("/logout", s.Members(p.signOut, func(*page.Context) string { return "/logout" }))
}

// leave asks before it signs anybody out: a link on a foreign page must not.
func (p exit) leave(c *page.Context) error {
	_, u, err := p.signIn.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
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

func (p exit) signOut(c *page.Context) error {
	frames, err := p.frames(c) // the session's end takes along whom to tell
	if err != nil {
		return err
	}
	if err := p.signIn.SignOut(c.Context(), c.Session(), c.Origin()); err != nil {
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

// frames lists what the page after signing out must load.
func (p exit) frames(c *page.Context) ([]string, error) {
	if p.told == nil {
		return nil, nil
	}
	frames, err := p.told(c.R)
	return c.Frames(frames), err
}
