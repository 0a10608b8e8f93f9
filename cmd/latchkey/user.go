package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
)

func userCommands(a *app) *cobra.Command {
	one := func(use, short, done string, do func(s *account.Service) func(context.Context, idp.Actor, idp.UserID) error) *cobra.Command {
		return userAction(a, use, short, done, do)
	}
	return group("user", "People: employees and portal customers", "  latchkey user list --search lovelace",
		userAdd(a), userOwnerLink(a), userImport(a), userUpdate(a), userList(a), userShow(a),
		one("disable", "Lock a person out at once: sessions end, tokens die", "is disabled",
			func(s *account.Service) func(context.Context, idp.Actor, idp.UserID) error { return s.Disable }),
		one("enable", "Let a disabled person in again", "is enabled",
			func(s *account.Service) func(context.Context, idp.Actor, idp.UserID) error { return s.Enable }),
		one("unlock", "Forget the wrong tries that lock a person out", "is unlocked",
			func(s *account.Service) func(context.Context, idp.Actor, idp.UserID) error { return s.Unlock }),
		one("reset-factors", "Remove every second factor of a person who lost theirs, and end their sessions", "has no second factor any more",
			func(s *account.Service) func(context.Context, idp.Actor, idp.UserID) error { return s.ResetFactors }),
		userPassword(a), userRecovery(a), userTemporary(a), userEnrol(a), userInvite(a), userExport(a), userFactors(a), userDevices(a), userSessions(a), userMerge(a), userRemove(a))
}

// personFlags are the flags of `user add`.
type personFlags struct {
	in               account.New
	portal, internal bool
	role, claims     string
	passwordStdin    bool
	invite           bool
}

func userAdd(a *app) *cobra.Command {
	var f personFlags
	c := &cobra.Command{
		Use: "add --email E --name N", Short: "Add a person", Args: nothing,
		Long: "Add a person. On a terminal the password is asked for; with --password-stdin it is the first line of standard input.\n" +
			"Without a password the person cannot sign in until one is set; with --invite they are asked by mail to choose one.",
		Example: "  echo \"$PASSWORD\" | latchkey user add --email ada@example.org --name 'Ada Lovelace' --portal --group customers --verified --password-stdin",
	}
	fs := c.Flags()
	fs.StringVar(&f.in.Email, "email", "", "e-mail `ADDRESS`")
	fs.StringVar(&f.in.Name, "name", "", "full `NAME`")
	fs.StringVar(&f.in.Login, "login", "", "`LOGIN`; the e-mail when left out")
	fs.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input")
	fs.BoolVar(&f.portal, "portal", false, "a portal customer")
	fs.BoolVar(&f.internal, "internal", false, "an employee (default)")
	fs.StringArrayVar(&f.in.Groups, "group", nil, "a `GROUP` to join; can be repeated")
	fs.StringVar(&f.in.Locale, "locale", "", "`LANGUAGE`, such as fr")
	fs.StringVar(&f.in.Phone, "phone", "", "phone `NUMBER` with country code, such as +33612345678")
	fs.BoolVar(&f.in.Verified, "verified", false, "e-mail and phone are known to be theirs")
	fs.StringVar(&f.in.TOTPSecret, "totp-secret", "", "`BASE32` secret of the authenticator app that they use already")
	fs.StringVar(&f.role, "role", "", "`ROLE` in the administration: owner, admin, helpdesk or auditor")
	fs.StringVar(&f.claims, "claims", "", "further standard claims as `JSON`, such as {\"given_name\":\"Ada\"}")
	fs.BoolVar(&f.invite, "invite", false, "mail them a link on which they choose their password")
	c.MarkFlagsMutuallyExclusive("portal", "internal")
	c.MarkFlagsMutuallyExclusive("invite", "password-stdin")
	c.MarkFlagsOneRequired("email", "login")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		in, err := f.person(cmd)
		if err != nil {
			return err
		}
		if f.invite && in.Email == "" {
			return usagef("--invite needs an --email")
		}
		u, err := b.people.accounts.Add(ctx, host, in)
		if err != nil {
			return taken(err)
		}
		if f.invite {
			if _, err := inviteOne(ctx, b, u, account.Invite{}); err != nil {
				return fmt.Errorf("%s is added, but not invited: %w", u.Login, err)
			}
			noteMail(cmd, b)
			return a.print(cmd, viewUser(u), func(w io.Writer) {
				fmt.Fprintf(w, "%s is added with the id %s, and invited by mail\n", clean(u.Login), u.ID)
			})
		}
		noteUnverified(cmd, u)
		return a.print(cmd, viewUser(u), func(w io.Writer) { fmt.Fprintf(w, "%s is added with the id %s\n", clean(u.Login), u.ID) })
	})
	return c
}

// taken says what to do about a name that somebody else has.
func taken(err error) error {
	if errors.Is(err, idp.ErrTaken) {
		return errors.New("somebody has this login or e-mail already, or one that looks the same: choose another, or find them with `latchkey user list --search`")
	}
	return err
}

func (f personFlags) person(cmd *cobra.Command) (account.New, error) {
	in := f.in
	in.Role, in.Kind = idp.Role(f.role), idp.Internal
	if f.portal {
		in.Kind = idp.Portal
	}
	var err error
	if f.claims != "" {
		if in.Profile, err = readClaims(f.claims); err != nil {
			return in, err
		}
	}
	if !f.invite {
		in.Password, err = readPassword(cmd, f.passwordStdin)
	}
	return in, err
}

