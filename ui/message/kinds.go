package message

import (
	"strings"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/power"
	"latchkey/idp/texts"
	"latchkey/ui/locale"
)

// Texts says what administrators want to have said in the place of the
// catalogue's; see [texts.Service]. It is asked for every message and answers
// from memory.
type Texts interface {
	Text(message, language, part string) (string, bool)
}

// Kind is one kind of message: which of its texts administrators may choose, and
// how it looks with sample data. Facts, links and the foot stay as they are: they
// say what is true.
type Kind struct {
	Name    string
	Channel mail.Channel
	Plain   bool // written in the fallback only: it goes to an address of the configuration
	Parts   []Part
	Samples []string // see Sampler
}

// Part is one text of a message that may be chosen.
type Part struct {
	Name   string
	Key    string   // of the catalogue
	Values []string // names of its placeholders, in the order of the catalogue's
}

// The longest of each, in characters.
const (
	mostSubject = 150
	mostText    = 600
	mostSMS     = 200
)

var house = []string{"brand"}

// three is subject, opening and what to do next.
func three(key string) []Part {
	return []Part{{"subject", key + ".subject", house}, {"text", key + ".text", house}, {"next", key + ".next", nil}}
}

// kinds is all of them, in the order in which administrators see them.
var kinds = listed()

func listed() []Kind {
	out := []Kind{
		{Name: "sms_code", Channel: mail.SMS, Samples: []string{"sms-code"}, Parts: []Part{
			{"text", "sms.code", []string{"code", "brand"}}, {"secret", "sms.secret", nil},
		}},
		{Name: "code", Channel: mail.Mail, Samples: []string{"mail-code", "mail-code-adding"}, Parts: []Part{
			{"subject", "mail.code_subject", house}, {"text", "mail.code_text", house}, {"next", "mail.code_next", nil},
			{"add_text", "mail.code_add_text", house}, {"add_next", "mail.code_add_next", nil},
		}},
		{Name: "enrol", Channel: mail.Mail, Samples: []string{"letter-enrol-totp", "letter-enrol-passkey", "letter-enrol-sms"}, Parts: []Part{
			{"subject", "mail.enrol.subject", house}, {"text", "mail.enrol.text", house},
			{"next_totp", "mail.enrol.next_totp", nil}, {"next_passkey", "mail.enrol.next_passkey", nil}, {"next_sms", "mail.enrol.next_sms", nil},
		}},
	}
	for _, name := range []string{"invite", "recover", "verify", "register"} {
		out = append(out, Kind{Name: name, Channel: mail.Mail, Samples: []string{"letter-" + name}, Parts: three("mail." + name)})
	}
	out = append(out,
		Kind{Name: "unusable", Channel: mail.Mail, Samples: []string{"unusable"}, Parts: three("mail.unusable")},
		Kind{Name: "registered", Channel: mail.Mail, Samples: []string{"registered"}, Parts: three("mail.registered")},
		Kind{Name: "unregistrable", Channel: mail.Mail, Samples: []string{"unregistrable"}, Parts: three("mail.unregistrable")},
		Kind{Name: "deadline", Channel: mail.Mail, Samples: []string{"deadline", "deadline-stuck"}, Parts: []Part{
			{"subject", "mail.deadline_subject", []string{"brand", "day"}}, {"text", "mail.deadline_text", []string{"day", "brand"}},
			{"next", "mail.deadline_next", nil}, {"stuck", "mail.deadline_stuck", nil},
		}})
	for _, k := range idp.NoticeKinds {
		name := string(k)
		out = append(out, Kind{Name: name, Channel: mail.Mail, Samples: []string{"notice-" + strings.ReplaceAll(name, "_", "-")}, Parts: three("mail." + name)})
	}
	for _, k := range power.Kinds() {
		parts := three("mail." + string(k))
		parts[2].Key = "mail.power.next"
		out = append(out, Kind{Name: string(k), Channel: mail.Mail, Samples: []string{"owner-" + strings.ReplaceAll(string(k), "_", "-")}, Parts: parts})
	}
	return append(out,
		Kind{Name: "closing", Channel: mail.Mail, Plain: true, Samples: []string{"admin-closing"}, Parts: three("mail.closing")},
		Kind{Name: "halt", Channel: mail.Mail, Plain: true, Samples: []string{"admin-halt-pumping", "admin-halt-country", "admin-halt-day"}, Parts: []Part{
			{"subject", "mail.halt_subject", house}, {"pumping_text", "mail.halt_pumping_text", house}, {"country_text", "mail.halt_country_text", house},
			{"day_text", "mail.halt_day_text", house}, {"next", "mail.halt_next", nil},
		}},
		Kind{Name: "several", Channel: mail.Mail, Samples: []string{"admin-several"}, Parts: []Part{
			{"subject", "mail.several.subject", []string{"account"}}, {"text", "mail.several.text", []string{"name", "connection"}}, {"next", "mail.several.next", nil},
		}},
		Kind{Name: "odoo_watch", Channel: mail.Mail, Samples: []string{"admin-odoo-watch", "admin-odoo-watch-gone"}, Parts: []Part{
			{"subject", "mail.odoo_watch.subject", []string{"connection"}}, {"text", "mail.odoo_watch.text", []string{"connection"}},
			{"gone_text", "mail.odoo_watch.gone_text", []string{"connection"}}, {"next", "mail.odoo_watch.next", nil},
		}})
}

