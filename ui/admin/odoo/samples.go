package odoo

import (
	"encoding/json"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/rpc"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

var sampleAt = time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)

func sampleConnection() connector.Connection {
	return connector.Connection{
		ID: "shop", URL: "https://erp.example.org", Database: "erp", Login: "admin@example.org", Client: "shop", Created: sampleAt,
		Facts: connector.Facts{
			Version: rpc.Version{Full: "18.0+e", Series: 18, Enterprise: true}, Modules: []string{"auth_oauth", "auth_signup", "auth_totp", "portal", "website"},
			Hosts: []string{"https://erp.example.org", "https://shop.example.org"}, Languages: []string{"fr_FR", "de_DE"}, OpenSignup: true,
			Company: connector.Company{Name: "Durand & Söhne Metallwarenhandelsgesellschaft"}, Users: 318, Linked: 291, Read: sampleAt,
		},
		Lock: connector.Lock{At: sampleAt, Except: []string{"rescue@example.org"}}, Settings: connector.Settings{Sync: true, Groups: map[string]string{"sales_team.group_sale_manager": "sales"}},
		Health: connector.Health{Good: sampleAt, Failed: sampleAt, Failure: "Odoo cannot be reached: nothing answers at erp.example.org: dial tcp 203.0.113.7:443: connect: connection refused", Why: sampleWhy()},
	}
}

func sampleWhy() connector.Reason {
	return connector.Reason{Kind: "unreachable", Said: connector.Said{Says: "reach.closed", Facts: []string{"erp.example.org"}, Detail: "dial tcp 203.0.113.7:443: connect: connection refused"}}
}

func sampleState() connector.SyncState {
	why := sampleWhy()
	return connector.SyncState{
		Succeeded: sampleAt, Total: connector.SyncCounts{Created: 12, Changed: 4, Failed: 1}, Failure: "Odoo cannot be reached", Why: &why,
		Troubles: []connector.SyncTrouble{
			{Odoo: 7, Login: "zoe@example.org", Class: connector.SameEmail, Said: connector.Said{Says: "import.email", Facts: []string{"2", "zoe@example.org"}}},
			{Odoo: 8, Login: "max@example.org", Said: connector.Said{Says: "sync.refused", Detail: "The operation cannot be completed: another model requires the record"}},
			{Odoo: 9, Login: "old@example.org", Text: "exists: old@example.org"}, // as it was kept formerly
		},
	}
}

