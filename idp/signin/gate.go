package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"latchkey/idp"
)

// seenEvery is how exact a session's last use is kept.
const seenEvery = time.Minute

// Gate decides whether the session behind a cookie satisfies a door: it is
// alive, and the person, as they and the policies are now, has proven what the
// need asks. Otherwise the error is idp.ErrNotFound (nobody), idp.ErrMore
// (they must prove more) or idp.ErrDenied; with the last two the session and
// the person are returned, too. Every door asks here; none asks merely whether
// there is a session.
func (s *Service) Gate(ctx context.Context, token string, need idp.Need, from idp.Origin) (idp.Session, idp.User, error) {
	if token == "" || len(token) > 128 {
		return idp.Session{}, idp.User{}, idp.ErrNotFound
	}
	n, u, err := s.Sessions.ByHash(ctx, HashToken(token))
	if err != nil {
		return idp.Session{}, idp.User{}, err
	}
	now := s.Now()
	if !n.Live(now) || u.Disabled {
		return idp.Session{}, idp.User{}, idp.ErrNotFound
	}
	f := Flow{Need: need, User: u.ID, Proofs: n.Proofs, Skipped: true}
	d, err := s.decide(ctx, f, u, from)
	if err != nil {
		return idp.Session{}, idp.User{}, err
	}
	if idle, absolute := s.Rules.limits(d); !now.Before(n.AuthTime().Add(absolute)) || !now.Before(n.Seen.Add(idle)) {
		return idp.Session{}, idp.User{}, idp.ErrNotFound // policy has become stricter since it was opened (S-04)
	}
	if now.Sub(n.Seen) > min(seenEvery, n.Idle/4) {
		if err := s.Sessions.Touch(ctx, n.ID, now); err != nil {
			return idp.Session{}, idp.User{}, err
		}
	}
	if need.Subject != "" && need.Subject != u.ID {
		return n, u, idp.ErrMore
	}
	if f.Next(d, u.Factors) != Done {
		return n, u, idp.ErrMore
	}
	return n, u, nil
}

// Continue lets somebody who is signed in go on as themselves (the page
// "continue as"). It opens no new session unless more proof is needed.
func (s *Service) Continue(ctx context.Context, v View, token string) (Moved, error) {
	f := v.Flow
	n, u, err := s.Gate(ctx, token, f.Need, v.From)
	if err == nil {
		return Moved{Step: Done, ReturnTo: f.ReturnTo}, nil
	}
	if !errors.Is(err, idp.ErrMore) {
		return Moved{}, err
	}
	next, err := s.Begin(ctx, Start{
		Browser: f.Browser, Need: f.Need, ReturnTo: f.ReturnTo, Redirect: f.Redirect, Onward: f.Onward, Client: f.Client,
		Hint: u.Login, Locales: f.Locales, Session: n, User: u, From: v.From,
	})
	if err != nil {
		return Moved{}, err
	}
	ticket, err := s.Ticket(next)
	return Moved{Step: AskPassword, Ticket: ticket}, err
}

// SignOut ends the session behind a cookie and what came from it (S-05). It is
// no error if there is none.
func (s *Service) SignOut(ctx context.Context, token string, from idp.Origin) error {
	if token == "" {
		return nil
	}
	n, u, err := s.Sessions.ByHash(ctx, HashToken(token))
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	e := event(s.Now(), "signout", Flow{}, u, "", from)
	e.Result, e.Session = "ok", n.ID
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Sessions.End(ctx, n.ID), s.Tokens.EndSession(ctx, n.ID), s.Log.Append(ctx, e))
	})
}

// HashToken is how session tokens are stored (S-10). They have 256 random
// bits, so a plain hash is enough.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
