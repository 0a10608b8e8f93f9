package main

import (
	"context"

	"latchkey/ui/admin"
	rooms "latchkey/ui/admin/house"
)

// adminHouse is the part about the house itself.
func (h *house) adminHouse() []admin.Section {
	p := &rooms.Pages{Settings: h.settings, Texts: h.texts, Brand: func(context.Context) string { return h.cfg.Branding.Name }}
	return p.Sections()
}
