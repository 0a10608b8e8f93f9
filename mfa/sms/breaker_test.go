package sms_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store/storetest"
	"latchkey/mfa/sms"
)

// The breaker opens after three failures in a row, lets one message try after
// 30 s, and closes when that goes well.
func TestBreaker(t *testing.T) {
	first, second := listen(t, says(500, "")), listen(t, accepts)
	clock := storetest.NewClock()
	r := router(t, clock, viaHTTP("first", first.URL), viaHTTP("second", second.URL))
	send := func(want string, asked int) {
		t.Helper()
		got, err := r.Send(t.Context(), hello)
		if err != nil || got.Gateway != want || len(first.requests()) != asked {
			t.Fatalf("%+v, %v; the first was asked %d times, want %d", got, err, len(first.requests()), asked)
		}
	}
	send("second", 1)
	send("second", 2)
	first.behave(accepts)
	send("first", 3) // two failures are not three in a row
	first.behave(says(500, ""))
	for n := 4; n <= 6; n++ {
		send("second", n)
	}
	for range 3 {
		send("second", 6)
	}
	clock.Pass(29 * time.Second)
	send("second", 6)
	clock.Pass(2 * time.Second)
	send("second", 7) // still ill: rests again
	send("second", 7)
	clock.Pass(31 * time.Second)
	first.behave(nil) // hangs: of many at once one tries
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if got, err := r.Send(t.Context(), hello); err != nil || got.Gateway != "second" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	send("second", 8)
	clock.Pass(31 * time.Second)
	first.behave(accepts)
	send("first", 9)
	send("first", 10)
}

// Whoever asks for SMS to numbers that do not exist closes no gateway.
func TestRefusalsOpenNoBreaker(t *testing.T) {
	only := listen(t, says(400, `{"message":"no such number"}`))
	r := router(t, storetest.NewClock(), viaHTTP("only", only.URL))
	for range 5 {
		if _, err := r.Send(t.Context(), hello); !errors.Is(err, sms.ErrRefused) {
			t.Fatal(err)
		}
	}
	only.behave(accepts)
	if _, err := r.Send(t.Context(), hello); err != nil {
		t.Error(err)
	}
}

// All gateways resting: the answer is there at once.
func TestAllRest(t *testing.T) {
	r := router(t, storetest.NewClock(), viaHTTP("only", closed(t)))
	for range 3 {
		if _, err := r.Send(t.Context(), hello); err == nil || errors.Is(err, sms.ErrResting) {
			t.Fatal(err)
		}
	}
	if _, err := r.Send(t.Context(), hello); !errors.Is(err, sms.ErrResting) {
		t.Error(err)
	}
}
