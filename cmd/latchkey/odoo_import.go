package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
)

// odooImportFlags are the flags of `latchkey odoo import`.
type odooImportFlags struct {
	from, only                      string
	dsn, dry, list, companies, sync bool
	groups, on                      []string
}

func odooImport(a *app) *cobra.Command {
	var o odooImportFlags
	c := &cobra.Command{
		Use: "import NAME [FILE]", Short: "Bring Odoo's users here", Args: between(1, 2),
		Long: "Bring Odoo's users here: from its database (--from sql; passwords, authenticator apps and the list of devices come along, and nothing in the\n" +
			"database can be changed), through its API (--from rpc; no secrets), or from a file that Odoo exported (--from csv FILE).\n" +
			"What is doubtful is told by class, with what is done about it; --on CLASS=CHOICE decides otherwise. Who came in before is passed over, so the\n" +
			"command can be interrupted and run again. Options are kept for later runs and for `latchkey odoo sync`, which an import turns on.\n\n" + classHelp(),
		Example: "  latchkey odoo import shop --from sql --dsn-stdin --dry-run < dsn\n  latchkey odoo import shop --from sql --dsn-stdin --on archived=disabled --group sales_team.group_sale_manager=sales < dsn",
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "sql, rpc or csv; by default what the other arguments suggest")
	f.BoolVar(&o.dsn, "dsn-stdin", false, "read the address of Odoo's database, such as postgres://reader:PASSWORD@db.example.org/odoo, from standard input")
	f.BoolVar(&o.dry, "dry-run", false, "check everything, change nothing")
	f.BoolVar(&o.list, "list", false, "print everything that is found, not only examples")
	f.StringVar(&o.only, "only", "", "portal or internal: only these")
	f.StringArrayVar(&o.groups, "group", nil, "`GROUP` of Odoo, by external id or name, that becomes one here; GROUP=HERE to say which; can be repeated")
	f.BoolVar(&o.companies, "companies", false, "people's companies become groups, too")
	f.StringArrayVar(&o.on, "on", nil, "`CLASS=CHOICE`: what is done about a class; can be repeated")
	f.BoolVar(&o.sync, "sync", true, "keep both sides in step from now on")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		return o.bringIn(ctx, a, b.odoo.office(), cmd, args)
	})
	return c
}

func classHelp() string {
	var out strings.Builder
	out.WriteString("Classes, and what may be chosen; the first is the default:\n")
	for _, c := range connector.Classes {
		var choices []string
		for _, choice := range c.Choices {
			choices = append(choices, string(choice))
		}
		fmt.Fprintf(&out, "  %-16s %s\n  %-16s %s\n", c.Class, strings.Join(choices, ", "), "", c.Means)
	}
	return strings.TrimRight(out.String(), "\n")
}

// settings are those of a connection with what the flags say.
func (o odooImportFlags) settings(cmd *cobra.Command, c connector.Connection) (connector.Settings, error) {
	s := c.Settings
	s.Groups, s.Import.On = maps.Clone(s.Groups), maps.Clone(s.Import.On)
	if s.Groups == nil {
		s.Groups = map[string]string{}
	}
	if s.Import.On == nil {
		s.Import.On = map[connector.Class]connector.Choice{}
	}
	for _, g := range o.groups {
		there, here, _ := strings.Cut(g, "=")
		s.Groups[strings.TrimSpace(there)] = strings.TrimSpace(here)
	}
	for _, on := range o.on {
		class, choice, ok := strings.Cut(on, "=")
		if !ok {
			return s, usagef("--on %q: CLASS=CHOICE is expected", on)
		}
		s.Import.On[connector.Class(class)] = connector.Choice(choice)
	}
	flags := cmd.Flags()
	if flags.Changed("only") {
		s.Import.Only = idp.Kind(o.only)
	}
	if flags.Changed("companies") {
		s.Import.Companies = o.companies
	}
	s.Sync = o.sync
	return s, s.Import.Check()
}

