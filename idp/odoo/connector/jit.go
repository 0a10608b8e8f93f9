package connector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// Bounds of linking at sign-in.
const (
	jitTime   = 6 * time.Second  // that a person waits for it, at most: the first call of a busy Odoo takes seconds
	jitRest   = 30 * time.Second // in which an Odoo that did not answer is left alone
	jitKnown  = 10 * time.Minute // in which nobody asks again whether somebody is linked, where the synchronisation watches over links
	jitAgain  = 2 * time.Minute  // and where nothing does
	jitWatch  = time.Minute      // after a run of the synchronisation in which its word is good
	jitMost   = 20_000           // people that are remembered
	jitNobody = 10 * time.Minute // in which nobody asks again whether a client has a connection; [People.Run] sees new ones sooner
)

// ErrSeveral means that nobody can tell which user of Odoo somebody is. Somebody
// who administers both has to say so; signing in would make a duplicate.
var ErrSeveral = errors.New("connector: several users of Odoo may be this person")

// ErrStranger means that an Odoo has no active user for somebody, that none may be
// made of a contact, and that strangers cannot sign up there.
var ErrStranger = errors.New("connector: this Odoo has no active user for this person")

// linkedCache remembers what costs a question otherwise: who is linked, which
// clients have no connection, and which Odoo does not answer. Forgetting is
// always fine.
type linkedCache struct {
	mu    sync.Mutex
	until map[string]time.Time
	heard map[string]heard // by connection
}

// heard is what was known of a connection when it was looked at last.
type heard struct {
	unlinked, since time.Time
	provider        int64
}

func (l *linkedCache) fresh(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.until[key])
}

func (l *linkedCache) keep(key string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil || len(l.until) >= jitMost {
		l.until = map[string]time.Time{}
	}
	l.until[key] = until
}

func (l *linkedCache) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.until, key)
}

// heed forgets who is linked in a connection when a link was found to be gone
// since the last time, or when Odoo's row is another one.
func (l *linkedCache) heed(c Connection, h heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was, known := l.heard[c.ID]; known && was != h {
		of := linkedIn(c.Client)
		maps.DeleteFunc(l.until, func(key string, _ time.Time) bool { return strings.HasPrefix(key, of) })
	}
	if l.heard == nil {
		l.heard = map[string]heard{}
	}
	l.heard[c.ID] = h
}

func noConnection(client idp.ClientID) string { return "none " + string(client) }

func linkedIn(client idp.ClientID) string { return "linked " + string(client) + " " }

func down(c Connection) string { return "down " + c.ID }

// watched means that the synchronisation of a connection works: it would have
// seen a link that was taken away.
func watched(c Connection) string { return "watched " + c.ID }

// heed takes in what the synchronisation of a connection knows, on every
// instance: one of them runs it, all let people in.
func heed(p *People, c Connection, s SyncState) {
	h := heard{provider: c.Provider, since: c.Since}
	if c.Settings.Sync {
		h.unlinked = s.Unlinked
		if s.Failures == 0 && !s.Succeeded.IsZero() {
			p.links.keep(watched(c), s.Succeeded.Add(jitWatch))
		}
	}
	p.links.heed(c, h)
}

