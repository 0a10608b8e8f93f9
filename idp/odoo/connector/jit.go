package connector

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/mfa"
)

// Bounds of linking at sign-in.
const (
	jitTime      = 6 * time.Second  // that a person waits for it, at most: the first call of a busy Odoo takes seconds
	jitRest      = 30 * time.Second // in which an Odoo that did not answer is left alone
	jitNo        = 30 * time.Second // in which somebody who was refused is, without a question
	jitKnown     = 10 * time.Minute // in which nobody asks again whether somebody is linked, where the synchronisation watches over links
	jitAgain     = 2 * time.Minute  // and where nothing does
	jitWatch     = time.Minute      // after a run of the synchronisation in which its word is good
	jitNewcomers = 50               // portal users whom a connection gets in a day for customers that its Odoo does not know
	jitMost      = 20_000           // people that are remembered
	jitNobody    = 10 * time.Minute // in which nobody asks again whether a client has a connection; [Synchroniser.Run] sees new ones sooner
)

// ErrSeveral means that nobody can tell which user of Odoo somebody is. Somebody
// who administers both has to say so; signing in would make a duplicate.
var ErrSeveral = errors.New("connector: several users of Odoo may be this person")

// ErrStranger means that an Odoo has no active user for somebody, that none may be
// made of a contact, and that strangers cannot sign up there.
var ErrStranger = errors.New("connector: this Odoo has no active user for this person")

// Arrivals links people as they come.
type Arrivals struct {
	book    *Book
	lines   *lines
	known   *known
	journal Journal
	ties    Ties
	tell    Teller // nil: nobody is told
	limiter mfa.Limiter
}

// Arriving makes sure, before a browser goes back to Odoo, that Odoo will know
// who comes: it links somebody who is not linked yet to the one active user with
// their verified e-mail, or makes a portal user of the one contact that has it, or
// of a customer whom it does not know, where the connection's settings say so. It fails with [ErrSeveral] and
// [ErrStranger] only: an Odoo that is down, or answers late, is noted and the person goes on, for Odoo
// has a message of its own.
//
// It makes no round trip for whoever is known to be linked, and none for whoever
// was refused within [jitNo]: a browser can come again as fast as it likes, and
// each look costs calls with the key of an administrator, and a line in the log
// (SECURITY.md C-11, C-12). A link that somebody
// took away in Odoo is made again: the synchronisation sees that it is gone, and
// every instance hears of it ([known.heed]). Where none runs, or it does not
// work, Odoo itself is asked, and its word is good for [jitAgain]. What a browser
// brings along says nothing about this: Odoo tells nobody whom it refused, and by
// then it may have made a second user.
func (a *Arrivals) Arriving(ctx context.Context, client idp.ClientID, u idp.User, from idp.Origin) error {
	whom := linkedIn(client) + string(u.ID)
	if a.known.fresh(whom, a.book.now()) {
		return nil
	}
	c, tie, err := a.expected(ctx, client, u)
	if err != nil || c.Provider == 0 {
		return err
	}
	if why := a.known.refusal(whom, circumstancesOf(c, tie, u), a.book.now()); why != nil {
		return why
	}
	trust := a.known.trusted(c, a.book.now())
	linked := c.holds(tie) && trust == jitKnown
	if !linked && !a.known.fresh(down(c), a.book.now()) {
		if linked, err = a.hasten(ctx, c, tie, u, from); err != nil {
			return err
		}
	}
	if linked {
		a.known.keep(whom, a.book.now().Add(trust))
	}
	return nil
}

// expected is the connection of a client, and who somebody is known to be there.
// A client that has none, or whose Odoo has no row of ours, gets one without a
// provider: there is nobody to link.
func (a *Arrivals) expected(ctx context.Context, client idp.ClientID, u idp.User) (Connection, Tie, error) {
	none := noConnection(client)
	if a.known.fresh(none, a.book.now()) {
		return Connection{}, Tie{}, nil
	}
	c, err := a.book.connections.ByClient(ctx, client)
	if errors.Is(err, idp.ErrNotFound) || err == nil && c.Provider == 0 {
		a.known.keep(none, a.book.now().Add(jitNobody))
		return Connection{}, Tie{}, nil
	} else if err != nil {
		return c, Tie{}, err
	}
	tie, err := a.ties.ByUser(ctx, c.ID, u.ID)
	if errors.Is(err, idp.ErrNotFound) {
		err = nil
	}
	return c, tie, err
}

