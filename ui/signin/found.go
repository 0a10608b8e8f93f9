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

// mountFounding adds the page behind the link that `latchkey serve` prints
// while nobody owns the house.
func (p *Pages) mountFounding(r gin.IRouter) {
	here := func(c *page.Context) string { return c.R.URL.Path }
	r.GET("/first/:token", p.Site.Strangers(p.founding))
	r.POST("/first/:token", p.Site.Strangers(p.found, here))
}

// foundView is the page on which the first owner makes their account.
type foundView struct {
	Action      string
	Name, Email string
	Least       int // characters of the password
	Wrong       map[string]string
	Error       *complaint
}

func (p *Pages) founding(c *page.Context) error {
	if err := p.Help.MayFound(c.Context(), c.R.PathValue("token")); err != nil {
		return p.overdue(c, err)
	}
	return p.showFounding(c, http.StatusOK, foundView{})
}

func (p *Pages) showFounding(c *page.Context, status int, v foundView) error {
	v.Action, v.Least = c.R.URL.Path, max(8, p.Help.MinPassword)
	c.Script()
	c.Here(c.R.URL.Path)
	return c.Show(set, status, "found.html", v)
}

// found makes the owner and begins their sign-in, in which they set up a second
// factor: the administration asks for one whatever policy says (D-03).
func (p *Pages) found(c *page.Context) error {
	in := account.New{Name: c.Form("name"), Email: c.Form("email"), Password: c.Form("new_password"), Locale: c.Words.Lang()}
	u, err := p.Help.Found(c.Context(), c.Origin(), c.R.PathValue("token"), in)
	if errors.Is(err, idp.ErrInvalid) {
		return p.showFounding(c, http.StatusBadRequest, refusedFounding(c, in, err))
	} else if err != nil {
		return p.overdue(c, err)
	}
	f, err := p.SignIn.Begin(c.Context(), signin.Start{
		Browser: c.Browser(), ReturnTo: Administration, Hint: u.Login, From: c.Origin(), Choose: true,
		Need: idp.Need{Subject: u.ID, ACR: idp.AAL2, Essential: true},
	})
	if err != nil {
		return err
	}
	t, err := p.SignIn.Ticket(f)
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
