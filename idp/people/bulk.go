package people

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
)

// Most is how many people one selection may have.
const Most = 10000

// Bulk does one thing to many people, after showing to whom. Its fields are set
// once, before first use.
//
// It goes in three steps: Prepare writes down who is meant and who is passed
// over; Start does it, behind the page; what came of it is kept with each
// person, so that what was cut short can go on.
type Bulk struct {
	Directory *Directory
	Users     idp.Users
	Batches   Batches
	Do        Doing
	Work      Work
	Log       idp.Log
	Now       func() time.Time
	// Callers knows those who came through the API; nil: nobody does.
	Callers Callers
}

// Callers tells a caller of the API as they are now, or fails with
// idp.ErrNotFound when what let them in is no longer good.
type Callers interface {
	Still(ctx context.Context, by idp.Actor) (idp.Actor, error)
}

// Selection is the people who are ticked, or everybody whom a filter means.
type Selection struct {
	IDs    []idp.UserID
	Filter *Filter // set: everybody whom it means
}

// ErrMany means that a selection has more than Most people. It is an
// idp.ErrInvalid.
var ErrMany = fmt.Errorf("%w: more than %d people at once", idp.ErrInvalid, Most)

// ErrNobody means that a selection is empty. It is an idp.ErrInvalid.
var ErrNobody = fmt.Errorf("%w: nobody is selected", idp.ErrInvalid)

// Somebody is a person of a selection and what came of it.
type Somebody struct {
	ID    idp.UserID `json:"id"`
	Login string     `json:"login"`
	Name  string     `json:"name"`
	Why   string     `json:"-"` // passed over or failed: a word of the catalogue
	Place int        `json:"-"` // in the selection, from 0
}

// Plan is a selection with what is to be done to it.
type Plan struct {
	Batch Batch
	Order Order
	Total int
	Todo  int            // not done yet
	Done  int            // done
	Skips map[string]int // passed over, by reason
	Fails map[string]int // by reason
	Job   *job.Job       // nil: not started
}

// Skipped is how many are passed over.
func (p Plan) Skipped() int { return sum(p.Skips) }

// Failed is how many it did not work for.
func (p Plan) Failed() int { return sum(p.Fails) }

func sum(of map[string]int) (n int) {
	for _, v := range of {
		n += v
	}
	return n
}

// Prepare writes down who is meant and who is passed over, and returns the id of
// the batch. Nothing is done yet. Of those that somebody prepared and never started
// ten are kept.
func (b *Bulk) Prepare(ctx context.Context, by idp.Actor, o Order, who Selection) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	if err := errors.Join(by.May(idp.SeePeople), by.May(o.Act.Right())); err != nil {
		return "", errors.Join(err, b.note(ctx, by, "people.bulk", "denied", map[string]string{"act": string(o.Act)}))
	}
	var items []Item
	take := func(u idp.User) error {
		if len(items) == Most {
			return ErrMany
		}
		body, err := json.Marshal(Somebody{ID: u.ID, Login: u.Login, Name: u.Name})
		if err != nil {
			return err
		}
		i := Item{Place: len(items), Body: body}
		if why := o.passes(by, u); why != "" {
			i.Result = "skip." + why
		}
		items = append(items, i)
		return nil
	}
	if err := b.each(ctx, who, take); err != nil {
		return "", err
	}
	if len(items) == 0 {
		return "", ErrNobody
	}
	body, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	now := b.Now()
	batch := Batch{ID: strings.ToLower(rand.Text()), Kind: "bulk", Owner: by.User, Body: body, Created: now, Expires: now.Add(keepSelection)}
	return batch.ID, b.Batches.Add(ctx, batch, mostBulks, nil, items)
}

// each reads the people of a selection; whoever is gone meanwhile is left out.
func (b *Bulk) each(ctx context.Context, who Selection, do func(idp.User) error) error {
	if who.Filter != nil {
		return b.Directory.Each(ctx, *who.Filter, func(e Entry) error { return do(e.User) })
	}
	ids := slices.Clone(who.IDs)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		u, err := b.Users.ByID(ctx, id)
		if errors.Is(err, idp.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if err := do(u); err != nil {
			return err
		}
	}
	return nil
}

// Plan returns a batch of the actor's own as it stands.
func (b *Bulk) Plan(ctx context.Context, by idp.Actor, id string) (Plan, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return Plan{}, err
	}
	p := Plan{Skips: map[string]int{}, Fails: map[string]int{}}
	var err error
	if p.Batch, err = mine(ctx, b.Batches, by, "bulk", id, &p.Order); err != nil {
		return Plan{}, err
	}
	tally, err := b.Batches.Tally(ctx, id)
	if err != nil {
		return Plan{}, err
	}
	for result, n := range tally {
		p.Total += n
		why, skipped := strings.CutPrefix(result, "skip.")
		switch {
		case result == "":
			p.Todo = n
		case result == "ok":
			p.Done = n
		case skipped:
			p.Skips[why] = n
		default:
			p.Fails[result] = n
		}
	}
	p.Job, err = progress(ctx, b.Work, p.Batch)
	return p, err
}

