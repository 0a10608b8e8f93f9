package message

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/posture"
	"latchkey/idp/texts"
	"latchkey/mfa"
	"latchkey/mfa/code"
)

// Sample is a message about people and events that do not exist, for whoever
// develops and for tests. It is written as the real ones are, and kept nowhere.
type Sample struct {
	Name  string // lower case letters, digits and hyphens
	Write func(ctx context.Context, lang string) (mail.Message, error)
}

// Samples is every message that there is, in the name of a house. Those to its
// administrator are in the fallback, whatever the language.
func Samples(issuer, brand string, now func() time.Time) []Sample {
	return Sampler{Issuer: issuer, Brand: brand, Now: now}.Samples()
}

// Samples is every message that there is, as this house writes them.
func (s Sampler) Samples() []Sample {
	now := s.Now
	var out []Sample
	for _, k := range idp.NoticeKinds {
		out = append(out, s.told("notice-"+string(k), func(ctx context.Context, n *Notices, u idp.User) error {
			return n.Notice(ctx, u, idp.Notice{
				Kind: k, At: now(), Origin: s.origin(), Method: "totp", Client: "Atelier Martin", Left: 3, Credential: "c",
			})
		}))
	}
	for _, method := range []mfa.Kind{"totp", "passkey", "sms"} {
		out = append(out, s.letter("letter-enrol-"+string(method), idp.LinkEnrol, method, ""))
	}
	out = append(out,
		s.letter("letter-recover", idp.LinkRecover, "", ""), s.letter("letter-invite", idp.LinkInvite, "", ""),
		s.letter("letter-verify", idp.LinkVerify, "", "c.durand@example.net"), s.letter("letter-register", idp.LinkRegister, "", "c.durand@example.net"),
		s.told("registered", func(ctx context.Context, n *Notices, u idp.User) error { return n.Registered(ctx, u, "") }),
		s.told("unregistrable", func(ctx context.Context, n *Notices, u idp.User) error {
			return n.Unregistrable(ctx, u.Email, u.Locale)
		}),
		s.told("unusable", func(ctx context.Context, n *Notices, u idp.User) error { return n.Unusable(ctx, u, u.Email) }),
		s.told("deadline", func(ctx context.Context, n *Notices, u idp.User) error {
			return n.Deadline(ctx, u, posture.Reminder{At: now().Add(9 * 24 * time.Hour), SetUp: []mfa.Kind{"totp", "passkey"}})
		}),
		s.told("deadline-stuck", func(ctx context.Context, n *Notices, u idp.User) error {
			return n.Deadline(ctx, u, posture.Reminder{At: now().Add(9 * 24 * time.Hour)})
		}),
		s.told("admin-closing", func(ctx context.Context, n *Notices, u idp.User) error {
			return Desk{Notices: n, Admin: "admin@example.org"}.ClosingAsked(ctx, u)
		}),
		s.told("admin-several", func(ctx context.Context, n *Notices, u idp.User) error {
			there := idp.User{ID: "o", Name: "Robin Weber", Login: "robin.weber@example.com"}
			m, err := Administrators{Notices: n}.ComposeSeveral(u, connector.Connection{ID: "atelier", Facts: connector.Facts{Company: connector.Company{Name: "Atelier Martin"}}}, there,
				connector.Note{Said: connector.Said{Says: "case.some_linked", Facts: []string{"robin.weber@example.com", "robin"}}})
			return errors.Join(err, n.Outbox.Put(ctx, m))
		}),
	)
	out = append(append(out, s.watched()...), s.powerful()...)
	for reason := range halts {
		out = append(out, s.coded("admin-halt-"+string(reason), func(ctx context.Context, c *Codes, _ mfa.Subject) error {
			return c.Halted(ctx, code.Halt{Reason: reason, Country: "+33 FR", Until: now().Add(time.Hour)})
		}))
	}
	for name, l := range map[string]code.Letter{
		"sms-code": {Kind: code.SMS, To: "+33612345678"}, "mail-code": {Kind: code.Email, To: "camille.durand@example.com"},
		"mail-code-adding": {Kind: code.Email, To: "camille.durand@example.com", Adding: true},
	} {
		out = append(out, s.coded(name, func(ctx context.Context, c *Codes, to mfa.Subject) error {
			l.Code, l.Digits, l.Until, l.Subject = "482913", 6, now().Add(5*time.Minute), to
			return c.Send(ctx, l)
		}))
	}
	slices.SortFunc(out, func(a, b Sample) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Sampler writes samples. Its fields are those of [Notices].
type Sampler struct {
	Issuer, Brand string
	House         func() brand.Brand
	Texts         Texts
	Now           func() time.Time
}

func (s Sampler) origin() idp.Origin {
	return idp.Origin{Address: "2001:db8:85a3::8a2e:370:7334", Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"}
}

// told is a sample of what [Notices] write.
func (s Sampler) told(name string, write func(context.Context, *Notices, idp.User) error) Sample {
	return Sample{strings.ReplaceAll(name, "_", "-"), func(ctx context.Context, lang string) (mail.Message, error) {
		u := idp.User{ID: "u", Name: "Camille Durand", Login: "camille.durand@example.com", Email: "camille.durand@example.com", EmailVerified: true, Locale: lang}
		var m caught
		err := write(ctx, &Notices{Outbox: &m, Links: unkept{}, Issuer: s.Issuer, Brand: s.Brand, House: s.House, Texts: s.Texts, Now: s.Now}, u)
		return m.Message, err
	}}
}

func (s Sampler) letter(name string, p idp.Purpose, method mfa.Kind, to string) Sample {
	return s.told(name, func(ctx context.Context, n *Notices, u idp.User) error {
		l, token := idp.NewLink(p, u, s.Now(), p.Life())
		return n.Letter(ctx, u, idp.Letter{Link: l, Token: token, Method: method, Origin: s.origin(), To: to})
	})
}

// coded is a sample of what [Codes] write.
func (s Sampler) coded(name string, write func(context.Context, *Codes, mfa.Subject) error) Sample {
	return Sample{strings.ReplaceAll(name, "_", "-"), func(ctx context.Context, lang string) (mail.Message, error) {
		from := s.origin()
		to := mfa.Subject{ID: "u", Name: "camille.durand@example.com", Locale: lang, Address: from.Address, Agent: from.Agent}
		var m caught
		err := write(ctx, &Codes{Outbox: &m, Issuer: s.Issuer, Brand: s.Brand, House: s.House, Texts: s.Texts, Admin: "admin@example.org", Now: s.Now}, to)
		return m.Message, err
	}}
}

// Of writes the samples of a kind in the language of some texts, with these in
// the place of what is set: they need not be saved.
func (s Sampler) Of(ctx context.Context, k Kind, o texts.Own) ([]mail.Message, error) {
	s.Texts = unsaved{s.Texts, o}
	all := s.Samples()
	var out []mail.Message
	for _, name := range k.Samples {
		i := slices.IndexFunc(all, func(o Sample) bool { return o.Name == name })
		if i < 0 {
			continue
		}
		m, err := all[i].Write(ctx, o.Language)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// unsaved is what is said with texts that are not saved yet.
type unsaved struct {
	Texts
	own texts.Own
}

func (t unsaved) Text(kind, language, part string) (string, bool) {
	if kind == t.own.Message && language == t.own.Language {
		text := t.own.Texts[part]
		return text, text != ""
	}
	return t.Texts.Text(kind, language, part)
}

// KindOf is the kind of a name, or fails with idp.ErrNotFound.
func KindOf(name string) (Kind, error) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, idp.ErrNotFound
	}
	return kinds[i], nil
}

// caught is an outbox that keeps one message for whoever asked for it.
type caught struct{ mail.Message }

func (c *caught) Put(_ context.Context, m mail.Message) error {
	c.Message = m
	return nil
}

// unkept takes links and forgets them: those in samples lead nowhere.
type unkept struct{ idp.Links }

func (unkept) Put(context.Context, idp.Link) error { return nil }
