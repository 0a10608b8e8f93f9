package oidc

import (
	"errors"
	"fmt"
	"strings"

	"latchkey/idp"
)

// Note is a sentence in English, with what other languages need: which of
// [Sentences] it is, what is in it, and what a machine said, which nobody
// translates.
type Note struct {
	Text   string
	Code   string
	Facts  []string
	Detail string
}

// NoteFields is the Code of a Note whose facts are the fields that are wrong.
const NoteFields = "fields"

// Sentences are what is said of clients, in English, by [Note.Code]. Another
// language needs a text for each, with the same facts in the same order.
var Sentences = map[string]string{
	"clear_text": `%s: "%s" travels in clear text; use https outside your own network`,
	"issuer":     "another issuer answers: %s",
	"keys":       "%s",
	"no_key":     "there is no key for %s",
	"not_called": "it is in a private or special network, or not https: %s",
	"not_json":   "it does not answer with JSON",
	"status":     "it answers %s",
}

// say says one of [Sentences], with its facts.
func say(code string, facts ...any) Note {
	n := Note{Code: code}
	said := make([]any, len(facts))
	for i, f := range facts {
		n.Facts = append(n.Facts, fmt.Sprint(f))
		said[i] = n.Facts[i]
	}
	n.Text = fmt.Sprintf(Sentences[code], said...)
	return n
}

// raw is what a machine said.
func raw(said string) Note { return Note{Text: said, Detail: said} }

// called says why an address of others could not be called.
func called(err error, uri string) Note {
	if errors.Is(err, errOutbound) {
		n := say("not_called", uri)
		n.Text = err.Error()
		return n
	}
	return raw(err.Error())
}

// mistakes says what [Client.Check] found.
func mistakes(err error) Note {
	n := Note{Text: err.Error(), Code: NoteFields}
	for line := range strings.SplitSeq(n.Text, "\n") {
		field, _, _ := strings.Cut(strings.TrimPrefix(line, idp.ErrInvalid.Error()+": "), ": ")
		n.Facts = append(n.Facts, field)
	}
	return n
}

// Texts are notes in English; nil when there are none.
func Texts(all []Note) (out []string) {
	for _, n := range all {
		out = append(out, n.Text)
	}
	return out
}
