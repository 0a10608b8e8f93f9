package profile

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/picture"
	"latchkey/mfa"
	"latchkey/ui/locale"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// profileView is the page of the profile.
type profileView struct {
	head
	Person    page.Person
	Picture   string // address; empty: none
	Own       account.Own
	Bad       map[string]bool // fields that will not do
	Fixed     map[string]bool // fields that somebody else fills in
	Languages []choice
	Zones     []continent
	Email     string
	Verified  bool
	NewEmail  string // as typed
	Phone     string
}

// choice is an entry of a list to choose from.
type choice struct {
	Value, Text string
	Chosen      bool
}

// form is the page on which people see to what is known about them.
type form struct{ self *account.Self }

func (f form) mount(r gin.IRouter, s *page.Site, g gate) {
	r.GET(Home, s.Members(g.enter(Home, f.profile)))
	r.POST(Home, s.Members(g.enter(Home, f.change), to(Home)))
	r.POST(Home+"/picture", s.Uploads(picture.MostBytes, g.enter(Home, f.setPicture), to(Home)))
	r.POST(Home+"/picture/remove", s.Members(g.enter(Home, f.removePicture), to(Home)))
	r.POST(Home+"/email", s.Members(g.prove(Home, f.askEmail), to(Home)))
	r.POST(Home+"/email/confirm", s.Members(g.enter(Home, f.confirmEmail), to(Home)))
}

func (f form) profile(c *page.Context, v visit) error {
	return f.show(c, http.StatusOK, f.viewOf(c, v.user, headOf(c)))
}

func (f form) show(c *page.Context, status int, view profileView) error {
	c.Here(Home)
	return c.Show(set, status, "profile.html", view)
}

// viewOf is the page of somebody as they are now.
func (f form) viewOf(c *page.Context, u idp.User, h head) profileView {
	view := profileView{
		head: h, Person: page.PersonOf(u), Email: u.Email, Verified: u.EmailVerified, Phone: u.Phone,
		Own:   account.Own{Name: u.Name, GivenName: u.Profile.GivenName, FamilyName: u.Profile.FamilyName, Locale: u.Locale, Zone: u.Profile.Zoneinfo},
		Fixed: map[string]bool{}, Bad: map[string]bool{},
	}
	for _, one := range []account.Field{
		account.FieldName, account.FieldGiven, account.FieldFamily, account.FieldLanguage, account.FieldZone, account.FieldPicture, account.FieldEmail,
	} {
		view.Fixed[string(one)] = f.self.Fixed(u, one)
	}
	if f.self.Pictured(u) {
		view.Picture = "/my/picture?v=" + url.QueryEscape(u.Profile.Picture[len(u.Profile.Picture)-8:]) // a new one has a new address
	}
	return view.choices(c)
}

// choices fills the lists with what is chosen in the form.
func (v profileView) choices(c *page.Context) profileView {
	v.Languages, v.Zones = languages(c, v.Own.Locale), zones(c.Words, v.Own.Zone)
	return v
}

// languages are those of the pages, the browser's choice, and the one that the
// account has, if it is none of them: applications may speak it.
func languages(c *page.Context, chosen string) []choice {
	out := []choice{{"", c.Words.T("profile.language_any"), chosen == ""}}
	for _, l := range locale.Languages() {
		out = append(out, choice{l.Tag, l.Name, l.Tag == chosen})
	}
	if !slices.ContainsFunc(out, func(o choice) bool { return o.Chosen }) {
		out = append(out, choice{chosen, chosen, true})
	}
	return out
}

// change takes the form of the profile. The page then speaks the language that
// was chosen: a choice on the language switch, made before, would hide it.
func (f form) change(c *page.Context, v visit) error {
	in := account.Own{
		Name: c.Form("name"), GivenName: c.Form("given_name"), FamilyName: c.Form("family_name"), Locale: c.Form("locale"), Zone: c.Form("zoneinfo"),
	}
	err := f.self.ChangeProfile(c.Context(), v.by, in)
	if errors.Is(err, idp.ErrInvalid) {
		view := f.viewOf(c, v.user, headOf(c))
		view.Own = in
		for _, bad := range account.FieldOf(err) {
			view.Bad[bad] = true
		}
		view.Error = &pages.Complaint{Title: c.Words.T("profile.bad_title"), Text: c.Words.T("profile.bad_text")}
		return f.show(c, http.StatusBadRequest, view.choices(c))
	} else if err != nil {
		return err
	}
	to := Home + "?done=saved"
	if _, ours := locale.Find(in.Locale); ours && in.Locale != v.user.Locale {
		to += "&lang=" + url.QueryEscape(in.Locale)
	}
	return c.Redirect(to)
}

// askEmail begins a change of address. The answer is the same whoever has the
// address already (SECURITY.md E-01).
func (f form) askEmail(c *page.Context, v visit) error {
	return f.mailed(c, v, c.Form("email"), "email_asked", func(ctx context.Context) error {
		return f.self.AskEmail(ctx, v.by, c.Form("email"))
	})
}

func (f form) confirmEmail(c *page.Context, v visit) error {
	return f.mailed(c, v, "", "confirm_asked", func(ctx context.Context) error { return f.self.ConfirmEmail(ctx, v.by) })
}

// mailed runs what sends a link and says what came of it.
func (f form) mailed(c *page.Context, v visit, typed, done string, send func(context.Context) error) error {
	err := send(c.Context())
	view := f.viewOf(c, v.user, headOf(c))
	view.NewEmail = typed
	locked := (*mfa.LockedError)(nil)
	switch {
	case err == nil:
		return c.Redirect(Home + "?done=" + done)
	case errors.As(err, &locked):
		view.Error = &pages.Complaint{
			Title: c.Words.T("profile.mail_wait_title"), Text: c.Words.N("profile.mail_wait", max(1, int(math.Ceil(locked.Until.Sub(c.Now()).Minutes())))),
		}
		return f.show(c, http.StatusTooManyRequests, view)
	case errors.Is(err, account.ErrSame):
		view.Error = &pages.Complaint{Title: c.Words.T("profile.email_same_title"), Text: c.Words.T("profile.email_same")}
	case errors.Is(err, idp.ErrInvalid):
		view.Error = &pages.Complaint{Title: c.Words.T("profile.email_bad_title"), Text: c.Words.T("profile.email_bad")}
	default:
		return err
	}
	view.Bad["email"] = typed != ""
	return f.show(c, http.StatusBadRequest, view)
}

func (f form) setPicture(c *page.Context, v visit) error {
	file, err := c.File("picture")
	if err == nil {
		err = f.self.SetPicture(c.Context(), v.by, file)
	}
	if errors.Is(err, idp.ErrInvalid) {
		view := f.viewOf(c, v.user, headOf(c))
		view.Error = &pages.Complaint{Title: c.Words.T("profile.picture_bad_title"), Text: c.Words.T("profile.picture_bad")}
		if errors.Is(err, picture.ErrLarge) {
			view.Error.Title = c.Words.T("profile.picture_large_title")
		}
		view.Bad["picture"] = true
		return f.show(c, http.StatusBadRequest, view)
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "?done=picture")
}

func (f form) removePicture(c *page.Context, v visit) error {
	if err := f.self.RemovePicture(c.Context(), v.by); err != nil {
		return err
	}
	return c.Redirect(Home + "?done=picture_gone")
}
