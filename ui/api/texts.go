package api

import (
	"context"
	"net/http"
	"slices"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/texts"
	"latchkey/ui/locale"
	"latchkey/ui/message"
)

// MessageKind is one kind of message and what of it may be said otherwise.
type MessageKind struct {
	Name      string        `json:"name"`
	Channel   mail.Channel  `json:"channel" enum:"mail,sms"`
	Languages []string      `json:"languages" doc:"In which it is written."`
	Parts     []MessagePart `json:"parts"`
	Samples   []string      `json:"samples" doc:"Of what preview-message shows and test-message sends."`
	Own       []string      `json:"own" doc:"Languages in which something of it is the house's own."`
}

// MessagePart is one text of a message.
type MessagePart struct {
	Name   string   `json:"name"`
	Values []string `json:"values" doc:"Placeholders, such as {brand}: each must be in the text, and no other."`
	Most   int      `json:"most" doc:"Characters."`
}

// MessageTexts is what a message says in one language.
type MessageTexts struct {
	Message  string            `json:"message"`
	Language string            `json:"language"`
	Version  int64             `json:"version" doc:"What was read; another version is not replaced."`
	Texts    map[string]string `json:"texts" doc:"The house's own, by part."`
	Ours     map[string]string `json:"ours" doc:"What is said where there is none."`
}

// NewTexts is what shall be said.
type NewTexts struct {
	Texts   map[string]string `json:"texts" doc:"By part. What is left out, empty or as ours is ours."`
	Version int64             `json:"version,omitempty" minimum:"0" doc:"Of what was read; 0: nothing was ever set."`
}

// TriedTexts is what a message is drawn with.
type TriedTexts struct {
	Texts map[string]string `json:"texts,omitempty" doc:"By part, in the place of what is set; none: as it is set."`
}

// SampleMessage is a message with sample data, as people get it.
type SampleMessage struct {
	Sample   string `json:"sample"`
	Subject  string `json:"subject,omitempty"`
	Text     string `json:"text"`
	HTML     string `json:"html,omitempty"`
	Messages int    `json:"messages,omitempty" doc:"How many text messages it takes."`
	Length   int    `json:"length,omitempty" doc:"Of a text message, in characters as they are counted there."`
}

// Sent says to whom a test went.
type Sent struct {
	To string `json:"to"`
	By string `json:"handled_by,omitempty" doc:"Who took it."`
}

// AboutMessage names a kind of message in one language.
type AboutMessage struct {
	Message  string `path:"message" maxLength:"64"`
	Language string `path:"language" maxLength:"35" doc:"BCP 47"`
}

// textsAPI are the operations about what messages say.
type textsAPI struct{ *API }

func (a textsAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/messages" + path, tag: "messages", summary: summary, right: right}
	}
	const one = "/{message}/{language}"
	add(a.API, o("list-messages", http.MethodGet, "", "List the kinds of message, and what of each may be said otherwise", idp.SeeHouse), a.list)
	add(a.API, o("get-message-texts", http.MethodGet, one, "Show what a message says in a language", idp.SeeHouse), func(ctx context.Context, by idp.Actor, in *AboutMessage) (*body[MessageTexts], error) {
		k, own, err := a.find(ctx, by, *in)
		return answer(viewTexts(k, own), err)
	})
	add(a.API, o("replace-message-texts", http.MethodPut, one, "Say something else in a message", idp.EditHouse), a.replace)
	reset := o("reset-message-texts", http.MethodDelete, one, "Say what we say again", idp.EditHouse)
	add(a.API, reset, func(ctx context.Context, by idp.Actor, in *struct {
		AboutMessage
		Version int64 `query:"version" minimum:"0" doc:"Of what was read."`
	}) (*none, error) {
		_, own, err := a.find(ctx, by, in.AboutMessage)
		if err != nil {
			return nil, err
		}
		own.Version, own.Texts = in.Version, nil
		return done(a.Messages.Own.Change(ctx, by, own))
	})
	preview := o("preview-message", http.MethodPost, one+"/preview", "Draw a message with sample data", idp.EditHouse)
	preview.about = "Nothing is saved or sent."
	add(a.API, preview, a.preview)
	test := o("test-message", http.MethodPost, one+"/test", "Send a message as it is set, with sample data, to the caller", idp.EditHouse)
	test.about = "To the address or the number that is known to be that of the token's owner, and nowhere else. A service has none."
	add(a.API, test, a.test)
}

