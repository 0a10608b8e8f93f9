package people

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/people"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// uploads is the pages of an import.
type uploads struct{ *Pages }

// importView is the page on which a file is chosen.
type importView struct {
	admin.Head
	File admin.Field
	Most int // MiB
}

func (p uploads) importPage(c *page.Context, v admin.Visit) error {
	return p.showImport(c, v, http.StatusOK, v.Head(c, crumb(c)...), "")
}

func (p uploads) showImport(c *page.Context, _ admin.Visit, status int, h admin.Head, wrong string) error {
	c.Here(Home + "/import")
	return c.Show(set, status, "import.html", importView{
		Head: h, Most: people.MaxFile >> 20,
		File: admin.Field{Name: "file", Label: c.Words.T("admin.users.file"), Type: "file", Required: true, Accept: ".csv,.txt,.tsv,text/csv", Help: c.Words.T("admin.users.file_help", people.MaxFile>>20), Error: wrong},
	})
}

func (p uploads) upload(c *page.Context, v admin.Visit) error {
	file, err := c.File("file")
	if err != nil {
		return err
	}
	id, err := p.Imports.Begin(c.Context(), v.By, file)
	if errors.Is(err, idp.ErrInvalid) {
		return p.showImport(c, v, http.StatusBadRequest, v.Head(c, crumb(c)...), c.Words.T("admin.users.wrong.file"))
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "/import/" + id)
}

// draftView is an import on its way.
type draftView struct {
	admin.Head
	URL      string
	File     string
	Step     string
	Columns  []columnView
	Extra    admin.Fields
	Numbers  []fact
	First    grid
	Refused  grid
	More     int // rows that are refused and not shown
	Download bool
	Work     *workView
	Open     bool // the columns may still be changed
	Start    string
	Invited  []string // addresses of what sends the invitations
}

// columnView is a column of the file.
type columnView struct {
	Name   string
	Sample []string
	Field  admin.Field
}

func (p uploads) draft(c *page.Context, v admin.Visit) error {
	return p.showDraft(c, v, http.StatusOK, v.Head(c, p.trail(c)...), nil)
}

func (p uploads) trail(c *page.Context) []admin.Crumb {
	return append(crumb(c), admin.Crumb{Title: c.Words.T("admin.users.import"), URL: Home + "/import"})
}

// showDraft draws an import; chosen, if set, is what was just said of it.
func (p uploads) showDraft(c *page.Context, v admin.Visit, status int, h admin.Head, chosen *people.Choice) error {
	id := c.R.PathValue("batch")
	d, err := p.Imports.Draft(c.Context(), v.By, id)
	if err != nil {
		return err
	}
	if chosen != nil {
		d.Choice = *chosen
	}
	view := draftOf(c, h, d)
	view.Refused = heads(c, "line", "row", "why")
	rows := 0
	err = p.Imports.Refusals(c.Context(), v.By, id, shown, func(r people.Refusal) error {
		rows++
		var why []string
		for _, f := range r.Why {
			why = append(why, reasonOf(c, f))
		}
		view.Refused.row(cell{Text: fmt.Sprint(r.Line)}, cell{Text: short(d.Veiled(r.Cells))}, cell{Text: strings.Join(why, " ")})
		return nil
	})
	if err != nil {
		return err
	}
	view.More, view.Download = d.Refused-rows, rows > 0
	if view.Work != nil && view.Work.Going {
		c.W.Header().Set("Refresh", "2")
	}
	c.Here(view.URL)
	return c.Show(set, status, "draft.html", view)
}

func draftOf(c *page.Context, h admin.Head, d people.Import) draftView {
	view := draftView{Head: h, URL: Home + "/import/" + d.Batch.ID, Step: string(d.Step), File: c.Words.T("admin.users.file_is", d.Encoding, commaName(c, d.Comma))}
	view.Work = workOf(c, d.Job, view.URL)
	going := view.Work != nil && view.Work.Going
	switch d.Step {
	case people.Columns, people.Checking:
		view.Open = !going
	case people.Checked:
		view.Open, view.Work = true, nil
	case people.Finished:
		view.Work = nil
	}
	if view.Open {
		view.Columns, view.Extra = columnsOf(c, d), extraOf(c, d.Choice)
	}
	if d.Step == people.Checked || d.Step == people.Finished {
		view.Numbers = sumOf(c, d)
	}
	if d.Step == people.Checked && d.Sum.Added > 0 {
		view.Start = c.Words.N("admin.users.import_start", d.Sum.Added)
	}
	if d.Step == people.Running && !going {
		view.Start = c.Words.T("admin.users.import_on")
	}
	view.First = firstOf(c, d)
	for _, b := range d.Invitations {
		view.Invited = append(view.Invited, Home+"/bulk/"+b)
	}
	return view
}

// firstOf are the first rows as they would be added.
func firstOf(c *page.Context, d people.Import) grid {
	out := heads(c, "name", "email", "login", "kind", "groups")
	for _, n := range d.First {
		kind := n.Kind
		if kind == "" {
			kind = idp.Internal
		}
		name := string(kind)
		if c.Words.Has(fmt.Sprintf("admin.users.kind_%s", name)) {
			name = c.Words.T(fmt.Sprintf("admin.users.kind_%s", name))
		}
		out.row(cell{Text: n.Name}, cell{Text: n.Email}, cell{Text: n.Login}, cell{Text: name}, cell{Text: strings.Join(n.Groups, ", ")})
	}
	return out
}

