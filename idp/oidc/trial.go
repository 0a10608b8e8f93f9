package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
)

// Verdict is how one thing about a client stands.
type Verdict string

const (
	Fine   Verdict = "fine"
	Doubt  Verdict = "doubt"  // it may be right
	Broken Verdict = "broken" // somebody will not get in, or out
)

// Trial is one thing that was tried. A page has words for each check and
// verdict.
type Trial struct {
	Check    string // one of TrialChecks
	Verdict  Verdict
	About    string // such as an address; never a secret
	Evidence Note   // small print
}

// TrialChecks are everything that Test may tell of.
var TrialChecks = []string{"registration", "disabled", "issuer", "keys", "authorize", "redirect", "private", "post_logout", "backchannel", "frontchannel", "client_keys", "validation", "former"}

// Test tries whether sign-ins through a client can work, without anybody
// signing in: what is registered, our own addresses as the application sees
// them, and the application's, which are called from here without a word.
func (r *Registrar) Test(ctx context.Context, by idp.Actor, id ClientID) ([]Trial, error) {
	c, err := r.stored(ctx, by, id) // it calls others' servers: who only looks may not
	if err != nil {
		return nil, err
	}
	t := &trial{Registrar: r, c: c}
	t.registered()
	for _, step := range []func(context.Context) error{t.issuer, t.authorize, t.addresses, t.validation} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return t.out, r.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: r.Now(), What: "client.test", Actor: by.User, Client: c.ID, Session: by.Session, Origin: by.Origin, Result: "ok",
	})
}

type trial struct {
	*Registrar
	c   Client
	out []Trial
}

func (t *trial) add(check string, v Verdict, about string, evidence Note) {
	t.out = append(t.out, Trial{check, v, about, evidence})
}

// registered looks at what is kept.
func (t *trial) registered() {
	warnings, err := t.c.Check()
	if err != nil {
		t.add("registration", Broken, "", mistakes(err))
	}
	for _, w := range warnings {
		t.add("registration", Doubt, "", w)
	}
	if err == nil && len(warnings) == 0 {
		t.add("registration", Fine, "", Note{})
	}
	if t.c.Disabled {
		t.add("disabled", Broken, "", Note{})
	}
	if t.c.AuthMethod == AuthKey {
		t.add("client_keys", Fine, "", say("keys", len(t.c.Keys)))
	}
	for _, f := range []*Former{t.c.FormerSecret, t.c.FormerValidation} {
		if f.Good(t.Now()) {
			t.add("former", Doubt, "", Note{})
		}
	}
}

// issuer asks for the discovery document and the keys, as the application does.
func (t *trial) issuer(ctx context.Context) error {
	var doc struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	at := t.Issuer + PathDiscovery
	if evidence := t.read(ctx, at, &doc); evidence.Text != "" {
		t.add("issuer", Broken, at, evidence)
		return ctx.Err()
	}
	if doc.Issuer != t.Issuer {
		t.add("issuer", Broken, at, say("issuer", doc.Issuer))
		return nil
	}
	t.add("issuer", Fine, at, Note{})
	if t.c.Type == Service {
		return nil // it gets no ID tokens
	}
	var set struct {
		Keys []struct {
			Alg string `json:"alg"`
		} `json:"keys"`
	}
	evidence := t.read(ctx, doc.Keys, &set)
	if evidence.Text == "" && !slices.ContainsFunc(set.Keys, func(k struct {
		Alg string `json:"alg"`
	},
	) bool {
		return k.Alg == t.c.IDTokenAlg
	}) {
		evidence = say("no_key", t.c.IDTokenAlg)
	}
	t.add("keys", verdict(evidence), doc.Keys, evidence)
	return ctx.Err()
}

func verdict(evidence Note) Verdict {
	if evidence.Text == "" {
		return Fine
	}
	return Broken
}

// read reads a JSON document of ours and says what is wrong with it.
func (t *trial) read(ctx context.Context, at string, into any) Note {
	resp, err := call(ctx, t.Self, http.MethodGet, at)
	if err != nil {
		return raw(err.Error())
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return say("status", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 256<<10)).Decode(into); err != nil {
		return say("not_json")
	}
	return Note{}
}