// Some returns people of a plan: those to whom it will be done (""), who were
// passed over ("skip"), or for whom it did not work ("failed").
func (b *Bulk) Some(ctx context.Context, by idp.Actor, id, which string, limit int) ([]Somebody, error) {
	return b.From(ctx, by, id, which, 0, limit)
}

// From is Some from a place on; "ok" are those to whom it is done.
func (b *Bulk) From(ctx context.Context, by idp.Actor, id, which string, place, limit int) ([]Somebody, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return nil, err
	}
	var o Order
	if _, err := mine(ctx, b.Batches, by, "bulk", id, &o); err != nil {
		return nil, err
	}
	q := ItemQuery{From: place, Result: which, Exact: which == "", Limit: limit}
	if which == "failed" {
		q.Result, q.Refused = "", true
	}
	items, err := b.Batches.Items(ctx, id, q)
	if err != nil {
		return nil, err
	}
	out := make([]Somebody, len(items))
	for i, item := range items {
		if err := json.Unmarshal(item.Body, &out[i]); err != nil {
			return nil, err
		}
		out[i].Why, out[i].Place = strings.TrimPrefix(item.Result, "skip."), item.Place
	}
	return out, nil
}

// Start does what was prepared, behind the page; what was cut short goes on
// where it stopped. idp.ErrBusy while it is going on.
func (b *Bulk) Start(ctx context.Context, by idp.Actor, id string) error {
	p, err := b.Plan(ctx, by, id)
	if err != nil {
		return err
	}
	if err := by.May(p.Order.Act.Right()); err != nil {
		return errors.Join(err, b.note(ctx, by, "people.bulk", "denied", map[string]string{"act": string(p.Order.Act)}))
	}
	if err := b.note(ctx, by, "people.bulk", "ok", map[string]string{
		"act": string(p.Order.Act), "group": p.Order.Group, "people": strconv.Itoa(p.Todo), "batch": id,
	}); err != nil {
		return err
	}
	return begin(ctx, b.Work, b.Batches, by, p.Batch, func(ctx context.Context, r *job.Run) (any, error) {
		return nil, b.run(ctx, by, p, r)
	})
}

// portion is how many people are read, done and written down at a time.
const portion = 50

func (b *Bulk) run(ctx context.Context, by idp.Actor, p Plan, r *job.Run) error {
	done := p.Total - p.Todo
	for {
		items, err := b.Batches.Items(ctx, p.Batch.ID, ItemQuery{Exact: true, Limit: portion})
		if err != nil || len(items) == 0 {
			return err
		}
		if by, err = b.still(ctx, by); err != nil {
			return err
		}
		for i := range items {
			if ctx.Err() != nil {
				return errors.Join(ctx.Err(), b.Batches.Note(context.WithoutCancel(ctx), p.Batch.ID, items[:i]))
			}
			var who Somebody
			if err := json.Unmarshal(items[i].Body, &who); err != nil {
				return err
			}
			items[i].Result = b.one(ctx, by, p.Order, who.ID)
			done++
			r.Progress(done, float64(done)/float64(p.Total))
		}
		if err := b.Batches.Note(ctx, p.Batch.ID, items); err != nil {
			return err
		}
	}
}

// still is the actor as they are now: rights that are taken away end what they
// began (SECURITY.md D-04).
func (b *Bulk) still(ctx context.Context, by idp.Actor) (idp.Actor, error) {
	if by.Host {
		return by, nil
	}
	if by.Scopes != nil && b.Callers != nil {
		now, err := b.Callers.Still(ctx, by)
		if errors.Is(err, idp.ErrNotFound) {
			err = &job.Problem{Key: "denied", Err: idp.ErrDenied}
		}
		return now, err
	}
	u, err := b.Users.ByID(ctx, by.User)
	if err != nil {
		return by, err
	}
	if u.Disabled {
		return by, &job.Problem{Key: "denied", Err: idp.ErrDenied}
	}
	by.Role = u.Role
	return by, nil
}

// one does it to one person, and says in a word what came of it.
func (b *Bulk) one(ctx context.Context, by idp.Actor, o Order, id idp.UserID) string {
	u, err := b.Users.ByID(ctx, id)
	if err == nil {
		if why := o.passes(by, u); why != "" {
			return "skip." + why
		}
		err = acts[o.Act].do(ctx, b.Do, by, o, id)
	}
	for _, w := range []struct {
		err  error
		word string
	}{
		{nil, "ok"}, {idp.ErrNotFound, "gone"}, {idp.ErrDenied, "denied"}, {idp.ErrLastOwner, "last_owner"}, {idp.ErrInvalid, "invalid"}, {idp.ErrBusy, "busy"},
	} {
		if errors.Is(err, w.err) {
			return w.word
		}
	}
	return "failed"
}

func (b *Bulk) note(ctx context.Context, by idp.Actor, what, result string, detail map[string]string) error {
	return b.Directory.note(ctx, by, what, result, detail)
}
