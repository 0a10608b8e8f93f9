package profile

import (
	"errors"
	"strings"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// pictures serves people's pictures.
type pictures struct {
	signIn *signin.Service
	all    account.Pictures
}

func (p pictures) mount(r gin.IRouter, s *page.Site) {
	r.GET("/my/picture", s.Members(p.mine))
	r.GET(account.PicturePath+":name", s.Strangers(p.any))
}

// mine is for the person's own pages. It leads nobody to the sign-in: a
// picture is part of a page that has been there.
func (p pictures) mine(c *page.Context) error {
	_, u, err := p.signIn.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
	if errors.Is(err, idp.ErrMore) {
		return idp.ErrDenied
	} else if err != nil {
		return err
	}
	png, err := p.all.Of(c.Context(), u.ID)
	if err != nil {
		return err
	}
	serve(c, png, "no-store", "same-origin")
	return nil
}

// any is the address in the `picture` claim. Whoever knows it may see the
// picture, on any site; a picture that is taken away is gone within the hour.
func (p pictures) any(c *page.Context) error {
	png, err := p.all.ByName(c.Context(), strings.TrimSuffix(c.R.PathValue("name"), ".png"))
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
