package security

import (
	"errors"
	"math"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// lock is the pages of the password, and of what takes it.
type lock struct{ desk }

// passwordView is the page that changes the password.
type passwordView struct {
	head
	Login   string
	Least   int  // characters of a new one
	Has     bool // there is one to be given first
	Current bool // the current one was wrong
	New     bool // the new one will not do
}

func (d lock) password(c *page.Context, v visit) error {
	return d.showPassword(c, v, http.StatusOK, passwordView{head: headOf(c, v)})
}

// showPassword allows the script that shows what is typed.
func (d lock) showPassword(c *page.Context, v visit, status int, view passwordView) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	if view.Least, err = d.Security.Rules.Least(c.Context(), o.User); err != nil {
		return err
	}
	view.Login, view.Has = o.User.Login, o.Password
	c.Script()
	c.Here(v.base + "/password")
	return c.Show(set, status, "password.html", view)
}

func (d lock) changePassword(c *page.Context, v visit) error {
	r, err := d.Security.ChangePassword(c.Context(), v.by, v.whose, c.Form("current_password"), c.Form("new_password"), c.Known())
	if err == nil {
		renew(c, r)
		return c.Redirect(v.base + "/password?done=password")
	}
	view := passwordView{head: headOf(c, v)}
	status := http.StatusBadRequest
	locked := (*mfa.LockedError)(nil)
	switch {
	case errors.As(err, &locked):
		status, view.Error = http.StatusTooManyRequests, passwordLock(c, locked)
	case errors.Is(err, idp.ErrBadLogin):
		status, view.Current, view.Error = http.StatusUnauthorized, true, wrongPassword(c)
	case errors.Is(err, idp.ErrInvalid):
		view.New, view.Error = true, unacceptable(c, err)
	default:
		return err
	}
	return d.showPassword(c, v, status, view)
}

func wrongPassword(c *page.Context) *pages.Complaint {
	return &pages.Complaint{Title: c.Words.T("security.password_wrong_title"), Text: c.Words.T("security.password_wrong")}
}

// passwordLock says when passwords are taken again.
func passwordLock(c *page.Context, l *mfa.LockedError) *pages.Complaint {
	out := &pages.Complaint{Title: c.Words.T("security.password_locked"), Text: c.Words.T("security.password_stopped")}
	if !l.Until.IsZero() {
		out.Text = c.Words.N("security.password_locked_text", max(1, int(math.Ceil(l.Until.Sub(c.Now()).Minutes()))))
	}
	return out
}

// unacceptable says why a new password will not do.
func unacceptable(c *page.Context, err error) *pages.Complaint {
	if errors.Is(err, security.ErrSame) {
		return &pages.Complaint{Title: c.Words.T("security.password_same_title"), Text: c.Words.T("security.password_same")}
	}
	title, text := page.PasswordProblem(c.Words, err)
	return &pages.Complaint{Title: title, Text: text}
}

// disableView is the page that turns two-step verification off.
type disableView struct {
	head
	On      bool
	Has     bool // a password
	Last    bool // somebody came here to remove the last factor
	Refused *pages.Complaint
}

func (d lock) disable(c *page.Context, v visit) error {
	return d.showDisable(c, v, http.StatusOK, nil)
}

func (d lock) showDisable(c *page.Context, v visit, status int, wrong *pages.Complaint) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	h := headOf(c, v)
	h.Error = wrong
	view := disableView{head: h, On: o.On, Has: o.Password, Last: c.Query("last") != ""}
	if len(o.Refused) > 0 {
		view.Refused = refusedOf(c, &security.RefusedError{Policies: o.Refused})
	}
	c.Script()
	c.Here(v.base + "/disable")
	return c.Show(set, status, "disable.html", view)
}

func (d lock) turnOff(c *page.Context, v visit) error {
	short, err := d.Security.TurnOff(c.Context(), v.by, v.whose, c.Form("password"), c.Known(), c.Form("end_others") != "")
	locked := (*mfa.LockedError)(nil)
	switch {
	case err == nil && short:
		return c.Redirect(v.base + "/password?done=off_short")
	case err == nil:
		return c.Redirect(v.base + "?done=off")
	case errors.Is(err, security.ErrPolicy), errors.Is(err, security.ErrLast), errors.Is(err, mfa.ErrNotHeld):
		return d.showDisable(c, v, http.StatusForbidden, nil) // the page says why
	case errors.As(err, &locked):
		return d.showDisable(c, v, http.StatusTooManyRequests, passwordLock(c, locked))
	case errors.Is(err, idp.ErrBadLogin):
		return d.showDisable(c, v, http.StatusUnauthorized, wrongPassword(c))
	}
	return err
}
