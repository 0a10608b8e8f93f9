// Package odoowords says in the reader's language what package connector found
// and did. It knows no page.
package odoowords

import (
	"fmt"
	"strconv"
	"strings"

	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
)

// Line is something that package connector said, for a reader of any language.
type Line struct {
	Who     string // whom it is about
	Title   string // what it is, in the reader's language
	Said    string // and what is said of it
	Cure    string // what to do next
	English string // what there is of it in English only: it was kept before it had a sentence
	// Detail is what Odoo or the operating system said, word for word, and Heading
	// says that it is that.
	Detail, Heading string
}

// Empty reports whether nothing is said.
func (l Line) Empty() bool { return l == Line{} }

// Named reports whether something is said, and of whom, or what it is.
func (l Line) Named() bool { return l.Who+l.Title != "" && l.Said+l.English != "" }

// Text is what there is in the reader's language.
func (l Line) Text() string {
	var out []string
	for _, s := range []string{l.Said, l.Cure} {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

// Say says what was said; english is what there is of it without a sentence.
func Say(words locale.Printer, s connector.Said, english string) Line {
	said, known := sentence(words, s)
	switch {
	case !known && s.Says == "" && s.Detail != "": // there are a machine's words alone
		return Line{Detail: s.Detail, Heading: words.T("admin.technical")}
	case !known:
		return Line{English: english}
	case s.Detail == "":
		return Line{Said: said}
	}
	return Line{Said: said, Detail: s.Detail, Heading: words.T("admin.technical")}
}

// Note is Say for a note, with what cures it.
func Note(words locale.Printer, n connector.Note) Line {
	l := Say(words, n.Said, n.Text)
	if key := fmt.Sprintf("admin.odoo.cure.%s", n.Check); l.English == "" && n.Check != "" && words.Has(key) {
		l.Cure = words.T(key)
	}
	return l
}

// Reason is Say for a failure: of which kind it is, and what is known of it.
// english is all there is of one that was kept before failures had a kind.
func Reason(words locale.Printer, r connector.Reason, english string) Line {
	key := fmt.Sprintf("admin.odoo.problem.%s", r.Kind)
	if r.Kind == "" || !words.Has(key) {
		return Line{English: english}
	}
	l := Note(words, connector.Note{Said: r.Said, Check: r.Check})
	l.Title = words.T(key)
	return l
}

// Finding says what the doctor found: its check as the title, the evidence and
// the cure. english is the cure where no other language has one.
func Finding(words locale.Printer, f connector.Finding) (l Line, english string) {
	l = Say(words, f.Said, f.Evidence)
	l.Title, english = f.Check, f.Cure
	if key := fmt.Sprintf("admin.odoo.check.%s", f.Check); words.Has(key) {
		l.Title = words.T(key)
	}
	if key := fmt.Sprintf("admin.odoo.cure.%s", f.Check); words.Has(key) {
		l.Cure, english = words.T(key), ""
	}
	if f.Over() || f.Says == "unread" { // nothing is left to do; or the evidence says what is
		l.Cure, english = "", ""
	}
	return l, english
}

// sentence is one of connector.Sentences in the reader's language, if it is known
// and has its facts.
func sentence(words locale.Printer, s connector.Said) (string, bool) {
	key := "admin.odoo.evidence." + s.Says
	english, known := connector.Sentences[s.Says]
	if !known || !words.Has(key) || len(s.Facts) != strings.Count(english, "%") {
		return "", false
	}
	facts := make([]any, len(s.Facts))
	for i, one := range s.Facts {
		facts[i] = one
	}
	if s.Says == "sync.changed" {
		facts[0] = fields(words, s.Facts[0])
	}
	if at := strings.Index(english, "%"); at < 0 || english[at+1] != 'd' {
		return words.T(key, facts...), true
	}
	n, err := strconv.Atoi(s.Facts[0])
	if err != nil {
		return "", false
	}
	return words.N(key, n, facts[1:]...), true
}

// fields are the names of fields of a person, such as "name, lang", in words.
func fields(words locale.Printer, names string) string {
	all := strings.Split(names, ", ")
	for i, name := range all {
		if key := fmt.Sprintf("admin.odoo.changed.%s", name); words.Has(key) {
			all[i] = words.T(key)
		}
	}
	return strings.Join(all, ", ")
}
