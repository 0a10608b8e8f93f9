package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/company"
	"latchkey/idp/export"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/idp/register"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/mfa/trust"
	"latchkey/ui/admin"
	"latchkey/ui/admin/companies"
	users "latchkey/ui/admin/people"
	"latchkey/ui/message"
	protect "latchkey/ui/security"
	pages "latchkey/ui/signin"
)

// peopleSide is what is done with people and their accounts, by themselves and
// by others.
type peopleSide struct {
	*ground
	*proofs
	accounts *account.Service
	help     *account.Help
	self     *account.Self
	notices  *message.Notices
	apps     *oidc.Apps
}

// newPeople puts accounts on top of the rest. fed names the connected Odoo that
// fills a group.
func newPeople(p *proofs, m *messageSide, c *choiceSide, r *protocolSide, fed func(context.Context, string) (string, bool, error)) *peopleSide {
	g := m.ground
	s := &peopleSide{ground: g, proofs: p, notices: m.notices, apps: r.apps}
	s.accounts = &account.Service{
		Users: g.db.Users, Groups: g.db.Groups, Sessions: g.db.Sessions, Factors: p.engine, Passwords: p.hasher, Log: g.db.Log, Notify: m.notices, Policies: g.db.Policies, Atomic: g.db.Atomic, Now: g.now, Locks: g.db.Locks, Links: g.db.Links, Owners: g.db.Owners, Doors: g.db.Doors,
		Fed: fed, MinPassword: g.cfg.Passwords.MinLength, Words: []string{g.cfg.Branding.Name, g.cfg.Branding.Company},
	}
	s.help = &account.Help{Service: s.accounts, Letters: m.notices, Limiter: g.db.Limiter, Second: c.secondApprover, Title: r.title}
	s.self = &account.Self{Help: s.help, Pictures: g.db.Pictures, Issuer: g.cfg.Issuer}
	if g.cfg.Accounts.Closing == "request" {
		s.self.Desk = message.Desk{Notices: m.notices, Admin: g.cfg.Mail.Admin}
	}
	return s
}

// directory finds people.
func (s *peopleSide) directory() *people.Directory {
	return &people.Directory{People: s.db.People, Log: s.db.Log, Now: s.now}
}

// cards gather everything about one person.
func (s *peopleSide) cards() *people.Cards {
	return &people.Cards{
		People: s.db.People, Users: s.db.Users, Sessions: s.db.Sessions, Factors: s.engine, Devices: s.db.Devices, Policies: s.db.Policies, Ties: s.db.Ties,
		Apps: s.apps, Log: s.db.Log, Approvals: s.approvals(), Now: s.now,
	}
}

// bulk does one thing to many people.
func (s *peopleSide) bulk() *people.Bulk {
	return &people.Bulk{
		Directory: s.directory(), Users: s.db.Users, Batches: s.db.Batches, Do: people.Does{Help: s.help}, Work: s.jobs, Log: s.db.Log, Now: s.now,
	}
}

// imports add people from uploaded tables.
func (s *peopleSide) imports() *people.Imports {
	return &people.Imports{Accounts: s.accounts, Lookup: s.db.Directory, Batches: s.db.Batches, Bulk: s.bulk(), Work: s.jobs, Now: s.now}
}

// merging makes one person of two accounts.
func (s *peopleSide) merging() *people.Merging {
	return &people.Merging{
		Users: s.db.Users, Ties: s.db.Ties, Consents: s.db.Consents, Moves: s.db.Moves, Accounts: s.accounts, Log: s.db.Log, Atomic: s.db.Atomic, Now: s.now,
	}
}

// approvals let two administrators give a temporary code.
func (s *peopleSide) approvals() *account.Approvals {
	return &account.Approvals{Help: s.help, Store: s.db.Approvals}
}

// companies lets main contacts look after their people.
func (s *peopleSide) companies() *company.Service {
	return &company.Service{
		Store: s.db.Companies, Help: s.help, Users: s.db.Users, Limiter: s.db.Limiter, Log: s.db.Log, Atomic: s.db.Atomic, Now: s.now, Even: 300 * time.Millisecond,
	}
}

