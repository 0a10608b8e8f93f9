package odoo

import (
	"fmt"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

// findingView is something that the doctor found.
type findingView struct {
	Title, Text, Chip, Level, Cure string
	Said                           string // the evidence in the reader's language
	Evidence                       string // what there is of it in English only
	Check                          string // to cure it; empty: it cannot be, or is
}

func findingOf(c *page.Context, v admin.Visit, f connector.Finding) findingView {
	out := findingView{Title: f.Check, Chip: "chip-warn", Level: c.Words.T(fmt.Sprintf("admin.odoo.level.%s", f.Level)), Cure: f.Cure}
	out.Said, out.Evidence = evidence(c.Words, f)
	if key := fmt.Sprintf("admin.odoo.check.%s", f.Check); c.Words.Has(key) {
		out.Title = c.Words.T(key)
	}
	if key := fmt.Sprintf("admin.odoo.cure.%s", f.Check); c.Words.Has(key) {
		out.Text = c.Words.T(key)
	}
	switch {
	case f.Fixed: // nothing is left to do
		out.Chip, out.Level, out.Text, out.Cure = "chip-good", c.Words.T("admin.odoo.level.fixed"), "", ""
	case f.Says == "unread": // what would cure the check is not what is missing, and the evidence says it
		out.Text, out.Cure = "", ""
	case f.Level == connector.Problem:
		out.Chip = "chip-bad"
	}
	if f.Fixable && !f.Fixed && v.May(idp.EditOdoo) {
		out.Check = f.Check
	}
	return out
}

// evidence is what a finding says, and what remains in English: all of it, if
// it was kept before findings had their sentences.
func evidence(words locale.Printer, f connector.Finding) (said, english string) {
	key := "admin.odoo.evidence." + f.Says
	sentence, known := connector.Sentences[f.Says]
	if !known || !words.Has(key) || len(f.Facts) != strings.Count(sentence, "%") {
		return "", f.Evidence
	}
	facts := make([]any, len(f.Facts))
	for i, one := range f.Facts {
		facts[i] = one
	}
	if at := strings.Index(sentence, "%"); at < 0 || sentence[at+1] != 'd' {
		return words.T(key, facts...), f.Detail
	}
	n, err := strconv.Atoi(f.Facts[0])
	if err != nil {
		return "", f.Evidence
	}
	return words.N(key, n, facts[1:]...), f.Detail
}
