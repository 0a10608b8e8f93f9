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
	Name    rpc.Text
	User    rpc.Ref `json:"user_id"`
	Scope   rpc.Text
	Created rpc.Time `json:"create_date"`
	Expires rpc.Time `json:"expiration_date"`
}

func (p *patient) keys(ctx context.Context, where rpc.Domain) (all []apiKey, err error) {
	have, err := p.r.Fields(ctx, "res.users.apikeys")
	if err != nil {
		return nil, err
	}
	fields := []string{"name", "user_id", "scope", "create_date"}
	if have["expiration_date"] {
		fields = append(fields, "expiration_date")
	}
	return all, p.r.SearchRead(ctx, "res.users.apikeys", where, fields, rpc.Page{Limit: 1000}, &all)
}

func (p *patient) keyExpiry(ctx context.Context) ([]Finding, error) {
	own, err := p.keys(ctx, rpc.Domain{rpc.Is("user_id", "=", p.r.UID())})
	for _, k := range own {
		if left := k.Expires.Sub(p.Now()); !k.Expires.IsZero() && left < 14*24*time.Hour {
			return []Finding{one("key_expiry", Problem, "if it is the one that Latchkey uses, make a new one in Odoo and run `latchkey odoo connect` again with it",
				k.Name, p.c.Login, k.Expires.Format(time.DateOnly))}, nil
		}
	}
	return nil, err
}

// keyOf is how Odoo makes API keys.
var keyOf = regexp.MustCompile(`^[0-9a-f]{40}$`)

// apiKeys are those beside Latchkey's own, where it can be told: Odoo says
// whose a key is, not which one a program uses.
func (p *patient) apiKeys(ctx context.Context) ([]Finding, error) {
	all, err := p.keys(ctx, nil)
	if err != nil {
		return nil, err
	}
	mine := func(k apiKey) bool { return k.User.ID == p.r.UID() }
	own := 0
	for _, k := range all {
		if mine(k) {
			own++
		}
	}
	cure := "remove in Odoo those that nobody needs"
	switch {
	case own == 1 && keyOf.MatchString(p.c.Key):
		all = slices.DeleteFunc(all, mine)
	case own > 0:
		cure += "; Latchkey's own may be among them"
	}
	if len(all) == 0 {
		return nil, nil
	}
	var who []string
	for _, k := range all {
		since := "" // unknown
		if !k.Created.IsZero() {
			since = ", " + k.Created.Format(time.DateOnly)
		}
		who = append(who, fmt.Sprintf("%q (%s%s)", k.Name, k.User.Name, since))
	}
	return []Finding{one("api_keys", Advice, cure, len(all), some(who))}, nil
}
