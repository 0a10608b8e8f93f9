// Package job does work that takes longer than anybody waits for a page: it goes
// on behind it, on the instance where it was started, and any instance can show
// how far it is.
//
// It decides nothing about who may start what: that is for the use case that is
// run. What a piece of work needs that is secret stays in memory; what is kept
// of it is sealed, and forgotten a day after its end.
package job

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"latchkey/idp"
	"latchkey/idp/trace"
)

// State is how far a piece of work is.
type State string

const (
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
	// Lost is work whose instance has not been heard of for a while: it was
	// stopped or fell over. The store has no such state; [Job.Now] tells it.
	Lost State = "lost"
)

// Bounds.
const (
	Keep  = 24 * time.Hour   // that an ended one is shown
	beat  = 10 * time.Second // between signs of life
	quiet = time.Minute      // without one, after which a running one is lost
	often = time.Second      // between notes of progress
	most  = 16               // at the same time on one instance
)

// Job is a piece of work.
type Job struct {
	ID      string
	Kind    string // such as "odoo.import"
	About   string // what it is done to, such as a connection; one of a kind at a time
	Owner   idp.UserID
	State   State
	Began   time.Time
	Touched time.Time // the last sign of life
	Ended   time.Time
	Progress
	// Result is what the work returned, as JSON; of one that goes on, what it
	// has shown so far.
	Result json.RawMessage
	// Key and Detail say why it failed: a word for the catalogue, and small print.
	Key, Detail string
	// Reason is the same as JSON, for whoever says it in other languages.
	Reason json.RawMessage
}

// Progress is how much is done.
type Progress struct {
	Done int     `json:"done,omitempty"` // such as people
	Part float64 `json:"part,omitempty"` // 0 to 1; 0: nobody knows
}

// Now is the state at a moment.
func (j Job) Now(now time.Time) State {
	if j.State == Running && now.Sub(j.Touched) > quiet {
		return Lost
	}
	return j.State
}

// Read reads the result, if there is one.
func (j Job) Read(into any) error {
	if len(j.Result) == 0 {
		return nil
	}
	return json.Unmarshal(j.Result, into)
}

// Why reads the reason of a failure, if there is one.
func (j Job) Why(into any) error {
	if len(j.Reason) == 0 {
		return nil
	}
	return json.Unmarshal(j.Reason, into)
}

// Store keeps jobs.
type Store interface {
	// Add fails with idp.ErrBusy when one of that kind about that thing is
	// running; one that has not been touched since a moment is given up first.
	Add(ctx context.Context, j Job, lost time.Time) error
	// Save changes a running one, or fails with idp.ErrSpent: it was given up.
	Save(ctx context.Context, j Job) error
	// ByID fails with idp.ErrNotFound.
	ByID(ctx context.Context, id string) (Job, error)
	// About lists those about one thing, the newest first.
	About(ctx context.Context, about string, limit int) ([]Job, error)
}

// Problem is a failure that a page has words for.
type Problem struct {
	Key    string // the end of a key of the catalogue
	Detail string // small print for whoever helps; never a secret
	Reason any    // what of it is kept for [Job.Reason]; nil: nothing
	Err    error
}

func (p *Problem) Error() string { return fmt.Sprintf("%s: %v", p.Key, p.Err) }

func (p *Problem) Unwrap() error { return p.Err }

// Work is what is done. What it returns is kept as JSON.
type Work func(ctx context.Context, r *Run) (any, error)

// Desk starts work. Its exported fields are set once, before first use.
type Desk struct {
	Store Store
	Now   func() time.Time
	Fault func(Job, error) // what could not even be noted; nil: nobody

	mu      sync.Mutex
	going   sync.WaitGroup
	running int
	stops   map[string]context.CancelFunc
	closed  bool
}

// Start starts work and returns its id at once. It fails with idp.ErrBusy when
// the same is going on, or too much is.
func (d *Desk) Start(ctx context.Context, by idp.Actor, kind, about string, work Work) (string, error) {
	now := d.Now()
	j := Job{ID: strings.ToLower(rand.Text()), Kind: kind, About: about, Owner: by.User, State: Running, Began: now, Touched: now}
	r := &Run{desk: d, job: j}
	inside, err := d.admit(ctx, r)
	if err != nil {
		return "", err
	}
	if err := d.Store.Add(ctx, j, now.Add(-quiet)); err != nil {
		d.leave(r)
		return "", err
	}
	d.going.Go(func() {
		defer d.leave(r)
		r.do(inside, work)
	})
	return j.ID, nil
}

