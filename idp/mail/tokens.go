package mail

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Tokens are what a mail server is shown in place of a password (SASL XOAUTH2).
// They are as secret as one.
type Tokens interface {
	// Token returns one that is good for a while yet. It fails with why there is
	// none, and never with what is secret.
	Token(ctx context.Context) (string, error)
	// Forget says that the server does not take a token, whatever its age.
	Forget(token string)
}

// ErrToken means that there is no token that the mail server takes.
var ErrToken = errors.New("mail: no token for the mail server")

// refused is what a server says to a wrong password or a token that is not good
// any more (RFC 4954 §6).
const refused = 535

// connect connects and begins TLS, and shows the password or a token. A token
// that is refused is replaced once: it may have been withdrawn before its time.
func (s *SMTP) connect(ctx context.Context) (*gomail.Client, *smtp.Client, error) {
	if s.tokens == nil {
		return s.signIn(ctx)
	}
	for again := false; ; again = true {
		token, err := s.tokens.Token(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrToken, err)
		}
		c, line, err := s.signIn(ctx, gomail.WithSMTPAuth(gomail.SMTPAuthXOAUTH2), gomail.WithUsername(s.user), gomail.WithPassword(token))
		var answer *textproto.Error
		if !errors.As(err, &answer) || answer.Code != refused {
			return c, line, err
		}
		s.tokens.Forget(token)
		if again {
			return nil, nil, fmt.Errorf("%w: it refuses a new one for %s, too: may the application send by this mailbox? %w", ErrToken, s.user, err)
		}
	}
}

func (s *SMTP) signIn(ctx context.Context, with ...gomail.Option) (*gomail.Client, *smtp.Client, error) {
	c, err := s.client(ctx, with...)
	if err != nil {
		return nil, nil, err
	}
	line, err := c.DialToSMTPClientWithContext(ctx)
	return c, line, err
}
