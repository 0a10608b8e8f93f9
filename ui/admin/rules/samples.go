package rules

import (
	"net/http"
	"net/netip"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// What the samples are about.
var (
	sampleAt     = time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	samplePolicy = policy.Policy{
		ID: "P1", Name: "kundenportal-zweiter-faktor-fuer-die-buchhaltung", Enabled: true,
		Whom:  policy.Whom{Kind: "portal", Groups: []string{"odoo:shop:base.group_portal", "Rechnungsempfänger"}, Except: []policy.Except{{User: "camille.durand@example.com", Until: "2027-01-31"}}},
		Where: policy.Where{Clients: []string{"shop"}, Networks: policy.Networks{NotIn: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}}},
		What: policy.What{
			Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "passkey", "backup"}, Enrolment: policy.Enrolment{Deadline: "2027-03-01"}, Devices: &policy.Devices{Days: 30},
			Session: policy.Session{Absolute: 12 * time.Hour, Idle: 30 * time.Minute}, Lock: "hard", Banner: map[string]string{"en": "From 1 March on, a second factor is needed."},
		},
	}
	sampleClients = map[string]string{"shop": "Onlineshop"}
)

func sampleDraft() rulebook.Draft {
	p := samplePolicy
	p.What.Assurance, p.What.Enrolment.Deadline, p.What.Lock = policy.PhishingResistant, "2027-06-01", ""
	return rulebook.Draft{Policy: p, Version: 3, Base: 4, At: sampleAt, Who: "Camille Durand (camille.durand@example.com)"}
}

func sampleVersions() []rulebook.Version {
	text, _ := policy.Format([]policy.Policy{samplePolicy})
	one := func(n int, act rulebook.Act, reason string) rulebook.Version {
		return rulebook.Version{Policy: "P1", Number: n, Name: samplePolicy.Name, Act: act, Body: string(text), At: sampleAt.AddDate(0, 0, n), Who: "Camille Durand (camille.durand@example.com)", Reason: reason}
	}
	rolled := one(5, rulebook.RolledBack, "The accountants were on holiday.")
	rolled.Source = 2
	return []rulebook.Version{rolled, one(4, rulebook.Exempted, "Broken phone"), one(3, rulebook.Disabled, ""), one(2, rulebook.Published, "As the insurance asks for"), one(1, rulebook.Found, "")}
}

func sampleOutlook() rulebook.Outlook {
	why := []policy.Reason{{Policy: samplePolicy.Name, Dimension: "assurance", Value: "phishing-resistant"}, {Dimension: "methods", Value: "none"}}
	day := func(d policy.Date, fine, asked, must, shut int) posture.Day {
		return posture.Day{Day: d, States: map[posture.State]int{posture.Fine: fine, posture.Asked: asked, posture.MustSetUp: must, posture.ShutOut: shut}}
	}
	return rulebook.Outlook{Progress: rulebook.Progress{At: sampleAt, Old: true}, Effect: &posture.Effect{
		Looked: 20_312, Hits: 412, New: 312,
		Before: posture.Outlook{day("", 9_000, 11_212, 100, 0)}, After: posture.Outlook{day("", 9_000, 11_212, 100, 0), day("2027-06-01", 8_900, 11_000, 409, 3)},
		Because: []posture.Because{{Reason: why[0], State: posture.MustSetUp, People: 409}, {Reason: why[1], State: posture.ShutOut, People: 3}},
		First: []posture.Hit{
			{User: "u1", Name: "verwaltung.buchhaltung.niederlassung-sued@handelsgesellschaft.example", State: posture.ShutOut, Day: "2027-06-01", Reasons: why, New: true},
			{User: "u2", Name: "bob@example.org", State: posture.MustSetUp, SetUp: []mfa.Kind{"passkey"}, Reasons: why[:1]},
		},
	}}
}

