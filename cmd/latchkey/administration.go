package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"latchkey/idp"
	"latchkey/ui/admin"
	pages "latchkey/ui/signin"
)

// administration is the desk with all its parts.
func (h *house) administration() *admin.Desk {
	return &admin.Desk{Site: h.site, SignIn: h.signIn, Log: h.db.Log(), Sections: h.sections(), Assurance: h.assurance}
}

// assurance is what administrators prove at least. What cannot be read asks for
// the most.
func (b *base) assurance(ctx context.Context) string {
	s, err := b.settings.House(ctx)
	if err != nil {
		slog.WarnContext(ctx, "the settings cannot be read; the administration asks for a passkey", "err", err)
		return idp.PhishingResistant
	}
	return s.Assurance
}

// sessionLimit is how many sessions a person may have at once; 0: any number.
func (b *base) sessionLimit(ctx context.Context) (int, error) {
	s, err := b.settings.House(ctx)
	return s.Sessions, err
}

// sections are in the order of the navigation.
func (h *house) sections() []admin.Section {
	return slices.Concat(
		h.adminOverview(), h.adminPeople(), h.adminCompanies(), h.adminRules(), h.adminApps(), h.adminOdoo(), h.adminRecords(), h.adminHouse(),
	)
}

// offerOwner prints the link that makes the first owner, as long as there is
// none. It goes to the console alone: it is a secret, and logs are kept.
func (b *base) offerOwner(ctx context.Context, out io.Writer) error {
	token, until, err := b.accounts.OwnerLink(ctx, idp.Origin{Agent: "start of the server"})
	if errors.Is(err, idp.ErrTaken) {
		return nil
	} else if err != nil {
		return err
	}
	slog.InfoContext(ctx, "nobody owns this installation yet; the link that makes the owner is on the console")
	fmt.Fprintf(out, "\nNobody owns this installation yet. Open this address to make the owner's account (good once, until %s):\n\n  %s\n\n",
		stamp(until), pages.FoundingAddress(b.cfg.Issuer, token))
	return nil
}
