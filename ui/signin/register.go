package signin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/register"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/ui/page"
)

// registration draws where strangers make an account of their own.
type registration struct {
	entrance
	way        *register.Service
	rules      account.PasswordRules
	background func(do func(context.Context) error) bool // see Pages.Background
}

func (p registration) mount(r gin.IRouter, s *page.Site) {
	r.GET("/register", s.Strangers(p.form))
	r.POST("/register", s.Strangers(p.ask, func(c *page.Context) string { return registerAt(wanted(c), ticket(c)) }))
	r.GET("/register/:token", s.Strangers(p.renew))
	r.POST("/register/:token", s.Strangers(p.make, here))
}

// registerView is the page on which a stranger asks for an account.
type registerView struct {
	Sent           bool
	Ticket         string       // of the sign-in that they came from; empty: of none
	Client         idp.ClientID // where they were going
	ClientName     string
	Email, Name    string
	Wrong          map[string]string
	Error          *complaint
	SignIn         string // address of the sign-in
	Terms, Privacy string
}

// arrive finds where the browser came from, and what is offered there. What is not
// offered is not there.
func (p registration) arrive(c *page.Context) (registerView, error) {
	v := registerView{Client: wanted(c), SignIn: "/login"}
	if t := ticket(c); t != "" {
		from, err := p.signIn.Load(c.Context(), t, c.Browser(), c.Origin())
		if err == nil && from.Flow.ID == "" {
			v.Ticket, v.Client, v.ClientName, v.SignIn = t, toward(from.Flow), from.Flow.Client, at("/login", t)
			c.Speak(from.Flow.Locales)
		}
	}
	terms, offered, err := p.way.Offered(c.Context(), v.Client)
	if err == nil && !offered {
		err = idp.ErrNotFound
	}
	v.Terms, v.Privacy = terms.Terms, terms.Privacy
	c.Dress(v.Client)
	c.Here(registerAt(v.Client, v.Ticket))
	return v, err
}

// wanted is where somebody says that they were going.
func wanted(c *page.Context) idp.ClientID {
	return idp.ClientID(cmp.Or(c.Form("client"), c.Query("client")))
}

// registerAt is the page that asks for an account, on the way to where the person
// was going; more is pairs of further parameters.
func registerAt(client idp.ClientID, ticket string, more ...string) string {
	q := url.Values{}
	if ticket != "" {
		q.Set("flow", ticket)
	}
	if client != "" { // also when the sign-in is over by then
		q.Set("client", string(client))
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return "/register"
	}
	return "/register?" + q.Encode()
}

func (p registration) form(c *page.Context) error {
	v, err := p.arrive(c)
	if err != nil {
		return err
	}
	v.Sent = c.Query("sent") != ""
	return c.Show(set, http.StatusOK, "register.html", v)
}

// ask answers the same, and as fast, whatever address was named: what there is to
// do is done after the answer (SECURITY.md E-01, E-02).
func (p registration) ask(c *page.Context) error {
	v, err := p.arrive(c)
	if err != nil {
		return err
	}
	in := register.Asked{Email: c.Form("email"), Name: c.Form("name"), Language: c.Words.Lang(), Client: v.Client, Way: v.Ticket}
	v.Email, v.Name = in.Email, in.Name
	if v.Wrong = p.wrong(c, in); len(v.Wrong) > 0 {
		return c.Show(set, http.StatusBadRequest, "register.html", v)
	}
	from := c.Origin()
	if err = p.signIn.Tries().Place(c.Context(), from); err == nil {
		err = p.way.Room(c.Context(), from)
	}
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		v.Error = lockOf(c, locked)
		return c.Show(set, http.StatusTooManyRequests, "register.html", v)
	} else if err != nil {
		return err
	}
	if !p.background(func(ctx context.Context) error { return p.way.Ask(ctx, from, in) }) {
		return idp.ErrBusy
	}
	return c.Redirect(registerAt(v.Client, v.Ticket, "sent", "1"))
}

// wrong says beside each field what is wrong with it.
func (p registration) wrong(c *page.Context, in register.Asked) map[string]string {
	out := map[string]string{}
	err := p.way.Check(in)
	fields := account.FieldOf(err)
	if slices.Contains(fields, "email") || slices.Contains(fields, "login") {
		out["email"] = c.Words.T("found.email_wrong")
	}
	if errors.Is(err, register.ErrName) {
		out["name"] = c.Words.T("register.name_wrong")
	}
	if err != nil && len(out) == 0 {
		out["email"] = c.Words.T("found.email_wrong")
	}
	return out
}

