package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
)

// Case is a person of whom nobody can tell which user of an Odoo they are.
type Case struct {
	User  idp.UserID `json:"user"`
	Name  string     `json:"name"`
	Login string     `json:"login"`
	What  string     `json:"what" doc:"Who they may be: logins in the Odoo."`
	Seen  time.Time  `json:"seen"`
}

// NewIntake says who of an Odoo is brought here, and how.
type NewIntake struct {
	From      string                               `json:"from,omitempty" enum:"rpc,sql,csv" default:"rpc" doc:"Odoo's own interface, its database, or a file that was exported. Only the database has passwords and authenticator apps."`
	DSN       string                               `json:"dsn,omitempty" maxLength:"1024" doc:"Of the database, for sql: postgres://USER:PASSWORD@HOST/DATABASE, with ?sslmode= if need be and nothing else. It is only read, and the address is not kept."`
	File      string                               `json:"file,omitempty" doc:"The text of the exported file, for csv."`
	Only      idp.Kind                             `json:"only,omitempty" enum:"internal,portal"`
	Companies bool                                 `json:"companies,omitempty" doc:"People's companies become groups."`
	Groups    map[string]string                    `json:"groups,omitempty" doc:"Of Odoo, by XML id, that become groups here; an empty name: it is chosen."`
	On        map[connector.Class]connector.Choice `json:"on,omitempty" doc:"What is done about each class; list-intake-classes has them. What is left out is the safest."`
	Sync      bool                                 `json:"sync,omitempty" doc:"Keep both sides in step from now on."`
	DryRun    bool                                 `json:"dry_run,omitempty" doc:"Bring nobody in, say what would be done."`
}

// OdooWork is something that goes on behind the answer, or did. Of the results
// the one is there that belongs to its kind.
type OdooWork struct {
	ID   string `json:"id"`
	Kind string `json:"kind" enum:"connect,doctor,import,link,lock,sync"`
	Work
	DryRun bool                    `json:"dry_run"`
	Import *connector.ImportReport `json:"import,omitempty"`
	Doctor *connector.Diagnosis    `json:"doctor,omitempty"`
	Link   *connector.LinkReport   `json:"link,omitempty"`
	Sync   *connector.SyncState    `json:"sync,omitempty"`
}

// imported is what is kept of an import. The pages of the administration read
// the same.
type imported struct {
	DryRun bool                   `json:"dry_run"`
	From   string                 `json:"from"`
	Sync   bool                   `json:"sync"`
	Order  connector.Settings     `json:"order"`
	Report connector.ImportReport `json:"report"`
}

// unnamed leaves out who it is about for callers who may not see people: logins
// are in what imports, examinations and synchronisations say, and in why work
// failed (SECURITY.md D-01).
func (v OdooWork) unnamed(by idp.Actor) OdooWork {
	if !seesPeople(by) {
		v.Hint = ""
	}
	if v.Import != nil {
		*v.Import = unnamedImport(by, *v.Import)
	}
	if v.Doctor != nil {
		*v.Doctor = unnamedDiagnosis(by, *v.Doctor)
	}
	if v.Sync != nil {
		*v.Sync = unnamedState(by, *v.Sync)
	}
	return v
}

// viewOdooWork reads what work returned as whoever began it wrote it.
func (a *API) viewOdooWork(by idp.Actor, j job.Job) (OdooWork, error) {
	v := OdooWork{ID: j.ID, Kind: strings.TrimPrefix(j.Kind, "odoo."), Work: *a.viewWork(&j)}
	var r struct {
		DryRun bool `json:"dry_run"`
	}
	err := j.Read(&r)
	v.DryRun = r.DryRun
	if len(j.Result) == 0 || err != nil {
		return v.unnamed(by), err
	}
	switch v.Kind {
	case "import":
		var r imported
		err, v.Import = j.Read(&r), &r.Report
	case "doctor":
		v.Doctor = &connector.Diagnosis{}
		err = j.Read(v.Doctor)
	case "link":
		var r struct{ Report connector.LinkReport }
		err, v.Link = j.Read(&r), &r.Report
	case "sync":
		var r struct{ State connector.SyncState }
		err, v.Sync = j.Read(&r), &r.State
	}
	return v.unnamed(by), err
}

// odooWorkAPI are the operations about people of an Odoo, and its websites.
type odooWorkAPI struct{ *API }

