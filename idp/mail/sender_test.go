package mail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// post is an outbox, a clock, a mail server and what joins them.
type post struct {
	*server
	box    mail.Outbox
	clock  *storetest.Clock
	sender *mail.Sender
}

func each(t *testing.T, f func(t *testing.T, p post)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		p := post{server: listen(t, nil), box: db.Outbox(), clock: clock}
		p.sender = p.another(t, p.box)
		f(t, p)
	})
}

func (p post) another(t *testing.T, box mail.Outbox) *mail.Sender {
	return &mail.Sender{
		Outbox: box, Transports: map[mail.Channel]mail.Transport{mail.Mail: dial(t, mail.SMTPConfig{URL: p.url("")})},
		Now: p.clock.Now, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond,
	}
}

func (p post) put(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		m := mail.New(mail.Mail, fmt.Sprintf("p%d@example.org", i), p.clock.Now())
		m.Subject, m.Text = "news", "text"
		if err := p.box.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func (p post) round(t *testing.T, want int) {
	t.Helper()
	n, err := p.sender.Round(t.Context())
	if err != nil || n != want {
		t.Fatalf("%d sent, %v; want %d", n, err, want)
	}
}

func (p post) newest(t *testing.T) mail.Message {
	t.Helper()
	all, err := p.box.Newest(t.Context(), 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// Two instances share the work and send nothing twice.
func TestTwoSenders(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		const mails = 30
		p.put(t, mails)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			s := p.another(t, p.box)
			wg.Go(func() { s.Run(ctx) })
		}
		for end := time.Now().Add(10 * time.Second); len(p.got()) < mails && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		stop()
		wg.Wait()
		seen := map[string]int{}
		for _, m := range p.got() {
			seen[m.to[0]]++
		}
		if len(seen) != mails || len(p.got()) != mails {
			t.Errorf("%d mails to %d people, want %d", len(p.got()), len(seen), mails)
		}
		p.round(t, 0)
		p.clock.Pass(time.Hour) // no lease was left behind
		p.round(t, 0)
	})
}

// crashing loses the outcome of what was sent.
type crashing struct{ mail.Outbox }

var errCrash = errors.New("crash")

func (crashing) Done(context.Context, mail.Message) error { return errCrash }

// A crash between sending and noting it sends again, under the same Message-ID.
func TestCrashAfterSending(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		p.put(t, 1)
		if _, err := p.another(t, crashing{p.box}).Round(t.Context()); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		p.round(t, 0)
		p.clock.Pass(3 * time.Minute)
		p.round(t, 1)
		p.clock.Pass(time.Hour)
		p.round(t, 0)
		got := p.got()
		if len(got) != 2 {
			t.Fatalf("%d mails, want 2", len(got))
		}
		if a, b := header(got[0].data, "Message-ID"), header(got[1].data, "Message-ID"); a != b || len(a) < 20 {
			t.Errorf("Message-IDs %q and %q", a, b)
		}
	})
}

func header(data, name string) string {
	for line := range strings.Lines(data) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// §3: a server that refuses delays, and keeps why; the pauses grow, and after
// two days it is given up.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		p.set("RCPT", "451 4.7.1 later please")
		p.put(t, 1)
		start := p.clock.Now()
		for _, pause := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 6 * time.Hour} {
			p.round(t, 0)
			m := p.newest(t)
			if got := m.Due.Sub(p.clock.Now()); got != pause || !strings.Contains(m.Failure, "later please") {
				t.Fatalf("try %d: next in %v (%q), want %v", m.Tries, got, m.Failure, pause)
			}
			tried := strings.Count(p.said(), "RCPT")
			p.clock.Pass(pause - time.Second)
			p.round(t, 0)
			if strings.Count(p.said(), "RCPT") != tried {
				t.Fatal("tried before it was due")
			}
			p.clock.Pass(time.Second)
		}
		for !p.newest(t).Due.IsZero() {
			p.clock.Pass(6 * time.Hour)
			p.round(t, 0)
			if p.clock.Now().Sub(start) > 100*time.Hour {
				t.Fatal("never given up")
			}
		}
		p.set("RCPT", "")
		p.clock.Pass(24 * time.Hour)
		p.round(t, 0)
		if m := p.newest(t); m.Failure == "" || !m.Sent.IsZero() || len(p.got()) != 0 {
			t.Errorf("%+v", m)
		}
	})
}

// A server that comes back gets what waited, once.
func TestRecovery(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		p.set("MAIL", "421 4.3.2 closing down")
		p.put(t, 6)
		p.round(t, 0)
		p.set("MAIL", "")
		p.clock.Pass(time.Minute)
		p.round(t, 6)
		p.clock.Pass(time.Hour)
		p.round(t, 0)
		if len(p.got()) != 6 {
			t.Errorf("%d mails", len(p.got()))
		}
	})
}

// What waited for days, because no server was named, is no news any more; what
// must not be sent is given up at once.
func TestGivenUp(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		p.put(t, 1)
		p.clock.Pass(mail.Patience + time.Second)
		p.round(t, 0)
		if m := p.newest(t); !m.Due.IsZero() || m.Failure == "" {
			t.Errorf("%+v", m)
		}
		p.clock.Pass(time.Second)
		bad := mail.New(mail.Mail, "ada@example.org", p.clock.Now())
		bad.Subject = "a\r\nBcc: eve@example.org"
		if err := p.box.Put(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		p.round(t, 0)
		if m := p.newest(t); m.ID != bad.ID || !m.Due.IsZero() {
			t.Errorf("%+v", m)
		}
		if p.said() != "" {
			t.Errorf("the server heard %q", p.said())
		}
	})
}

type panicking struct{}

func (panicking) Send(context.Context, mail.Message) error { panic("boom") }

// C-10: a transport that panics has failed, no more.
func TestPanic(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		p.put(t, 1)
		p.sender.Transports[mail.Mail] = panicking{}
		p.round(t, 0)
		if m := p.newest(t); !strings.Contains(m.Failure, "boom") || m.Due.IsZero() {
			t.Errorf("%+v", m)
		}
	})
}

// What came of each try is told once: what counts it looks into no database.
func TestTold(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		var told []string
		p.sender.Told = func(m mail.Message, came mail.State) { told = append(told, string(m.Channel)+" "+string(came)) }
		p.set("RCPT", "451 4.7.1 later please")
		p.put(t, 1)
		p.round(t, 0)
		p.set("RCPT", "")
		p.clock.Pass(time.Minute)
		p.round(t, 1)
		bad := mail.New(mail.Mail, "ada@example.org", p.clock.Now())
		bad.Subject = "a\r\nBcc: eve@example.org"
		if err := p.box.Put(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		p.round(t, 0)
		if got := strings.Join(told, ", "); got != "mail waiting, mail sent, mail given up" {
			t.Errorf("told %s", got)
		}
	})
}
