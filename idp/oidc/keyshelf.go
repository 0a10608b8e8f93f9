package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How long the keys at a jwks_uri are believed.
const (
	keysFresh = 5 * time.Minute
	// keysAgain is how soon they are read anew for a signature of none of them: a
	// client has changed its keys, or a stranger makes us ask.
	keysAgain = 10 * time.Second
	// keysStale is how long the last ones stay good while the address does not answer.
	keysStale = time.Hour
)

// keyShelf holds the public keys of clients that keep them at an address of
// theirs (OpenID Connect Core 1.0 §10.1.1).
type keyShelf struct{ *shelf }

// signed is [Client.signed] with the keys that the client registered, or those at
// its address. Where none of these fits they are read anew: the client may have
// changed them, under new names or old ones. It fails with idp.ErrInvalid when
// there are none to be had.
func (s keyShelf) signed(ctx context.Context, c Client, object *jose.JSONWebSignature, purpose string) (bool, error) {
	if c.KeysURI == "" {
		return c.signed(object, purpose), nil
	}
	for _, again := range []bool{false, true} {
		keys, err := s.get(ctx, c, again)
		if err != nil {
			return false, err
		}
		if c.Keys = keys; c.signed(object, purpose) {
			return true, nil
		}
	}
	return false, nil
}

// get returns the keys at a client's address, or nothing when they are wanted
// again too soon. An answer replaces what was there, whatever is in it: who takes
// all keys away, or shows a private one, has none any more. Only while there is
// no answer do the last ones hold.
func (s keyShelf) get(ctx context.Context, c Client, again bool) ([]jose.JSONWebKey, error) {
	d, err := s.take(ctx, c, c.KeysURI)
	if err != nil {
		return nil, err
	}
	defer d.leave()
	now := s.now()
	soon := !d.last.IsZero() && now.Sub(d.last) < keysAgain
	switch {
	case again && soon:
		return nil, nil
	case !again && (soon || now.Sub(d.read) < keysFresh):
		return d.within(now), nil
	}
	var keys []jose.JSONWebKey
	body, err := s.call(ctx, c, c.KeysURI)
	if !errors.Is(err, errBusy) {
		d.last = now
	}
	if err == nil {
		keys, err = readKeys(body)
	}
	switch {
	case err == nil:
		d.keys, d.read = keys, now
	case !errors.Is(err, errSilent):
		d.keys, d.read = nil, time.Time{}
	}
	if held := d.within(now); len(held) > 0 {
		return held, nil
	}
	return nil, err
}

// within are the keys unless they are too old.
func (d *document) within(now time.Time) []jose.JSONWebKey {
	if now.Sub(d.read) > keysStale {
		return nil
	}
	return d.keys
}

// readKeys is ParseKeys for a set that a client keeps for others, too: keys that
// are not for signatures, or of kinds that are not taken here, are left out. A
// set that shows a private key is refused whole, and so is one without any key
// that will do.
func readKeys(set []byte) ([]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(set) > maxKeySet || json.Unmarshal(set, &raw) != nil || len(raw.Keys) == 0 || len(raw.Keys) > maxKeys {
		return ParseKeys(set) // says what is wrong
	}
	fit := raw.Keys[:0:0]
	for _, one := range raw.Keys {
		if _, err := parsePublic(one); err == nil || private(one) {
			fit = append(fit, one)
		}
	}
	if len(fit) == 0 {
		return ParseKeys(set)
	}
	body, err := json.Marshal(map[string]any{"keys": fit})
	if err != nil {
		return nil, err
	}
	return ParseKeys(body)
}
