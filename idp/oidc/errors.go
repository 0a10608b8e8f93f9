package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"latchkey/idp"
)

// refusal is an error that a client may be told: a code of RFC 6749 §4.1.2.1
// or §5.2, OpenID Connect Core 1.0 §3.1.2.6 or RFC 6750 §3.1.
type refusal struct {
	Code string
	Text string // for the client's developer; never a secret, never a quote or a backslash
}

func (e *refusal) Error() string { return "oidc: " + e.Code + ": " + e.Text }

func refuse(code, text string) error { return &refusal{code, text} }

const (
	invalidRequest   = "invalid_request"
	invalidClient    = "invalid_client"
	invalidGrant     = "invalid_grant"
	invalidScope     = "invalid_scope"
	invalidToken     = "invalid_token"
	accessDenied     = "access_denied"
	serverError      = "server_error"
	unavailable      = "temporarily_unavailable"
	loginRequired    = "login_required"
	interaction      = "interaction_required"
	consentRequired  = "consent_required"
	unauthorized     = "unauthorized_client"
	unsupportedType  = "unsupported_response_type"
	unsupportedGrant = "unsupported_grant_type"
)

// foreign maps fosite's error names that no specification knows.
var foreign = map[string]string{
	"scope_not_granted": invalidGrant, "token_inactive": invalidGrant, "token_expired": invalidGrant,
	"token_signature_mismatch": invalidGrant, "invalid_token": invalidGrant, "not_found": invalidGrant,
	"request_unauthorized": invalidClient, "unsupported_response_mode": invalidRequest,
}

var known = map[string]bool{
	invalidRequest: true, invalidClient: true, invalidGrant: true, invalidScope: true, accessDenied: true,
	unauthorized: true, unsupportedType: true, unsupportedGrant: true, unavailable: true,
}

// refusalOf says what a client may know of an error: of an unknown one only
// that it was ours.
func refusalOf(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	if errors.Is(err, idp.ErrSpent) {
		return &refusal{invalidGrant, "It has already been used."}
	}
	var f *fosite.RFC6749Error
	if errors.As(err, &f) {
		code := f.ErrorField
		if mapped, ok := foreign[code]; ok {
			code = mapped
		}
		if known[code] {
			return &refusal{code, f.GetDescription()}
		}
	}
	return &refusal{serverError, "Something went wrong on our side."}
}

// statusOf is the status of an error that is answered in JSON (RFC 6749 §5.2).
func statusOf(code string) int {
	switch code {
	case invalidClient, invalidToken:
		return http.StatusUnauthorized
	case serverError:
		return http.StatusInternalServerError
	case unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// storeFault turns an error that we know nothing of into "come back later": it
// is the store that failed. A client that is told less would believe, say,
// that a token is revoked (P-24, RFC 7009 §2.2.1).
func storeFault(err error) error {
	if refusalOf(err).Code != serverError {
		return err
	}
	return errors.Join(refuse(unavailable, "Try again later."), err)
}

// refusals tells of errors: clients in JSON, bearers in a header, too, and people
// on a page. What went wrong inside only the operator hears of.
type refusals struct {
	fault func(*http.Request, error)
	pages Pages
}

// json answers an error of an endpoint that speaks JSON (P-37).
func (t refusals) json(w http.ResponseWriter, r *http.Request, err error) {
	e := refusalOf(err)
	switch e.Code {
	case serverError, unavailable:
		t.fault(r, err)
		w.Header().Set("Retry-After", "2")
	case invalidClient:
		w.Header().Set("WWW-Authenticate", `Basic realm="latchkey", charset="UTF-8"`)
	}
	body := map[string]string{"error": e.Code}
	if e.Text != "" {
		body["error_description"] = plain(e.Text)
	}
	writeJSON(w, statusOf(e.Code), body)
}

// bearer answers an error in the header (RFC 6750 §3) and in JSON.
func (t refusals) bearer(w http.ResponseWriter, r *http.Request, err error) {
	const challenge = `Bearer realm="latchkey"`
	if errors.Is(err, errNoToken) {
		w.Header().Set("WWW-Authenticate", challenge)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": invalidToken, "error_description": "The request brings no token."})
		return
	}
	e := refusalOf(err)
	if e.Code == serverError {
		t.json(w, r, storeFault(err))
		return
	}
	status := statusOf(e.Code)
	if e.Code == insufficientScope {
		status = http.StatusForbidden
	}
	w.Header().Set("WWW-Authenticate", challenge+`, error="`+e.Code+`", error_description="`+plain(e.Text)+`"`)
	writeJSON(w, status, map[string]string{"error": e.Code, "error_description": plain(e.Text)})
}

// plain keeps the characters that RFC 6749 §5.2 allows in error_description.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"' || c == '\\':
			return '\''
		case c < 0x20 || c > 0x7e:
			return -1
		}
		return c
	}, s)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // only maps of plain values come here
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	w.Write(body)
}

// pageError is an error that is shown to the person, because the client is
// unknown or cannot be trusted with it (P-02).
type pageError struct {
	Problem
	cause error // for the operator
}

func (e *pageError) Error() string {
	if e.cause != nil {
		return e.cause.Error()
	}
	return "oidc: page " + e.Key
}

func (e *pageError) Unwrap() error { return e.cause }

func page(status int, key string) error {
	return &pageError{Problem: Problem{Status: status, Key: key}}
}

// Shown is an error that is shown to the person, by the key of its text, in
// place of an answer to the client. cause is for the operator.
func Shown(status int, key string, cause error) error {
	return &pageError{Problem: Problem{Status: status, Key: key}, cause: cause}
}

// page draws an error for the person in front of the browser.
func (t refusals) page(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	var e *pageError
	if !errors.As(err, &e) {
		t.fault(r, err)
		e = &pageError{Problem: Problem{Status: http.StatusServiceUnavailable, Key: "unavailable"}}
		w.Header().Set("Retry-After", "2")
	}
	t.pages.Error(w, r, e.Problem)
}
