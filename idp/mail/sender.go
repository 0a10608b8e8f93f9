package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// The numbers of sending. A message is tried for two days, as mail servers do;
// news of a sign-in that is older than that only startles.
const (
	Patience = 48 * time.Hour
	batch    = 4                // sent side by side
	limit    = 30 * time.Second // for handing one message over
	lease    = 2 * time.Minute  // more than limit: a living sender keeps what it claimed
	settle   = 5 * time.Second  // for noting the outcome
)

// pauses follow the first, second, … try; the last one repeats.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour}

// Sender sends what is due. Any number of them, in any number of instances,
// may share an outbox. Its fields are set once, before first use.
type Sender struct {
	Outbox     Outbox
	Transports map[Channel]Transport
	Now        func() time.Time
	Every      time.Duration // how often it looks; default 2 s
	Log        *slog.Logger  // default slog.Default()
}

// Run sends until ctx ends. It returns when the messages in its hands are
// settled: one that is cut off in the middle may arrive twice.
func (s *Sender) Run(ctx context.Context) {
	every := s.Every
	if every <= 0 {
		every = 2 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := s.Round(ctx); err != nil && ctx.Err() == nil {
				s.log().WarnContext(ctx, "the outbox cannot be read or written; it is tried again", "err", err)
			}
		}
	}
}

// Round sends everything that is due now and says how much it sent. A
// transport's failure is kept with its message; what it returns are failures
// of the outbox.
func (s *Sender) Round(ctx context.Context) (sent int, err error) {
	for ctx.Err() == nil {
		due, err := s.Outbox.Claim(ctx, batch, lease)
		if err != nil {
			return sent, err
		}
		n, err := s.all(ctx, due)
		sent += n
		if err != nil || len(due) < batch {
			return sent, err
		}
	}
	return sent, nil
}

func (s *Sender) all(ctx context.Context, due []Message) (sent int, err error) {
	// What is claimed is finished, even while the program stops.
	ctx = context.WithoutCancel(ctx)
	var wg sync.WaitGroup
	ok, errs := make([]bool, len(due)), make([]error, len(due))
	for i, m := range due {
		wg.Go(func() { ok[i], errs[i] = s.one(ctx, m) })
	}
	wg.Wait()
	for _, did := range ok {
		if did {
			sent++
		}
	}
	return sent, errors.Join(errs...)
}

// one sends a message and notes the outcome.
func (s *Sender) one(ctx context.Context, m Message) (sent bool, err error) {
	failure := s.hand(ctx, m)
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	if failure == nil {
		return true, s.Outbox.Done(ctx, m)
	}
	due := s.Now().Add(pauses[min(max(m.Tries, 1), len(pauses))-1])
	if due.After(m.Created.Add(Patience)) || errors.Is(failure, ErrHeader) {
		due = time.Time{}
	}
	s.log().WarnContext(ctx, "message not sent", "message", m.ID, "channel", m.Channel, "tries", m.Tries, "given_up", due.IsZero(), "err", failure)
	return false, s.Outbox.Retry(ctx, m, due, failure.Error())
}

var errStale = errors.New("mail: too old to be sent now")

// hand hands a message over in limited time. A transport that panics has
// failed; it does not take the program along.
func (s *Sender) hand(ctx context.Context, m Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mail: panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t, ok := s.Transports[m.Channel]
	switch {
	case !ok:
		return fmt.Errorf("mail: no transport for %s", m.Channel)
	case s.Now().After(m.Created.Add(Patience)):
		return errStale
	}
	if err := m.Check(); err != nil {
		return err
	}
	return t.Send(ctx, m)
}

func (s *Sender) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}
