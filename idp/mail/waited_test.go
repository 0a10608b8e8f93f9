package mail_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/mail"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/sms"
)

// gate is a transport that does as it is told.
type gate struct {
	mu    sync.Mutex
	tries map[string]int
	send  func(ctx context.Context, m mail.Message) (mail.Receipt, error)
}

func (g *gate) Hand(ctx context.Context, m mail.Message) (mail.Receipt, error) {
	g.mu.Lock()
	if g.tries == nil {
		g.tries = map[string]int{}
	}
	g.tries[m.ID]++
	send := g.send
	g.mu.Unlock()
	if send == nil {
		return mail.Receipt{By: "gate", ID: "r1"}, nil
	}
	return send(ctx, m)
}

func (g *gate) Send(ctx context.Context, m mail.Message) error {
	_, err := g.Hand(ctx, m)
	return err
}

func (g *gate) tried(id string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tries[id]
}

func waited(now time.Time) mail.Message {
	m := mail.New(mail.SMS, "+33612345678", now)
	m.Text, m.Expires = "123456", now.Add(5*time.Minute)
	return m
}

// running is a sender that only looks when it is nudged.
func running(t *testing.T, box mail.Outbox, g *gate, now func() time.Time) *mail.Sender {
	t.Helper()
	s := &mail.Sender{Outbox: box, Transports: map[mail.Channel]mail.Transport{mail.SMS: g}, Now: now, Every: time.Hour, Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return s
}

func until(t *testing.T, within time.Duration, what string, done func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !done() {
		if time.Since(start) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(start)
}

// A code does not wait for the next look, and its receipt is kept.
func TestNudge(t *testing.T) {
	db := storetest.OpenAt(t, time.Now)
	g := &gate{}
	s := running(t, db.Outbox(mail.SMS), g, time.Now)
	best := time.Hour // of a few: the machine may be busy with other tests
	for range 5 {
		m := waited(time.Now())
		if err := db.Outbox().Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		s.Nudge()
		best = min(best, until(t, 2*time.Second, "sent", func() bool { return g.tried(m.ID) == 1 }))
		until(t, time.Second, "noted", func() bool {
			all, err := db.Outbox().Newest(t.Context(), 1)
			return err == nil && all[0].ID == m.ID && all[0].HandledBy == "gate" && all[0].Receipt == "r1" && all[0].Text == ""
		})
	}
	if best > 100*time.Millisecond {
		t.Errorf("it took %v at best", best)
	}
}

// A code is tried again within a second, without anybody's nudge.
func TestSoonAgain(t *testing.T) {
	db := storetest.OpenAt(t, time.Now)
	g := &gate{}
	var calls int
	g.send = func(context.Context, mail.Message) (mail.Receipt, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if calls++; calls == 1 {
			return mail.Receipt{}, errors.New("refused")
		}
		return mail.Receipt{By: "gate"}, nil
	}
	s := running(t, db.Outbox(), g, time.Now)
	m := waited(time.Now())
	if err := db.Outbox().Put(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.Nudge()
	until(t, 3*time.Second, "sent", func() bool { return g.tried(m.ID) == 2 })
}

// Messages that hang hold up none of the others.
func TestHangingHoldsUpNobody(t *testing.T) {
	db := storetest.OpenAt(t, time.Now)
	g, free := &gate{}, make(chan struct{})
	g.send = func(ctx context.Context, m mail.Message) (mail.Receipt, error) {
		if m.Text == "hang" {
			select {
			case <-free:
			case <-ctx.Done():
			}
		}
		return mail.Receipt{}, nil
	}
	s := running(t, db.Outbox(), g, time.Now)
	defer close(free)
	for range 3 {
		m := waited(time.Now())
		m.Text = "hang"
		if err := db.Outbox().Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	s.Nudge()
	time.Sleep(50 * time.Millisecond)
	m := waited(time.Now())
	if err := db.Outbox().Put(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.Nudge()
	until(t, 2*time.Second, "sent", func() bool { return g.tried(m.ID) == 1 })
}

// T-05: the pauses between tries are short, and none comes after the code's
// time; a code that is too old is not handed over at all.
func TestWaitedRetries(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		g := &gate{send: func(context.Context, mail.Message) (mail.Receipt, error) {
			return mail.Receipt{}, errors.New("refused")
		}}
		p.sender.Transports[mail.SMS] = g
		m := waited(p.clock.Now())
		if err := p.box.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for i, pause := range []time.Duration{1, 3, 10, 20, 30, 30, 30, 30, 30, 30, 30, 30} {
			p.round(t, 0)
			if got := p.newest(t).Due.Sub(p.clock.Now()); got != pause*time.Second {
				t.Fatalf("try %d: next in %v, want %d s", i+1, got, pause)
			}
			p.clock.Pass(pause * time.Second)
		}
		p.round(t, 0)
		if last := p.newest(t); !last.Due.IsZero() || last.Text != "" || p.clock.Now().After(m.Expires) {
			t.Errorf("%+v", last)
		}
		m = waited(p.clock.Now())
		if err := p.box.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		p.clock.Pass(5 * time.Minute)
		p.round(t, 0)
		if g.tried(m.ID) != 0 || !p.newest(t).Due.IsZero() {
			t.Errorf("an old code was tried %d times: %+v", g.tried(m.ID), p.newest(t))
		}
	})
}

type texter struct{ err error }

func (x texter) Send(_ context.Context, m sms.Message) (sms.Receipt, error) {
	return sms.Receipt{Gateway: "gw", ID: m.ID}, x.err
}

// What would be refused again, or arrive twice, is not tried again.
func TestTexts(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		for err, again := range map[error]bool{nil: false, sms.ErrRefused: false, sms.ErrUncertain: false, sms.ErrNoGateway: false, sms.ErrResting: true, errors.New("time-out"): true} {
			p.sender.Transports[mail.SMS] = mail.Texts{By: texter{err}}
			if err := p.box.Put(t.Context(), waited(p.clock.Now())); err != nil {
				t.Fatal(err)
			}
			if n, e := p.sender.Round(t.Context()); e != nil || (n == 1) != (err == nil) {
				t.Fatalf("%v: %d sent, %v", err, n, e)
			}
			m := p.newest(t)
			if m.Due.IsZero() == again || err == nil && (m.HandledBy != "gw" || m.Receipt != m.ID) || err != nil && !strings.Contains(m.Failure, err.Error()) {
				t.Errorf("%v: %+v", err, m)
			}
			p.clock.Pass(time.Hour)
			if _, err := p.sender.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
