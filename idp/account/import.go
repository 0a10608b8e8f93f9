package account

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
)

// portion is how many rows are looked up and written at once.
const portion = 200

// Directory answers about many people at once.
type Directory interface {
	// Holding says who has the names, and who has names that look like them.
	Holding(ctx context.Context, ids []idp.Identifier) (Holders, error)
	// People returns those of the people who exist.
	People(ctx context.Context, ids []idp.UserID) ([]idp.User, error)
}

// Holders are people by the names that they have.
type Holders struct {
	Names map[string]idp.UserID // by canonical form
	Looks map[string]idp.UserID // by skeleton
}

// Source is where the rows of an import come from: a file, or another program.
type Source interface {
	// Next returns a row, or io.EOF.
	Next(ctx context.Context) (Row, error)
	// Part is how much has been read, 0 to 1.
	Part() float64
}

// Row describes one person.
type Row struct {
	Line  int // where the row begins in a file, the first is 1; or its number in its source
	In    New
	Given map[string]bool   // the fields that the row mentions; nil: it cannot be read at all
	Wrong []error           // what in it cannot be read
	Extra map[string]string // values of columns that mean something to its reader alone
	Cells []string          // the row as it stands in the file, if its reader keeps it
	// Then, if set, joins the transaction in which the person is added.
	Then func(ctx context.Context, u idp.User) error
}

// placed is a source whose fields have a place.
type placed interface {
	// place returns the name of a field in the source, and its column, 0: none.
	place(field string) (name string, column int)
}

// Importer makes people of the rows of a source.
type Importer struct {
	Service   *Service
	Directory Directory
	DryRun    bool // check everything, change nothing
	// Found is told of each row that is not imported, in order, and may stop
	// the import by an error.
	Found func(Finding) error
	// Meets, if set, is told of a row whose names all belong to one person who is
	// there already. It reports whether that settles the matter: the row is then
	// counted as unchanged.
	Meets func(ctx context.Context, r Row, there idp.User) (settled bool, err error)
	// Progress, if set, is told how many rows are done, and which part of the
	// file that is, 0 to 1.
	Progress func(rows int, part float64)
}

// Trouble is why a row is not imported.
type Trouble string

const (
	Mistake Trouble = "mistake"    // a value is not allowed
	Twice   Trouble = "twice"      // an earlier row of the file has the name
	Taken   Trouble = "taken"      // somebody has the name and is not who the row describes
	Alike   Trouble = "looks-like" // somebody's name looks the same
	Filled  Trouble = "fed"        // something else fills one of its groups
)

// Finding is something about a row. Nothing in it is secret.
type Finding struct {
	Line   int     `json:"line"`             // where the row begins, the first is 1
	Column int     `json:"column,omitempty"` // the first is 1; 0: the row as a whole
	Field  string  `json:"field,omitempty"`
	Kind   Trouble `json:"kind"`
	Text   string  `json:"message"`
	Other  string  `json:"other,omitempty"` // login of the person in the way, or what fills the group
}

// Imported counts rows.
type Imported struct {
	Rows      int `json:"rows"`
	Added     int `json:"added"` // or would be, in a dry run
	Unchanged int `json:"unchanged"`
	Settled   int `json:"-"` // of these, by Meets
	Conflicts int `json:"conflicts"`
	Mistaken  int `json:"mistaken"`
}

// candidate is a row that describes a person.
type candidate struct {
	Row
	u   idp.User
	ids []idp.Identifier
}

// Import adds the people of a source. A row with a mistake or a conflict is
// found and left out, the others go in; who is there already as the row
// describes them is counted and left alone, so that a second run changes
// nothing. It never changes anybody.
func (i *Importer) Import(ctx context.Context, by idp.Actor, from Source) (sum Imported, err error) {
	if err := by.May(idp.EditPeople); err != nil {
		return sum, err
	}
	run := &importing{Importer: i, by: by, from: from, seed: maphash.MakeSeed(), seen: map[uint64]int{}}
	for more := true; more && err == nil; {
		more, err = run.batch(ctx)
		if i.Progress != nil {
			i.Progress(run.sum.Rows, from.Part())
		}
	}
	if run.sum.Added+run.sum.Settled > 0 && !i.DryRun {
		// What was done was done, though the time for it may be over (D-07).
		err = errors.Join(err, i.Service.acts().note(context.WithoutCancel(ctx), by, "user.import", "", map[string]string{
			"added": strconv.Itoa(run.sum.Added), "adopted": strconv.Itoa(run.sum.Settled), "unchanged": strconv.Itoa(run.sum.Unchanged),
			"conflicts": strconv.Itoa(run.sum.Conflicts), "mistaken": strconv.Itoa(run.sum.Mistaken),
		}))
	}
	return run.sum, err
}

// importing is one run.
type importing struct {
	*Importer
	by   idp.Actor
	from Source
	sum  Imported

	// Names of earlier rows, as hashes: of two different names among a million
	// one in forty million files would be taken for the same, and said so.
	seed maphash.Seed
	seen map[uint64]int // line

	found []Finding // in this batch
}

