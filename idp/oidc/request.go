package oidc

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/idp"
)

// maxRequest is how long an authorization request may be, in bytes. It goes
// into addresses, so more would break on the way back from the sign-in pages.
const maxRequest = 8 << 10

// maxStamp is how long what we add to it may be.
const maxStamp = 128

// request is an authorization request that has been judged by itself; whether
// the person in front may grant it comes later.
type request struct {
	query  string // as it came, byte for byte, without our own stamp
	stamp  string // when it first arrived, authenticated; see marks.go
	form   url.Values
	client Client

	redirect string
	mode     string // query, fragment or form_post
	types    []string
	scopes   []string
	wishes   wishes
	prompt   prompt

	arrived  time.Time
	returned bool // it has been to the sign-in pages and back

	pushed string    // signature of the grant that it was pushed as; empty: it was not
	until  time.Time // a pushed one must have arrived before
}

// get returns a parameter. An empty one counts as absent (RFC 6749 §3.1).
func (q *request) get(name string) string { return q.form.Get(name) }

// is reports whether the response type is exactly this.
func (q *request) is(responseType string) bool { return strings.Join(q.types, " ") == responseType }

// bare reports whether the request is stock Odoo's, which gets a token of
// package odoo and cannot do anything with an error.
func (q *request) bare() bool { return q.client.Type == Odoo && q.is("token") }

// reader judges requests by themselves.
type reader struct {
	p       *Provider
	ctx     context.Context
	pushing bool // no browser is there yet
}

// read judges a request in three phases: may the client be answered at all
// (otherwise the error is a [pageError]), where is the answer to be sent, and
// is it well-formed (otherwise a [refusal], with a request that can carry it).
func (d reader) read(w http.ResponseWriter, r *http.Request) (*request, error) {
	query, err := rawRequest(w, r)
	if err != nil {
		return nil, err
	}
	return d.query(query)
}

func (d reader) query(query string) (*request, error) {
	q := &request{}
	q.query, q.stamp = cutArrival(query)
	var err error
	if q.form, err = parseQuery(q.query); err != nil {
		return nil, err
	}
	if err := d.client(q); err != nil {
		return nil, err
	}
	hidden := d.source(q)
	if shown := (*pageError)(nil); errors.As(hidden, &shown) || hidden != nil && refusalOf(hidden).Code == serverError {
		return nil, hidden
	}
	if err := d.redirect(q, hidden); err != nil {
		return nil, err
	}
	if hidden != nil { // what is outside says where the client is told so
		return q, errors.Join(hidden, q.readResponse())
	}
	return q, errors.Join(q.readResponse(), d.rest(q))
}

// source finds the parameters of a request that names where they are, or holds
// them signed.
func (d reader) source(q *request) error {
	uri := q.get("request_uri")
	switch {
	case strings.HasPrefix(uri, pushedURN):
		return d.pushed(q)
	case q.client.RequirePushed && !d.pushing:
		return refuse(invalidRequest, "This client must push its requests (RFC 9126).")
	case uri != "" || q.get("request") != "":
		return d.object(q)
	}
	return nil
}

