// Package protocol draws what the OpenID Connect endpoints show to people:
// consent, the form that posts an answer to an application, signing out, and
// errors that no application may be told.
//
// It reads no request of the protocol and decides nothing about it.
package protocol

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(files, "*.html")

// Pages implements [oidc.Pages].
type Pages struct{ Site *page.Site }

var _ oidc.Pages = Pages{}

type field struct{ Name, Value string }

// errProblem is the cause of every page that the endpoints ask for by name.
var errProblem = errors.New("protocol: request refused")

// Error shows a problem and logs it under the id on the page.
func (p Pages) Error(w http.ResponseWriter, r *http.Request, b oidc.Problem) {
	c := p.Site.From(w, r)
	c.Dress(named(r))
	c.Here("") // a request that failed is not sent again in another language
	cause := fmt.Errorf("%w: %s", errProblem, b.Key)
	c.FailAs(cause, page.Problem{Status: b.Status, Key: b.Key, Args: b.Args, Detail: b.Detail})
}

// CSRF fails with idp.ErrForged unless we drew the form for this browser.
func (p Pages) CSRF(r *http.Request) error { return p.Site.CheckForm(r) }

type formPostView struct {
	Action template.URL
	Host   string
	Fields []field
}

// FormPost draws a form that sends itself where scripts run and has a button
// where they do not. It may lead to the application only.
func (p Pages) FormPost(w http.ResponseWriter, r *http.Request, redirect string, params map[string][]string) {
	c := p.Site.From(w, r)
	c.Dress(named(r))
	c.Here("") // the answer in it is good once
	if !c.LeadsOnlyTo(redirect) {
		c.Fail(fmt.Errorf("protocol: no form can lead to this address: %w", idp.ErrInvalid))
		return
	}
	c.Script()
	// LeadsOnlyTo has refused the schemes that would run as a script.
	v := formPostView{Action: template.URL(redirect), Host: hostOf(redirect)} //nolint:gosec // a redirect URI that registration has checked
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			v.Fields = append(v.Fields, field{name, value})
		}
	}
	show(c, http.StatusOK, "form_post.html", v)
}

type consentView struct {
	Client string
	Person page.Person
	Scopes []string
	Action string
	Hidden []field
	Host   string
	App    page.App
}

// Consent asks whether the application may have what it asks for.
func (p Pages) Consent(w http.ResponseWriter, r *http.Request, v oidc.ConsentView) {
	c := p.Site.From(w, r)
	c.Dress(v.Client.ID)
	c.Speak(v.User.Locale)
	c.LeadsOn(v.Redirect)
	show(c, http.StatusOK, "consent.html", consentView{
		Client: nameOf(v.Client), Person: page.PersonOf(v.User), Scopes: page.Scopes(c.Words, v.Scopes),
		Action: v.Action, Hidden: hidden(v.Hidden), Host: hostOf(v.Redirect), App: page.AppOf(v.Client),
	})
}

type logoutView struct {
	Client string
	Person *page.Person
	Action string
	Hidden []field
}

// Logout asks before it signs anybody out.
func (p Pages) Logout(w http.ResponseWriter, r *http.Request, v oidc.LogoutView) {
	c := p.Site.From(w, r)
	c.Dress(v.Client.ID)
	c.Speak(v.User.Locale)
	for _, u := range v.Client.PostLogoutURIs {
		c.LeadsOn(u)
	}
	view := logoutView{Client: nameOf(v.Client), Action: v.Action, Hidden: hidden(v.Hidden)}
	if v.User.ID != "" {
		person := page.PersonOf(v.User)
		view.Person = &person
	}
	show(c, http.StatusOK, "logout.html", view)
}

// onwardAfter is how many seconds applications have for ending their sessions
// before the browser goes on.
const onwardAfter = "5"

type loggedOutView struct {
	Client, Back string
	Frames       []string
	Onward       bool
}

// LoggedOut says that it is done. Where it goes on by itself, a script does so
// as soon as the frames are loaded, and the browser does without one.
func (p Pages) LoggedOut(w http.ResponseWriter, r *http.Request, v oidc.LoggedOutView) {
	c := p.Site.From(w, r)
	c.Dress(v.Client.ID)
	// From our form, which gives the language of whoever has left, or from the
	// application (OpenID Connect RP-Initiated Logout 1.0 §2).
	c.Speak(r.PostForm.Get("ui_locales"), c.Query("ui_locales"))
	frames := c.Frames(v.Frames)
	if v.Onward {
		c.Here("") // it is gone in a moment
		c.Script()
		w.Header().Set("Refresh", onwardAfter+"; url="+v.Back)
	}
	show(c, http.StatusOK, "logged_out.html", loggedOutView{nameOf(v.Client), v.Back, frames, v.Onward})
}

func show(c *page.Context, status int, name string, view any) {
	if err := c.Show(set, status, name, view); err != nil {
		c.Fail(err)
	}
}

// named is the client that a request names, whether it may come or not: nothing
// hangs on it but colours and a name that an administrator chose.
func named(r *http.Request) idp.ClientID {
	if id := r.URL.Query().Get("client_id"); id != "" {
		return idp.ClientID(id)
	}
	return idp.ClientID(r.PostForm.Get("client_id"))
}

func nameOf(c oidc.Client) string { return c.Title() }

func hidden(m map[string]string) []field {
	var out []field
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, field{name, m[name]})
	}
	return out
}

// hostOf is what a person can recognise in a URL: its host, or its scheme for
// the addresses of apps, which may name any host and go to none.
func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return u.Scheme
	}
	return u.Host
}
