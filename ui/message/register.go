package message

import (
	"context"
	"net/url"
	"strings"

	"latchkey/idp"
	"latchkey/ui/locale"
)

// Registered tells somebody with whose address an account was asked for that they
// have one, and leads them to the application, if one is named, or to their
// own page: both ask them to sign in. It goes to the address on file (SECURITY.md
// E-06), and one such mail stands for every one that would have held a link
// (E-01). It joins the Atomic in ctx.
func (s *Notices) Registered(ctx context.Context, u idp.User, client idp.ClientID) error {
	p := locale.For([]string{u.Locale}, "")
	head, w := s.masthead(p), says{p, s.Texts, "registered"}
	to := "/login"
	if client != "" {
		to = "/my/apps/" + url.PathEscape(string(client))
	}
	m, err := s.draw(u, view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello", line(u.Name)),
		What: w.part("text", head.Brand), Next: w.part("next"), Facts: []fact{{p.T("mail.account"), line(u.Login)}},
		Link: strings.TrimRight(s.Issuer, "/") + to, Review: p.T("mail.unusable.go"), Why: p.T("mail.why", head.Brand),
	})
	if err != nil {
		return err
	}
	return s.Outbox.Put(ctx, m)
}

// Unregistrable tells an address that no account can be made with it. Whoever
// reads it learns nothing about anybody's (SECURITY.md E-01). It joins the Atomic
// in ctx.
func (s *Notices) Unregistrable(ctx context.Context, address, language string) error {
	p := locale.For([]string{language}, "")
	head, w := s.masthead(p), says{p, s.Texts, "unregistrable"}
	m, err := s.draw(idp.User{Email: address}, view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello_nobody"),
		What: w.part("text", head.Brand), Next: w.part("next"),
		Link: strings.TrimRight(s.Issuer, "/") + "/login", Review: p.T("mail.unusable.go"), Why: p.T("mail.why_asked", head.Brand),
	})
	if err != nil {
		return err
	}
	return s.Outbox.Put(ctx, m)
}
