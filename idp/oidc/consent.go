package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// Fields of the consent form. The request carries when it arrived, and the
// mark binds the answer to the browser, the session, the person and the
// request, so that an allowance cannot be carried over (P-32).
const (
	fieldRequest  = "request"
	fieldMark     = "mark"
	fieldDecision = "decision"
)

func (v *visit) consentMark(request string) []string {
	return []string{v.browser, string(v.session.ID), string(v.user.ID), request}
}

// shownMark also binds the answer to what the page said of the client: one that
// registered itself may have become another meanwhile.
func shownMark(v *visit, request string) []string {
	return append(v.consentMark(request), v.q.client.shown())
}

// ask shows the consent page.
func (v *visit) ask() {
	q := v.q
	request := v.p.marks.withArrival(toAuthorize, q.query, v.browser, q.arrived)
	if q.pushed != "" && q.stamp == "" {
		// Where the page is loaded anew later on, its address must say that the
		// request arrived in time.
		see(v.w, v.p.base+PathAuthorize+"?"+request)
		return
	}
	v.w.Header().Set("Cache-Control", "no-store")
	v.p.Pages.Consent(v.w, v.r, ConsentView{
		Client: q.client, User: v.user, Scopes: q.wanted(), Redirect: q.redirect, Action: v.p.base + PathConsent,
		Hidden: map[string]string{fieldRequest: request, fieldMark: v.p.marks.mark("consent", shownMark(v, request)...)},
	})
}

// maxConsent is how long the consent form may be: a request, encoded once
// more, and the rest.
const maxConsent = 64 << 10

// AuthorizeConsent takes the answer of the consent page and ends the request
// that it was about.
func (p *Provider) AuthorizeConsent(w http.ResponseWriter, r *http.Request) {
	v := &visit{p: p, w: w, r: r}
	if err := v.decide(); err != nil {
		v.refuse(err)
	}
}

func (v *visit) decide() error {
	p, r := v.p, v.r
	if r.Method != http.MethodPost {
		return page(http.StatusMethodNotAllowed, "not_found")
	}
	if err := parseForm(v.w, r, maxConsent); err != nil {
		return page(statusOfForm(err), formKey(err))
	}
	if err := p.Pages.CSRF(r); err != nil {
		return &pageError{Problem: Problem{Status: http.StatusForbidden, Key: "forged"}, cause: err}
	}
	request := r.PostForm.Get(fieldRequest)
	var err error
	if v.q, err = (reader{p: p, ctx: r.Context()}).query(request); err != nil {
		return err
	}
	if err := v.arrive(); err != nil {
		return err
	} else if !v.q.returned {
		return page(http.StatusGone, "expired")
	}
	// The session is checked again: it may have ended, or the rules changed,
	// while the page was open.
	if done, err := v.identify(); done || err != nil {
		return err
	}
	if !p.marks.marked(r.PostForm.Get(fieldMark), "consent", shownMark(v, request)...) {
		return page(http.StatusForbidden, "forged")
	}
	return v.decided(r.PostForm.Get(fieldDecision))
}

// decided acts on the answer. Anything but "allow" is a no.
func (v *visit) decided(decision string) error {
	p, ctx := v.p, v.r.Context()
	e := p.event(v.r, "consent", v.q.client.ID, v.user.ID, v.session.ID)
	if decision != "allow" {
		e.Result = "denied"
		if err := p.Log.Append(ctx, e); err != nil {
			return err
		}
		return refuse(accessDenied, "The person said no.")
	}
	given, err := p.Consents.Of(ctx, v.user.ID, v.q.client.ID)
	if err != nil {
		return err
	}
	all := union(given, v.q.wanted())
	if err := p.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(p.Consents.Give(ctx, v.user.ID, v.q.client.ID, all, p.Now()), p.Log.Append(ctx, e))
	}); err != nil {
		return err
	}
	return v.grant()
}

// union keeps the order of a and adds what only b has.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
