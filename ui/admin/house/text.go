package house

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/texts"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

// textPage is the texts of one message in one language.
type textPage struct{ *Pages }

type textView struct {
	admin.Head
	Title, Language, Tag, At string
	Version                  int64
	Own, May                 bool
	Parts                    []textPart
	Fixed                    string // what of it cannot be changed
	Drawn                    []drawn
	Unsaved                  bool
	To                       string // the visitor's own address for this; empty: none
}

type textPart struct {
	admin.Field
	Ours  string
	Holes []string
	IsOwn bool
}

// find is the message and the language of the path, with what is set.
func (t textPage) find(c *page.Context, v admin.Visit) (message.Kind, texts.Own, error) {
	k, err := kindOf(c)
	if err != nil {
		return k, texts.Own{}, err
	}
	own, err := t.Own.Get(c.Context(), v.By, k.Name, c.R.PathValue("language"))
	return k, own, err
}

// typed is what the form says. What it says as we do is not the house's own: it
// changes with ours.
func (t textPage) typed(c *page.Context, k message.Kind, own texts.Own) (texts.Own, error) {
	version, err := strconv.ParseInt(c.Form("version"), 10, 64)
	if err != nil {
		return own, page.Malformed(err)
	}
	words, _ := locale.Find(own.Language)
	own.Version, own.Texts = version, map[string]string{}
	for _, p := range k.Parts {
		if text := strings.TrimSpace(c.Form(p.Name)); text != "" && text != p.Ours(words) {
			own.Texts[p.Name] = text
		}
	}
	return own, nil
}

func (t textPage) view(c *page.Context, v admin.Visit, k message.Kind, own texts.Own) textView {
	words, _ := locale.Find(own.Language)
	at := addressOfKind(k) + "/" + own.Language
	view := textView{
		Head:  v.Head(c, messagesCrumb(c), admin.Crumb{Title: k.Title(c.Words), URL: addressOfKind(k)}),
		Title: k.Title(c.Words), Language: languageName(own.Language), Tag: own.Language, At: at, Version: own.Version, Own: len(own.Texts) > 0,
		May: v.May(idp.EditHouse), To: ownAddress(v.User, k.Channel), Fixed: c.Words.T("admin.messages.fixed_mail"),
	}
	if k.Channel == mail.SMS {
		view.Fixed = c.Words.T("admin.messages.fixed_sms")
	}
	for _, p := range k.Parts {
		f := textPart{Field: admin.Field{Name: p.Name, Label: partLabel(c, p), Value: own.Texts[p.Name]}, Ours: p.Ours(words), IsOwn: own.Texts[p.Name] != ""}
		if !f.IsOwn {
			f.Value = f.Ours
		}
		for _, n := range p.Values {
			f.Holes = append(f.Holes, texts.Hole(n))
		}
		view.Parts = append(view.Parts, f)
	}
	return view
}

// ownAddress is where a test would go.
func ownAddress(u idp.User, ch mail.Channel) string {
	switch {
	case ch == mail.Mail && u.EmailVerified:
		return u.Email
	case ch == mail.SMS && u.PhoneVerified:
		return u.Phone
	}
	return ""
}

// draw shows the form and the message with what it says.
func (t textPage) draw(c *page.Context, status int, view textView, k message.Kind, said texts.Own) error {
	all, err := t.samples(c, k, said)
	if err != nil {
		return err
	}
	for i, m := range all {
		view.Drawn = append(view.Drawn, drawnOf(c, k.Samples[i], m))
	}
	return c.Show(set, status, "text.html", view)
}

func drawnOf(c *page.Context, sample string, m mail.Message) drawn {
	d := drawn{Sample: sample, Subject: m.Subject, HTML: m.HTML != ""}
	for part := range strings.SplitSeq(strings.TrimSpace(m.Text), "\n\n") {
		d.Paragraphs = append(d.Paragraphs, strings.Split(part, "\n"))
	}
	if m.Channel == mail.SMS {
		n, length, whole := texts.Segments(m.Text)
		d.Length = c.Words.N("admin.messages.segments", n, length)
		if !whole {
			d.Length += " " + c.Words.T("admin.messages.segments_short")
		}
	}
	return d
}

func (t textPage) show(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	return t.draw(c, http.StatusOK, t.view(c, v, k, own), k, own)
}

func (t textPage) change(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	next, err := t.typed(c, k, own)
	if err != nil {
		return err
	}
	if err = t.Own.Change(c.Context(), v.By, next); err == nil {
		return c.Redirect(addressOfKind(k) + "/" + own.Language + "?done=text")
	}
	view := t.view(c, v, k, next)
	switch {
	case errors.Is(err, idp.ErrSpent):
		view.Head, view.Version = view.Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.changed_meanwhile_text")), own.Version
		return t.draw(c, http.StatusConflict, view, k, next)
	case errors.Is(err, idp.ErrInvalid):
		return t.refused(c, view, k, own, err)
	}
	return err
}

