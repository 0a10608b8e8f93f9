package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"latchkey/idp"
)

// fieldConfirm tells an answer of our own page from an application's POST.
const fieldConfirm = "confirm"

// farewell is a request to sign out (OpenID Connect RP-Initiated Logout 1.0).
type farewell struct {
	p *Provider
	w http.ResponseWriter
	r *http.Request

	form      url.Values
	confirmed bool   // by our own form
	hint      hint   // empty: none, or not ours
	client    Client // zero: none named
	back      string // where to go then; empty: nowhere
	frames    []string
}

// Logout signs a person out. It asks them first unless the ID token in the
// request proves that it comes from an application of the present session:
// otherwise any page could sign them out (P-30).
func (p *Provider) Logout(w http.ResponseWriter, r *http.Request) {
	f := &farewell{p: p, w: w, r: r}
	query, err := rawRequest(w, r)
	if err == nil {
		err = f.run(query)
	}
	if err != nil {
		p.refusals.page(w, r, err)
	}
}

func (f *farewell) run(query string) error {
	if f.r.Method == http.MethodPost {
		if f.r.PostForm.Get(fieldConfirm) == "" {
			// From another site our cookies do not come along; by GET they do.
			see(f.w, f.p.base+PathLogout+"?"+query)
			return nil
		}
		if err := f.p.Pages.CSRF(f.r); err != nil {
			return &pageError{Problem: Problem{Status: http.StatusForbidden, Key: "forged"}, cause: err}
		}
		f.confirmed = true
	}
	if err := f.read(query); err != nil {
		return err
	}
	s, u, err := f.p.present(f.r)
	if err != nil {
		return err
	}
	own := f.hint.Subject != "" && (s.ID == "" || f.hint.Session == s.ID || f.hint.Subject == u.ID)
	if s.ID != "" && !f.confirmed && !own {
		f.ask(u)
		return nil
	}
	if s.ID != "" {
		if err := f.end(s); err != nil {
			return err
		}
	}
	f.say(own || f.confirmed)
	return nil
}

// present returns who is signed in, however well; nobody is no error.
func (p *Provider) present(r *http.Request) (idp.Session, idp.User, error) {
	s, u, err := p.Browser.Check(r, idp.Need{})
	for _, fine := range []error{idp.ErrMore, idp.ErrDenied, idp.ErrNotFound} {
		if errors.Is(err, fine) {
			err = nil
		}
	}
	return s, u, err
}

// read judges the parameters. A hint that is not ours counts as none: who
// wants to sign out should be able to.
func (f *farewell) read(query string) error {
	var err error
	if f.form, err = parseQuery(query); err != nil {
		return err
	}
	for _, vs := range f.form {
		if len(vs) > 1 { // P-14
			return page(http.StatusBadRequest, "malformed")
		}
	}
	if raw := f.form.Get("id_token_hint"); raw != "" {
		f.hint, err = f.p.hints.read(f.r.Context(), raw)
		if notOurs := (*refusal)(nil); err != nil && !errors.As(err, &notOurs) {
			return err
		}
	}
	named := ClientID(f.form.Get("client_id"))
	if named != "" && f.hint.Audience != "" && named != f.hint.Audience {
		return page(http.StatusBadRequest, "client")
	}
	if named == "" {
		named = f.hint.Audience
	}
	return f.readBack(named)
}

// readBack judges where to go afterwards. Without a client nobody can say who
// may be sent there.
func (f *farewell) readBack(named ClientID) error {
	if named == "" {
		return nil
	}
	var err error
	if f.client, err = f.p.registry.client(f.r.Context(), named); errors.Is(err, idp.ErrNotFound) {
		return page(http.StatusBadRequest, "client")
	} else if err != nil {
		return err
	}
	to := f.form.Get("post_logout_redirect_uri")
	if to != "" && !slices.Contains(f.client.PostLogoutURIs, to) {
		return page(http.StatusBadRequest, "redirect_uri")
	}
	f.back = withState(to, f.form.Get("state"))
	return nil
}

func withState(to, state string) string {
	if to == "" || state == "" {
		return to
	}
	u, err := url.Parse(to)
	if err != nil { // registration would not have let it pass
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += encode(url.Values{"state": {state}})
	return u.String()
}

func (f *farewell) ask(u idp.User) {
	hidden := map[string]string{fieldConfirm: "1"}
	// Only what we know: another parameter could pose as a field of the page.
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		if v := f.form.Get(name); v != "" {
			hidden[name] = v
		}
	}
	f.w.Header().Set("Cache-Control", "no-store")
	f.p.Pages.Logout(f.w, f.r, LogoutView{User: u, Client: f.client, Action: f.p.base + PathLogout, Hidden: hidden})
}

// end signs out: the session goes, and with it the codes and access tokens that
// came from it. Refresh tokens stay: offline_access means to outlive the session
// (OpenID Connect Core 1.0 §11).
func (f *farewell) end(s idp.Session) (err error) {
	// With the session goes what is known about whom to tell.
	if f.frames, err = f.p.fronts.of(f.r.Context(), s.ID); err != nil {
		return err
	}
	if err := f.p.Browser.Forget(f.w, f.r); err != nil {
		return err
	}
	return f.p.Log.Append(f.r.Context(), f.p.event(f.r, "logout", f.client.ID, s.User, s.ID))
}

// say leads back to the application, at once if it has proven that it
// may ask for that, otherwise by a link. If other applications are to be told
// through the browser, a page does so first.
func (f *farewell) say(straight bool) {
	straight = straight && f.back != ""
	if straight && len(f.frames) == 0 {
		see(f.w, f.back)
		return
	}
	f.w.Header().Set("Cache-Control", "no-store")
	f.p.Pages.LoggedOut(f.w, f.r, LoggedOutView{Client: f.client, Back: f.back, Frames: f.frames, Onward: straight})
}

// see sends the browser on by GET (P-18).
func see(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
