package connector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// pair is a user of Odoo's and who that is here, in one run.
type pair struct {
	run   *syncRun
	there Person
	held  Held
	here  idp.User
	tie   Tie             // as it will be
	now   Seen            // what Odoo says
	news  map[string]bool // the fields in which that is new
}

func pairOf(r *syncRun, there Person, held Held, here idp.User) *pair {
	now := seenOf(r.c, there)
	held.Seen = held.Seen.orFrom(now, there.Active)
	return &pair{run: r, there: there, held: held, here: here, tie: held.Tie, now: now, news: held.Seen.news(now)}
}

// step brings one person in step with what Odoo says. Only fields that changed
// there since the last time count, so an administrator's change here stays, and
// nothing that was done here comes back as news.
func (p *pair) step(ctx context.Context) error {
	if p.here.Role != "" {
		p.spare(say("sync.spared"))
		return nil
	}
	p.relink()
	if len(p.news) == 0 && !p.run.Full && p.tie.Linked.Equal(p.held.Linked) {
		return nil
	}
	if p.news[seenActive] && !p.there.Active && p.tie.Closed == Open && !p.here.Disabled {
		p.run.leavers.add(p.held, p.now) // the rest does not matter any more
		return nil
	}
	err := p.follow(ctx)
	if errors.Is(err, idp.ErrTaken) || errors.Is(err, idp.ErrInvalid) {
		err = p.failed(err)
	}
	if err != nil || p.run.DryRun || sameTie(p.tie, p.held.Tie) {
		return err
	}
	return p.run.ties.Save(ctx, p.tie)
}

// follow does what is news, unless a customer would become an employee by it.
func (p *pair) follow(ctx context.Context) error {
	if p.there.Internal && ownCustomer(p.here) {
		p.spare(say("sync.registered"))
		p.tie.Seen = p.held.Seen
		return nil
	}
	err := p.keepOut(ctx)
	if err == nil {
		err = p.apply(ctx)
	}
	p.tie.Seen = p.now
	return err
}

// failed tells of somebody of whom the rules here refuse what Odoo says. It stays
// news.
func (p *pair) failed(err error) error {
	n := noted(err, "sync.wrong")
	if errors.Is(err, idp.ErrTaken) {
		n = noted(err, "sync.taken")
	}
	p.run.trouble(p.there.ID, p.there.Login, n)
	p.tie.Seen = p.held.Seen
	return p.run.tell("failed", p.held, n)
}

// ownCustomer reports whether somebody made their own account as a customer: it takes
// an administrator's word to make an employee of them, for a proven address alone
// says nothing of who works there (SECURITY.md D-02, E-09).
func ownCustomer(u idp.User) bool { return !u.Registered.IsZero() && u.Kind == idp.Portal }

// spare leaves out somebody with a role here: who administers an Odoo would else
// change who administers this house (SECURITY.md D-02, D-05); and a customer who
// would become an employee. What is news stays so, and is done when that is over.
func (p *pair) spare(why Note) {
	if len(p.news) > 0 {
		p.run.counts.LeftOut++
		p.run.note(p.there.ID, p.there.Login, "", why)
	}
}

// orFrom is what was seen before. Of somebody who was tied at a sign-in nothing
// is news yet, but for the groups, the company and an archive.
func (s Seen) orFrom(now Seen, active bool) Seen {
	if len(s) > 0 {
		return s
	}
	out := maps.Clone(now)
	delete(out, seenGroups)
	delete(out, seenCustomer)
	if !active {
		delete(out, seenActive)
	}
	return out
}

func sameTie(a, b Tie) bool {
	return a.Login == b.Login && a.Closed == b.Closed && a.Linked.Equal(b.Linked) && len(a.Seen.news(b.Seen))+len(b.Seen.news(a.Seen)) == 0
}

// relink notes whether Odoo still knows who the person is, so that a link which
// somebody took away there is made again at the next sign-in.
func (p *pair) relink() {
	linked := p.there.Provider == p.run.c.Provider && p.there.Subject == string(p.tie.User)
	switch {
	case linked && p.tie.Linked.IsZero():
		p.tie.Linked = p.run.book.now()
	case !linked && !p.tie.Linked.IsZero():
		p.tie.Linked, p.run.parted = time.Time{}, true
	}
}

// keepOut disables once more whom somebody had disabled before Odoo archived
// them: the main contact of their company, who may have, is not to let them in
// again.
func (p *pair) keepOut(ctx context.Context) error {
	if p.there.Active || !p.here.Disabled || !p.news[seenActive] {
		return nil
	}
	return p.run.do("disable", p.held, Note{}, func() error { return p.run.accounts.Disable(ctx, syncActor(p.run.c), p.here.ID) })
}

