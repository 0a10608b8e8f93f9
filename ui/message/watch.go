package message

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
	"latchkey/ui/odoowords"
)

// mostNews is how many findings one mail shows; the page of the connection has
// them all.
const mostNews = 12

// Watched tells each administrator what the daily examination of an Odoo found
// that was not known, and what is over. It joins the Atomic in ctx.
func (a Administrators) Watched(ctx context.Context, c connector.Connection, n connector.News) error {
	who, err := a.Who.Reachable(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, admin := range who {
		m, err := a.composeWatched(admin, c, n)
		if err == nil {
			err = a.Outbox.Put(ctx, m)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// composeWatched writes the mail without sending it.
func (a Administrators) composeWatched(to idp.User, c connector.Connection, n connector.News) (mail.Message, error) {
	p := locale.For([]string{to.Locale}, "")
	head, w := a.masthead(p), says{p, a.Texts, "odoo_watch"}
	text := "text"
	if len(n.New) == 0 && n.Sync == nil {
		text = "gone_text"
	}
	name := line(cmp.Or(c.Facts.Company.Name, c.ID))
	all := watchFacts(p, to, n)
	if more := len(all) - mostNews; more > 0 {
		all = append(all[:mostNews], fact{"…", p.T("mail.odoo_watch.more", more)})
	}
	return a.draw(to, view{
		Printer: p, masthead: head, Subject: w.part("subject", name), Hello: p.T("mail.hello", line(to.Name)),
		What: w.part(text, name), Next: w.part("next"), Facts: append(all, fact{p.T("mail.when"), p.DateTime(a.Now().In(zone(to)))}),
		Link: strings.TrimRight(a.Issuer, "/") + "/admin/odoo/" + c.ID, Review: p.T("mail.several.go"), Why: p.T("mail.odoo_watch.why", head.Brand),
	})
}

// watchFacts are the news, the worst first.
func watchFacts(p locale.Printer, to idp.User, n connector.News) (out []fact) {
	fresh, gone := p.T("mail.odoo_watch.new"), p.T("mail.odoo_watch.gone")
	if n.Sync != nil {
		said := p.T("mail.odoo_watch.sync") + " " + p.T("mail.odoo_watch.since", p.DateTime(n.SyncSince.In(zone(to))))
		if n.Sync.Why != nil {
			said = titled(said, odoowords.Reason(p, *n.Sync.Why, n.Sync.Failure).Title)
		}
		out = append(out, fact{fresh, short(said, 300)})
	}
	for _, f := range n.New {
		l, _ := odoowords.Finding(p, f)
		out = append(out, fact{fresh, short(titled(l.Title, cmp.Or(l.Said, l.English)), 300)})
	}
	for _, k := range n.Gone {
		l, _ := odoowords.Finding(p, connector.Finding{Check: k.Check})
		out = append(out, fact{gone, short(titled(l.Title, k.About), 300)})
	}
	if n.SyncWell {
		out = append(out, fact{gone, p.T("mail.odoo_watch.sync")})
	}
	return out
}

// titled is a title with what is said under it.
func titled(title, said string) string {
	if said == "" {
		return title
	}
	return title + " – " + said
}
