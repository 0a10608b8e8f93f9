package message

import (
	"context"
	"strings"

	"latchkey/idp"
	"latchkey/ui/locale"
)

// Unusable mails an address that an account cannot have it, because another one
// has it, or one that looks the same. Whoever reads it learns nothing about
// either account, and there is one such mail for every one that would have held a
// link (SECURITY.md E-01). It joins the Atomic in ctx.
func (s *Notices) Unusable(ctx context.Context, u idp.User, address string) error {
	p := locale.For([]string{u.Locale}, "")
	head, w := s.masthead(p), says{p, s.Texts, "unusable"}
	m, err := s.draw(idp.User{Email: address}, view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello_nobody"),
		What: w.part("text", head.Brand), Next: w.part("next"),
		Link: strings.TrimRight(s.Issuer, "/") + "/login", Review: p.T("mail.unusable.go"), Why: p.T("mail.why", head.Brand),
	})
	if err != nil {
		return err
	}
	return s.Outbox.Put(ctx, m)
}