// holds reports whether a tie was linked through the row that Odoo has now: with
// an older one, all its links went.
func (c Connection) holds(t Tie) bool { return !t.Linked.IsZero() && !t.Linked.Before(c.Since) }

// hasten links one person within the time that they wait, and leaves a line in
// the log of how it went.
func (a *Arrivals) hasten(ctx context.Context, c Connection, tie Tie, u idp.User, from idp.Origin) (linked bool, err error) {
	timed, cancel := context.WithTimeout(ctx, jitTime)
	defer cancel()
	linked, what, err := a.arrive(timed, c, tie, u)
	switch {
	case errors.Is(err, ErrSeveral):
		return false, a.refuse(c, tie, u, err, a.several(ctx, c, u, from, err))
	case errors.Is(err, ErrStranger):
		return false, a.refuse(c, tie, u, err, a.noteLink(ctx, c, u, from, "refused", "no active user there is this person"))
	case err != nil:
		if errors.Is(err, rpc.ErrUnreachable) || timed.Err() != nil {
			a.known.keep(down(c), a.book.now().Add(jitRest))
		}
		if c.holds(tie) {
			return false, nil // they most likely are, and that Odoo does not answer is noted with the connection
		}
		return false, a.noteLink(ctx, c, u, from, "failed", err.Error())
	case !linked:
		return false, nil // a stranger, whom that Odoo lets sign up
	case what == "" && c.holds(tie):
		return true, nil // as was known
	}
	return true, a.book.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(a.journal.Settled(ctx, c.ID, u.ID), a.noteLink(ctx, c, u, from, "ok", what))
	})
}

// refuse remembers a refusal once it is noted.
func (a *Arrivals) refuse(c Connection, t Tie, u idp.User, why, noted error) error {
	if noted == nil {
		a.known.refuse(linkedIn(c.Client)+string(u.ID), turnedAway{why, circumstancesOf(c, t, u), a.book.now().Add(jitNo)})
	}
	return errors.Join(why, noted)
}

// several notes a case that came up at a sign-in, and tells of it: the person can
// do nothing about it.
func (a *Arrivals) several(ctx context.Context, c Connection, u idp.User, from idp.Origin, why error) error {
	var who *saying
	if !errors.As(why, &who) {
		return why
	}
	return a.book.atomic(ctx, func(ctx context.Context) error {
		err := errors.Join(
			a.journal.Open(ctx, Case{Connection: c.ID, User: u.ID, What: who.Text, Said: who.Said, Seen: a.book.now()}),
			a.noteLink(ctx, c, u, from, "several", who.Text))
		if a.tell != nil {
			err = errors.Join(err, a.tell.Several(ctx, c, u, who.Note))
		}
		return err
	})
}

func (a *Arrivals) noteLink(ctx context.Context, c Connection, u idp.User, from idp.Origin, result, what string) error {
	return a.book.log.Append(ctx, idp.Event{
		ID: rand.Text(), At: a.book.now(), What: "odoo.link", User: u.ID, Actor: u.ID, Client: c.Client, Origin: from, Result: result,
		Detail: map[string]string{"connection": c.ID, "what": what},
	})
}

// arrive links one person and reports whether they are linked now.
func (a *Arrivals) arrive(ctx context.Context, c Connection, tie Tie, u idp.User) (linked bool, what string, err error) {
	r, err := a.lines.client(ctx, c)
	if err != nil {
		return false, "", err
	}
	rows, err := candidates(ctx, r, c, tie, u)
	if err != nil {
		return false, "", err
	}
	row, err := choose(rows, c, tie, u)
	if err != nil {
		return false, "", err
	}
	if row == nil {
		if len(rows) == 0 && u.EmailVerified && u.Email != "" && tie.Odoo == 0 {
			linked, what, err = a.contact(ctx, r, c, u)
		}
		if err == nil && !linked {
			err = stranger(ctx, r, c)
		}
		return linked, what, err
	}
	switch {
	case row.Subject == "" || row.Provider.ID != c.Provider:
		if err := a.link(ctx, r, c, row, u.ID); err != nil {
			return false, "", err
		}
		what = "linked user " + string(row.Login)
	case c.holds(tie):
		return true, "", nil
	}
	return true, what, a.tie(ctx, c, tie, u, *row)
}

