// Package demo is a small shop that signs people in through the provider: as
// a stock Odoo does (`response_type=token`, then one server-side call with the
// token in the query) and by code + PKCE. It runs in demo mode only, on an
// address of its own, and shows what each side saw.
//
// It is a relying party like any other: it knows nothing of the provider but
// its addresses.
package demo

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

//go:embed shop.html shop.css fragment.html
var files embed.FS

// Logo is the shop's, a PNG.
//
//go:embed logo.png
var Logo []byte

var pages = template.Must(template.ParseFS(files, "*.html"))

const cookie = "latchkey-demo-shop"

// Shop is the relying party.
type Shop struct {
	Issuer     string
	Base       string // where the shop is, without a final slash
	OdooClient string
	Validation string // the validation URL of the Odoo client
	CodeClient string
	CodeSecret string

	mu     sync.Mutex
	guests map[string]*guest
}

// guest is a browser of the shop.
type guest struct {
	Name, Email string
	How         string
	Saw         string // what the shop's server got, as JSON
	Client      string // that signed in
	IDToken     string

	state, nonce, verifier string
}

// Handler serves the shop.
func (s *Shop) Handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.home)
	m.HandleFunc("GET /shop.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "shop.css") })
	m.HandleFunc("GET /auth_oauth/signin", s.odoo)
	m.HandleFunc("GET /code", s.startCode)
	m.HandleFunc("GET /callback", s.callback)
	m.HandleFunc("POST /leave", s.leave)
	return m
}

// AuthorizeURL is the link that Odoo puts on its login page: exactly these
// five parameters.
func (s *Shop) AuthorizeURL() string {
	state, _ := json.Marshal(map[string]any{"d": "demo", "p": 1, "r": url.QueryEscape(s.Base + "/")})
	q := url.Values{
		"response_type": {"token"}, "client_id": {s.OdooClient}, "redirect_uri": {s.Base + "/auth_oauth/signin"},
		"scope": {"openid profile email"}, "state": {string(state)},
	}
	return s.Issuer + "/oauth2/authorize?" + q.Encode()
}

type homeView struct {
	Guest   *guest
	OdooURL string
	Problem string
}

func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "")
}

func (s *Shop) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	v := homeView{OdooURL: s.AuthorizeURL(), Problem: problem}
	if g := s.guest(w, r); g.How != "" {
		v.Guest = g
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, "shop.html", v) // the connection is gone if this fails
}

// odoo does what Odoo's /auth_oauth/signin does: without parameters it serves
// a page that moves the fragment into the query, with them it asks the
// provider whose token it got.
func (s *Shop) odoo(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("access_token")
	if token == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = pages.ExecuteTemplate(w, "fragment.html", nil)
		return
	}
	ask := http.Client{Timeout: 10 * time.Second} // as long as Odoo waits
	resp, err := ask.Get(s.Validation + "?" + url.Values{"access_token": {token}}.Encode())
	if err != nil {
		s.show(w, r, http.StatusBadGateway, "The provider did not answer the validation call.")
		return
	}
	defer resp.Body.Close()
	var claims map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, resp.Body, 1<<20)).Decode(&claims); err != nil || resp.StatusCode != http.StatusOK {
		s.show(w, r, http.StatusForbidden, "The provider refused the token ("+resp.Status+"). A token is good once: sign in again.")
		return
	}
	s.welcome(w, r, "as Odoo does (response_type=token, then one validation call)", claims, s.OdooClient, "")
}

// welcome lets the person in and goes home.
func (s *Shop) welcome(w http.ResponseWriter, r *http.Request, how string, claims map[string]any, client, idToken string) {
	saw, err := json.MarshalIndent(claims, "", "  ")
	if err != nil {
		s.show(w, r, http.StatusInternalServerError, "The claims cannot be shown.")
		return
	}
	g := s.guest(w, r)
	s.mu.Lock()
	g.Name, _ = claims["name"].(string)
	g.Email, _ = claims["email"].(string)
	g.How, g.Saw, g.Client, g.IDToken = how, string(saw), client, idToken
	s.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Shop) startCode(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.client(r)
	if err != nil {
		s.show(w, r, http.StatusBadGateway, "The provider's discovery document cannot be read.")
		return
	}
	g := s.guest(w, r)
	s.mu.Lock()
	g.state, g.nonce, g.verifier = rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	to := c.AuthCodeURL(g.state, oidc.Nonce(g.nonce), oauth2.S256ChallengeOption(g.verifier))
	s.mu.Unlock()
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // the provider's endpoint, from its discovery document
}

