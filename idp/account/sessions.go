package account

import (
	"context"
	"errors"

	"latchkey/idp"
)

// Doors ends what came from sessions, and sign-ins under way. It joins the
// Atomic in ctx.
type Doors interface {
	// EndFlows ends the sign-ins of a person that are under way.
	EndFlows(ctx context.Context, id idp.UserID) error
	// EndOthers ends what came from every session of a person but one.
	EndOthers(ctx context.Context, id idp.UserID, keep idp.SessionID) error
}

// EndSessions signs a person out everywhere, in connected Odoos, too (SECURITY.md
// S-06), and tells them. Whoever does it to themselves keeps the session in
// which they do. Their factors and trusted browsers stay.
func (s *Service) EndSessions(ctx context.Context, by idp.Actor, id idp.UserID) error {
	var keep idp.SessionID
	if by.User == id {
		keep = by.Session
	}
	return s.acts().change(ctx, by, id, idp.HelpPeople, "session.end_all", func(ctx context.Context, u idp.User) error {
		return errors.Join(
			s.Doors.EndFlows(ctx, id), s.Doors.EndOthers(ctx, id, keep), s.Sessions.EndAll(ctx, id, keep), s.acts().tell(ctx, by, u, idp.SessionsEnded))
	})
}
