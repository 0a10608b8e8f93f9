package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Memory is given back after a minute with few requests, and not under load,
// where it would be needed again at once.
func TestQuiet(t *testing.T) {
	released := 0
	q := &quiet{Handler: http.NotFoundHandler(), release: func() { released++ }}
	for _, c := range []struct{ requests, want int }{{0, 1}, {few, 2}, {few + 1, 2}, {1, 3}} {
		for range c.requests {
			q.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}
		if q.minute(); released != c.want {
			t.Errorf("after a minute of %d requests memory was given back %d times, want %d", c.requests, released, c.want)
		}
	}
}