func readPassword(cmd *cobra.Command, fromStdin bool) (string, error) {
	switch {
	case fromStdin:
		return secretLine(cmd, "--password-stdin")
	case terminal():
		return askPassword(cmd)
	}
	return "", nil
}

func userShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show WHO", Short: "Show a person, named by e-mail, login or id", Args: exactly(1), Example: "  latchkey user show ada@example.org",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			u, err := b.people.accounts.Find(ctx, args[0])
			if err != nil {
				return err
			}
			v := viewUser(u)
			return a.print(cmd, v, v.write)
		}),
	}
}

// userAction makes a command that does one thing to one person.
func userAction(a *app, name, short, done string, pick func(*account.Service) func(context.Context, idp.Actor, idp.UserID) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " WHO", Short: short, Args: exactly(1), Example: "  latchkey user " + name + " ada@example.org",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			u, err := b.people.accounts.Find(ctx, args[0])
			if err != nil {
				return err
			}
			if err := pick(b.people.accounts)(ctx, host, u.ID); err != nil {
				return err
			}
			if u, err = b.people.accounts.Find(ctx, string(u.ID)); err != nil {
				return err
			}
			return a.print(cmd, viewUser(u), func(w io.Writer) { fmt.Fprintf(w, "%s %s\n", clean(u.Login), done) })
		}),
	}
}

func userPassword(a *app) *cobra.Command {
	var fromStdin bool
	c := &cobra.Command{
		Use: "set-password WHO", Short: "Give a person a new password and end their sessions", Args: exactly(1),
		Example: "  echo \"$PASSWORD\" | latchkey user set-password ada@example.org --password-stdin",
	}
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		plain, err := readPassword(cmd, fromStdin)
		if err != nil {
			return err
		}
		if plain == "" {
			return usagef("no password was given: use --password-stdin, or a terminal")
		}
		if err := b.people.accounts.SetPassword(ctx, host, u.ID, plain); err != nil {
			return err
		}
		return a.say(cmd, map[string]any{"id": u.ID}, "%s has a new password; their sessions are ended", clean(u.Login))
	})
	return c
}

func userRemove(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove WHO", Short: "Remove a person for good; to keep their history usable, disable them instead", Args: exactly(1),
		Example: "  latchkey user remove ada@example.org --yes",
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if err := sure(cmd, yes, fmt.Sprintf("%s (%s) will be removed.", clean(u.Login), clean(u.Name))); err != nil {
			return err
		}
		if err := b.people.accounts.Remove(ctx, host, u.ID); err != nil {
			return err
		}
		return a.say(cmd, map[string]any{"id": u.ID}, "%s is removed", clean(u.Login))
	})
	return c
}

// userView is a person as the command line shows them. Names are part of the
// program's interface.
type userView struct {
	ID            string      `json:"id"`
	Login         string      `json:"login"`
	Email         string      `json:"email,omitempty"`
	EmailVerified bool        `json:"email_verified"`
	Name          string      `json:"name"`
	Phone         string      `json:"phone,omitempty"`
	PhoneVerified bool        `json:"phone_verified"`
	Kind          idp.Kind    `json:"kind"`
	Role          idp.Role    `json:"role,omitempty"`
	Locale        string      `json:"locale,omitempty"`
	Groups        []string    `json:"groups"`
	Factors       []string    `json:"factors"`
	Password      bool        `json:"password"` // there is one
	Disabled      bool        `json:"disabled"`
	Created       time.Time   `json:"created"`
	Updated       time.Time   `json:"updated"`
	Claims        idp.Profile `json:"claims"`
}

func viewUser(u idp.User) userView {
	return userView{
		ID: string(u.ID), Login: u.Login, Email: u.Email, EmailVerified: u.EmailVerified, Name: u.Name, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
		Kind: u.Kind, Role: u.Role, Locale: u.Locale, Groups: append([]string{}, u.Groups...), Factors: kinds(u.Factors), Password: u.Password != "",
		Disabled: u.Disabled, Created: u.Created.UTC(), Updated: u.Updated.UTC(), Claims: u.Profile,
	}
}

func kinds(ks []mfa.Kind) []string {
	out := make([]string, len(ks))
	for i, k := range ks {
		out[i] = string(k)
	}
	return out
}

func (v userView) state() string {
	if v.Disabled {
		return "disabled"
	}
	return "active"
}

func (v userView) write(w io.Writer) {
	verified := func(is bool) string {
		if is {
			return " (verified)"
		}
		return " (not verified)"
	}
	field(w, "id", v.ID)
	field(w, "login", v.Login)
	field(w, "name", v.Name)
	if v.Email != "" {
		field(w, "e-mail", v.Email+verified(v.EmailVerified))
	}
	if v.Phone != "" {
		field(w, "phone", v.Phone+verified(v.PhoneVerified))
	}
	field(w, "kind", string(v.Kind))
	field(w, "role", string(v.Role))
	field(w, "language", v.Locale)
	field(w, "groups", strings.Join(v.Groups, ", "))
	factors := strings.Join(v.Factors, ", ")
	if factors == "" {
		factors = "none"
	}
	field(w, "second factors", factors)
	if !v.Password {
		field(w, "password", "none")
	}
	field(w, "state", v.state())
	field(w, "created", stamp(v.Created))
	field(w, "updated", stamp(v.Updated))
}
