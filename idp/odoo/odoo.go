// Package odoo serves stock Odoo's sign-in (module auth_oauth), which asks for
// response_type=token and then sends the token, from its server, to a
// validation address.
//
// Odoo never asks for whom a token was made, keeps it in the clear, and makes
// it part of its own session. So a token of this package is good for one
// thing only: one validation, within a minute of an authorization, at the
// address of the client that it was made for. Nothing else accepts it.
//
// Who the person is and whether they may sign in is package oidc's business.
package odoo

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// Window is how long after an authorization a token may be validated.
const Window = time.Minute

// kept is how long the row of a token that nobody uses stays; it only has to
// outlive the window.
const kept = time.Hour

// prefix lets scanners for leaked secrets find tokens.
const prefix = "lko_"

// Tokens stores tokens that can be armed again and again.
type Tokens interface {
	// Arm makes a token good for a number of uses until a moment, whether it
	// is new or was used before.
	Arm(ctx context.Context, g oidc.Grant, uses int, until time.Time) error
	// Fire uses a token once, or fails with idp.ErrSpent: unknown, another
	// client's, used up or too late. Of parallel calls only as many win as
	// there are uses.
	Fire(ctx context.Context, signature string, client oidc.ClientID) (oidc.Grant, error)
}

// Revoker ends tokens; [oidc.Grants] is one.
type Revoker interface {
	Revoke(ctx context.Context, s oidc.Selection) error
}

// Clients finds clients; [oidc.Clients] is one.
type Clients interface {
	ByID(ctx context.Context, id oidc.ClientID) (oidc.Client, error)
}

// Users finds people; [idp.Users] is one.
type Users interface {
	ByID(ctx context.Context, id idp.UserID) (idp.User, error)
}

// Service issues and validates tokens. All fields but LastUses must be set.
type Service struct {
	Tokens  Tokens
	Grants  Revoker
	Users   Users
	Clients Clients
	Log     idp.Log
	Atomic  idp.Atomic
	Secret  []byte // 32 random bytes
	Now     func() time.Time
	Origin  func(*http.Request) idp.Origin
	// Fault takes what went wrong inside and is never shown.
	Fault func(*http.Request, error)
	// Note takes what an operator should hear of: Odoo itself shows nothing of
	// why it was refused.
	Note func(r *http.Request, c oidc.ClientID, why string)
	// LastUses is told when an address is used; nil: nobody is.
	LastUses *oidc.LastUses
}

// payload is what a token remembers.
type payload struct {
	Epoch  int64    `json:"epoch"`
	Scopes []string `json:"scopes,omitempty"`
	Probe  bool     `json:"probe,omitempty"` // of nobody; see [Service.Probe]
}

// ValidationPath is the path of a client's validation address, below the
// issuer. It holds a secret: it takes the place of the client authentication
// that Odoo lacks.
func ValidationPath(c oidc.Client) string {
	return "/odoo/" + url.PathEscape(string(c.ID)) + "/" + c.ValidationSecret + "/userinfo"
}

// Pattern is ValidationPath for a router with wildcards in braces.
const Pattern = "/odoo/{client_id}/{secret}/userinfo"

// Issue answers response_type=token; it is the hook oidc.Config.Implicit.
func (s *Service) Issue(ctx context.Context, a oidc.Authorized) (url.Values, error) {
	token, err := s.token(a)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(payload{Epoch: a.User.Epoch, Scopes: a.Scopes})
	if err != nil {
		return nil, err
	}
	now := s.Now()
	g := oidc.Grant{
		Kind: oidc.KindOdoo, Signature: signature(token), Family: rand.Text(), Client: a.Client.ID,
		User: a.User.ID, Session: a.Session.ID, Payload: body, Expires: now.Add(kept),
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		if a.Client.Sessions == oidc.SessionsSingle {
			old := oidc.Selection{User: a.User.ID, Client: a.Client.ID, Kinds: []string{oidc.KindOdoo}}
			if err := s.Grants.Revoke(ctx, old); err != nil {
				return err
			}
		}
		if err := s.Tokens.Arm(ctx, g, max(a.Client.Validations, 1), now.Add(Window)); err != nil {
			return err
		}
		return s.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: now, What: "token.issue", User: a.User.ID, Actor: a.User.ID, Client: a.Client.ID,
			Session: a.Session.ID, Origin: a.Origin, Result: "ok", Detail: map[string]string{"grant_type": "odoo"},
		})
	})
	if err != nil {
		return nil, err
	}
	return url.Values{
		"access_token": {token}, "token_type": {"Bearer"}, "expires_in": {strconv.Itoa(int(Window / time.Second))},
		"scope": {strings.Join(a.Scopes, " ")},
	}, nil
}

// token makes the token of an authorization. Odoo ends a person's sessions
// on all other devices when the token changes, so for clients that keep
// several sessions it stays the same until the person's epoch or round rises.
func (s *Service) token(a oidc.Authorized) (string, error) {
	if a.Client.Sessions == oidc.SessionsSingle {
		b := make([]byte, 32)
		rand.Read(b)
		return prefix + base64.RawURLEncoding.EncodeToString(b), nil
	}
	key, err := hkdf.Key(sha256.New, s.Secret, nil, "odoo tokens", 32)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, key)
	age := strconv.FormatInt(a.User.Epoch, 10)
	if a.User.Round > 0 {
		age += "." + strconv.FormatInt(a.User.Round, 10)
	}
	for _, part := range []string{string(a.Client.ID), string(a.User.ID), age} {
		// Lengths keep "ab"+"c" from being "a"+"bc".
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		m.Write(n[:])
		fmt.Fprint(m, part)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(m.Sum(nil)), nil
}

// signature is what the database holds of a token.
func signature(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