// Samples is these pages with sample data.
func Samples() []page.Sample {
	p := &Pages{Odoo: &connector.Office{}}
	visit := func(c *page.Context) admin.Visit { return admin.Sample(c, "odoo", p.Sections()) }
	one := sampleConnection()
	return append([]page.Sample{
		page.Drawn("odoo", set, http.StatusOK, "list.html", func(c *page.Context) any {
			return listView{Head: visit(c).Head(c), May: true, Rows: []listRow{rowOf(c, visit(c), one, sampleState())}}
		}),
		page.Drawn("odoo-none", set, http.StatusOK, "list.html", func(c *page.Context) any {
			return listView{Head: visit(c).Head(c), May: true, Empty: &admin.Empty{Title: c.Words.T("admin.odoo.empty"), Text: c.Words.T("admin.odoo.empty_text"), URL: addressConnect, Button: c.Words.T("admin.odoo.connect")}}
		}),
		page.Drawn("odoo-address", set, http.StatusOK, "connect.html", func(c *page.Context) any { return addressStep(c, visit(c), "https://erp.example.org") }),
		page.Drawn("odoo-login", set, http.StatusOK, "connect.html", func(c *page.Context) any {
			v := loginStep(c, visit(c), connector.Order{URL: one.URL}, []string{"erp", "test"})
			v.Head = v.Refused(c.Words.T("admin.odoo.problem.wrong_key"), "")
			return v
		}),
		page.Drawn("odoo-found", set, http.StatusOK, "connect.html", func(c *page.Context) any {
			v := stepOf(c, visit(c), 3)
			v.Form, v.Action, v.Button = "odoo-connect", addressConnect+"/do", c.Words.T("admin.odoo.connect")
			v.Found, v.Notes = foundFacts(c, one), notes(c.Words, []connector.Note{{Said: connector.Said{Says: "note.online"}}, {Said: connector.Said{Says: "note.clear", Facts: []string{"http://erp.example.org/auth_oauth/signin"}}}})
			return v
		}),
		page.Drawn("odoo-one", set, http.StatusOK, "show.html", func(c *page.Context) any {
			v := viewOf(c, visit(c), one, sampleState(), []connector.Case{{User: "u", Name: "Pia Petersen", Login: "pia@example.org", What: "pia1; linked otherwise: pia2", Said: connector.Said{Says: "case.some_linked", Facts: []string{"pia1", "pia2"}}, Seen: sampleAt}})
			v.Examined = examinedOf(c, visit(c), connector.Examined{At: sampleAt, Found: []connector.Kept{{Check: "sign_up", Level: connector.Advice}, {Check: "key_expiry", Level: connector.Problem}}})
			v.Work = []workRow{{c.Words.T("admin.odoo.job.doctor"), "/admin/odoo/job/x", when(c, visit(c), sampleAt), c.Words.T("admin.odoo.job_state.done")}}
			return v
		}),
		page.Drawn("odoo-log", set, http.StatusOK, "log.html", func(c *page.Context) any {
			return logView{Head: visit(c).Head(c), Rows: []runRow{
				{when(c, visit(c), sampleAt), "1.2 s", counted(c, connector.SyncCounts{Created: 3, Failed: 1}), odoowords.Line{}, true, troubles(c.Words, sampleState().Troubles)},
				{when(c, visit(c), sampleAt), "0.1 s", counted(c, connector.SyncCounts{}), failure(c.Words, &one.Health.Why, one.Health.Failure), false, nil},
				{when(c, visit(c), sampleAt), "0.1 s", counted(c, connector.SyncCounts{}), failure(c.Words, nil, "Odoo cannot be reached: 502"), false, nil}, // as it was kept formerly
			}}
		}),
		page.Drawn("odoo-import", set, http.StatusOK, "import.html", func(c *page.Context) any {
			v := importForm(c, one, "sql", true)
			v.Head = visit(c).Head(c, crumbs(c, one.ID)...)
			return v
		}),
		page.Drawn("odoo-portal", set, http.StatusOK, "portal.html", func(c *page.Context) any {
			return portalView{Head: visit(c).Head(c), Action: "/", Back: "/", Portal: connector.Portal{Snippet: "<!-- latchkey:begin -->\n<script>…</script>", Websites: []string{"My Website"}, Rules: "# nginx\nlocation = /web/login { }"}}
		}),
		page.Drawn("odoo-settings", set, http.StatusOK, "settings.html", func(c *page.Context) any {
			return settingsView{Head: visit(c).Head(c, crumbs(c, one.ID)...), ID: one.ID, Action: "/", Cancel: "/", Fields: ticks(c, connector.Settings{Sync: true, KeepLocked: true})}
		}),
		{Name: "odoo-failed", Draw: func(c *page.Context) error {
			return instead(c, visit(c).Head(c), one.ID, &rpc.Trouble{Of: rpc.ErrUnreachable, Says: "reach.certificate", Facts: []string{"erp.example.org"}, Detail: "x509: certificate has expired or is not yet valid"})
		}},
		page.Drawn("odoo-disconnect", set, http.StatusOK, "confirm.html", func(c *page.Context) any {
			return confirmView{Head: visit(c).Head(c), Lists: []namedList{{c.Words.T("admin.odoo.disconnect_list"), notes(c.Words, []connector.Note{{Said: connector.Said{Says: "back.links", Facts: []string{"291"}}}, {Said: connector.Said{Says: "back.row", Facts: []string{"4"}}}, {Said: connector.Said{Says: "back.client", Facts: []string{"shop"}}}})}}, Confirm: admin.Confirm{
				ID: "disconnect", Title: c.Words.T("admin.odoo.disconnect_title", one.ID), Text: []string{c.Words.T("admin.odoo.disconnect_text"), c.Words.N("admin.odoo.disconnect_people", 291)},
				Action: "/", Button: c.Words.T("admin.odoo.disconnect"), Cancel: "/", Danger: true, Fields: admin.Fields{tick(c, "leave", false)},
			}}
		}),
	}, jobSamples(visit)...)
}

func sampleReason() json.RawMessage {
	raw, err := json.Marshal(sampleWhy())
	if err != nil {
		panic(err) // plain values
	}
	return raw
}