// link tells Odoo of the person, and locks them where a lock is kept.
func (a *Arrivals) link(ctx context.Context, r *rpc.Client, c Connection, row *userRow, u idp.UserID) error {
	also := c.lockToo(string(row.Login))
	if err := tellOdoo(ctx, r, c, row.ID, u, also); err != nil {
		return err
	}
	return a.book.lockedToo(ctx, c, row.ID, also)
}

// tie notes the link here, too. Somebody who came in without an import gets the
// fingerprints at the next look at everybody.
func (a *Arrivals) tie(ctx context.Context, c Connection, tie Tie, u idp.User, row userRow) error {
	if tie.Odoo != 0 {
		return wish{tie: tie}.noted(ctx, a.ties, a.book.now())
	}
	now := a.book.now()
	// Two browsers may do this at the same moment, and neither shall fail.
	return a.ties.Note(ctx, Tie{Connection: c.ID, Odoo: row.ID, User: u.ID, Login: string(row.Login), Linked: now, Created: now})
}

var linkFields = []string{"login", "email", "active", "share", "oauth_provider_id", "oauth_uid"}

// candidates are the users who may be the person: the one they are tied to, or
// those with the link or their verified e-mail.
func candidates(ctx context.Context, r *rpc.Client, c Connection, tie Tie, u idp.User) (out []userRow, err error) {
	const most = 10
	where := rpc.Domain{rpc.Is("id", "=", tie.Odoo)}
	if tie.Odoo == 0 {
		where = rpc.Domain{"&", rpc.Is("oauth_provider_id", "=", c.Provider), rpc.Is("oauth_uid", "=", string(u.ID))}
		if u.EmailVerified && u.Email != "" {
			where = append(rpc.Domain{"|", "|"}, append(where, rpc.Is("login", "=ilike", literally(u.Email)), rpc.Is("email", "=ilike", literally(u.Email)))...)
		}
	}
	err = r.SearchRead(ctx, "res.users", where, linkFields, rpc.Page{Limit: most, Order: "id", Archived: true}, &out)
	return out, err
}

// literally keeps a text from being a pattern.
func literally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// choose finds the one user. No user at all is no error. Somebody else's link,
// or another provider's, is never taken away.
func choose(rows []userRow, c Connection, tie Tie, u idp.User) (*userRow, error) {
	var mine []*userRow
	var free, others []string
	for i := range rows {
		row := &rows[i]
		taken := row.Provider.ID != 0 && row.Subject != ""
		if taken && row.Provider.ID == c.Provider && string(row.Subject) == string(u.ID) {
			return row, nil // linked by somebody else, or by us and not noted
		}
		switch {
		case !row.Active || templates[string(row.Login)]:
		case taken:
			others = append(others, string(row.Login))
		case row.means(tie, u):
			mine, free = append(mine, row), append(free, string(row.Login))
		}
	}
	switch {
	case len(free)+len(others) == 0:
		return nil, nil //nolint:nilnil // nobody there is this person
	case len(free) == 1 && len(others) == 0:
		return mine[0], mine[0].doubt(tie, u)
	case len(others) == 0:
		return nil, refuse("case.several", ErrSeveral, strings.Join(free, ", "))
	case len(free) == 0:
		return nil, refuse("case.linked", ErrSeveral, strings.Join(others, ", "))
	}
	return nil, refuse("case.some_linked", ErrSeveral, strings.Join(free, ", "), strings.Join(others, ", "))
}

// means reports whether a user may be the person: the one whom they are tied to,
// unless the login says that it is another by now, or one with their address.
func (r *userRow) means(tie Tie, u idp.User) bool {
	if tie.Odoo != 0 {
		return string(r.Login) == tie.Login
	}
	return address(string(r.Email)) == u.Email || strings.ToLower(string(r.Login)) == u.Email
}

// doubt is why a user who may be the person is not linked without an
// administrator's word: a portal customer does not become an employee by an
// address, which may be one that an employee had once (SECURITY.md E-09, D-02),
// and who made their own account has proven nothing but that address.
func (r *userRow) doubt(tie Tie, u idp.User) error {
	self := !u.Registered.IsZero()
	switch {
	case u.Kind == idp.Portal && !r.Share && (tie.Odoo == 0 || self):
		return refuse("case.internal", ErrSeveral, string(r.Login))
	case self && tie.Odoo == 0 && address(string(r.Email)) != u.Email:
		return refuse("case.email", ErrSeveral, string(r.Login))
	}
	return nil
}

