package signin

import (
	"context"
	"errors"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
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

// witness sees to it that what happens to an account is in the log, and that the
// person hears of it.
type witness struct {
	log    idp.Log
	notify Notifier
	users  idp.Users
	atomic idp.Atomic
	known  knownBrowsers
}

func (s *Service) witness() witness {
	return witness{s.Log, s.Notify, s.Users, s.Atomic, s.Secret}
}

// refused logs a refusal and tells the person, in one round trip.
func (w witness) refused(ctx context.Context, f Flow, u idp.User, e idp.Event) error {
	return w.atomic(ctx, func(ctx context.Context) error {
		err := w.log.Append(ctx, e)
		if k, is := news[[2]string{e.What, e.Result}]; is && u.ID != "" && !u.Disabled {
			err = errors.Join(err, tell(ctx, w.notify, k, f, u, e))
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
func (w witness) browserSeen(ctx context.Context, f Flow, u idp.User, e idp.Event, known string) error {
	if w.known.device(u, known) != "" {
		return nil
	}
	first, err := newcomer(ctx, w.log, u)
	if err != nil || first {
		return err
	}
	return tell(ctx, w.notify, idp.NewBrowser, f, u, e)
}

// after notes and tells what a use of a factor brings with it.
func (w witness) after(ctx context.Context, f Flow, u idp.User, e idp.Event, used mfa.Credential) error {
	var errs []error
	if used.Kind == backup.Kind {
		n := noticeOf(idp.BackupUsed, f, e)
		n.Left = backup.Left(used)
		errs = append(errs, w.notify.Notice(ctx, u, n))
	}
	if used.Use.Cloned {
		errs = append(errs, tell(ctx, w.notify, idp.KeyCloned, f, u, e))
	}
	if u.Mailed && used.Kind != emailKind {
		errs = append(errs, w.users.SetMailed(ctx, u.ID, false)) // more than a mailbox
	}
	if used.Kind != u.Method && used.Kind != backup.Kind && used.Kind != temporaryKind {
		errs = append(errs, w.users.SetMethod(ctx, u.ID, used.Kind))
	}
	return errors.Join(errs...)
}

// failed logs a wrong answer and tells the person. The log's failure is worth
// more than the person's: it closes the door.
func (w witness) failed(ctx context.Context, f Flow, u idp.User, e idp.Event, err error) error {
	switch {
	case errors.Is(err, mfa.ErrCloned):
		e.Result = "cloned"
	case errors.Is(err, mfa.ErrWrong):
		e.Result = "wrong"
	case errors.Is(err, mfa.ErrLocked):
		e.Result = "locked"
	case errors.Is(err, mfa.ErrExpired):
		e.Result = "expired"
	case errors.Is(err, mfa.ErrRefused):
		e.Result = "refused"
	default:
		return err
	}
	return errors.Join(err, w.refused(ctx, f, u, e))
}
