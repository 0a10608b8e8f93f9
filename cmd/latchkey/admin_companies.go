package main

import (
	"time"

	"latchkey/idp/company"
	"latchkey/ui/admin"
	"latchkey/ui/admin/companies"
)

// adminCompanies is the part of the administration about customer companies.
func (h *house) adminCompanies() []admin.Section {
	return (&companies.Pages{Companies: h.companies(), Accounts: h.accounts}).Sections()
}

// companies lets main contacts look after their people.
func (b *base) companies() *company.Service {
	return &company.Service{
		Store: b.db.Companies(), Help: b.help, Users: b.db.Users(), Limiter: b.db.Limiter(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now, Even: 300 * time.Millisecond,
	}
}

// contacts is what main contacts do.
func (b *base) contacts() *company.Contacts { return &company.Contacts{Service: b.companies()} }
