package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/mfa"
)

// Dynamic lets clients register themselves (OpenID Connect Dynamic Client
// Registration 1.0, RFC 7591) and look after what they registered (RFC 7592). It
// is off until the house's settings say otherwise (P-29). Its fields are set once,
// before first use.
type Dynamic struct {
	Registrar *Registrar
	// Rules says whether that is wanted now. It is asked for each request and each
	// discovery, so it must come from memory.
	Rules func(ctx context.Context) (settings.House, error)
	// Bearer is who acts by an initial access token, which is a token of the API;
	// idp.ErrNotFound for one that is not good.
	Bearer func(ctx context.Context, token string, from idp.Origin) (idp.Actor, error)
	// Take counts a request of somebody at an address; mfa.ErrLocked when there
	// were too many.
	Take func(ctx context.Context, from idp.Origin) error
	// Called is the name of the house, or of a client in its own looks; strangers
	// may not have either. nil: there are no others than the clients' own.
	Called func(ctx context.Context, id ClientID) (string, error)
}

// Error codes of RFC 7591 §3.2.2.
const (
	invalidMetadata = "invalid_client_metadata"
	invalidRedirect = "invalid_redirect_uri"
)

// on reports whether clients may register themselves now. What cannot be read is
// off.
func (d *Dynamic) on(ctx context.Context) bool {
	_, err := d.rules(ctx)
	return err == nil
}

// rules fails with a refusal while it is off.
func (d *Dynamic) rules(ctx context.Context) (settings.House, error) {
	if d == nil {
		return settings.House{}, errNotEnrolling
	}
	h, err := d.Rules(ctx)
	if err == nil && h.SelfClients == settings.SelfOff {
		err = errNotEnrolling
	}
	return h, err
}

var (
	errNotEnrolling = refuse(accessDenied, "Clients do not register themselves here.")
	errFrozen       = refuse(accessDenied, "An administrator has changed this client: its registration can be read and removed, and is no longer replaced.")
	errNoBearer     = refuse(invalidToken, "The token is not good for this, or no longer.")
)

// enrolments are the endpoints of clients that register themselves.
type enrolments struct {
	*Dynamic // nil: they never do
	registry registry
	refusals refusals
	origin   func(*http.Request) idp.Origin
	issuer   string
}

// register takes a client that registers itself (RFC 7591 §3).
func (e enrolments) register(w http.ResponseWriter, r *http.Request) {
	answer, err := e.enrol(w, r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, answer)
}

func (e enrolments) enroller() enroller { return enroller{e.Registrar, e.Called} }

func (e enrolments) enrol(w http.ResponseWriter, r *http.Request) (any, error) {
	ctx := r.Context()
	rules, err := e.rules(ctx)
	if err != nil {
		return nil, err
	}
	from := e.origin(r)
	if err := e.Take(ctx, from); err != nil {
		return nil, err
	}
	by, err := e.sponsor(w, r, from, rules.SelfClients == settings.SelfOpen)
	if err != nil {
		return nil, err
	}
	asked, err := readDescription(w, r)
	if err != nil {
		return nil, err
	}
	in, err := asked.input()
	if err != nil {
		return nil, err
	}
	made, token, err := e.enroller().enrol(ctx, by, in, rules.MostSelfClients())
	if err != nil {
		return nil, err
	}
	return e.answer(made.Client, made.Secret, token), nil
}

// sponsor is who lets a client register itself. Where the house is open nobody
// has to, but a token that comes must be good.
func (d *Dynamic) sponsor(w http.ResponseWriter, r *http.Request, from idp.Origin, open bool) (idp.Actor, error) {
	token, err := bearer(w, r)
	if errors.Is(err, errNoToken) && open {
		return idp.Actor{Origin: from}, nil
	} else if err != nil {
		return idp.Actor{}, err
	}
	by, err := d.Bearer(r.Context(), token, from)
	if errors.Is(err, idp.ErrNotFound) {
		return idp.Actor{}, errNoBearer
	} else if err != nil {
		return idp.Actor{}, err
	}
	if err := by.May(idp.EditClients); err != nil {
		return idp.Actor{}, refuse(insufficientScope, "The token lacks the right "+string(idp.EditClients)+".")
	}
	return by, nil
}

