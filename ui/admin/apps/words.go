package apps

import (
	"fmt"
	"strings"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// warned says warnings about an application in the reader's language.
func warned(c *page.Context, all []oidc.Note) (out []string) {
	for _, n := range all {
		out = append(out, said(c, n).Said)
	}
	return out
}

// evidenceOf says what a test saw. Of an Odoo's validation address package
// connector says it.
func evidenceOf(c *page.Context, t oidc.Trial) odoowords.Line {
	if n := t.Evidence; t.Check == "validation" {
		return odoowords.Say(c.Words, connector.Said{Says: n.Code, Facts: n.Facts, Detail: n.Detail}, n.Text)
	}
	return said(c, t.Evidence)
}

func said(c *page.Context, n oidc.Note) (l odoowords.Line) {
	if l.Detail = n.Detail; l.Detail != "" {
		l.Heading = c.Words.T("admin.technical")
	}
	switch n.Code {
	case "":
	case oidc.NoteFields:
		l.Said = mistakes(c, n.Facts)
	case "clear_text":
		n.Facts = append([]string{fieldName(c, n.Facts[0])}, n.Facts[1:]...)
		fallthrough
	default:
		l.Said = admin.Sentence(c.Words, "admin.clients.evidence."+n.Code, oidc.Sentences[n.Code], n.Facts)
	}
	return l
}

// mistakes says which fields are wrong, and what belongs there.
func mistakes(c *page.Context, fields []string) string {
	out := make([]string, len(fields))
	for i, field := range fields {
		first, _, _ := strings.Cut(field, ",")
		what := c.Words.T("admin.clients.wrong.other")
		if key := fmt.Sprintf("admin.clients.wrong.%s", first); c.Words.Has(key) {
			what = c.Words.T(key)
		}
		out[i] = c.Words.T("admin.clients.wrong_field", fieldName(c, first), what)
	}
	return strings.Join(out, " ")
}

// fieldName is what a field of a registration is called.
func fieldName(c *page.Context, name string) string {
	if key := fmt.Sprintf("admin.clients.field.%s", name); c.Words.Has(key) {
		return c.Words.T(key)
	}
	return name
}
