package message

import (
	"bytes"
	"context"
	"fmt"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/mfa/code"
	"latchkey/ui/locale"
)

// halts says by which text each reason is told.
var halts = map[code.Reason]string{
	code.Pumping: "pumping_text", code.CountryFull: "country_text", code.DayFull: "day_text",
}

// Halted mails the operator's administrator that no more codes are sent by
// SMS, to a country or at all. It joins the Atomic in ctx.
func (s *Codes) Halted(ctx context.Context, h code.Halt) error {
	if s.Admin == "" {
		return nil
	}
	m, err := s.ComposeHalt(h)
	if err != nil {
		return err
	}
	return s.Outbox.Put(ctx, m)
}

// ComposeHalt writes the mail of a halt without sending it. An address has no
// language, so it is written in the fallback.
func (s *Codes) ComposeHalt(h code.Halt) (mail.Message, error) {
	told, ok := halts[h.Reason]
	if !ok {
		return mail.Message{}, fmt.Errorf("%w: halt %q has no words", idp.ErrInvalid, h.Reason)
	}
	p := locale.For(nil, "")
	head, w := s.masthead(p), says{p, s.Texts, "halt"}
	v := haltView{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), What: w.part(told, head.Brand), Next: w.part("next"), Why: p.T("mail.halt_why", head.Brand),
	}
	if h.Country != "" {
		v.Facts = append(v.Facts, fact{p.T("mail.halt_country"), h.Country})
	}
	if !h.Until.IsZero() {
		v.Facts = append(v.Facts, fact{p.T("mail.halt_until"), p.DateTime(h.Until.UTC())})
	}
	m := mail.New(mail.Mail, s.Admin, s.Now())
	m.Subject = v.Subject
	var plain, rich bytes.Buffer
	if err := codeText.ExecuteTemplate(&plain, "halt.txt", v); err != nil {
		return mail.Message{}, err
	}
	if err := codeHTML.ExecuteTemplate(&rich, "halt.html", v); err != nil {
		return mail.Message{}, err
	}
	m.Text, m.HTML = plain.String(), rich.String()
	return m, nil
}

// haltView is what the two templates of a halt see.
type haltView struct {
	locale.Printer
	masthead
	Subject, What, Next, Why string
	Facts                    []fact
}
