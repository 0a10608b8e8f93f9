package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// waited is a message that somebody waits for.
func waited(now time.Time, topic string) mail.Message {
	m := mail.New(mail.SMS, "+33612345678", now)
	m.Text, m.Topic, m.Expires = "123456", topic, now.Add(5*time.Minute)
	return m
}

func newest(t *testing.T, box mail.Outbox) mail.Message {
	t.Helper()
	all, err := box.Newest(t.Context(), 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// The delivery log: who took a message, and what they call it.
func TestOutboxReceipt(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		put(t, box, waited(clock.Now(), ""))
		m := claim(t, box, 1)[0]
		if !m.Expires.Equal(clock.Now().Add(5 * time.Minute)) {
			t.Errorf("expires %v", m.Expires)
		}
		m.HandledBy, m.Receipt = "twilio", "SM\x00\xff1"
		must(t, box.Done(t.Context(), m))
		if got := newest(t, box); got.HandledBy != "twilio" || got.Receipt != "SM1" || got.Text != "" {
			t.Errorf("%+v", got)
		}
	})
}

// What somebody waits for goes before the news.
func TestOutboxOrder(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		put(t, box, letter(clock.Now(), "a"), letter(clock.Now(), "b"))
		clock.Pass(time.Second)
		put(t, box, waited(clock.Now(), ""))
		got, err := box.Claim(t.Context(), 1, lease)
		must(t, err)
		if len(got) != 1 || got[0].Channel != mail.SMS {
			t.Errorf("%+v", got)
		}
	})
}

// T-07: a new code takes the place of one that is not sent yet, with all that
// it said, and of nothing else.
func TestOutboxReplaces(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		old, other := waited(clock.Now(), "code:ada"), waited(clock.Now(), "code:max")
		put(t, box, old, other)
		put(t, box, waited(clock.Now(), "code:ada"))
		for _, m := range claim(t, box, 2) {
			if m.ID == old.ID {
				t.Error("the old code goes out")
			}
		}
		all, err := box.Unsent(t.Context(), 10)
		must(t, err)
		if len(all) != 1 || all[0].ID != old.ID || all[0].Text != "" || !all[0].Due.IsZero() || all[0].Failure == "" {
			t.Errorf("%+v", all)
		}
		// In an Atomic that fails nothing is replaced.
		put(t, box, waited(clock.Now(), "code:eve"))
		undone := errors.New("undone")
		err = db.Atomic(t.Context(), func(ctx context.Context) error {
			return errors.Join(box.Put(ctx, waited(clock.Now(), "code:eve")), undone)
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		claim(t, box, 1)
		// A sent one stays what it is, and housekeeping forgets no topic early.
		put(t, box, waited(clock.Now(), "code:pia"))
		sent := claim(t, box, 1)[0]
		must(t, box.Done(t.Context(), sent))
		clock.Pass(time.Minute)
		must(t, db.Sweep(t.Context(), clock.Now()))
		put(t, box, waited(clock.Now(), "code:pia"))
		all, err = box.Newest(t.Context(), 10)
		must(t, err)
		for _, m := range all {
			if m.ID == sent.ID && (m.Sent.IsZero() || m.Failure != "") {
				t.Errorf("%+v", m)
			}
		}
	})
}

// One that was replaced while it was being sent does not come back.
func TestOutboxReplacedInHands(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		put(t, box, waited(clock.Now(), "code:ada"))
		m := claim(t, box, 1)[0]
		put(t, box, waited(clock.Now(), "code:ada"))
		must(t, box.Retry(t.Context(), m, clock.Now(), "time-out"))
		if got := claim(t, box, 1)[0]; got.ID == m.ID {
			t.Error("the old code goes out again")
		}
	})
}

// A code that is given up is forgotten; news are kept with their failure.
func TestOutboxForgets(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		for _, c := range []struct {
			m    mail.Message
			kept bool
		}{{waited(clock.Now(), ""), false}, {letter(clock.Now(), "news"), true}} {
			c.m.Created = clock.Now()
			put(t, box, c.m)
			m := claim(t, box, 1)[0]
			must(t, box.Retry(t.Context(), m, clock.Now().Add(time.Second), "once"))
			clock.Pass(time.Second)
			m = claim(t, box, 1)[0]
			if m.Text == "" {
				t.Fatal("forgotten too early")
			}
			must(t, box.Retry(t.Context(), m, time.Time{}, "never"))
			if got := newest(t, box); got.ID != m.ID || (got.Text != "") != c.kept {
				t.Errorf("%+v", got)
			}
			clock.Pass(time.Second)
		}
	})
}

// A row that somebody had a hand in hides none of the others from the log.
func TestOutboxListsForgedRow(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		put(t, box, letter(clock.Now(), "good"), letter(clock.Now(), "diverted"))
		must(t, db.Forge(t.Context(), `UPDATE outbox SET recipient = 'eve@example.org' WHERE id = (SELECT max(id) FROM outbox)`))
		all, err := box.Newest(t.Context(), 10)
		must(t, err)
		forged := 0
		for _, m := range all {
			if m.To == "eve@example.org" && m.Failure != "" && m.Text == "" {
				forged++
			}
		}
		if len(all) != 2 || forged != 1 {
			t.Errorf("%+v", all)
		}
	})
}
