package odoo

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// importing brings an Odoo's people here.
type importing struct {
	connections getter
	people      importer
	work        bench
}

// importer is the import.
type importer interface {
	BringIn(ctx context.Context, by idp.Actor, id string, b connector.Intake) (connector.ImportReport, error)
}

// importView is the form of an import.
type importView struct {
	admin.Head
	ID, Action string
	Fields     admin.Fields
	Classes    admin.Fields
}

func (i importing) ask(c *page.Context, v admin.Visit) error {
	one, err := i.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	view := importForm(c, one, "rpc", true)
	view.Head = v.Head(c, crumbs(c, one.ID)...)
	return c.Show(set, http.StatusOK, "import.html", view)
}

func importForm(c *page.Context, one connector.Connection, from string, sync bool) importView {
	s := one.Settings
	view := importView{ID: one.ID, Action: address(one.ID, "import")}
	var groups []string
	for _, there := range slices.Sorted(maps.Keys(s.Groups)) {
		groups = append(groups, strings.TrimSuffix(there+"="+s.Groups[there], "="))
	}
	pick := func(name, words, value string, of ...string) admin.Field {
		return label(c, admin.Select(c, name, "", words, value, of...))
	}
	only := map[idp.Kind]string{"": "all", idp.Internal: "internal", idp.Portal: "portal"}[s.Import.Only]
	view.Fields = admin.Fields{
		pick("from", "admin.odoo.from.%s", from, "rpc", "sql", "csv"),
		label(c, admin.Field{Name: "dsn", Type: "password", Auto: "off"}),
		label(c, admin.Field{Name: "file", Type: "file", Accept: ".csv,text/csv"}),
		pick("only", "admin.odoo.only.%s", only, "all", "internal", "portal"),
		label(c, admin.Field{Name: "groups", Type: "textarea", Value: strings.Join(groups, "\n"), Mono: true, Rows: 2}),
		tick(c, "companies", s.Import.Companies), tick(c, "sync", sync),
	}
	for _, class := range connector.Classes {
		if len(class.Choices) > 1 {
			view.Classes = append(view.Classes, classField(c, class, s.Import.On[class.Class]))
		}
	}
	return view
}

// classField asks what is done about a class.
func classField(c *page.Context, class connector.ClassInfo, chosen connector.Choice) admin.Field {
	f := admin.Field{Name: "on_" + word(string(class.Class)), Type: "select", Label: c.Words.T(fmt.Sprintf("admin.odoo.class.%s", word(string(class.Class))))}
	if chosen == "" {
		chosen = class.Choices[0]
	}
	for _, choice := range class.Choices {
		f.Options = append(f.Options, admin.Option{
			Value: string(choice), Label: c.Words.T(fmt.Sprintf("admin.odoo.choice.%s", word(string(choice)))), Chosen: choice == chosen,
		})
	}
	return f
}

// intake reads the form of an import.
func intake(c *page.Context) connector.Intake {
	in := connector.Intake{
		Options: connector.Options{Companies: c.Form("companies") != "", On: map[connector.Class]connector.Choice{}}, Groups: map[string]string{},
		DryRun: c.Form("act") != "run", Sync: c.Form("sync") != "",
	}
	if only := idp.Kind(c.Form("only")); only == idp.Internal || only == idp.Portal {
		in.Options.Only = only
	}
	for line := range strings.Lines(c.Form("groups")) {
		there, here, _ := strings.Cut(strings.TrimSpace(line), "=")
		if there = strings.TrimSpace(there); there != "" {
			in.Groups[there] = strings.TrimSpace(here)
		}
	}
	for _, class := range connector.Classes {
		if choice := c.Form("on_" + word(string(class.Class))); choice != "" && choice != string(class.Choices[0]) {
			in.Options.On[class.Class] = connector.Choice(choice)
		}
	}
	return in
}

// imported is what is shown of an import.
type imported struct {
	DryRun bool                   `json:"dry_run"`
	From   string                 `json:"from"`
	Sync   bool                   `json:"sync"`
	Order  connector.Settings     `json:"order"`
	Report connector.ImportReport `json:"report"`
}

