package oidc

import (
	"slices"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"

	"latchkey/idp"
)

// session is what codes and tokens remember of a sign-in. Its JSON is stored;
// see [record] for the version.
type session struct {
	User     idp.UserID    `json:"user,omitempty"`
	SID      idp.SessionID `json:"sid,omitempty"`
	AuthTime int64         `json:"auth_time,omitempty"` // unix seconds
	ACR      string        `json:"acr,omitempty"`
	AMR      []string      `json:"amr,omitempty"`
	Epoch    int64         `json:"epoch,omitempty"`    // the user's at that time
	Absolute int64         `json:"absolute,omitempty"` // unix seconds; no refresh token lives longer (P-11)
	UserInfo []string      `json:"userinfo,omitempty"` // claims that the request named
	IDToken  []string      `json:"id_token,omitempty"`

	hashes  jwt.IDTokenClaims // fosite leaves at_hash and c_hash here
	headers jwt.Headers
}

var _ openid.Session = (*session)(nil)

// IDTokenClaims is where fosite leaves the hashes and looks for a subject. It
// sees no times: it would judge them by a clock of its own.
func (s *session) IDTokenClaims() *jwt.IDTokenClaims {
	s.hashes.Subject = string(s.User)
	return &s.hashes
}

func (s *session) IDTokenHeaders() *jwt.Headers { return &s.headers }

// SetExpiresAt does nothing and GetExpiresAt knows nothing: the storage sets
// and judges lifetimes, by our clock.
func (s *session) SetExpiresAt(fosite.TokenType, time.Time)       {}
func (s *session) GetExpiresAt(fosite.TokenType) (none time.Time) { return none }

func (s *session) GetUsername() string { return "" }
func (s *session) GetSubject() string  { return string(s.User) }

func (s *session) Clone() fosite.Session {
	c := *s
	c.AMR, c.UserInfo, c.IDToken = slices.Clone(s.AMR), slices.Clone(s.UserInfo), slices.Clone(s.IDToken)
	c.hashes, c.headers = jwt.IDTokenClaims{}, jwt.Headers{}
	return &c
}

// remember is what the codes and tokens of a request will know.
func (v *visit) remember() *session {
	s, u := v.session, v.user
	out := &session{
		User: u.ID, SID: s.ID, AuthTime: s.AuthTime().Unix(), ACR: v.q.prompt.context(idp.ACR(s.Proofs)), AMR: idp.AMR(s.Proofs), Epoch: u.Epoch,
		Absolute: v.p.Now().Add(v.p.Lifetimes.RefreshAbsolute).Unix(),
		UserInfo: v.q.wishes.userInfo, IDToken: v.q.wishes.idToken,
	}
	out.hashFor(v.q.client)
	return out
}

// hashFor tells fosite which hash makes at_hash and c_hash: that of the
// client's algorithm (OpenID Connect Core 1.0 §3.1.3.6). Ed25519 uses SHA-512,
// which fosite reads from the number in the name of an algorithm; the header
// goes no further than that.
func (s *session) hashFor(c Client) {
	if c.IDTokenAlg == "EdDSA" {
		s.headers.Add("alg", "ES512")
	}
}
