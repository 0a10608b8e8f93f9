package connector

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// crowd is everybody in an Odoo, as far as the doctor judges them.
type crowd struct {
	of     Connection
	people []odooUser
	locked lockedAt // by us
}

// ofCrowd is a check of what was read of people already.
func ofCrowd(look func(crowd) []Finding) examination {
	return func(p *patient, _ context.Context) ([]Finding, error) {
		return look(crowd{p.c, p.people, p.locked}), nil
	}
}

func (c crowd) linked(u odooUser) bool { return c.of.knows(u) }

func (c crowd) unlinked() []Finding {
	var who []string
	except := c.of.exempt()
	for _, u := range c.people {
		if !c.linked(u) && !slices.Contains(except, strings.ToLower(u.Login)) {
			who = append(who, u.Login)
		}
	}
	if len(who) == 0 {
		return nil
	}
	return []Finding{one("unlinked", Problem, "`latchkey odoo link` links them; archive in Odoo who is nobody any more", len(who), some(who))}
}

func (c crowd) duplicates() []Finding {
	by := map[string][]string{}
	for _, u := range c.people {
		names := []string{strings.ToLower(strings.TrimSpace(u.Login))}
		if e := strings.ToLower(strings.TrimSpace(string(u.Email))); e != "" && e != names[0] {
			names = append(names, e)
		}
		for _, n := range names {
			by[n] = append(by[n], fmt.Sprintf("%s (%d)", u.Login, u.ID))
		}
	}
	var twice []string
	for name, who := range by {
		if len(who) > 1 {
			twice = append(twice, name+": "+strings.Join(who, " + "))
		}
	}
	slices.Sort(twice)
	if len(twice) == 0 {
		return nil
	}
	return []Finding{one("duplicates", Problem, "archive one of each in Odoo, or give it another address; only one can be linked to a person", len(twice), some(twice))}
}

func (c crowd) passwords() []Finding {
	var open, exempt []string
	except := c.of.exempt()
	for _, u := range c.people {
		switch {
		case slices.Contains(except, strings.ToLower(u.Login)):
			exempt = append(exempt, u.Login)
		case c.linked(u) && !c.locked.has(u.ID):
			open = append(open, u.Login)
		}
	}
	out := []Finding{}
	if len(open) > 0 {
		f := one("local_passwords", Advice, "`latchkey odoo lock` replaces them", len(open), some(open))
		if !c.of.Lock.At.IsZero() {
			f.Level = Problem
		}
		out = append(out, f)
	}
	if len(exempt) > 0 {
		out = append(out, one("break_glass", Advice, "keep their passwords long and in a safe; this stays here as a reminder", some(exempt)))
	}
	return out
}

func (c crowd) totp() []Finding {
	var who []string
	for _, u := range c.people {
		if u.TOTP && c.linked(u) {
			who = append(who, u.Login)
		}
	}
	if len(who) == 0 {
		return nil
	}
	return []Finding{one("odoo_totp", Problem,
		fmt.Sprintf("when their app is set up here (an import by SQL brings it): in Odoo's list of users select them, Actions, Disable two-factor authentication; or in Odoo's database: UPDATE res_users SET totp_secret = NULL WHERE oauth_provider_id = %d", c.of.Provider), len(who), some(who))}
}
