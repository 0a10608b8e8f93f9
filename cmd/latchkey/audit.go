package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/audit"
)

func auditCommands(a *app) *cobra.Command {
	return group("audit", "The log of what happened", "  latchkey audit export --json > events.jsonl\n  latchkey audit verify",
		auditExport(a), auditVerify(a), auditKey(a), auditStatus(a))
}

// eventFilters are the flags that select events.
type eventFilters struct {
	who, actor, since, until string
	q                        audit.Query
}

func (f *eventFilters) flags(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.who, "user", "", "only events about `WHO`: e-mail, login or id")
	fs.StringVar(&f.actor, "actor", "", "only what `WHO` did")
	fs.StringVar(&f.since, "since", "", "only events after this `TIME`: a date, an RFC 3339 time or a duration back from now")
	fs.StringVar(&f.until, "until", "", "only events before this `TIME`")
	fs.StringVar(&f.q.What, "what", "", "only events of this `NAME`, or whose names begin so, such as factor.")
	fs.StringVar((*string)(&f.q.Client), "client", "", "only events about the application `ID`")
	fs.StringVar(&f.q.Result, "result", "", "only events with this `RESULT`: ok, failed (all but ok), or a reason such as locked")
	fs.StringVar(&f.q.Address, "address", "", "only events from this IP `ADDRESS`")
	fs.StringVar(&f.q.Request, "request", "", "only events of the request with this correlation `ID`")
}

func (f *eventFilters) query(ctx context.Context, b *base) (q audit.Query, err error) {
	q = f.q
	if q.Since, err = moment("--since", f.since, b.now()); err != nil {
		return q, err
	}
	if q.Until, err = moment("--until", f.until, b.now()); err != nil {
		return q, err
	}
	if q.User, err = b.people.whom(ctx, f.who); err != nil {
		return q, err
	}
	q.Actor, err = b.people.whom(ctx, f.actor)
	return q, err
}

func auditExport(a *app) *cobra.Command {
	var f eventFilters
	var asCSV bool
	c := &cobra.Command{
		Use: "export", Short: "Print events, oldest first; with --json one object a line", Args: nothing,
		Long: "Print events, oldest first: a line of words each, with --json one object a line, with --csv for spreadsheets.\n" +
			"With --json and no filter but times the output is a whole stretch of the chain, with checkpoints, that `latchkey audit verify --file` can check.",
		Example: "  latchkey audit export --json --since 2026-01-31\n  latchkey audit export --user ada@example.org --since 24h\n  latchkey audit export --csv --what factor. --result failed",
	}
	f.flags(c)
	c.Flags().BoolVar(&asCSV, "csv", false, "print CSV (RFC 4180), safe to open in a spreadsheet")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		if asCSV && a.json {
			return usagef("--csv and --json exclude each other")
		}
		q, err := f.query(ctx, b)
		if err != nil {
			return err
		}
		log, err := b.records.log(ctx)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		switch {
		case a.json:
			if err := log.Sequencer.Finish(ctx); err != nil { // however long it takes
				return err
			}
			return log.Export(ctx, host, q, escaping{out}, audit.JSONLines)
		case asCSV:
			return log.Export(ctx, host, q, out, audit.CSV)
		}
		return log.Each(ctx, host, q, func(e audit.Entry) error {
			_, err := fmt.Fprintln(out, clean(sentence(e.Event)))
			return err
		})
	})
	return c
}

// moment reads a date (midnight UTC), a time, or a duration back from now.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, usagef("%s %q: a date such as 2026-01-31, a time such as 2026-01-31T08:00:00Z or a duration such as 24h is allowed", flag, text)
}

func sentence(e idp.Event) string {
	parts := []string{stamp(e.At), e.What, e.Result}
	for _, p := range []struct{ name, value string }{
		{"user", string(e.User)}, {"actor", string(e.Actor)}, {"client", string(e.Client)}, {"method", string(e.Method)}, {"ip", e.Origin.Address},
	} {
		if p.value != "" {
			parts = append(parts, p.name+"="+p.value)
		}
	}
	return strings.Join(parts, " ")
}

func auditKey(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Print the public key that checkpoints of the log are signed with", Args: nothing,
		Long:    "Print the public key that checkpoints of the log are signed with. Give it to auditors once, by a way that they trust:\nwith it they check an export without this server, see `latchkey audit verify --file`.",
		Example: "  latchkey audit key > latchkey-audit.pub",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			log, err := b.records.log(ctx)
			if err != nil {
				return err
			}
			text := audit.FormatKey(log.Key())
			return a.print(cmd, map[string]any{"id": audit.KeyID(log.Key()), "key": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		}),
	}
}

// stateView is how the log stands, for machines.
type stateView struct {
	Rows       int64                     `json:"rows"`
	Waiting    int                       `json:"rows_without_place"`
	Checkpoint *audit.MarkLine           `json:"checkpoint,omitempty"`
	Cut        *audit.MarkLine           `json:"cut,omitempty"`
	Verified   *audit.Report             `json:"verified,omitempty"`
	Sent       map[string]audit.Delivery `json:"sent_on"`
	Behind     map[string]int64          `json:"behind"`
}

func auditStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Tell how the log stands: its length, the last check, and where it is sent on to", Args: nothing,
		Example: "  latchkey audit status",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			log, err := b.records.log(ctx)
			if err != nil {
				return err
			}
			st, err := log.Status(ctx, host)
			if err != nil {
				return err
			}
			return a.print(cmd, viewState(st), func(w io.Writer) { describeState(w, st) })
		}),
	}
}

func viewState(st audit.Status) stateView {
	v := stateView{Rows: st.Head.Seq, Waiting: st.Waiting, Verified: st.Verified, Sent: map[string]audit.Delivery{}, Behind: map[string]int64{}}
	if st.Last.Seq > 0 {
		m := audit.MarkLineOf(st.Last)
		v.Checkpoint = &m
	}
	if st.Cut.Seq > 0 {
		m := audit.MarkLineOf(st.Cut)
		v.Cut = &m
	}
	for _, t := range st.Targets {
		v.Sent[t.Name], v.Behind[t.Name] = t, t.Behind
	}
	return v
}

func describeState(w io.Writer, st audit.Status) {
	field(w, "events", fmt.Sprint(st.Head.Seq))
	if st.Waiting > 0 {
		field(w, "without a place", fmt.Sprint(st.Waiting))
	}
	if st.Last.Seq > 0 {
		field(w, "last checkpoint", fmt.Sprintf("%s, up to event %d", stamp(st.Last.At), st.Last.Seq))
	}
	if st.Cut.Seq > 0 {
		field(w, "cut off", fmt.Sprintf("%s, up to event %d", stamp(st.Cut.At), st.Cut.Seq))
	}
	if r := st.Verified; r == nil {
		field(w, "verified", "never")
	} else {
		field(w, "verified", stamp(r.At)+", "+verdict(*r))
	}
	for _, t := range st.Targets {
		says := fmt.Sprintf("up to event %d, %d behind", t.Seq, t.Behind)
		if t.Failure != "" {
			says += fmt.Sprintf("; failed %d times since %s: %s", t.Failures, stamp(t.Good), t.Failure)
		}
		field(w, t.Name, says)
	}
}
