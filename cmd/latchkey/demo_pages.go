package main

import (
	"github.com/gin-gonic/gin"

	"latchkey/ui/admin/apps"
	"latchkey/ui/admin/companies"
	rooms "latchkey/ui/admin/house"
	odoopages "latchkey/ui/admin/odoo"
	"latchkey/ui/admin/overview"
	"latchkey/ui/admin/people"
	"latchkey/ui/admin/records"
	rulepages "latchkey/ui/admin/rules"
	"latchkey/ui/company"
	"latchkey/ui/dev"
	"latchkey/ui/message"
	"latchkey/ui/page"
	"latchkey/ui/profile"
	"latchkey/ui/protocol"
	"latchkey/ui/security"
	"latchkey/ui/signin"
)

// demoPages are there in demo mode only. Whoever opens the outbox reads
// everybody's mail.
func demoPages(h *house, r gin.IRouter) {
	(&dev.Pages{
		Site: h.site, Outbox: h.db.Outbox(), Shelves: demoShelves(h.site), Messages: message.Samples(h.cfg.Issuer, h.cfg.Branding.Name, h.now),
	}).Mount(r)
}

// demoShelves is every package that has pages, in the order of the list.
func demoShelves(site *page.Site) []page.Shelf {
	return []page.Shelf{
		{Name: "signin", Samples: signin.Samples()},
		{Name: "security", Samples: security.Samples()},
		{Name: "profile", Samples: profile.Samples()},
		{Name: "protocol", Samples: protocol.Pages{Site: site}.Samples()},
		{Name: "page", Samples: page.Samples()},
		{Name: "company", Samples: company.Samples()},
		{Name: "admin-overview", Samples: overview.Samples()},
		{Name: "admin-people", Samples: people.Samples()},
		{Name: "admin-companies", Samples: companies.Samples()},
		{Name: "admin-rules", Samples: rulepages.Samples()},
		{Name: "admin-apps", Samples: apps.Samples()},
		{Name: "admin-odoo", Samples: odoopages.Samples()},
		{Name: "admin-records", Samples: records.Samples()},
		{Name: "admin-house", Samples: rooms.Samples()},
	}
}
