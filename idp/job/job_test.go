package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/store/storetest"
	"latchkey/idp/trace"
	"latchkey/idp/trace/tracetest"
)

func desk(t *testing.T) (*job.Desk, *storetest.Clock, *[]error) {
	t.Helper()
	clock := storetest.NewClock()
	faults := &[]error{}
	d := &job.Desk{Store: storetest.OpenAt(t, clock.Now).Jobs, Now: clock.Now, Fault: func(_ job.Job, err error) { *faults = append(*faults, err) }}
	t.Cleanup(d.Close)
	return d, clock, faults
}

var by = idp.Actor{User: "ada", Role: idp.Admin}

// Work goes on behind the request that began it, shows how far it is, and keeps
// what came of it.
func TestWork(t *testing.T) {
	d, clock, _ := desk(t)
	ctx, leave := context.WithCancel(t.Context())
	half, go_on := make(chan struct{}), make(chan struct{})
	id, err := d.Start(ctx, by, "test.count", "thing", func(ctx context.Context, r *job.Run) (any, error) {
		r.Progress(3, .5)
		if err := r.Show([]string{"three"}); err != nil {
			return nil, err
		}
		close(half)
		<-go_on
		return []string{"all"}, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	leave() // the browser went away
	<-half
	j, err := d.ByID(t.Context(), id)
	if err != nil || j.Now(clock.Now()) != job.Running || j.Done != 3 || string(j.Result) != `["three"]` || j.Owner != by.User {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := d.Start(t.Context(), by, "test.count", "thing", nil); !errors.Is(err, idp.ErrBusy) {
		t.Errorf("the same twice: %v", err)
	}
	close(go_on)
	d.Wait()
	j, err = d.ByID(t.Context(), id)
	var out []string
	if bad := j.Read(&out); err != nil || bad != nil || j.State != job.Done || len(out) != 1 || out[0] != "all" {
		t.Errorf("%+v, %v, %v", j, err, bad)
	}
	clock.Pass(2 * time.Minute)
	if j.Now(clock.Now()) != job.Done {
		t.Error("what is done is lost after a while")
	}
}

// What goes wrong is told by a word where there is one, and by the log where
// there is none; nothing falls over.
func TestFailures(t *testing.T) {
	d, clock, faults := desk(t)
	run := func(work job.Work) job.Job {
		t.Helper()
		clock.Pass(time.Second)
		id, err := d.Start(t.Context(), by, "test.fail", "thing", work)
		if err != nil {
			t.Fatal(err)
		}
		d.Wait()
		j, err := d.ByID(t.Context(), id)
		if err != nil || j.State != job.Failed {
			t.Errorf("%+v, %v", j, err)
		}
		return j
	}
	j := run(func(context.Context, *job.Run) (any, error) {
		return 1, &job.Problem{Key: "unreachable", Detail: "no route", Err: errors.New("x")}
	})
	if j.Key != "unreachable" || j.Detail != "no route" || string(j.Result) != "1" || len(*faults) != 0 {
		t.Errorf("%+v, %v", j, *faults)
	}
	if j = run(func(context.Context, *job.Run) (any, error) { return nil, errors.New("secret inside") }); j.Key != "failed" || j.Detail != "" || len(*faults) != 1 {
		t.Errorf("%+v, %v", j, *faults)
	}
	if j = run(func(context.Context, *job.Run) (any, error) { panic("!") }); j.Key != "failed" || len(*faults) != 2 {
		t.Errorf("%+v, %v", j, *faults)
	}
}

// A server that stops stops its work, and says so.
func TestClose(t *testing.T) {
	d, _, _ := desk(t)
	begun := make(chan struct{})
	id, err := d.Start(t.Context(), by, "test.long", "thing", func(ctx context.Context, _ *job.Run) (any, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	d.Close()
	j, err := d.ByID(t.Context(), id)
	if err != nil || j.State != job.Failed || j.Key != "stopped" {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := d.Start(t.Context(), by, "test.long", "other", nil); !errors.Is(err, idp.ErrBusy) {
		t.Errorf("work after the end: %v", err)
	}
}

// Work whose instance is not heard of is lost, whatever its row says.
func TestLost(t *testing.T) {
	now := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
	j := job.Job{State: job.Running, Touched: now}
	if j.Now(now.Add(59*time.Second)) != job.Running || j.Now(now.Add(61*time.Second)) != job.Lost {
		t.Error("a running job is lost too soon, or never")
	}
}

// Work is a trace of its own: it outlives the request that began it.
func TestSpan(t *testing.T) {
	d, _, _ := desk(t)
	ctx, spans := tracetest.Record(t)
	inside := ""
	_, err := d.Start(ctx, by, "test.count", "thing", func(ctx context.Context, _ *job.Run) (any, error) {
		inside = trace.ID(ctx)
		return nil, errors.New("hush")
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Wait()
	got := spans()
	if last := got[len(got)-1]; last != "internal job test.count error.type=_OTHER !" || inside == "" || inside == trace.ID(ctx) {
		t.Errorf("%q, trace %q", got, inside)
	}
}
