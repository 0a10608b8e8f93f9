package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// few is how many names a finding shows.
const few = 5

// some lists a few of many.
func some(all []string) string {
	if len(all) > few {
		return strings.Join(all[:few], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}

func (p *patient) version(context.Context) ([]Finding, error) {
	was, is := p.c.Facts.Version, p.r.Version()
	p.c.Facts.Version = is
	if was.Series == is.Series {
		return nil, nil
	}
	return []Finding{one("version", Advice, "nothing: Latchkey speaks to it as "+is.Full+" from now on", was.Full, is.Full)}, nil
}

func (p *patient) registered(ctx context.Context) ([]Finding, error) {
	c, err := p.Clients.ByID(ctx, p.c.Client)
	const cure = "run `latchkey odoo connect` again"
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return []Finding{one("client.gone", Problem, cure, p.c.Client)}, nil
	case err != nil:
		return nil, err
	case c.Disabled:
		p.client = c
		return []Finding{one("client.disabled", Problem, cure, p.c.Client)}, nil
	}
	p.client = c
	return nil, nil
}

// providerRow also sees a data endpoint: with one, Odoo asks twice about each
// token, and the second answer is a refusal.
func (p *patient) providerRow(ctx context.Context) ([]Finding, error) {
	if p.client.ID == "" {
		return nil, nil
	}
	repair := func(ctx context.Context) error {
		_, err := p.row(ctx, p.r, &p.c, p.client, false)
		return errors.Join(err, p.Connections.Save(ctx, p.c))
	}
	w, found := p.ours(p.rows, p.c)
	if !found {
		return fixed(one("provider_row.gone", Problem, "`--fix` makes it anew; people must then be linked again", p.c.Provider), repair), nil
	}
	p.c.Provider = w.ID
	fields, _ := p.wrong(w, p.c, p.client)
	if len(fields) == 0 {
		return nil, nil
	}
	f := one("provider_row.wrong", Problem, "`--fix` corrects it", w.ID, strings.Join(fields, ", "))
	if slices.Contains(fields, "data_endpoint") {
		f.Check = "data_endpoint"
	}
	return fixed(f, repair), nil
}

// label finds languages that Odoo learnt after it was connected.
func (p *patient) label(ctx context.Context) ([]Finding, error) {
	if _, found := p.ours(p.rows, p.c); !found {
		return nil, nil
	}
	langs, err := p.labels(ctx, p.r, p.c, true)
	if err != nil || len(langs) == 0 {
		return nil, err
	}
	return fixed(one("label", Advice, "`--fix` writes them", some(langs)), func(ctx context.Context) error {
		_, err := p.labels(ctx, p.r, p.c, false)
		return err
	}), nil
}

func (p *patient) wayIn(ctx context.Context) ([]Finding, error) {
	if p.client.ID == "" {
		return nil, nil
	}
	return p.way(ctx, p.c, p.client)
}

// hosts finds addresses that Odoo got after it was connected.
func (p *patient) hosts(ctx context.Context) ([]Finding, error) {
	if p.client.ID == "" {
		return nil, nil
	}
	next := p.client
	var missing []string
	for _, h := range p.c.Facts.Hosts {
		if !slices.Contains(next.RedirectURIs, h+Callback) {
			missing = append(missing, h)
			next.RedirectURIs = append(slices.Clone(next.RedirectURIs), h+Callback)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return fixed(one("hosts", Problem, "`--fix` registers them", some(missing)), func(ctx context.Context) error {
		return p.amend(ctx, func(c *oidc.Client) { c.RedirectURIs = next.RedirectURIs })
	}), nil
}

func (p *patient) header(ctx context.Context) ([]Finding, error) {
	v, err := p.r.Param(ctx, "auth_oauth.authorization_header")
	if err != nil || v == "" || v == "False" {
		return nil, err
	}
	return []Finding{one("header_parameter", Advice, "nothing for Latchkey, which takes both ways; it holds for all providers of this Odoo")}, nil
}

func (p *patient) tokenAsPassword(context.Context) ([]Finding, error) {
	if p.r.Version().Series >= 18 || p.client.Sessions != oidc.SessionsMulti {
		return nil, nil
	}
	return fixed(one("token_as_password", Problem, "`--fix` lets each sign-in make a new token; a person's session on another device then ends", p.r.Version().Series), func(ctx context.Context) error {
		return p.amend(ctx, func(c *oidc.Client) { c.Sessions = oidc.SessionsSingle })
	}), nil
}

// clock: codes of authenticator apps, tokens and the sync depend on it.
func (p *patient) clock(ctx context.Context) ([]Finding, error) {
	page, err := rpc.Visit(ctx, p.config(p.c), "/web/login")
	if err != nil || page.Date.IsZero() {
		return nil, nil //nolint:nilerr // the way was looked at already; here only the time counts
	}
	off := page.Date.Sub(p.Now())
	if off.Abs() < 30*time.Second {
		return nil, nil
	}
	return []Finding{one("clock", Problem, "let both servers follow a time server (NTP)", off.Abs().Round(time.Second))}, nil
}

func (p *patient) linked(u odooUser) bool { return u.Links.ID == p.c.Provider && u.UID != "" }

func (p *patient) unlinked(context.Context) ([]Finding, error) {
	var who []string
	except := p.c.exempt()
	for _, u := range p.people {
		if !p.linked(u) && !slices.Contains(except, strings.ToLower(u.Login)) {
			who = append(who, u.Login)
		}
	}
	if len(who) == 0 {
		return nil, nil
	}
	return []Finding{one("unlinked", Problem, "`latchkey odoo link` links them; archive in Odoo who is nobody any more", len(who), some(who))}, nil
}

func (p *patient) duplicates(context.Context) ([]Finding, error) {
	by := map[string][]string{}
	for _, u := range p.people {
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
		return nil, nil
	}
	return []Finding{one("duplicates", Problem, "archive one of each in Odoo, or give it another address; only one can be linked to a person", len(twice), some(twice))}, nil
}

func (p *patient) signUp(context.Context) ([]Finding, error) {
	if !p.c.Facts.OpenSignup {
		return nil, nil
	}
	l := Advice
	if !p.c.Lock.At.IsZero() {
		l = Problem
	}
	where := "auth_signup.invitation_scope"
	if p.c.Facts.Has("website") {
		where = "website.auth_signup_uninvited"
	}
	return []Finding{one("sign_up", l, "`latchkey odoo lock` closes it; leave it open only for a shop that wants strangers", where)}, nil
}

func (p *patient) reset(ctx context.Context) ([]Finding, error) {
	v, err := p.r.Param(ctx, paramReset)
	if err != nil || v != "True" {
		return nil, err
	}
	f := one("password_reset", Advice, "`latchkey odoo lock` switches it off")
	if p.c.Lock.At.IsZero() {
		return []Finding{f}, nil
	}
	f.Level, f.Cure = Problem, "`--fix` switches it off again"
	return fixed(f, func(ctx context.Context) error { return p.r.SetParam(ctx, paramReset, "False") }), nil
}

func (p *patient) passwords(context.Context) ([]Finding, error) {
	var open, exempt []string
	except := p.c.exempt()
	for _, u := range p.people {
		switch {
		case slices.Contains(except, strings.ToLower(u.Login)):
			exempt = append(exempt, u.Login)
		case p.linked(u) && !p.locked[u.ID]:
			open = append(open, u.Login)
		}
	}
	out := []Finding{}
	if len(open) > 0 {
		f := one("local_passwords", Advice, "`latchkey odoo lock` replaces them", len(open), some(open))
		if !p.c.Lock.At.IsZero() {
			f.Level = Problem
		}
		out = append(out, f)
	}
	if len(exempt) > 0 {
		out = append(out, one("break_glass", Advice, "keep their passwords long and in a safe; this stays here as a reminder", some(exempt)))
	}
	return out, nil
}

// others are rows beside ours. Odoo takes their tokens even when they are
// switched off.
func (p *patient) others(ctx context.Context) (out []Finding, err error) {
	for _, w := range p.rows {
		if w.ID == p.c.Provider {
			continue
		}
		users, err := p.r.Count(ctx, "res.users", rpc.Domain{rpc.Is("oauth_provider_id", "=", w.ID)}, rpc.Page{Archived: true})
		if err != nil {
			return nil, err
		}
		const cure = "remove it in Odoo if nobody needs it"
		f := one("other_providers.on", Problem, cure, users, w.Name, w.ID, origin(string(w.Auth)))
		if !w.Enabled {
			f = one("other_providers.off", Problem, cure, users, w.Name, w.ID, origin(string(w.Auth)))
		}
		if w.Enabled || users > 0 {
			out = append(out, f)
			continue
		}
		f.Cure = "`--fix` removes it"
		out = append(out, fixed(f, func(ctx context.Context) error { return p.r.Unlink(ctx, "auth.oauth.provider", []int64{w.ID}) })...)
	}
	return out, nil
}

func (p *patient) totp(context.Context) ([]Finding, error) {
	var who []string
	for _, u := range p.people {
		if u.TOTP && p.linked(u) {
			who = append(who, u.Login)
		}
	}
	if len(who) == 0 {
		return nil, nil
	}
	return []Finding{one("odoo_totp", Problem,
		fmt.Sprintf("when their app is set up here (an import by SQL brings it): in Odoo's list of users select them, Actions, Disable two-factor authentication; or in Odoo's database: UPDATE res_users SET totp_secret = NULL WHERE oauth_provider_id = %d", p.c.Provider), len(who), some(who))}, nil
}

func (p *patient) totpPolicy(ctx context.Context) ([]Finding, error) {
	v, err := p.r.Param(ctx, paramTOTP)
	if err != nil || v == "" || v == "False" {
		return nil, err
	}
	return fixed(one("totp_policy", Problem, "`--fix` clears it: policies of Latchkey decide", paramTOTP, v), func(ctx context.Context) error {
		return p.r.SetParam(ctx, paramTOTP, "")
	}), nil
}

// waiting are ended sessions that Odoo does not know of yet.
func (p *patient) waiting(ctx context.Context) ([]Finding, error) {
	all, err := p.Outbox.Unsent(ctx, 1000)
	n, why := 0, ""
	for _, m := range all {
		if id, _, err := ParseEnding(m.To); m.Channel == mail.Odoo && err == nil && id == p.c.ID {
			n, why = n+1, m.Failure
		}
	}
	if err != nil || n == 0 {
		return nil, err
	}
	return []Finding{one("waiting", Problem, "cure the failure; it is tried again by itself, or at once by `latchkey odoo sessions-end WHO`", n).because(why)}, nil
}

func (p *patient) snippet(ctx context.Context) ([]Finding, error) {
	want, err := p.Snippet(p.c)
	if err != nil {
		return nil, err
	}
	all, err := sites(ctx, p.r, p.c.Facts)
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if found := strings.TrimSpace(snippetOf.FindString(string(w.Head))); found != "" && found != want {
			return fixed(one("snippet", Problem, "`--fix` writes it anew", w.Name), func(ctx context.Context) error {
				_, err := p.snippets(ctx, p.r, p.c, want, false)
				return err
			}), nil
		}
	}
	return nil, nil
}
