package redis_test

import (
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"latchkey/idp/trace/tracetest"
)

// C-09: spans name commands, and neither keys nor values.
func TestSpans(t *testing.T) {
	s := miniredis.RunT(t)
	c := open(t, "redis://"+s.Addr())
	ctx, spans := tracetest.Record(t)
	c.Set(ctx, "hush", "hush", time.Minute)
	c.Get(ctx, "hush")
	c.Get(ctx, "nothing")
	c.Delete(ctx, "hush", "more")
	s.Close()
	c.Get(ctx, "hush")
	c.Get(ctx, "hush") // it rests: there is no trip
	const redis = "db.operation.name=GET db.system.name=redis"
	want := []string{"client SET db.operation.name=SET db.system.name=redis", "client GET " + redis, "client GET " + redis, "client DEL db.operation.name=DEL db.system.name=redis"}
	got := spans()
	if len(got) != 5 || !slices.Equal(got[:4], want) || got[4] != "client GET db.operation.name=GET db.system.name=redis error.type=_OTHER !" {
		t.Errorf("%q", got)
	}
}
