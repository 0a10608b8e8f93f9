package people

import (
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/people"
	"latchkey/idp/posture"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/trust"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

const sampleAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"

// samplePeople are one of every state.
func samplePeople() []people.Entry {
	at := time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	return []people.Entry{
		{User: idp.User{ID: "a", Name: "Camille Durand-Montgomery", Login: "camille.durand@example.com", Kind: idp.Portal, Groups: []string{"customers", "north"}, Created: at}},
		{User: idp.User{ID: "b", Name: "Zoé Čapek", Login: "zoe@example.com", Kind: idp.Internal, Role: idp.Admin, Factors: []mfa.Kind{"totp"}, Password: "x", Created: at}, SignedIn: at},
		{User: idp.User{ID: "c", Name: "Otto Off", Login: "otto", Kind: idp.Internal, Disabled: true, Created: at}, SignedIn: at},
		{User: idp.User{ID: "d", Name: "Ines Neu", Login: "ines@example.com", Kind: idp.Portal, Created: at}, Invited: at},
	}
}

// sampleCard is somebody with one of everything.
func sampleCard() people.Card {
	e := samplePeople()[1]
	e.User.Email, e.User.EmailVerified, e.User.Phone, e.User.Groups = "zoe@example.com", true, "+33612345678", []string{"accounting", "board"}
	at := e.SignedIn
	return people.Card{
		Entry: e, Factors: []people.Factor{{ID: "f", Kind: "totp", Label: "Pixel 8", Created: at, Used: at}, {ID: "g", Kind: "backup", Created: at, Left: 9}, {ID: "h", Kind: "temporary", Created: at, Expires: at, Left: 1}},
		Devices:  []trust.Device{{ID: "d", Agent: sampleAgent, Address: "2001:db8:85a3::8a2e:370:7334", Place: "Lyon, France", Created: at, Used: at, Expires: at.AddDate(0, 0, 30)}},
		Sessions: []idp.Session{{ID: "s", Created: at, Seen: at, Origin: idp.Origin{Address: "203.0.113.7", Agent: sampleAgent}}},
		SignIns: []idp.Event{
			{ID: "1", At: at, What: "signin", Method: "totp", Result: "ok", Origin: idp.Origin{Address: "203.0.113.7", Agent: sampleAgent}},
			{ID: "2", At: at, What: "signin.password", Result: "wrong", Origin: idp.Origin{Address: "2001:db8:85a3::8a2e:370:7334", Agent: sampleAgent}},
		},
		Applies: []people.Applied{
			{Name: "Everybody needs a second factor", Reasons: []policy.Reason{{Policy: "x", Dimension: "assurance", Value: "mfa"}, {Policy: "x", Dimension: "methods", Value: "passkey, totp"}}},
			{Name: "Accounting", Due: at.AddDate(0, 1, 0)}, {Name: "Board", Exempt: true, Due: at.AddDate(0, 2, 0)},
		},
		Standing: posture.Standing{Now: posture.Point{At: at, State: posture.Asked}, Ahead: []posture.Point{{At: at.AddDate(0, 1, 0), State: posture.MustSetUp}}},
		Locks:    []people.Lock{{User: "b", What: "factor", Method: "totp", Until: at}, {User: "b", What: "password", Browser: true}},
		Letters:  []people.Letter{{Purpose: idp.LinkEnrol, Made: at, Expires: at.Add(72 * time.Hour)}},
		Ties:     []connector.Tie{{Connection: "shop", Odoo: 42, Login: "zoe", Linked: at}, {Connection: "old", Odoo: 7, Login: "zc", Closed: connector.ClosedThere}},
		Waiting:  []account.Approval{{ID: "r", User: "b", Requester: "d", Temporary: account.Temporary{Reason: "phone lost, seen at the desk"}, Expires: at}},
	}
}

// samplePlan is something done to many, as far as it is.
func samplePlan(j *job.Job, todo, done int) people.Plan {
	return people.Plan{
		Batch: people.Batch{ID: "x"}, Order: people.Order{Act: people.Disable}, Total: 312, Todo: todo, Done: done, Job: j,
		Skips: map[string]int{people.SkipRole: 1, people.SkipAlready: 4}, Fails: map[string]int{"last_owner": 1},
	}
}

func sampleSome(c *page.Context, why string) grid {
	g := heads(c, "name", "login", "why")
	g.row(cell{Text: "Zoé Čapek", URL: "/"}, cell{Text: "zoe@example.com"}, cell{Text: c.Words.T("admin.users.why.role")})
	g.row(cell{Text: "Otto Off", URL: "/"}, cell{Text: "otto"}, cell{Text: why})
	return g
}

// Samples is these pages with sample data.
func Samples() []page.Sample {
	p := &Pages{Kinds: func() []mfa.Kind { return []mfa.Kind{"totp", idp.Passkey} }}
	visit := func(c *page.Context) admin.Visit { return admin.Sample(c, "users", p.Sections()) }
	drawn := func(name, template string, view func(*page.Context, admin.Visit) any) page.Sample {
		return page.Drawn(name, set, http.StatusOK, template, func(c *page.Context) any { return view(c, visit(c)) })
	}
	u := sampleCard().User
	out := []page.Sample{
		drawn("list", "list.html", func(c *page.Context, v admin.Visit) any {
			view := listView{Head: v.Head(c), MayAdd: true, MayTake: true, Waiting: 2, Groups: []string{"customers"}}
			next := people.Cursor{Name: "x", ID: "d"}
			fill(c, v, &view, people.Query{}, people.Page{People: samplePeople(), Locked: map[idp.UserID]bool{"b": true}, Next: &next, Count: people.Exactly, More: true})
			return view
		}),
		drawn("list-none", "list.html", func(c *page.Context, v admin.Visit) any {
			view := listView{Head: v.Head(c), MayAdd: true}
			fill(c, v, &view, people.Query{Filter: people.Filter{Text: "nobody", NoFactor: true, Stale: 45}}, people.Page{})
			return view
		}),
		drawn("card", "card.html", func(c *page.Context, v admin.Visit) any { return cards{p}.cardOf(c, v, sampleCard()) }),
		drawn("new", "form.html", func(c *page.Context, v admin.Visit) any { return forms{p}.newForm(c, v) }),
		drawn("edit-wrong", "form.html", func(c *page.Context, v admin.Visit) any {
			f := forms{p}.editForm(c, v, u)
			f.Fields.Marked("email", c.Words.T("admin.users.wrong.email"))
			f.Head = f.Refused(c.Words.T("admin.users.refused"), c.Words.T("admin.users.look_below"))
			return f
		}),
		drawn("role", "form.html", func(c *page.Context, v admin.Visit) any { return forms{p}.roleForm(c, v, u) }),
		drawn("temporary", "form.html", func(c *page.Context, v admin.Visit) any { return helping{p}.temporaryForm(c, v, u, true) }),
		drawn("enrol", "form.html", func(c *page.Context, v admin.Visit) any { return helping{p}.enrolForm(c, v, u) }),
		drawn("secret", "secret.html", func(c *page.Context, v admin.Visit) any {
			return secretView{v.Head(c, crumb(c, u)...), c.Words.T("admin.users.temporary_title", u.Name), admin.Secret{Label: c.Words.T("factor.temporary.name"), Value: "k7dmq-2xv9f-p3rt8", Help: c.Words.T("admin.users.temporary_once")}, "/"}
		}),
		drawn("groups", "groups.html", func(c *page.Context, v admin.Visit) any {
			return groupsView{v.Head(c, crumb(c, u)...), c.Words.T("admin.users.groups_title", u.Name), "/", u.Groups, []string{"staff"}, admin.Field{Label: c.Words.T("admin.users.group_join"), Help: c.Words.T("admin.users.group_new"), Error: c.Words.T("admin.users.wrong.groups")}, "/"}
		}),
		drawn("approvals", "approvals.html", func(c *page.Context, v admin.Visit) any {
			ask := requestView{ID: "r", Person: u.Name, URL: "/", Reason: "phone lost, seen at the desk", By: "Otto Off", Until: when(c, v, u.Created), Waits: true}
			own := ask
			own.ID, own.Own, own.Waits = "s", true, false
			return approvalsView{Head: v.Head(c, crumb(c)...), Requests: []requestView{ask, own}}
		}),
	}
	return append(out, manySamples(drawn)...)
}

// manySamples are the pages about many people at once.
func manySamples(drawn func(string, string, func(*page.Context, admin.Visit) any) page.Sample) []page.Sample {
	return []page.Sample{
		drawn("plan", "plan.html", func(c *page.Context, v admin.Visit) any {
			view := planOf(c, v.Head(c, crumb(c)...), samplePlan(nil, 307, 0))
			view.Todo, view.More, view.Skipped = []string{"Camille Durand-Montgomery", "Ines Neu"}, 305, sampleSome(c, c.Words.T("admin.users.why.already"))
			return view
		}),
		drawn("plan-going", "plan.html", func(c *page.Context, v admin.Visit) any {
			return planOf(c, v.Head(c, crumb(c)...), samplePlan(&job.Job{State: job.Running, Touched: c.Now(), Progress: job.Progress{Part: .4}}, 200, 106))
		}),
		drawn("plan-stopped", "plan.html", func(c *page.Context, v admin.Visit) any {
			view := planOf(c, v.Head(c, crumb(c)...), samplePlan(&job.Job{State: job.Failed}, 200, 106))
			view.Failed = sampleSome(c, c.Words.T("admin.users.why.last_owner"))
			return view
		}),
		drawn("import", "import.html", func(c *page.Context, v admin.Visit) any {
			return importView{v.Head(c, crumb(c)...), admin.Field{Name: "file", Label: c.Words.T("admin.users.file"), Type: "file", Help: c.Words.T("admin.users.file_help", 20), Error: c.Words.T("admin.users.wrong.file")}, 20}
		}),
		drawn("import-checked", "draft.html", func(c *page.Context, v admin.Visit) any {
			d := people.Import{Batch: people.Batch{ID: "x"}, Draft: people.Draft{
				Step: people.Checked, Encoding: "UTF-8", Comma: ";", Names: []string{"Prénom", "Nom", "Adresse e-mail", "Remarque"}, Sample: [][]string{{"Zoé", "Čapek", "zoe@example.com", "x"}},
				Choice: people.Choice{Fields: []string{"given_name", "family_name", "email", ""}, Kind: idp.Portal}, Sum: account.Imported{Rows: 1002, Added: 999, Conflicts: 2, Mistaken: 1},
				First: []people.Newcomer{{Name: "Zoé Čapek", Email: "zoe@example.com", Kind: idp.Portal, Groups: []string{"a"}}}, Refused: 3,
			}}
			view := draftOf(c, v.Head(c, crumb(c)...), d)
			view.Refused, view.More, view.Download = heads(c, "line", "row", "why"), 2, true
			view.Refused.row(cell{Text: "7"}, cell{Text: "Bad · One · nope"}, cell{Text: c.Words.T("admin.users.wrong.email")})
			return view
		}),
		drawn("import-done", "draft.html", func(c *page.Context, v admin.Visit) any {
			return draftOf(c, v.Head(c, crumb(c)...), people.Import{Draft: people.Draft{Step: people.Finished, Encoding: "Windows-1252", Comma: "\t", Sum: account.Imported{Rows: 10, Added: 10}, Invitations: []string{"y"}}})
		}),
		drawn("merge", "merge.html", func(c *page.Context, v admin.Visit) any {
			all := samplePeople()
			return mergeView{Head: v.Head(c, crumb(c, all[0].User)...), Title: c.Words.T("admin.users.merge_title", all[0].User.Name), URL: "/", Merged: mergedOf(c, people.Merged{
				Keep: all[0].User, Gone: all[1].User, Groups: []string{"north"}, Ties: []connector.Tie{{Connection: "shop", Login: "zoe"}}, Stuck: []connector.Tie{{Connection: "old", Login: "zc"}}, Factors: 2, KindDiffer: true,
			})}
		}),
		drawn("merge-find", "merge.html", func(c *page.Context, v admin.Visit) any {
			all := samplePeople()
			return mergeView{Head: v.Head(c, crumb(c, all[0].User)...), Title: c.Words.T("admin.users.merge_title", all[0].User.Name), URL: "/", With: admin.Field{Name: "q", Label: c.Words.T("admin.users.merge_with"), Type: "search"}, Found: []personView{personOf(c, v, all[1], false)}}
		}),
	}
}
