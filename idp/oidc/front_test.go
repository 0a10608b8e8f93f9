package oidc_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

type browser struct{ h *house }

func (b browser) Check(r *http.Request, need idp.Need) (idp.Session, idp.User, error) {
	c, err := r.Cookie("s")
	if err != nil {
		return idp.Session{}, idp.User{}, idp.ErrNotFound
	}
	s, u, err := b.h.db.Sessions.ByHash(r.Context(), c.Value)
	switch {
	case err != nil:
		return idp.Session{}, idp.User{}, err
	case u.Disabled || !s.Live(b.h.now()):
		return idp.Session{}, idp.User{}, idp.ErrNotFound
	case u.Login == "mallory":
		return s, u, idp.ErrDenied
	case need.Subject != "" && need.Subject != u.ID, need.Since.After(s.AuthTime()), need.ACR == idp.AAL2 && idp.ACR(s.Proofs) == idp.AAL1:
		return s, u, idp.ErrMore
	}
	return s, u, nil
}

func (b browser) SignIn(w http.ResponseWriter, r *http.Request, ask oidc.Ask) {
	b.h.mu.Lock()
	defer b.h.mu.Unlock()
	b.h.asks = append(b.h.asks, ask)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (b browser) Binding(w http.ResponseWriter, r *http.Request) string {
	if c, err := r.Cookie("b"); err == nil {
		return c.Value
	}
	v := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: "b", Value: v, Path: "/"})
	return v
}

func (b browser) Forget(w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie("s")
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: "s", Path: "/", MaxAge: -1})
	s, _, err := b.h.db.Sessions.ByHash(r.Context(), c.Value)
	if err != nil {
		return err
	}
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return b.h.db.Atomic(r.Context(), func(ctx context.Context) error {
		return errors.Join(b.h.db.Sessions.End(ctx, s.ID), b.h.db.SessionTokens.EndSession(ctx, s.ID))
	})
}

// pages draws nothing; it notes what it was asked to draw.
type pages struct {
	mu      sync.Mutex
	problem oidc.Problem
	consent oidc.ConsentView
	logout  oidc.LogoutView
	posted  url.Values
	bye     oidc.LoggedOutView
	device  devicesSeen
}

func (p *pages) note(w http.ResponseWriter, status int, name string, do func()) {
	p.mu.Lock()
	do()
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	io.WriteString(w, name)
}

func (p *pages) Error(w http.ResponseWriter, _ *http.Request, x oidc.Problem) {
	p.note(w, x.Status, "page:error:"+x.Key, func() { p.problem = x })
}
func (p *pages) FormPost(w http.ResponseWriter, _ *http.Request, to string, v map[string][]string) {
	p.note(w, 200, "page:post:"+to, func() { p.posted = v })
}
func (p *pages) Consent(w http.ResponseWriter, _ *http.Request, v oidc.ConsentView) {
	p.note(w, 200, "page:consent", func() { p.consent = v })
}
func (p *pages) Logout(w http.ResponseWriter, _ *http.Request, v oidc.LogoutView) {
	p.note(w, 200, "page:logout", func() { p.logout = v })
}
func (p *pages) LoggedOut(w http.ResponseWriter, _ *http.Request, v oidc.LoggedOutView) {
	p.note(w, 200, "page:bye", func() { p.bye = v })
}
func (p *pages) CSRF(r *http.Request) error {
	if r.PostForm.Get("csrf") != "good" {
		return idp.ErrForged
	}
	return nil
}
