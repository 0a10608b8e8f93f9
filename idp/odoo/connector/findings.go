package connector

import (
	"context"
	"errors"
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
	f := one("version", Advice, "nothing: Latchkey speaks to it as "+is.Full+" from now on", was.Full, is.Full)
	f.once = true
	return []Finding{f}, nil
}

func (p *patient) registered(ctx context.Context) ([]Finding, error) {
	c, err := p.clients.ByID(ctx, p.c.Client)
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
		_, bad := p.buttons.row(ctx, p.r, &p.c, p.client, false)
		_, err := p.book.learn(ctx, p.c.ID, func(c *Connection) { c.Provider, c.Since = p.c.Provider, p.c.Since })
		return errors.Join(bad, err)
	}
	w, found := ours(p.rows, p.c)
	if !found {
		return fixed(one("provider_row.gone", Problem, "`--fix` makes it anew; people are then linked again at their next sign-in, or by `latchkey odoo link`", p.c.Provider), repair), nil
	}
	p.c.Provider = w.ID
	fields, _ := p.buttons.wrong(w, p.c, p.client)
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
	if _, found := ours(p.rows, p.c); !found {
		return nil, nil
	}
	langs, err := p.buttons.labels(ctx, p.r, p.c, true)
	if err != nil || len(langs) == 0 {
		return nil, err
	}
	return fixed(one("label", Advice, "`--fix` writes them", some(langs)), func(ctx context.Context) error {
		_, err := p.buttons.labels(ctx, p.r, p.c, false)
		return err
	}), nil
}

func (p *patient) wayIn(ctx context.Context) ([]Finding, error) {
	if p.client.ID == "" {
		return nil, nil
	}
	return p.way.walk(ctx, p.c, p.client)
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
	page, err := rpc.Visit(ctx, p.book.config(p.c), "/web/login")
	if err != nil || page.Date.IsZero() {
		return nil, nil //nolint:nilerr // the way was looked at already; here only the time counts
	}
	off := page.Date.Sub(p.book.now())
	if off.Abs() < 30*time.Second {
		return nil, nil
	}
	return []Finding{one("clock", Problem, "let both servers follow a time server (NTP)", off.Abs().Round(time.Second))}, nil
}

// waiting are ended sessions that Odoo does not know of yet.
func (p *patient) waiting(ctx context.Context) ([]Finding, error) {
	all, err := p.outbox.Unsent(ctx, 1000)
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
	want, err := p.websites.Snippet(p.c)
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
				_, err := putSnippet(ctx, p.r, p.c, want, false)
				return err
			}), nil
		}
	}
	return nil, nil
}
