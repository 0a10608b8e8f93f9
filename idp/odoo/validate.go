package odoo

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// errRefused is every reason for which a validation fails, so that the answer
// is the same for all.
var errRefused = errors.New("odoo: token refused")

// maxBody is how long the body of a validation may be.
const maxBody = 8 << 10

// Validate answers the call of an Odoo server: who is the person behind this
// token? Odoo makes it once, without another try, with the token in the query
// or, if so configured, in the header. Whoever logs this route must leave out
// path and query: both are secret.
func (s *Service) Validate(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		h.Set("Allow", "GET, POST")
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "invalid_request"})
		return
	}
	body, err := s.validate(r, w)
	switch {
	case err == nil:
		answer(w, http.StatusOK, body)
	case errors.Is(err, errRefused):
		h.Set("WWW-Authenticate", `Bearer realm="odoo", error="invalid_token"`)
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
	default:
		s.Fault(r, err)
		h.Set("Retry-After", "2")
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": "temporarily_unavailable"})
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // only maps of plain values come here
		panic(err)
	}
	w.WriteHeader(status)
	w.Write(body)
}

func (s *Service) validate(r *http.Request, w http.ResponseWriter) (map[string]any, error) {
	ctx := r.Context()
	c, err := s.caller(r)
	if err != nil {
		return nil, err
	}
	g, err := s.Tokens.Fire(ctx, signature(token(w, r)), c.ID)
	if errors.Is(err, idp.ErrSpent) || errors.Is(err, idp.ErrNotFound) {
		return nil, s.refused(r, c, "", "used, too late, or another client's")
	} else if err != nil {
		return nil, err
	}
	var p payload
	if err := json.Unmarshal(g.Payload, &p); err != nil {
		return nil, err
	}
	if p.Probe {
		return map[string]any{"error": probed}, nil
	}
	u, err := s.Users.ByID(ctx, g.User)
	if errors.Is(err, idp.ErrNotFound) {
		return nil, s.refused(r, c, g.User, "of somebody who was removed")
	} else if err != nil {
		return nil, err
	}
	if !oidc.Admits(c, u) {
		return nil, s.refused(r, c, u.ID, "of somebody who may no longer use this application")
	}
	if u.Disabled || u.Epoch != p.Epoch {
		return nil, s.refused(r, c, u.ID, "of somebody disabled, or from before a new password or a reset")
	}
	return Claims(u), nil
}

// caller finds the client whose address was called. A wrong secret and an
// unknown client look the same and take the same time (C-05).
func (s *Service) caller(r *http.Request) (oidc.Client, error) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	if len(parts) < 4 {
		return oidc.Client{}, errRefused
	}
	parts = parts[len(parts)-3:] // client, secret, "userinfo"
	id, err := url.PathUnescape(parts[0])
	if err != nil {
		return oidc.Client{}, errRefused
	}
	c, err := s.Clients.ByID(r.Context(), oidc.ClientID(id))
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return oidc.Client{}, err
	}
	serial, right := c.Validates(parts[1], s.Now())
	if err != nil || !right || c.Type != oidc.Odoo || c.Disabled {
		if c.Type == oidc.Odoo {
			s.Note(r, c.ID, "the address (Odoo's \"UserInfo URL\") is not the client's present one, or the client is disabled")
		}
		return oidc.Client{}, errRefused
	}
	s.LastUses.Note(c.ID, oidc.ProofValidation, serial)
	return c, nil
}

// token finds the token wherever Odoo may put it.
func token(w http.ResponseWriter, r *http.Request) string {
	if scheme, t, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(t)
	}
	if t := r.URL.Query().Get("access_token"); t != "" {
		return t
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return ""
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return "" // as good as none
	}
	return r.PostForm.Get("access_token")
}

// refused notes a refusal at a right address: a token that comes twice was
// seen by somebody else.
func (s *Service) refused(r *http.Request, c oidc.Client, u idp.UserID, why string) error {
	e := idp.Event{
		ID: rand.Text(), At: s.Now(), What: "odoo.validate", User: u, Client: c.ID, Origin: s.Origin(r),
		Result: "refused", Detail: map[string]string{"why": why},
	}
	s.Note(r, c.ID, "the token is "+why)
	if err := s.Log.Append(r.Context(), e); err != nil {
		return err
	}
	return errRefused
}

// Claims is what Odoo learns of a person. Odoo makes the e-mail the login of
// a new user, so it is there only if it is verified; an empty name would make
// the sign-up fail.
func Claims(u idp.User) map[string]any {
	email := strings.ToLower(strings.TrimSpace(u.Email))
	body := map[string]any{
		"sub": string(u.ID), "user_id": string(u.ID), "name": first(u.Name, email, u.Login, string(u.ID)),
		"preferred_username": oidc.PreferredUsername(u), "email_verified": u.EmailVerified && email != "",
	}
	if u.EmailVerified && email != "" {
		body["email"] = email
	}
	for name, v := range map[string]string{"locale": u.Locale, "zoneinfo": u.Profile.Zoneinfo} {
		if v != "" {
			body[name] = v
		}
	}
	if len(u.Groups) > 0 {
		body["groups"] = u.Groups
	}
	return body
}

func first(of ...string) string {
	for _, s := range of {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}
