package main

import (
	"latchkey/ui/admin"
	"latchkey/ui/admin/records"
)

// adminRecords is the part of the administration that looks back.
func (h *house) adminRecords() []admin.Section {
	return (&records.Pages{Log: h.audit, Find: h.accounts.Find}).Sections()
}
