package connector

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// Import brings the users of an Odoo here. Package account makes the people;
// this decides who they are.
type Import struct {
	Accounts   *account.Service
	Directory  account.Directory
	Ties       Ties
	Customers  Customers // nil: nobody wants to know
	Connection Connection
	// Kept is the connection as it is stored, if that above has other settings:
	// what somebody asks for just now does not say which groups are its own. Nil:
	// they are the same.
	Kept   *Connection
	DryRun bool
	// Still, if set, is asked again and again for the actor as they are now, and
	// ends the import by an error (SECURITY.md D-04).
	Still func(ctx context.Context, by idp.Actor) (idp.Actor, error)
	// Found, if set, is told of everything that was found, as it comes.
	Found func(ImportFinding) error
	// Came, if set, is told of everybody who is added, in the transaction that adds
	// them; in a dry run, without an id, of everybody who may be.
	Came func(p Person, in account.New, id idp.UserID)
	// Progress, if set, is told how many users are done, and which part that is.
	Progress func(users int, part float64)
}

// ImportFinding is something about a user of an Odoo. Nothing in it is secret.
type ImportFinding struct {
	Class  Class  `json:"class"`
	Choice Choice `json:"choice"`
	Odoo   int64  `json:"odoo_id,omitempty"`
	Line   int    `json:"line,omitempty"` // of a file
	Login  string `json:"login"`
	Text   string `json:"message,omitempty"` // in English
	Said
	Out bool `json:"left_out"` // the user did not come in for it
}

// ImportReport says what became of the users.
type ImportReport struct {
	Users   int           `json:"users"` // that were read
	Added   int           `json:"added"` // or would be, in a dry run
	Known   int           `json:"known"` // came in before
	Adopted int           `json:"adopted"`
	Out     int           `json:"left_out"`
	Outside int           `json:"outside"` // of the kind that was not wanted
	Devices int           `json:"history_lines"`
	Classes []ClassReport `json:"classes"`
}

// ClassReport counts a class.
type ClassReport struct {
	ClassInfo
	Choice   Choice          `json:"choice"`
	Count    int             `json:"count"`
	Examples []ImportFinding `json:"examples"`
}

// examples is how many of a class are told of.
const examples = 5

// Run reads the source twice: first to see which names come more than once,
// then to bring people in. Who is known is passed over, so that a second run
// goes on where the first one stopped and otherwise changes nothing. By is an
// administrator, the host's command line, or the house itself.
func (i *Import) Run(ctx context.Context, by idp.Actor, from Source) (ImportReport, error) {
	r := &importRun{Import: i, by: by, accounts: i.accounts(), from: from, census: newCensus(), waiting: map[int]*arrival{}}
	if err := i.options().Check(); err != nil {
		return r.report, err
	}
	for _, c := range Classes {
		r.report.Classes = append(r.report.Classes, ClassReport{ClassInfo: c, Choice: i.options().choice(c.Class), Examples: []ImportFinding{}})
	}
	if err := r.count(ctx); err != nil {
		return r.report, err
	}
	if err := from.Begin(ctx, false); err != nil {
		return r.report, err
	}
	importer := account.Importer{
		Service: r.accounts, Directory: i.Directory, DryRun: i.DryRun, Found: r.refused, Meets: r.meets,
		Progress: func(int, float64) { r.show() },
	}
	sum, err := importer.Import(ctx, by, r)
	r.report.Added += sum.Added
	return r.report, err
}

// accounts lets an Odoo fill the groups that follow it, whoever sets the import
// going; nobody else may change them by hand (SECURITY.md D-02).
func (i *Import) accounts() *account.Service {
	own, kept := *i.Accounts, i.Connection
	if i.Kept != nil {
		kept = *i.Kept
	}
	if feeds := own.Fed; feeds != nil {
		own.Fed = func(ctx context.Context, group string) (string, bool, error) {
			if follows(kept, group) {
				return "", false, nil
			}
			return feeds(ctx, group)
		}
	}
	return &own
}

func (i *Import) options() Options { return i.Connection.Settings.Import }

// importRun is one run. It is the account.Source of the importer.
type importRun struct {
	*Import
	by       idp.Actor
	accounts *account.Service
	from     Source
	census   *census
	report   ImportReport
	page     []Person
	known    map[int64]Held
	number   int
	// waiting are the rows that the importer holds and has not judged yet, by
	// number.
	waiting map[int]*arrival
}

// arrival is a user on the way in.
type arrival struct {
	p       Person
	verdict verdict
}

func (r *importRun) count(ctx context.Context) error {
	if err := r.from.Begin(ctx, true); err != nil {
		return err
	}
	for {
		all, err := r.read(ctx)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, p := range all {
			if v := r.options().eligible(p); !v.skip {
				r.census.count(p)
			}
		}
	}
}

// read reads some users, for whoever may have them yet: it may have taken a while.
func (r *importRun) read(ctx context.Context) ([]Person, error) {
	all, err := r.from.Next(ctx)
	if err == nil && r.Still != nil {
		r.by, err = r.Still(ctx, r.by)
	}
	return all, err
}

// Part is how much has been read, 0 to 1.
func (r *importRun) Part() float64 { return r.from.Part() }

func (r *importRun) show() {
	if r.Progress != nil {
		r.Progress(r.report.Users, r.from.Part())
	}
}

// keptRows is more than the importer holds back at once, so that rows further
// behind are judged and may be forgotten.
const keptRows = 1000

// Next returns the next user who shall come in, or io.EOF.
func (r *importRun) Next(ctx context.Context) (account.Row, error) {
	for {
		if len(r.page) == 0 {
			if err := r.turn(ctx); err != nil {
				return account.Row{}, err
			}
		}
		p := r.page[0]
		r.page = r.page[1:]
		r.report.Users++
		row, ok, err := r.take(p)
		if ok || err != nil {
			return row, err
		}
	}
}

