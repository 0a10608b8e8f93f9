package signin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// Administration is where a new owner goes on, once they have a second factor.
const Administration = "/admin"

// founding draws the page behind the link that `latchkey serve` prints while
// nobody owns the house.
type founding struct {
	signIn *signin.Service
	way    account.Founding
	least  int // characters of a password
}

func (p founding) mount(r gin.IRouter, s *page.Site) {
	r.GET("/first/:token", s.Strangers(p.ask))
	r.POST("/first/:token", s.Strangers(p.found, here))
}

// foundView is the page on which the first owner makes their account.
type foundView struct {
	Action      string
	Name, Email string
	Least       int // characters of the password
	Wrong       map[string]string
	Error       *complaint
}

func (p founding) ask(c *page.Context) error {
	if err := p.way.MayFound(c.Context(), c.R.PathValue("token")); err != nil {
		return overdue(c, err)
	}
	return p.show(c, http.StatusOK, foundView{})
}

func (p founding) show(c *page.Context, status int, v foundView) error {
	v.Action, v.Least = c.R.URL.Path, max(8, p.least)
	c.Script()
	c.Here(c.R.URL.Path)
	return c.Show(set, status, "found.html", v)
}

// found makes the owner and begins their sign-in, in which they set up a second
// factor: the administration asks for one whatever policy says (D-03).
func (p founding) found(c *page.Context) error {
	in := account.New{Name: c.Form("name"), Email: c.Form("email"), Password: c.Form("new_password"), Locale: c.Words.Lang()}
	u, err := p.way.Found(c.Context(), c.Origin(), c.R.PathValue("token"), in)
	if errors.Is(err, idp.ErrInvalid) {
		return p.show(c, http.StatusBadRequest, refusedFounding(c, in, err))
	} else if err != nil {
		return overdue(c, err)
	}
	f, err := p.signIn.Begin(c.Context(), signin.Start{
		Browser: c.Browser(), ReturnTo: Administration, Hint: u.Login, From: c.Origin(), Choose: true,
		Need: idp.Need{Subject: u.ID, ACR: idp.AAL2, Essential: true},
	})
	if err != nil {
		return err
	}
	t, err := p.signIn.Ticket(f)
	if err != nil {
		return err
	}
	return c.Redirect(at("/login", t))
}

// refusedFounding is the form as it was sent, with what is wrong beside each
// field. A password is never sent back.
func refusedFounding(c *page.Context, in account.New, err error) foundView {
	v := foundView{Name: in.Name, Email: in.Email, Wrong: map[string]string{}}
	fields := account.FieldOf(err)
	switch {
	case slices.Contains(fields, "email") || slices.Contains(fields, "login"):
		v.Wrong["email"] = c.Words.T("found.email_wrong")
	case slices.Contains(fields, "name"):
		v.Wrong["name"] = c.Words.T("found.name_wrong")
	case strings.TrimSpace(in.Password) == "":
		v.Wrong["password"] = c.Words.T("found.password_none")
	default:
		title, text := page.PasswordProblem(c.Words, err)
		v.Error = &complaint{title, text}
	}
	return v
}

// FoundingAddress is the address that makes the first owner.
func FoundingAddress(issuer, token string) string {
	return strings.TrimRight(issuer, "/") + "/first/" + token
}
