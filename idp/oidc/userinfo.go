package oidc

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"latchkey/idp"
)

// UserInfo tells what is so about the person now (OpenID Connect Core 1.0
// §5.3). It takes the token from the header or a POST body, never from the
// query, where logs would keep it (P-22).
func (p *Provider) UserInfo(w http.ResponseWriter, r *http.Request) {
	if preflight(w, r, "GET, POST") {
		return
	}
	token, err := bearer(w, r)
	if err == nil {
		var h held
		var body map[string]any
		h, err = p.bearers.lookup(r.Context(), token)
		if body, err = p.teller.about(h, err); err == nil {
			err = p.teller.tell(w, r, h.client, body)
		}
		if err == nil {
			return
		}
	}
	p.refusals.bearer(w, r, err)
}

// teller answers questions about people.
type teller struct {
	keys     *KeyRing
	subjects Subjects
	issuer   string
}

// tell answers in JSON or, where the client is registered for it, in a signed
// JWT (§5.3.2).
func (t teller) tell(w http.ResponseWriter, r *http.Request, c Client, body map[string]any) error {
	if c.UserInfoAlg == "" {
		writeJSON(w, http.StatusOK, body)
		return nil
	}
	body["iss"], body["aud"] = t.issuer, c.ID
	token, err := t.keys.sign(r.Context(), c.UserInfoAlg, body)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwt")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	_, _ = io.WriteString(w, token) //nolint:gosec // a JWT of ours, and no page; whoever has gone hears nothing
	return nil
}

func (t teller) about(h held, err error) (map[string]any, error) {
	if errors.Is(err, idp.ErrNotFound) || err == nil && (h.grant.Kind != KindAccess || h.grant.User == "") {
		return nil, refuse(invalidToken, "The token is not good, or no longer.")
	} else if err != nil {
		return nil, err
	}
	if !slices.Contains(h.record.Scopes, "openid") {
		return nil, refuse(insufficientScope, "The token lacks the scope openid.")
	}
	sub, err := t.subjects.Sub(h.client, h.user.ID)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"sub": sub}
	addClaims(body, h.user, append(claimsOf(h.record.Scopes), h.record.Session.UserInfo...))
	return body, nil
}

const insufficientScope = "insufficient_scope"

// errNoToken means that a request brings no token at all.
var errNoToken = errors.New("oidc: no token")

// bearer reads a token (RFC 6750 §2).
func bearer(w http.ResponseWriter, r *http.Request) (string, error) {
	scheme, inHeader, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		inHeader = ""
	}
	inHeader = strings.TrimSpace(inHeader)
	var inBody string
	if r.Method == http.MethodPost && isForm(r) {
		if err := parseForm(w, r, maxForm); err != nil {
			return "", refuse(invalidRequest, "The body is not a form of acceptable length.")
		}
		if len(r.PostForm["access_token"]) > 1 {
			return "", refuse(invalidRequest, "The token comes more than once.")
		}
		inBody = r.PostForm.Get("access_token")
	}
	switch {
	case inHeader != "" && inBody != "":
		return "", refuse(invalidRequest, "The token comes in two ways at once.")
	case inHeader != "":
		return inHeader, nil
	case inBody != "":
		return inBody, nil
	}
	return "", errNoToken
}

// preflight allows any page to read the answer, but never with cookies: there
// is nothing here that a cookie would open. It reports whether the
// request was only the browser's question.
func preflight(w http.ResponseWriter, r *http.Request, methods string) bool {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions {
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate")
		return false
	}
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