// turn reads the next page, or fails with io.EOF.
func (r *importRun) turn(ctx context.Context) (err error) {
	r.show()
	if r.page, err = r.read(ctx); err != nil {
		return err
	}
	if len(r.page) == 0 {
		return io.EOF
	}
	var ids []int64
	for _, p := range r.page {
		if p.ID != 0 {
			ids = append(ids, p.ID)
		}
	}
	r.known, err = r.Ties.ByOdoo(ctx, r.Connection.ID, ids)
	return err
}

// take judges one user and makes a row of whoever comes in.
func (r *importRun) take(p Person) (account.Row, bool, error) {
	held, known := r.known[p.ID]
	if known && !held.Gone {
		r.report.Known++
		return account.Row{}, false, nil
	}
	v := r.options().judge(p, r.census, r.from.OpenSignUp())
	if known && !v.skip {
		j := &judgement{Options: r.options(), verdict: v, p: p}
		j.meets(WasRemoved, Note{})
		v = j.verdict
	}
	if v.outside {
		r.report.Outside++
		return account.Row{}, false, nil
	}
	for n, f := range v.found {
		if err := r.tell(p, f.class, f.note, v.skip && n == len(v.found)-1); err != nil {
			return account.Row{}, false, err
		}
	}
	if v.skip {
		r.report.Out++
		return account.Row{}, false, nil
	}
	v.in.Groups = groupsOf(r.Connection, p)
	r.number++
	a := &arrival{p, v}
	r.waiting[r.number] = a
	delete(r.waiting, r.number-keptRows)
	if r.Came != nil && r.DryRun {
		r.Came(p, v.in, "")
	}
	return account.Row{Line: r.number, In: v.in, Given: map[string]bool{}, Then: func(ctx context.Context, u idp.User) error {
		if r.Came != nil {
			r.Came(p, v.in, u.ID)
		}
		return r.arrived(ctx, a, u.ID, v.disabled)
	}}, true, nil
}

// tell counts what was found.
func (r *importRun) tell(p Person, c Class, n Note, out bool) error {
	f := ImportFinding{Class: c, Choice: r.options().choice(c), Odoo: p.ID, Line: p.Line, Login: p.Login, Text: n.Text, Said: n.Said, Out: out}
	for n := range r.report.Classes {
		if k := &r.report.Classes[n]; k.Class == c {
			k.Count++
			if len(k.Examples) < examples {
				k.Examples = append(k.Examples, f)
			}
		}
	}
	if r.Found == nil {
		return nil
	}
	return r.Found(f)
}

// troubles are what package account finds, in our words.
var troubles = map[account.Trouble]Class{
	account.Mistake: Mistake, account.Twice: SameName, account.Taken: Exists, account.Alike: LooksLike, account.Filled: Mistake,
}

// refused is told by package account of a row that does not go in.
func (r *importRun) refused(f account.Finding) error {
	a, ok := r.waiting[f.Line]
	if !ok {
		return errors.New("connector: an answer about a row that nobody asked about")
	}
	first := !a.verdict.skip // a row may have several mistakes
	a.verdict.skip = true
	if first {
		r.report.Out++
	}
	return r.tell(a.p, cmp.Or(troubles[f.Kind], Mistake), refusal(f), first)
}

// refusal is what package account says of a row, as a note. The class says the
// rest.
func refusal(f account.Finding) Note {
	var n Note
	switch {
	case f.Kind == account.Mistake && f.Field != "":
		n = say("import.wrong", f.Field).because(f.Text)
	case f.Kind == account.Mistake:
		n = say("import.unread").because(f.Text)
	case f.Kind == account.Filled && f.Other != "":
		n = say("import.filled", f.Other)
	case f.Kind == account.Twice:
		n = say("import.twice").because(f.Text)
	case f.Other != "":
		n = say("import.value", f.Other)
	default:
		n = say("import.taken")
	}
	n.Text = f.Text
	return n
}

// arrived ties a user of Odoo's to a person and brings their history along, in
// the transaction that makes the person.
func (r *importRun) arrived(ctx context.Context, a *arrival, id idp.UserID, disabled bool) error {
	if disabled {
		if err := r.Accounts.Users.SetDisabled(ctx, id, true); err != nil {
			return err
		}
	}
	for _, d := range a.p.Devices {
		if err := r.Accounts.Log.Append(ctx, d.event(r.Connection.ID, id)); err != nil {
			return err
		}
	}
	r.report.Devices += len(a.p.Devices)
	if err := r.customer(ctx, a.p, id); err != nil {
		return err
	}
	if a.p.ID == 0 {
		return nil
	}
	return r.Ties.Put(ctx, tieOf(r.Connection, a.p, id, r.Accounts.Now()))
}

// tieOf is a new tie.
func tieOf(c Connection, p Person, id idp.UserID, now time.Time) Tie {
	t := Tie{Connection: c.ID, Odoo: p.ID, User: id, Login: p.Login, Seen: seenOf(c, p), Created: now}
	if !p.Active {
		t.Closed = ClosedThere
	}
	return t
}

// event is a line of Odoo's own history as one of ours.
func (d Device) event(connection string, id idp.UserID) idp.Event {
	return idp.Event{
		ID: rand.Text(), At: d.Last, What: "odoo.device", User: id, Actor: id, Origin: idp.Origin{Address: d.Address, Agent: plain(d.Agent)}, Result: "ok",
		Detail: map[string]string{"connection": connection, "country": d.Country, "first": d.First.UTC().Format(time.RFC3339)},
	}
}
