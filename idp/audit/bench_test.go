package audit_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
)

// BenchmarkVerify is 200,000 rows: time, and memory that does not grow with them.
func BenchmarkVerify(b *testing.B) {
	h := openAt(b, "sqlite:"+b.TempDir()+"/bench.db")
	const rows = 200_000
	for i := range rows / 1000 {
		h.must(h.db.Atomic(b.Context(), func(ctx context.Context) error {
			for j := range 1000 {
				e := idp.Event{ID: fmt.Sprintf("%d-%d", i, j), At: h.clock.Now(), What: "signin", User: "u", Result: "ok", Origin: idp.Origin{Address: "192.0.2.1", Agent: strings.Repeat("a", 100)}}
				if err := h.db.Log.Append(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}))
		h.clock.Pass(time.Second)
	}
	b.Run("chain", func(b *testing.B) {
		measure(b, rows, func() error { return h.log.Sequencer.Finish(b.Context()) })
	})
	file, err := os.Create(b.TempDir() + "/events.jsonl")
	h.must(err)
	defer file.Close()
	b.Run("export", func(b *testing.B) {
		measure(b, rows, func() error { return h.log.Export(b.Context(), host, audit.Query{}, file, audit.JSONLines) })
	})
	well := func(r audit.Report, err error) error {
		if err == nil && (!r.Well() || r.Rows < rows) {
			err = fmt.Errorf("%+v", r)
		}
		return err
	}
	b.Run("verify", func(b *testing.B) {
		measure(b, rows, func() error { return well(h.log.Verify(b.Context(), host, audit.Extent{})) })
	})
	b.Run("verify file", func(b *testing.B) {
		_, err := file.Seek(0, io.SeekStart)
		h.must(err)
		measure(b, rows, func() error { return well(audit.VerifyFile(b.Context(), file, h.log.Key(), nil)) })
	})
}

// measure runs something once, whatever b.N is: it is long enough, and a second
// time it would do nothing.
func measure(b *testing.B, rows int, do func() error) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // so that what is alive shows
	var start runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&start)
	most := start.HeapAlloc
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	began := time.Now()
	err := do()
	took := time.Since(began)
	close(stop)
	<-done
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
	b.ReportMetric(float64(most-start.HeapAlloc)/(1<<20), "MB-above")
}
