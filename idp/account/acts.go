package account

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// acts is what every act on an account shares: the right to do it, the person, one
// transaction, one line of the log, and word of it to the person.
type acts struct {
	users  idp.Users
	owners Owners
	log    idp.Log
	notify Notifier
	atomic idp.Atomic
	now    func() time.Time
}

// change runs what every change of a person shares: the right to do it, the
// person, one transaction, one event.
func (a acts) change(ctx context.Context, by idp.Actor, id idp.UserID, right idp.Right, what string, do func(context.Context, idp.User) error) error {
	u, err := a.touch(ctx, by, id, right, what)
	if err != nil {
		return err
	}
	return a.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(do(ctx, u), a.note(ctx, by, what, id, nil))
	})
}

// touch reads a person to whom something is to be done, if the actor may do it
// to them (SECURITY.md D-01, D-02). Whoever may not leaves a line (D-07).
func (a acts) touch(ctx context.Context, by idp.Actor, id idp.UserID, right idp.Right, what string) (idp.User, error) {
	if err := by.May(right); err != nil {
		return idp.User{}, a.denied(ctx, by, id, what, err)
	}
	u, err := a.users.ByID(ctx, id)
	if err == nil {
		if err = by.MayTouch(right, u); err != nil {
			err = a.denied(ctx, by, id, what, err)
		}
	}
	return u, err
}

// denied notes that somebody tried what is not theirs (D-07).
func (a acts) denied(ctx context.Context, by idp.Actor, id idp.UserID, what string, err error) error {
	if by.User == "" {
		return err
	}
	return errors.Join(err, a.log.Append(ctx, idp.Event{
		ID: rand.Text(), At: a.now(), What: what, User: id, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "denied",
	}))
}

// keepOwner refuses to take the last owner away (D-05): it fails the Atomic in
// ctx with idp.ErrLastOwner when somebody who is one, and is not to be any more,
// has no peer. The host's command line may: it can make another one.
func (a acts) keepOwner(ctx context.Context, by idp.Actor, u idp.User, next idp.Role) error {
	if by.Host || u.Role != idp.Owner || next == idp.Owner || u.Disabled {
		return nil
	}
	return a.owners.Another(ctx, u.ID)
}

// tell notifies a person of a change to their account. Where an administrator
// sits is not theirs to know; where they themselves did it is.
func (a acts) tell(ctx context.Context, by idp.Actor, u idp.User, k idp.NoticeKind) error {
	n := idp.Notice{Kind: k, At: a.now()}
	if by.User == u.ID {
		n.Origin = by.Origin
	}
	return a.notify.Notice(ctx, u, n)
}

// note leaves the line of something that was done.
func (a acts) note(ctx context.Context, by idp.Actor, what string, about idp.UserID, detail map[string]string) error {
	return a.log.Append(ctx, idp.Event{
		ID: rand.Text(), At: a.now(), What: what, User: about, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}

// noteFactor is note for what is about a factor.
func (a acts) noteFactor(ctx context.Context, by idp.Actor, what string, u idp.User, k mfa.Kind, detail map[string]string) error {
	return a.log.Append(ctx, idp.Event{
		ID: rand.Text(), At: a.now(), What: what, User: u.ID, Actor: by.User, Session: by.Session, Method: k, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}
