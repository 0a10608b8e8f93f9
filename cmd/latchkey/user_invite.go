package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/account"
)

// inviteView is an invitation as the command line shows it. Names are part of the
// program's interface.
type inviteView struct {
	ID      string     `json:"id"`
	Login   string     `json:"login"`
	SentTo  string     `json:"sent_to,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	Link    string     `json:"link,omitempty"`
	Skipped string     `json:"skipped,omitempty"` // why they are not invited
}

func (v inviteView) write(w io.Writer) {
	if v.SentTo != "" {
		fmt.Fprintf(w, "%s is invited by a mail to %s, until %s\n", clean(v.Login), clean(v.SentTo), stamp(*v.Expires))
	}
	if v.Link != "" {
		fmt.Fprintln(w, v.Link)
	}
}

// inviteFlags are the flags of `user invite`.
type inviteFlags struct {
	life                            time.Duration
	client, group                   string
	printLink, withoutPassword, dry bool
}

func userInvite(a *app) *cobra.Command {
	var f inviteFlags
	c := &cobra.Command{
		Use: "invite [WHO]", Short: "Ask a person by mail to choose their first password",
		Long: "Mail a person who has no password a link, good once and for at most 72 hours, on which they choose one and sign in.\n" +
			"Earlier invitations of the person are void. With --group or --without-password everybody there who has no password is invited.\n" +
			"Whoever has a password gets a new one by `latchkey user send-recovery`.",
		Example: "  latchkey user invite ada@example.org --client odoo\n  latchkey user invite --group customers --dry-run",
		Args:    cobra.MaximumNArgs(1),
	}
	c.Flags().DurationVar(&f.life, "for", idp.LinkInvite.Life(), "how long the link is good, such as 24h; at most 72h")
	c.Flags().StringVar(&f.client, "client", "", "the `ID` of the application that they go on to")
	c.Flags().BoolVar(&f.printLink, "print-link", false, "print the link and send no mail, to hand it over in another way")
	c.Flags().StringVar(&f.group, "group", "", "invite the members of this `GROUP` who have no password")
	c.Flags().BoolVar(&f.withoutPassword, "without-password", false, "invite everybody who has no password")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "only show who would be invited")
	c.MarkFlagsMutuallyExclusive("group", "without-password")
	c.MarkFlagsMutuallyExclusive("print-link", "group")
	c.MarkFlagsMutuallyExclusive("print-link", "without-password")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		if err := f.check(ctx, b, args); err != nil {
			return err
		}
		if len(args) == 0 {
			return inviteMany(ctx, a, b, cmd, f)
		}
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if f.dry {
			if err := account.Invitable(u, f.printLink); err != nil {
				return invitable(u, err)
			}
			return a.say(cmd, map[string]any{"id": u.ID, "dry_run": true}, "%s would be invited", clean(u.Login))
		}
		v, err := inviteOne(ctx, b, u, f.invite())
		if err != nil {
			return err
		}
		if v.SentTo != "" {
			noteMail(cmd, b)
		}
		return a.print(cmd, v, v.write)
	})
	return c
}

// check refuses what does not go together.
func (f inviteFlags) check(ctx context.Context, b *base, args []string) error {
	switch many := f.group != "" || f.withoutPassword; {
	case len(args) == 0 && !many:
		return usagef("name a person, or use --group or --without-password")
	case len(args) == 1 && many:
		return usagef("name a person, or use --group or --without-password, not both")
	case f.life == 0:
		return usagef("--for must be more than 0")
	}
	if f.client == "" {
		return nil
	}
	c, err := b.db.Clients.ByID(ctx, idp.ClientID(f.client))
	if errors.Is(err, idp.ErrNotFound) || err == nil && c.Disabled {
		return fmt.Errorf("no application with the id %q is open: `latchkey client list` shows them", f.client)
	}
	return err
}

func (f inviteFlags) invite() account.Invite {
	return account.Invite{For: f.life, Client: idp.ClientID(f.client), ByHand: f.printLink}
}

func inviteOne(ctx context.Context, b *base, u idp.User, in account.Invite) (inviteView, error) {
	made, err := b.people.help.Invitations().Invite(ctx, host, u.ID, in)
	if err != nil {
		return inviteView{}, invitable(u, err)
	}
	expires := made.Expires.UTC()
	v := inviteView{ID: string(u.ID), Login: u.Login, SentTo: made.SentTo, Expires: &expires}
	if in.ByHand {
		v.Link = idp.LinkInvite.Address(b.cfg.Issuer, made.Token)
	}
	return v, nil
}

// invitable says what to do about somebody who cannot be invited.
func invitable(u idp.User, err error) error {
	switch {
	case errors.Is(err, account.ErrHasPassword):
		return fmt.Errorf("%s has a password already: `latchkey user send-recovery %s` mails a link to a new one", u.Login, u.ID)
	case errors.Is(err, account.ErrDisabled):
		return fmt.Errorf("%s is disabled", u.Login)
	case errors.Is(err, account.ErrNoAddress):
		return fmt.Errorf("%s has no e-mail: `latchkey user update %s --email ADDRESS` sets one; or hand the link over yourself: --print-link", u.Login, u.ID)
	}
	return err
}

// inviteMany invites everybody in a group, or everywhere, who has no password.
func inviteMany(ctx context.Context, a *app, b *base, cmd *cobra.Command, f inviteFlags) error {
	var all []idp.User
	err := b.people.help.Invitations().Without(ctx, host, f.group, func(u idp.User) error {
		all = append(all, u)
		return nil
	})
	if err != nil {
		return err
	}
	shown, l := newProgress(cmd.ErrOrStderr()), a.list(cmd, "ID", "LOGIN", "SENT TO", "EXPIRES", "SKIPPED")
	invited := 0
	for i, u := range all {
		v := inviteView{ID: string(u.ID), Login: u.Login, SentTo: u.Email}
		err := account.Invitable(u, false)
		if err == nil && !f.dry {
			v, err = inviteOne(ctx, b, u, f.invite())
		}
		if err != nil && !errors.Is(err, idp.ErrInvalid) && account.Invitable(u, false) == nil {
			shown.clear()
			return errors.Join(l.end(), err)
		}
		expires := ""
		if err != nil {
			v = inviteView{ID: string(u.ID), Login: u.Login, Skipped: skipped(err)}
		} else if invited++; v.Expires != nil {
			expires = stamp(*v.Expires)
		}
		shown.show(i+1, float64(i+1)/float64(len(all)))
		if err := l.add(v, v.ID, v.Login, v.SentTo, expires, v.Skipped); err != nil {
			return err
		}
	}
	shown.clear()
	done := "invited"
	if f.dry {
		done = "would be invited"
	} else if invited > 0 {
		noteMail(cmd, b)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d without a password, %d %s\n", len(all), invited, done)
	return l.end()
}

// skipped says in a word why somebody is left out.
func skipped(err error) string {
	switch {
	case errors.Is(err, account.ErrDisabled):
		return "disabled"
	case errors.Is(err, account.ErrNoAddress):
		return "no e-mail"
	}
	return "has a password"
}