func (o odooImportFlags) bringIn(ctx context.Context, a *app, p *connector.Office, cmd *cobra.Command, args []string) error {
	c, err := p.Book.Find(ctx, args[0])
	if err != nil {
		return err
	}
	if c.Settings, err = o.settings(cmd, c); err != nil {
		return err
	}
	bar := newProgress(cmd.ErrOrStderr())
	r, err := p.Imports.BringIn(ctx, host, c.ID, connector.Intake{
		Options: c.Settings.Import, Groups: c.Settings.Groups, DryRun: o.dry, Sync: c.Settings.Sync, Progress: bar.show,
		Open: func(ctx context.Context, _ []string) (connector.Source, func(), error) {
			return o.source(ctx, cmd, p, c, args[1:])
		},
		Found: func(f connector.ImportFinding) error {
			if o.list && !a.json {
				bar.clear()
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s %s%s\n", f.Class, clean(f.Login), clean(f.Text), map[bool]string{true: " (left out)"}[f.Out])
			}
			return nil
		},
	})
	bar.clear()
	if usage := (usageError{}); errors.As(err, &usage) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w; run it again: who is in already is passed over", err)
	}
	v := struct {
		Connection string `json:"connection"`
		DryRun     bool   `json:"dry_run"`
		connector.ImportReport
	}{c.ID, o.dry, r}
	return a.print(cmd, v, func(w io.Writer) { writeImport(w, o, r) })
}

// way is where people come from: as --from says, or as the rest suggests.
func (o odooImportFlags) way(file []string) string {
	switch {
	case o.from != "":
		return o.from
	case o.dsn:
		return "sql"
	case len(file) > 0:
		return "csv"
	}
	return "rpc"
}

// source opens what is to be read. done closes it.
func (o odooImportFlags) source(ctx context.Context, cmd *cobra.Command, p *connector.Office, c connector.Connection, file []string) (from connector.Source, done func(), err error) {
	groups := slices.Sorted(maps.Keys(c.Settings.Groups))
	how := o.way(file)
	switch {
	case how == "csv" && len(file) == 1:
		f, err := os.Open(file[0])
		if err != nil {
			return nil, nil, err
		}
		from, err := connector.OpenCSV(f, groups)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file[0], err)
		}
		return from, func() { f.Close() }, nil
	case len(file) > 0 || how == "csv":
		return nil, nil, usagef("--from csv takes a file, and nothing else does")
	case how == "sql":
		if !o.dsn {
			return nil, nil, usagef("--from sql needs --dsn-stdin: the address holds a password, which must not be on a command line")
		}
		dsn, err := secretLine(cmd, "--dsn-stdin")
		if err != nil {
			return nil, nil, err
		}
		from, err := connector.OpenSQLAtHost(ctx, dsn, groups)
		if err != nil {
			return nil, nil, err
		}
		return from, func() { _ = from.Close(context.WithoutCancel(ctx)) }, nil // it was only read
	case how == "rpc":
		from, err := p.Imports.Source(ctx, c)
		return from, func() {}, err
	}
	return nil, nil, usagef("--from %q: sql, rpc or csv is expected", how)
}

func writeImport(w io.Writer, o odooImportFlags, r connector.ImportReport) {
	for _, c := range r.Classes {
		if c.Count == 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %d, %s: %s\n", c.Class, c.Count, c.Choice, c.Means)
		for _, e := range c.Examples {
			if !o.list && c.Class != connector.Template {
				fmt.Fprintf(w, "    %s %s\n", clean(e.Login), clean(e.Text))
			}
		}
		if len(c.Choices) > 1 && o.dry {
			var other []string
			for _, choice := range c.Choices {
				if choice != c.Choice {
					other = append(other, fmt.Sprintf("--on %s=%s", c.Class, choice))
				}
			}
			fmt.Fprintf(w, "    or: %s\n", strings.Join(other, ", "))
		}
	}
	fmt.Fprintf(w, "%d users: %d %s, %d came in before, %d adopted, %d left out, %d of the other kind\n",
		r.Users, r.Added, verb(o.dry, "would be added", "added"), r.Known, r.Adopted, r.Out, r.Outside)
	if !o.dry && o.sync {
		fmt.Fprintln(w, "Both sides are kept in step from now on; `latchkey odoo set NAME --sync off` stops that.")
	}
}
