package profile

import (
	"errors"
	"net/http"
	"strings"

	"latchkey/idp"
	"latchkey/idp/picture"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

func (p *Pages) setPicture(c *page.Context, v visit) error {
	file, err := c.File("picture")
	if err == nil {
		err = p.Self.SetPicture(c.Context(), v.by, file)
	}
	if errors.Is(err, idp.ErrInvalid) {
		view := p.viewOf(c, v.user, headOf(c))
		view.Error = &pages.Complaint{Title: c.Words.T("profile.picture_bad_title"), Text: c.Words.T("profile.picture_bad")}
		if errors.Is(err, picture.ErrLarge) {
			view.Error.Title = c.Words.T("profile.picture_large_title")
		}
		view.Bad["picture"] = true
		return p.show(c, http.StatusBadRequest, view)
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "?done=picture")
}

func (p *Pages) removePicture(c *page.Context, v visit) error {
	if err := p.Self.RemovePicture(c.Context(), v.by); err != nil {
		return err
	}
	return c.Redirect(Home + "?done=picture_gone")
}

// myPicture is for the person's own pages. It leads nobody to the sign-in: a
// picture is part of a page that has been there.
func (p *Pages) myPicture(c *page.Context) error {
	_, u, err := p.SignIn.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
	if errors.Is(err, idp.ErrMore) {
		return idp.ErrDenied
	} else if err != nil {
		return err
	}
	png, err := p.Self.Pictures.Of(c.Context(), u.ID)
	if err != nil {
		return err
	}
	serve(c, png, "no-store", "same-origin")
	return nil
}

// anyPicture is the address in the `picture` claim. Whoever knows it may see the
// picture, on any site; a picture that is taken away is gone within the hour.
func (p *Pages) anyPicture(c *page.Context) error {
	png, err := p.Self.Pictures.ByName(c.Context(), strings.TrimSuffix(c.R.PathValue("name"), ".png"))
	if err != nil {
		return err
	}
	serve(c, png, "public, max-age=3600", "cross-origin")
	return nil
}

// serve answers with a picture of ours, and with a policy under which it stays
// one (SECURITY.md X-09).
func serve(c *page.Context, png []byte, keep, who string) {
	h := c.W.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", keep)
	h.Set("Cross-Origin-Resource-Policy", who)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	_, _ = c.W.Write(png) // the reader may have gone away
}