// batch reads, judges and writes some rows. It reports whether there may be more.
func (r *importing) batch(ctx context.Context) (more bool, err error) {
	var all []candidate
	more = true
	for len(all) < portion && more {
		line, err := r.from.Next(ctx)
		if errors.Is(err, io.EOF) {
			more = false
			break
		} else if err != nil {
			return false, err
		}
		r.sum.Rows++
		if c, ok := r.judge(line); ok {
			all = append(all, c)
		}
	}
	fresh, err := r.compare(ctx, all)
	if err != nil {
		return false, err
	}
	if r.DryRun {
		r.sum.Added += len(fresh)
	} else if err := r.write(ctx, fresh); err != nil {
		return false, errors.Join(err, r.tell())
	}
	return more, r.tell()
}

// tell hands over what was found in a batch, in order.
func (r *importing) tell() error {
	slices.SortStableFunc(r.found, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	for _, f := range r.found {
		if r.Found == nil {
			break
		}
		if err := r.Found(f); err != nil {
			return err
		}
	}
	r.found = r.found[:0]
	return nil
}

// judge looks at a row by itself.
func (r *importing) judge(line Row) (c candidate, ok bool) {
	c = candidate{Row: line}
	wrong := line.Wrong
	if line.Given != nil {
		var errs error
		c.u, c.ids, errs = line.In.person(r.Service.Now())
		_, secret := line.In.app(r.Service.Now())
		wrong = append(wrong, split(errs)...)
		if secret != nil {
			wrong = append(wrong, inField("totp_secret", secret))
		}
	}
	if len(wrong) > 0 {
		r.sum.Mistaken++
		for _, e := range wrong {
			r.found = append(r.found, r.mistake(c, e))
		}
	}
	return c, len(wrong) == 0
}

// earlier returns the line of a row that goes in and has one of the names, or one
// that looks the same, and remembers the names otherwise.
func (r *importing) earlier(c candidate) (line int, name string) {
	for _, id := range c.ids {
		if n := r.seen[maphash.String(r.seed, id.Skeleton)]; n > 0 {
			return n, id.Canonical
		}
	}
	for _, id := range c.ids {
		r.seen[maphash.String(r.seed, id.Skeleton)] = c.Line
	}
	return 0, ""
}

// conflicting counts and keeps a conflict.
func (r *importing) conflicting(f Finding) {
	r.sum.Conflicts++
	r.found = append(r.found, f)
}

// mistake says where in the file something is wrong.
func (r *importing) mistake(c candidate, err error) Finding {
	f := Finding{Line: c.Line, Kind: Mistake, Text: err.Error()}
	var in *fieldError
	if errors.As(err, &in) {
		f.Field = in.field
	}
	if p, ok := r.from.(placed); ok {
		f.Field, f.Column = p.place(f.Field)
	}
	for _, noise := range []string{idp.ErrInvalid.Error() + ": ", "totp: "} {
		f.Text = strings.ReplaceAll(f.Text, noise, "")
	}
	f.Text = hashLike.ReplaceAllString(f.Text, `"…"`)
	return f
}

// hashLike is a quoted value that may be a part of a password's hash: where a
// comma of an unquoted one has shifted the columns, it must not be repeated in
// a report (SECURITY.md D-08).
var hashLike = regexp.MustCompile(`"[^"]*[$=][^"]*"`)

// write adds people in one transaction, if there are any. When somebody else takes one of the
// names at the same moment, or begins to fill one of the groups, all are undone, and each is tried by itself.
func (r *importing) write(ctx context.Context, fresh []candidate) error {
	if len(fresh) == 0 {
		return nil
	}
	err := r.Service.Atomic(ctx, func(ctx context.Context) error {
		for _, c := range fresh {
			if err := r.add(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		r.sum.Added += len(fresh)
		return nil
	}
	if !errors.Is(err, idp.ErrTaken) && !errors.Is(err, ErrFed) {
		return err
	}
	for _, c := range fresh {
		err := r.Service.Atomic(ctx, func(ctx context.Context) error { return r.add(ctx, c) })
		switch {
		case errors.Is(err, idp.ErrTaken):
			r.conflicting(Finding{Line: c.Line, Kind: Taken, Text: "somebody has taken the login or e-mail at this moment"})
		case errors.Is(err, ErrFed):
			r.conflicting(Finding{Line: c.Line, Kind: Filled, Text: "a connected system fills one of the groups since this moment"})
		case err != nil:
			return err
		default:
			r.sum.Added++
		}
	}
	return nil
}

func (r *importing) add(ctx context.Context, c candidate) error {
	u, err := r.Service.Add(ctx, r.by, c.In)
	if err == nil && c.Then != nil {
		err = c.Then(ctx, u)
	}
	return err
}

// fieldError is a mistake in one field of a person.
type fieldError struct {
	field string
	error
}

func (e *fieldError) Unwrap() error { return e.error }

// inField says which field a mistake is about; no mistake stays none.
func inField(field string, err error) error {
	if err == nil {
		return nil
	}
	return &fieldError{field, err}
}

// split takes joined errors apart.
func split(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the outermost is meant
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
