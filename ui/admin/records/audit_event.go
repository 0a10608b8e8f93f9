package records

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// eventView is one event with all its fields.
type eventView struct {
	admin.Head
	What, Code string
	Facts      []fact
	Changes    []change
	Details    []fact
	State      string // how it stands in the chain, in words
	Chip       string
}

// fact is a name and a value, maybe one that leads somewhere.
type fact struct {
	Name, Value, URL string
	Mono             bool
}

// change is what a value was and is.
type change struct{ Name, Before, After string }

func (p *Pages) event(c *page.Context, v admin.Visit) error {
	e, state, err := p.Log.Get(c.Context(), v.By, c.R.PathValue("event"))
	if err != nil {
		return err
	}
	names, err := p.Log.Names(c.Context(), v.By, e)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "audit_event.html", eventOf(c, v, e, state, names))
}

func eventOf(c *page.Context, v admin.Visit, e audit.Entry, state audit.State, names map[idp.UserID]string) eventView {
	view := eventView{
		Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.audit"), URL: auditPath}), What: whatOf(c, e.What), Code: e.What,
		State: c.Words.T(fmt.Sprintf("admin.audit.state.%s", state)), Chip: map[audit.State]string{audit.Placed: "chip-good", audit.Bad: "chip-bad"}[state],
	}
	if view.What == "" {
		view.What = e.What
	}
	add := func(name, value, to string, mono bool) {
		if value != "" {
			view.Facts = append(view.Facts, fact{c.Words.T(fmt.Sprintf("admin.audit.field.%s", name)), value, to, mono})
		}
	}
	who, whom := whoOf(c, v, e, names), personOf(v, e.User, names)
	add("time", e.At.UTC().Format("2006-01-02 15:04:05.000")+" UTC", "", false)
	add("result", resultOf(c, e.Result), "", false)
	add("actor", who.Name, who.URL, false)
	add("user", whom.Name, whom.URL, false)
	add("client", string(e.Client), narrow("client", string(e.Client)), true)
	add("method", methodOf(c, string(e.Method)), "", false)
	add("address", e.Origin.Address, narrow("address", e.Origin.Address), true)
	add("agent", e.Origin.Agent, "", false)
	add("session", string(e.Session), "", true)
	add("request", e.Origin.Request, narrow("request", e.Origin.Request), true)
	add("id", e.ID, "", true)
	if e.Seq > 0 {
		add("seq", strconv.FormatInt(e.Seq, 10), "", false)
		add("hash", hex.EncodeToString(e.Hash), "", true)
	}
	view.Changes, view.Details = changesOf(e.Detail)
	return view
}

func narrow(name, value string) string {
	return auditPath + "?" + url.Values{name: {value}}.Encode()
}

func methodOf(c *page.Context, kind string) string {
	if key := "factor." + kind + ".name"; kind != "" && c.Words.Has(key) {
		return c.Words.T(key)
	}
	return kind
}

// changesOf parts what was changed (see idp.Diff) from what else is known.
func changesOf(detail map[string]string) (changes []change, rest []fact) {
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		field, after := strings.CutSuffix(name, ".after")
		before, is := strings.CutSuffix(name, ".before")
		_, pair := detail[before+".after"]
		_, other := detail[field+".before"]
		switch {
		case after && other:
			changes = append(changes, change{field, detail[field+".before"], detail[name]})
		case is && pair: // drawn with the other half
		default:
			rest = append(rest, fact{Name: name, Value: detail[name]})
		}
	}
	return changes, rest
}

// export streams what the filters select.
func (p *Pages) export(c *page.Context, v admin.Visit) error {
	f := filtersOf(c.R.PostForm)
	q, err := p.query(c, v, f)
	if err != nil {
		return c.Redirect(auditPath + "?" + f.Encode()) // which says what is wrong
	}
	format, kind := audit.CSV, "text/csv; charset=utf-8"
	if c.Form("format") == string(audit.JSONLines) {
		format, kind = audit.JSONLines, "application/x-ndjson"
	}
	w := &download{c: c, kind: kind, name: "latchkey-events-" + c.Now().UTC().Format(time.DateOnly) + "." + string(format)}
	err = p.Log.Export(c.Context(), v.By, q, w, format)
	if err != nil && w.begun {
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	if err == nil && !w.begun {
		_, err = w.Write(nil)
	}
	return err
}

// download begins the answer with the first bytes: an error before them has a page.
type download struct {
	c          *page.Context
	name, kind string
	begun      bool
	w          io.Writer
}

func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.w = d.c.Download(d.name, d.kind)
	}
	return d.w.Write(b)
}
