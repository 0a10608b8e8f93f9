package dev

import (
	"fmt"
	"io"
	"net/http"
	"slices"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

// The pages of samples: a list, each sample alone, and a mail as its HTML is.
const (
	samples  = "/dev/pages"
	messages = "message" // the shelf of mails and SMS
)

type pagesView struct {
	Shelves   []shelfView
	Languages []page.Switch
	Rehearsal page.Switch // which no other page offers
}

type shelfView struct {
	Name    string
	Samples []string
}

// list shows what there is, and in which languages.
func (p *Pages) list(c *page.Context) error {
	var v pagesView
	for _, s := range p.Shelves {
		shelf := shelfView{Name: s.Name}
		for _, one := range s.Samples {
			shelf.Samples = append(shelf.Samples, one.Name)
		}
		v.Shelves = append(v.Shelves, shelf)
	}
	shelf := shelfView{Name: messages}
	for _, m := range p.Messages {
		shelf.Samples = append(shelf.Samples, m.Name)
	}
	v.Shelves = append(v.Shelves, shelf)
	in := func(l locale.Language) page.Switch {
		return page.Switch{Language: l, URL: samples + "?lang=" + l.Tag, Current: l.Tag == c.Words.Lang()}
	}
	for _, l := range locale.Languages() {
		v.Languages = append(v.Languages, in(l))
	}
	v.Rehearsal = in(locale.Language{Tag: locale.Rehearsal})
	return c.Show(set, http.StatusOK, "pages.html", v)
}

// sample draws one page as its package does.
func (p *Pages) sample(c *page.Context) error {
	shelf, name := c.R.PathValue("shelf"), c.R.PathValue("name")
	if shelf == messages {
		return p.message(c, name)
	}
	for _, s := range p.Shelves {
		i := slices.IndexFunc(s.Samples, func(one page.Sample) bool { return one.Name == name })
		if s.Name == shelf && i >= 0 {
			return s.Samples[i].Draw(c)
		}
	}
	return fmt.Errorf("%w: no sample %s/%s", idp.ErrNotFound, shelf, name)
}

// message shows the text of a mail or an SMS, as a plain client would.
func (p *Pages) message(c *page.Context, name string) error {
	m, err := p.written(c, name)
	if err != nil {
		return err
	}
	v := messageViewOf(c, m)
	if m.HTML != "" {
		v.HTML = samples + "/" + messages + "/" + name + "/html"
	}
	return c.Show(set, http.StatusOK, "message.html", v)
}

// html is a mail as the reader's program draws it. Its styles are inside, as
// programs want them; it can do nothing else.
func (p *Pages) html(c *page.Context) error {
	m, err := p.written(c, c.R.PathValue("name"))
	if err != nil {
		return err
	}
	if c.R.PathValue("shelf") != messages || m.HTML == "" {
		return fmt.Errorf("%w: no mail", idp.ErrNotFound)
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox allow-popups")
	h.Set("Cache-Control", "no-store")
	_, _ = io.WriteString(c.W, m.HTML) // the reader may have gone away
	return nil
}

func (p *Pages) written(c *page.Context, name string) (mail.Message, error) {
	i := slices.IndexFunc(p.Messages, func(m message.Sample) bool { return m.Name == name })
	if i < 0 {
		return mail.Message{}, fmt.Errorf("%w: no message %s", idp.ErrNotFound, name)
	}
	return p.Messages[i].Write(c.Context(), c.Words.Lang())
}