func (s *Shop) callback(w http.ResponseWriter, r *http.Request) {
	g := s.guest(w, r)
	s.mu.Lock()
	state, nonce, verifier := g.state, g.nonce, g.verifier
	g.state = ""
	s.mu.Unlock()
	q := r.URL.Query()
	switch {
	case q.Get("error") != "":
		s.show(w, r, http.StatusForbidden, "The provider answered: "+q.Get("error")+". "+q.Get("error_description"))
		return
	case state == "" || q.Get("state") != state || q.Get("iss") != s.Issuer:
		s.show(w, r, http.StatusForbidden, "This answer belongs to no sign-in that began here.")
		return
	}
	c, p, err := s.client(r)
	if err != nil {
		s.show(w, r, http.StatusBadGateway, "The provider's discovery document cannot be read.")
		return
	}
	token, err := c.Exchange(r.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		s.show(w, r, http.StatusForbidden, "The provider refused the code: it is good once, for a minute.")
		return
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: s.CodeClient}).Verify(r.Context(), raw)
	if err != nil || id.Nonce != nonce {
		s.show(w, r, http.StatusForbidden, "The ID token does not verify.")
		return
	}
	info, err := p.UserInfo(r.Context(), oauth2.StaticTokenSource(token))
	claims := map[string]any{}
	if err == nil {
		err = info.Claims(&claims)
	}
	own := map[string]any{}
	if err != nil || id.Claims(&own) != nil {
		s.show(w, r, http.StatusBadGateway, "The userinfo endpoint did not answer.")
		return
	}
	for _, k := range []string{"acr", "amr", "auth_time", "sid"} {
		claims[k] = own[k]
	}
	s.welcome(w, r, "by authorization code with PKCE", claims, s.CodeClient, raw)
}

// client reads the provider's discovery document.
func (s *Shop) client(r *http.Request) (*oauth2.Config, *oidc.Provider, error) {
	p, err := oidc.NewProvider(r.Context(), s.Issuer)
	if err != nil {
		return nil, nil, err
	}
	return &oauth2.Config{
		ClientID: s.CodeClient, ClientSecret: s.CodeSecret, RedirectURL: s.Base + "/callback", Endpoint: p.Endpoint(),
		Scopes: []string{"openid", "profile", "email"},
	}, p, nil
}

// leave ends the shop's own session and then, if asked to, the provider's:
// whoever changes their mind there has left the shop all the same.
func (s *Shop) leave(w http.ResponseWriter, r *http.Request) {
	to := "/"
	if c, err := r.Cookie(cookie); err == nil {
		s.mu.Lock()
		if g := s.guests[c.Value]; g != nil && g.How != "" && r.FormValue("also") == "provider" {
			to = s.logoutURL(g)
		}
		delete(s.guests, c.Value)
		s.mu.Unlock()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// logoutURL names the client that signed in. Only with an ID token does the
// provider sign out unasked; an Odoo has none.
func (s *Shop) logoutURL(g *guest) string {
	q := url.Values{"client_id": {g.Client}, "post_logout_redirect_uri": {s.Base + "/"}}
	if g.IDToken != "" {
		q.Set("id_token_hint", g.IDToken)
	}
	return s.Issuer + "/oauth2/logout?" + q.Encode()
}

// guest finds or makes the browser's guest. At most a thousand are kept.
func (s *Shop) guest(w http.ResponseWriter, r *http.Request) *guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := r.Cookie(cookie); err == nil && s.guests[c.Value] != nil {
		return s.guests[c.Value]
	}
	if s.guests == nil || len(s.guests) > 1000 {
		s.guests = map[string]*guest{}
	}
	id := rand.Text()
	g := &guest{}
	s.guests[id] = g
	//nolint:gosec // the demo runs on this machine, over http
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return g
}
