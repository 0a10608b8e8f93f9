package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"latchkey/idp/trace"
)

// The numbers of sending. A message is tried for two days, as mail servers do;
// news of a sign-in that is older than that only startles.
const (
	Patience = 48 * time.Hour
	batch    = 8                // sent side by side
	limit    = 30 * time.Second // for handing one message over
	// lease is more than limit: a living sender keeps what it claimed, even
	// from one whose clock is a minute and a half ahead.
	lease  = 2*time.Minute + 10*time.Second
	settle = 5 * time.Second // for noting the outcome
)

// pauses follow the first, second, … try of news, and soon those of a message
// that somebody waits for; the last one repeats.
var (
	pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour}
	soon   = []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}
)

// Sender sends what is due. Any number of them, in any number of instances,
// may share an outbox. Its exported fields are set once, before first use.
type Sender struct {
	Outbox     Outbox
	Transports map[Channel]Transport
	Now        func() time.Time
	Every      time.Duration // how often it looks; default 2 s
	Log        *slog.Logger  // default slog.Default()
	// Told is told what came of each try: [Sent], [Waiting] for the next one, or
	// [GivenUp]. It must be quick; nil: nobody.
	Told func(m Message, came State)

	once sync.Once
	ring chan struct{}
}

// Nudge makes Run look at once, because a message was written that somebody
// waits for. Other instances find it at their next look, should this one fail.
func (s *Sender) Nudge() {
	select {
	case s.bell() <- struct{}{}:
	default: // it is about to look anyway
	}
}

func (s *Sender) bell() chan struct{} {
	s.once.Do(func() { s.ring = make(chan struct{}, 1) })
	return s.ring
}

// Run sends until ctx ends. It returns when the messages in its hands are
// settled: one that is cut off in the middle may arrive twice. A message that
// takes long holds up none of the others, as long as there are hands left.
func (s *Sender) Run(ctx context.Context) {
	every := s.Every
	if every <= 0 {
		every = 2 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var busy sync.WaitGroup
	defer busy.Wait()
	hands := make(chan struct{}, batch)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.bell():
		}
		if err := s.start(ctx, &busy, hands); err != nil && ctx.Err() == nil {
			s.complain(ctx, err)
		}
	}
}

// start begins to send what is due, as far as there are hands for it. Each
// that gets free looks for more.
func (s *Sender) start(ctx context.Context, busy *sync.WaitGroup, hands chan struct{}) error {
	free := cap(hands) - len(hands)
	if free == 0 {
		return nil
	}
	due, err := s.Outbox.Claim(ctx, free, lease)
	if err != nil {
		return err
	}
	// What is claimed is finished, even while the program stops.
	ctx = context.WithoutCancel(ctx)
	for _, m := range due {
		hands <- struct{}{}
		busy.Go(func() {
			if _, err := s.one(ctx, m); err != nil {
				s.complain(ctx, err)
			}
			<-hands
			s.Nudge()
		})
	}
	return nil
}

func (s *Sender) complain(ctx context.Context, err error) {
	s.log().WarnContext(ctx, "the outbox cannot be read or written; it is tried again", "err", err)
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
	ctx, span := trace.Root(ctx, "send "+string(m.Channel))
	receipt, failure := s.hand(ctx, m)
	defer func() { span.End(errors.Join(failure, err)) }()
	due := s.next(m, failure)
	s.tell(m, failure, due)
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	if failure == nil {
		m.HandledBy, m.Receipt = receipt.By, receipt.ID
		return true, s.Outbox.Done(ctx, m)
	}
	s.log().WarnContext(ctx, "message not sent", "message", m.ID, "channel", m.Channel, "tries", m.Tries, "given_up", due.IsZero(), "err", failure)
	return false, s.Outbox.Retry(ctx, m, due, failure.Error())
}

// next says when a message is due after a try; zero: never.
func (s *Sender) next(m Message, failure error) time.Time {
	if failure == nil || errors.Is(failure, ErrHeader) || errors.Is(failure, ErrFinal) {
		return time.Time{}
	}
	return s.again(m)
}

func (s *Sender) tell(m Message, failure error, due time.Time) {
	switch {
	case s.Told == nil:
	case failure == nil:
		s.Told(m, Sent)
	case due.IsZero():
		s.Told(m, GivenUp)
	default:
		s.Told(m, Waiting)
	}
}

// again says when a message that failed is due; zero: never. For one that
// somebody waits for, Run looks at that very moment.
func (s *Sender) again(m Message) time.Time {
	steps, end := pauses, m.Created.Add(Patience)
	if !m.Expires.IsZero() {
		steps, end = soon, m.Expires
	}
	pause := steps[min(max(m.Tries, 1), len(steps))-1]
	due := s.Now().Add(pause)
	if due.After(end) {
		return time.Time{}
	}
	if !m.Expires.IsZero() {
		time.AfterFunc(pause+10*time.Millisecond, s.Nudge)
	}
	return due
}

var errStale = errors.New("mail: too old to be sent now")

// hand hands a message over in limited time. A transport that panics has
// failed; it does not take the program along.
func (s *Sender) hand(ctx context.Context, m Message) (r Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mail: panic: %v", p)
		}
	}()
	patience, now := limit, s.Now()
	if !m.Expires.IsZero() {
		patience = min(limit, m.Expires.Sub(now))
	}
	t, ok := s.Transports[m.Channel]
	switch {
	case !ok:
		return r, fmt.Errorf("mail: no transport for %s", m.Channel)
	case patience <= 0, now.After(m.Created.Add(Patience)):
		return r, errStale
	}
	if err := m.Check(); err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if telling, ok := t.(Receipting); ok {
		return telling.Hand(ctx, m)
	}
	return r, t.Send(ctx, m)
}

func (s *Sender) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}