// Arriving makes sure, before a browser goes back to Odoo, that Odoo will know
// who comes: it links somebody who is not linked yet to the one active user with
// their verified e-mail, or makes a portal user of the one contact that has it,
// where the connection's settings say so. It fails with [ErrSeveral] and
// [ErrStranger] only: an Odoo that is down, or answers late, is noted and the person goes on, for Odoo
// has a message of its own.
//
// It makes no round trip for whoever is known to be linked. A link that somebody
// took away in Odoo is made again: the synchronisation sees that it is gone, and
// every instance hears of it ([heed]). Where none runs, or it does not
// work, Odoo itself is asked, and its word is good for [jitAgain]. What a browser
// brings along says nothing about this: Odoo tells nobody whom it refused, and by
// then it may have made a second user.
func (p *People) Arriving(ctx context.Context, client idp.ClientID, u idp.User, from idp.Origin) error {
	none, whom := noConnection(client), linkedIn(client)+string(u.ID)
	if now := p.Now(); p.links.fresh(whom, now) || p.links.fresh(none, now) {
		return nil
	}
	c, err := p.Connections.ByClient(ctx, client)
	if errors.Is(err, idp.ErrNotFound) || err == nil && c.Provider == 0 {
		p.links.keep(none, p.Now().Add(jitNobody))
		return nil
	} else if err != nil {
		return err
	}
	tie, err := p.Ties.ByUser(ctx, c.ID, u.ID)
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return err
	}
	trust := trusted(p, c)
	linked := c.holds(tie) && trust == jitKnown
	if !linked && !p.links.fresh(down(c), p.Now()) {
		if linked, err = p.hasten(ctx, c, tie, u, from); err != nil {
			return err
		}
	}
	if linked {
		p.links.keep(whom, p.Now().Add(trust))
	}
	return nil
}

// trusted is how long a link is taken to be there.
func trusted(p *People, c Connection) time.Duration {
	if p.links.fresh(watched(c), p.Now()) {
		return jitKnown
	}
	return jitAgain
}

// holds reports whether a tie was linked through the row that Odoo has now: with
// an older one, all its links went.
func (c Connection) holds(t Tie) bool { return !t.Linked.IsZero() && !t.Linked.Before(c.Since) }

// hasten links one person within the time that they wait, and leaves a line in
// the log of how it went.
func (p *People) hasten(ctx context.Context, c Connection, tie Tie, u idp.User, from idp.Origin) (linked bool, err error) {
	timed, cancel := context.WithTimeout(ctx, jitTime)
	defer cancel()
	linked, what, err := p.arrive(timed, c, tie, u)
	switch {
	case errors.Is(err, ErrSeveral):
		return false, errors.Join(err, p.several(ctx, c, u, from, what))
	case errors.Is(err, ErrStranger):
		return false, errors.Join(err, p.noteLink(ctx, c, u, from, "refused", "no active user there is this person"))
	case err != nil:
		if errors.Is(err, rpc.ErrUnreachable) || timed.Err() != nil {
			p.links.keep(down(c), p.Now().Add(jitRest))
		}
		if c.holds(tie) {
			return false, nil // they most likely are, and that Odoo does not answer is noted with the connection
		}
		return false, p.noteLink(ctx, c, u, from, "failed", err.Error())
	case !linked:
		return false, nil // a stranger, whom that Odoo lets sign up
	case what == "" && c.holds(tie):
		return true, nil // as was known
	}
	return true, p.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(p.Journal.Settled(ctx, c.ID, u.ID), p.noteLink(ctx, c, u, from, "ok", what))
	})
}

func (p *People) noteLink(ctx context.Context, c Connection, u idp.User, from idp.Origin, result, what string) error {
	return p.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: p.Now(), What: "odoo.link", User: u.ID, Actor: u.ID, Client: c.Client, Origin: from, Result: result,
		Detail: map[string]string{"connection": c.ID, "what": what},
	})
}

// arrive links one person and reports whether they are linked now.
func (p *People) arrive(ctx context.Context, c Connection, tie Tie, u idp.User) (linked bool, what string, err error) {
	r, err := p.client(ctx, c)
	if err != nil {
		return false, "", err
	}
	rows, err := candidates(ctx, r, c, tie, u)
	if err != nil {
		return false, "", err
	}
	row, what, err := choose(rows, c, tie, u)
	if err != nil {
		return false, what, err
	}
	if row == nil {
		if len(rows) == 0 && u.EmailVerified && u.Email != "" && tie.Odoo == 0 {
			linked, what, err = p.contact(ctx, r, c, u)
		}
		if err == nil && !linked {
			err = stranger(ctx, r, c)
		}
		return linked, what, err
	}
	switch {
	case row.Subject == "" || row.Provider.ID != c.Provider:
		if err := tellOdoo(ctx, r, c, row.ID, u.ID); err != nil {
			return false, "", err
		}
		what = "linked user " + string(row.Login)
	case c.holds(tie):
		return true, "", nil
	}
	return true, what, p.tie(ctx, c, tie, u, *row)
}

