package message

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
	"latchkey/ui/odoowords"
)

// Administrators writes to the people who look after the house.
type Administrators struct {
	*Notices
	// Who finds those who can be written to (SECURITY.md E-06).
	Who interface {
		Reachable(ctx context.Context) ([]idp.User, error)
	}
}

var _ connector.Teller = Administrators{}

// Several tells each administrator, once a day, of somebody who cannot come into
// an Odoo because nobody can tell who they are there. It joins the Atomic in ctx.
func (a Administrators) Several(ctx context.Context, c connector.Connection, u idp.User, they connector.Note) error {
	who, err := a.Who.Reachable(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, admin := range who {
		m, err := a.ComposeSeveral(admin, c, u, they)
		if err == nil {
			m.Topic, m.Quiet = "odoo_several:"+c.ID+":"+string(u.ID)+":"+string(admin.ID), 24*time.Hour
			err = a.Outbox.Put(ctx, m)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// ComposeSeveral writes the mail without sending it.
func (a Administrators) ComposeSeveral(to idp.User, c connector.Connection, u idp.User, they connector.Note) (mail.Message, error) {
	p := locale.For([]string{to.Locale}, "")
	there := odoowords.Note(p, they)
	head, w := a.masthead(p), says{p, a.Texts, "several"}
	return a.draw(to, view{
		Printer: p, masthead: head, Subject: w.part("subject", line(u.Login)), Hello: p.T("mail.hello", line(to.Name)),
		What: w.part("text", line(u.Name), line(c.ID)), Next: w.part("next"),
		Facts: []fact{
			{p.T("mail.account"), line(u.Login)}, {p.T("mail.several.there"), short(cmp.Or(there.Said, there.English), 300)}, {p.T("mail.client"), line(c.Facts.Company.Name + " (" + c.ID + ")")},
			{p.T("mail.when"), p.DateTime(a.Now().In(zone(to)))},
		},
		Link: strings.TrimRight(a.Issuer, "/") + "/admin/odoo/" + c.ID, Review: p.T("mail.several.go"), Why: p.T("mail.several.why", head.Brand),
	})
}