func (a textsAPI) list(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[MessageKind]], error) {
	all, err := a.Messages.Own.List(ctx, by)
	if err != nil {
		return nil, err
	}
	limits := message.Choices()
	out := []MessageKind{}
	for i, k := range message.Kinds() {
		v := MessageKind{Name: k.Name, Channel: k.Channel, Languages: k.Languages(), Samples: k.Samples}
		for j, p := range k.Parts {
			v.Parts = append(v.Parts, MessagePart{p.Name, each(p.Values, texts.Hole), limits[i].Parts[j].Most})
		}
		for _, o := range all {
			if o.Message == k.Name && len(o.Texts) > 0 {
				v.Own = append(v.Own, o.Language)
			}
		}
		out = append(out, v)
	}
	return &body[Items[MessageKind]]{Items[MessageKind]{out}}, nil
}

// find is a message with what is set.
func (a textsAPI) find(ctx context.Context, by idp.Actor, in AboutMessage) (message.Kind, texts.Own, error) {
	k, err := message.KindOf(in.Message)
	if err != nil {
		return k, texts.Own{}, err
	}
	own, err := a.Messages.Own.Get(ctx, by, in.Message, in.Language)
	return k, own, err
}

func viewTexts(k message.Kind, own texts.Own) MessageTexts {
	v := MessageTexts{own.Message, own.Language, own.Version, map[string]string{}, map[string]string{}}
	words, _ := locale.Find(own.Language)
	for _, p := range k.Parts {
		v.Ours[p.Name] = p.Ours(words)
		if t := own.Texts[p.Name]; t != "" {
			v.Texts[p.Name] = t
		}
	}
	return v
}

// said leaves out what is said as we do: it changes with ours.
func said(k message.Kind, own texts.Own, given map[string]string) texts.Own {
	words, _ := locale.Find(own.Language)
	own.Texts = map[string]string{}
	for name, text := range given {
		i := slices.IndexFunc(k.Parts, func(p message.Part) bool { return p.Name == name })
		if i < 0 || text != k.Parts[i].Ours(words) {
			own.Texts[name] = text
		}
	}
	return own
}

func (a textsAPI) replace(ctx context.Context, by idp.Actor, in *struct {
	AboutMessage
	Body NewTexts
}) (*body[MessageTexts], error) {
	k, own, err := a.find(ctx, by, in.AboutMessage)
	if err != nil {
		return nil, err
	}
	own = said(k, own, in.Body.Texts)
	own.Version = in.Body.Version
	if err := a.Messages.Own.Change(ctx, by, own); err != nil {
		return nil, err
	}
	k, own, err = a.find(ctx, by, in.AboutMessage)
	return answer(viewTexts(k, own), err)
}

func (a textsAPI) preview(ctx context.Context, by idp.Actor, in *struct {
	AboutMessage
	Body TriedTexts
}) (*body[Items[SampleMessage]], error) {
	k, own, err := a.find(ctx, by, in.AboutMessage)
	if err == nil && in.Body.Texts != nil {
		own, err = a.Messages.Own.Check(said(k, own, in.Body.Texts))
	}
	if err != nil {
		return nil, err
	}
	all, err := a.Messages.Sampler(ctx).Of(context.WithoutCancel(ctx), k, own)
	if err != nil {
		return nil, err
	}
	out := []SampleMessage{}
	for i, m := range all {
		v := SampleMessage{Sample: k.Samples[i], Subject: m.Subject, Text: m.Text, HTML: m.HTML}
		if m.Channel == mail.SMS {
			v.Messages, v.Length, _ = texts.Segments(m.Text)
		}
		out = append(out, v)
	}
	return &body[Items[SampleMessage]]{Items[SampleMessage]{out}}, nil
}

func (a textsAPI) test(ctx context.Context, by idp.Actor, in *struct {
	AboutMessage
	Body struct {
		Sample string `json:"sample,omitempty" maxLength:"64" doc:"Default: the first."`
	}
}) (*body[Sent], error) {
	k, own, err := a.find(ctx, by, in.AboutMessage)
	if err != nil {
		return nil, err
	}
	i := max(slices.Index(k.Samples, in.Body.Sample), 0)
	if in.Body.Sample != "" && k.Samples[i] != in.Body.Sample {
		return nil, invalid("sample", "one of those that list-messages has")
	}
	all, err := a.Messages.Sampler(ctx).Of(context.WithoutCancel(ctx), k, own)
	if err != nil {
		return nil, err
	}
	m := all[i]
	if words, _ := locale.Find(own.Language); m.Subject != "" {
		m.Subject = words.T("admin.messages.test_subject", m.Subject)
	}
	to, err := a.Messages.Own.Try(ctx, by, k.Name, m)
	return answer(Sent{To: to}, err)
}
