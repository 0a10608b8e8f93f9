package people

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/job"
)

// MaxFile is the largest file of people, in bytes.
const MaxFile = 20 << 20

const (
	sampleRows  = 5     // shown beside the columns
	mostRefused = 10000 // rows kept for the file of what was refused
)

// Imports adds people from an uploaded table: Begin reads what its columns are,
// Check tries it out, Start does it. The file lies sealed for at most an hour
// and goes as soon as it is done. Its fields are set once, before first use.
type Imports struct {
	Accounts *account.Service
	Lookup   account.Directory
	Batches  Batches
	Bulk     *Bulk // for invitations
	Work     Work
	Now      func() time.Time
}

// Step is how far an import is.
type Step string

const (
	Columns  Step = "columns" // what they are is to be said
	Checking Step = "checking"
	Checked  Step = "checked"
	Running  Step = "running"
	Finished Step = "done"
)

// Draft is an import as it stands.
type Draft struct {
	Step     Step       `json:"step"`
	Encoding string     `json:"encoding"`
	Comma    string     `json:"comma"`
	Names    []string   `json:"names"`
	Sample   [][]string `json:"sample,omitempty"`
	Choice
	Sum         account.Imported `json:"sum"`
	First       []Newcomer       `json:"first,omitempty"` // of those to be added
	Refused     int              `json:"refused"`         // rows
	Invite      bool             `json:"invite"`
	Invitations []string         `json:"invitations,omitempty"` // ids of the bulks that send them
}

// Choice is what somebody says of a table.
type Choice struct {
	Fields []string `json:"fields"`           // of each column; empty: left out
	Kind   idp.Kind `json:"kind,omitempty"`   // of rows that name none
	Groups []string `json:"groups,omitempty"` // that all of them join, beside their own
}

// veil stands for a value that is not shown.
const veil = "•••"

// Veiled is a row without what is secret in it, or may be: a column of which nobody
// has said what it is may be called password (SECURITY.md M-12, D-06).
func (c Choice) Veiled(cells []string) []string {
	out := slices.Clone(cells)
	for i := range out {
		harmless := i < len(c.Fields) && c.Fields[i] != "" && !slices.Contains(account.SecretFields(), c.Fields[i])
		if out[i] != "" && !harmless {
			out[i] = veil
		}
	}
	return out
}

// Newcomer is a row as it was understood.
type Newcomer struct {
	Line               int
	Login, Email, Name string
	Kind               idp.Kind
	Groups             []string
}

// Refusal is a row that is not imported, and why.
type Refusal struct {
	Line  int               `json:"line"`
	Cells []string          `json:"cells"`
	Why   []account.Finding `json:"why"`
}

// Import is a draft of the actor's own.
type Import struct {
	Batch Batch
	Draft
	Job *job.Job // nil: nothing has been started
}

// Begin takes a file in and returns the id of its draft. idp.ErrInvalid when it
// is no table. Of those of one person that are not done two are kept.
func (i *Imports) Begin(ctx context.Context, by idp.Actor, file []byte) (string, error) {
	if err := by.May(idp.EditPeople); err != nil {
		return "", err
	}
	if len(file) == 0 || len(file) > MaxFile {
		return "", fmt.Errorf("%w: file: 1 byte to %d MiB", idp.ErrInvalid, MaxFile>>20)
	}
	t, err := account.ScanTable(bytes.NewReader(file))
	if err != nil {
		return "", err
	}
	d := Draft{Step: Columns, Encoding: t.Encoding, Comma: string(t.Comma), Names: t.Names, Choice: Choice{Fields: t.Fields()}}
	t.Whole = true
	for len(d.Sample) < sampleRows {
		r, err := t.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", err
		}
		d.Sample = append(d.Sample, r.Cells)
	}
	body, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	now := i.Now()
	b := Batch{ID: strings.ToLower(rand.Text()), Kind: "import", Owner: by.User, Body: body, Created: now, Expires: now.Add(keepFile)}
	return b.ID, i.Batches.Add(ctx, b, mostImports, file, nil)
}

// Draft returns an import of the actor's own.
func (i *Imports) Draft(ctx context.Context, by idp.Actor, id string) (out Import, err error) {
	if err := by.May(idp.EditPeople); err != nil {
		return out, err
	}
	if out.Batch, err = mine(ctx, i.Batches, by, "import", id, &out.Draft); err != nil {
		return out, err
	}
	out.Job, err = progress(ctx, i.Work, out.Batch)
	return out, err
}

// Check tries the import out behind the page: nothing is added. idp.ErrInvalid
// when the columns cannot be so.
func (i *Imports) Check(ctx context.Context, by idp.Actor, id string, c Choice) error {
	d, err := i.Draft(ctx, by, id)
	if err != nil {
		return err
	}
	if d.Step == Running || d.Step == Finished {
		return idp.ErrSpent
	}
	if c.Kind != "" && c.Kind != idp.Internal && c.Kind != idp.Portal {
		return fmt.Errorf("%w: kind: internal or portal", idp.ErrInvalid)
	}
	file, err := i.Batches.File(ctx, id)
	if err != nil {
		return err
	}
	if _, err := account.OpenTableAs(bytes.NewReader(file), c.Fields); err != nil {
		return err
	}
	if err := i.change(ctx, id, func(d *Draft) { d.Step, d.Choice = Checking, c }); err != nil {
		return err
	}
	return begin(ctx, i.Work, i.Batches, by, d.Batch, func(ctx context.Context, r *job.Run) (any, error) {
		return nil, i.run(ctx, by, id, r, true)
	})
}

