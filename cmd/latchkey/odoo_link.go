package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"latchkey/idp/odoo/connector"
)

func odooLink(a *app) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "link [NAME]", Short: "Tell Odoo who of its users is who here", Args: atMost(1),
		Long: "Tell Odoo who of its users is who here: those who were imported from it, and those whose login or e-mail belongs to one person here who has\n" +
			"proven it. A link to another provider or to somebody else is never written over. Who is linked already is passed over, so the command can be\n" +
			"interrupted and run again. Who is left is linked at the next sign-in, if it is clear who they are.",
		Example: "  latchkey odoo link shop --dry-run",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "say who would be linked, change nothing")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		p := b.odoo.office()
		conn, err := p.Book.Find(ctx, named(args))
		if err != nil {
			return err
		}
		bar := newProgress(cmd.ErrOrStderr())
		found := []connector.LinkFinding{}
		const most = 1000
		r, err := p.Links.Link(ctx, host, conn, connector.Linking{DryRun: dry, Progress: bar.show, Found: func(f connector.LinkFinding) error {
			if len(found) < most {
				found = append(found, f)
			}
			return nil
		}})
		bar.clear()
		if err != nil {
			return fmt.Errorf("%w; run it again: who is linked already is passed over", err)
		}
		v := struct {
			Connection string `json:"connection"`
			DryRun     bool   `json:"dry_run"`
			connector.LinkReport
			Findings []connector.LinkFinding `json:"findings"`
		}{conn.ID, dry, r, found}
		return a.print(cmd, v, func(w io.Writer) { writeLink(w, dry, r, found) })
	})
	return c
}

func writeLink(w io.Writer, dry bool, r connector.LinkReport, found []connector.LinkFinding) {
	for _, f := range found {
		fmt.Fprintf(w, "%s: %s %s\n", f.Trouble, clean(f.Login), clean(f.Text))
	}
	fmt.Fprintf(w, "%d active users: %d %s, %d linked before", r.Users, r.Linked, verb(dry, "would be linked", "linked"), r.Already)
	for _, t := range slices.Sorted(maps.Keys(r.Missed)) {
		fmt.Fprintf(w, ", %d %s", r.Missed[t], t)
	}
	fmt.Fprintln(w)
}