// tie notes the link here, too. Somebody who came in without an import gets the
// fingerprints at the next look at everybody.
func (p *People) tie(ctx context.Context, c Connection, tie Tie, u idp.User, row userRow) error {
	if tie.Odoo != 0 {
		return p.linked(ctx, wish{tie: tie})
	}
	now := p.Now()
	// Two browsers may do this at the same moment, and neither shall fail.
	return p.Ties.Note(ctx, Tie{Connection: c.ID, Odoo: row.ID, User: u.ID, Login: string(row.Login), Linked: now, Created: now})
}

var linkFields = []string{"login", "email", "active", "oauth_provider_id", "oauth_uid"}

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
func choose(rows []userRow, c Connection, tie Tie, u idp.User) (*userRow, string, error) {
	var mine []*userRow
	var logins []string
	for i := range rows {
		row := &rows[i]
		taken := row.Provider.ID != 0 && row.Subject != ""
		if taken && row.Provider.ID == c.Provider && string(row.Subject) == string(u.ID) {
			return row, "", nil // linked by somebody else, or by us and not noted
		}
		switch {
		case !row.Active || templates[string(row.Login)]:
		case taken:
			logins = append(logins, string(row.Login)+" (linked otherwise)")
		case row.means(tie, u):
			mine, logins = append(mine, row), append(logins, string(row.Login))
		}
	}
	switch {
	case len(logins) == 0:
		return nil, "", nil
	case len(logins) > 1 || len(mine) == 0:
		what := strings.Join(logins, ", ")
		return nil, what, fmt.Errorf("%w: %s", ErrSeveral, what)
	}
	return mine[0], "", nil
}

// means reports whether a user may be the person: the one whom they are tied to,
// unless the login says that it is another by now, or one with their address.
func (r *userRow) means(tie Tie, u idp.User) bool {
	if tie.Odoo != 0 {
		return string(r.Login) == tie.Login
	}
	return address(string(r.Email)) == u.Email || idp.Canonical(string(r.Login)) == idp.Canonical(u.Email)
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

// contact makes a portal user of the one contact with the person's e-mail, if
// the settings allow it.
func (p *People) contact(ctx context.Context, r *rpc.Client, c Connection, u idp.User) (linked bool, what string, err error) {
	if !c.Settings.Contacts {
		return false, "", nil
	}
	var all []struct {
		ID    int64
		Email rpc.Text
	}
	err = r.SearchRead(ctx, "res.partner", rpc.Domain{rpc.Is("email", "=ilike", literally(u.Email)), rpc.Is("user_ids", "=", false)},
		[]string{"email"}, rpc.Page{Limit: 3, Order: "id"}, &all)
	switch {
	case err != nil || len(all) == 0:
		return false, "", err
	case len(all) > 1:
		what = fmt.Sprintf("%d contacts with the e-mail %s", len(all), u.Email)
		return false, what, fmt.Errorf("%w: %s", ErrSeveral, what)
	}
	portal, err := groupID(ctx, r, "base.group_portal")
	if err != nil {
		return false, "", err
	}
	id, err := r.Create(ctx, "res.users", rpc.Args{
		"partner_id": all[0].ID, "login": u.Email, r.Version().GroupsField(): []any{[]any{6, 0, []int64{portal}}},
		"oauth_provider_id": c.Provider, "oauth_uid": string(u.ID),
	}, rpc.Args{"no_reset_password": true})
	if err != nil {
		return false, "", err
	}
	row := userRow{ID: id, Login: rpc.Text(u.Email)}
	return true, "made a portal user of contact " + fmt.Sprint(all[0].ID), p.tie(ctx, c, Tie{}, u, row)
}
