package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/account"
)

// changeFlags are the flags of `user update`.
type changeFlags struct {
	email, name, login, locale, phone, role, claims string
	verified, unverified, portal, internal          bool
}

func userUpdate(a *app) *cobra.Command {
	var f changeFlags
	c := &cobra.Command{
		Use: "update WHO", Short: "Change what is known about a person", Args: exactly(1),
		Long: "Change what is known about a person; what has no flag stays. An empty text ('') clears what can be empty: e-mail, phone, locale, role, claims;\n" +
			"an empty login becomes the e-mail, an empty name the login.\n" +
			"A new e-mail or phone is not verified unless --verified says that it is theirs; a login that was the e-mail follows it.\n" +
			"The id, sessions and second factors stay.",
		Example: "  latchkey user update ada@example.org --email ada.king@example.org --verified",
	}
	fs := c.Flags()
	fs.StringVar(&f.email, "email", "", "new e-mail `ADDRESS`")
	fs.StringVar(&f.name, "name", "", "new full `NAME`; the login when empty")
	fs.StringVar(&f.login, "login", "", "new `LOGIN`; the e-mail when empty")
	fs.StringVar(&f.locale, "locale", "", "`LANGUAGE`, such as fr")
	fs.StringVar(&f.phone, "phone", "", "new phone `NUMBER` with country code, such as +33612345678")
	fs.StringVar(&f.role, "role", "", "`ROLE` in the administration: owner, admin, helpdesk or auditor")
	fs.StringVar(&f.claims, "claims", "", "further standard claims as `JSON`, in place of all that there are")
	fs.BoolVar(&f.verified, "verified", false, "e-mail and phone are known to be theirs")
	fs.BoolVar(&f.unverified, "unverified", false, "e-mail and phone are not known to be theirs")
	fs.BoolVar(&f.portal, "portal", false, "make them a portal customer")
	fs.BoolVar(&f.internal, "internal", false, "make them an employee")
	c.MarkFlagsMutuallyExclusive("portal", "internal")
	c.MarkFlagsMutuallyExclusive("verified", "unverified")
	c.MarkFlagsOneRequired("email", "name", "login", "locale", "phone", "role", "claims", "verified", "unverified", "portal", "internal")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		change, err := f.change(cmd)
		if err != nil {
			return err
		}
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if u, err = b.people.accounts.Update(ctx, host, u.ID, change); err != nil {
			return taken(err)
		}
		if change.Email != nil {
			noteUnverified(cmd, u)
		}
		return a.print(cmd, viewUser(u), func(w io.Writer) { fmt.Fprintf(w, "%s is updated\n", clean(u.Login)) })
	})
	return c
}

// noteUnverified warns of an e-mail that applications will not be told as the
// person's: Odoo's links and logins would not follow it.
func noteUnverified(cmd *cobra.Command, u idp.User) {
	if u.Email != "" && !u.EmailVerified {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: not verified: applications will not use the e-mail %s; `latchkey user update %s --verified` says that it is theirs\n", clean(u.Email), u.ID)
	}
}

// change takes over the flags that were given.
func (f *changeFlags) change(cmd *cobra.Command) (c account.Change, err error) {
	given := cmd.Flags().Changed
	for name, to := range map[string]struct {
		field **string
		value *string
	}{
		"email": {&c.Email, &f.email}, "name": {&c.Name, &f.name}, "login": {&c.Login, &f.login},
		"locale": {&c.Locale, &f.locale}, "phone": {&c.Phone, &f.phone},
	} {
		if given(name) {
			*to.field = to.value
		}
	}
	if given("role") {
		role := idp.Role(f.role)
		c.Role = &role
	}
	for kind, on := range map[idp.Kind]bool{idp.Portal: f.portal, idp.Internal: f.internal} {
		if on {
			c.Kind = &kind
		}
	}
	if f.verified || f.unverified {
		c.Verified = &f.verified
	}
	if given("claims") {
		c.Profile = &idp.Profile{}
		if f.claims != "" {
			*c.Profile, err = readClaims(f.claims)
		}
	}
	return c, err
}
