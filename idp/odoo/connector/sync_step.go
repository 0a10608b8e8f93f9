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
	"latchkey/idp/odoo/rpc"
)

// step brings one person in step with what Odoo says. Only fields that changed
// there since the last time count, so an administrator's change here stays, and
// nothing that was done here comes back as news.
func (r *syncRun) step(ctx context.Context, p Person, held Held, u idp.User) error {
	now := seenOf(r.c, p)
	if u.Role != "" {
		r.spare(p, held.Seen.orFrom(now, p.Active).news(now))
		return nil
	}
	held.Seen = held.Seen.orFrom(now, p.Active)
	news := held.Seen.news(now)
	tie := held.Tie
	r.relink(p, &tie)
	if len(news) == 0 && !r.Full && tie.Linked.Equal(held.Linked) {
		return nil
	}
	if news[seenActive] && !p.Active && tie.Closed == Open && !u.Disabled {
		r.ending = append(r.ending, ending{held: held, seen: now}) // the rest does not matter any more
		return nil
	}
	err := r.keepOut(ctx, p, held, u, news)
	if err == nil {
		err = r.apply(ctx, p, held, &tie, u, news)
	}
	tie.Seen = now
	if errors.Is(err, idp.ErrTaken) || errors.Is(err, idp.ErrInvalid) {
		r.trouble(p.ID, p.Login, err.Error())
		tie.Seen = held.Seen // it stays news
		err = r.tell("failed", held, err.Error())
	}
	if err != nil || r.DryRun || sameTie(tie, held.Tie) {
		return err
	}
	return r.Ties.Save(ctx, tie)
}

// spare leaves out somebody with a role here: who administers an Odoo would else
// change who administers this house (SECURITY.md D-02, D-05). What is news stays
// so, and is done when they have no role any more.
func (r *syncRun) spare(p Person, news map[string]bool) {
	if len(news) > 0 {
		r.counts.LeftOut++
		r.note(p.ID, p.Login, spared)
	}
}

const spared = "has a role here, so Odoo changes nothing: do it here"

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
func (r *syncRun) relink(p Person, tie *Tie) {
	linked := p.Provider == r.c.Provider && p.Subject == string(tie.User)
	switch {
	case linked && tie.Linked.IsZero():
		tie.Linked = r.Now()
	case !linked:
		tie.Linked = time.Time{}
	}
}

// keepOut disables once more whom somebody had disabled before Odoo archived
// them: the main contact of their company, who may have, is not to let them in
// again.
func (r *syncRun) keepOut(ctx context.Context, p Person, held Held, u idp.User, news map[string]bool) error {
	if p.Active || !u.Disabled || !news[seenActive] {
		return nil
	}
	return r.do("disable", held, "", func() error { return r.Accounts.Disable(ctx, syncActor(r.c), u.ID) })
}

// apply does what is news.
func (r *syncRun) apply(ctx context.Context, p Person, held Held, tie *Tie, u idp.User, news map[string]bool) error {
	by := syncActor(r.c)
	if p.Active && tie.Closed == ClosedThere {
		tie.Closed = Open
		if u.Disabled {
			r.counts.Enabled++
			if err := r.do("enable", held, "", func() error { return r.Accounts.Enable(ctx, by, u.ID) }); err != nil {
				return err
			}
		}
	}
	change, fields := r.changes(p, tie, u, news)
	if news[seenLogin] {
		tie.Login = p.Login
	}
	if len(fields) > 0 {
		r.counts.Changed++
		err := r.do("change", held, strings.Join(fields, ", "), func() error { _, err := r.Accounts.Update(ctx, by, u.ID, change); return err })
		if err != nil {
			return err
		}
	}
	if news[seenCustomer] {
		if err := r.customer(ctx, p, held); err != nil {
			return err
		}
	}
	if !news[seenGroups] && !r.Full || !p.Internal && !p.Portal {
		return nil
	}
	return r.regroup(ctx, p, held, u)
}

// do tells of a change and makes it, unless this is a dry run.
func (r *syncRun) do(what string, held Held, text string, change func() error) error {
	if err := r.tell(what, held, text); err != nil || r.DryRun {
		return err
	}
	return change()
}

