package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"latchkey/idp/audit"
)

func auditVerify(a *app) *cobra.Command {
	var from int64
	var file, key string
	c := &cobra.Command{
		Use: "verify", Short: "Check that nobody has changed the log, and name the first event that is wrong", Args: nothing,
		Long: "Check that nobody has changed the log, and name the first event that is wrong: edited, missing, reordered, forged, not what a checkpoint signed, or gone at the end.\n" +
			"With --file an export is checked with nothing but the public key; no database is opened. Exit code 1 when something is wrong.",
		Example: "  latchkey audit verify\n  latchkey audit verify --from 250000\n  latchkey audit verify --file events.jsonl --key latchkey-audit.pub",
	}
	fs := c.Flags()
	fs.Int64Var(&from, "from", 0, "begin behind the checkpoint of this `EVENT`, counted from 1; as it is signed, what is before it is not read")
	fs.StringVar(&file, "file", "", "check this `FILE`, written by `latchkey audit export --json`; - is standard input")
	fs.StringVar(&key, "key", "", "the public `KEY`, as `latchkey audit key` prints it, or a file with it")
	c.RunE = a.work(func(cmd *cobra.Command, args []string) error {
		if file != "" {
			return verification{a.output, cmd}.file(file, key)
		}
		if key != "" {
			return usagef("--key goes with --file")
		}
		return a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			log, err := b.records.log(ctx)
			if err != nil {
				return err
			}
			return verification{a.output, cmd}.log(ctx, log, from)
		})(cmd, args)
	})
	return c
}

// verification checks the log, or a file that came from one, and tells what it
// found.
type verification struct {
	output
	cmd *cobra.Command
}

func (v verification) log(ctx context.Context, log *audit.Service, from int64) error {
	if err := log.Sequencer.Finish(ctx); err != nil {
		return err
	}
	bar := v.progress(v.cmd)
	r, err := log.Verify(ctx, host, audit.Extent{From: from, Progress: func(done, total int64) { bar.show(int(done), float64(done)/float64(max(total, 1))) }})
	bar.clear()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return errors.Join(v.tell(r), err)
	}
	return v.tell(r)
}

func (v verification) file(file, key string) (err error) {
	if key == "" {
		return usagef("--file needs --key: the public key, as `latchkey audit key` printed it where the file comes from")
	}
	public, err := audit.ParseKey(key)
	if err != nil {
		return err
	}
	in := &counting{Reader: v.cmd.InOrStdin()}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in.Reader = f
		if st, err := f.Stat(); err == nil {
			in.size = st.Size()
		}
	}
	bar := v.progress(v.cmd)
	r, err := audit.VerifyFile(v.cmd.Context(), in, public, func(n int64) { bar.show(int(n), in.part()) })
	bar.clear()
	if err != nil {
		return err
	}
	return v.tell(r)
}

// tell prints a report; a broken log is a failure.
func (v verification) tell(r audit.Report) error {
	err := v.print(v.cmd, struct {
		OK bool `json:"ok"`
		audit.Report
	}{r.Well(), r}, func(w io.Writer) {
		fmt.Fprintln(w, clean(verdict(r)))
		if r.Broken == nil && r.Old > 0 {
			fmt.Fprintf(w, "%d of them are from before the log was a chain: they are as they were when they got their places.\n", r.Old)
		}
		if r.Broken == nil && r.Signed < r.Seq {
			fmt.Fprintf(w, "The last %d are not signed yet.\n", r.Seq-max(r.Signed, r.From))
		}
	})
	if err == nil && !r.Well() {
		err = errFindings
	}
	return err
}

// verdict says in a sentence what a verification found.
func verdict(r audit.Report) string {
	if b := r.Broken; b != nil {
		where := fmt.Sprintf("event %d", b.Seq)
		if b.ID != "" {
			where += " (" + b.ID
			if !b.At.IsZero() {
				where += ", " + stamp(b.At)
			}
			where += ")"
		}
		return fmt.Sprintf("BROKEN at %s: %s: %s", where, b.Kind, b.Says)
	}
	says := fmt.Sprintf("well: %d events, %d to %d, with %d checkpoints", r.Rows, r.From+1, r.Seq, r.Checkpoints)
	if r.Rows == 0 {
		says = "well: there are no events to check"
	}
	if !r.Whole && r.From > 0 {
		says += "; what is before was not read"
	}
	return says
}

// counting says how much of a file is read.
type counting struct {
	io.Reader
	read, size int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read += int64(n)
	return n, err
}

func (c *counting) part() float64 { return float64(c.read) / float64(max(c.size, c.read, 1)) }
