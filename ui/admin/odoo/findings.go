package odoo

import (
	"fmt"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/admin/odoowords"
	"latchkey/ui/page"
)

// findingView is something that the doctor found.
type findingView struct {
	odoowords.Line
	Chip, Level string
	EnglishCure string         // where there is no other
	Failed      odoowords.Line // why it could not be put right
	Check       string         // to cure it; empty: it cannot be, or is
}

func findingOf(c *page.Context, v admin.Visit, f connector.Finding) findingView {
	out := findingView{Chip: "chip-warn", Level: c.Words.T(fmt.Sprintf("admin.odoo.level.%s", f.Level))}
	out.Line, out.EnglishCure = odoowords.Finding(c.Words, f)
	out.Failed = failure(c.Words, f.Why, f.Failed)
	switch {
	case f.Fixed:
		out.Chip, out.Level = "chip-good", c.Words.T("admin.odoo.level.fixed")
	case f.Gone:
		out.Chip, out.Level = "chip-good", c.Words.T("admin.odoo.level.gone")
	case f.Says == "unread":
	case f.Level == connector.Problem:
		out.Chip = "chip-bad"
	}
	if f.Fixable && !f.Over() && v.May(idp.EditOdoo) {
		out.Check = f.Check
	}
	return out
}
