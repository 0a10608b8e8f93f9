package message

import (
	"context"
	"fmt"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/ui/locale"
)

// Letter mails a link to the person, if there is an address that is known to be
// theirs (SECURITY.md E-06), or to the address that it is to prove. It joins the
// Atomic in ctx.
func (s *Notices) Letter(ctx context.Context, u idp.User, l idp.Letter) error {
	if l.To == "" && (u.Email == "" || !u.EmailVerified) {
		return nil
	}
	m, err := s.ComposeLetter(u, l)
	if err != nil {
		return err
	}
	return s.Outbox.Put(ctx, m)
}

// letters says which kind of message each purpose is.
var letters = map[idp.Purpose]string{
	idp.LinkEnrol: "enrol", idp.LinkRecover: "recover", idp.LinkInvite: "invite", idp.LinkVerify: "verify", idp.LinkRegister: "register",
}

// ComposeLetter writes the mail of a link without sending it.
func (s *Notices) ComposeLetter(u idp.User, l idp.Letter) (mail.Message, error) {
	p := locale.For([]string{u.Locale}, "")
	head := s.masthead(p)
	kind, ok := letters[l.Link.Purpose]
	w, key, next := says{p, s.Texts, kind}, "mail."+kind, "next"
	if l.Method != "" {
		next += "_" + string(l.Method)
	}
	if !ok || !p.Has(key+"."+next) {
		return mail.Message{}, fmt.Errorf("%w: a letter for %q, %q has no words", idp.ErrInvalid, l.Link.Purpose, l.Method)
	}
	v := view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello", line(u.Name)),
		What: w.part("text", head.Brand), Next: w.part(next),
		Facts: []fact{{p.T("mail.account"), line(u.Login)}, {p.T("mail.until"), p.DateTime(l.Link.Expires.In(zone(u)))}},
		Link:  l.Link.Purpose.Address(s.Issuer, l.Token), Review: p.T(key + ".go"), Why: p.T("mail.why", head.Brand),
	}
	if l.Link.Purpose == idp.LinkVerify || l.Link.Purpose == idp.LinkRegister {
		// Whoever reads it may be a stranger: nothing about the person, and no words
		// that somebody chose to have sent to others in our name (SECURITY.md E-11).
		v.Hello, v.Facts, l.Origin = p.T("mail.hello_nobody"), v.Facts[1:], idp.Origin{}
	}
	if l.Link.Purpose == idp.LinkRegister {
		v.Why = p.T("mail.why_asked", head.Brand) // there is no account
	}
	if l.Client != "" && l.Link.Purpose == idp.LinkInvite {
		v.Facts = append([]fact{{p.T("mail.client"), line(l.Client)}}, v.Facts...)
	}
	v.Facts = append(v.Facts, origin(p, l.Origin)...)
	if l.To != "" {
		u.Email = l.To
	}
	m, err := s.draw(u, v)
	m.Expires = l.Link.Expires // what nobody can follow any more need not arrive
	m.Topic = l.Link.Purpose.Topic(u.ID)
	return m, err
}
