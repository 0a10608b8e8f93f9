package signin

import (
	"context"
	"errors"
	"slices"

	"latchkey/idp"
)

// crowd ends a person's oldest sessions where the house allows only so many at
// once (SECURITY.md S-11), to make room for one more. Of two sign-ins at the
// very same moment neither sees the other; the next one counts both.
func (t turn) crowd(ctx context.Context, s *Service) error {
	if s.Limit == nil {
		return nil
	}
	most, err := s.Limit(ctx)
	if err != nil || most <= 0 {
		return err
	}
	all, err := s.Sessions.Of(ctx, t.user.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	all = slices.DeleteFunc(all, func(n idp.Session) bool { return !n.Live(now) || n.ID == t.flow.Replaces })
	slices.SortFunc(all, func(a, b idp.Session) int { return a.Created.Compare(b.Created) })
	var errs []error
	for len(all) >= most {
		e := event(now, "session.end", t.flow, t.user, "", t.from)
		e.Result, e.Session, e.Detail = "ok", all[0].ID, map[string]string{"reason": "limit"}
		errs = append(errs, s.Sessions.End(ctx, all[0].ID), s.Tokens.EndSession(ctx, all[0].ID), s.Log.Append(ctx, e))
		all = all[1:]
	}
	return errors.Join(errs...)
}
