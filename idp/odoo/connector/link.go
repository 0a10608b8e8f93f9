package connector

import (
	"context"
	"errors"
	"strconv"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/rpc"
)

// Links tells Odoos who of their users is who here.
type Links struct {
	book      *Book
	lines     *lines
	standing  standing
	directory account.Directory
	ties      Ties
}

// LinkTrouble is why a user of Odoo is not linked.
type LinkTrouble string

const (
	OtherProvider LinkTrouble = "other-provider" // signs in through another provider
	OtherPerson   LinkTrouble = "other-person"   // is linked to somebody else here
	Ambiguous     LinkTrouble = "ambiguous"      // several users, or several people, have the name
	NotHere       LinkTrouble = "not-here"       // nobody here has the name
	NotThere      LinkTrouble = "not-there"      // Odoo has no such user any more
	DisabledHere  LinkTrouble = "disabled-here"
	HasRole       LinkTrouble = "has-role" // administers here, and is linked at a sign-in of their own
	ArchivedThere LinkTrouble = "archived-there"
	RefusedThere  LinkTrouble = "refused" // Odoo did not take it
)

// LinkFinding is a user of Odoo who is not linked.
type LinkFinding struct {
	Trouble LinkTrouble `json:"trouble"`
	Odoo    int64       `json:"odoo_id"`
	Login   string      `json:"login"`
	Text    string      `json:"message,omitempty"` // in English
	Said
}

// LinkReport counts.
type LinkReport struct {
	Users   int                 `json:"users"`   // active ones of the Odoo
	Linked  int                 `json:"linked"`  // now, or in a dry run would be
	Already int                 `json:"already"` // before
	Missed  map[LinkTrouble]int `json:"not_linked"`
}

// Linking is one run of the bulk link.
type Linking struct {
	DryRun bool
	// Callers must be set for who came through the API: without it their run is
	// refused.
	Callers  Callers
	Found    func(LinkFinding) error
	Progress func(users int, part float64)
}

// linkBatch is how many users Odoo is told of in one call.
const linkBatch = 100

// Link tells an Odoo who of its users is who here: those who came from it, and
// those whose login or e-mail belongs to one person here who has proven it. A
// link to another provider, or to somebody else, is never written over. People
// with a role here are left out (SECURITY.md D-02).
func (p *Links) Link(ctx context.Context, by idp.Actor, c Connection, run Linking) (LinkReport, error) {
	l := &linkRun{Links: p, Linking: run, by: by, c: c, report: LinkReport{Missed: map[LinkTrouble]int{}}}
	if err := mayPeople(by); err != nil {
		return l.report, err
	}
	if err := l.still(ctx); err != nil {
		return l.report, err
	}
	if c.Provider == 0 {
		return l.report, refuse("refused.row", idp.ErrInvalid, c.ID)
	}
	r, err := p.lines.client(ctx, c)
	if err != nil {
		return l.report, err
	}
	from, err := OpenRPC(ctx, r, nil)
	if err != nil {
		return l.report, err
	}
	l.r, l.from, l.census = r, from, newCensus()
	if err := l.count(ctx); err != nil {
		return l.report, err
	}
	err = l.walk(ctx)
	if l.report.Linked > 0 && !run.DryRun { // also what was done before it ended early (SECURITY.md D-07)
		err = errors.Join(err, p.book.note(context.WithoutCancel(ctx), by, "odoo.link", c, map[string]string{"linked": strconv.Itoa(l.report.Linked), "already": strconv.Itoa(l.report.Already)}))
	}
	return l.report, err
}

// LinkAll is Link for a connection by its id. It needs the right to change people, too.
func (p *Links) LinkAll(ctx context.Context, by idp.Actor, id string, run Linking) (LinkReport, error) {
	if err := mayPeople(by); err != nil {
		return LinkReport{}, err
	}
	c, err := p.book.connections.ByID(ctx, id)
	if err != nil {
		return LinkReport{}, err
	}
	return p.Link(ctx, by, c, run)
}

type linkRun struct {
	*Links
	Linking
	by     idp.Actor
	c      Connection
	r      *rpc.Client
	from   *RPC
	census *census
	report LinkReport
}

// wish is a link to be written.
type wish struct {
	p    Person
	user idp.UserID
	tie  Tie
	new  bool // the tie is
}

// candidateThere reports whether somebody is looked at.
func candidateThere(p Person) bool {
	return p.Active && !templates[p.Login] && (p.Internal || p.Portal)
}

func (l *linkRun) count(ctx context.Context) error {
	return l.each(ctx, true, func(all []Person) error {
		for _, p := range all {
			l.census.count(p)
		}
		return nil
	})
}

// each reads the users that may be linked, page by page.
func (l *linkRun) each(ctx context.Context, light bool, do func([]Person) error) error {
	if err := l.from.Begin(ctx, light); err != nil {
		return err
	}
	for {
		all, err := l.from.Next(ctx)
		if err != nil || len(all) == 0 {
			return err
		}
		var some []Person
		for _, p := range all {
			if candidateThere(p) {
				some = append(some, p)
			}
		}
		if err := do(some); err != nil {
			return err
		}
	}
}

func (l *linkRun) walk(ctx context.Context) error {
	return l.each(ctx, false, func(all []Person) error {
		for len(all) > 0 {
			n := min(len(all), linkBatch)
			if err := l.batch(ctx, all[:n]); err != nil {
				return err
			}
			all = all[n:]
			if l.Progress != nil {
				l.Progress(l.report.Users, l.from.Part())
			}
		}
		return nil
	})
}

// still ends the run of who may not do it any more (SECURITY.md D-04).
func (l *linkRun) still(ctx context.Context) (err error) {
	l.by, err = l.standing.still(ctx, l.by, l.Callers, mayPeople)
	return err
}

func (l *linkRun) batch(ctx context.Context, all []Person) error {
	if err := l.still(ctx); err != nil {
		return err
	}
	l.report.Users += len(all)
	wishes, err := l.wishes(ctx, all)
	if err != nil {
		return err
	}
	var write []wish
	for _, w := range wishes {
		switch trouble, note := l.hinders(w); {
		case trouble != "":
			if err := l.tell(trouble, w.p, note); err != nil {
				return err
			}
		case w.p.Provider == l.c.Provider && w.p.Subject == string(w.user):
			l.report.Already++
			if err := l.keep(ctx, w); err != nil {
				return err
			}
		default:
			write = append(write, w)
		}
	}
	if l.DryRun {
		l.report.Linked += len(write)
		return nil
	}
	return l.write(ctx, write)
}

// hinders says why a link may not be written.
func (l *linkRun) hinders(w wish) (LinkTrouble, Note) {
	switch {
	case w.p.Provider != 0 && w.p.Provider != l.c.Provider && w.p.Subject != "":
		return OtherProvider, say("link.provider", w.p.Provider)
	case w.p.Provider == l.c.Provider && w.p.Subject != "" && w.p.Subject != string(w.user):
		return OtherPerson, say("link.other", w.p.Subject)
	}
	return "", Note{}
}

func (l *linkRun) tell(t LinkTrouble, p Person, n Note) error {
	l.report.Missed[t]++
	if l.Found == nil {
		return nil
	}
	return l.Found(LinkFinding{t, p.ID, p.Login, n.Text, n.Said})
}