// jobSamples are the pages of work, in each of its states.
func jobSamples(visit func(*page.Context) admin.Visit) (out []page.Sample) {
	for _, one := range []struct {
		name string
		job.Job
		result any
	}{
		{"running", job.Job{Kind: "odoo.connect", State: job.Running, Touched: sampleAt.AddDate(1000, 0, 0)}, joined{Steps: []connector.Step{
			{Name: "sign in", Said: connector.Said{Says: "did.sign_in", Facts: []string{"18.0", "Enterprise", "XML-RPC", "erp", "admin"}}},
			{Name: "read", Said: connector.Said{Says: "did.read.invited", Facts: []string{"318", "Durand & Söhne", "https://erp.example.org", "fr_FR de_DE"}}},
			{Name: "client", Did: "made shop"}, // as it was kept formerly
			{Name: "provider row", Said: connector.Said{Says: "did.row.both", Facts: []string{"4", "enabled, scope", "fr_FR"}}},
		}, Notes: []connector.Note{{Check: "proxy_mode", Said: connector.Said{Says: "redirect_uri", Facts: []string{"https://erp.example.org", "http://erp.example.org/auth_oauth/signin"}}}}}},
		{"failed", job.Job{Kind: "odoo.link", State: job.Failed, Key: "unreachable", Reason: sampleReason()}, nil},
		{"failed-old", job.Job{Kind: "odoo.lock", State: job.Failed, Key: "unreachable", Detail: "Odoo cannot be reached: 502"}, nil},
		{"doctor", job.Job{Kind: "odoo.doctor", State: job.Done}, connector.Diagnosis{Checks: []string{"client"}, Findings: []connector.Finding{
			{Check: "provider_row", Level: connector.Problem, Cure: "`--fix` corrects it", Fixable: true, Said: connector.Said{Says: "provider_row.wrong", Facts: []string{"4", "enabled"}}},
			{Check: "waiting", Level: connector.Problem, Cure: "cure the failure", Said: connector.Said{Says: "waiting", Facts: []string{"1"}, Detail: "Odoo cannot be reached: 502"}},
			{Check: "signed_in_past_us", Level: connector.Problem, Said: connector.Said{Says: "signed_in_past_us.password", Facts: []string{"1", "pia@example.org (2026-11-22T14:03:00Z)"}}},
			{Check: "screen_lock", Level: connector.Problem, Said: connector.Said{Says: "screen_lock", Facts: []string{"2", "Internal User, Sales"}}},
			{Check: "copy", Level: connector.Advice, Said: connector.Said{Says: "copy", Facts: []string{"shop-staging"}}},
			{Check: "key_expiry", Level: connector.Advice, Evidence: "Odoo denies this", Cure: "look at it in Odoo; it could not be read", Said: connector.Said{Says: "unread", Detail: "Odoo denies this"}},
			{Check: "odoo_totp", Level: connector.Advice, Evidence: "3 people have Odoo's own second factor", Cure: "let them switch it off"}, // as it was kept formerly
			{Check: "hosts", Level: connector.Problem, Fixed: true, Fixable: true, Said: connector.Said{Says: "hosts", Facts: []string{"https://shop.example.org"}}},
			{Check: "validation", Level: connector.Problem, Gone: true, Said: connector.Said{Says: "validation", Facts: []string{"https://id.example.org", "200", "oauth_error=2"}}},
			{Check: "label", Level: connector.Advice, Fixable: true, Said: connector.Said{Says: "label", Facts: []string{"nl_NL"}}, Failed: "Odoo reports an error: x", Why: &connector.Reason{Kind: "fault", Said: connector.Said{Detail: "ValidationError: The name must be unique"}}},
		}}},
		{"import", job.Job{Kind: "odoo.import", State: job.Done, About: "shop", Progress: job.Progress{Done: 318, Part: 1}}, imported{DryRun: true, From: "rpc", Sync: true, Report: connector.ImportReport{Users: 318, Added: 291, Out: 2, Classes: []connector.ClassReport{
			{ClassInfo: connector.Classes[0], Choice: connector.Skip, Count: 2, Examples: []connector.ImportFinding{{Login: "zoe@example.org", Said: connector.Said{Says: "import.email", Facts: []string{"2", "zoe@example.org"}}}}},
		}}}},
		{"link", job.Job{Kind: "odoo.link", State: job.Done, About: "shop"}, linkResult{DryRun: true, Report: connector.LinkReport{Users: 318, Linked: 7, Already: 291, Missed: map[connector.LinkTrouble]int{connector.NotHere: 1}}, Findings: []connector.LinkFinding{{Trouble: connector.NotHere, Login: "old@example.org", Said: connector.Said{Says: "link.removed"}}}}},
		{"sync", job.Job{Kind: "odoo.sync", State: job.Done, About: "shop"}, syncResult{State: sampleState(), Changes: []connector.SyncChange{
			{What: "change", Login: "pia@example.org", Said: connector.Said{Says: "sync.changed", Facts: []string{"name, phone"}}}, {What: "change", Login: "pia@example.org", Said: connector.Said{Says: "sync.joined", Facts: []string{"sales"}}},
			{What: "disable", Login: "old@example.org"},
			{What: "lock", Login: "zoe@example.org", Said: connector.Said{Says: "sync.past"}}, {What: "invite", Login: "new@example.org"},
		}}},
		{"lock", job.Job{Kind: "odoo.lock", State: job.Done, About: "shop"}, locked{DryRun: true, Users: 2, Again: true, Report: connector.Locked{Users: []string{"ada", "pia"}, Past: []string{"pia"}, Notes: []connector.Note{
			{Said: connector.Said{Says: "note.control"}}, {Said: connector.Said{Says: "note.screen", Facts: []string{"Internal User"}}},
		}, Exempt: []string{"admin"}, Settings: []string{"auth_signup.reset_password = False", "website sign-up 1 = b2b"}}}},
	} {
		raw, err := json.Marshal(one.result)
		if err != nil {
			panic(err) // plain values
		}
		if one.ID, one.Began, one.Owner = "sample", sampleAt, idp.UserID("sample"); one.result != nil {
			one.Result = raw
		}
		out = append(out, page.Sample{Name: "odoo-job-" + one.name, Draw: func(c *page.Context) error {
			view, err := jobOf(c, visit(c), one.Job)
			if err != nil {
				return err
			}
			c.Script()
			return c.Show(set, http.StatusOK, "job.html", view)
		}})
	}
	return out
}
