package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp/people"
)

// mergeReport is what a merge did, or would do. Names are part of the program's
// interface.
type mergeReport struct {
	Keep     string   `json:"keep"`
	Gone     string   `json:"gone"`
	DryRun   bool     `json:"dry_run"`
	Removed  bool     `json:"removed"`
	Groups   []string `json:"groups"`
	Odoo     []string `json:"odoo"`
	Stuck    []string `json:"odoo_left"`
	Consents []string `json:"consents"`
	Factors  int      `json:"factors_lost"`

	names [2]string
}

func reportOf(m people.Merged, dry, removed bool) mergeReport {
	r := mergeReport{
		Keep: string(m.Keep.ID), Gone: string(m.Gone.ID), DryRun: dry, Removed: removed, Groups: append([]string{}, m.Groups...), Odoo: []string{}, Stuck: []string{},
		Consents: []string{}, Factors: m.Factors, names: [2]string{m.Keep.Login, m.Gone.Login},
	}
	for _, t := range m.Ties {
		r.Odoo = append(r.Odoo, t.Connection+":"+t.Login)
	}
	for _, t := range m.Stuck {
		r.Stuck = append(r.Stuck, t.Connection+":"+t.Login)
	}
	for _, c := range m.Consents {
		r.Consents = append(r.Consents, string(c))
	}
	return r
}

func (r mergeReport) write(w io.Writer) {
	would, end := "", "disabled"
	if r.DryRun {
		would = "would be "
	}
	if r.Removed {
		end = "removed"
	}
	fmt.Fprintf(w, "%s is kept, %s %s%s\n", clean(r.names[0]), clean(r.names[1]), would, end)
	for _, f := range []struct {
		name  string
		moved []string
	}{{"groups", r.Groups}, {"odoo", r.Odoo}, {"consents", r.Consents}, {"odoo, left", r.Stuck}} {
		field(w, f.name, strings.Join(f.moved, ", "))
	}
	if r.Factors > 0 {
		field(w, "factors lost", fmt.Sprint(r.Factors))
	}
}

func userMerge(a *app) *cobra.Command {
	var dry, yes, remove bool
	c := &cobra.Command{
		Use: "merge KEEP GONE", Short: "Make one person of two accounts", Args: exactly(2),
		Long: "Make one person of two accounts of the same person. Groups, Odoo accounts and consents of the second move to the first; then the second is disabled,\n" +
			"or with --remove deleted. Its password, second factors and names do not move, and its id is never used again.",
		Example: "  latchkey user merge ada@example.org ada.old@example.org --dry-run",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, change nothing")
	c.Flags().BoolVar(&remove, "remove", false, "delete the second account in place of disabling it")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		keep, err := b.people.accounts.Find(ctx, args[0])
		if err != nil {
			return err
		}
		gone, err := b.people.accounts.Find(ctx, args[1])
		if err != nil {
			return err
		}
		in := people.Merge{Keep: keep.ID, Gone: gone.ID, Remove: remove}
		do := b.people.merging().Preview
		if !dry {
			if err := sure(cmd, yes, fmt.Sprintf("%s (%s) will be merged into %s (%s).", clean(gone.Login), clean(gone.Name), clean(keep.Login), clean(keep.Name))); err != nil {
				return err
			}
			do = b.people.merging().Do
		}
		m, err := do(ctx, host, in)
		if errors.Is(err, people.ErrSame) {
			return usagef("%s and %s are the same account", args[0], args[1])
		} else if err != nil {
			return err
		}
		r := reportOf(m, dry, remove)
		return a.print(cmd, r, r.write)
	})
	return c
}
