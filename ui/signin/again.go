package signin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/ui/page"
)

// againParameter is the parameter of a page whose form must be sent once more: the token
// of what was typed, or 1 when nothing was kept.
const againParameter = "again"

// Return begins a sign-in that leads back: to the page itself, or to the page
// on which the posted form stands, with what was typed. Nothing is sent in the
// person's place (SECURITY.md X-01): they see it, and send it again.
func Return(c *page.Context, s *signin.Service, start signin.Start, form string) error {
	if c.R.Method == http.MethodGet {
		start.ReturnTo = c.R.URL.RequestURI()
		return Begin(c, s, start)
	}
	token, err := keep(c, s, form)
	if err != nil {
		return err
	}
	sep := "?"
	if strings.Contains(form, "?") {
		sep = "&"
	}
	start.ReturnTo = form + sep + againParameter + "=" + token
	return Begin(c, s, start)
}

// keep keeps what was typed for whoever sat there when the form was drawn. What
// is more than a form may weigh is not kept: a form with a file may bring it as
// text, and its sender may have no session any more (SECURITY.md C-11, C-12).
func keep(c *page.Context, s *signin.Service, form string) (token string, err error) {
	at, err := url.Parse(form)
	if err != nil {
		return "", err
	}
	typed, whole := c.Forms.Typed()
	if weight(typed) > page.MaxBody {
		return "1", nil
	}
	token, err = signin.Forms{In: s}.Keep(c.Context(), signin.Form{
		User: c.Forms.Poster(), Browser: c.Browser(), Page: at.Path, Action: c.R.URL.Path, Typed: typed.Encode(), Whole: whole,
	})
	if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrInvalid) || errors.Is(err, mfa.ErrLocked) {
		return "1", nil
	}
	return token, err
}

// weight is how many bytes fields have, before they are encoded.
func weight(fields url.Values) (n int) {
	for name, values := range fields {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// Refill has a form of this page drawn as somebody, who came through the gate,
// typed it before they had to prove more. The address of the page is then
// without the token, which is good once.
func Refill(c *page.Context, s *signin.Service, who idp.UserID) error {
	c.Forms.Sits(who)
	token := c.Query(againParameter)
	if c.R.Method != http.MethodGet || len(token) <= len("1") {
		return nil
	}
	f, err := signin.Forms{In: s}.Take(c.Context(), token, who, c.Browser(), c.R.URL.Path)
	if errors.Is(err, idp.ErrExpired) || errors.Is(err, idp.ErrSpent) {
		return nil
	} else if err != nil {
		return err
	}
	typed, err := url.ParseQuery(f.Typed)
	if err != nil {
		return err
	}
	q := c.R.URL.Query()
	q.Del(againParameter)
	c.Here(strings.TrimSuffix(c.R.URL.EscapedPath()+"?"+q.Encode(), "?"))
	c.Forms.Refill(f.Action, typed, f.Whole)
	return nil
}
