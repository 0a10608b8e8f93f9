package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// house is a log on a database in memory.
type house struct {
	testing.TB
	db    *store.DB
	clock *storetest.Clock
	log   *audit.Service
}

var host = idp.Actor{Host: true}

func open(t testing.TB) *house {
	t.Helper()
	return openAt(t, "sqlite::memory:")
}

func openAt(t testing.TB, url string) *house {
	t.Helper()
	clock := storetest.NewClock()
	h := &house{TB: t, clock: clock, db: storetest.With(t, store.Config{URL: url, Now: clock.Now})}
	keys, err := h.db.AuditKeys(t.Context())
	h.must(err)
	h.log = &audit.Service{
		Reader: h.db.AuditReader, Chain: h.db.Audit, Work: h.db.AuditWork, Log: h.db.Log, Keys: keys, Now: clock.Now,
		Sequencer: &audit.Sequencer{Chain: h.db.Audit, Work: h.db.AuditWork, Keys: keys, Holder: "one", Now: clock.Now},
	}
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) write(es ...idp.Event) {
	h.Helper()
	for _, e := range es {
		h.clock.Pass(time.Second)
		e.ID, e.At = rand.Text(), h.clock.Now()
		if e.What == "" {
			e.What = "signin"
		}
		if e.Result == "" {
			e.Result = "ok"
		}
		h.must(h.db.Log.Append(h.Context(), e))
	}
}

func (h *house) export(q audit.Query, f audit.Format) string {
	h.Helper()
	var out bytes.Buffer
	h.must(h.log.Export(h.Context(), host, q, &out, f))
	return out.String()
}

