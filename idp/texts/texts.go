// Package texts keeps the words that administrators put in the place of ours in
// mails and text messages: whose they are, what of a message may be said
// otherwise, and what must not be left out. They are data, never code: plain
// texts of one line with named places for values (SECURITY.md X-05).
//
// It writes no message and knows no word of ours: package ui/message asks it
// when it writes one.
package texts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/settings"
	"latchkey/mfa"
)

// Message is one kind of message, and what of it may be said otherwise.
type Message struct {
	Name      string
	Languages []string // in which it is written
	Parts     []Part
}

// Part is one of its texts.
type Part struct {
	Name   string
	Values []string // the placeholders that it has; each must be there, and no other
	Most   int      // characters
}

// Own is what an administrator says in one message in one language.
type Own struct {
	Message, Language string
	Version           int64             // 0: nothing was ever set
	Texts             map[string]string // by part; those that are not there are ours
}

// Store keeps them, and holds them in memory: what it returns is shared.
type Store interface {
	Own(ctx context.Context, message, language string) (Own, error)
	All(ctx context.Context) ([]Own, error)
	// Save replaces what is of that version (0: there is none), or fails the
	// Atomic in ctx with idp.ErrSpent: of two who change the same one wins.
	Save(ctx context.Context, o Own) error
}

// Service is the use cases. Its fields are set once, before first use.
type Service struct {
	Store    Store
	Messages []Message
	Users    interface {
		ByID(ctx context.Context, id idp.UserID) (idp.User, error)
	}
	Outbox interface {
		Put(ctx context.Context, m mail.Message) error
	}
	Log     idp.Log
	Atomic  idp.Atomic
	Limiter mfa.Limiter
	// Day is what a text message to a number costs of what the house sends in a
	// day; it fails where none are sent to.
	Day func(to string) ([]mfa.Budget, error)
	Now func() time.Time
}

// Text is what is said in the place of ours, for whoever writes messages. They
// are written whether or not it can be read.
func (s *Service) Text(message, language, part string) (string, bool) {
	o, err := s.Store.Own(context.Background(), message, language)
	t := o.Texts[part]
	return t, err == nil && t != ""
}

// List returns everything that was set, for somebody.
func (s *Service) List(ctx context.Context, by idp.Actor) ([]Own, error) {
	if err := by.May(idp.SeeHouse); err != nil {
		return nil, err
	}
	return s.Store.All(ctx)
}

// Get returns what was set for a message in a language; idp.ErrNotFound when
// there is no such message, or it is not written in that language.
func (s *Service) Get(ctx context.Context, by idp.Actor, message, language string) (Own, error) {
	if err := by.May(idp.SeeHouse); err != nil {
		return Own{}, err
	}
	if _, err := s.find(message, language); err != nil {
		return Own{}, err
	}
	return s.read(ctx, message, language)
}

func (s *Service) read(ctx context.Context, message, language string) (Own, error) {
	o, err := s.Store.Own(ctx, message, language)
	if err != nil {
		return Own{}, err
	}
	return Own{message, language, o.Version, maps.Clone(o.Texts)}, nil
}

func (s *Service) find(message, language string) (Message, error) {
	i := slices.IndexFunc(s.Messages, func(m Message) bool { return m.Name == message })
	if i < 0 || !slices.Contains(s.Messages[i].Languages, language) {
		return Message{}, fmt.Errorf("%w: no message %q in %q", idp.ErrNotFound, message, language)
	}
	return s.Messages[i], nil
}

// Check tidies texts up and judges them without setting anything: [Mistakes].
func (s *Service) Check(o Own) (Own, error) {
	m, err := s.find(o.Message, o.Language)
	if err != nil {
		return o, err
	}
	return m.check(o)
}

// Change replaces what is said in a message in a language; without texts ours are
// back. It fails with [Mistakes], or with idp.ErrSpent when somebody else has
// changed it since it was of that version.
func (s *Service) Change(ctx context.Context, by idp.Actor, o Own) error {
	if err := by.May(idp.EditHouse); err != nil {
		return err
	}
	o, err := s.Check(o)
	if err != nil {
		return err
	}
	was, err := s.read(ctx, o.Message, o.Language)
	if err != nil {
		return err
	}
	if was.Version != o.Version {
		return fmt.Errorf("%w: these texts have changed meanwhile", idp.ErrSpent)
	}
	detail := idp.Diff(was.Texts, o.Texts)
	if len(detail) == 0 {
		return nil
	}
	detail["message"], detail["language"] = o.Message, o.Language
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Save(ctx, o), s.note(ctx, by, "message.change", detail))
	})
}

// Try sends a message to whoever asks for it, and to nobody else: the recipient
// that it has is replaced by the address or the number that is known to be the
// actor's own, which is returned. idp.ErrInvalid when there is none, an
// [*mfa.LockedError] when they have sent enough, or the house has (SECURITY.md
// B-11).
func (s *Service) Try(ctx context.Context, by idp.Actor, message string, m mail.Message) (to string, err error) {
	if err := by.May(idp.EditHouse); err != nil {
		return "", err
	}
	u, err := s.Users.ByID(ctx, by.User)
	if err != nil {
		return "", err
	}
	switch {
	case m.Channel == mail.Mail && u.EmailVerified:
		to = u.Email
	case m.Channel == mail.SMS && u.PhoneVerified:
		to = u.Phone
	}
	if to == "" {
		return "", fmt.Errorf("%w: nothing is known to be your own address for this", idp.ErrInvalid)
	}
	if err := s.spend(ctx, by, m.Channel, to); err != nil {
		return "", err
	}
	fresh := mail.New(m.Channel, to, s.Now())
	fresh.Subject, fresh.Text, fresh.HTML = m.Subject, m.Text, m.HTML
	return to, s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Outbox.Put(ctx, fresh), s.note(ctx, by, "message.test", map[string]string{"message": message, "channel": string(m.Channel)}))
	})
}

// spend counts a test, together with those of package settings.
func (s *Service) spend(ctx context.Context, by idp.Actor, channel mail.Channel, to string) error {
	costs := []mfa.Budget{settings.Trials(by.User)}
	if channel == mail.SMS {
		day, err := s.Day(to)
		if err != nil {
			return fmt.Errorf("%w: %w", idp.ErrInvalid, err)
		}
		costs = append(costs, day...)
	}
	return s.Limiter.Take(ctx, costs...)
}

func (s *Service) note(ctx context.Context, by idp.Actor, what string, detail map[string]string) error {
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}
