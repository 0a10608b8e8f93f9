package connector

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// together is how many users get a new password in one call; Odoo hashes each
// for half a second.
const together = 20

// Parameters of Odoo that let people in without us.
const (
	paramReset  = "auth_signup.reset_password"
	paramSignup = "auth_signup.invitation_scope"
	paramTOTP   = "auth_totp.policy"
)

// Locks replaces Odoo's own passwords, and closes what lets people in without us.
type Locks struct {
	book     *Book
	clients  oidc.Clients
	way      *Way
	standing standing
	journal  Journal
}

// LockOrder says whose passwords are replaced.
type LockOrder struct {
	Except []string // logins in Odoo that keep theirs, for when all else fails
	Dry    bool
	Force  bool // even if the test of the way fails
	Again  bool // also of everybody whose password was replaced before
	// Callers must be set for who came through the API: without it their order is
	// refused.
	Callers Callers
	// Progress hears how many are done; nil: nobody.
	Progress func(done, all int)
}

// Locked says what came of it.
type Locked struct {
	Users    []string `json:"users"`    // logins whose password is replaced now
	Already  int      `json:"already"`  // replaced before
	Past     []string `json:"past"`     // of Users, who came in past us since theirs was replaced
	Exempt   []string `json:"exempt"`   // keep their password
	Unlinked []string `json:"unlinked"` // keep theirs, for they could not come in otherwise
	Settings []string `json:"settings"` // of Odoo that were changed
	Notes    []Note   `json:"notes"`    // what people cannot do in Odoo any more
}

type odooUser struct {
	ID      int64
	Login   string
	Email   rpc.Text
	Share   bool
	Partner rpc.Ref  `json:"partner_id"`
	Links   rpc.Ref  `json:"oauth_provider_id"`
	UID     rpc.Text `json:"oauth_uid"`
	TOTP    bool     `json:"totp_enabled"`
	Came    rpc.Time `json:"login_date"` // when they signed in last, by whatever means
}

// Lock replaces the local passwords of everybody who is linked by random ones
// that nobody knows, and closes Odoo's password reset and sign-up. Their
// sessions in Odoo end, and they come back in through us. Who is locked already
// is left alone, so it can be interrupted and repeated, but for who came in past
// us since: they have a password again. It ends when whoever began it may not do
// it any more (SECURITY.md D-04).
func (l *Locks) Lock(ctx context.Context, by idp.Actor, id string, o LockOrder) (Locked, error) {
	if err := may(by); err != nil {
		return Locked{}, err
	}
	still := func() (err error) {
		by, err = l.standing.still(ctx, by, o.Callers, may)
		return err
	}
	if err := still(); err != nil {
		return Locked{}, err
	}
	c, r, err := l.book.reach(ctx, id)
	if err != nil {
		return Locked{}, err
	}
	if err := l.open(ctx, c, o); err != nil {
		return Locked{}, err
	}
	done, err := l.book.locked(ctx, c)
	if err != nil {
		return Locked{}, err
	}
	out, todo, err := l.whom(ctx, r, &c, o, done)
	if err == nil {
		err = still() // the test of the way, and reading everybody, took a while
	}
	if err != nil {
		return out, err
	}
	settings, err := shut(ctx, r, &c, o.Dry)
	if out.Settings = settings; err != nil || o.Dry {
		return out, err
	}
	first, before := false, c.Facts.Before
	c, err = l.book.learn(ctx, c.ID, func(c *Connection) { // before the first: what is closed can be opened again
		first = c.Lock.At.IsZero()
		if c.Lock.At, c.Facts.Before = l.book.now(), before; len(o.Except) > 0 {
			c.Lock.Except = o.Except
		}
	})
	if err != nil {
		return out, err
	}
	if first { // what a run left that was under way when the last lock was taken back
		if err := l.book.connections.SetState(ctx, c.ID, lockedState, ""); err != nil {
			return out, err
		}
	}
	n, err := l.replace(ctx, r, c, todo, still, o.Progress)
	// What was done was done, though it ended early (SECURITY.md D-07).
	out.Users = out.Users[:n]
	return out, errors.Join(err, l.book.note(context.WithoutCancel(ctx), by, "odoo.lock", c, map[string]string{
		"users": strconv.Itoa(n), "except": strings.Join(out.Exempt, " "), "settings": strings.Join(out.Settings, " "), "past": strings.Join(out.Past, " "),
	}))
}

