// Package records is the part of the administration that looks back: the audit
// log. It shows what its services say and decides nothing.
package records

import (
	"context"
	"embed"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Pages are the records.
type Pages struct {
	Log *audit.Service
	// Find finds a person by login, e-mail or id.
	Find func(ctx context.Context, who string) (idp.User, error)
}

// Sections are the entries of the navigation.
func (p *Pages) Sections() []admin.Section {
	return []admin.Section{{
		Name: "audit", Path: auditPath, Right: idp.SeeAudit, Group: "records", Routes: p.auditRoutes(),
	}}
}

// Samples is these pages with sample data.
func Samples() []page.Sample { return (&Pages{}).auditSamples() }
