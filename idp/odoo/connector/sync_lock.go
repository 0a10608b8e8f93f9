package connector

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp/odoo/rpc"
)

// keeper lets a lock hold while people come and go: it replaces the passwords in
// Odoo of who is linked since, and of who came in past us. It goes by the same
// rules as [Locks.Lock]: who keeps a password, and that our own way in is open.
type keeper struct {
	run      *syncRun
	client   *rpc.Client
	on       bool
	locked   lockedAt
	fresh    []odooUser
	doubtful []odooUser
}

// keeps looks whether there is a lock to keep.
func (r *syncRun) keeps(ctx context.Context, client *rpc.Client) (*keeper, error) {
	k := &keeper{run: r, client: client, on: r.c.Settings.KeepLocked && !r.c.Lock.At.IsZero()}
	var err error
	if k.on {
		k.locked, err = r.book.locked(ctx, r.c)
	}
	return k, err
}

// see notes who is to be locked among people whom the run reads.
func (k *keeper) see(all []Person) {
	if !k.on {
		return
	}
	except := k.run.c.exempt()
	for _, p := range all {
		u := odooUser{ID: p.ID, Login: p.Login, Links: rpc.Ref{ID: p.Provider}, UID: rpc.Text(p.Subject), Came: rpc.Time{Time: p.Came}}
		switch {
		case !p.Active || templates[p.Login] || !k.run.c.knows(u) || slices.Contains(except, strings.ToLower(p.Login)):
		case !k.locked.has(p.ID):
			k.fresh = append(k.fresh, u)
		default:
			k.doubtful = append(k.doubtful, u)
		}
	}
}

// lock replaces their passwords, at the end of a run.
func (k *keeper) lock(ctx context.Context) error {
	todo, err := k.todo(ctx)
	if err != nil || len(todo) == 0 {
		return err
	}
	r := k.run
	if !r.DryRun {
		err := r.locks.open(ctx, r.c, LockOrder{})
		if errors.Is(err, ErrWay) {
			for _, u := range todo {
				r.note(u.ID, u.Login, "", say("sync.unlocked"))
			}
			return nil
		}
		if err != nil {
			return err
		}
		if todo, err = k.still(ctx, todo); err != nil || len(todo) == 0 {
			return err
		}
	}
	ids := make([]int64, len(todo))
	for i, u := range todo {
		ids[i] = u.ID
		n := Note{}
		if k.locked.has(u.ID) {
			n = say("sync.past")
		}
		if err := r.tell("lock", Held{Tie: Tie{Odoo: u.ID, Login: u.Login}}, n); err != nil {
			return err
		}
	}
	if r.DryRun {
		r.counts.Locked = len(ids)
		return nil
	}
	n, err := r.locks.replace(ctx, k.client, r.c, ids, func() error { return r.goesOn(ctx) }, nil)
	if r.counts.Locked = n; n == 0 {
		return err
	}
	var logins []string
	for _, u := range todo[:n] {
		logins = append(logins, u.Login)
	}
	return errors.Join(err, r.book.note(context.WithoutCancel(ctx), syncActor(r.c), "odoo.lock", r.c, map[string]string{
		"users": strconv.Itoa(n), "logins": some(logins),
	}))
}

// still are those of todo who are to be locked by what the settings are by now: an
// administrator may have unlocked meanwhile, or spared somebody.
func (k *keeper) still(ctx context.Context, todo []odooUser) ([]odooUser, error) {
	now, err := k.run.book.connections.ByID(ctx, k.run.c.ID)
	if err != nil || !now.Settings.KeepLocked || now.Lock.At.IsZero() {
		return nil, err
	}
	except := now.exempt()
	return slices.DeleteFunc(todo, func(u odooUser) bool { return slices.Contains(except, strings.ToLower(u.Login)) }), nil
}

// todo are those who are to be locked. Who has a key of Odoo's is left to the
// doctor: each sign-in with it would have that person thrown out again.
func (k *keeper) todo(ctx context.Context) ([]odooUser, error) {
	of := passers{k.run.book, k.run.journal, k.run.c, k.locked}
	past, err := of.among(ctx, k.doubtful)
	if err != nil {
		return nil, err
	}
	keys, err := keyed(ctx, k.client, k.run.c.Facts, past)
	if err != nil {
		return nil, err
	}
	if !k.run.DryRun {
		if err := of.tell(ctx, past); err != nil {
			return nil, err
		}
	}
	past = slices.DeleteFunc(past, func(u odooUser) bool { return keys[u.ID] })
	return slices.Concat(past, k.fresh), nil
}