// manage shows, changes and ends what a client registered itself (RFC 7592
// §2). The client proves itself by its registration access token.
func (e enrolments) manage(w http.ResponseWriter, r *http.Request) {
	c, token, err := e.enrolled(w, r)
	var answer any
	if err == nil {
		switch r.Method {
		case http.MethodPut:
			answer, err = e.reenrol(w, r, c, token)
		case http.MethodDelete:
			err = e.enroller().leave(r.Context(), idp.Actor{Origin: e.origin(r)}, c)
		default:
			answer = e.answer(c, "", token)
		}
	}
	switch {
	case err != nil:
		e.refuse(w, r, err)
	case answer == nil:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// enrolled is the client that a registration access token stands for. Whether a
// client is gone, was never there, was registered by an administrator, or has
// another token: the answer is the same (RFC 7592 §2.1).
func (e enrolments) enrolled(w http.ResponseWriter, r *http.Request) (Client, string, error) {
	if _, err := e.rules(r.Context()); err != nil {
		return Client{}, "", err
	}
	token, err := bearer(w, r)
	if err != nil {
		return Client{}, "", err
	}
	c, err := e.registry.client(r.Context(), ClientID(path.Base(r.URL.Path)))
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return Client{}, "", err
	}
	want := ""
	if c.Self != nil {
		want = c.Self.Token
	}
	if same := equal(hashSecret(token), want); err != nil || want == "" || !same { // C-05
		return Client{}, "", errNoBearer
	}
	return c, token, nil
}

// reenrol replaces a registration (RFC 7592 §2.2): what is left out has its
// default again.
func (e enrolments) reenrol(w http.ResponseWriter, r *http.Request, c Client, token string) (any, error) {
	if err := e.Take(r.Context(), e.origin(r)); err != nil { // it may make us fetch something
		return nil, err
	}
	if c.Self.Frozen {
		return nil, errFrozen
	}
	asked, err := readDescription(w, r)
	if err != nil {
		return nil, err
	}
	switch {
	case asked.ID != c.ID:
		return nil, refuse(invalidMetadata, "client_id must be there and stays as it is.")
	case asked.Secret != "" && !equal(hashSecret(asked.Secret), c.Secret):
		return nil, refuse(invalidMetadata, "client_secret is not the client's: it is given by us.")
	}
	in, err := asked.input()
	if err != nil {
		return nil, err
	}
	made, err := e.enroller().reenrol(r.Context(), idp.Actor{Origin: e.origin(r)}, c, in)
	if err != nil {
		return nil, err
	}
	if made.Secret == "" && made.Client.HasSecret() {
		made.Secret = asked.Secret
	}
	return e.answer(made.Client, made.Secret, token), nil
}

// refuse answers an error (RFC 7591 §3.2.2, RFC 6750 §3).
func (e enrolments) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, mfa.ErrLocked) {
		w.Header().Set("Retry-After", "600")
		writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": unavailable, "error_description": "Too many registrations from this address."})
		return
	}
	if errors.Is(err, ErrChanged) {
		writeJSON(w, http.StatusConflict, map[string]string{"error": unavailable, "error_description": "Somebody else has changed the client at this moment."})
		return
	}
	if errors.Is(err, idp.ErrInvalid) {
		err = misdescribed(err)
	}
	switch told := refusalOf(err); {
	case errors.Is(err, errNoToken), told.Code == invalidToken, told.Code == insufficientScope:
		e.refusals.bearer(w, r, err)
	case told.Code == accessDenied:
		writeJSON(w, http.StatusForbidden, map[string]string{"error": told.Code, "error_description": plain(told.Text)})
	default:
		e.refusals.json(w, r, storeFault(err))
	}
}

// readDescription reads what a client says of itself.
func readDescription(w http.ResponseWriter, r *http.Request) (description, error) {
	var d description
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return d, refuse(invalidMetadata, "The body must be application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDocument))
	if err != nil {
		return d, refuse(invalidMetadata, "The body is too long, or did not come whole.")
	}
	if err := json.Unmarshal(body, &d); err != nil {
		text := "The body is not a JSON object."
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && wrong.Field != "" {
			text = wrong.Field + ": is of another type than its definition says."
		}
		return d, refuse(invalidMetadata, text)
	}
	return d, refuseImpossible(body)
}

// logo serves the picture of a client that registered one. Nobody's browser ever
// asks the client's own server for it.
func (e enrolments) logo(w http.ResponseWriter, r *http.Request) {
	c, err := e.registry.client(r.Context(), ClientID(path.Base(r.URL.Path)))
	if err == nil && len(c.Logo) == 0 {
		err = idp.ErrNotFound
	}
	if errors.Is(err, idp.ErrNotFound) {
		http.NotFound(w, r)
		return
	} else if err != nil {
		e.refusals.json(w, r, storeFault(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "public, max-age=86400, immutable") // its address names what it shows
	_, _ = w.Write(c.Logo)                                     // whoever has gone sees nothing
}
