package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"latchkey/idp/store/storetest"
)

// D-14: the log says once that the server cannot serve and once that it can
// again, however often a proxy asks.
func TestReadyIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	db := storetest.Open(t)
	r := &readiness{db: db}
	ask := func(want int) {
		t.Helper()
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		c.Request = httptest.NewRequest(http.MethodGet, "/readyz", nil)
		r.answer(c)
		if w.Code != want {
			t.Errorf("status %d, not %d", w.Code, want)
		}
	}
	ask(http.StatusOK)
	if log.Len() != 0 {
		t.Errorf("all is well, and the log says %s", log.String())
	}
	r.lost.Store(true)
	ask(http.StatusOK)
	ask(http.StatusOK)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ask(http.StatusServiceUnavailable)
	ask(http.StatusServiceUnavailable)
	if again, not := strings.Count(log.String(), "ready again"), strings.Count(log.String(), "not ready"); again != 1 || not != 1 {
		t.Errorf("the log says\n%s", log.String())
	}
}
