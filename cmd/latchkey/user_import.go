package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"latchkey/idp/account"
)

func userImport(a *app) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Add people from a CSV file", Args: exactly(1),
		Long: "Add people from a CSV file as spreadsheets write it: comma, semicolon or tab; UTF-8, or Windows-1252; values in quotation marks or not.\n" +
			"The first row names the columns: email, login, name, kind (internal or portal), groups (parted by |), locale, phone, verified (yes or no),\n" +
			"password_hash, totp_secret. One of email and login is needed; other columns are left out.\n" +
			"A row with a mistake or a conflict is told of and left out, the others go in. Who is there already as the row says is passed over, so a second run\n" +
			"adds nobody twice; nobody is changed. The exit code is 1 when a row was left out.",
		Example: "  latchkey user import customers.csv --dry-run",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "check everything, change nothing")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		table, err := account.OpenTable(file)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if len(table.Unknown) > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "note: columns that are left out: %s\n", clean(strings.Join(table.Unknown, ", ")))
		}
		out := &importReport{app: a, out: cmd.OutOrStdout(), dry: dry}
		bar := newProgress(cmd.ErrOrStderr())
		i := account.Importer{
			Service: b.people.accounts, Directory: b.db.Directory, DryRun: dry,
			Found:    func(f account.Finding) error { bar.clear(); return out.add(f) },
			Progress: bar.show,
		}
		sum, err := i.Import(ctx, host, table)
		bar.clear()
		if err := out.end(sum); err != nil {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w; run it again: who is in already is passed over", err)
		}
		if out.count > 0 {
			return errFindings
		}
		return nil
	})
	return c
}

// importReport prints findings as they come, because there may be as many as
// rows: lines for people, or one JSON object.
type importReport struct {
	*app
	out   io.Writer
	dry   bool
	count int
}

func (r *importReport) add(f account.Finding) error {
	r.count++
	if !r.json {
		place := fmt.Sprintf("line %d", f.Line)
		if f.Column > 0 {
			place += fmt.Sprintf(", column %d (%s)", f.Column, f.Field)
		}
		_, err := fmt.Fprintf(r.out, "%s: %s: %s\n", place, f.Kind, clean(f.Text))
		return err
	}
	open := ","
	if r.count == 1 {
		open = `{"findings":[` + "\n"
	}
	if _, err := io.WriteString(r.out, open); err != nil {
		return err
	}
	return encoder(r.out).Encode(f)
}

func (r *importReport) end(sum account.Imported) error {
	if r.json {
		if r.count == 0 {
			if _, err := io.WriteString(r.out, `{"findings":[`); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(r.out, `],"dry_run":%t,"rows":%d,"added":%d,"unchanged":%d,"conflicts":%d,"mistaken":%d}`+"\n",
			r.dry, sum.Rows, sum.Added, sum.Unchanged, sum.Conflicts, sum.Mistaken)
		return err
	}
	added := "added"
	if r.dry {
		added = "would be added"
	}
	_, err := fmt.Fprintf(r.out, "%d rows: %d %s, %d there already, %d in conflict, %d with mistakes\n",
		sum.Rows, sum.Added, added, sum.Unchanged, sum.Conflicts, sum.Mistaken)
	return err
}

// progress is a line on a terminal that tells how far a long work is. Where
// there is no terminal it is silent.
type progress struct {
	out   io.Writer
	last  time.Time
	width int
}

func newProgress(out io.Writer) *progress {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{out: out}
	}
	return &progress{}
}

// progress is silent for machines.
func (o output) progress(cmd *cobra.Command) *progress {
	if o.json {
		return &progress{}
	}
	return newProgress(cmd.ErrOrStderr())
}

func (p *progress) show(done int, part float64) {
	const every = 100 * time.Millisecond
	if p.out == nil || time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	const cells = 30
	full := int(part * cells)
	line := fmt.Sprintf("[%s%s] %3.0f %%  %d rows", strings.Repeat("#", full), strings.Repeat(".", cells-full), part*100, done)
	fmt.Fprintf(p.out, "\r%-*s", p.width, line)
	p.width = len(line)
}

// clear takes the line away, so that something else can be printed.
func (p *progress) clear() {
	if p.out != nil && p.width > 0 {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width))
		p.width, p.last = 0, time.Time{}
	}
}