func verifyFile(t *testing.T, text string, key ed25519.PublicKey) audit.Report {
	t.Helper()
	r, err := audit.VerifyFile(t.Context(), strings.NewReader(text), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// D-09: an export is checked with the public key alone, and whoever changes it is
// found out.
func TestExportVerifies(t *testing.T) {
	h := open(t)
	h.write(idp.Event{User: "u1", Detail: map[string]string{"näme": "<&>\x00 \xff =1"}, Origin: idp.Origin{Agent: "a\nb\u202e", Request: "r"}}, idp.Event{}, idp.Event{Method: "totp"}, idp.Event{})
	h.must(h.log.Sequencer.Finish(t.Context()))
	h.write(idp.Event{}, idp.Event{})
	text := h.export(audit.Query{}, audit.JSONLines)
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	r := verifyFile(t, text, h.log.Key())
	if !r.Well() || r.Rows != 6 || r.Signed != 6 || r.Checkpoints != 2 || len(lines) != 8 {
		t.Fatalf("%+v %+v\n%s", r, r.Broken, text)
	}
	without := func(i int) string { return strings.Join(append(append([]string{}, lines[:i]...), lines[i+1:]...), "") }
	other, _, _ := ed25519.GenerateKey(nil)
	for name, c := range map[string]struct {
		text string
		kind audit.Kind
		seq  int64
	}{
		"edited":                  {strings.Replace(text, `"totp"`, `"code"`, 1), audit.Edited, 3},
		"removed":                 {without(1), audit.Missing, 2},
		"checkpoint removed":      {without(4), audit.Unsigned, 6},
		"end removed":             {strings.Join(lines[:6], ""), "", 0},
		"no checkpoint":           {strings.Join(lines[:3], ""), audit.Unsigned, 3},
		"first removed":           {strings.Join(lines[1:], ""), "none", 0},
		"swapped":                 {lines[0] + lines[2] + lines[1] + strings.Join(lines[3:], ""), audit.Missing, 2},
		"checkpoint of another":   {strings.Replace(text, `"count":2`, `"count":3`, 1), audit.Unsigned, 6},
		"row before a checkpoint": {without(3), audit.Missing, 4},
	} {
		r, err := audit.VerifyFile(t.Context(), strings.NewReader(c.text), h.log.Key(), nil)
		switch {
		case c.kind == "none":
			if !errors.Is(err, audit.ErrFile) {
				t.Errorf("%s: %+v %v", name, r, err)
			}
		case err != nil, c.kind == "" && !r.Well(), c.kind != "" && (r.Well() || r.Broken.Kind != c.kind || r.Broken.Seq != c.seq):
			t.Errorf("%s: %+v %v", name, r.Broken, err)
		}
	}
	if r := verifyFile(t, text, other); r.Well() || r.Broken.Kind != audit.Unsigned {
		t.Errorf("another house's key: %+v", r)
	}
	if _, err := audit.VerifyFile(t.Context(), strings.NewReader(h.export(audit.Query{User: "u1"}, audit.JSONLines)), h.log.Key(), nil); !errors.Is(err, audit.ErrFile) {
		t.Errorf("an extract: %v", err)
	}
	key, err := audit.ParseKey(audit.FormatKey(h.log.Key()))
	if err != nil || !key.Equal(h.log.Key()) {
		t.Errorf("%v", err)
	}
}

// A stretch of time begins with its first event and ends with what a checkpoint
// signs, so that it can be checked, too.
func TestExportOfATime(t *testing.T) {
	h := open(t)
	var middle time.Time
	for i := range 4 {
		h.write(idp.Event{}, idp.Event{}, idp.Event{})
		h.must(h.log.Sequencer.Finish(t.Context()))
		if i == 1 {
			middle = h.clock.Now()
		}
		h.clock.Pass(time.Hour)
	}
	text := h.export(audit.Query{Since: middle, Until: middle.Add(time.Minute)}, audit.JSONLines)
	r := verifyFile(t, text, h.log.Key())
	if !r.Well() || r.From != 5 || r.Seq != 9 || r.Signed != 9 || r.Whole {
		t.Errorf("%+v\n%s", r, text)
	}
	if n := strings.Count(h.export(audit.Query{Since: middle, Until: middle.Add(time.Minute)}, audit.CSV), "\n"); n != 2 {
		t.Errorf("%d lines of CSV", n)
	}
	if len(audit.Kinds()) != 6 || len(audit.States()) != 4 {
		t.Error("lists are not whole")
	}
}

// D-11: what people put into names and user agents runs in no spreadsheet.
func TestCSV(t *testing.T) {
	h := open(t)
	evil := []string{`=HYPERLINK("http://x")`, "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain, \"quoted\"\nline", "\x1b[2J"}
	for _, e := range evil {
		h.write(idp.Event{Origin: idp.Origin{Agent: e}, Detail: map[string]string{"a": e}})
	}
	text := h.export(audit.Query{What: "signin"}, audit.CSV)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	h.must(err)
	if len(rows) != len(evil)+1 || !strings.Contains(text, "\r\n") {
		t.Fatalf("%q", rows)
	}
	for i, e := range evil {
		want := strings.ReplaceAll(strings.ReplaceAll(e, "\r", ""), "\x1b", "\uFFFD")
		if strings.ContainsAny(e[:1], "=+-@\t\r") {
			want = "'" + want
		}
		if got := rows[i+1][10]; got != want {
			t.Errorf("%q became %q", e, got)
		}
		for _, cell := range rows[i+1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
}

// X-: what is no query is refused with the field's name.
func TestQuery(t *testing.T) {
	h := open(t)
	for _, q := range []audit.Query{
		{What: "sign in"}, {What: "a%"}, {Address: strings.Repeat("1", 300)}, {Since: h.clock.Now(), Until: h.clock.Now()},
	} {
		if _, err := h.log.Search(t.Context(), host, q); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// D-01: nobody without the right does anything with the log.
func TestRights(t *testing.T) {
	h := open(t)
	h.write(idp.Event{})
	ctx := t.Context()
	for _, by := range []idp.Actor{{}, {User: "u"}, {User: "u", Role: idp.HelpDesk}, {User: "u", Role: idp.Owner, Scopes: []idp.Right{idp.SeePeople}}} {
		for name, try := range map[string]func() error{
			"search":      func() error { _, err := h.log.Search(ctx, by, audit.Query{}); return err },
			"get":         func() error { _, _, err := h.log.Get(ctx, by, "x"); return err },
			"export":      func() error { return h.log.Export(ctx, by, audit.Query{}, io.Discard, audit.CSV) },
			"each":        func() error { return h.log.Each(ctx, by, audit.Query{}, func(audit.Entry) error { return nil }) },
			"verify":      func() error { _, err := h.log.Verify(ctx, by, audit.Extent{}); return err },
			"checkpoints": func() error { _, err := h.log.Checkpoints(ctx, by, 0, 1); return err },
			"status":      func() error { _, err := h.log.Status(ctx, by); return err },
		} {
			if err := try(); !errors.Is(err, idp.ErrDenied) {
				t.Errorf("%s by %+v: %v", name, by, err)
			}
		}
	}
}

// A broken log stays known as broken until the broken row was looked at again, and
// the daily check looks at everything once a day.
func TestFindingsStay(t *testing.T) {
	h := open(t)
	h.write(idp.Event{}, idp.Event{}, idp.Event{})
	h.must(h.log.Sequencer.Finish(t.Context()))
	h.write(idp.Event{}, idp.Event{})
	h.must(h.log.Sequencer.Finish(t.Context()))
	r, err := h.log.Daily(t.Context(), "one")
	if err != nil || r == nil || !r.Well() || !r.Whole {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err := h.log.Daily(t.Context(), "two"); err != nil || r != nil {
		t.Errorf("again: %+v %v", r, err)
	}
	h.must(h.db.AuditWork.SetState(t.Context(), "verify", `{"broken":{"kind":"edited","seq":2,"says":"x"}}`))
	if _, err := h.log.Verify(t.Context(), host, audit.Extent{From: 3}); err != nil {
		t.Fatal(err)
	}
	if st, err := h.log.Status(t.Context(), host); err != nil || st.Verified.Well() {
		t.Errorf("a look elsewhere hides the finding: %+v %v", st.Verified, err)
	}
	if _, err := h.log.Verify(t.Context(), host, audit.Extent{From: 4}); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("from what is no checkpoint: %v", err)
	}
	if _, err := h.log.Verify(t.Context(), host, audit.Extent{}); err != nil {
		t.Fatal(err)
	}
	if st, err := h.log.Status(t.Context(), host); err != nil || !st.Verified.Well() {
		t.Errorf("%+v %v", st.Verified, err)
	}
}

// target takes what it is sent, when it works.
type target struct {
	mu   sync.Mutex
	got  []audit.Record
	fail error
}

func (*target) Name() string { return "test" }

func (t *target) Send(_ context.Context, rs []audit.Record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail == nil {
		t.got = append(t.got, rs...)
	}
	return t.fail
}

// Every event from when it was wanted arrives, in order, with the checkpoints, also
// after failures, which are waited out longer and longer.
func TestForwarder(t *testing.T) {
	h := open(t)
	to := &target{}
	f := &audit.Forwarder{Chain: h.db.Audit, Work: h.db.AuditWork, Target: to, Holder: "one", Now: h.clock.Now}
	h.log.Targets = []string{"test"}
	step := func() bool {
		more, err := f.Step(t.Context())
		h.must(err)
		return more
	}
	finish := func() { h.must(h.log.Sequencer.Finish(t.Context())) }
	h.write(idp.Event{})
	finish()
	step()
	h.write(make([]idp.Event, 1200)...)
	finish()
	to.fail = errors.New("no")
	tries := 0
	for range 120 {
		step()
		h.clock.Pass(time.Second)
	}
	st, err := h.log.Status(t.Context(), host)
	h.must(err)
	d := st.Targets[0]
	tries = d.Failures
	if len(to.got) != 0 || tries < 6 || tries > 8 || d.Failure != "no" || d.Behind != 1200 || d.Seq != 1 {
		t.Errorf("%+v", d)
	}
	to.fail = nil
	h.clock.Pass(5 * time.Minute)
	for step() {
	}
	h.write(idp.Event{})
	finish()
	step()
	seq, marks := int64(1), 0
	for _, r := range to.got {
		if r.Mark != nil {
			marks++
			if r.Mark.Seq != seq {
				t.Errorf("checkpoint %d behind row %d", r.Mark.Seq, seq)
			}
			continue
		}
		if seq++; r.Event.Seq != seq {
			t.Fatalf("row %d, want %d", r.Event.Seq, seq)
		}
	}
	if seq != 1202 || marks != 3 {
		t.Errorf("up to %d, %d checkpoints", seq, marks)
	}
	other := &audit.Forwarder{Chain: h.db.Audit, Work: h.db.AuditWork, Target: to, Holder: "two", Now: h.clock.Now}
	h.write(idp.Event{})
	finish()
	n := len(to.got)
	if _, err := other.Step(t.Context()); err != nil || len(to.got) != n {
		t.Errorf("two at once: %v", err)
	}
}
