package message

import (
	"context"
	"strings"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/ui/locale"
)

// Desk tells the operator's administrator of people who want their accounts
// closed.
type Desk struct {
	*Notices
	Admin string // address; empty: nobody is told
}

// ClosingAsked writes to the administrator. It joins the Atomic in ctx.
func (d Desk) ClosingAsked(ctx context.Context, u idp.User) error {
	if d.Admin == "" {
		return nil
	}
	m, err := d.ComposeClosing(u)
	if err != nil {
		return err
	}
	return d.Outbox.Put(ctx, m)
}

// ComposeClosing writes the mail without sending it. An address has no language,
// so it is written in the fallback.
func (d Desk) ComposeClosing(u idp.User) (mail.Message, error) {
	p := locale.For(nil, "")
	head, w := d.masthead(p), says{p, d.Texts, "closing"}
	return d.draw(idp.User{Email: d.Admin}, view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello_nobody"),
		What: w.part("text", head.Brand), Next: w.part("next"),
		Facts: []fact{
			{p.T("mail.closing.name"), line(u.Name)}, {p.T("mail.account"), line(u.Login)}, {p.T("mail.closing.id"), string(u.ID)},
			{p.T("mail.when"), p.DateTime(d.Now().UTC())},
		},
		Link: strings.TrimRight(d.Issuer, "/") + "/my/security", Review: p.T("mail.closing.go"), Why: p.T("mail.halt_why", head.Brand),
	})
}
