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
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
)

func odooCommands(a *app) *cobra.Command {
	return group("odoo", "Odoos that are connected: connect, import, link, keep in step, lock, examine",
		"  latchkey odoo connect --url https://erp.example.org --db erp --login admin --api-key-stdin < key\n  latchkey odoo doctor",
		odooConnect(a), odooImport(a), odooLink(a), odooSync(a), odooSet(a), odooList(a), odooDoctor(a), odooLock(a), odooUnlock(a), odooEnd(a), odooPortal(a), odooDisconnect(a))
}

// connectionView is a connection without its key.
type connectionView struct {
	ID       string       `json:"connection"`
	URL      string       `json:"url"`
	Database string       `json:"database"`
	Login    string       `json:"login"`
	Client   idp.ClientID `json:"client_id"`
	Provider int64        `json:"provider_id"`
	Version  string       `json:"version"`
	Protocol string       `json:"protocol"`
	Company  string       `json:"company"`
	Hosts    []string     `json:"hosts"`
	Modules  []string     `json:"modules"`
	Users    int          `json:"users"`
	Linked   int          `json:"linked"`
	Locked   *time.Time   `json:"locked,omitempty"`
	Except   []string     `json:"except,omitempty"`
	Well     bool         `json:"well"`
	Failure  string       `json:"failure,omitempty"`
	Seen     *time.Time   `json:"seen,omitempty"`
	Created  time.Time    `json:"created"`
	Open     bool         `json:"open_signup"`
	Langs    []string     `json:"languages"`
}

func viewConnection(c connector.Connection) connectionView {
	f := c.Facts
	v := connectionView{
		ID: c.ID, URL: c.URL, Database: c.Database, Login: c.Login, Client: c.Client, Provider: c.Provider, Version: f.Version.Full, Protocol: string(f.Protocol),
		Company: f.Company.Name, Hosts: f.Hosts, Modules: f.Modules, Users: f.Users, Linked: f.Linked, Except: c.Lock.Except, Well: c.Health.Well(),
		Created: c.Created.UTC(), Open: f.OpenSignup, Langs: f.Languages,
	}
	if !c.Lock.At.IsZero() {
		at := c.Lock.At.UTC()
		v.Locked = &at
	}
	if !c.Health.Good.IsZero() {
		at := c.Health.Good.UTC()
		v.Seen = &at
	}
	if !v.Well {
		v.Failure = c.Health.Failure
	}
	return v
}

func odooList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the connected Odoos and how the last contact went", Args: nothing, Example: "  latchkey odoo list",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			all, err := b.db.Connections.All(ctx)
			if err != nil {
				return err
			}
			l := a.list(cmd, "NAME", "ADDRESS", "DATABASE", "VERSION", "LINKED", "LOCKED", "LAST CONTACT")
			for _, c := range all {
				v, how := viewConnection(c), stamp(c.Health.Good)
				if !v.Well {
					how = "failed: " + v.Failure
				}
				linked := fmt.Sprintf("%d of %d", v.Linked, v.Users)
				if err := l.add(v, v.ID, v.URL, v.Database, v.Version, linked, stamp(c.Lock.At), how); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}
}

// named is the connection that a command is about; none: the only one.
func named(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func odooDisconnect(a *app) *cobra.Command {
	var dry, force, yes bool
	c := &cobra.Command{
		Use: "disconnect NAME", Short: "Take back what connect made, in Odoo and here", Args: exactly(1),
		Long: "Take back what connect made: in Odoo the provider row, the links of people and the snippet on the website; here the client with its tokens,\n" +
			"and the key. People stay, here and there. Local passwords that were replaced cannot come back: Odoo's password reset is allowed again instead." + delayNote,
		Example: "  latchkey odoo disconnect shop --dry-run",
	}
	f := c.Flags()
	f.BoolVar(&dry, "dry-run", false, "say what would be taken back, change nothing")
	f.BoolVar(&force, "force", false, "even if Odoo cannot be reached; it then keeps its part")
	f.BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		if err := sure(cmd, yes || dry || !terminal(), fmt.Sprintf("Nobody will come into the Odoo %s through Latchkey any more.", clean(args[0]))); err != nil {
			return err
		}
		did, err := b.odoo.office().Setup.Disconnect(ctx, host, args[0], dry, force)
		if err != nil {
			return err
		}
		if !dry {
			settle(ctx)
		}
		return a.print(cmd, map[string]any{"ok": true, "connection": args[0], "dry_run": dry, "removed": connector.Texts(did), "notes": did}, func(w io.Writer) {
			for _, d := range did {
				fmt.Fprintln(w, verb(dry, "would remove", "removed")+":", clean(d.Text))
			}
		})
	})
	return c
}

func verb(dry bool, would, did string) string {
	if dry {
		return would
	}
	return did
}

// ending is what became of one message to one Odoo.
type ending struct {
	Connection string `json:"connection"`
	State      string `json:"state"` // done or waiting
	Failure    string `json:"failure,omitempty"`
}

