package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/rpc"
)

func odooSync(a *app) *cobra.Command {
	var once bool
	var o connector.SyncOptions
	c := &cobra.Command{
		Use: "sync [NAME]", Short: "Show how the synchronisation stands, or run it once", Args: atMost(1),
		Long: "Show how the synchronisation stands. Running servers do it every 20 seconds, one of them at a time: who is new, changed or archived in Odoo is\n" +
			"added, changed or disabled here. What an administrator changed here stays until Odoo says something new about the same field.\n" +
			"With --once it runs now; --dry-run says what would be done.",
		Example: "  latchkey odoo sync shop\n  latchkey odoo sync shop --once --dry-run",
	}
	f := c.Flags()
	f.BoolVar(&once, "once", false, "run now")
	f.BoolVar(&o.DryRun, "dry-run", false, "with --once: say what would be done, change nothing")
	f.BoolVar(&o.Full, "full", false, "with --once: compare everybody, not only who was changed")
	f.BoolVar(&o.Force, "force", false, "with --once: even if very many would be disabled")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		if !once && (o.DryRun || o.Full || o.Force) {
			return usagef("--dry-run, --full and --force go with --once")
		}
		p := b.odoo.office()
		conn, err := p.Book.Find(ctx, named(args))
		if err != nil {
			return err
		}
		v := syncView{Connection: conn.ID, On: conn.Settings.Sync, DryRun: o.DryRun, Changes: []connector.SyncChange{}}
		if once {
			o.Found = func(s connector.SyncChange) error { v.Changes = append(v.Changes, s); return nil }
			v.SyncState, err = p.Sync.SyncNow(ctx, host, conn.ID, o)
			if errors.Is(err, idp.ErrBusy) && !errors.Is(err, rpc.ErrUnreachable) {
				return fmt.Errorf("a server is at it right now; try again in a moment: %w", err)
			}
		} else {
			v.SyncState, err = p.Sync.SyncState(ctx, conn.ID)
		}
		if err != nil {
			return err
		}
		if err := a.print(cmd, v, func(w io.Writer) { v.write(w, once) }); err != nil {
			return err
		}
		if v.Failure != "" {
			return errFindings
		}
		return nil
	})
	return c
}

// syncView is how a synchronisation stands.
type syncView struct {
	Connection string                 `json:"connection"`
	On         bool                   `json:"on"`
	DryRun     bool                   `json:"dry_run"`
	Changes    []connector.SyncChange `json:"changes"`
	connector.SyncState
}

func (v syncView) write(w io.Writer, once bool) {
	for _, s := range v.Changes {
		fmt.Fprintf(w, "%s: %s %s\n", s.What, clean(s.Login), clean(s.Text))
	}
	for _, t := range v.Troubles {
		fmt.Fprintf(w, "not in step: %s: %s\n", clean(t.Login), clean(t.Text))
	}
	n := v.Last
	if !once {
		fmt.Fprintf(w, "kept in step  %s\nlast run      %s\nlast success  %s\n", onOff(v.On), stamp(v.Ran), stamp(v.Succeeded))
		n = v.Total
	}
	if v.Failure != "" {
		fmt.Fprintf(w, "failure       %s (%d in a row)\n", clean(v.Failure), v.Failures)
	}
	fmt.Fprintf(w, "%d users read: %d created, %d changed, %d disabled, %d enabled here; %d archived, %d restored, %d locked in Odoo; %d invited, %d left out, %d failed\n",
		n.Read, n.Created, n.Changed, n.Disabled, n.Enabled, n.Archived, n.Restored, n.Locked, n.Invited, n.LeftOut, n.Failed)
}

func odooSet(a *app) *cobra.Command {
	flags := map[string]*string{}
	c := &cobra.Command{
		Use: "set [NAME]", Short: "Show or change how a connected Odoo is kept in step", Args: atMost(1),
		Long:    "Show or change how a connected Odoo is kept in step. Each setting is on or off.",
		Example: "  latchkey odoo set shop --archive on --trickle off",
	}
	for _, s := range odooSettings {
		flags[s.name] = c.Flags().String(s.name, "", s.means)
	}
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		p := b.odoo.office()
		conn, err := p.Book.Find(ctx, named(args))
		if err != nil {
			return err
		}
		var set []func(*connector.Settings)
		for _, s := range odooSettings {
			if !cmd.Flags().Changed(s.name) {
				continue
			}
			word := *flags[s.name]
			if word != "on" && word != "off" {
				return usagef("--%s %q: on or off is expected", s.name, word)
			}
			set = append(set, func(to *connector.Settings) { *s.of(to) = word == "on" })
		}
		conn, err = p.Register.Configure(ctx, host, conn.ID, func(to *connector.Settings) {
			for _, f := range set {
				f(to)
			}
		})
		if err != nil {
			return err
		}
		v := map[string]any{"connection": conn.ID, "groups": conn.Settings.Groups, "import": conn.Settings.Import}
		for _, s := range odooSettings {
			v[strings.ReplaceAll(s.name, "-", "_")] = *s.of(&conn.Settings)
		}
		return a.print(cmd, v, func(w io.Writer) {
			for _, s := range odooSettings {
				fmt.Fprintf(w, "%-12s %-4s %s\n", s.name, onOff(*s.of(&conn.Settings)), s.means)
			}
		})
	})
	return c
}

func onOff(is bool) string {
	if is {
		return "on"
	}
	return "off"
}

// odooSettings are what can be turned on and off for one connection.
var odooSettings = []struct {
	name, means string
	of          func(*connector.Settings) *bool
}{
	{"sync", "bring both sides in step every 20 seconds", func(s *connector.Settings) *bool { return &s.Sync }},
	{"archive", "archive people in Odoo who are disabled or removed here, and back; off: they are only signed out there", func(s *connector.Settings) *bool { return &s.Archive }},
	{"contacts", "somebody who is a contact in Odoo without a user becomes a portal user at their first sign-in", func(s *connector.Settings) *bool { return &s.Contacts }},
	{"newcomers", "a customer whom Odoo does not know becomes a portal user there, with a contact, at their first sign-in", func(s *connector.Settings) *bool { return &s.Newcomers }},
	{"trickle", "check the first password of people who have none here with Odoo, and keep it", func(s *connector.Settings) *bool { return &s.Trickle }},
	{"invite", "mail an invitation to people whom the synchronisation brings in, once, at most 25 in one run", func(s *connector.Settings) *bool { return &s.Invite }},
	{"keep-locked", "after lock: also replace the passwords in Odoo of people who come later, and again of who came in past Latchkey", func(s *connector.Settings) *bool { return &s.KeepLocked }},
	{"leads", "portal users who are a company's own contact become its main contact here, who looks after its people", func(s *connector.Settings) *bool { return &s.Leads }},
}
