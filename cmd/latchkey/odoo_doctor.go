package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"latchkey/idp/odoo/connector"
)

func odooDoctor(a *app) *cobra.Command {
	var fix bool
	c := &cobra.Command{
		Use: "doctor [NAME]", Short: "Find what is wrong with a connection, and every way around the second factor", Args: atMost(1),
		Long: "Examine one connection, or all of them, and say what was found and what cures it. With --fix, what can be put right without a risk is.\n" +
			"Then everything is examined again: a line says \"fixed\" when the cure has worked, and \"gone\" when another cure ended it, too.\n" +
			"The exit code is 1 when a problem is left; advice leaves it 0.",
		Example: "  latchkey odoo doctor shop --fix",
	}
	c.Flags().BoolVar(&fix, "fix", false, "put right what can be")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		names := args
		if len(names) == 0 {
			all, err := b.db.Connections.All(ctx)
			if err != nil {
				return err
			}
			for _, c := range all {
				names = append(names, c.ID)
			}
		}
		if len(names) == 0 {
			names = []string{""} // which says that there is none
		}
		well, found := true, []connector.Diagnosis{}
		for _, n := range names {
			d, err := b.odoo.office().Doctor.Examine(ctx, host, n, fix)
			if err != nil {
				return err
			}
			well, found = well && d.Well(), append(found, d)
		}
		if fix {
			settle(ctx)
		}
		err := a.print(cmd, map[string]any{"ok": well, "connections": found}, func(w io.Writer) {
			for _, d := range found {
				writeDiagnosis(w, d)
			}
		})
		if err == nil && !well {
			err = errFindings
		}
		return err
	})
	return c
}

func writeDiagnosis(w io.Writer, d connector.Diagnosis) {
	fmt.Fprintf(w, "%s  %s  %s\n", clean(d.Connection), clean(d.URL), clean(d.Version))
	for _, f := range d.Findings {
		state := string(f.Level)
		switch {
		case f.Fixed:
			state = "fixed"
		case f.Gone:
			state = "gone"
		}
		fmt.Fprintf(w, "%-8s %-18s %s\n", state, f.Check, clean(f.Evidence))
		if !f.Over() {
			fmt.Fprintf(w, "%28s%s\n", "-> ", clean(f.Cure))
		}
		if f.Failed != "" {
			fmt.Fprintf(w, "%28sOdoo refused it: %s\n", "", clean(f.Failed))
		}
	}
	switch {
	case len(d.Findings) == 0:
		fmt.Fprintf(w, "nothing found in %d checks\n", len(d.Checks))
	case d.Well():
		fmt.Fprintf(w, "no problem is left in %d checks\n", len(d.Checks))
	}
}