func odooEnd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "sessions-end WHO", Short: "Sign somebody out everywhere, in all connected Odoos too", Args: exactly(1),
		Long: "Sign somebody out everywhere, in all connected Odoos too. The same happens by itself with a new password, a reset of factors, \"it was not me\" and\n" +
			"when somebody is disabled. An Odoo that cannot be reached is told later; the exit code is 1 then.",
		Example: "  latchkey odoo sessions-end ada@example.org",
		RunE: a.onPerson(func(ctx context.Context, b *base, cmd *cobra.Command, u idp.User) error {
			since := b.now()
			if err := b.people.guard().EndOtherSessions(ctx, host, u.ID); err != nil {
				return err
			}
			out, err := b.odoo.sendEndings(ctx, u, since)
			if err != nil {
				return err
			}
			err = a.print(cmd, map[string]any{"id": u.ID, "odoo": out}, func(w io.Writer) {
				fmt.Fprintf(w, "%s is signed out of Latchkey\n", clean(u.Login))
				for _, e := range out {
					switch e.State {
					case "done":
						fmt.Fprintf(w, "%s: signed out\n", e.Connection)
					default:
						fmt.Fprintf(w, "%s: not yet, it is tried again: %s\n", e.Connection, clean(e.Failure))
					}
				}
			})
			for _, e := range out {
				if e.State != "done" && err == nil {
					err = errFindings
				}
			}
			return err
		}),
	}
}

// sendEndings sends what waits and says what became of one person's messages. A
// running server may have them in its hands already.
func (o *odooSide) sendEndings(ctx context.Context, u idp.User, since time.Time) ([]ending, error) {
	out := []ending{}
	for range 20 {
		if _, err := o.endings().Round(ctx); err != nil {
			return nil, err
		}
		all, err := o.db.Outbox().Newest(ctx, 500)
		if err != nil {
			return nil, err
		}
		out = out[:0]
		open := false
		for _, m := range all {
			id, who, err := connector.ParseEnding(m.To)
			if m.Channel != mail.Odoo || err != nil || who != u.ID || m.Created.Before(since.Truncate(time.Millisecond)) {
				continue
			}
			e := ending{Connection: id, State: "done", Failure: m.Failure}
			if m.Sent.IsZero() {
				e.State, open = "waiting", open || m.Failure == ""
			}
			out = append(out, e)
		}
		if !open {
			return out, nil
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return out, nil
}

func odooPortal(a *app) *cobra.Command {
	c := group("portal", "Odoo's website: straight to Latchkey from the login page, out through it, and a tile to the security page",
		"  latchkey odoo portal show shop")
	show := &cobra.Command{
		Use: "show [NAME]", Short: "Print what would be written, what is there, and rules for a reverse proxy", Args: atMost(1), Example: "  latchkey odoo portal show shop",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			p, err := b.odoo.office().Websites.ShowPortal(ctx, host, named(args))
			if err != nil {
				return err
			}
			return a.print(cmd, p, func(w io.Writer) { writePortal(w, p) })
		}),
	}
	var yes bool
	install := &cobra.Command{
		Use: "install [NAME]", Short: "Write the snippet into the head of Odoo's websites", Args: atMost(1), Example: "  latchkey odoo portal install shop --yes",
		Long: "Write the snippet into the head of Odoo's websites, between marks, beside what is there already. On a terminal it is shown first.\nOdoo's own form stays at /web/login?local=1.",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			s := b.odoo.office()
			if terminal() && !yes {
				p, err := s.Websites.ShowPortal(ctx, host, named(args))
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), p.Snippet)
				if err := agree(cmd, "This is written into the head of "+strings.Join(p.Websites, ", ")+"."); err != nil {
					return err
				}
			}
			n, err := s.Websites.InstallPortal(ctx, host, named(args))
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"websites": n}, "the snippet is on %d more websites", n)
		}),
	}
	install.Flags().BoolVar(&yes, "yes", false, "do not show and ask")
	remove := &cobra.Command{
		Use: "remove [NAME]", Short: "Take the snippet away again", Args: atMost(1), Example: "  latchkey odoo portal remove shop",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			n, err := b.odoo.office().Websites.RemovePortal(ctx, host, named(args))
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"websites": n}, "the snippet is taken from %d websites", n)
		}),
	}
	c.AddCommand(show, install, remove)
	return c
}

// agree asks before something that can be undone.
func agree(cmd *cobra.Command, what string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Type yes to go on: ", what)
	answer, err := secretLine(cmd, "answer")
	if err == nil && strings.TrimSpace(answer) != "yes" {
		err = errors.New("nothing was changed")
	}
	return err
}

func writePortal(w io.Writer, p connector.Portal) {
	switch {
	case len(p.Websites) == 0:
		fmt.Fprint(w, "This Odoo has no website. Rules for the reverse proxy in front of it:\n\n", p.Rules)
		return
	case len(p.Written) == len(p.Websites):
		fmt.Fprintln(w, "The snippet is on all websites:", clean(strings.Join(p.Written, ", ")))
	default:
		fmt.Fprintln(w, "`latchkey odoo portal install` writes this into the head of", clean(strings.Join(p.Websites, ", "))+":")
	}
	fmt.Fprint(w, "\n", p.Snippet, "\n\nRules for a reverse proxy, in the place of the snippet's first part:\n\n", p.Rules)
}
