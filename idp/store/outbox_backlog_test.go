package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// What waits is as old as when it was written, however often it was tried; what
// was sent, replaced or withdrawn is no backlog.
func TestBacklogs(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, box := t.Context(), db.Outbox()
		put := func(c mail.Channel, topic string) mail.Message {
			m := mail.New(c, "ada@example.org", clock.Now())
			m.Subject, m.Text, m.Topic = "news", "text", topic
			must(t, box.Put(ctx, m))
			return m
		}
		if got, err := db.Deliveries.Backlogs(ctx); err != nil || len(got) != 0 {
			t.Fatalf("an empty outbox: %v, %v", got, err)
		}
		sent, lost := put(mail.Mail, ""), put(mail.Mail, "")
		put(mail.SMS, "code")
		clock.Pass(time.Minute)
		oldest := put(mail.Mail, "")
		put(mail.SMS, "code") // takes the place of the first
		clock.Pass(time.Minute)
		put(mail.Mail, "")
		all, err := box.Claim(ctx, 10, time.Minute)
		must(t, err)
		for _, m := range all {
			switch m.ID {
			case sent.ID:
				must(t, box.Done(ctx, m))
			case lost.ID:
				must(t, box.Retry(ctx, m, time.Time{}, "no such user"))
			case oldest.ID:
				must(t, box.Retry(ctx, m, clock.Now().Add(time.Hour), "later"))
			}
		}
		got, err := db.Deliveries.Backlogs(ctx)
		must(t, err)
		if b := got[mail.Mail]; !b.Oldest.Equal(oldest.Created.Truncate(time.Millisecond)) || b.GivenUp != 1 {
			t.Errorf("mail: %+v, want %v and one given up", b, oldest.Created)
		}
		if b := got[mail.SMS]; !b.Oldest.Equal(oldest.Created.Truncate(time.Millisecond)) || b.GivenUp != 0 {
			t.Errorf("SMS: %+v", b)
		}
	})
}

var errUndone = errors.New("undone")

// An event is told of once it is in the log, and never when it was undone: what
// counts it does not count what has not happened.
func TestNoted(t *testing.T) {
	storetest.URLs(t, noted)
}

func noted(t *testing.T, url string) {
	var told []string
	db := storetest.With(t, store.Config{URL: url, Noted: func(e idp.Event) { told = append(told, e.ID) }})
	ctx := t.Context()
	event := func(id string) idp.Event { return idp.Event{ID: id, At: time.Now(), What: "signin", Result: "ok"} }
	must(t, db.Log.Append(ctx, event("alone")))
	must(t, db.Atomic(ctx, func(ctx context.Context) error {
		must(t, db.Log.Append(ctx, event("together")))
		if len(told) != 1 {
			t.Errorf("told before it was written: %q", told)
		}
		return db.Atomic(ctx, func(ctx context.Context) error { return db.Log.Append(ctx, event("inside")) })
	}))
	for _, err := range []error{
		db.Atomic(ctx, func(ctx context.Context) error { return errors.Join(db.Log.Append(ctx, event("undone")), errUndone) }),
		db.Log.Append(ctx, event("alone")), // there is one of this id
		db.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(db.Log.Append(ctx, event("beside")), db.Log.Append(ctx, event("alone")))
		}),
	} {
		if err == nil {
			t.Error("it was written")
		}
	}
	if len(told) != 3 || told[0] != "alone" || told[1] != "together" || told[2] != "inside" {
		t.Errorf("told of %q", told)
	}
}