func commaName(c *page.Context, comma string) string {
	switch comma {
	case ";":
		return c.Words.T("admin.users.comma_semicolon")
	case "\t":
		return c.Words.T("admin.users.comma_tab")
	case ",":
		return c.Words.T("admin.users.comma_comma")
	}
	return comma
}

func columnsOf(c *page.Context, d people.Import) []columnView {
	var out []columnView
	for i, name := range d.Names {
		col := columnView{Name: name}
		field := ""
		if i < len(d.Fields) {
			field = d.Fields[i]
		}
		for _, row := range d.Sample {
			row = d.Veiled(row)
			if i < len(row) && row[i] != "" && len(col.Sample) < 3 {
				col.Sample = append(col.Sample, short(row[i:i+1]))
			}
		}
		if slices.Contains(account.SecretFields(), field) {
			col.Sample = slices.Compact(col.Sample)
		}
		f := admin.Field{Name: fmt.Sprintf("column.%d", i), Label: name, Type: "select", Options: []admin.Option{{Label: c.Words.T("admin.users.column_none")}}}
		for _, known := range account.TableFields() {
			f.Options = append(f.Options, admin.Option{Value: known, Label: c.Words.T(fmt.Sprintf("admin.users.column.%s", known)), Chosen: known == field})
		}
		col.Field = f
		out = append(out, col)
	}
	return out
}

// extraOf is what is said of all rows.
func extraOf(c *page.Context, ch people.Choice) admin.Fields {
	kind := ch.Kind
	if kind == "" {
		kind = idp.Internal
	}
	f := admin.Select(c, "kind", c.Words.T("admin.users.import_kind"), "admin.users.kind_%s", string(kind), string(idp.Internal), string(idp.Portal))
	return admin.Fields{f, {Name: "groups", Label: c.Words.T("admin.users.import_groups"), Help: c.Words.T("admin.users.groups_help"), Value: strings.Join(ch.Groups, ", "), Auto: "off"}}
}

func sumOf(c *page.Context, d people.Import) []fact {
	added := "import_will"
	if d.Step == people.Finished {
		added = "import_added"
	}
	var out []fact
	for _, n := range []struct {
		key  string
		n    int
		show bool
	}{
		{"import_rows", d.Sum.Rows, true}, {added, d.Sum.Added, true}, {"import_unchanged", d.Sum.Unchanged, d.Sum.Unchanged > 0},
		{"import_conflicts", d.Sum.Conflicts, d.Sum.Conflicts > 0}, {"import_mistaken", d.Sum.Mistaken, d.Sum.Mistaken > 0},
	} {
		if n.show {
			out = append(out, fact{Name: c.Words.T(fmt.Sprintf("admin.users.%s", n.key)), Value: fmt.Sprint(n.n)})
		}
	}
	return out
}

// reasonOf words why a row is refused.
func reasonOf(c *page.Context, f account.Finding) string {
	key := fmt.Sprintf("admin.users.refusal.%s", strings.ReplaceAll(string(f.Kind), "-", "_"))
	if f.Kind == account.Mistake {
		key = fmt.Sprintf("admin.users.wrong.%s", f.Field)
		if !c.Words.Has(key) {
			key = "admin.users.wrong.row"
		}
	}
	if f.Other != "" {
		return c.Words.T(key) + " (" + f.Other + ")"
	}
	return c.Words.T(key)
}

// short is the beginning of a row.
func short(cells []string) string {
	const most = 80
	r := []rune(strings.Join(strings.Fields(strings.Join(cells, " · ")), " "))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}

func (p uploads) check(c *page.Context, v admin.Visit) error {
	id := c.R.PathValue("batch")
	d, err := p.Imports.Draft(c.Context(), v.By, id)
	if err != nil {
		return err
	}
	ch := people.Choice{Kind: idp.Kind(c.Form("kind")), Groups: named(c.Form("groups"))}
	for i := range d.Names {
		ch.Fields = append(ch.Fields, c.Form(fmt.Sprintf("column.%d", i)))
	}
	err = p.Imports.Check(c.Context(), v.By, id, ch)
	return p.moved(c, v, err, &ch)
}

// moved is what a step of an import leads to.
func (p uploads) moved(c *page.Context, v admin.Visit, err error, ch *people.Choice) error {
	said := troubleOf(c, err)
	if said == "" && errors.Is(err, idp.ErrInvalid) {
		said = c.Words.T("admin.users.trouble.columns")
	}
	if said != "" {
		return p.showDraft(c, v, page.ProblemOf(err).Status, v.Head(c, p.trail(c)...).Refused(c.Words.T("admin.users.refused"), said), ch)
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "/import/" + c.R.PathValue("batch"))
}

func (p uploads) startImport(c *page.Context, v admin.Visit) error {
	return p.moved(c, v, p.Imports.Start(c.Context(), v.By, c.R.PathValue("batch"), c.Form("invite") != ""), nil)
}

// refused answers with the rows that were refused, as a file to mend.
func (p uploads) refused(c *page.Context, v admin.Visit) error {
	begun := false
	err := p.Imports.WriteRefused(c.Context(), v.By, c.R.PathValue("batch"), c.Words.T("admin.users.line"), c.Words.T("admin.users.why"),
		func(f account.Finding) string { return reasonOf(c, f) }, func() io.Writer {
			begun = true
			return c.Download(c.Words.T("admin.users.refused_file"), "text/csv; charset=utf-8")
		})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	return err
}
