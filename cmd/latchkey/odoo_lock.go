package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp/odoo/connector"
)

func odooLock(a *app) *cobra.Command {
	var o connector.LockOrder
	var yes bool
	c := &cobra.Command{
		Use: "lock [NAME]", Short: "Replace Odoo's own passwords of everybody who is linked", Args: atMost(1),
		Long: "Replace Odoo's own passwords of everybody who is linked by random ones that nobody knows, and close Odoo's password reset and sign-up.\n" +
			"Their sessions in Odoo end; they come back in through Latchkey. The login that Latchkey uses keeps its password, and so do those named with\n" +
			"--except: name one account to get in when all else fails. Who is locked already is passed over, unless they signed in to Odoo past Latchkey\n" +
			"since: then somebody has set a password for them. With --again everybody gets a new one.",
		Example: "  latchkey odoo lock shop --except admin --dry-run",
	}
	f := c.Flags()
	f.StringArrayVar(&o.Except, "except", nil, "`LOGIN` in Odoo that keeps its password; can be repeated")
	f.BoolVar(&o.Dry, "dry-run", false, "say whose, change nothing")
	f.BoolVar(&o.Force, "force", false, "even if the test of the way in through Latchkey fails")
	f.BoolVar(&o.Again, "again", false, "also of everybody who is locked already")
	f.BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		if err := sure(cmd, yes || o.Dry || !terminal(), "Odoo's own passwords of everybody who is linked will be replaced."); err != nil {
			return err
		}
		bar := newProgress(cmd.ErrOrStderr())
		o.Progress = func(done, all int) { bar.show(done, float64(done)/float64(all)) }
		out, err := b.odoo.office().Locks.Lock(ctx, host, named(args), o)
		bar.clear()
		if err != nil {
			return err
		}
		v := map[string]any{
			"dry_run": o.Dry, "locked": nonNil(out.Users), "already": out.Already, "exempt": nonNil(out.Exempt), "unlinked": nonNil(out.Unlinked), "settings": nonNil(out.Settings),
			"past": nonNil(out.Past), "notes": append([]connector.Note{}, out.Notes...),
		}
		return a.print(cmd, v, func(w io.Writer) { writeLocked(w, o.Dry, out) })
	})
	return c
}

func nonNil(l []string) []string { return append([]string{}, l...) }

func writeLocked(w io.Writer, dry bool, out connector.Locked) {
	row := func(what string, names []string) {
		fmt.Fprintf(w, "%-28s %d", what, len(names))
		if len(names) > 0 {
			fmt.Fprint(w, ": ", clean(strings.Join(names[:min(len(names), 20)], ", ")))
		}
		fmt.Fprintln(w)
	}
	row(verb(dry, "would be locked", "locked"), out.Users)
	if len(out.Past) > 0 {
		row("of these came past Latchkey", out.Past)
	}
	fmt.Fprintf(w, "%-28s %d\n", "locked before", out.Already)
	row("keep a password (exempt)", out.Exempt)
	row("keep a password (not linked)", out.Unlinked)
	for _, s := range out.Settings {
		fmt.Fprintf(w, "%-28s %s\n", verb(dry, "would set in Odoo", "set in Odoo"), clean(s))
	}
	for _, n := range out.Notes {
		fmt.Fprintf(w, "%-28s %s\n", "mind", clean(n.Text))
	}
}

func odooUnlock(a *app) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "unlock [NAME]", Short: "Allow Odoo's own passwords again", Args: atMost(1),
		Long: "Bring Odoo's settings back as they were before lock, and allow its password reset. The old passwords are gone: whoever wants one gets it by Odoo's\n" +
			"own mail (Reset Password on its login page, or Send Password Reset Instructions on the user).",
		Example: "  latchkey odoo unlock shop",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be changed, change nothing")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		did, people, err := b.odoo.office().Locks.Unlock(ctx, host, named(args), dry)
		if err != nil {
			return err
		}
		return a.print(cmd, map[string]any{"ok": true, "dry_run": dry, "settings": nonNil(did), "without_password": people}, func(w io.Writer) {
			for _, d := range did {
				fmt.Fprintln(w, verb(dry, "would set", "set"), clean(d))
			}
			fmt.Fprintf(w, "%d people have no password of their own in Odoo until they reset it there\n", people)
		})
	})
	return c
}
