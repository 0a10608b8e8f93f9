// Package mail hands messages over to the outside world. A [Message] is
// written to the outbox in the transaction of what it tells of; a [Sender]
// takes it from there, so that no request ever waits for a mail server
// (SECURITY.md E-02) and nothing that happened goes untold because one was
// down.
//
// It never knows words: subjects and texts come ready from ui/message. It
// never looks at people: a message has one recipient, set by whoever wrote it.
package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"latchkey/idp"
)

// Channel is how a message travels.
type Channel string

const (
	Mail Channel = "mail"
	SMS  Channel = "sms"
	// Logout is a word to an application that a session has ended; see
	// package oidc.
	Logout Channel = "logout"
	// Odoo is a word to a connected Odoo that a person's sessions there are at
	// an end; see package idp/odoo/connector.
	Odoo Channel = "odoo"
)

// Message is one message to one recipient.
type Message struct {
	ID      string // 130 random bits; its Message-ID is made of it, so a copy can be recognised
	Channel Channel
	To      string // bare address, such as ada@example.org
	Subject string
	Text    string
	HTML    string // optional
	Created time.Time
	Due     time.Time // when it may be tried next; zero: nothing is left to do
	Tries   int
	Sent    time.Time // zero: not yet
	Failure string    // why the last try failed

	// Expires is for a message that somebody waits for, such as a code: it is
	// tried again soon when it fails, and never after this. Zero: news, which
	// keep for two days.
	Expires time.Time
	// HandledBy and Receipt say who took the message and what they call it, as
	// far as they tell.
	HandledBy, Receipt string

	// Topic and Quiet limit what others can bring about: no second message on
	// the same topic is written before Quiet has passed (SECURITY.md B-11).
	// Without Quiet it is the other way round: the newest message on the topic
	// takes the place of one that is not sent yet (T-07).
	Topic string
	Quiet time.Duration
}

// New starts a message. The caller fills in what it says.
func New(c Channel, to string, now time.Time) Message {
	return Message{ID: strings.ToLower(rand.Text()), Channel: c, To: to, Created: now, Due: now}
}

// Outbox keeps messages until they are sent.
type Outbox interface {
	// Put adds a message, unless its topic is to be quiet; it joins the
	// Atomic in ctx.
	Put(ctx context.Context, m Message) error
	// Claim returns up to limit messages that are due and gives them to this
	// caller alone until the lease ends. Each claim counts as a try.
	Claim(ctx context.Context, limit int, lease time.Duration) ([]Message, error)
	// Done notes that a message is sent, and by whom, and forgets what it said.
	Done(ctx context.Context, m Message) error
	// Retry notes why a claimed message was not sent and when it is due again;
	// zero gives it up, and one that expires forgets what it said. Somebody who
	// has claimed it since is left alone.
	Retry(ctx context.Context, m Message, due time.Time, failure string) error
	// Newest returns messages, the newest first.
	Newest(ctx context.Context, limit int) ([]Message, error)
	// Unsent returns messages whose last try failed, the newest first.
	Unsent(ctx context.Context, limit int) ([]Message, error)
}

// Transport hands a message over. It returns nil only when the other side has
// taken it.
type Transport interface {
	Send(ctx context.Context, m Message) error
}

// Receipting is an extra ability of a [Transport] that can tell who took a
// message. It is then called in place of Send.
type Receipting interface {
	Hand(ctx context.Context, m Message) (Receipt, error)
}

// Receipt says who took a message and what they call it.
type Receipt struct{ By, ID string }

// ErrFinal means that a message must not be tried again: it would be refused
// again, or arrive twice.
var ErrFinal = errors.New("mail: not to be tried again")

// ErrHeader means that an address or a subject holds what could become a
// header of its own (SECURITY.md E-11).
var ErrHeader = errors.New("mail: control character or line break in a header")

// Check fails with [ErrHeader] or idp.ErrInvalid when a message must not be
// sent as it is.
func (m Message) Check() error {
	if strings.ContainsFunc(m.To+m.Subject, unsafe) {
		return ErrHeader
	}
	if a, err := mail.ParseAddress(m.To); m.Channel == Mail && (err != nil || a.Address != m.To) {
		return fmt.Errorf("%w: recipient: a bare e-mail address is expected", idp.ErrInvalid)
	}
	return nil
}

// unsafe reports characters that some reader of a header takes for its end.
func unsafe(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
