package api

import (
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/audit"
	"latchkey/idp/brand"
	"latchkey/idp/evidence"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/idp/rulebook"
	"latchkey/idp/security"
	"latchkey/idp/settings"
)

// Services are the use cases behind the operations.
type Services struct {
	People    *account.Help
	Directory *people.Directory
	Merging   *people.Merging
	Security  *security.Service
	Tokens    *apitoken.Service
	Groups    *rulebook.Groups
	Rules     *rulebook.Service
	Clients   *oidc.Registrar
	Keys      *oidc.Custodian
	Odoo      *connector.People
	Audit     *audit.Service
	Settings  *settings.Service
	Brands    *brand.Service
	Evidence  *evidence.Service
}