func (d *Desk) admit(ctx context.Context, r *Run) (context.Context, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.running >= most {
		return nil, fmt.Errorf("%w: too much is going on", idp.ErrBusy)
	}
	d.running++
	ctx, stop := context.WithCancel(trace.Detached(ctx)) // it outlives the request
	if d.stops == nil {
		d.stops = map[string]context.CancelFunc{}
	}
	d.stops[r.job.ID] = stop
	return ctx, nil
}

func (d *Desk) leave(r *Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	d.stops[r.job.ID]()
	delete(d.stops, r.job.ID)
}

// Close stops all work and waits. What is stopped is noted as such.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	for _, stop := range d.stops {
		stop()
	}
	d.mu.Unlock()
	d.going.Wait()
}

// Wait waits until nothing is going on.
func (d *Desk) Wait() { d.going.Wait() }

// ByID returns a job of an actor's, or of anybody's for who may see them all:
// the caller has asked for the right. It fails with idp.ErrNotFound.
func (d *Desk) ByID(ctx context.Context, id string) (Job, error) { return d.Store.ByID(ctx, id) }

// About lists the newest about one thing.
func (d *Desk) About(ctx context.Context, about string, limit int) ([]Job, error) {
	return d.Store.About(ctx, about, limit)
}

// Run is work under way, as it sees itself.
type Run struct {
	desk *Desk

	mu    sync.Mutex
	job   Job
	noted time.Time
}

// Progress notes how far it is. It may be called as often as one likes.
func (r *Run) Progress(done int, part float64) {
	r.mu.Lock()
	r.job.Done, r.job.Part = done, part
	r.mu.Unlock()
	r.note(often)
}

// Show keeps what there is to see so far.
func (r *Run) Show(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.job.Result = raw
	r.mu.Unlock()
	r.note(0)
	return nil
}

// note writes how it stands, unless it was written a moment ago. A note that
// fails is made up for by the next one.
func (r *Run) note(after time.Duration) {
	now := r.desk.Now()
	r.mu.Lock()
	if after > 0 && now.Sub(r.noted) < after {
		r.mu.Unlock()
		return
	}
	r.noted, r.job.Touched = now, now
	j := r.job
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), beat)
	defer cancel()
	if err := r.desk.Store.Save(ctx, j); err != nil {
		r.fault(err)
	}
}

func (r *Run) fault(err error) {
	if r.desk.Fault != nil {
		r.desk.Fault(r.job, err)
	}
}

// do runs the work and notes how it ended.
func (r *Run) do(ctx context.Context, work Work) {
	alive := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() {
		t := time.NewTicker(beat)
		defer t.Stop()
		for {
			select {
			case <-alive:
				return
			case <-t.C:
				r.note(0)
			}
		}
	})
	ctx, span := trace.Root(ctx, "job "+r.job.Kind)
	out, err := safely(ctx, r, work)
	span.End(err)
	close(alive)
	beats.Wait()
	r.end(out, err)
}

// safely turns a panic into an error: nobody else stands behind this work.
func safely(ctx context.Context, r *Run, work Work) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return work(ctx, r)
}

func (r *Run) end(out any, err error) {
	if out != nil {
		raw, bad := json.Marshal(out)
		err = errors.Join(err, bad)
		if bad == nil {
			r.job.Result = raw
		}
	}
	now := r.desk.Now()
	r.job.State, r.job.Ended, r.job.Touched = Done, now, now
	var p *Problem
	switch {
	case errors.As(err, &p):
		r.job.State, r.job.Key, r.job.Detail = Failed, p.Key, p.Detail
		if p.Reason != nil {
			raw, bad := json.Marshal(p.Reason)
			if r.job.Reason = raw; bad != nil {
				r.fault(bad)
			}
		}
	case errors.Is(err, context.Canceled):
		r.job.State, r.job.Key = Failed, "stopped"
	case err != nil:
		r.job.State, r.job.Key = Failed, "failed"
		r.fault(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), beat)
	defer cancel()
	if err := r.desk.Store.Save(ctx, r.job); err != nil {
		r.fault(err)
	}
}
