package admin

import (
	"errors"
	"strings"

	"latchkey/idp"
	"latchkey/ui/page"
)

// Field is one field of a form; the piece "field" draws it with its label, its
// help and what is wrong with it, which screen readers hear together.
type Field struct {
	Name     string // of the form's field and, with the form's, its id
	Label    string
	Help     string
	Type     string // text (default), email, tel, url, password, number, date, textarea, select, checkbox, color, file
	Value    string
	Options  []Option // of a select
	Error    string
	Required bool
	Auto     string // autocomplete
	Mono     bool   // code: monospaced, left to right, no spelling
	Rows     int    // of a textarea
	Accept   string // of a file
	Min, Max string // of numbers and dates
}

// Option is one choice of a select.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Checked reports whether a checkbox is ticked.
func (f Field) Checked() bool { return f.Value != "" }

// Fields is a form's fields, in order.
type Fields []Field

// Filled is the fields as the form was sent: nothing that was typed is lost.
func (fs Fields) Filled(c *page.Context) Fields {
	out := append(Fields{}, fs...)
	for i := range out {
		if out[i].Type == "password" || out[i].Type == "file" {
			continue // never echoed (SECURITY.md D-06)
		}
		out[i].Value = c.Form(out[i].Name)
		for j := range out[i].Options {
			out[i].Options[j].Chosen = out[i].Options[j].Value == out[i].Value
		}
	}
	return out
}

// Marked puts what is wrong beside the field that it is about.
func (fs Fields) Marked(name, text string) Fields {
	for i := range fs {
		if fs[i].Name == name {
			fs[i].Error = text
		}
	}
	return fs
}

// Select is a select of some values; words names the key of each label, with
// the value in the place of %s.
func Select(c *page.Context, name, label, words, value string, values ...string) Field {
	f := Field{Name: name, Label: label, Type: "select", Value: value}
	for _, v := range values {
		f.Options = append(f.Options, Option{Value: v, Label: c.Words.T(strings.Replace(words, "%s", v, 1)), Chosen: v == value})
	}
	return f
}

// Wrong lists the messages of joined errors that are idp.ErrInvalid, without
// the words of the package: for administrators, who may read English there.
func Wrong(err error) []string {
	var out []string
	var walk func(error)
	walk = func(err error) {
		for _, e := range parts(err) {
			walk(e)
		}
		if parts(err) != nil {
			return
		}
		if errors.Is(err, idp.ErrInvalid) {
			out = append(out, strings.TrimPrefix(err.Error(), idp.ErrInvalid.Error()+": "))
		}
	}
	walk(err)
	return out
}

// parts takes joined errors apart; nil: it is one.
func parts(err error) []error {
	j, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the tree itself is walked
	if !ok {
		return nil
	}
	var said []string
	for _, e := range j.Unwrap() {
		said = append(said, e.Error())
	}
	if strings.Join(said, "\n") != err.Error() {
		return nil // it wraps several, as one sentence
	}
	return j.Unwrap()
}

// Pager leads through a list that is read by keyset; the piece "pager" draws it.
type Pager struct {
	First string // address of the first page; empty: this is it
	Next  string // of the next; empty: this is the last
	Count string // how many there are, in words
}

// Confirm asks once more before something that cannot be undone; the piece
// "confirm" draws it as a whole card.
type Confirm struct {
	ID     string // of the form
	Title  string
	Text   []string // what will happen, and to whom; a paragraph each
	Action string   // where it is posted
	Hidden []Hidden
	Fields Fields
	Button string
	Danger bool
	Cancel string // address
}

// Hidden is a field that nobody sees.
type Hidden struct{ Name, Value string }

// Secret is shown this once (SECURITY.md D-06); the piece "secret" draws it.
type Secret struct{ Label, Value, Help string }

// Empty is what stands where a list has nothing: why, and what to do next.
type Empty struct{ Title, Text, URL, Button string }
