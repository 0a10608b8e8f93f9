package oidc

import (
	"context"
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
	form   url.Values
	hint   hint   // empty: none, or not ours
	client Client // zero: none named
	back   string // where to go then; empty: nowhere
}

// Logout signs a person out. It asks them first unless the ID token in the
// request proves that it comes from an application of the present session:
// otherwise any page could sign them out (P-30).
func (p *Provider) Logout(w http.ResponseWriter, r *http.Request) {
	if err := p.logout(w, r); err != nil {
		p.showError(w, r, err)
	}
}

func (p *Provider) logout(w http.ResponseWriter, r *http.Request) error {
	query, err := rawRequest(w, r)
	if err != nil {
		return err
	}
	confirmed := r.Method == http.MethodPost && r.PostForm.Get(fieldConfirm) != ""
	if r.Method == http.MethodPost && !confirmed {
		// From another site our cookies do not come along; by GET they do.
		see(w, p.base+PathLogout+"?"+query)
		return nil
	}
	if confirmed {
		if err := p.Pages.CSRF(r); err != nil {
			return &pageError{Problem: Problem{Status: http.StatusForbidden, Key: "forged"}, cause: err}
		}
	}
	f, err := p.readFarewell(r.Context(), query)
	if err != nil {
		return err
	}
	s, u, err := p.Browser.Check(r, idp.Need{})
	if err != nil && !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrDenied) && !errors.Is(err, idp.ErrNotFound) {
		return err
	}
	own := f.hint.Subject != "" && (s.ID == "" || f.hint.Session == s.ID || f.hint.Subject == u.ID)
	if s.ID != "" && !confirmed && !own {
		p.askFarewell(w, r, f, u)
		return nil
	}
	if s.ID != "" {
		if err := p.end(w, r, f, s); err != nil {
			return err
		}
	}
	p.sayFarewell(w, r, f, own || confirmed)
	return nil
}

// readFarewell judges the parameters. A hint that is not ours counts as none:
// who wants to sign out should be able to.
func (p *Provider) readFarewell(ctx context.Context, query string) (farewell, error) {
	form, err := parseQuery(query)
	if err != nil {
		return farewell{}, err
	}
	for _, vs := range form {
		if len(vs) > 1 { // P-14
			return farewell{}, page(http.StatusBadRequest, "malformed")
		}
	}
	f := farewell{form: form}
	if raw := form.Get("id_token_hint"); raw != "" {
		f.hint, err = p.hint(ctx, raw)
		if notOurs := (*refusal)(nil); err != nil && !errors.As(err, &notOurs) {
			return farewell{}, err
		}
	}
	named := ClientID(form.Get("client_id"))
	if named != "" && f.hint.Audience != "" && named != f.hint.Audience {
		return farewell{}, page(http.StatusBadRequest, "client")
	}
	if named == "" {
		named = f.hint.Audience
	}
	if named == "" {
		return f, nil
	}
	if f.client, err = p.client(ctx, named); errors.Is(err, idp.ErrNotFound) {
		return farewell{}, page(http.StatusBadRequest, "client")
	} else if err != nil {
		return farewell{}, err
	}
	to := form.Get("post_logout_redirect_uri")
	if to != "" && !slices.Contains(f.client.PostLogoutURIs, to) {
		return farewell{}, page(http.StatusBadRequest, "logout_uri")
	}
	f.back = withState(to, form.Get("state"))
	return f, nil
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

func (p *Provider) askFarewell(w http.ResponseWriter, r *http.Request, f farewell, u idp.User) {
	hidden := map[string]string{fieldConfirm: "1"}
	for name := range f.form {
		if v := f.form.Get(name); v != "" {
			hidden[name] = v
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	p.Pages.Logout(w, r, LogoutView{User: u, Client: f.client, Action: p.base + PathLogout, Hidden: hidden})
}

// end ends the session, the codes and the access tokens that came from it.
// Refresh tokens stay: offline_access means to outlive the session (OpenID
// Connect Core 1.0 §11).
func (p *Provider) end(w http.ResponseWriter, r *http.Request, f farewell, s idp.Session) error {
	e := p.event(r, "logout", f.client.ID, s.User, s.ID)
	err := p.Atomic(r.Context(), func(ctx context.Context) error {
		if err := p.Grants.Revoke(ctx, Selection{Session: s.ID, Kinds: []string{KindCode, KindAccess}}); err != nil {
			return err
		}
		return p.Log.Append(ctx, e)
	})
	if err != nil {
		return err
	}
	if err := p.Browser.Forget(w, r); err != nil {
		return err
	}
	// Not "cookies": that would forget that the browser is known (S-09, B-09).
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return nil
}

// sayFarewell leads back to the application, at once if it has proven that it
// may ask for that, otherwise by a link.
func (p *Provider) sayFarewell(w http.ResponseWriter, r *http.Request, f farewell, straight bool) {
	if f.back != "" && straight {
		see(w, f.back)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	p.Pages.LoggedOut(w, r, f.client, f.back)
}

// see sends the browser on by GET (P-18).
func see(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