// Start imports what was checked, behind the page. Whoever was cut short starts
// again: who is in already is passed over. invite asks those who were added to
// choose a password.
func (i *Imports) Start(ctx context.Context, by idp.Actor, id string, invite bool) error {
	d, err := i.Draft(ctx, by, id)
	if err != nil {
		return err
	}
	if d.Step != Checked && d.Step != Running {
		return idp.ErrSpent
	}
	if err := i.change(ctx, id, func(d *Draft) { d.Step, d.Invite = Running, invite }); err != nil {
		return err
	}
	return begin(ctx, i.Work, i.Batches, by, d.Batch, func(ctx context.Context, r *job.Run) (any, error) {
		return nil, i.run(ctx, by, id, r, false)
	})
}

// change changes a draft; it has another hour from now on.
func (i *Imports) change(ctx context.Context, id string, do func(*Draft)) error {
	for {
		b, err := i.Batches.ByID(ctx, id)
		if err != nil {
			return err
		}
		var d Draft
		if err := json.Unmarshal(b.Body, &d); err != nil {
			return err
		}
		do(&d)
		b.Expires = i.Now().Add(keepFile)
		if err := save(ctx, i.Batches, b, d); !errors.Is(err, idp.ErrSpent) {
			return err
		}
	}
}

// run reads the whole file, in a dry run or in earnest.
func (i *Imports) run(ctx context.Context, by idp.Actor, id string, r *job.Run, dry bool) error {
	file, err := i.Batches.File(ctx, id)
	if err != nil {
		return err
	}
	b, err := i.Batches.ByID(ctx, id)
	if err != nil {
		return err
	}
	var d Draft
	if err := json.Unmarshal(b.Body, &d); err != nil {
		return err
	}
	t, err := account.OpenTableAs(bytes.NewReader(file), d.Fields)
	if err != nil {
		return err
	}
	t.Whole = true
	if err := i.Batches.Clear(ctx, id); err != nil {
		return err
	}
	w := &reading{Table: t, imports: i, by: by, choice: d.Choice, batch: id, cells: map[int][]string{}, added: map[int]idp.UserID{}}
	importer := account.Importer{
		Service: i.Accounts, Directory: i.Lookup, DryRun: dry, Found: func(f account.Finding) error { return w.found(ctx, f) },
		Progress: func(rows int, part float64) { clear(w.cells); r.Progress(rows, part) },
	}
	sum, err := importer.Import(ctx, by, w)
	done := context.WithoutCancel(ctx)
	if err = errors.Join(err, w.flush(done)); err != nil {
		return err
	}
	if dry {
		return i.change(done, id, func(d *Draft) {
			d.Step, d.Sum, d.First, d.Refused = Checked, sum, w.first[:min(len(w.first), sampleRows)], w.refused
		})
	}
	bulks, err := i.invite(done, by, d.Invite, w)
	return errors.Join(err, i.Batches.DropFile(done, id), i.change(done, id, func(d *Draft) {
		d.Step, d.Sum, d.Refused, d.Sample, d.First, d.Invitations = Finished, sum, w.refused, nil, nil, bulks
	}))
}

// invite invites those who were added.
func (i *Imports) invite(ctx context.Context, by idp.Actor, wanted bool, w *reading) (out []string, err error) {
	if !wanted {
		return nil, nil
	}
	if by, err = i.still(ctx, by); err != nil { // a long import has passed
		return nil, err
	}
	var ids []idp.UserID
	for _, id := range w.added {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, Most) {
		id, err := i.Bulk.Prepare(ctx, by, Order{Act: Invite}, Selection{IDs: part})
		if errors.Is(err, ErrNobody) {
			continue
		}
		if err == nil {
			err = i.Bulk.Start(ctx, by, id)
		}
		if err != nil {
			return out, err
		}
		out = append(out, id)
	}
	return out, nil
}

// Refusals calls f with the rows that were refused, in order.
func (i *Imports) Refusals(ctx context.Context, by idp.Actor, id string, limit int, f func(Refusal) error) error {
	return i.RefusedFrom(ctx, by, id, 0, limit, f)
}

// RefusedFrom is Refusals from a place on: the first is 0.
func (i *Imports) RefusedFrom(ctx context.Context, by idp.Actor, id string, from, limit int, f func(Refusal) error) error {
	var d Draft
	if err := by.May(idp.EditPeople); err != nil {
		return err
	}
	if _, err := mine(ctx, i.Batches, by, "import", id, &d); err != nil {
		return err
	}
	for limit > 0 {
		items, err := i.Batches.Items(ctx, id, ItemQuery{From: from, Limit: min(limit, mostLimit)})
		if err != nil || len(items) == 0 {
			return err
		}
		for _, item := range items {
			var r Refusal
			if err := json.Unmarshal(item.Body, &r); err != nil {
				return err
			}
			if err := f(r); err != nil {
				return err
			}
			from = item.Place + 1
		}
		limit -= len(items)
	}
	return nil
}
