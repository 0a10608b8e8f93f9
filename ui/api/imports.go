package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/people"
)

// ImportColumns says what the columns of a table are, and what is true of all
// its rows.
type ImportColumns struct {
	Fields []string `json:"fields" maxItems:"200" doc:"Of each column, in order: one of fields_known, or empty to leave it out."`
	Kind   idp.Kind `json:"kind,omitempty" enum:"internal,portal" doc:"Of rows that name none; default internal."`
	Groups []string `json:"groups,omitempty" maxItems:"200" doc:"That all join, beside their own."`
}

// Import is a table of people on its way in. Values that are secret are not
// shown.
type Import struct {
	ID       string         `json:"id"`
	Step     people.Step    `json:"step" enum:"columns,checking,checked,running,done"`
	Encoding string         `json:"encoding"`
	Comma    string         `json:"separator"`
	Names    []string       `json:"names" doc:"Of the columns."`
	Known    []string       `json:"fields_known" doc:"What a column can be."`
	Columns  ImportColumns  `json:"columns" doc:"At first what the names of the columns say."`
	Sample   [][]string     `json:"sample" doc:"The first rows."`
	Sums     *ImportSums    `json:"sums,omitempty" doc:"Once it is checked what would happen, and when it is done what did."`
	First    []ImportPerson `json:"first" doc:"The first people who would be added."`
	Invite   bool           `json:"invite" doc:"Who is added gets an invitation."`
	Bulks    []string       `json:"bulks" doc:"Bulk actions that send the invitations."`
	Work     *Work          `json:"work,omitempty"`
	Expires  time.Time      `json:"expires" doc:"It is forgotten then, with the table."`
}

// ImportSums counts rows.
type ImportSums struct {
	account.Imported
	Refused int `json:"refused" doc:"See list-refused-rows."`
}

// ImportPerson is a row as it was understood.
type ImportPerson struct {
	Line   int      `json:"line"`
	Login  string   `json:"login,omitempty"`
	Email  string   `json:"email,omitempty"`
	Name   string   `json:"name,omitempty"`
	Kind   idp.Kind `json:"kind,omitempty"`
	Groups []string `json:"groups"`
}

func (a importsAPI) view(d people.Import) Import {
	v := Import{
		ID: d.Batch.ID, Step: d.Step, Encoding: d.Encoding, Comma: d.Comma, Names: d.Names, Known: account.TableFields(),
		Columns: ImportColumns{d.Fields, d.Kind, d.Groups}, Sample: each(d.Sample, d.Veiled),
		First:  each(d.First, func(n people.Newcomer) ImportPerson { return ImportPerson(n) }),
		Invite: d.Invite, Bulks: d.Invitations, Work: a.viewWork(d.Job), Expires: d.Batch.Expires.UTC(),
	}
	if d.Step == people.Checked || d.Step == people.Finished {
		v.Sums = &ImportSums{d.Sum, d.Refused}
	}
	return v
}

// RefusedRow is a row that is not imported.
type RefusedRow struct {
	Line  int               `json:"line"`
	Cells []string          `json:"cells"`
	Why   []account.Finding `json:"why"`
}

// importsAPI are the operations that add people from a table.
type importsAPI struct{ *API }

func (a importsAPI) routes() {
	o := func(id, method, path, summary string) operation {
		return operation{id: id, method: method, path: "/imports" + path, tag: "users", summary: summary, right: idp.EditPeople}
	}
	begin := o("begin-import", http.MethodPost, "", "Send a table of people (CSV) to be imported")
	begin.status, begin.takes, begin.most = http.StatusCreated, []string{"text/csv"}, maxUpload
	begin.about = "Up to 20 MiB, with any separator and as spreadsheets write them. It is kept sealed, for an hour after the last step at most, and nobody is added yet: say what the columns are with check-import, look at what it would do, then start-import."
	add(a.API, begin, a.begin)
	add(a.API, o("get-import", http.MethodGet, "/{id}", "How far an import is"), func(ctx context.Context, by idp.Actor, in *AboutBatch) (*body[Import], error) {
		return a.now(ctx, by, in.ID)
	})
	check := o("check-import", http.MethodPost, "/{id}/check", "Try an import out")
	check.status, check.about = http.StatusAccepted, "Nobody is added. It goes on behind the answer; get-import tells what came of it."
	add(a.API, check, func(ctx context.Context, by idp.Actor, in *struct {
		AboutBatch
		Body ImportColumns
	}) (*body[Import], error) {
		b := in.Body
		if err := a.Imports.Check(ctx, by, in.ID, people.Choice{Fields: b.Fields, Kind: b.Kind, Groups: b.Groups}); err != nil {
			return nil, err
		}
		return a.now(ctx, by, in.ID)
	})
	start := o("start-import", http.MethodPost, "/{id}/start", "Add the people of a table that was checked")
	start.status, start.about = http.StatusAccepted, "It goes on behind the answer. Started again after it was cut short, it passes over who is in already."
	add(a.API, start, func(ctx context.Context, by idp.Actor, in *struct {
		AboutBatch
		Body struct {
			Invite bool `json:"invite,omitempty" doc:"Ask who is added to choose a password. Takes people:help, too."`
		}
	}) (*body[Import], error) {
		if in.Body.Invite {
			if err := by.May(idp.HelpPeople); err != nil {
				return nil, err
			}
		}
		if err := a.Imports.Start(ctx, by, in.ID, in.Body.Invite); err != nil {
			return nil, err
		}
		return a.now(ctx, by, in.ID)
	})
	add(a.API, o("list-refused-rows", http.MethodGet, "/{id}/refused", "List the rows of a table that are not imported, and why"), a.refused)
}

func (a importsAPI) begin(ctx context.Context, by idp.Actor, in *struct {
	RawBody []byte
}) (*made[Import], error) {
	id, err := a.Imports.Begin(ctx, by, in.RawBody)
	if err != nil {
		return nil, err
	}
	d, err := a.Imports.Draft(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return &made[Import]{Location: Prefix + "/imports/" + id, Body: a.view(d)}, nil
}

func (a importsAPI) now(ctx context.Context, by idp.Actor, id string) (*body[Import], error) {
	d, err := a.Imports.Draft(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return &body[Import]{a.view(d)}, nil
}

func (a importsAPI) refused(ctx context.Context, by idp.Actor, in *struct {
	AboutBatch
	Paging
}) (*body[Page[RefusedRow]], error) {
	from := 0
	if err := in.place(&from); err != nil {
		return nil, err
	}
	d, err := a.Imports.Draft(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	out := Page[RefusedRow]{Items: []RefusedRow{}}
	err = a.Imports.RefusedFrom(ctx, by, in.ID, from, in.Limit+1, func(r people.Refusal) error {
		if len(out.Items) == in.Limit {
			out.Next = cursor(from + in.Limit)
			return nil
		}
		out.Items = append(out.Items, RefusedRow{r.Line, d.Veiled(r.Cells), r.Why})
		return nil
	})
	return answer(out, err)
}
