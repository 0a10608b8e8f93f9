package people

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/job"
	"latchkey/idp/sheet"
)

// reading is a table on its way in: it adds what was said of all rows, keeps
// those that are refused, and remembers who was added.
type reading struct {
	*account.Table
	imports *Imports
	by      idp.Actor
	choice  Choice
	batch   string

	rows    int
	cells   map[int][]string // by line, of the rows that are not judged yet
	first   []Newcomer
	last    *Refusal // whose findings are not all in yet
	kept    []Item
	refused int
	added   map[int]idp.UserID // by line: a row that is tried twice counts once
}

// Next is a row with what was said of all.
func (r *reading) Next(ctx context.Context) (account.Row, error) {
	if r.rows++; r.rows%portion == 1 { // whose rights are gone adds nobody more
		var err error
		if r.by, err = r.imports.still(ctx, r.by); err != nil {
			return account.Row{}, err
		}
	}
	row, err := r.Table.Next(ctx)
	if err != nil {
		return row, err
	}
	r.cells[row.Line] = row.Cells
	if row.Given == nil {
		return row, nil
	}
	if row.In.Kind == "" {
		row.In.Kind = r.choice.Kind
	}
	row.In.Groups = append(row.In.Groups, r.choice.Groups...)
	if len(r.first) < mostLimit { // some of them may be refused yet
		in := row.In
		r.first = append(r.first, Newcomer{row.Line, in.Login, in.Email, in.Name, in.Kind, in.Groups})
	}
	line := row.Line
	row.Then = func(_ context.Context, u idp.User) error {
		r.added[line] = u.ID
		return nil
	}
	return row, nil
}

// still is the actor as they are now, if they may add people yet (SECURITY.md
// D-04).
func (i *Imports) still(ctx context.Context, by idp.Actor) (idp.Actor, error) {
	by, err := i.Bulk.still(ctx, by)
	if err == nil && by.May(idp.EditPeople) != nil {
		err = &job.Problem{Key: "denied", Err: idp.ErrDenied}
	}
	return by, err
}

// found gathers the findings of a row, which come one after the other.
func (r *reading) found(ctx context.Context, f account.Finding) error {
	if r.last != nil && r.last.Line == f.Line {
		r.last.Why = append(r.last.Why, f)
		return nil
	}
	if err := r.keep(); err != nil {
		return err
	}
	delete(r.added, f.Line)
	r.first = slices.DeleteFunc(r.first, func(n Newcomer) bool { return n.Line == f.Line })
	r.last = &Refusal{Line: f.Line, Cells: r.cells[f.Line], Why: []account.Finding{f}}
	r.refused++
	if len(r.kept) < mostLimit {
		return nil
	}
	return r.store(ctx)
}

func (r *reading) keep() error {
	if r.last == nil || r.refused > mostRefused {
		r.last = nil
		return nil
	}
	body, err := json.Marshal(r.last)
	r.kept = append(r.kept, Item{Place: r.refused - 1, Result: "refused", Body: body})
	r.last = nil
	return err
}

func (r *reading) store(ctx context.Context) error {
	kept := r.kept
	r.kept = nil
	return r.imports.Batches.Note(ctx, r.batch, kept)
}

func (r *reading) flush(ctx context.Context) error {
	if err := r.keep(); err != nil {
		return err
	}
	return r.store(ctx)
}

// WriteRefused writes the refused rows as they stood in the file, with the line
// and the reason, for mending and importing once more: what a spreadsheet opens,
// in which it takes nothing for a formula (SECURITY.md D-11). reason words a
// finding.
func (i *Imports) WriteRefused(ctx context.Context, by idp.Actor, id, line, why string, reason func(account.Finding) string, w func() io.Writer) error {
	d, err := i.Draft(ctx, by, id)
	if err != nil {
		return err
	}
	out := w()
	if _, err := io.WriteString(out, "\ufeff"); err != nil { // or spreadsheets take it for another encoding
		return err
	}
	c := csv.NewWriter(out)
	c.UseCRLF = true
	if d.Comma != "" {
		c.Comma = []rune(d.Comma)[0]
	}
	if err := c.Write(sheet.Cells(append([]string{line, why}, d.Names...))); err != nil {
		return err
	}
	err = i.Refusals(ctx, by, id, mostRefused, func(r Refusal) error {
		said := ""
		for n, f := range r.Why {
			if n > 0 {
				said += " "
			}
			said += reason(f)
		}
		return c.Write(sheet.Cells(append([]string{strconv.Itoa(r.Line), said}, r.Cells...)))
	})
	c.Flush()
	if err != nil {
		return err
	}
	return c.Error()
}
