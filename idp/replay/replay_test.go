package replay_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp/replay"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

func each(t *testing.T, f func(t *testing.T, b *replay.Book, clock *storetest.Clock, db *store.DB)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		f(t, &replay.Book{Store: db.Requests, Now: clock.Now}, clock, db)
	})
}

func request(key, body string) replay.Request {
	return replay.Request{Caller: "token:1", Key: key, Hash: replay.HashOf(http.MethodPost, "/x", []byte(body))}
}

// A request that did something is answered again for a day, to its caller alone.
func TestBook(t *testing.T) {
	each(t, func(t *testing.T, b *replay.Book, clock *storetest.Clock, db *store.DB) {
		begin := func(r replay.Request, first bool, want error) replay.Answer {
			t.Helper()
			a, was, err := b.Begin(t.Context(), r)
			if was != first || !errors.Is(err, want) {
				t.Fatalf("%v, %v", was, err)
			}
			return a
		}
		end := func(r replay.Request, a replay.Answer) {
			t.Helper()
			if err := b.End(t.Context(), r, a); err != nil {
				t.Fatal(err)
			}
		}
		r := request("k", "a")
		begin(r, true, nil)
		begin(r, false, replay.ErrUnderWay)
		begin(request("k", "b"), false, replay.ErrOther)
		end(r, replay.Answer{Status: 201, Head: map[string]string{"Location": "/x/1"}, Body: "{}"})
		if a := begin(r, false, nil); a.Status != 201 || a.Head["Location"] != "/x/1" || a.Body != "{}" {
			t.Errorf("%+v", a)
		}
		begin(request("k", "b"), false, replay.ErrOther)
		other := r
		other.Caller = "token:2"
		begin(other, true, nil)
		end(other, replay.Answer{Status: 422}) // refused: it may be tried again
		begin(other, true, nil)
		clock.Pass(9 * time.Minute) // a long operation is not doubled
		begin(other, false, replay.ErrUnderWay)
		clock.Pass(time.Minute) // whoever worked on it has died
		begin(other, true, nil)
		for key, status := range map[string]int{"broke": 500, "panic": 0} { // it may have done half: it is not done again
			begin(request(key, "a"), true, nil)
			end(request(key, "a"), replay.Answer{Status: status})
			if a := begin(request(key, "a"), false, nil); a.Status != 500 {
				t.Errorf("%s: %+v", key, a)
			}
		}
		begin(request("busy", "a"), true, nil)
		end(request("busy", "a"), replay.Answer{Status: 503})
		begin(request("busy", "a"), true, nil)
		clock.Pass(24 * time.Hour)
		begin(request("k", "c"), true, nil)
		clock.Pass(25 * time.Hour)
		if err := db.Sweep(t.Context(), clock.Now()); err != nil {
			t.Fatal(err)
		}
		begin(request("k", "d"), true, nil)
	})
}

// Of many at once one begins.
func TestRace(t *testing.T) {
	each(t, func(t *testing.T, b *replay.Book, _ *storetest.Clock, _ *store.DB) {
		var firsts atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, first, err := b.Begin(t.Context(), request("k", "a"))
				if first {
					firsts.Add(1)
				} else if !errors.Is(err, replay.ErrUnderWay) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if firsts.Load() != 1 {
			t.Errorf("%d began", firsts.Load())
		}
	})
}
