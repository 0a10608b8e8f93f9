package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/audit"
	"latchkey/idp/brand"
	"latchkey/idp/company"
	"latchkey/idp/evidence"
	"latchkey/idp/figures"
	"latchkey/idp/job"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/idp/provision"
	"latchkey/idp/register"
	"latchkey/idp/replay"
	"latchkey/idp/rulebook"
	"latchkey/idp/settings"
	"latchkey/idp/signin"
	"latchkey/idp/texts"
	"latchkey/mfa"
	"latchkey/mfa/trust"
)

// Accounts are people, and what they are signed in and invited by.
type Accounts struct {
	Users     idp.Users
	Groups    idp.Groups
	Sessions  idp.Sessions     // signed-in browsers
	Doors     account.Doors    // ends what people are signed in by
	Links     idp.Links        // addresses that are good once
	Owners    account.Owners   // watches over who owns the house
	Locks     Locks            // lifts what Limiter counted
	Pictures  account.Pictures // chosen by people for themselves
	Approvals account.ApprovalStore
	Directory account.Directory // about many people at once
	Requested register.Requests // accounts that nobody has yet
}

// Proofs are what a sign-in is proven with, and what is under way.
type Proofs struct {
	Credentials   mfa.Credentials
	Challenges    mfa.Challenges
	Limiter       mfa.Limiter
	Devices       trust.Devices
	Flows         signin.Flows  // past the first factor
	Offers        signin.Offers // of passkeys
	SessionTokens SessionTokens // grants that end with their session
}

// Protocol is what OpenID Connect needs.
type Protocol struct {
	Clients    oidc.Clients
	ClientUses oidc.UseStore // when clients were used last
	Keys       oidc.KeyStore
	Grants     oidc.Grants // codes and tokens
	Logins     oidc.Logins // which clients were told of which session
	Consents   oidc.Consents
	Uses       oidc.Uses // when a person last got into each application
}

// Rules are policies, and the groups that they are about.
type Rules struct {
	Policies  *Policies
	Rulebook  rulebook.Store      // policies with their versions and drafts
	GroupBook rulebook.GroupStore // groups as lists show them
}

// Office is what administrators and main contacts work with.
type Office struct {
	People    people.Finder
	Batches   people.Batches // what is done to many people
	Moves     people.Moves   // from one account to another of the same person
	Companies company.Store
	Jobs      job.Store // work behind pages
}

// Odoos are what is connected.
type Odoos struct {
	Connections    connector.Connections
	Journal        connector.Journal // runs of the synchronisation, and open cases
	Ties           connector.Ties    // who is who
	OdooTokens     OdooTokens
	Administrators Administrators // who is written to about it
}

// Administrators finds who looks after the house and can be written to.
type Administrators interface {
	Reachable(ctx context.Context) ([]idp.User, error)
	Owners(ctx context.Context) ([]idp.User, error)
}

// Programs are what callers of the API leave.
type Programs struct {
	APITokens   apitoken.Store
	Requests    replay.Store    // answers to requests that may be sent again
	Provisioned provision.Store // what systems that feed people must find again
}

// Records are what happened, and what it amounts to.
type Records struct {
	Log         idp.Log
	Audit       audit.Chain
	AuditReader audit.Reader
	AuditWork   audit.Work // what the background tasks of the log remember
	Evidence    evidence.Store
	Figures     figures.Store
}

// House is what the house says of itself, and how it looks.
type House struct {
	Settings   settings.Store
	Brands     brand.Store
	Texts      texts.Store
	Deliveries mail.Ledger // the outbox, for whoever looks into it
}

// stock fills the groups. Every store is one pointer to d, so that having all
// of them costs nothing.
func (d *DB) stock() {
	tokens, policies := SessionTokens{d}, &Policies{d}
	d.Accounts = Accounts{
		Users: users{d}, Groups: groups{d}, Sessions: sessions{d}, Doors: doors{tokens}, Links: links{d}, Owners: owners{d},
		Locks: Locks{d}, Pictures: pictures{d}, Approvals: approvals{d}, Directory: directory{d}, Requested: requested{d},
	}
	d.Proofs = Proofs{
		Credentials: credentials{d}, Challenges: challenges{d}, Limiter: limiter{d}, Devices: devices{d}, Flows: flows{d}, Offers: offers{d}, SessionTokens: tokens,
	}
	d.Protocol = Protocol{
		Clients: clients{d}, ClientUses: clientUses{d}, Keys: keys{d}, Grants: grants{d}, Logins: logins{d}, Consents: consents{d}, Uses: uses{d},
	}
	d.Rules = Rules{Policies: policies, Rulebook: book{policies}, GroupBook: groupBook{groups{d}}}
	d.Office = Office{People: finder{d}, Batches: batches{d}, Moves: moves{d}, Companies: companies{d}, Jobs: jobs{d}}
	d.Odoos = Odoos{
		Connections: connections{d}, Journal: journal{d}, Ties: ties{d}, OdooTokens: OdooTokens{d}, Administrators: administrators{d},
	}
	d.Programs = Programs{APITokens: apiTokens{d}, Requests: apiRequests{d}, Provisioned: provisioned{d}}
	d.Records = Records{
		Log: eventLog{d}, Audit: auditChain{d}, AuditReader: auditReader{d}, AuditWork: auditWork{d}, Evidence: evidenceStore{d}, Figures: figureStore{d},
	}
	d.House = House{Settings: settingsStore{d}, Brands: brands{d}, Texts: ownTexts{d}, Deliveries: outbox{d: d}}
}