// open refuses to lock people out of an Odoo that they could not come back to.
func (l *Locks) open(ctx context.Context, c Connection, o LockOrder) error {
	if o.Force {
		return nil
	}
	client, err := l.clients.ByID(ctx, c.Client)
	if err != nil {
		return err
	}
	found, err := l.way.walk(ctx, c, client)
	if err != nil || len(found) == 0 {
		return err
	}
	return &saying{ErrWay, found[0].note()}
}

// whom decides about everybody who is active. Who came in past us comes first:
// they are the ones who can do it again.
func (l *Locks) whom(ctx context.Context, r *rpc.Client, c *Connection, o LockOrder, done lockedAt) (out Locked, todo []int64, err error) {
	if len(o.Except) > 0 {
		c.Lock.Except = o.Except
	}
	except := c.exempt()
	seen := map[string]bool{}
	var doubtful []odooUser
	err = everybody(ctx, r, func(u odooUser) {
		login := strings.ToLower(u.Login)
		switch {
		case slices.Contains(except, login):
			seen[login] = true
			out.Exempt = append(out.Exempt, u.Login)
		case !c.knows(u):
			out.Unlinked = append(out.Unlinked, u.Login)
		case done.has(u.ID) && !o.Again:
			out.Already++
			doubtful = append(doubtful, u)
		default:
			out.Users, todo = append(out.Users, u.Login), append(todo, u.ID)
		}
	})
	for _, e := range o.Except {
		if err == nil && !seen[strings.ToLower(e)] {
			err = refuse("refused.except", idp.ErrInvalid, e)
		}
	}
	if err != nil {
		return out, todo, err
	}
	past, err := passers{l.book, l.journal, *c, done}.among(ctx, doubtful)
	var ids []int64
	for _, p := range past {
		out.Past, ids = append(out.Past, p.Login), append(ids, p.ID)
	}
	out.Already -= len(past)
	out.Users, todo = slices.Concat(out.Past, out.Users), slices.Concat(ids, todo)
	if err == nil {
		out.Notes, err = lacks(ctx, r, c.Facts)
	}
	return out, todo, err
}

// knows reports whether somebody comes in through us.
func (c Connection) knows(u odooUser) bool { return u.Links.ID == c.Provider && u.UID != "" }

// exempt are the logins that keep their password, in lower case. The one that
// Latchkey itself uses is always among them.
func (c Connection) exempt() []string {
	out := []string{strings.ToLower(c.Login)}
	for _, e := range c.Lock.Except {
		out = append(out, strings.ToLower(e))
	}
	return out
}

// everybody calls f for each active user of an Odoo.
func everybody(ctx context.Context, r *rpc.Client, f func(odooUser)) error {
	fields := []string{"login", "email", "share", "partner_id", "oauth_provider_id", "oauth_uid", "login_date"}
	have, err := r.Fields(ctx, "res.users")
	if err != nil {
		return err
	}
	if have["totp_enabled"] {
		fields = append(fields, "totp_enabled")
	}
	last := int64(0)
	for {
		var page []odooUser
		if err := r.SearchRead(ctx, "res.users", rpc.Domain{rpc.Is("id", ">", last)}, fields, rpc.Page{Limit: 1000, Order: "id"}, &page); err != nil {
			return err
		}
		for _, u := range page {
			if !templates[u.Login] {
				f(u)
			}
			last = u.ID
		}
		if len(page) < 1000 {
			return nil
		}
	}
}