// refused draws what was typed with what is wrong with it, and the message as it
// is.
func (t textPage) refused(c *page.Context, view textView, k message.Kind, own texts.Own, err error) error {
	var ms texts.Mistakes
	_ = errors.As(err, &ms)
	for _, m := range ms {
		for i := range view.Parts {
			if p := &view.Parts[i]; p.Name == m.Part {
				p.Error = strings.TrimSpace(p.Error + " " + mistakeText(c, m))
			}
		}
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	return t.draw(c, http.StatusBadRequest, view, k, own)
}

func mistakeText(c *page.Context, m texts.Mistake) string {
	allowed := strings.Join(m.Allowed, " ")
	switch {
	case m.Reason == texts.Unknown && allowed == "":
		return c.Words.T("admin.messages.wrong.none", m.Placeholder)
	case m.Reason == texts.Unknown:
		return c.Words.T("admin.messages.wrong.unknown", m.Placeholder, allowed)
	case m.Reason == texts.Lacks:
		return c.Words.T("admin.messages.wrong.lacks", m.Placeholder, allowed)
	case m.Reason == texts.TooLong:
		return c.Words.T("admin.messages.wrong.long", m.Most)
	}
	return c.Words.T("admin.messages.wrong.unclean")
}

// preview shows the message with what is typed, and saves nothing.
func (t textPage) preview(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	next, err := t.typed(c, k, own)
	if err != nil {
		return err
	}
	view := t.view(c, v, k, next)
	if checked, err := t.Own.Check(next); errors.Is(err, idp.ErrInvalid) {
		return t.refused(c, view, k, own, err)
	} else if err != nil {
		return err
	} else {
		next = checked
	}
	view.Done, view.Unsaved = c.Words.T("admin.messages.previewed"), true
	return t.draw(c, http.StatusOK, view, k, next)
}

// html is a mail as a mail program draws it, with what is typed, or with what is
// set. Its styles are inside, as such programs want them; it can do nothing else.
func (t textPage) html(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	sample := c.Query("sample")
	if c.R.Method == http.MethodPost {
		if sample = c.Form("sample"); sample == "" {
			sample = k.Samples[0]
		}
		if own, err = t.typed(c, k, own); err != nil {
			return err
		}
		if own, err = t.Own.Check(own); err != nil {
			return t.preview(c, v)
		}
	}
	i := slices.Index(k.Samples, sample)
	if i < 0 {
		return fmt.Errorf("%w: no sample %q", idp.ErrNotFound, sample)
	}
	all, err := t.samples(c, k, own)
	if err != nil || all[i].HTML == "" {
		return errors.Join(err, idp.ErrNotFound)
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = io.WriteString(c.W, all[i].HTML) // the reader may have gone away
	return nil
}

// test sends the message as it is set, with sample data, to the visitor.
func (t textPage) test(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	all, err := t.samples(c, k, own)
	if err != nil {
		return err
	}
	i := max(slices.Index(k.Samples, c.Form("sample")), 0)
	m := all[i]
	if m.Subject != "" {
		m.Subject = c.Words.T("admin.messages.test_subject", m.Subject)
	}
	view := t.view(c, v, k, own)
	to, err := t.Own.Try(c.Context(), v.By, k.Name, m)
	if errors.Is(err, idp.ErrInvalid) {
		view.Head = view.Refused(c.Words.T("admin.messages.test_nowhere"), "")
		return t.draw(c, http.StatusBadRequest, view, k, own)
	} else if err != nil {
		return err
	}
	view.Done = c.Words.T("admin.messages.test_done", to)
	return t.draw(c, http.StatusOK, view, k, own)
}

func (t textPage) sure(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	at := addressOfKind(k) + "/" + own.Language
	return c.Show(set, http.StatusOK, "sure.html", sureView{v.Head(c, messagesCrumb(c), admin.Crumb{Title: k.Title(c.Words), URL: addressOfKind(k)}), admin.Confirm{
		ID: "text-reset", Title: c.Words.T("admin.messages.reset_title", k.Title(c.Words), languageName(own.Language)), Text: []string{c.Words.T("admin.messages.reset_text")},
		Action: at + "/reset", Hidden: []admin.Hidden{{Name: "version", Value: strconv.FormatInt(own.Version, 10)}},
		Button: c.Words.T("admin.messages.reset"), Danger: true, Cancel: at,
	}})
}

func (t textPage) reset(c *page.Context, v admin.Visit) error {
	k, own, err := t.find(c, v)
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(c.Form("version"), 10, 64)
	if err != nil {
		return page.Malformed(err)
	}
	own.Version, own.Texts = version, nil
	if err := t.Own.Change(c.Context(), v.By, own); err != nil {
		return err
	}
	return c.Redirect(addressOfKind(k) + "/" + own.Language + "?done=reset")
}
