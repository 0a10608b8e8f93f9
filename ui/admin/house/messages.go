package house

import (
	"context"
	"net/http"
	"slices"

	"latchkey/idp/mail"
	"latchkey/idp/texts"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

// kindsPage lists the kinds of message, and what each says in every language.
type kindsPage struct{ *Pages }

type kindsView struct {
	admin.Head
	Rows []kindRow
}

type kindRow struct {
	Name, Title, Channel, URL string
	Own                       []string // languages with texts of the house's own
}

func (m kindsPage) list(c *page.Context, v admin.Visit) error {
	all, err := m.Own.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "messages.html", kindsView{v.Head(c), kindRows(c, all)})
}

func kindRows(c *page.Context, all []texts.Own) []kindRow {
	var out []kindRow
	for _, k := range message.Kinds() {
		r := kindRow{Name: k.Name, Title: k.Title(c.Words), Channel: channelName(c, k.Channel), URL: addressOfKind(k)}
		for _, o := range all {
			if o.Message == k.Name && len(o.Texts) > 0 {
				r.Own = append(r.Own, languageName(o.Language))
			}
		}
		out = append(out, r)
	}
	return out
}

func channelName(c *page.Context, ch mail.Channel) string {
	return c.Words.T("admin.messages.channel." + string(ch))
}

func addressOfKind(k message.Kind) string { return messagesPath + "/texts/" + k.Name }

func languageName(tag string) string {
	for _, l := range locale.Languages() {
		if l.Tag == tag {
			return l.Name
		}
	}
	return tag
}

// kindOf is the kind of the path.
func kindOf(c *page.Context) (message.Kind, error) {
	return message.KindOf(c.R.PathValue("message"))
}

type kindView struct {
	admin.Head
	Title string
	Plain bool
	In    []saidIn
}

// saidIn is what a message says in one language.
type saidIn struct {
	Tag, Language, URL string
	Own                bool
	Parts              []saidPart
}

type saidPart struct {
	Label, Text string
	Own         bool
}

func (m kindsPage) one(c *page.Context, v admin.Visit) error {
	k, err := kindOf(c)
	if err != nil {
		return err
	}
	all, err := m.Own.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	view := kindView{Head: v.Head(c, messagesCrumb(c)), Title: k.Title(c.Words), Plain: k.Plain}
	for _, tag := range k.Languages() {
		i := slices.IndexFunc(all, func(o texts.Own) bool { return o.Message == k.Name && o.Language == tag })
		own := texts.Own{}
		if i >= 0 {
			own = all[i]
		}
		view.In = append(view.In, inLanguage(c, k, tag, own.Texts))
	}
	return c.Show(set, http.StatusOK, "message.html", view)
}

func messagesCrumb(c *page.Context) admin.Crumb {
	return admin.Crumb{Title: c.Words.T("admin.nav.messages"), URL: messagesPath}
}

func inLanguage(c *page.Context, k message.Kind, tag string, own map[string]string) saidIn {
	words, _ := locale.Find(tag)
	out := saidIn{Tag: tag, Language: languageName(tag), URL: addressOfKind(k) + "/" + tag, Own: len(own) > 0}
	for _, p := range k.Parts {
		s := saidPart{Label: partLabel(c, p), Text: p.Ours(words)}
		if t := own[p.Name]; t != "" {
			s.Text, s.Own = t, true
		}
		out.Parts = append(out.Parts, s)
	}
	return out
}

func partLabel(c *page.Context, p message.Part) string {
	return c.Words.T("admin.messages.part." + p.Name)
}

// drawn is a sample of a message as people get it.
type drawn struct {
	Sample, Subject string
	Paragraphs      [][]string
	HTML            bool
	Length          string // of a text message, in words
}

// samples writes the samples of a kind with these texts.
func (p *Pages) samples(c *page.Context, k message.Kind, typed texts.Own) ([]mail.Message, error) {
	s := message.Sampler{Issuer: p.Issuer, Brand: p.Brand(c.Context()), Texts: p.Own, Now: c.Now}
	if p.Brands != nil {
		s.House = p.Brands.House
	}
	return s.Of(context.WithoutCancel(c.Context()), k, typed)
}
