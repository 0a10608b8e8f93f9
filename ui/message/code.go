package message

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	html "html/template"
	"net/url"
	"strings"
	text "text/template"
	"time"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/mfa/code"
	"latchkey/ui/locale"
)

//go:embed code.html code.txt halt.html halt.txt
var codeFiles embed.FS

var (
	codeHTML = html.Must(html.ParseFS(codeFiles, "code.html", "halt.html"))
	codeText = text.Must(text.ParseFS(codeFiles, "code.txt", "halt.txt"))
)

// Codes writes the messages that bring codes; it is a [code.Courier]. Its
// fields are set once, before first use.
type Codes struct {
	Outbox Outbox
	Issuer string             // public URL; its host is the one that a browser fills the code in for
	Brand  string             // see Notices
	House  func() brand.Brand // see Notices
	Admin  string             // address of whoever hears that sending has been stopped; empty: nobody
	Texts  Texts              // see Notices
	Now    func() time.Time
	// Nudge makes somebody look into the outbox now, because a person waits.
	// It may be nil.
	Nudge func()
}

var _ code.Courier = (*Codes)(nil)

// Send puts a code into the outbox, in a commit of its own. One that was for
// the same purpose and is not sent yet is void, and is not sent any more
// (SECURITY.md T-07).
func (s *Codes) Send(ctx context.Context, l code.Letter) error {
	m, err := s.Compose(l)
	if err != nil {
		return err
	}
	m.Topic = fmt.Sprintf("code:%s:%s:%t", l.Kind, l.Subject.ID, l.Adding)
	if err := s.Outbox.Put(ctx, m); err != nil {
		return err
	}
	if s.Nudge != nil {
		s.Nudge()
	}
	return nil
}

// Compose writes the message of a code without sending it.
func (s *Codes) Compose(l code.Letter) (mail.Message, error) {
	p := locale.For([]string{l.Subject.Locale}, "")
	now := s.Now()
	minutes := max(int(l.Until.Sub(now).Round(time.Minute)/time.Minute), 1)
	if l.Kind == code.SMS {
		m := mail.New(mail.SMS, l.To, now)
		m.Expires = l.Until
		m.Text = s.text(p, l, minutes)
		return m, nil
	}
	m := mail.New(mail.Mail, l.To, now)
	m.Expires = l.Until
	return m, s.letter(p, l, minutes, &m)
}

// text is the SMS. Its last line is for the browser that asked: it says for
// which site the code is, so that no other one gets it filled in (Origin-bound
// one-time codes delivered via SMS, WICG).
func (s *Codes) text(p locale.Printer, l code.Letter, minutes int) string {
	w := says{p, s.Texts, "sms_code"}
	out := strings.Join([]string{w.part("text", l.Code, s.masthead(p).Brand), p.N("sms.valid", minutes), w.part("secret")}, " ")
	if u, err := url.Parse(s.Issuer); err == nil && u.Hostname() != "" {
		out += "\n\n@" + u.Hostname() + " #" + l.Code
	}
	return out
}

func (s *Codes) masthead(p locale.Printer) masthead { return mastheadOf(p, s.Brand, s.House) }

// codeView is what the two templates of a code see.
type codeView struct {
	locale.Printer
	masthead
	Subject, What, Valid, Code, Next, Why string
	Filler                                string // keeps what follows out of previews
	Facts                                 []fact
}

func (s *Codes) letter(p locale.Printer, l code.Letter, minutes int, m *mail.Message) error {
	head, w := s.masthead(p), says{p, s.Texts, "code"}
	v := codeView{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Code: l.Code,
		What: w.part("text", head.Brand), Valid: p.N("mail.code_valid", minutes), Next: w.part("next"), Why: p.T("mail.why", head.Brand),
		Filler: strings.Repeat("\u00a0\u200c", 100),
		Facts:  []fact{{p.T("mail.account"), line(l.Subject.Name)}, {p.T("mail.when"), p.DateTime(m.Created.UTC())}},
	}
	if l.Adding {
		v.What, v.Next = w.part("add_text", head.Brand), w.part("add_next")
	}
	v.Facts = append(v.Facts, origin(p, idp.Origin{Address: l.Subject.Address, Agent: l.Subject.Agent})...)
	m.Subject = v.Subject
	var plain, rich bytes.Buffer
	if err := codeText.ExecuteTemplate(&plain, "code.txt", v); err != nil {
		return err
	}
	if err := codeHTML.ExecuteTemplate(&rich, "code.html", v); err != nil {
		return err
	}
	m.Text, m.HTML = plain.String(), rich.String()
	return nil
}