func call(ctx context.Context, with Caller, method, at string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, outboundLimit)
	r, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	resp, err := with.Do(r)
	if err != nil {
		cancel()
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address is told beside it, or holds secrets
		}
		return nil, err
	}
	resp.Body = closing{resp.Body, cancel}
	return resp, nil
}

// closing ends the time limit of a call with its body.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c closing) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// authorize begins a sign-in that must not show a page (prompt=none) in a
// browser where nobody is signed in: a registration that works is answered at
// the redirect URI, with login_required.
func (t *trial) authorize(ctx context.Context) error {
	if t.c.Type == Service || len(t.c.RedirectURIs) == 0 || t.c.Disabled {
		return nil
	}
	kind := t.c.ResponseTypes[0]
	if t.c.Type == Odoo && slices.Contains(t.c.ResponseTypes, "token") {
		kind = "token"
	}
	right := []string{loginRequired, interaction, consentRequired}
	if t.c.RequirePushed { // only the client itself can push
		right = []string{invalidRequest}
	}
	for _, uri := range t.c.RedirectURIs {
		sum := sha256.Sum256([]byte(newSecret()))
		q := url.Values{
			"client_id": {string(t.c.ID)}, "response_type": {kind}, "redirect_uri": {uri}, "scope": {strings.Join(asked(t.c), " ")}, "state": {newSecret()},
			"nonce": {newSecret()}, "prompt": {"none"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
		}
		resp, err := call(ctx, t.Self, http.MethodGet, t.Issuer+PathAuthorize+"?"+q.Encode())
		if err != nil {
			t.add("authorize", Broken, uri, raw(err.Error()))
			return ctx.Err()
		}
		resp.Body.Close()
		to := resp.Header.Get("Location")
		said := parametersOf(to).Get("error")
		switch {
		case strings.HasPrefix(to, uri) && slices.Contains(right, said):
			t.add("authorize", Fine, uri, Note{})
		case strings.HasPrefix(to, uri):
			t.add("authorize", Broken, uri, raw(said))
		default:
			t.add("authorize", Broken, uri, say("status", resp.StatusCode))
		}
	}
	return nil
}

// asked is what an application usually asks for.
func asked(c Client) []string {
	var out []string
	for _, s := range []string{"openid", "profile", "email"} {
		if slices.Contains(c.Scopes, s) {
			out = append(out, s)
		}
	}
	return out
}

func parametersOf(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	out := u.Query()
	if more, err := url.ParseQuery(u.Fragment); err == nil {
		for k, v := range more {
			out[k] = v
		}
	}
	return out
}

// addresses looks whether somebody is there at what the application registered.
// Browsers may reach what this server cannot, so only what this server itself
// must reach can be broken.
func (t *trial) addresses(ctx context.Context) error {
	for _, list := range []struct {
		check string
		uris  []string
		ours  bool // this server calls it
	}{
		{"redirect", t.c.RedirectURIs, false}, {"post_logout", t.c.PostLogoutURIs, false},
		{"backchannel", []string{t.c.BackchannelURI}, true}, {"frontchannel", []string{t.c.FrontchannelURI}, false},
	} {
		for _, uri := range list.uris {
			if strings.HasPrefix(uri, "http") {
				t.visit(ctx, list.check, uri, list.ours)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (t *trial) visit(ctx context.Context, check, uri string, ours bool) {
	bad := Doubt
	if ours {
		bad = Broken
	}
	resp, err := call(ctx, t.Out.For(t.c), http.MethodHead, uri)
	switch {
	case errors.Is(err, errOutbound) && !ours:
		t.add("private", Doubt, uri, Note{}) // not looked at: it is in a network of their own
	case err != nil:
		t.add(check, bad, uri, called(err, uri))
	default:
		resp.Body.Close()
		if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusNotFound {
			t.add(check, bad, uri, say("status", resp.StatusCode))
			return
		}
		t.add(check, Fine, uri, Note{})
	}
}

// validation tries the address that Odoo's server asks.
func (t *trial) validation(ctx context.Context) error {
	if t.c.Type != Odoo || t.Odoo == nil {
		return nil
	}
	evidence, err := t.Odoo(ctx, t.c)
	if err == nil {
		t.add("validation", verdict(evidence), "", evidence)
	}
	return err
}
