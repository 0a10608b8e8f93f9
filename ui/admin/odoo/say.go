package odoo

import (
	"fmt"

	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
	"latchkey/ui/odoowords"
)

// failure is Reason for what may be well.
func failure(words locale.Printer, r *connector.Reason, english string) odoowords.Line {
	switch {
	case english == "":
		return odoowords.Line{}
	case r == nil:
		return odoowords.Line{English: english}
	}
	return odoowords.Reason(words, *r, english)
}

// about says of whom something is said.
func about(who string, l odoowords.Line) odoowords.Line {
	l.Who = who
	return l
}

// plainly are lines that are names or values alone.
func plainly(all []string) (out []odoowords.Line) {
	for _, one := range all {
		out = append(out, odoowords.Line{Who: one})
	}
	return out
}

// notes are notes as lines.
func notes(words locale.Printer, all []connector.Note) (out []odoowords.Line) {
	for _, n := range all {
		out = append(out, odoowords.Note(words, n))
	}
	return out
}

// settings are settings of Odoo as lines.
func settings(words locale.Printer, all []string) (out []odoowords.Line) {
	for _, s := range all {
		out = append(out, odoowords.Note(words, connector.Setting(s)))
	}
	return out
}

// troubles are people who could not be brought in step.
func troubles(words locale.Printer, all []connector.SyncTrouble) (out []odoowords.Line) {
	for _, t := range all {
		l := about(t.Login, odoowords.Say(words, t.Said, t.Text))
		if key := fmt.Sprintf("admin.odoo.class.%s", word(string(t.Class))); t.Class != "" && words.Has(key) {
			l.Title, l.English = words.T(key), "" // all there was to say of it
		}
		out = append(out, l)
	}
	return out
}
