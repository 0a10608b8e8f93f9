package main

import (
	"github.com/gin-gonic/gin"

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
	}
}