// Kinds lists every kind of message.
func Kinds() []Kind { return kinds }

// Languages are those in which it is written.
func (k Kind) Languages() []string {
	if k.Plain {
		return []string{locale.Fallback}
	}
	var out []string
	for _, l := range locale.Languages() {
		out = append(out, l.Tag)
	}
	return out
}

// Ours is what the catalogue says in a part, with named places for its values.
func (p Part) Ours(words locale.Printer) string {
	args := make([]any, len(p.Values))
	for i, v := range p.Values {
		args[i] = texts.Hole(v)
	}
	return words.T(p.Key, args...)
}

// Title is what a kind is called: its subject, without the name of the house
// before it.
func (k Kind) Title(words locale.Printer) string {
	if k.Channel == mail.SMS {
		return words.T("admin.messages.sms")
	}
	subject := k.Parts[0].Ours(words)
	if _, after, found := strings.Cut(subject, texts.Hole("brand")); found {
		subject = strings.TrimLeft(after, ": \u00a0\u202f")
	}
	for _, v := range k.Parts[0].Values {
		subject = strings.ReplaceAll(subject, texts.Hole(v), "…")
	}
	first, size := utf8.DecodeRuneInString(subject)
	return strings.ToUpper(string(first)) + subject[size:]
}

// most is how long a text may be.
func (k Kind) most(p Part) int {
	switch {
	case k.Channel == mail.SMS:
		return mostSMS
	case p.Name == "subject":
		return mostSubject
	}
	return mostText
}

// Choices is every kind as package texts judges it.
func Choices() []texts.Message {
	out := make([]texts.Message, len(kinds))
	for i, k := range kinds {
		out[i] = texts.Message{Name: k.Name, Languages: k.Languages()}
		for _, p := range k.Parts {
			out[i].Parts = append(out[i].Parts, texts.Part{Name: p.Name, Values: p.Values, Most: k.most(p)})
		}
	}
	return out
}

// parts finds a part by the names of its kind and of itself.
var parts = func() map[[2]string]Part {
	out := map[[2]string]Part{}
	for _, k := range kinds {
		for _, p := range k.Parts {
			out[[2]string{k.Name, p.Name}] = p
		}
	}
	return out
}()

// says writes one kind of message: an administrator's texts, or the catalogue's.
type says struct {
	locale.Printer
	own  Texts
	kind string
}

// part is a text with its values filled in; one that there is none of is empty.
func (s says) part(name string, values ...string) string {
	p, known := parts[[2]string{s.kind, name}]
	if !known {
		return ""
	}
	if s.own != nil {
		if text, ok := s.own.Text(s.kind, s.Lang(), name); ok {
			return texts.Fill(text, p.Values, values)
		}
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return s.T(p.Key, args...)
}
