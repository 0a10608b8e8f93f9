package connector

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// keep notes a link that is there.
func (l *linkRun) keep(ctx context.Context, w wish) error {
	if l.DryRun || !w.new && !w.tie.Linked.IsZero() {
		return nil
	}
	return w.noted(ctx, l.ties, l.book.now())
}

// noted notes a link here.
func (w wish) noted(ctx context.Context, in Ties, now time.Time) error {
	w.tie.Linked = now
	if w.new {
		err := in.Put(ctx, w.tie)
		if errors.Is(err, idp.ErrTaken) { // somebody links at the same moment
			return nil
		}
		return err
	}
	return in.Save(ctx, w.tie)
}

// write tells Odoo of some users in one call, and of each alone if it did not
// take all of them, so that one that it refuses holds up nobody.
func (l *linkRun) write(ctx context.Context, all []wish) error {
	if len(all) == 0 {
		return nil
	}
	took, err := l.load(ctx, all)
	if err != nil {
		return err
	}
	for _, w := range all {
		if !took {
			err := tellOdoo(ctx, l.r, l.c, w.p.ID, w.user, nil)
			if refused(err) {
				if err := l.tell(RefusedThere, w.p, noted(err, "link.refused")); err != nil {
					return err
				}
				continue
			} else if err != nil {
				return err
			}
		}
		l.report.Linked++
		if err := w.noted(ctx, l.ties, l.book.now()); err != nil {
			return err
		}
	}
	return nil
}

// load writes links by Odoo's import, many in a transaction of its own. It reports
// whether Odoo took them; it takes all or none.
func (l *linkRun) load(ctx context.Context, all []wish) (bool, error) {
	rows := make([][]string, len(all))
	for i, w := range all {
		rows[i] = []string{strconv.FormatInt(w.p.ID, 10), strconv.FormatInt(l.c.Provider, 10), string(w.user)}
	}
	var answer struct{ IDs any }
	err := l.r.Call(ctx, "res.users", "load", nil, rpc.Args{"fields": []string{".id", "oauth_provider_id/.id", "oauth_uid"}, "data": rows}, &answer)
	if refused(err) {
		return false, nil
	}
	ids, ok := answer.IDs.([]any)
	return ok && len(ids) == len(all), err
}

// refused reports whether Odoo answered, and said no.
func refused(err error) bool { return errors.Is(err, rpc.ErrFault) || errors.Is(err, rpc.ErrDenied) }

// tellOdoo writes one link, and what else is to be written with it.
func tellOdoo(ctx context.Context, r *rpc.Client, c Connection, odoo int64, user idp.UserID, also rpc.Args) error {
	values := rpc.Args{"oauth_provider_id": c.Provider, "oauth_uid": string(user)}
	maps.Copy(values, also)
	return r.Write(ctx, "res.users", []int64{odoo}, values, nil)
}
