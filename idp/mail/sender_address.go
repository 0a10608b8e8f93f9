package mail

import (
	"errors"
	"fmt"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"latchkey/idp"
)

// ErrSender means that the server does not let us send as this sender.
var ErrSender = errors.New("mail: the server does not take mail from")

// Sender is who mails come from, as it stands in their header.
func (s *SMTP) Sender() string { return s.from.String() }

// answersTo reads where answers go. Neither part may hold what could become a
// header of its own (E-11).
func answersTo(v string) (*mail.Address, error) {
	if v == "" {
		return nil, nil
	}
	a, err := mail.ParseAddress(v)
	if err != nil {
		return nil, fmt.Errorf("%w: answers to mails: an e-mail address is expected", idp.ErrInvalid)
	}
	m := Message{Channel: Mail, To: a.Address, Subject: a.Name}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%w: answers to mails: %w", idp.ErrInvalid, err)
	}
	return a, nil
}

// refusedSender is an answer to MAIL FROM.
type refusedSender struct{ error }

func (e *refusedSender) Unwrap() error { return e.error }

// ofSender are pieces of what servers say to a sender whom the mailbox that
// signs in may not be: of Exchange, which tells only after the message (5.7.60,
// 5.2.252), and of Postfix, which tells at the recipient.
var ofSender = []string{
	"sendasdenied", "5.7.60", "5.2.252", "send as this sender", "sender address rejected", "sender rejected", "sender not allowed",
	"not allowed to send as", "not authorized to send", "not owned by user",
}

// explained says what to do about a refusal that is because of the sender.
func (s *SMTP) explained(err error) error {
	text := ""
	if err != nil {
		text = strings.ToLower(err.Error())
	}
	if !refusesSender(err) && !slices.ContainsFunc(ofSender, func(piece string) bool { return strings.Contains(text, piece) }) {
		return err
	}
	return fmt.Errorf("%w %s: set mail.from to the address of the mailbox that signs in, or let that mailbox send as this address: %w", ErrSender, s.from.Address, err)
}

// refusesSender reports whether a server said a lasting no to MAIL FROM. 530 is
// none of these: it wants a password first.
func refusesSender(err error) bool {
	code := 0
	var sent *gomail.SendError
	var asked *refusedSender
	var answer *textproto.Error
	switch {
	case errors.As(err, &asked) && errors.As(err, &answer):
		code = answer.Code
	case errors.As(err, &sent) && sent.Reason == gomail.ErrSMTPMailFrom:
		code = sent.ErrorCode()
	}
	return code == 550 || code == 553
}