// Samples are the pages with sample data; see [page.Sample].
func Samples() []page.Sample {
	visit := func(c *page.Context, name string) admin.Visit {
		return admin.Sample(c, name, (&Pages{}).Sections())
	}
	draw := func(name, section, template string, status int, view func(*page.Context, admin.Visit, speaker) any) page.Sample {
		return page.Drawn(name, set, status, template, func(c *page.Context) any { return view(c, visit(c, section), speakerOf(c, sampleClients)) })
	}
	return slices.Concat(samplePolicies(draw), sampleHistory(draw), sampleGroups(draw))
}

// drawer draws a sample.
type drawer = func(name, section, template string, status int, view func(*page.Context, admin.Visit, speaker) any) page.Sample

func samplePolicies(draw drawer) []page.Sample {
	ok := http.StatusOK
	d := sampleDraft()
	entry := rulebook.Entry{Policy: samplePolicy, Version: 5, Draft: &d}
	doubts := []rulebook.Doubt{{Kind: rulebook.NoGroup, Value: "Rechnungsempfänger"}, {Kind: rulebook.Together, Value: "no-sms"}, {Kind: rulebook.Past, Value: "2026-03-01"}}
	risk := &rulebook.LockoutError{Self: true, Owners: true, Staff: true, Word: d.Policy.Name, People: []idp.User{{Email: "ada@example.org"}, {Email: "olga@example.org"}}}
	off := policy.Policy{ID: "P2", Name: "no-sms", Whom: policy.Whom{Everyone: true}, What: policy.What{Methods: []mfa.Kind{"totp", "passkey"}}}
	return []page.Sample{
		draw("policies", "policies", "policies.html", ok, func(c *page.Context, v admin.Visit, s speaker) any {
			covered := rulebook.Covered{Progress: rulebook.Progress{At: sampleAt}, By: map[string]posture.Coverage{"P1": {People: 20_312, Ready: 20_000, Exempt: 1}, "P2": {People: 3, Ready: 3}}}
			return policiesOf(c, v, s, []rulebook.Entry{entry, {Policy: off}}, []rulebook.Draft{d}, sampleVersions()[:1], covered)
		}),
		draw("policies-empty", "policies", "policies.html", ok, func(c *page.Context, v admin.Visit, s speaker) any {
			return policiesOf(c, v, s, nil, nil, nil, rulebook.Covered{})
		}),
		draw("policy-new", "policies", "new.html", ok, func(c *page.Context, v admin.Visit, _ speaker) any {
			return editView{Head: v.Head(c, trail(c)...), Templates: templates(c), Blank: newPath}
		}),
		draw("policy-edit", "policies", "edit.html", http.StatusBadRequest, func(c *page.Context, v admin.Visit, s speaker) any {
			return sampleEdit(c, v, s, entry)
		}),
		draw("policy-file", "policies", "edit.html", http.StatusBadRequest, func(c *page.Context, v admin.Visit, _ speaker) any {
			return editView{
				Head: v.Head(c, trail(c, entry)...).Refused(c.Words.T("admin.refused"), ""), Title: c.Words.T("admin.policies.edit_title", entry.Policy.Name), AsFile: true, Lines: []string{"line 3: policies[1].whom: must say everyone: true, kind, groups or users"},
				File: admin.Field{Name: "file", Label: c.Words.T("admin.policies.file"), Help: c.Words.T("admin.policies.file_help"), Type: "textarea", Value: sampleVersions()[0].Body, Mono: true, Rows: 24},
			}
		}),
		draw("policy", "policies", "policy.html", ok, func(c *page.Context, v admin.Visit, s speaker) any {
			view, _ := policyOf(c, v, s, entry, doubts)
			return view
		}),
		draw("policy-preview", "policies", "preview.html", ok, func(c *page.Context, v admin.Visit, s speaker) any {
			view := previewOf(c, v, s, entry, sampleOutlook())
			p := posture.Person{Standing: posture.Standing{Now: posture.Point{State: posture.Fine}, Ahead: []posture.Point{{At: sampleAt, State: posture.MustSetUp, SetUp: []mfa.Kind{"passkey"}, Reasons: sampleOutlook().Effect.First[0].Reasons}}}}
			view.Person = &personView{Name: "bob@example.org", Before: standings{s}.of(posture.Person{Standing: posture.Standing{Now: posture.Point{State: posture.Fine}}}), After: standings{s}.of(p)}
			return view
		}),
		draw("policy-publish", "policies", "publish.html", http.StatusConflict, func(c *page.Context, v admin.Visit, s speaker) any {
			view, _ := publishOf(c, v, s, entry, sampleOutlook(), doubts, risk)
			view.Head = view.Refused(c.Words.T("admin.policies.lockout"), c.Words.T("admin.policies.lockout_refused"))
			return view
		}),
	}
}