func (a odooWorkAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/odoo" + path, tag: "odoo", summary: summary, right: right, patient: true}
	}
	add(a.API, o("find-databases", http.MethodPost, "/databases", "List the databases of an Odoo that is not connected yet", idp.EditOdoo), func(ctx context.Context, by idp.Actor, in *struct {
		Body struct {
			URL string `json:"url" maxLength:"512"`
		}
	}) (*body[Items[string]], error) {
		all, err := a.Odoo.Setup.Databases(ctx, by, in.Body.URL)
		return answer(Items[string]{all}, err)
	})
	cases := o("list-cases", http.MethodGet, "/{id}/cases", "List people of whom nobody can tell which user of the Odoo they are", idp.SeeOdoo)
	cases.about = "It takes people:read, too."
	add(a.API, cases, func(ctx context.Context, by idp.Actor, in *AboutConnection) (*body[Items[Case]], error) {
		if _, err := a.Odoo.Register.Get(ctx, by, in.ID); err != nil {
			return nil, err
		}
		all, err := a.Odoo.Register.Cases(ctx, by, in.ID)
		return answer(Items[Case]{each(all, func(c connector.Case) Case { return Case{c.User, c.Name, c.Login, c.What, c.Seen.UTC()} })}, err)
	})
	shut := o("close-case", http.MethodDelete, "/{id}/cases/{user}", "Forget a case that was looked at", idp.EditOdoo)
	shut.about = "It comes back when it is not solved."
	add(a.API, shut, func(ctx context.Context, by idp.Actor, in *struct {
		AboutConnection
		User idp.UserID `path:"user" maxLength:"64"`
	}) (*none, error) {
		return done(a.Odoo.Register.CloseCase(ctx, by, in.ID, in.User))
	})
	a.websites(o)
	a.work(o)
}

// websites are the operations about what stands on the Odoo's websites.
func (a odooWorkAPI) websites(o func(id, method, path, summary string, right idp.Right) operation) {
	for _, act := range []struct {
		id, method, summary string
		right               idp.Right
		do                  func(ctx context.Context, by idp.Actor, id string) error
	}{
		{"get-portal", http.MethodGet, "Show what leads from the Odoo's websites here", idp.EditOdoo, func(context.Context, idp.Actor, string) error { return nil }},
		{"install-portal", http.MethodPut, "Write it to all its websites", idp.EditOdoo, func(ctx context.Context, by idp.Actor, id string) error {
			_, err := a.Odoo.Websites.InstallPortal(ctx, by, id)
			return err
		}},
		{"remove-portal", http.MethodDelete, "Take it from its websites", idp.EditOdoo, func(ctx context.Context, by idp.Actor, id string) error {
			_, err := a.Odoo.Websites.RemovePortal(ctx, by, id)
			return err
		}},
	} {
		p := o(act.id, act.method, "/{id}/portal", act.summary, act.right)
		p.status = http.StatusOK
		add(a.API, p, func(ctx context.Context, by idp.Actor, in *AboutConnection) (*body[connector.Portal], error) {
			if err := act.do(ctx, by, in.ID); err != nil {
				return nil, err
			}
			return answer(a.Odoo.Websites.ShowPortal(ctx, by, in.ID))
		})
	}
}

// work are the operations about what goes on behind the answer.
func (a odooWorkAPI) work(o func(id, method, path, summary string, right idp.Right) operation) {
	add(a.API, o("list-intake-classes", http.MethodGet, "/intake-classes", "List what is decided on before people are brought in", idp.SeeOdoo), func(context.Context, idp.Actor, *struct{}) (*body[Items[connector.ClassInfo]], error) {
		return &body[Items[connector.ClassInfo]]{Items[connector.ClassInfo]{connector.Classes}}, nil
	})
	bring := o("bring-people", http.MethodPost, "/{id}/import", "Bring an Odoo's users here", idp.EditOdoo)
	bring.status, bring.most = http.StatusAccepted, maxPeople
	bring.about = "The body may have 4 MiB, for some 40,000 people; a longer file is sent in parts, each with its first line. It takes people:write, too, ends when the caller loses either or after two hours, and goes on behind the answer: get-odoo-work tells what came of it. Who is known is passed over, so that a second run goes on where the first one stopped."
	add(a.API, bring, a.bring)
	list := o("list-odoo-work", http.MethodGet, "/{id}/work", "List what was lately done with a connection", idp.SeeOdoo)
	show := o("get-odoo-work", http.MethodGet, "/{id}/work/{work}", "Show how far something is, or what came of it", idp.SeeOdoo)
	list.about, show.about = namesNeed, namesNeed
	add(a.API, list, func(ctx context.Context, by idp.Actor, in *AboutConnection) (*body[Items[OdooWork]], error) {
		if _, err := a.Odoo.Register.Get(ctx, by, in.ID); err != nil {
			return nil, err
		}
		all, err := a.Jobs.About(ctx, in.ID, 10)
		out := []OdooWork{}
		for _, j := range all {
			if strings.HasPrefix(j.Kind, "odoo.") {
				v, bad := a.viewOdooWork(by, j)
				out, err = append(out, v), errors.Join(err, bad)
			}
		}
		return answer(Items[OdooWork]{out}, err)
	})
	add(a.API, show, func(ctx context.Context, by idp.Actor, in *struct {
		AboutConnection
		Work string `path:"work" maxLength:"64"`
	}) (*body[OdooWork], error) {
		if _, err := a.Odoo.Register.Get(ctx, by, in.ID); err != nil {
			return nil, err
		}
		return a.one(ctx, by, in.ID, in.Work)
	})
}