// contacts is what main contacts do.
func (s *peopleSide) contacts() *company.Contacts { return &company.Contacts{Service: s.companies()} }

// registration lets strangers make accounts where the settings allow it.
func (s *peopleSide) registration(c *choiceSide) *register.Service {
	return &register.Service{
		Settings: c.settings, Accounts: s.accounts, Requests: s.db.Requested, Letters: s.notices, Limiter: s.db.Limiter, Title: s.help.Title, Network: signin.Network,
	}
}

// export writes down what is held about somebody.
func (s *peopleSide) export() *export.Service {
	return &export.Service{
		Self: s.self, Sessions: s.db.Sessions, Factors: s.engine, Devices: s.db.Devices, Apps: s.apps, Log: s.db.Log, Notify: s.notices,
		Atomic: s.db.Atomic, Now: s.now,
	}
}

// protection is what looks after what accounts are protected by. The command
// line, which has no cookies, needs no sign-in.
func (s *peopleSide) protection(devices *trust.Book, signIn *signin.Service) *security.Service {
	return &security.Service{Means: security.Means{
		Users: s.db.Users, Sessions: s.db.Sessions, Flows: s.db.Flows, Policies: s.db.Policies, Factors: s.engine, Devices: devices,
		Passwords: s.hasher, Rules: s.accounts.Rules(), Limiter: s.db.Limiter, Log: s.db.Log, Tokens: s.db.SessionTokens, Notify: s.notices,
		Atomic: s.db.Atomic, Sealer: s.ring, SignIn: signIn, Now: s.now,
	}}
}

// guard is protection for the command line. It reads no cookie, so its devices
// need no key.
func (s *peopleSide) guard() *security.Service {
	return s.protection(&trust.Book{Devices: s.db.Devices, Now: s.now}, nil)
}

// door is where a person enters an application.
func (s *peopleSide) door(ctx context.Context, u idp.User, id idp.ClientID) (name, address string, err error) {
	app, err := s.apps.Door(ctx, u, id)
	return app.Client.Title(), app.Address, err
}

// whom finds a person. An id of somebody who is gone stands for itself: the log
// still knows them.
func (s *peopleSide) whom(ctx context.Context, who string) (idp.UserID, error) {
	if who == "" {
		return "", nil
	}
	u, err := s.accounts.Find(ctx, who)
	if errors.Is(err, idp.ErrNotFound) && len(who) == idLength {
		return idp.UserID(who), nil
	}
	return u.ID, err
}

// idLength is that of a person's id.
const idLength = 26

// offerOwner prints the link that makes the first owner, as long as there is
// none. It goes to the console alone: it is a secret, and logs are kept.
func (s *peopleSide) offerOwner(ctx context.Context, out io.Writer) error {
	token, until, err := s.accounts.Founding().OwnerLink(ctx, idp.Origin{Agent: "start of the server"})
	if errors.Is(err, idp.ErrTaken) {
		return nil
	} else if err != nil {
		return err
	}
	slog.InfoContext(ctx, "nobody owns this installation yet; the link that makes the owner is on the console")
	fmt.Fprintf(out, "\nNobody owns this installation yet. Open this address to make the owner's account (good once, until %s):\n\n  %s\n\n",
		stamp(until), pages.FoundingAddress(s.cfg.Issuer, token))
	return nil
}

// sections are the pages about people, with those of what protects them.
func (s *peopleSide) sections(own *protect.Pages) []admin.Section {
	p := &users.Pages{
		Accounts: s.accounts, Help: s.help, Approvals: s.approvals(), Directory: s.directory(), Cards: s.cards(), Bulk: s.bulk(), Imports: s.imports(), Merging: s.merging(),
		Data: s.export(), Companies: s.companies(), Groups: s.db.Groups, Kinds: s.engine.Kinds, Issuer: s.cfg.Issuer, NoMail: s.cfg.Mail.SMTPURL == "",
		Security: own,
	}
	return p.Sections()
}

// companySections are the pages about customer companies.
func (s *peopleSide) companySections() []admin.Section {
	return (&companies.Pages{Companies: s.companies(), Accounts: s.accounts}).Sections()
}
