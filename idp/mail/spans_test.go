package mail_test

import (
	"slices"
	"strings"
	"testing"

	"latchkey/idp/mail"
	"latchkey/idp/store/storetest"
	"latchkey/idp/trace/tracetest"
)

// C-09: sending is a trace of its own, which names the server and nobody else.
func TestSpans(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	p := post{server: listen(t, nil), box: db.Outbox(), clock: clock}
	p.sender = p.another(t, p.box)
	p.put(t, 1)
	ctx, spans := tracetest.Record(t)
	if n, err := p.sender.Round(ctx); n != 1 || err != nil {
		t.Fatalf("%d sent, %v", n, err)
	}
	got := spans()
	for _, want := range []string{"client SMTP server.address=127.0.0.1", "internal send mail"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strings.Contains(strings.Join(got, " "), "example.org") {
		t.Errorf("somebody is named in %q", got)
	}
	p.put(t, 1)
	p.sender.Transports = map[mail.Channel]mail.Transport{}
	if _, err := p.sender.Round(ctx); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(spans(), "internal send mail error.type=_OTHER !") {
		t.Errorf("a failure is not in %q", spans())
	}
}
