package rulebook

import (
	"context"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// Standing is how somebody stands beside policy, when they come to sign in.
type Standing struct {
	Invited time.Time // when the last invitation went out; zero: never
	Until   time.Time // how long its link is good; zero: it is not
	Locks   []Lock
	// Elsewhere says that the password they have in the system they came from is
	// tried, while they have none here.
	Elsewhere bool
}

// Lock is why somebody is refused for a while, after too many tries.
type Lock struct {
	What   string    // "password" or "factor"
	Method mfa.Kind  // of a factor; empty: of all
	Until  time.Time // zero: until an administrator lifts it
}

// Obstacle is what keeps somebody out whatever policy says.
type Obstacle struct {
	What   ObstacleKind
	Method mfa.Kind  // of ObstacleFactor; empty: of all
	Since  time.Time // of the two about an invitation: when it went out
	Until  time.Time // of a lock and of ObstacleInvited; zero: until somebody does something
}

// ObstacleKind is what it is; the words are part of the API.
type ObstacleKind string

const (
	ObstacleDisabled ObstacleKind = "disabled"
	// ObstacleInvited is somebody who was invited and has not chosen a password;
	// ObstacleOver is one whose link is good no more.
	ObstacleInvited ObstacleKind = "invited"
	ObstacleOver    ObstacleKind = "invitation_over"
	// ObstacleNoPassword is somebody who has neither a password nor a passkey and
	// was never invited.
	ObstacleNoPassword ObstacleKind = "no_password"
	ObstaclePassword   ObstacleKind = "password_locked" // in browsers that they have not used before
	ObstacleFactor     ObstacleKind = "factor_locked"
)

// standing asks how somebody stands.
func (s looker) standing(ctx context.Context, u idp.User) (Standing, error) {
	if s.Standing == nil {
		return Standing{}, nil
	}
	return s.Standing(ctx, u)
}

// first is the first proof that somebody can give; empty: none.
func (st Standing) first(u idp.User) mfa.Kind {
	switch {
	case u.Password != "" || st.Elsewhere:
		return idp.Password
	case slices.Contains(u.Factors, idp.Passkey):
		return idp.Passkey
	}
	return ""
}

// Obstacles are what keeps somebody out at a moment, the worst first.
func (st Standing) Obstacles(u idp.User, at time.Time) (out []Obstacle) {
	if u.Disabled {
		out = append(out, Obstacle{What: ObstacleDisabled})
	}
	first := st.first(u)
	switch {
	case first != "":
	case st.Invited.IsZero():
		out = append(out, Obstacle{What: ObstacleNoPassword})
	case st.Until.After(at):
		out = append(out, Obstacle{What: ObstacleInvited, Since: st.Invited, Until: st.Until})
	default:
		out = append(out, Obstacle{What: ObstacleOver, Since: st.Invited})
	}
	for _, l := range st.Locks {
		if !l.Until.IsZero() && !l.Until.After(at) {
			continue
		}
		switch {
		case l.What == "factor":
			out = append(out, Obstacle{What: ObstacleFactor, Method: l.Method, Until: l.Until})
		case l.What == "password" && first == idp.Password:
			out = append(out, Obstacle{What: ObstaclePassword, Until: l.Until})
		}
	}
	return out
}
