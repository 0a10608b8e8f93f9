package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// requestTyp is what the header of a request object may say of it (RFC 9101
// §10.8).
const requestTyp = "oauth-authz-req+jwt"

const (
	invalidObject     = "invalid_request_object"
	invalidRequestURI = "invalid_request_uri"
)

// object puts the parameters of a signed request object in the place of those
// in the clear (RFC 9101, OpenID Connect Core 1.0 §6). From here on the request
// goes its way as if it had come plainly: the object is judged once, when it
// arrives, so that it may expire while somebody types a password, and what was
// fetched cannot change between the consent page and the answer.
//
// Until the signature has been checked nothing inside counts, and afterwards
// nothing outside does (RFC 9101 §6.3), but for state and nonce where the object
// has none: OpenID Connect Core names these two as what may vary beside an object
// that was signed beforehand (§6.1), and one at a registered address could not be
// used without. Neither opens anything: the client made both, and knows them
// again. What is pushed has everything inside (RFC 9126 §3).
func (d reader) object(q *request) error {
	outside := q.form
	if name := repeated(outside); name != "" { // P-14
		return refuse(invalidRequest, "The parameter "+name+" is repeated.")
	}
	raw, uri := q.get("request"), q.get("request_uri")
	switch {
	case raw != "" && uri != "":
		return refuse(invalidRequest, "The parameters request and request_uri exclude each other.")
	case !q.client.keyed():
		return refuse(notSupported(raw), "This client has no keys here: register its public keys (jwks) first.")
	}
	var err error
	if uri != "" {
		raw, err = d.fetched(q.client, uri)
	}
	var inside url.Values
	if err == nil {
		inside, err = d.open(q.client, raw)
	}
	if err == nil {
		err = d.join(inside, outside)
	}
	if err != nil {
		return err
	}
	inside.Set("client_id", string(q.client.ID))
	query := inside.Encode()
	if len(query) > maxRequest {
		return refuse(invalidObject, "The request object holds more than 8 KiB of parameters.")
	}
	q.form, q.query = inside, query
	return nil
}

// join adds what counts from outside to what is inside of an object.
func (d reader) join(inside, outside url.Values) error {
	for _, name := range []string{"client_id", "response_type"} {
		if given := outside.Get(name); given != "" && inside.Has(name) && !sameWords(given, inside.Get(name)) {
			return refuse(invalidObject, "The parameter "+name+" differs inside and outside of the request object.")
		}
	}
	for _, name := range []string{"state", "nonce"} {
		if !d.pushing && !inside.Has(name) && outside.Has(name) {
			inside.Set(name, outside.Get(name))
		}
	}
	return nil
}

func notSupported(request string) string {
	if request != "" {
		return "request_not_supported"
	}
	return "request_uri_not_supported"
}

// repeated is the name of a parameter that comes twice; empty: none does.
func repeated(form url.Values) string {
	for name, vs := range form {
		if len(vs) > 1 {
			return name
		}
	}
	return ""
}

// sameWords compares lists of words whose order means nothing.
func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// fetched reads a request object from an address. It must be one that the client
// has registered, letter by letter (P-27), and it is called as every registered
// address is (P-28).
func (d reader) fetched(c Client, uri string) (string, error) {
	if d.pushing || !slices.Contains(c.RequestURIs, uri) {
		return "", refuse(invalidRequestURI, "This request_uri is not registered for this client.")
	}
	body, err := d.p.requests.get(d.ctx, c, uri)
	if err != nil {
		return "", errors.Join(refuse(invalidRequestURI, "At this request_uri there is nothing that can be read."), err)
	}
	return string(bytes.TrimSpace(body)), nil
}

// requestFresh is how long what was at a request_uri, or that nothing was, is
// believed: anybody can make us call there, as often as they like (OpenID Connect
// Core 1.0 §6.2 allows it; another fragment is another document).
const requestFresh = 10 * time.Second

// requestShelf holds request objects.
type requestShelf struct{ *shelf }

func (s requestShelf) get(ctx context.Context, c Client, uri string) ([]byte, error) {
	d, err := s.take(ctx, c, uri)
	if err != nil {
		return nil, err
	}
	defer d.leave()
	now := s.now()
	if !d.last.IsZero() && now.Sub(d.last) < requestFresh {
		return d.body, d.err
	}
	body, err := s.call(ctx, c, fetched(uri))
	if !errors.Is(err, errBusy) {
		d.body, d.err, d.last = body, err, now
	}
	return body, err
}