// sampleHistory is the rest of them.
func sampleHistory(draw drawer) []page.Sample {
	ok := http.StatusOK
	d := sampleDraft()
	entry := rulebook.Entry{Policy: samplePolicy, Version: 5, Draft: &d}
	return []page.Sample{
		draw("policy-history", "policies", "history.html", ok, func(c *page.Context, v admin.Visit, _ speaker) any {
			return historyOf(c, v, trail(c, entry), samplePolicy.Name, sampleVersions(), 0)
		}),
		draw("policy-version", "policies", "version.html", ok, func(c *page.Context, v admin.Visit, s speaker) any {
			vs := sampleVersions()
			other := policy.Policy{Name: "no-sms", Whom: policy.Whom{Everyone: true}, What: policy.What{Methods: []mfa.Kind{"totp", "passkey"}}}
			before, _ := policy.Format([]policy.Policy{other})
			vs[4].Body = string(before)
			view, _ := versionOf(c, v, s, vs[1], vs[4], vs)
			return view
		}),
		draw("policy-exempt", "policies", "sure.html", ok, func(c *page.Context, v admin.Visit, _ speaker) any {
			return sureView{v.Head(c, trail(c, entry)...), admin.Confirm{
				ID: "policy-exempt", Title: c.Words.T("admin.policies.exempt_title", samplePolicy.Name), Text: []string{c.Words.T("admin.policies.exempt_text")}, Action: pathOf("P1"), Button: c.Words.T("admin.policies.exempt"), Cancel: pathOf("P1"),
				Fields: admin.Fields{{Name: "user", Label: c.Words.T("admin.policies.except_user"), Error: c.Words.T("admin.policies.wrong.user"), Mono: true}, {Name: "until", Label: c.Words.T("admin.policies.except_until"), Type: "date"}, reasonField(c)},
			}}
		}),
		draw("policy-what-if", "policies", "whatif.html", ok, func(c *page.Context, v admin.Visit, s speaker) any { return sampleWhatIf(c, v, s, entry) }),
	}
}

// sampleEdit is the form with mistakes, while somebody else has saved it, too.
func sampleEdit(c *page.Context, v admin.Visit, s speaker, e rulebook.Entry) editView {
	values, _ := policy.ValuesOf(samplePolicy)
	values["whom.everyone"], values["what.session.idle"], values["what.trusted_devices.days"], values["where.networks.in"] = "true", "soon", "400", "10.0.0.1/8"
	values["whom.except"] += "\nbob@example.org\tsoon"
	values["what.enrolment.grace_days"] = "3"
	_, err := values.Policy()
	changes, _ := rulebook.Diff(samplePolicy, e.Draft.Policy)
	return editView{
		Head:  v.Head(c, trail(c, e)...).Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.policies.theirs_text")),
		Title: c.Words.T("admin.policies.edit_title", samplePolicy.Name), Action: pathOf("P1") + "/edit", Cancel: pathOf("P1"), ID: "P1",
		Sections: former{s}.sections(values, mistakesOf(err), known{Groups: []string{"accounting", "odoo:shop:base.group_portal"}, Clients: []string{"shop", "forum"}}),
		Theirs:   s.changes(changes), TheirsWho: c.Words.T("admin.policies.theirs", e.Draft.Who, c.Words.DateTime(e.Draft.At)),
	}
}

