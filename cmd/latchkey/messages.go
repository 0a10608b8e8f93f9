package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp/mail"
)

func messageCommands(a *app) *cobra.Command {
	return group("message", "Mails and text messages that were sent, or wait", "  latchkey message list --failed", messageList(a))
}

// messageView is a message as the delivery log shows it: what it said is
// nobody's business (T-08). Names are part of the program's interface.
type messageView struct {
	ID       string     `json:"id"`
	Channel  string     `json:"channel"`
	To       string     `json:"to"`
	State    string     `json:"state"` // sent, waiting, given up, replaced or withdrawn
	Created  time.Time  `json:"created"`
	Sent     *time.Time `json:"sent,omitempty"`
	Due      *time.Time `json:"due,omitempty"`
	Tries    int        `json:"tries"`
	Handled  string     `json:"handled_by,omitempty"`
	Receipt  string     `json:"receipt,omitempty"`
	Failure  string     `json:"failure,omitempty"`
	Expiring *time.Time `json:"expires,omitempty"`
}

func viewMessage(m mail.Delivery) messageView {
	some := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	return messageView{
		ID: m.ID, Channel: string(m.Channel), To: m.To, State: string(m.State()), Created: m.Created.UTC(), Sent: some(m.Sent), Due: some(m.Due),
		Tries: m.Tries, Handled: m.HandledBy, Receipt: m.Receipt, Failure: m.Failure, Expiring: some(m.Expires),
	}
}

func messageList(a *app) *cobra.Command {
	var limit int
	var failed bool
	var channel, to string
	c := &cobra.Command{
		Use: "list", Short: "List messages, the newest first", Args: nothing,
		Long:    "List the mails and text messages of the last 30 days, the newest first: to whom, when, who took them, and why not. What they said is not shown.",
		Example: "  latchkey message list --limit 20\n  latchkey message list --failed --json",
	}
	c.Flags().IntVar(&limit, "limit", 100, "list at most `N` messages")
	c.Flags().BoolVar(&failed, "failed", false, "only those that are not sent and failed when they were last tried")
	c.Flags().StringVar(&channel, "channel", "", "only those that travel by `CHANNEL`: mail, sms, logout or odoo")
	c.Flags().StringVar(&to, "to", "", "only those to this `ADDRESS` or number")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		if limit < 1 {
			return usagef("--limit %d: a whole number from 1 is allowed", limit)
		}
		all, err := b.messages.deliveries().List(ctx, host, mail.DeliveryQuery{Channel: mail.Channel(channel), Failed: failed, To: to, Limit: limit})
		if err != nil {
			return err
		}
		l := a.list(cmd, "CREATED", "CHANNEL", "TO", "STATE", "TRIES", "BY", "RECEIPT", "FAILURE")
		for _, m := range all {
			v := viewMessage(m)
			if err := l.add(v, stamp(v.Created), v.Channel, v.To, v.State, v.Tries, v.Handled, v.Receipt, v.Failure); err != nil {
				return err
			}
		}
		return l.end()
	})
	return c
}

func mailCommands(a *app) *cobra.Command {
	return group("mail", "Mail", "  latchkey mail test admin@example.org", mailTest(a))
}

func mailTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "test ADDRESS", Short: "Send a mail now, to see whether the mail server works", Args: exactly(1),
		Example: "  latchkey mail test admin@example.org",
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if cfg.Mail.SMTPURL == "" {
				return usagef("there is no mail server in the configuration: set mail.smtp_url")
			}
			server, err := mailServer(cfg, clock())
			if err != nil {
				return err
			}
			m := mail.New(mail.Mail, args[0], clock()())
			m.Subject, m.Text = cfg.Branding.Name+": test", fmt.Sprintf("This is a test message from %s (%s).\n", cfg.Branding.Name, cfg.Issuer)
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			got, err := server.Hand(ctx, m)
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"server": got.By, "from": server.Sender()}, "the mail server %s took the message, from %s", got.By, server.Sender())
		}),
	}
}
