package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
)

// pushedURN begins the names of requests that were pushed (RFC 9126 §2.2).
const pushedURN = "urn:ietf:params:oauth:request_uri:"

// pushedFor is how long a pushed request may take until it arrives at a browser
// (P-34). From then on it has as long as every other, see arrivedFor: whoever
// types a password must not lose it.
const pushedFor = 90 * time.Second

// Push takes an authorization request from the client itself, ahead of the
// browser (RFC 9126 §2). It reads nothing but the client, and writes one row.
func (p *Provider) Push(w http.ResponseWriter, r *http.Request) {
	if preflight(w, r, "POST") {
		return
	}
	name, err := p.push(w, r)
	if errors.Is(err, errPushes) {
		w.Header().Set("Retry-After", "60")
		writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": unavailable, "error_description": "Too many requests from this address."})
		return
	}
	if err != nil {
		p.refusals.json(w, r, storeFault(told(err)))
		return
	}
	writeJSON(w, http.StatusCreated, map[string]any{"request_uri": name, "expires_in": int(pushedFor.Seconds())})
}

func (p *Provider) push(w http.ResponseWriter, r *http.Request) (name string, err error) {
	if err := readForm(w, r); err != nil {
		return "", err
	}
	c, err := p.auth.client(r.Context(), r, r.PostForm, PathPAR)
	if err != nil {
		return "", err
	}
	// Who proves nothing must not fill the table. A secret that a client gave itself
	// proves nothing.
	if (!c.confidential() || c.ByItself()) && !p.pushes.more(p.Origin(r).Address, p.Now()) {
		return "", errPushes
	}
	if r.PostForm.Get("request_uri") != "" {
		return "", refuse(invalidRequest, "A request that is pushed is not somewhere else: request_uri is not allowed here.")
	}
	q, err := reader{p: p, ctx: r.Context(), pushing: true}.query(askedFor(r.PostForm, c.ID).Encode())
	if err == nil && len(q.query) > maxRequest { // parts of it go into addresses all the same
		err = refuse(invalidRequest, "The request is longer than 8 KiB.")
	}
	if err != nil {
		return "", err
	}
	token := newSecret()
	return pushedURN + token, p.Grants.Put(r.Context(), Grant{
		Kind: KindPushed, Signature: hashSecret(token), Client: c.ID, Payload: []byte(q.query), Expires: p.Now().Add(pushedFor + arrivedFor),
	})
}

// askedFor is the authorization request in a form, without what proves the client.
func askedFor(form url.Values, c ClientID) url.Values {
	out := url.Values{}
	for name, vs := range form {
		out[name] = vs
	}
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		delete(out, name)
	}
	out.Set("client_id", string(c))
	return out
}

// told is an error in words for the client: at this endpoint nobody looks at
// pages.
func told(err error) error {
	var shown *pageError
	if !errors.As(err, &shown) || shown.cause != nil {
		return err
	}
	if shown.Key == "redirect_uri" {
		return refuse(invalidRequest, "The redirect_uri is not registered for this client.")
	}
	return refuse(invalidRequest, "The request is not well-formed.")
}

// pushed puts the request that was pushed in the place of what names it. Nothing
// beside the name counts (RFC 9101 §6.3, P-34).
func (d reader) pushed(q *request) error {
	if d.pushing || len(q.form["request_uri"]) > 1 || q.get("request") != "" {
		return page(http.StatusBadRequest, "malformed")
	}
	name := q.get("request_uri")
	sign := hashSecret(strings.TrimPrefix(name, pushedURN))
	g, _, err := d.p.Grants.Get(d.ctx, KindPushed, sign)
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return lost(q.client.ID, "unknown")
	case err != nil:
		return err
	case g.Client != q.client.ID:
		return lost(q.client.ID, "foreign")
	case g.Spent:
		return lost(q.client.ID, "spent")
	case !d.p.Now().Before(g.Expires):
		return lost(q.client.ID, "expired")
	}
	// Our own return address holds this alone.
	q.query = url.Values{"client_id": {string(q.client.ID)}, "request_uri": {name}}.Encode()
	q.pushed, q.until = sign, g.Expires.Add(-arrivedFor)
	q.form, err = parseQuery(string(g.Payload))
	return err
}

// lostRequest is a pushed request that cannot be answered, or not any more.
type lostRequest struct {
	client ClientID
	why    string // unknown, foreign, spent or expired; for the log
}

func (e *lostRequest) Error() string { return "oidc: the pushed request is " + e.why }

// lost is the same page whatever the reason: a stranger learns nothing.
func lost(c ClientID, why string) error {
	return &pageError{Problem: Problem{Status: http.StatusBadRequest, Key: "pushed"}, cause: &lostRequest{c, why}}
}

// noteLost writes down that somebody came with such a request; of one client
// and address once a minute, see strangers.
func (p *Provider) noteLost(r *http.Request, err error) error {
	var l *lostRequest
	if !errors.As(err, &l) || !p.late.first(l.client, p.Origin(r).Address) {
		return nil
	}
	e := p.event(r, "authorize", l.client, "", "")
	e.Result, e.Detail = "denied", map[string]string{"why": "request_uri", "request_uri": l.why}
	return p.Log.Append(r.Context(), e)
}

// timely refuses a pushed request that took too long to arrive.
func (q *request) timely() error {
	if q.pushed != "" && !q.returned && !q.arrived.Before(q.until) {
		return lost(q.client.ID, "expired")
	}
	return nil
}

// spendPushed uses a pushed request up, if there is one. It belongs into the
// transaction of what it is answered with: of two answers that are on their way
// one gets through.
func (p *Provider) spendPushed(ctx context.Context, signature string) error {
	if signature == "" {
		return nil
	}
	return p.Grants.Spend(ctx, KindPushed, signature)
}

// late says of an answer that came second what it is.
func (q *request) late(err error) error {
	if q.pushed != "" && errors.Is(err, idp.ErrSpent) {
		return lost(q.client.ID, "spent")
	}
	return err
}

// errPushes means that an address pushes too much.
var errPushes = errors.New("oidc: too many pushed requests")