// rest judges everything that can be answered with a redirect.
func (d reader) rest(q *request) error {
	if name := repeated(q.form); name != "" { // P-14
		return refuse(invalidRequest, "The parameter "+name+" is repeated.")
	}
	for _, step := range []func() error{
		q.refuseUnsupported, q.checkResponse, q.checkPKCE, q.readScopes, func() error { return q.readPrompt(d.p.creating(d.ctx)) }, q.readClaims,
		func() error { return d.hint(q) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// rawRequest returns the parameters as one query string. A POST has been
// parsed by then, and is written anew.
func rawRequest(w http.ResponseWriter, r *http.Request) (string, error) {
	if original, stamp := cutArrival(r.URL.RawQuery); len(original) > maxRequest || len(stamp) > maxStamp {
		return "", page(http.StatusRequestEntityTooLarge, "too_large")
	}
	switch r.Method {
	case http.MethodGet:
		return r.URL.RawQuery, nil
	case http.MethodPost:
		if err := parseForm(w, r, maxRequest); err != nil {
			return "", page(statusOfForm(err), formKey(err))
		}
		query := r.Form.Encode()
		if len(query) > maxRequest {
			return "", page(http.StatusRequestEntityTooLarge, "too_large")
		}
		return query, nil
	}
	return "", page(http.StatusMethodNotAllowed, "not_found")
}

// parseForm reads a form of limited size. It is no error that somebody has
// read it before.
func parseForm(w http.ResponseWriter, r *http.Request, limit int64) error {
	if !isForm(r) {
		return errNotForm
	}
	if r.PostForm == nil {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	return r.ParseForm()
}

// isForm reports whether a request carries a form.
func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

var errNotForm = errors.New("oidc: the body is not a form")

func statusOfForm(err error) int {
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func formKey(err error) string {
	if statusOfForm(err) == http.StatusRequestEntityTooLarge {
		return "too_large"
	}
	return "malformed"
}

// parseQuery splits a query whose values must be UTF-8, and forgets empty
// values.
func parseQuery(query string) (url.Values, error) {
	form, err := url.ParseQuery(query)
	if err != nil {
		return nil, page(http.StatusBadRequest, "malformed")
	}
	for name, vs := range form {
		for _, v := range append(vs, name) {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return nil, page(http.StatusBadRequest, "malformed")
			}
		}
		form[name] = slices.DeleteFunc(vs, func(v string) bool { return v == "" })
	}
	return form, nil
}

// client finds who asks.
func (d reader) client(q *request) error {
	for _, name := range []string{"client_id", "redirect_uri", "request", "request_uri"} {
		if len(q.form[name]) > 1 {
			return page(http.StatusBadRequest, "malformed")
		}
	}
	var err error
	if q.client, err = d.p.registry.client(d.ctx, ClientID(q.get("client_id"))); errors.Is(err, idp.ErrNotFound) {
		return page(http.StatusBadRequest, "client")
	} else if err != nil {
		return err
	}
	return nil
}

// redirect decides whether anything may be sent to the redirect URI at all
// (P-01, P-02). Where the request itself could not be read, a page says why, if
// nothing outside of it says where to go.
func (d reader) redirect(q *request, hidden error) error {
	q.redirect = q.get("redirect_uri")
	switch {
	case redirectKnown(q.client, q.redirect):
		return nil
	case hidden != nil && q.redirect == "":
		r := refusalOf(hidden)
		return &pageError{Problem: Problem{Status: http.StatusBadRequest, Key: "malformed", Detail: map[string]string{r.Code: r.Text}}, cause: hidden}
	}
	e := &pageError{Problem: Problem{
		Status: http.StatusBadRequest, Key: "redirect_uri",
		Detail: map[string]string{"redirect_uri": q.redirect, "client_id": string(q.client.ID)},
	}}
	if q.client.Type == Odoo && nearMiss(q.client, q.redirect) {
		e.Detail["Odoo"] = "Set proxy_mode = True and let the proxy send X-Forwarded-Host and X-Forwarded-Proto."
	}
	return e
}

// responseTypes lists what we can answer, and how unless the request says
// otherwise.
var responseTypes = map[string]string{
	"code": "query", "token": "fragment", "id_token": "fragment", "id_token token": "fragment",
	"code id_token": "fragment", "code token": "fragment", "code id_token token": "fragment",
}

// readResponse decides where the answer goes, an error included, so it comes
// before everything that can fail.
func (q *request) readResponse() error {
	q.types = strings.Fields(q.get("response_type"))
	slices.Sort(q.types)
	usual, ok := responseTypes[strings.Join(q.types, " ")]
	if !ok {
		usual = "query"
	}
	switch asked := q.get("response_mode"); {
	case asked == "":
		q.mode = usual
	case asked == "form_post" && !q.bare(), asked == "fragment", asked == "query" && usual == "query":
		q.mode = asked
	default: // P-17; a query would put tokens into logs
		q.mode = usual
		return refuse(invalidRequest, "This response_mode is not possible here.")
	}
	return nil
}

// checkResponse holds the response type against the client's registration
// (P-07, P-17).
func (q *request) checkResponse() error {
	t := strings.Join(q.types, " ")
	if t == "" {
		return refuse(invalidRequest, "The parameter response_type is missing.")
	}
	if _, ok := responseTypes[t]; !ok {
		return refuse(unsupportedType, "This response_type is not supported.")
	}
	if !slices.Contains(q.client.ResponseTypes, t) || t == "token" && q.client.Type != Odoo {
		return refuse(unauthorized, "This client may not use this response_type.")
	}
	if slices.Contains(q.types, "id_token") && q.get("nonce") == "" {
		return refuse(invalidRequest, "The parameter nonce is required when an ID token comes through the browser.")
	}
	return nil
}

// refuseUnsupported answers what OpenID Connect Core 1.0 §3.1.2.6 has a name
// for.
func (q *request) refuseUnsupported() error {
	if q.get("registration") != "" {
		return refuse("registration_not_supported", "The parameter registration is not supported.")
	}
	return nil
}

// checkPKCE wants S256 of every public client, and of whoever sends a
// challenge (P-06, RFC 7636). Without a code there is nothing to protect: such
// parameters are ignored, because OCA's auth_oidc always sends them.
func (q *request) checkPKCE() error {
	if !slices.Contains(q.types, "code") {
		return nil
	}
	challenge, method := q.get("code_challenge"), q.get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && !q.client.public():
		return nil
	case challenge == "":
		return refuse(invalidRequest, "The parameter code_challenge is required.")
	case method != "S256":
		return refuse(invalidRequest, "code_challenge_method must be S256.")
	case len(challenge) != 43 || !urlSafe(challenge): // base64url of a SHA-256
		return refuse(invalidRequest, "code_challenge is not the S256 of anything.")
	}
	return nil
}

func urlSafe(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// readScopes limits scopes to the registration (P-16). Stock Odoo sends
// whatever its administrator left in a field, the word "False" included, so
// for it the unknown is left out.
func (q *request) readScopes() error {
	for _, s := range strings.Fields(q.get("scope")) {
		switch {
		case slices.Contains(q.scopes, s):
		case slices.Contains(q.client.Scopes, s):
			q.scopes = append(q.scopes, s)
		case !q.bare():
			return refuse(invalidScope, "This client may not ask for one of these scopes.")
		}
	}
	if slices.Contains(q.types, "id_token") && !slices.Contains(q.scopes, "openid") {
		return refuse(invalidScope, "An ID token needs the scope openid.")
	}
	// Without a code there is no refresh token (OpenID Connect Core 1.0 §11).
	if !slices.Contains(q.types, "code") || !slices.Contains(q.client.GrantTypes, grantRefresh) {
		q.scopes = slices.DeleteFunc(q.scopes, func(s string) bool { return s == "offline_access" })
	}
	return nil
}