func sampleWhatIf(c *page.Context, v admin.Visit, s speaker, e rulebook.Entry) whatIfView {
	out := s.answer(rulebook.Answer{
		User: idp.User{Email: "camille.durand@example.com"}, Drafted: e.Draft.Policy.Name,
		Obstacles: []rulebook.Obstacle{
			{What: rulebook.ObstacleDisabled}, {What: rulebook.ObstacleInvited, Since: sampleAt.AddDate(0, 0, -1), Until: sampleAt},
			{What: rulebook.ObstacleOver, Since: sampleAt.AddDate(0, 0, -9)}, {What: rulebook.ObstacleNoPassword},
			{What: rulebook.ObstaclePassword, Until: sampleAt}, {What: rulebook.ObstacleFactor, Method: "totp"},
		},
		Decision: policy.Decision{
			Assurance: policy.MFA, TrustDays: 30, Ahead: []policy.Decision{{At: sampleAt}},
			Reasons: []policy.Reason{{Policy: samplePolicy.Name, Dimension: "assurance", Value: "mfa"}, {Policy: samplePolicy.Name, Dimension: "methods", Value: "totp, passkey"}, {Policy: "pci", Dimension: "session", Value: "idle 15m"}},
		},
		Signin:   signin.Forecast{Steps: []signin.Step{signin.AskPassword, signin.AskFactor, signin.MayEnrol, signin.Done}, Methods: []mfa.Kind{"totp", "backup"}, Addable: []mfa.Kind{"passkey"}},
		Ahead:    []signin.Forecast{{Steps: []signin.Step{signin.AskPassword, signin.MustEnrol}, Stuck: true}},
		Policies: []rulebook.Part{{Name: samplePolicy.Name, Verdict: policy.Ahead, Until: sampleAt}, {Name: "pci", Verdict: policy.Holds}, {Name: "no-sms", Verdict: policy.Off}, {Name: "office", Verdict: policy.Elsewhere}},
	})
	return whatIfView{Head: v.Head(c, trail(c)...), Fields: s.asks(c, []string{"shop"}, []rulebook.Entry{e}, nil).Marked("user", c.Words.T("admin.policies.wrong.user")), Answer: &out}
}

func sampleGroups(draw drawer) []page.Sample {
	all := []rulebook.Group{
		{Name: "odoo:shop:company:Handelsgesellschaft für Gartenbedarf mbH & Co. KG", Members: rulebook.CountMost + 1, Feed: "shop"},
		{Name: "Rechnungsempfänger", Members: 2, Policies: []rulebook.PolicyName{{ID: "P1", Name: samplePolicy.Name}, {ID: "P2", Name: "no-sms"}}, Clients: []rulebook.ClientName{{ID: "shop", Name: "Onlineshop"}}},
	}
	people := []idp.User{{ID: "u1", Name: "Camille Durand", Email: "camille.durand@example.com"}, {ID: "u2", Login: "verwaltung.buchhaltung.niederlassung-sued@handelsgesellschaft.example"}}
	return []page.Sample{
		draw("groups", "groups", "groups.html", http.StatusOK, func(c *page.Context, v admin.Visit, _ speaker) any {
			return groupsOf(c, v, rulebook.GroupQuery{After: "a"}, all)
		}),
		draw("groups-empty", "groups", "groups.html", http.StatusOK, func(c *page.Context, v admin.Visit, _ speaker) any {
			return groupsOf(c, v, rulebook.GroupQuery{}, nil)
		}),
		draw("group", "groups", "group.html", http.StatusBadRequest, func(c *page.Context, v admin.Visit, _ speaker) any {
			view := groupViewOf(c, v, all[1], "", rulebook.MemberQuery{}, people)
			view.Head = view.Refused(c.Words.T("admin.refused"), "")
			view.Join.Error = c.Words.T("admin.groups.wrong.who", "nobody@example.org")
			return view
		}),
		draw("group-fed", "groups", "group.html", http.StatusOK, func(c *page.Context, v admin.Visit, _ speaker) any {
			return groupViewOf(c, v, all[0], "x", rulebook.MemberQuery{}, nil)
		}),
	}
}
