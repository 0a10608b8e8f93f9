// Package message writes the texts of mails: subject, plain text and HTML, in
// the reader's language and in the name of the house. It puts them into the
// outbox; sending is package mail's.
//
// It decides nothing about what people are told and when, and takes nothing
// but one thing from requests: the address that they came from.
package message

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	text "text/template"
	"time"
	"unicode"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/ui/locale"
)

//go:embed notice.html notice.txt
var files embed.FS

var (
	asHTML = html.Must(html.ParseFS(files, "notice.html"))
	asText = text.Must(text.ParseFS(files, "notice.txt"))
)

// Outbox takes what is written; see [mail.Outbox].
type Outbox interface {
	Put(ctx context.Context, m mail.Message) error
}

// Notices tells people what happened to their accounts. Its exported fields
// are set once, before first use.
type Notices struct {
	Outbox Outbox
	Links  idp.Links          // keeps what is behind the links in mails; nil: none but to our own pages
	Issuer string             // public URL; the only source of links (SECURITY.md E-05)
	Brand  string             // the name of the house, if House says no other
	House  func() brand.Brand // how the house looks now; nil: it has a name only
	Texts  Texts              // what administrators say in our place; nil: nothing
	Now    func() time.Time

	mu   sync.Mutex
	told map[string]time.Time
}

// Notice writes to the person, if there is an address that is known to be
// theirs (SECURITY.md E-06). It joins the Atomic in ctx, so that the person is
// told of what happened and of nothing else.
func (s *Notices) Notice(ctx context.Context, u idp.User, n idp.Notice) error {
	if u.Email == "" || !u.EmailVerified {
		return nil
	}
	topic := ""
	if n.Kind.Quiet() > 0 {
		topic = string(n.Kind) + ":" + string(u.ID)
		if s.lately(topic, n.Kind.Quiet()) {
			return nil
		}
	}
	link, address := s.notMe(u, n)
	m, err := s.Compose(u, n, address)
	if err != nil {
		return err
	}
	m.Topic, m.Quiet = topic, n.Kind.Quiet()
	err = s.Outbox.Put(ctx, m)
	if address != "" { // of a mail that the outbox drops nobody has the token
		err = errors.Join(err, s.Links.Put(ctx, link))
	}
	return err
}

// notMe makes the link by which its reader says that it was somebody else. It
// is good for the epoch that follows, for what is told of may have raised it.
func (s *Notices) notMe(u idp.User, n idp.Notice) (idp.Link, string) {
	if s.Links == nil {
		return idp.Link{}, ""
	}
	l, token := idp.NewLink(idp.LinkNotMe, u, s.Now(), idp.LinkNotMe.Life())
	l.Epoch = idp.EpochAtCommit
	l.Data = map[string]string{"kind": string(n.Kind), "email": u.Email}
	if n.Credential != "" {
		l.Data["credential"] = string(n.Credential)
	}
	return l, l.Purpose.Address(s.Issuer, token)
}

// The memory of what was told lately. The outbox decides; this only spares the
// work of writing what it would drop, because on an account that is locked
// each wrong password would take that much longer than on one that does not
// exist (SECURITY.md E-01). A write that failed is told after recall.
const (
	recall   = 15 * time.Minute
	toldMost = 10_000
)

// lately reports whether the topic came up a moment ago, and remembers it.
func (s *Notices) lately(topic string, quiet time.Duration) bool {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.told[topic]) {
		return true
	}
	if s.told == nil || len(s.told) >= toldMost {
		s.told = map[string]time.Time{}
	}
	s.told[topic] = now.Add(min(recall, quiet))
	return false
}

// view is what the two templates see. Nothing in it spans lines.
type view struct {
	locale.Printer
	masthead
	Subject, Hello, What, Next string
	Facts                      []fact
	Link, Review, Why          string
	NotMe                      string // address; empty: none
}

type fact struct{ Name, Value string }

// Compose writes the mail of a notice without sending it. notMe is the address
// where its reader can take back what it tells of; empty: there is none.
func (s *Notices) Compose(u idp.User, n idp.Notice, notMe string) (mail.Message, error) {
	p := locale.For([]string{u.Locale}, "")
	w, head := says{p, s.Texts, string(n.Kind)}, s.masthead(p)
	if !p.Has("mail." + string(n.Kind) + ".subject") {
		return mail.Message{}, fmt.Errorf("%w: notice %q has no words", idp.ErrInvalid, n.Kind)
	}
	return s.draw(u, view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello", line(u.Name)),
		What: w.part("text", head.Brand), Next: w.part("next"), Facts: facts(p, u, n),
		Link: strings.TrimRight(s.Issuer, "/") + "/my/security", Review: p.T("mail.review"), Why: p.T("mail.why", head.Brand), NotMe: notMe,
	})
}

func (s *Notices) masthead(p locale.Printer) masthead { return mastheadOf(p, s.Brand, s.House) }

// draw makes the message of what the templates are to show.
func (s *Notices) draw(u idp.User, v view) (mail.Message, error) {
	m := mail.New(mail.Mail, u.Email, s.Now())
	m.Subject = v.Subject
	var plain, rich bytes.Buffer
	if err := asText.Execute(&plain, v); err != nil {
		return mail.Message{}, err
	}
	if err := asHTML.Execute(&rich, v); err != nil {
		return mail.Message{}, err
	}
	m.Text, m.HTML = plain.String(), rich.String()
	return m, nil
}

// facts lists when and from where, as far as it is known.
func facts(p locale.Printer, u idp.User, n idp.Notice) []fact {
	out := []fact{{p.T("mail.account"), line(u.Login)}, {p.T("mail.when"), p.DateTime(n.At.In(zone(u)))}}
	name := "factor." + string(n.Method) + ".name"
	if one := "mail.used." + string(n.Method); n.Kind != idp.FactorAdded && n.Kind != idp.FactorRemoved && p.Has(one) {
		name = one // one code of the set was typed
	}
	if n.Method != "" && p.Has(name) {
		out = append(out, fact{p.T("mail.method"), p.T(name)})
	}
	if n.Kind == idp.BackupUsed {
		out = append(out, fact{p.T("mail.left"), strconv.Itoa(n.Left)})
	}
	if n.Client != "" {
		out = append(out, fact{p.T("mail.client"), line(n.Client)})
	}
	return append(out, origin(p, n.Origin)...)
}

// zone is the person's, or UTC: the zone is named beside the time, so nobody is
// misled.
func zone(u idp.User) *time.Location {
	z, err := time.LoadLocation(u.Profile.Zoneinfo)
	if err != nil {
		return time.UTC
	}
	return z
}

// origin says from where something was done.
func origin(p locale.Printer, o idp.Origin) (out []fact) {
	if o.Agent != "" {
		out = append(out, fact{p.T("mail.browser"), browser(p, o.Agent)})
	}
	if a, err := netip.ParseAddr(o.Address); err == nil {
		out = append(out, fact{p.T("mail.address"), a.Unmap().WithZone("").String()})
	}
	return out
}

// line makes one short line of a text that somebody else chose: no line of
// its own, no header, no page-long letter in our name (SECURITY.md E-11).
func line(s string) string { return short(s, 80) }

// short is line for a text of so many characters.
func short(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest-1]) + "…"
	}
	return s
}
