package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/mfa"
)

// enrolView is an invitation as the command line shows it.
type enrolView struct {
	ID      string    `json:"id"`
	Method  string    `json:"method"`
	SentTo  string    `json:"sent_to,omitempty"`
	Expires time.Time `json:"expires"`
	Link    string    `json:"link,omitempty"`
}

func (v enrolView) write(w io.Writer) {
	if v.SentTo != "" {
		fmt.Fprintf(w, "a mail to %s asks to set up %s, until %s\n", clean(v.SentTo), v.Method, stamp(v.Expires))
	}
	if v.Link != "" {
		fmt.Fprintln(w, v.Link)
	}
}

func userEnrol(a *app) *cobra.Command {
	var method string
	var life time.Duration
	var printLink bool
	c := &cobra.Command{
		Use: "enrol WHO --method METHOD", Short: "Ask a person by mail to set up a second factor", Args: exactly(1),
		Long: "Mail a person a link, good once and for at most 72 hours, that leads after their password to setting up a second factor.\n" +
			"Earlier links of this kind are void. No secret is in the mail.",
		Example: "  latchkey user enrol ada@example.org --method totp",
	}
	c.Flags().StringVar(&method, "method", "", "`METHOD` to set up: totp, sms or passkey")
	c.Flags().DurationVar(&life, "for", idp.LinkEnrol.Life(), "how long the link is good, such as 24h; at most 72h")
	c.Flags().BoolVar(&printLink, "print-link", false, "print the link, to hand it over in another way")
	c.MarkFlagsOneRequired("method")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		u, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if !printLink {
			if err := reachable(u); err != nil {
				return fmt.Errorf("%w; or hand the link over yourself: --print-link", err)
			}
		}
		if life == 0 {
			return usagef("--for must be more than 0")
		}
		made, err := b.people.help.EnrolLink(ctx, host, u.ID, mfa.Kind(method), life)
		if err != nil {
			return err
		}
		v := enrolView{ID: string(u.ID), Method: method, SentTo: made.SentTo, Expires: made.Expires.UTC()}
		if printLink {
			v.Link = idp.LinkEnrol.Address(b.cfg.Issuer, made.Token)
		}
		if v.SentTo != "" {
			noteMail(cmd, b)
		}
		return a.print(cmd, v, v.write)
	})
	return c
}

func userRecovery(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "send-recovery WHO", Short: "Mail a person a link that leads to a new password", Args: exactly(1),
		Long:    "Mail a person a link, good once and for 15 minutes, that leads to a new password. Their second factor stays as it is.",
		Example: "  latchkey user send-recovery ada@example.org",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			u, err := b.people.accounts.Find(ctx, args[0])
			if err != nil {
				return err
			}
			if err := reachable(u); err != nil {
				return err
			}
			sent, err := b.people.help.Recovery().Send(ctx, u, host)
			if err != nil {
				return err
			}
			if !sent {
				return errors.New("a mail has just been sent to them: at most one goes out in a minute, and five in an hour")
			}
			noteMail(cmd, b)
			return a.say(cmd, map[string]any{"id": u.ID, "sent_to": u.Email}, "a mail to %s leads to a new password, for 15 minutes", clean(u.Email))
		}),
	}
}

// reachable says why no mail would reach a person.
func reachable(u idp.User) error {
	switch {
	case u.Disabled:
		return fmt.Errorf("%s is disabled", u.Login)
	case u.Email == "":
		return fmt.Errorf("%s has no e-mail: `latchkey user update %s --email ADDRESS --verified` sets one", u.Login, u.ID)
	case !u.EmailVerified:
		return fmt.Errorf("nobody has confirmed that %s is the e-mail of %s: `latchkey user update %s --verified` does", u.Email, u.Login, u.ID)
	}
	return nil
}

// noteMail warns of a mail that nothing will send.
func noteMail(cmd *cobra.Command, b *base) {
	if b.cfg.Mail.SMTPURL == "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "note: no mail server is set (mail.smtp_url); the mail waits for one for two days at most")
	}
}
