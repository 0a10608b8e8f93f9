package settings

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/sms"
)

// testsPerHour is how many test messages one administrator sends in an hour, of
// all kinds: whoever has their session must not pump (SECURITY.md B-11).
const testsPerHour = 10

// Trials is that budget, for whoever else sends tests.
func Trials(who idp.UserID) mfa.Budget {
	return mfa.Budget{Key: "test:" + string(who), Max: testsPerHour, Per: time.Hour}
}

// Sender sends text messages.
type Sender interface {
	Send(ctx context.Context, m sms.Message) (sms.Receipt, error)
}

// Test sends a text to a number in E.164 now, and records who did and to which
// country (SECURITY.md B-11, D-07). An [*idp.DeniedError], a [*mfa.LockedError],
// or what became of the message.
func (s *Service) Test(ctx context.Context, by idp.Actor, out Sender, to, text string) (got sms.Receipt, err error) {
	err = s.try(ctx, by, "gateway.test", map[string]string{"country": idp.CallingCode(to)}, func() error {
		got, err = out.Send(ctx, sms.Message{ID: rand.Text(), To: to, Text: text})
		return err
	})
	return got, err
}

// TestMail records and limits a test of the mail server, as Test does for text
// messages. send hands the mail over.
func (s *Service) TestMail(ctx context.Context, by idp.Actor, send func() error) error {
	return s.try(ctx, by, "mail.test", nil, send)
}

func (s *Service) try(ctx context.Context, by idp.Actor, what string, detail map[string]string, send func() error) error {
	if err := by.May(idp.EditHouse); err != nil {
		return err
	}
	if s.Limiter != nil && !by.Host {
		if err := s.Limiter.Take(ctx, Trials(by.User)); err != nil {
			return err
		}
	}
	failure, result := send(), "ok"
	if failure != nil {
		result = "failed"
	}
	// Whoever hangs up is recorded all the same.
	return errors.Join(failure, s.Atomic(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return s.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: s.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: result, Detail: detail,
		})
	}))
}
