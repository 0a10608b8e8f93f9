package evidence

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"latchkey/idp/sheet"
)

// WriteCSV writes a report as one table: section, subject, figure, value. A
// spreadsheet runs no cell of it as a formula (SECURITY.md D-11).
func WriteCSV(w io.Writer, r Report) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true // RFC 4180 §2
	t := table{c}
	t.row("report", "", "made", moment(r.Made))
	t.row("report", "", "by", r.By)
	for _, s := range r.Coverage {
		scope := string(s.Scope)
		t.row("coverage", scope, "people", itoa(s.People))
		t.row("coverage", scope, "second_factor", itoa(s.Ready))
		t.row("coverage", scope, "phishing_resistant", itoa(s.Resistant))
		t.row("coverage", scope, "never_signed_in", itoa(s.Never))
		t.row("coverage", scope, "stale", itoa(s.Stale))
	}
	for _, a := range r.Staff {
		t.row("administrators", a.Login, "role", string(a.Role))
		t.row("administrators", a.Login, "factors", fmt.Sprint(a.Factors))
		t.row("administrators", a.Login, "phishing_resistant", strconv.FormatBool(a.Resistant))
		t.row("administrators", a.Login, "disabled", strconv.FormatBool(a.Disabled))
		t.row("administrators", a.Login, "signed_in", moment(a.SignedIn))
	}
	for _, p := range r.Rules {
		t.row("policies", p.Name, "since", moment(p.Since))
		t.row("policies", p.Name, "by", p.By)
		t.row("policies", p.Name, "body", p.Body)
	}
	for _, e := range r.Exempt {
		t.row("exemptions", e.User, e.Policy, string(e.Until))
	}
	t.row("accounts", "", "idle", itoa(r.IdleAll))
	t.row("accounts", "", "disabled", itoa(r.Disabled))
	for _, a := range r.Idle {
		t.row("idle_accounts", a.Login, "signed_in", moment(a.SignedIn))
	}
	t.row("trusted_devices", "", "trusted", itoa(r.Devices.Trusted))
	t.row("trusted_devices", "", "stale", itoa(r.Devices.Stale))
	period := strconv.Itoa(r.Days) + " days"
	t.row("sign_ins", period, "ok", itoa(r.SignIns.OK))
	t.row("sign_ins", period, "failed", itoa(r.SignIns.Failed))
	t.row("sign_ins", period, "locked", itoa(r.SignIns.Locked))
	for _, o := range r.Ways {
		t.row("ways_around", o.Connection, o.Check, o.Level+": "+o.Evidence)
	}
	t.row("log", "", "rows", itoa(r.Chain.Rows))
	t.row("log", "", "verified", moment(r.Chain.Verified))
	t.row("log", "", "whole", strconv.FormatBool(r.Chain.Whole))
	c.Flush()
	return c.Error()
}

type table struct{ w *csv.Writer }

// row keeps the first error for Flush.
func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = sheet.Cell(c)
	}
	_ = t.w.Write(cells)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
