package security

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/signin"
)

// successor is the session that takes the place of the actor's.
type successor struct {
	token   string
	session idp.Session
}

func (n successor) renewed(now time.Time) Renewed {
	return Renewed{Session: n.token, MaxAge: n.session.Expires.Sub(now)}
}

// follower prepares a session like the actor's under a new id and the given
// epoch. Its life is no longer than that of the one it follows (S-04).
func (s *Means) follower(ctx context.Context, p person, epoch int64) (successor, error) {
	all, err := s.Sessions.Of(ctx, p.by.User)
	if err != nil {
		return successor{}, err
	}
	i := slices.IndexFunc(all, func(n idp.Session) bool { return n.ID == p.by.Session })
	if i < 0 {
		return successor{}, idp.ErrNotFound // ended this moment
	}
	n := successor{token: signin.NewToken(), session: all[i]}
	n.session.ID, n.session.Hash, n.session.Epoch, n.session.Seen = idp.SessionID(rand.Text()), signin.HashToken(n.token), epoch, s.Now()
	return n, nil
}

// follow puts a prepared session in the place of the actor's, with what came
// from that (SECURITY.md S-01).
func (s *Means) follow(ctx context.Context, p person, n successor) error {
	return errors.Join(s.Sessions.Replace(ctx, p.by.Session, n.session), s.Tokens.MoveSession(ctx, p.ID, p.by.Session, n.session.ID))
}

// endOthers signs a person out everywhere but in one session.
func (s *Means) endOthers(ctx context.Context, p person, keep idp.SessionID) error {
	return errors.Join(s.Tokens.EndOthers(ctx, p.ID, keep), s.Sessions.EndAll(ctx, p.ID, keep))
}

// anew makes everything worthless that was issued to a person before, but the
// session in which they act.
func (s *Means) anew(ctx context.Context, p person, n successor) error {
	return errors.Join(
		s.Users.RaiseEpoch(ctx, p.ID), s.follow(ctx, p, n), s.endOthers(ctx, p, n.session.ID),
		s.Devices.ForgetAll(ctx, p.subject().ID))
}
