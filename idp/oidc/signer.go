package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// errNoKey means that Ensure has not run.
var errNoKey = errors.New("oidc: no signing key")

// typToken is the type of ID tokens and of signed answers of userinfo.
const typToken = "JWT"

// sign makes a JWS of claims with the current key of an algorithm. It stands
// in for fosite's signer, which adds a claim of its own (`rat`) and knows one
// key only.
func (k *KeyRing) sign(ctx context.Context, alg string, claims any) (string, error) {
	return k.signAs(ctx, alg, typToken, claims)
}

// signAs is sign for something of another type, which nobody may take for an
// ID token.
func (k *KeyRing) signAs(ctx context.Context, alg, typ string, claims any) (string, error) {
	key, err := k.signing(ctx, alg)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	object, err := key.signers[typ].Sign(body)
	if err != nil {
		return "", err
	}
	return object.CompactSerialize()
}

// signing is the key that signs. The first use of an algorithm may come before
// somebody has looked whether a client wants it: then the keys are made here.
func (k *KeyRing) signing(ctx context.Context, alg string) (*key, error) {
	set, err := k.load(ctx)
	if err == nil && set.sign[alg] == nil && slices.Contains(Algs, alg) {
		if err = k.Ensure(ctx); err == nil {
			set, err = k.load(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	if set.sign[alg] == nil {
		return nil, fmt.Errorf("%w for %q", errNoKey, alg)
	}
	return set.sign[alg], nil
}

// verify returns the payload of an ID token that one of our keys has signed,
// retired ones included; a logout token is none. The algorithm is the key's; the header chooses nothing but
// the key (P-26).
func (k *KeyRing) verify(ctx context.Context, token string) ([]byte, error) {
	object, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	if err != nil || len(object.Signatures) != 1 || object.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != typToken {
		return nil, fmt.Errorf("%w: not a signed token", idp.ErrInvalid)
	}
	set, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	header := object.Signatures[0].Protected
	key := set.byID[header.KeyID]
	if key == nil || key.alg != header.Algorithm {
		return nil, fmt.Errorf("%w: signed with an unknown key", idp.ErrInvalid)
	}
	body, err := object.Verify(key.public.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: wrong signature", idp.ErrInvalid)
	}
	return body, nil
}

// hint is what an ID token that comes back to us says. Subject and Session are as
// the client knows them until [hints] has looked.
type hint struct {
	Issuer   string        `json:"iss"`
	Subject  idp.UserID    `json:"sub"`
	Audience ClientID      `json:"aud"`
	Session  idp.SessionID `json:"sid"`
	Expires  int64         `json:"exp"` // a signed answer of userinfo has none, and is no hint
	naming   string        // see [naming], of the client that it was issued to
}

// hint reads an id_token_hint. It may have expired: the specifications want it
// so.
func (k *KeyRing) hint(ctx context.Context, issuer, token string) (hint, error) {
	body, err := k.verify(ctx, token)
	if errors.Is(err, idp.ErrInvalid) {
		return hint{}, refuse(invalidRequest, "id_token_hint is not one of our ID tokens.")
	} else if err != nil {
		return hint{}, err
	}
	var h hint
	if err := json.Unmarshal(body, &h); err != nil || h.Issuer != issuer || h.Subject == "" || h.Expires == 0 {
		return hint{}, refuse(invalidRequest, "id_token_hint is not one of our ID tokens.")
	}
	return h, nil
}

// hints reads ID tokens that come back to us.
type hints struct {
	keys     *KeyRing
	clients  Clients
	subjects Subjects
	issuer   string
}

// read is [KeyRing.hint] with the person and the session by their own ids, also
// where the client knows them by others. Of a client that is gone nobody can tell
// who was meant.
func (r hints) read(ctx context.Context, token string) (hint, error) {
	h, err := r.keys.hint(ctx, r.issuer, token)
	if err != nil {
		return hint{}, err
	}
	h.naming = SubjectPublic
	c, err := r.clients.ByID(ctx, h.Audience)
	if errors.Is(err, idp.ErrNotFound) {
		return h, nil
	} else if err != nil {
		return hint{}, err
	}
	h.naming = naming(c)
	// An ID token from before the client was pairwise has the ids themselves.
	person, err := r.subjects.Person(c, string(h.Subject))
	if errors.Is(err, idp.ErrInvalid) {
		return h, nil
	} else if err != nil {
		return hint{}, err
	}
	session, err := r.subjects.Session(c, string(h.Session))
	if errors.Is(err, idp.ErrInvalid) {
		return h, nil
	}
	h.Subject, h.Session = person, session
	return h, err
}