// stranger refuses somebody whom this Odoo would refuse with a text of its own
// that tells nobody anything; where strangers may sign up, it makes a user of
// them instead.
func stranger(ctx context.Context, r *rpc.Client, c Connection) error {
	open, err := openSignup(ctx, r, c.Facts)
	if err == nil && !open {
		err = ErrStranger
	}
	return err
}

// contact makes a portal user of the one contact with the person's e-mail, or of a
// customer whom this Odoo does not know at all, as far as the settings allow it.
func (a *Arrivals) contact(ctx context.Context, r *rpc.Client, c Connection, u idp.User) (linked bool, what string, err error) {
	newcomer := c.Settings.Newcomers && u.Kind == idp.Portal
	if !c.Settings.Contacts && !newcomer {
		return false, "", nil
	}
	var all []contactRow
	// Odoo keeps the address alone beside what people typed, such as Ada <ada@…>.
	where := rpc.Or(rpc.Is("email", "=ilike", literally(u.Email)), rpc.Is("email_normalized", "=", u.Email))
	if err = r.SearchRead(ctx, "res.partner", where, []string{"active", "user_ids"}, rpc.Page{Limit: 10, Order: "id", Archived: true}, &all); err != nil {
		return false, "", err
	}
	known := len(all) > 0
	all = slices.DeleteFunc(all, func(p contactRow) bool { return !p.Active || len(p.Users) > 0 })
	switch {
	case len(all) == 0 && known:
		return false, "", nil // whoever put them away had a reason
	case len(all) == 0 && newcomer:
		if err := a.room(ctx, c); err != nil {
			return false, "", err
		}
		return a.portal(ctx, r, c, u, rpc.Args{"name": nameOfUser(u), "email": u.Email}, "made a portal user and their contact")
	case len(all) == 0 || !c.Settings.Contacts:
		return false, "", nil
	case len(all) > 1:
		return false, "", refuse("case.contacts", ErrSeveral, len(all), u.Email)
	}
	return a.portal(ctx, r, c, u, rpc.Args{"partner_id": all[0].ID}, "made a portal user of contact "+fmt.Sprint(all[0].ID))
}

// room refuses more newcomers than [jitNewcomers] a day: who makes accounts by the
// thousand does not fill an Odoo with contacts (SECURITY.md C-12).
func (a *Arrivals) room(ctx context.Context, c Connection) error {
	err := a.limiter.Take(ctx, mfa.Budget{Key: "odoo-newcomers:" + c.ID, Max: jitNewcomers, Per: 24 * time.Hour, Shared: true})
	if errors.Is(err, mfa.ErrLocked) {
		return refuse("case.newcomers", ErrSeveral, jitNewcomers)
	}
	return err
}

// contactRow is a contact; its users are archived ones, too.
type contactRow struct {
	ID     int64
	Active bool
	Users  []int64 `json:"user_ids"`
}

// nameOfUser is never empty: Odoo takes no contact without a name.
func nameOfUser(u idp.User) string { return cmp.Or(strings.TrimSpace(u.Name), u.Email) }

// portal makes a linked portal user of values that say who it is.
func (a *Arrivals) portal(ctx context.Context, r *rpc.Client, c Connection, u idp.User, values rpc.Args, what string) (linked bool, said string, err error) {
	group, err := groupID(ctx, r, "base.group_portal")
	if err != nil {
		return false, "", err
	}
	also := c.lockToo(u.Email)
	values["login"], values[r.Version().GroupsField()] = u.Email, []any{[]any{6, 0, []int64{group}}}
	values["oauth_provider_id"], values["oauth_uid"] = c.Provider, string(u.ID)
	maps.Copy(values, also)
	id, err := r.Create(ctx, "res.users", values, rpc.Args{"no_reset_password": true})
	if err == nil {
		err = a.book.lockedToo(ctx, c, id, also)
	}
	if err != nil {
		return false, "", err
	}
	row := userRow{ID: id, Login: rpc.Text(u.Email)}
	return true, what, a.tie(ctx, c, Tie{}, u, row)
}
