package store_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/idp/replay"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// D-06: what was answered lies sealed, and is good for the request that it
// answered alone.
func TestAnswersAreSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		for _, key := range []string{"one", "two"} {
			r := replay.Request{Caller: "token:1", Key: key, Hash: key}
			_, _, first, err := db.Requests.Begin(ctx, r, now, now.Add(time.Minute), now.Add(time.Hour))
			if err != nil || !first {
				t.Fatal(first, err)
			}
			must(t, db.Requests.Done(ctx, r, replay.Answer{Status: 201, Body: `{"sample":"` + key + `"}`}))
		}
		said := func(key string) (string, error) {
			a, _, _, err := db.Requests.Begin(ctx, replay.Request{Caller: "token:1", Key: key}, now, now, now.Add(time.Hour))
			return a.Body, err
		}
		if got, err := said("one"); err != nil || got != `{"sample":"one"}` {
			t.Errorf("%s %v", got, err)
		}
		lying, err := store.Lying(db, ctx)
		must(t, err)
		if len(lying) != 2 || strings.Contains(strings.Join(lying, " "), "sample") {
			t.Errorf("it can be read: %s", lying)
		}
		must(t, store.Swap(db, ctx, "two", "one"))
		if got, err := said("one"); err == nil {
			t.Errorf("the answer to another request: %s", got)
		}
	})
}
