package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// Said is what is said to readers of any language: which of [Sentences], what is
// in it, and what a machine said, such as an error, which nobody translates.
type Said struct {
	Says   string   `json:"says,omitempty"`
	Facts  []string `json:"facts,omitempty"`
	Detail string   `json:"detail,omitempty"`
}

// Note is a sentence in English, with what other languages need. What was kept
// before notes had their sentences is a Text alone.
type Note struct {
	Text string `json:"text"`
	Said
	Check string `json:"check,omitempty"` // of the doctor's, whose cure helps
}

// UnmarshalJSON also reads a note as it was kept formerly: its text.
func (n *Note) UnmarshalJSON(b []byte) error {
	*n = Note{}
	if json.Unmarshal(b, &n.Text) == nil {
		return nil
	}
	type plain Note
	return json.Unmarshal(b, (*plain)(n))
}

// Texts are notes in English.
func Texts(all []Note) []string {
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.Text
	}
	return out
}

// Reason is why something failed: of which kind that is, such as unreachable, and
// what is known of it.
type Reason struct {
	Kind string `json:"kind,omitempty"`
	Said
	Check string `json:"check,omitempty"` // of the doctor's, whose cure helps
}

// Sentences are what is said, in English, by [Said.Says]. Another language needs
// a text for each, with the same facts in the same order. Where the first fact
// is a number (%d), its text may have a singular and a plural.
var Sentences = combined(findingSentences, workSentences, peopleSentences, refusalSentences, rpc.Sentences)

func combined(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, some := range all {
		maps.Copy(out, some)
	}
	return out
}

// say says one of [Sentences], with its facts.
func say(says string, facts ...any) Note {
	n := Note{Said: Said{Says: says}}
	for _, f := range facts {
		n.Facts = append(n.Facts, fmt.Sprint(f))
	}
	n.Text = rpc.Sentence(Sentences[says], n.Facts)
	return n
}

// because adds what a machine said.
func (n Note) because(detail string) Note {
	if detail != "" {
		n.Detail = detail
		n.Text += ": " + detail
	}
	return n
}

// saying is an error that says one of [Sentences].
type saying struct {
	of error
	Note
}

func (s *saying) Error() string { return s.of.Error() + ": " + s.Text }

func (s *saying) Unwrap() error { return s.of }

// refuse is an error that says one of [Sentences]. of says which it is to those
// who act on it, such as idp.ErrInvalid.
func refuse(says string, of error, facts ...any) error { return &saying{of, say(says, facts...)} }

var (
	// ErrWay means that people could not come in through us.
	ErrWay = fmt.Errorf("%w: the way in through Latchkey is not open, so nobody is locked out of the other one", idp.ErrInvalid)
	// ErrLost means that whoever began something may not do it any more.
	ErrLost = fmt.Errorf("%w: what began this is no longer good", idp.ErrDenied)
	// ErrDatabase means that the database of an Odoo cannot be read.
	ErrDatabase = errors.New("Odoo's database cannot be read") //nolint:staticcheck // a name
)

// kinds are the kinds of a [Reason]. The first match counts.
var kinds = []struct {
	err  error
	kind string
}{
	{ErrLost, "ended"},
	{ErrAccident, "accident"},
	{ErrWay, "way"},
	{rpc.ErrUnreachable, "unreachable"},
	{rpc.ErrWrongKey, "wrong_key"},
	{rpc.ErrNoDatabase, "no_database"},
	{rpc.ErrNotOdoo, "not_odoo"},
	{rpc.ErrOld, "old"},
	{rpc.ErrDenied, "rights"},
	{rpc.ErrFault, "fault"},
	{rpc.ErrNotFound, "fault"},
	{ErrDatabase, "database"},
	{idp.ErrInvalid, "invalid"},
	{idp.ErrTaken, "taken"},
	{idp.ErrBusy, "busy"},
	{context.DeadlineExceeded, "unreachable"},
}

// Kinds are all kinds of a [Reason] but none.
func Kinds() (out []string) {
	for _, k := range kinds {
		out = append(out, k.kind)
	}
	return out
}

// Why is the reason of a failure. It has no kind when the failure is not an
// Odoo's, nor the order's: the visitor's own rights, or a fault of this house.
func Why(err error) (r Reason) {
	if err == nil || errors.Is(err, idp.ErrDenied) && !errors.Is(err, ErrLost) && !errors.Is(err, rpc.ErrDenied) {
		return r
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			r.Kind = k.kind
			break
		}
	}
	said, there := (*saying)(nil), (*rpc.Trouble)(nil)
	switch {
	case errors.As(err, &said):
		r.Said, r.Check = said.Said, said.Check
	case errors.As(err, &there):
		r.Said = Said{Says: there.Says, Facts: there.Facts, Detail: there.Detail}
	case r.Kind != "ended": // which says it all
		r.Detail = Plainly(err)
	}
	return r
}

// Plainly is an error in English without the words that are for programs.
func Plainly(err error) string {
	return strings.ReplaceAll(err.Error(), idp.ErrInvalid.Error()+": ", "")
}

// noted is an error as a note; says is what it is where nothing better is known.
func noted(err error, says string) Note {
	n := Note{Text: err.Error()}
	if n.Said = Why(err).Said; n.Says == "" {
		n.Says, n.Detail = says, Plainly(err)
	}
	return n
}

// warned is a warning about a client as a note.
func warned(w oidc.Note) Note {
	n := Note{Text: w.Text, Said: Said{Detail: w.Text}}
	if w.Code == "clear_text" {
		n.Said = say("note.clear", w.Facts[1]).Said
	}
	return n
}

// NotDressed says that a client did not get the looks of its company.
func NotDressed(err error) Note { return say("note.looks").because(err.Error()) }

// Setting says what a line "key = value" of [Locked.Settings], or of Unlock, is.
func Setting(line string) Note {
	key, value, _ := strings.Cut(line, " = ")
	n := say("setting.other", key, value)
	if site, is := strings.CutPrefix(key, siteKey); is {
		n = say("setting.site", site, value)
	}
	n.Text = line
	return n
}
