package connector

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"latchkey/idp/odoo/rpc"
)

type apiKey struct {
	ID      int64
	Name    rpc.Text
	User    rpc.Ref `json:"user_id"`
	Scope   rpc.Text
	Created rpc.Time `json:"create_date"`
	Expires rpc.Time `json:"expiration_date"`
}

// keyList reads the API keys of an Odoo.
type keyList struct {
	r   *rpc.Client
	of  Connection
	now time.Time
}

// ofKeys is a check of them.
func ofKeys(look func(keyList, context.Context) ([]Finding, error)) examination {
	return func(p *patient, ctx context.Context) ([]Finding, error) {
		return look(keyList{p.r, p.c, p.book.now()}, ctx)
	}
}

func (k keyList) read(ctx context.Context, where rpc.Domain) (all []apiKey, err error) {
	have, err := k.r.Fields(ctx, "res.users.apikeys")
	if err != nil {
		return nil, err
	}
	fields := []string{"name", "user_id", "scope", "create_date"}
	if have["expiration_date"] {
		fields = append(fields, "expiration_date")
	}
	return all, k.r.SearchRead(ctx, "res.users.apikeys", where, fields, rpc.Page{Limit: 1000}, &all)
}

func (k keyList) expiry(ctx context.Context) ([]Finding, error) {
	own, err := k.read(ctx, rpc.Domain{rpc.Is("user_id", "=", k.r.UID())})
	for _, key := range own {
		if left := key.Expires.Sub(k.now); !key.Expires.IsZero() && left < 14*24*time.Hour {
			return []Finding{one("key_expiry", Problem, "if it is the one that Latchkey uses, make a new one in Odoo and run `latchkey odoo connect` again with it",
				key.Name, k.of.Login, key.Expires.Format(time.DateOnly))}, nil
		}
	}
	return nil, err
}

// keyOf is how Odoo makes API keys.
var keyOf = regexp.MustCompile(`^[0-9a-f]{40}$`)

// others are those beside Latchkey's own, where it can be told: Odoo says
// whose a key is, not which one a program uses.
func (k keyList) others(ctx context.Context) ([]Finding, error) {
	all, err := k.read(ctx, nil)
	if err != nil {
		return nil, err
	}
	mine := func(key apiKey) bool { return key.User.ID == k.r.UID() }
	own := 0
	for _, key := range all {
		if mine(key) {
			own++
		}
	}
	cure := "remove in Odoo those that nobody needs"
	switch {
	case own == 1 && keyOf.MatchString(k.of.Key):
		all = slices.DeleteFunc(all, mine)
	case own > 0:
		cure += "; Latchkey's own may be among them"
	}
	if len(all) == 0 {
		return nil, nil
	}
	var who []string
	var which []int64
	for _, key := range all {
		which = append(which, key.ID)
		since := "" // unknown
		if !key.Created.IsZero() {
			since = ", " + key.Created.Format(time.DateOnly)
		}
		who = append(who, fmt.Sprintf("%q (%s%s)", key.Name, key.User.Name, since))
	}
	f := one("api_keys", Advice, cure, len(all), some(who))
	f.which = which
	return []Finding{f}, nil
}
