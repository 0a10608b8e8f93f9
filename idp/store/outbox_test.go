package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

const lease = 2 * time.Minute

func letter(now time.Time, subject string) mail.Message {
	m := mail.New(mail.Mail, "ada@example.org", now)
	m.Subject, m.Text, m.HTML = subject, "text of "+subject, "<p>"+subject+"</p>"
	return m
}

func put(t *testing.T, box mail.Outbox, ms ...mail.Message) {
	t.Helper()
	for _, m := range ms {
		if err := box.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func claim(t *testing.T, box mail.Outbox, want int) []mail.Message {
	t.Helper()
	got, err := box.Claim(t.Context(), 10, lease)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != want {
		t.Fatalf("claimed %d messages, want %d", len(got), want)
	}
	return got
}

func eachOutbox(t *testing.T, f func(t *testing.T, db *store.DB, clock *storetest.Clock)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(t, db, clock) })
}

// A message exists if what it tells of does.
func TestOutboxJoins(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		undone := errors.New("undone")
		for _, end := range []error{undone, nil} {
			err := db.Atomic(t.Context(), func(ctx context.Context) error {
				return errors.Join(db.Outbox().Put(ctx, letter(clock.Now(), "news")), end)
			})
			if !errors.Is(err, end) {
				t.Fatal(err)
			}
		}
		m := claim(t, db.Outbox(), 1)[0]
		if m.Subject != "news" || m.Text != "text of news" || m.HTML != "<p>news</p>" || m.To != "ada@example.org" || m.Channel != mail.Mail || m.Tries != 1 {
			t.Errorf("%+v", m)
		}
		if err := db.Outbox().Put(t.Context(), m); !errors.Is(err, idp.ErrTaken) {
			t.Errorf("the same id again: %v, want ErrTaken", err)
		}
	})
}

// Of many senders at once each message goes to one.
func TestOutboxClaimOnce(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		const messages, senders = 40, 8
		for i := range messages {
			put(t, db.Outbox(), letter(clock.Now(), fmt.Sprint(i)))
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen := map[string]int{}
		for range senders {
			wg.Go(func() {
				for {
					got, err := db.Outbox().Claim(t.Context(), 3, lease)
					if err != nil {
						t.Error(err)
						return
					}
					if len(got) == 0 {
						return
					}
					mu.Lock()
					for _, m := range got {
						seen[m.Subject]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		// A sender that passed over rows under another's claim may leave
		// early; those rows were claimed all the same.
		if len(seen) != messages {
			t.Errorf("%d of %d messages were claimed", len(seen), messages)
		}
		for s, n := range seen {
			if n != 1 {
				t.Errorf("message %s was claimed %d times", s, n)
			}
		}
	})
}

// SECURITY.md §3: a sender that dies leaves its messages to another, and what
// it says after waking up does no harm.
func TestOutboxLease(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		put(t, box, letter(clock.Now(), "news"))
		dead := claim(t, box, 1)[0]
		clock.Pass(lease - time.Second)
		claim(t, box, 0)
		clock.Pass(2 * time.Second)
		heir := claim(t, box, 1)[0]
		if heir.ID != dead.ID || heir.Tries != 2 || heir.Text != dead.Text {
			t.Errorf("%+v after %+v", heir, dead)
		}
		if err := box.Retry(t.Context(), dead, clock.Now(), "late"); err != nil {
			t.Fatal(err)
		}
		claim(t, box, 0)
		if err := box.Done(t.Context(), heir); err != nil {
			t.Fatal(err)
		}
		if err := box.Retry(t.Context(), heir, clock.Now(), "late"); err != nil {
			t.Fatal(err)
		}
		clock.Pass(24 * time.Hour)
		claim(t, box, 0)
		all, err := box.Newest(t.Context(), 10)
		if err != nil || len(all) != 1 || all[0].Sent.IsZero() || !all[0].Due.IsZero() || all[0].Failure != "" {
			t.Fatalf("%+v, %v", all, err)
		}
		if all[0].Text+all[0].HTML+all[0].Subject != "" {
			t.Error("a sent message keeps what it said")
		}
	})
}

func TestOutboxRetry(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		put(t, box, letter(clock.Now(), "news"))
		m := claim(t, box, 1)[0]
		if err := box.Retry(t.Context(), m, clock.Now().Add(time.Minute), "no\x00pe \xff"); err != nil {
			t.Fatal(err)
		}
		claim(t, box, 0)
		clock.Pass(time.Minute)
		m = claim(t, box, 1)[0]
		if m.Failure != "nope " {
			t.Errorf("failure %q", m.Failure)
		}
		if err := box.Retry(t.Context(), m, time.Time{}, "never"); err != nil {
			t.Fatal(err)
		}
		clock.Pass(100 * time.Hour)
		claim(t, box, 0)
		all, err := box.Newest(t.Context(), 1)
		if err != nil || all[0].Failure != "never" || !all[0].Sent.IsZero() {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// B-11: of many at once on one topic one is written, and the next one only
// after the quiet.
func TestOutboxTopic(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		box := db.Outbox()
		about := func(topic string) mail.Message {
			m := letter(clock.Now(), topic)
			m.Topic, m.Quiet = topic, time.Hour
			return m
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				err := db.Atomic(t.Context(), func(ctx context.Context) error { return box.Put(ctx, about("wrong:ada")) })
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		put(t, box, about("wrong:max"))
		claim(t, box, 2)
		clock.Pass(time.Hour - time.Second)
		put(t, box, about("wrong:ada"))
		claim(t, box, 2) // the leases of the first two are over
		clock.Pass(time.Second)
		put(t, box, about("wrong:ada"), about("wrong:ada"))
		claim(t, box, 1)
	})
}

// C-03: a message may be for one pair of eyes; the database file does not show it.
func TestOutboxIsSealed(t *testing.T) {
	dir := t.TempDir()
	db := storetest.With(t, store.Config{URL: "sqlite:" + dir + "/x.db"})
	put(t, db.Outbox(), letter(time.Now(), "the crow flies at midnight"))
	files, err := filepath.Glob(dir + "/*")
	must(t, err)
	var raw []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		raw = append(raw, b...)
	}
	if !bytes.Contains(raw, []byte("ada@example.org")) {
		t.Fatal("the row is not in these files")
	}
	if bytes.Contains(raw, []byte("midnight")) {
		t.Error("the message is readable in the database file")
	}
}

// A message that cannot be opened is given up alone: those beside it go out.
func TestOutboxForgedRow(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		put(t, db.Outbox(), letter(clock.Now(), "good"), letter(clock.Now(), "diverted"))
		must(t, db.Forge(t.Context(), `UPDATE outbox SET recipient = 'eve@example.org' WHERE id = (SELECT max(id) FROM outbox)`))
		if m := claim(t, db.Outbox(), 1)[0]; m.To != "ada@example.org" {
			t.Errorf("%+v", m)
		}
		clock.Pass(time.Hour)
		claim(t, db.Outbox(), 1)
	})
}

func TestOutboxSweep(t *testing.T) {
	eachOutbox(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		old := letter(clock.Now(), "old")
		old.Topic, old.Quiet = "t", time.Hour
		put(t, db.Outbox(), old)
		clock.Pass(30 * 24 * time.Hour)
		put(t, db.Outbox(), letter(clock.Now(), "new"))
		if err := db.Sweep(t.Context(), clock.Now()); err != nil {
			t.Fatal(err)
		}
		all, err := db.Outbox().Newest(t.Context(), 10)
		if err != nil || len(all) != 1 || all[0].Subject != "new" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
