package api

import (
	"context"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/audit"
	"latchkey/idp/brand"
	"latchkey/idp/company"
	"latchkey/idp/evidence"
	"latchkey/idp/export"
	"latchkey/idp/figures"
	"latchkey/idp/job"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/idp/rulebook"
	"latchkey/idp/security"
	"latchkey/idp/settings"
	"latchkey/idp/texts"
	"latchkey/ui/message"
)

// Services are the use cases behind the operations.
type Services struct {
	People    *account.Help
	Approvals *account.Approvals
	Directory *people.Directory
	Cards     *people.Cards
	Bulk      *people.Bulk
	Imports   *people.Imports
	Merging   *people.Merging
	Data      *export.Service
	Companies *company.Service
	Security  *security.Service
	Tokens    *apitoken.Service
	Groups    *rulebook.Groups
	Rules     *rulebook.Service
	Clients   *oidc.Registrar
	Keys      *oidc.Custodian
	Odoo      *connector.Office
	// Dress gives the application of an Odoo the looks of its company, and says
	// what it took.
	Dress    func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error)
	Jobs     *job.Desk
	Audit    *audit.Service
	Settings *settings.Service
	Brands   *brand.Service
	Evidence *evidence.Service
	Figures  *figures.Service
	Outlook  func(ctx context.Context, by idp.Actor) ([]Deadline, error)
	Messages Messages
}

// Messages are the use cases about mails and text messages.
type Messages struct {
	Own        *texts.Service
	Deliveries *mail.Deliveries
	Sampler    func(ctx context.Context) message.Sampler
	Texts      settings.Sender
	Mail       Mail // nil: the configuration names no mail server
}

// Mail hands a mail over at once, to see whether the server takes it.
type Mail interface {
	Hand(ctx context.Context, m mail.Message) (mail.Receipt, error)
}

// Deadline is a policy that demands something from a day on.
type Deadline struct {
	Policy   string    `json:"policy" doc:"Its name."`
	Day      time.Time `json:"day" doc:"Its first moment, in UTC."`
	NotReady int64     `json:"not_ready" doc:"People who do not have yet what it demands."`
}