// open checks a request object and returns the parameters in it.
func (d reader) open(c Client, raw string) (url.Values, error) {
	algs := AssertionAlgs
	if c.RequestAlg != "" {
		algs = []string{c.RequestAlg}
	}
	object, err := parseSigned(raw, algs)
	if err != nil {
		return nil, refuse(invalidObject, "The request object is not a JWT signed with "+strings.Join(algs, " or ")+".")
	}
	signed, err := d.p.auth.shelf.signed(d.ctx, c, object, requestTyp)
	switch {
	case errors.Is(err, idp.ErrInvalid):
		return nil, refuse(invalidObject, "The keys at the jwks_uri of this client cannot be read.")
	case err != nil:
		return nil, err
	case !signed:
		return nil, refuse(invalidObject, "The request object is not signed with a key of this client.")
	}
	members, err := readMembers(object.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	if err := members.check(c.ID, d.p.Issuer, d.p.Now()); err != nil {
		return nil, err
	}
	return members.parameters()
}

// parseSigned reads a compact JWS without believing it. Its algorithm is one of
// the list, whatever the header says (P-26); keys and addresses of keys in the
// header are never looked at.
func parseSigned(raw string, names []string) (*jose.JSONWebSignature, error) {
	algs := make([]jose.SignatureAlgorithm, len(names))
	for i, name := range names {
		algs[i] = jose.SignatureAlgorithm(name)
	}
	object, err := jose.ParseSignedCompact(raw, algs)
	if err == nil && len(object.Signatures) != 1 {
		err = errors.New("oidc: not one signature")
	}
	return object, err
}

// members are what stands in a request object.
type members map[string]json.RawMessage

// readMembers splits an object into its members. Each comes once (P-14): of two,
// another reader might take the other.
func readMembers(raw []byte) (members, error) {
	bad := refuse(invalidObject, "The request object does not hold a JSON object whose members come once each.")
	in := json.NewDecoder(bytes.NewReader(raw))
	if first, err := in.Token(); err != nil || first != json.Delim('{') {
		return nil, bad
	}
	out := members{}
	for in.More() {
		name, err := in.Token()
		key, ok := name.(string)
		var value json.RawMessage
		if err != nil || !ok || in.Decode(&value) != nil {
			return nil, bad
		}
		if _, again := out[key]; again {
			return nil, bad
		}
		out[key] = value
	}
	if _, err := in.Token(); err != nil { // the brace that ends it
		return nil, bad
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return out, nil
}

// check judges what an object says about itself. OpenID Connect Core 1.0 §6.1
// leaves who made it, for whom and for how long to the client; what is said must
// be right.
func (m members) check(c ClientID, issuer string, now time.Time) error {
	text := func(name string) (s string, there bool) {
		raw, there := m[name]
		if json.Unmarshal(raw, &s) != nil {
			s = ""
		}
		return s, there
	}
	id, named := text("client_id")
	iss, issued := text("iss")
	sub, about := text("sub")
	_, nested := m["request"]
	_, elsewhere := m["request_uri"]
	switch {
	case !named && !issued || named && id != string(c) || issued && iss != string(c):
		return refuse(invalidObject, "client_id and iss of the request object must be the client's id.")
	case about && sub == string(c): // it could be shown as proof of who the client is (RFC 9101 §10.8)
		return refuse(invalidObject, "The request object must not have the client's id as sub.")
	case nested || elsewhere:
		return refuse(invalidObject, "The request object must not hold request or request_uri.")
	case !m.meant(issuer):
		return refuse(invalidObject, "aud of the request object must be this issuer.")
	}
	return m.timely(now)
}

// meant reports whether an object is for us, if it says for whom it is.
func (m members) meant(issuer string) bool {
	raw, there := m["aud"]
	if !there {
		return true
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == issuer
	}
	var list []string
	return json.Unmarshal(raw, &list) == nil && slices.Contains(list, issuer)
}

func (m members) timely(now time.Time) error {
	for name, wrong := range map[string]func(time.Time) bool{
		"exp": func(t time.Time) bool { return !now.Before(t) },
		"nbf": func(t time.Time) bool { return t.After(now.Add(skew)) },
		"iat": func(t time.Time) bool { return t.After(now.Add(skew)) },
	} {
		raw, there := m[name]
		if !there {
			continue
		}
		var n *float64
		if json.Unmarshal(raw, &n) != nil || n == nil || wrong(seconds(*n)) {
			return refuse(invalidObject, "The request object has expired, or is not good yet: see its "+name+".")
		}
	}
	return nil
}

// aboutObject are the members that are no parameters (RFC 7519 §4.1).
var aboutObject = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}

// parameters are the other members in the form that they have in a query: what
// is no string there is written as JSON, such as claims and max_age (OpenID
// Connect Core 1.0 §6.1).
func (m members) parameters() (url.Values, error) {
	out := url.Values{}
	for name, raw := range m {
		if slices.Contains(aboutObject, name) || string(raw) == "null" {
			continue
		}
		var text string
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, refuse(invalidObject, "The request object is not JSON.")
			}
		} else {
			var short bytes.Buffer
			if err := json.Compact(&short, raw); err != nil {
				return nil, refuse(invalidObject, "The request object is not JSON.")
			}
			text = short.String()
		}
		if strings.ContainsRune(name+text, 0) {
			return nil, refuse(invalidObject, "The request object holds a NUL.")
		}
		if text != "" { // an empty one counts as absent
			out.Set(name, text)
		}
	}
	return out, nil
}