func (a odooWorkAPI) one(ctx context.Context, by idp.Actor, about, id string) (*body[OdooWork], error) {
	j, err := a.Jobs.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if j.About != about || !strings.HasPrefix(j.Kind, "odoo.") {
		return nil, idp.ErrNotFound
	}
	return answer(a.viewOdooWork(by, j))
}

func (a odooWorkAPI) bring(ctx context.Context, by idp.Actor, in *struct {
	AboutConnection
	Body NewIntake
}) (*made[OdooWork], error) {
	one, err := a.Odoo.Register.Get(ctx, by, in.ID)
	if err == nil {
		err = by.May(idp.EditPeople)
	}
	b := in.Body
	order := connector.Intake{Options: connector.Options{Only: b.Only, Companies: b.Companies, On: b.On}, Groups: b.Groups, DryRun: b.DryRun, Sync: b.Sync, Callers: a.Gate}
	if err == nil {
		order.Open, err = b.opener()
		err = errors.Join(order.Options.Check(), err)
	}
	if err != nil {
		return nil, err
	}
	out := imported{DryRun: b.DryRun, From: b.From, Sync: b.Sync, Order: connector.Settings{Import: order.Options, Groups: b.Groups}}
	id, err := a.Jobs.Start(ctx, by, "odoo.import", one.ID, func(ctx context.Context, r *job.Run) (any, error) {
		order.Progress = r.Progress
		var err error
		out.Report, err = a.Odoo.Imports.BringIn(ctx, by, one.ID, order)
		return out, a.explained(by, err)
	})
	if err != nil {
		return nil, err
	}
	v, err := a.one(ctx, by, one.ID, id)
	if err != nil {
		return nil, err
	}
	return &made[OdooWork]{Location: Prefix + "/odoo/" + one.ID + "/work/" + id, Body: v.Body}, nil
}

// opener opens what is read, where it is not Odoo's own interface. What is
// secret stays in memory, for as long as it takes.
func (b NewIntake) opener() (func(context.Context, []string) (connector.Source, func(), error), error) {
	nothing := func() {}
	switch b.From {
	case "sql":
		if strings.TrimSpace(b.DSN) == "" {
			return nil, invalid("dsn", "the address of the database")
		}
		return func(ctx context.Context, groups []string) (connector.Source, func(), error) {
			s, err := connector.OpenSQL(ctx, b.DSN, groups)
			if err != nil {
				return nil, nothing, err
			}
			return s, func() { _ = s.Close(context.WithoutCancel(ctx)) }, nil // it was only read
		}, nil
	case "csv":
		if b.File == "" {
			return nil, invalid("file", "the text of the exported file")
		}
		return func(_ context.Context, groups []string) (connector.Source, func(), error) {
			s, err := connector.OpenCSV(strings.NewReader(b.File), groups)
			return s, nothing, err
		}, nil
	}
	return nil, nil
}

// explained lets work that failed say why: in the word of the problem that it
// would have been, for which the pages of the administration have a sentence.
func (a *API) explained(by idp.Actor, err error) error {
	if err == nil {
		return nil
	}
	m, _, known := a.judged(by, err)
	why := connector.Why(err)
	switch {
	case !known && why.Kind != "":
		return &job.Problem{Key: why.Kind, Detail: connector.Plainly(err), Reason: why, Err: err}
	case !known:
		return err
	}
	detail := m.Detail
	for _, d := range m.Errors {
		detail += fmt.Sprintf(" %s", d.Message)
	}
	return &job.Problem{Key: strings.ReplaceAll(strings.TrimPrefix(m.Type, kindPrefix), "-", "_"), Detail: detail, Reason: why, Err: err}
}
