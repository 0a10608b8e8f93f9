package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"latchkey/idp"
)

// intakeLimit is how long one import may take that goes on behind an answer or a
// page: whoever answers it slowly on purpose must not hold it for ever. The
// command line has none; who sits there can end it.
const intakeLimit = 2 * time.Hour

// Callers tells a caller of the API as they are now, or fails with
// idp.ErrNotFound when what let them in is no longer good.
type Callers interface {
	Still(ctx context.Context, by idp.Actor) (idp.Actor, error)
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
func (p *People) BringIn(ctx context.Context, by idp.Actor, id string, b Intake) (ImportReport, error) {
	if err := mayPeople(by); err != nil {
		return ImportReport{}, err
	}
	if by.Host {
		return p.bringIn(ctx, by, id, b)
	}
	ctx, stop := context.WithTimeout(ctx, intakeLimit)
	defer stop()
	report, err := p.bringIn(ctx, by, id, b)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errors.Join(refuse("refused.slow", idp.ErrBusy, intakeLimit), err)
	}
	return report, err
}

func (p *People) bringIn(ctx context.Context, by idp.Actor, id string, b Intake) (ImportReport, error) {
	c, err := p.Connections.ByID(ctx, id)
	if err != nil {
		return ImportReport{}, err
	}
	kept := c
	c.Settings.Import = b.Options
	if b.Groups != nil {
		c.Settings.Groups = b.Groups
	}
	if err := errors.Join(b.Options.Check(), p.unfed(ctx, by, kept, c.Settings.Groups)); err != nil {
		return ImportReport{}, err
	}
	from, done, err := p.sourceOf(ctx, c, b)
	if err != nil {
		return ImportReport{}, err
	}
	defer done()
	still := func(ctx context.Context, by idp.Actor) (idp.Actor, error) {
		return p.still(ctx, by, b.Callers, mayPeople)
	}
	i := Import{
		Accounts: p.Accounts, Directory: p.Directory, Ties: p.Ties, Customers: p.Customers, Connection: c, Kept: &kept, DryRun: b.DryRun,
		Still: still, Found: b.Found, Progress: b.Progress,
	}
	report, err := i.Run(ctx, by, from)
	if err != nil || b.DryRun {
		return report, err
	}
	if by, err = still(ctx, by); err != nil {
		return report, err
	}
	_, err = p.Configure(ctx, by, id, func(s *Settings) { s.Import, s.Groups, s.Sync = c.Settings.Import, c.Settings.Groups, b.Sync })
	return report, err
}

// still is the actor as they are now, if they may do yet what they began
// (SECURITY.md D-04); [ErrLost] if not.
func (s *Service) still(ctx context.Context, by idp.Actor, callers Callers, may func(idp.Actor) error) (idp.Actor, error) {
	if by.Host {
		return by, nil
	}
	now, err := s.now(ctx, by, callers)
	if errors.Is(err, idp.ErrNotFound) {
		return by, ErrLost
	}
	if err != nil {
		return by, err
	}
	if err := may(now); err != nil {
		return by, fmt.Errorf("%w: %w", ErrLost, err)
	}
	return now, nil
}

// now is the actor as they are now, or fails with idp.ErrNotFound.
func (s *Service) now(ctx context.Context, by idp.Actor, callers Callers) (idp.Actor, error) {
	if by.Scopes != nil {
		if callers == nil {
			return by, idp.ErrNotFound
		}
		return callers.Still(ctx, by)
	}
	u, err := s.Users.ByID(ctx, by.User)
	if err == nil && u.Disabled {
		err = idp.ErrNotFound
	}
	by.Role = u.Role
	return by, err
}

// unfed refuses groups here that another connection fills, unless they were this
// one's before: one Odoo must not put people into another's groups (SECURITY.md
// D-02). Like everything about groups that are filled, it does not keep the host.
func (s *Service) unfed(ctx context.Context, by idp.Actor, kept Connection, groups map[string]string) error {
	if by.Host {
		return nil
	}
	all, err := s.Connections.All(ctx)
	if err != nil {
		return err
	}
	next := kept
	next.Settings.Groups = groups
	for _, there := range slices.Sorted(maps.Keys(groups)) {
		here := groupHere(next, there)
		if follows(kept, here) {
			continue
		}
		for _, other := range all {
			if other.ID != kept.ID && follows(other, here) {
				err = errors.Join(err, refuse("refused.fed", idp.ErrInvalid, here, other.ID))
			}
		}
	}
	return err
}

func (p *People) sourceOf(ctx context.Context, c Connection, b Intake) (Source, func(), error) {
	if b.Open != nil {
		return b.Open(ctx, wanted(c))
	}
	from, err := p.Source(ctx, c)
	return from, func() {}, err
}