// makeView is the page on which whoever followed the link chooses a password.
type makeView struct {
	Action         string
	Person         page.Person
	Login, Name    string
	Least          int // characters
	Until          time.Time
	Error          *complaint
	Terms, Privacy string // addresses
	Agreement      string // see [register.Request.Agreement]
	Disagreed      bool
	NameWrong      bool
}

// open finds what the link is about, or shows what became of it.
func (p registration) open(c *page.Context, draw func(register.Request) error) error {
	r, err := p.way.Open(c.Context(), c.R.PathValue("token"))
	if err != nil {
		return overdue(c, err)
	}
	c.Speak(r.Language)
	c.Dress(r.Client)
	c.Here(c.R.URL.Path)
	return draw(r)
}

func (p registration) renew(c *page.Context) error {
	return p.open(c, func(r register.Request) error { return p.show(c, http.StatusOK, r, makeView{Name: r.Name}) })
}

// show allows the script that shows what is typed and counts it.
func (p registration) show(c *page.Context, status int, r register.Request, v makeView) error {
	u := r.Person()
	u.Name = u.Email // what a stranger wrote is no heading here
	least, err := p.rules.Least(c.Context(), u)
	if err != nil {
		return err
	}
	c.Script()
	v.Action, v.Person, v.Login, v.Least, v.Until = c.R.URL.Path, page.PersonOf(u), u.Login, least, r.Expires
	v.Terms, v.Privacy, v.Agreement = r.Terms.Terms, r.Terms.Privacy, r.Agreement()
	return c.Show(set, status, "registered.html", v)
}

// make makes the person and begins their sign-in: the link signs nobody in, and
// what policy demands is asked for and set up there (SECURITY.md E-03).
func (p registration) make(c *page.Context) error {
	return p.open(c, func(r register.Request) error {
		u, err := p.way.Make(c.Context(), c.Origin(), r, register.Chosen{
			Name: c.Form("name"), Password: c.Form("new_password"), Zone: c.Form("zone"), Agreed: c.Form("agreed") != "", Agreement: c.Form("agreement"),
		})
		again := makeView{Name: c.Form("name")}
		switch {
		case errors.Is(err, register.ErrTerms):
			again.Disagreed = true
			return p.show(c, http.StatusBadRequest, r, again)
		case errors.Is(err, register.ErrName):
			again.NameWrong = true
			return p.show(c, http.StatusBadRequest, r, again)
		case errors.Is(err, idp.ErrTaken):
			problem := page.ProblemOf(err)
			problem.Key, problem.Back, problem.Word = "registered", "/login", "link.login"
			c.FailAs(err, problem)
			return nil
		case errors.Is(err, idp.ErrInvalid):
			title, text := page.PasswordProblem(c.Words, err)
			again.Error = &complaint{title, text}
			return p.show(c, http.StatusBadRequest, r, again)
		case err != nil:
			return overdue(c, err)
		}
		return p.admit(c, r, u)
	})
}

// admit begins the first sign-in. In the browser that asked it goes on with what
// waits there, such as an application's request; in another, and when that took
// too long, it leads to the application's door.
func (p registration) admit(c *page.Context, r register.Request, u idp.User) error {
	if r.Way != "" {
		if v, err := p.signIn.Load(c.Context(), r.Way, c.Browser(), c.Origin()); err == nil && v.Flow.ID == "" {
			f := v.Flow
			f.Need.Subject = u.ID
			return p.begin(c, signin.Start{
				Need: f.Need, ReturnTo: f.ReturnTo, Redirect: f.Redirect, Onward: f.Onward, Client: f.Client, Hint: u.Login, Locales: f.Locales,
			}, "made")
		}
	}
	start, err := p.start(c, idp.Link{Data: map[string]string{"client": string(r.Client)}}, u)
	if err != nil {
		return err
	}
	return p.begin(c, start, "made")
}

// offer is where an account can be asked for from a page of a sign-in; empty:
// nowhere. Who is meant already has one.
func (p registration) offer(ctx context.Context, f signin.Flow, ticket string) (string, error) {
	if p.way == nil || f.ID != "" || f.Need.Subject != "" || strings.HasPrefix(f.ReturnTo, Administration) {
		return "", nil
	}
	client := toward(f)
	_, offered, err := p.way.Offered(ctx, client)
	if err != nil || !offered {
		return "", err
	}
	return registerAt(client, ticket), nil
}