// apply does what is news.
func (p *pair) apply(ctx context.Context) error {
	by := syncActor(p.run.c)
	if p.there.Active && p.tie.Closed == ClosedThere {
		p.tie.Closed = Open
		if p.here.Disabled {
			p.run.counts.Enabled++
			if err := p.run.do("enable", p.held, Note{}, func() error { return p.run.accounts.Enable(ctx, by, p.here.ID) }); err != nil {
				return err
			}
		}
	}
	change, fields := p.changes()
	if p.news[seenLogin] {
		p.tie.Login = p.there.Login
	}
	if len(fields) > 0 {
		p.run.counts.Changed++
		err := p.run.do("change", p.held, say("sync.changed", strings.Join(fields, ", ")), func() error { _, err := p.run.accounts.Update(ctx, by, p.here.ID, change); return err })
		if err != nil {
			return err
		}
	}
	if p.news[seenCustomer] {
		if err := p.customer(ctx); err != nil {
			return err
		}
	}
	if !p.news[seenGroups] && !p.run.Full || !p.there.Internal && !p.there.Portal {
		return nil
	}
	return p.regroup(ctx)
}

// changes says what of the news is done here. An e-mail that the person has
// proven here is not replaced by one that anybody may have typed there, unless
// an administrator trusts that Odoo's addresses.
func (p *pair) changes() (c account.Change, fields []string) {
	set := func(field string, to **string, value, is string) {
		if p.news[field] && value != "" && value != is {
			*to, fields = &value, append(fields, field)
		}
	}
	set(seenName, &c.Name, plain(p.there.Name), p.here.Name)
	set(seenLang, &c.Locale, locale(p.there.Lang), p.here.Locale)
	p.address(&c, set)
	if !p.here.PhoneVerified {
		set(seenPhone, &c.Phone, phone(p.there.Country, p.there.Mobile, p.there.Phone), p.here.Phone)
	}
	if z := zone(p.there.Zone); p.news[seenZone] && z != "" && z != p.here.Profile.Zoneinfo {
		profile := p.here.Profile
		profile.Zoneinfo = z
		c.Profile, fields = &profile, append(fields, seenZone)
	}
	if (p.there.Internal || p.there.Portal) && p.news[seenGroups] && p.there.kind() != p.here.Kind {
		kind := p.there.kind()
		c.Kind, fields = &kind, append(fields, "kind")
	}
	return c, fields
}

// address says by which names the person is found from now on.
func (p *pair) address(c *account.Change, set func(string, **string, string, string)) {
	if trust := p.run.c.Settings.Import.choice(Unproven) == Verified; !p.here.EmailVerified || trust {
		if set(seenEmail, &c.Email, address(p.there.Email), p.here.Email); c.Email != nil {
			c.Login, c.ProvenEmail = &p.here.Login, &trust // the login stays what it is in Odoo
		}
	}
	if p.here.Login == p.tie.Login {
		set(seenLogin, &c.Login, p.there.Login, p.here.Login)
	}
}

// regroup makes the groups that are Odoo's to fill what Odoo says.
func (p *pair) regroup(ctx context.Context) error {
	want := groupsOf(p.run.c, p.there)
	var join, leave []string
	for _, g := range want {
		if !slices.Contains(p.here.Groups, g) {
			join = append(join, g)
		}
	}
	for _, g := range p.here.Groups {
		if follows(p.run.c, g) && !slices.Contains(want, g) {
			leave = append(leave, g)
		}
	}
	if len(join)+len(leave) == 0 {
		return nil
	}
	p.run.counts.Changed++
	return p.run.do("change", p.held, regrouped(join, leave), func() error {
		return p.run.accounts.Atomic(ctx, func(ctx context.Context) error {
			for _, g := range join {
				if err := p.run.accounts.Memberships().Join(ctx, syncActor(p.run.c), g, p.here.ID); err != nil {
					return err
				}
			}
			for _, g := range leave {
				if err := p.run.accounts.Memberships().Leave(ctx, syncActor(p.run.c), g, p.here.ID); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// regrouped says which groups somebody joins and leaves.
func regrouped(join, leave []string) Note {
	joins, leaves := strings.Join(join, " +"), strings.Join(leave, " -")
	switch {
	case leaves == "":
		return say("sync.joined", joins)
	case joins == "":
		return say("sync.left", leaves)
	}
	return say("sync.regrouped", joins, leaves)
}