// changes says what of the news is done here. An e-mail that the person has
// proven here is not replaced by one that anybody may have typed there, unless
// an administrator trusts that Odoo's addresses.
func (r *syncRun) changes(p Person, tie *Tie, u idp.User, news map[string]bool) (c account.Change, fields []string) {
	set := func(field string, to **string, value, is string) {
		if news[field] && value != "" && value != is {
			*to, fields = &value, append(fields, field)
		}
	}
	set(seenName, &c.Name, plain(p.Name), u.Name)
	set(seenLang, &c.Locale, locale(p.Lang), u.Locale)
	r.address(p, tie, u, news, &c, set)
	if !u.PhoneVerified {
		set(seenPhone, &c.Phone, phone(p.Country, p.Mobile, p.Phone), u.Phone)
	}
	if z := zone(p.Zone); news[seenZone] && z != "" && z != u.Profile.Zoneinfo {
		profile := u.Profile
		profile.Zoneinfo = z
		c.Profile, fields = &profile, append(fields, seenZone)
	}
	if (p.Internal || p.Portal) && news[seenGroups] && p.kind() != u.Kind {
		kind := p.kind()
		c.Kind, fields = &kind, append(fields, "kind")
	}
	return c, fields
}

// address says by which names the person is found from now on.
func (r *syncRun) address(p Person, tie *Tie, u idp.User, news map[string]bool, c *account.Change, set func(string, **string, string, string)) {
	if trust := r.c.Settings.Import.choice(Unproven) == Verified; !u.EmailVerified || trust {
		if set(seenEmail, &c.Email, address(p.Email), u.Email); c.Email != nil {
			c.Login, c.ProvenEmail = &u.Login, &trust // the login stays what it is in Odoo
		}
	}
	if u.Login == tie.Login {
		set(seenLogin, &c.Login, p.Login, u.Login)
	}
}

// regroup makes the groups that are Odoo's to fill what Odoo says.
func (r *syncRun) regroup(ctx context.Context, p Person, held Held, u idp.User) error {
	want := groupsOf(r.c, p)
	var join, leave []string
	for _, g := range want {
		if !slices.Contains(u.Groups, g) {
			join = append(join, g)
		}
	}
	for _, g := range u.Groups {
		if follows(r.c, g) && !slices.Contains(want, g) {
			leave = append(leave, g)
		}
	}
	if len(join)+len(leave) == 0 {
		return nil
	}
	r.counts.Changed++
	text := strings.TrimSpace("groups: +" + strings.Join(join, " +") + " -" + strings.Join(leave, " -"))
	return r.do("change", held, text, func() error {
		return r.Accounts.Atomic(ctx, func(ctx context.Context) error {
			for _, g := range join {
				if err := r.Accounts.Join(ctx, syncActor(r.c), g, u.ID); err != nil {
					return err
				}
			}
			for _, g := range leave {
				if err := r.Accounts.Leave(ctx, syncActor(r.c), g, u.ID); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// outgoing archives in Odoo who was disabled or removed here, and takes that
// back for who is enabled again, if the settings say so. Sessions there end in
// any case: see [Endings]. Who Latchkey itself signs in as is never archived.
func (r *syncRun) outgoing(ctx context.Context, client *rpc.Client) error {
	if !r.c.Settings.Archive {
		return nil
	}
	after := int64(0)
	for {
		all, err := r.Ties.Page(ctx, TieQuery{Connection: r.c.ID, After: after, Apart: true})
		if err != nil || len(all) == 0 {
			return err
		}
		for _, h := range all {
			after = h.Odoo
			if h.Odoo == client.UID() {
				continue
			}
			if err := r.send(ctx, client, h); err != nil {
				return err
			}
		}
	}
}

func (r *syncRun) send(ctx context.Context, client *rpc.Client, h Held) error {
	what, active, count := "archive", false, &r.counts.Archived
	if h.Closed == ClosedHere {
		what, active, count = "restore", true, &r.counts.Restored
	}
	tie := h.Tie
	tie.Closed = map[bool]Closed{true: Open, false: ClosedHere}[active]
	err := r.do(what, h, "", func() error {
		if err := client.Write(ctx, "res.users", []int64{h.Odoo}, rpc.Args{"active": active}, nil); err != nil {
			return err
		}
		return r.Ties.Save(ctx, tie)
	})
	if errors.Is(err, rpc.ErrFault) || errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrNotFound) {
		r.trouble(h.Odoo, h.Login, err.Error())
		return nil
	}
	*count++
	return err
}