// replace gives users random passwords, as long as still says so, and returns how
// many have one. What is done is noted even when something fails on the way.
func (l *Locks) replace(ctx context.Context, r *rpc.Client, c Connection, todo []int64, still func() error, progress func(done, all int)) (n int, err error) {
	at := lockedAt{}
	for n < len(todo) {
		some := todo[n:min(n+together, len(todo))]
		if err = still(); err != nil {
			break
		}
		if err = r.Write(ctx, "res.users", some, rpc.Args{"password": unguessable()}, nil); err != nil {
			break
		}
		for _, id := range some {
			at[id] = l.book.now().Unix()
		}
		if n += len(some); progress != nil {
			progress(n, len(todo))
		}
	}
	return n, errors.Join(err, l.book.keepLocked(context.WithoutCancel(ctx), c, at))
}

// shut switches off what lets people in without us, and remembers how it was.
func shut(ctx context.Context, r *rpc.Client, c *Connection, dry bool) (did []string, err error) {
	before := map[string]string{}
	for k, v := range c.Facts.Before {
		before[k] = v
	}
	set := func(key, is, shall string, write func() error) error {
		if is == shall {
			return nil
		}
		did = append(did, key+" = "+shall)
		if _, known := before[key]; !known {
			before[key] = is
		}
		if dry {
			return nil
		}
		return write()
	}
	for _, p := range [][2]string{{paramReset, "False"}, {paramSignup, "b2b"}} {
		is, err := r.Param(ctx, p[0])
		if err != nil {
			return did, err
		}
		if err := set(p[0], is, p[1], func() error { return r.SetParam(ctx, p[0], p[1]) }); err != nil {
			return did, err
		}
	}
	all, err := sites(ctx, r, c.Facts)
	if err != nil {
		return did, err
	}
	for _, w := range all {
		write := func() error {
			return r.Write(ctx, "website", []int64{w.ID}, rpc.Args{"auth_signup_uninvited": "b2b"}, nil)
		}
		if err := set(siteKey+strconv.FormatInt(w.ID, 10), string(w.Uninvite), "b2b", write); err != nil {
			return did, err
		}
	}
	c.Facts.Before = before
	return did, nil
}

// siteKey names a website's sign-up in Facts.Before.
const siteKey = "website sign-up "

// Unlock brings back what Lock changed in Odoo's settings. The old passwords
// are gone; people get new ones by Odoo's own mail. It returns how many have
// none.
func (l *Locks) Unlock(ctx context.Context, by idp.Actor, id string, dry bool) (did []string, people int, err error) {
	if err := may(by); err != nil {
		return nil, 0, err
	}
	c, r, err := l.book.reach(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	done, err := l.book.locked(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	for key, was := range c.Facts.Before {
		did = append(did, key+" = "+was)
	}
	slices.Sort(did)
	if dry {
		return did, len(done), nil
	}
	if err := restore(ctx, r, c); err != nil {
		return did, 0, err
	}
	c, err = l.book.learn(ctx, c.ID, func(c *Connection) { c.Lock, c.Facts.Before = Lock{}, nil })
	return did, len(done), errors.Join(err, l.book.connections.SetState(ctx, c.ID, lockedState, ""), l.book.note(ctx, by, "odoo.unlock", c, nil))
}

// restore writes settings back as they were. Odoo's password reset is switched
// on in any case: without it nobody who was locked could get a password.
func restore(ctx context.Context, r *rpc.Client, c Connection) error {
	for key, was := range c.Facts.Before {
		site, isSite := strings.CutPrefix(key, siteKey)
		var err error
		switch {
		case isSite:
			var id int64
			if id, err = strconv.ParseInt(site, 10, 64); err == nil {
				err = r.Write(ctx, "website", []int64{id}, rpc.Args{"auth_signup_uninvited": was}, nil)
			}
		case key != paramReset:
			err = r.SetParam(ctx, key, was)
		}
		if err != nil {
			return err
		}
	}
	return r.SetParam(ctx, paramReset, "True")
}
