package connector

import (
	"context"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// intakeLimit is how long one import may take that goes on behind an answer or a
// page: whoever answers it slowly on purpose must not hold it for ever. The
// command line has none; who sits there can end it.
const intakeLimit = 2 * time.Hour

// Imports brings an Odoo's users here.
type Imports struct {
	book      *Book
	register  *Register
	lines     *lines
	standing  standing
	accounts  *account.Service
	directory account.Directory
	ties      Ties
	customers Customers
}

// Intake is one import at an administrator's word.
type Intake struct {
	Options Options           // who is brought in, and how; kept for later runs
	Groups  map[string]string // of Odoo that become groups here; kept, too
	DryRun  bool
	Sync    bool // keep both sides in step from now on
	// Open opens what is read, for these groups; nil: Odoo's own interface.
	Open func(ctx context.Context, groups []string) (Source, func(), error)
	// Callers must be set for who came through the API: without it their import
	// is refused.
	Callers Callers
	// Found and Progress are those of [Import].
	Found    func(ImportFinding) error
	Progress func(users int, part float64)
}

// BringIn brings an Odoo's users here. It needs the right to change people, too,
// from its beginning to its end: whoever loses one, or what let them in, brings
// nobody more (SECURITY.md D-04).
func (i *Imports) BringIn(ctx context.Context, by idp.Actor, id string, b Intake) (ImportReport, error) {
	if err := mayPeople(by); err != nil {
		return ImportReport{}, err
	}
	if by.Host {
		return i.bringIn(ctx, by, id, b)
	}
	ctx, stop := context.WithTimeout(ctx, intakeLimit)
	defer stop()
	report, err := i.bringIn(ctx, by, id, b)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errors.Join(refuse("refused.slow", idp.ErrBusy, intakeLimit), err)
	}
	return report, err
}

func (i *Imports) bringIn(ctx context.Context, by idp.Actor, id string, b Intake) (ImportReport, error) {
	c, err := i.book.connections.ByID(ctx, id)
	if err != nil {
		return ImportReport{}, err
	}
	kept := c
	c.Settings.Import = b.Options
	if b.Groups != nil {
		c.Settings.Groups = b.Groups
	}
	if err := errors.Join(b.Options.Check(), i.register.unfed(ctx, by, kept, c.Settings.Groups)); err != nil {
		return ImportReport{}, err
	}
	from, done, err := i.sourceOf(ctx, c, b)
	if err != nil {
		return ImportReport{}, err
	}
	defer done()
	still := func(ctx context.Context, by idp.Actor) (idp.Actor, error) {
		return i.standing.still(ctx, by, b.Callers, mayPeople)
	}
	run := Import{
		Accounts: i.accounts, Directory: i.directory, Ties: i.ties, Customers: i.customers, Connection: c, Kept: &kept, DryRun: b.DryRun,
		Still: still, Found: b.Found, Progress: b.Progress,
	}
	report, err := run.Run(ctx, by, from)
	if err != nil || b.DryRun {
		return report, err
	}
	if by, err = still(ctx, by); err != nil {
		return report, err
	}
	_, err = i.register.Configure(ctx, by, id, func(s *Settings) { s.Import, s.Groups, s.Sync = c.Settings.Import, c.Settings.Groups, b.Sync })
	return report, err
}

func (i *Imports) sourceOf(ctx context.Context, c Connection, b Intake) (Source, func(), error) {
	if b.Open != nil {
		return b.Open(ctx, wanted(c))
	}
	from, err := i.Source(ctx, c)
	return from, func() {}, err
}

// Source reads a connection's users through Odoo's own interface.
func (i *Imports) Source(ctx context.Context, c Connection) (*RPC, error) {
	r, err := i.lines.client(ctx, c)
	if err != nil {
		return nil, err
	}
	from, err := OpenRPC(ctx, r, wanted(c))
	if err != nil {
		return nil, err
	}
	open, err := signUpNow(ctx, r, c.Facts)
	if err != nil {
		return nil, err
	}
	return from.SignUp(open), nil
}