func (i importing) bringIn(c *page.Context, v admin.Visit) error {
	one, err := i.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	in, from := intake(c), c.Form("from")
	wrong, missing := in.Options.Check(), ""
	if in.Open, missing, err = opener(c, from); err != nil {
		return err
	}
	one.Settings.Import, one.Settings.Groups = in.Options, in.Groups
	if wrong != nil || missing != "" {
		view := importForm(c, one, from, in.Sync)
		view.Head = v.Head(c, crumbs(c, one.ID)...).Refused(c.Words.T("admin.odoo.problem.invalid"), "")
		if wrong != nil { // a value that the form does not have
			view.Head = view.Detailed(strings.Join(admin.Wrong(wrong), "; "))
		}
		if missing != "" {
			view.Fields = view.Fields.Marked(missing, c.Words.T(fmt.Sprintf("admin.odoo.needs.%s", missing)))
		}
		return c.Show(set, http.StatusBadRequest, "import.html", view)
	}
	by, out := v.By, imported{DryRun: in.DryRun, From: from, Sync: in.Sync, Order: connector.Settings{Import: in.Options, Groups: in.Groups}}
	return i.work.start(c, v, "odoo.import", one.ID, func(ctx context.Context, r *job.Run) (any, error) {
		in.Progress = r.Progress
		var err error
		out.Report, err = i.people.BringIn(ctx, by, one.ID, in)
		return out, err
	})
}

// opener opens what an import reads, beside Odoo's own interface, or names the
// field that is missing. What is secret stays in memory, for as long as the
// import takes.
func opener(c *page.Context, from string) (open func(context.Context, []string) (connector.Source, func(), error), missing string, err error) {
	nothing := func() {}
	switch from {
	case "sql":
		dsn := strings.TrimSpace(c.Form("dsn"))
		if dsn == "" {
			return nil, "dsn", nil
		}
		return func(ctx context.Context, groups []string) (connector.Source, func(), error) {
			s, err := connector.OpenSQL(ctx, dsn, groups)
			if err != nil {
				return nil, nothing, err
			}
			return s, func() { _ = s.Close(context.WithoutCancel(ctx)) }, nil // it was only read
		}, "", nil
	case "csv":
		file, err := c.File("file")
		if err != nil || len(file) == 0 {
			return nil, "file", err
		}
		return func(_ context.Context, groups []string) (connector.Source, func(), error) {
			s, err := connector.OpenCSV(bytes.NewReader(file), groups)
			return s, nothing, err
		}, "", nil
	}
	return nil, "", nil
}

// classView is a class that an import met.
type classView struct {
	Title, Count, Choice string
	Examples             []odoowords.Line
}

func drawImport(c *page.Context, v admin.Visit, j job.Job, view *jobView) error {
	var r imported
	if err := j.Read(&r); err != nil {
		return err
	}
	n := r.Report
	add := func(name string, value int) {
		view.Sums = append(view.Sums, fact{c.Words.T(fmt.Sprintf("admin.odoo.sum.%s", name)), fmt.Sprint(value)})
	}
	add("users", n.Users)
	add(map[bool]string{true: "would_add", false: "added"}[r.DryRun], n.Added)
	add("known", n.Known)
	add("adopted", n.Adopted)
	add("out", n.Out)
	for _, class := range n.Classes {
		if class.Count == 0 {
			continue
		}
		met := classView{
			Title: c.Words.T(fmt.Sprintf("admin.odoo.class.%s", word(string(class.Class)))), Count: fmt.Sprint(class.Count),
			Choice: c.Words.T(fmt.Sprintf("admin.odoo.choice.%s", word(string(class.Choice)))),
		}
		for _, f := range class.Examples {
			met.Examples = append(met.Examples, about(f.Login, odoowords.Say(c.Words, f.Said, f.Text)))
		}
		view.Classes = append(view.Classes, met)
	}
	if !r.DryRun || !v.May(idp.EditOdoo) || j.Now(c.Now()) != job.Done {
		return nil
	}
	form := importForm(c, connector.Connection{ID: j.About, Settings: r.Order}, r.From, r.Sync)
	view.Fields = form.Fields
	met := map[string]bool{}
	for _, class := range n.Classes {
		met["on_"+word(string(class.Class))] = class.Count > 0
	}
	for _, f := range form.Classes {
		if met[f.Name] {
			view.More = append(view.More, f)
		} else {
			view.Rest = append(view.Rest, f)
		}
	}
	view.Next = &admin.Confirm{ID: "import-run", Action: form.Action, Button: c.Words.T("admin.odoo.import_run"), Cancel: address(j.About)}
	return nil
}
