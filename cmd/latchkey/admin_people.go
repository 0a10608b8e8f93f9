package main

import (
	"context"
	"log/slog"

	"latchkey/idp/account"
	"latchkey/idp/people"
	"latchkey/ui/admin"
	users "latchkey/ui/admin/people"
	"latchkey/ui/security"
)

// adminPeople is the part of the administration about people.
func (h *house) adminPeople() []admin.Section {
	p := &users.Pages{
		Accounts: h.accounts, Help: h.help, Approvals: h.approvals(), Directory: h.directory(), Cards: h.cards(), Bulk: h.bulk(), Imports: h.imports(), Merging: h.merging(),
		Data: h.export(), Companies: h.companies(), Groups: h.db.Groups(), Kinds: h.engine.Kinds, Issuer: h.cfg.Issuer, NoMail: h.cfg.Mail.SMTPURL == "",
		Security: &security.Pages{Site: h.site, SignIn: h.signIn, Security: h.security, Elsewhere: h.odooConnected},
	}
	return p.Sections()
}

// directory finds people.
func (b *base) directory() *people.Directory {
	return &people.Directory{People: b.db.People(), Log: b.db.Log(), Now: b.now}
}

// cards gather everything about one person.
func (b *base) cards() *people.Cards {
	return &people.Cards{
		People: b.db.People(), Users: b.db.Users(), Sessions: b.db.Sessions(), Factors: b.engine, Devices: b.db.Devices(), Policies: b.db.Policies(), Ties: b.db.Ties(),
		Apps: b.apps, Log: b.db.Log(), Approvals: b.approvals(), Now: b.now,
	}
}

// bulk does one thing to many people.
func (b *base) bulk() *people.Bulk {
	return &people.Bulk{
		Directory: b.directory(), Users: b.db.Users(), Batches: b.db.Batches(), Do: people.Does{Help: b.help}, Work: b.jobs, Log: b.db.Log(), Now: b.now,
	}
}

// imports add people from uploaded tables.
func (b *base) imports() *people.Imports {
	return &people.Imports{Accounts: b.accounts, Lookup: b.db.Directory(), Batches: b.db.Batches(), Bulk: b.bulk(), Work: b.jobs, Now: b.now}
}

// merging makes one person of two accounts.
func (b *base) merging() *people.Merging {
	return &people.Merging{
		Users: b.db.Users(), Ties: b.db.Ties(), Consents: b.db.Consents(), Moves: b.db.Moves(), Accounts: b.accounts, Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now,
	}
}

// approvals let two administrators give a temporary code.
func (b *base) approvals() *account.Approvals {
	return &account.Approvals{Help: b.help, Store: b.db.Approvals()}
}

// secondApprover reports whether a temporary code takes two administrators.
func (b *base) secondApprover(ctx context.Context) (bool, error) {
	s, err := b.settings.House(ctx)
	return s.SecondApprover, err
}

// word makes people findable whom an older version of the program has added:
// before this one came, or beside it.
func (b *base) word(ctx context.Context) {
	err := b.db.Reword(ctx)
	if err == nil {
		err = b.db.Reprotect(ctx)
	}
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "the words by which people are found are not all made; it is tried again at the next start", "err", err)
	}
}
