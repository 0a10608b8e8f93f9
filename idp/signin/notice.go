package signin

import (
	"context"
	"errors"

	"latchkey/idp"
)

// Notifier tells a person what happened to their account (SECURITY.md B-12,
// M-18). What it writes joins the Atomic in ctx: no notice of what was undone,
// and nothing done in silence.
type Notifier interface {
	Notice(ctx context.Context, u idp.User, n idp.Notice) error
}

// tell notifies a person of an event of a flow.
func tell(ctx context.Context, to Notifier, k idp.NoticeKind, f Flow, u idp.User, e idp.Event) error {
	return to.Notice(ctx, u, noticeOf(k, f, e))
}

func noticeOf(k idp.NoticeKind, f Flow, e idp.Event) idp.Notice {
	return idp.Notice{Kind: k, At: e.At, Origin: e.Origin, Method: e.Method, Client: f.Client}
}

// news says which refusals a person hears of, by event and result. A wrong
// password is none of them: anybody can send one.
var news = map[[2]string]idp.NoticeKind{
	{"signin.password", "locked"}: idp.Locked,
	{"signin.factor", "locked"}:   idp.Locked,
	{"signin.factor", "wrong"}:    idp.WrongFactor,
	{"signin.factor", "cloned"}:   idp.KeyCloned, // W-08: refused, but it has happened
	{"signin.passkey", "cloned"}:  idp.KeyCloned,
}

// refused logs a refusal and tells the person, in one round trip.
func (s *Service) refused(ctx context.Context, f Flow, u idp.User, e idp.Event) error {
	return s.Atomic(ctx, func(ctx context.Context) error {
		err := s.Log.Append(ctx, e)
		if k, is := news[[2]string{e.What, e.Result}]; is && u.ID != "" && !u.Disabled {
			err = errors.Join(err, tell(ctx, s.Notify, k, f, u, e))
		}
		return err
	})
}

// lookBack is how many events of a person are looked through for a sign-in.
const lookBack = 50

var errFound = errors.New("signin: found")

// newcomer reports whether this is the person's very first sign-in, of which
// there is nothing to tell: every browser is new then. When more has happened
// than is looked through, it is not the first: strangers who fill the log with
// wrong passwords must not silence the notice of their right one.
func newcomer(ctx context.Context, log idp.Log, u idp.User) (bool, error) {
	n := 0
	err := log.Events(ctx, idp.EventQuery{User: u.ID, Limit: lookBack}, func(e idp.Event) error {
		n++
		if e.What == "signin" && e.Result == "ok" {
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return false, nil
	}
	return n < lookBack, err
}

// browserSeen tells the person of a sign-in from a browser that is not known
// to have been theirs. Only then it costs a look at the log.
func (s *Service) browserSeen(ctx context.Context, f Flow, u idp.User, e idp.Event, known string) error {
	if knownBrowsers(s.Secret).device(u, known) != "" {
		return nil
	}
	first, err := newcomer(ctx, s.Log, u)
	if err != nil || first {
		return err
	}
	return tell(ctx, s.Notify, idp.NewBrowser, f, u, e)
}
