package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
)

// Delivery is a message as the log of deliveries has it: what it said is
// nobody's business (SECURITY.md T-08).
type Delivery struct {
	ID      string
	Channel Channel
	To      string
	Created time.Time
	Due     time.Time // zero: nothing is left to do
	Tries   int
	Sent    time.Time // zero: not yet
	Failure string
	Expires time.Time
	// HandledBy and Receipt say who took the message and what they call it.
	HandledBy, Receipt string
	// Kept says that it can be sent once more: a mail that was given up and still
	// says what it said. Codes and links do not: they are made anew.
	Kept bool
}

// State is how far a delivery has come.
type State string

// States; their names are part of the program's interface.
const (
	Sent    State = "sent"
	Waiting State = "waiting"
	GivenUp State = "given up"
	// Obsolete is what a newer message on its topic replaced before it was sent;
	// Withdrawn holds a link that was taken away. Neither failed.
	Obsolete  State = "replaced"
	Withdrawn State = "withdrawn"
)

// What the ledger has in the place of a failure, where none was: of the states of
// these names.
const (
	WasReplaced  = "replaced by a newer one"
	WasWithdrawn = "withdrawn: its link is good no more"
)

// State says how far it has come.
func (d Delivery) State() State {
	switch {
	case !d.Sent.IsZero():
		return Sent
	case d.Due.IsZero() && d.Failure == WasReplaced:
		return Obsolete
	case d.Due.IsZero() && d.Failure == WasWithdrawn:
		return Withdrawn
	case d.Due.IsZero():
		return GivenUp
	}
	return Waiting
}

// Place is where a delivery stands in the log; the zero value is its beginning.
type Place struct {
	Created time.Time
	ID      string
}

// Place is where it stands.
func (d Delivery) Place() Place { return Place{d.Created, d.ID} }

// String is a place for an address.
func (p Place) String() string {
	if p.ID == "" {
		return ""
	}
	return strconv.FormatInt(p.Created.UnixMilli(), 10) + "." + p.ID
}

// ParsePlace reads a String; what is none is the beginning.
func ParsePlace(s string) Place {
	at, id, _ := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return Place{}
	}
	return Place{time.UnixMilli(ms), id}
}

// DeliveryQuery selects deliveries, the newest first.
type DeliveryQuery struct {
	Channel Channel // empty: all
	Failed  bool    // only those that are not sent and failed when they were last tried
	To      string  // the whole address or number, in any case; empty: all
	After   Place   // only what comes after it
	Limit   int
}

// Ledger is the outbox for whoever looks into it.
type Ledger interface {
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Kept returns a message that a [Delivery] says is kept, or idp.ErrNotFound.
	Kept(ctx context.Context, id string) (Message, error)
	// Forget forgets what such a message said; it joins the Atomic in ctx, and
	// fails it with idp.ErrSpent when somebody else was first.
	Forget(ctx context.Context, id string) error
	Put(ctx context.Context, m Message) error
	// Backlogs tells of every channel that has one.
	Backlogs(ctx context.Context) (map[Channel]Backlog, error)
}

// Backlog is what of a channel has not left, and will not.
type Backlog struct {
	Oldest  time.Time // when the oldest message was written that waits; zero: none does
	GivenUp int       // messages that failed and are not tried again, as far back as the ledger goes
}

// Deliveries is what administrators see of messages. Its fields are set once,
// before first use.
type Deliveries struct {
	Ledger Ledger
	Log    idp.Log
	Atomic idp.Atomic
	Now    func() time.Time
}

// List returns deliveries for somebody.
func (s *Deliveries) List(ctx context.Context, by idp.Actor, q DeliveryQuery) ([]Delivery, error) {
	if err := by.May(idp.SeeHouse); err != nil {
		return nil, err
	}
	q.To = strings.TrimSpace(q.To)
	return s.Ledger.Deliveries(ctx, q)
}

// Kept returns a delivery that Again would send, or idp.ErrNotFound.
func (s *Deliveries) Kept(ctx context.Context, by idp.Actor, id string) (Delivery, error) {
	if err := by.May(idp.EditHouse); err != nil {
		return Delivery{}, err
	}
	m, err := s.Ledger.Kept(ctx, id)
	return Delivery{ID: m.ID, Channel: m.Channel, To: m.To, Created: m.Created, Tries: m.Tries, Failure: m.Failure, Kept: err == nil}, err
}

// Again sends a mail once more that was given up, as a new one to the same
// address. idp.ErrNotFound when there is nothing left of it, idp.ErrSpent when
// it was sent again already.
func (s *Deliveries) Again(ctx context.Context, by idp.Actor, id string) error {
	if err := by.May(idp.EditHouse); err != nil {
		return err
	}
	old, err := s.Ledger.Kept(ctx, id)
	if err != nil {
		return err
	}
	m := New(old.Channel, old.To, s.Now())
	m.Subject, m.Text, m.HTML = old.Subject, old.Text, old.HTML
	if err := m.Check(); err != nil {
		return fmt.Errorf("%w: it cannot be sent: %w", idp.ErrInvalid, err)
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Ledger.Forget(ctx, id), s.Ledger.Put(ctx, m), s.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: s.Now(), What: "message.again", Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok",
			Detail: map[string]string{"message": id, "again": m.ID, "to": m.To},
		}))
	})
}
