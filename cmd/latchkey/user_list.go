package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/people"
)

// listedUser is a person in `user list`.
type listedUser struct {
	userView
	SignedIn *time.Time `json:"last_signin"`
	Invited  *time.Time `json:"invited"`
}

func userList(a *app) *cobra.Command {
	var f people.Filter
	var kind string
	c := &cobra.Command{
		Use: "list", Short: "List people", Args: nothing,
		Long: "List people by name. All conditions that are given must be met.\n" +
			"--search takes words of name, login or e-mail, or their beginnings, without regard to case and accents.",
		Example: "  latchkey user list --group accounting --json\n  latchkey user list --kind internal --no-factor\n  latchkey user list --stale 90",
	}
	fs := c.Flags()
	fs.StringVar(&f.Text, "search", "", "`TEXT` in login, name or e-mail")
	fs.StringVar(&f.Group, "group", "", "members of this `GROUP` only")
	fs.StringVar(&kind, "kind", "", "people of this `KIND` only: internal or portal")
	fs.StringVar(&f.Role, "role", "", "people with this `ROLE` only: owner, admin, helpdesk, auditor, or any")
	fs.BoolVar(&f.NoFactor, "no-factor", false, "people without a second factor")
	fs.BoolVar(&f.Active, "active", false, "people who are not disabled")
	fs.BoolVar(&f.Disabled, "disabled", false, "people who are disabled")
	fs.BoolVar(&f.Locked, "locked", false, "people whom wrong passwords or codes lock out now")
	fs.BoolVar(&f.Never, "never", false, "people who have never signed in")
	fs.BoolVar(&f.Invited, "invited", false, "people who were invited and have no password yet")
	fs.BoolVar(&f.Registered, "registered", false, "people who made their own account")
	fs.IntVar(&f.Stale, "stale", 0, "people who have not signed in for so many `DAYS`")
	c.MarkFlagsMutuallyExclusive("active", "disabled")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		if f.Kind = idp.Kind(kind); kind != "" && f.Kind != idp.Internal && f.Kind != idp.Portal {
			return usagef("--kind %q: internal or portal is allowed", kind)
		}
		if err := b.db.Reword(ctx); err != nil { // the server that would have done it may be an older one
			return err
		}
		l := a.list(cmd, "ID", "LOGIN", "NAME", "KIND", "GROUPS", "FACTORS", "STATE", "LAST SIGN-IN")
		err := b.people.directory().Each(ctx, f, func(e people.Entry) error {
			line := people.LineOf(e)
			v, u := listedUser{viewUser(e.User), line.SignedIn, line.Invited}, e.User
			return l.add(v, u.ID, u.Login, u.Name, u.Kind, strings.Join(u.Groups, ","), strings.Join(v.Factors, ","), v.state(), stamp(e.SignedIn))
		})
		if errors.Is(err, idp.ErrInvalid) {
			return usagef("%v", err)
		} else if err != nil {
			return err
		}
		return l.end()
	})
	return c
}
