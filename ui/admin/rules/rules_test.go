package rules

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/rulebook"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/admin/admintest"
)

// From an empty house to a policy in force: template, draft, what it would do,
// publish, history, roll back.
func TestJourney(t *testing.T) {
	h := open(t)
	h.Add("bob")
	v := h.Enter(idp.Owner, "/admin/policies")
	v.Want(http.StatusOK, "/admin/policies").Has("a#template-portal").Follow("a#template-portal").Has("form#policy", "#part-whom", "#f-what\\.assurance")
	v.Submit("policy", "name", "first").Says("The draft is saved").Has("#draft")
	id := strings.TrimPrefix(v.At.Path, "/admin/policies/")
	v.Follow("a#to-preview").Has("#outlook", "#nobody", "#same") // bob is an employee: it is for nobody
	v.Get("/admin/policies/" + id).Follow("a#to-edit")
	v.Submit("policy", "whom.kind", "internal", "what.enrolment.deadline", "2026-08-01").Says("Employees need a second factor from 1 August 2026")
	v.Follow("a#to-publish").Has("#hits", "#why", "form#policy-publish")
	v.Get("/admin/policies/"+id+"/preview").HasNot("#same").Has("table#first").Says("bob@example.com", "Must set one up")
	v.Get("/admin/policies/" + id + "/preview?user=bob").Says("1 August 2026")
	v.Get("/admin/policies/"+id+"/preview?user=nobody-here").Want(http.StatusBadRequest, "/admin/policies/"+id+"/preview").Has("#e-user")
	v.Get("/admin/policies/"+id+"/publish").Submit("policy-publish", "reason", "as agreed").Says("The policy is published")
	if p := h.inForce(id); p.Name != "first" || p.Whom.Kind != "internal" || p.What.Devices.Days != 30 {
		t.Fatalf("%+v", p)
	}
	if es := h.Events("policy.publish"); len(es) != 1 || es[0].Actor != h.Person(idp.Owner).ID || es[0].Detail["reason"] != "as agreed" {
		t.Errorf("%+v", es)
	}
	v.Get("/admin/policies").Has("table#policies .chip-good").Says("Employees need")
	v.Get("/admin/policies/"+id+"/switch").Submit("policy-switch", "reason", "too early").Says("Done.")
	if h.inForce(id).Enabled {
		t.Error("it is still on")
	}
	v.Get("/admin/policies/"+id+"/history").Has("table#versions").Says("too early", "as agreed")
	v.Get("/admin/policies/" + id + "/history/2").Has("#diff").Says("In force as soon as it is published")
	v.Get("/admin/policies/" + id + "/history/1").Follow("a#to-rollback").Submit("policy-rollback").Says("in force again")
	if !h.inForce(id).Enabled {
		t.Error("it is not rolled back")
	}
	v.Get("/admin/policies/"+id+"/exempt").Submit("policy-exempt", "user", "bob", "reason", "").Want(http.StatusBadRequest, "/admin/policies/"+id+"/exempt").Has("#e-reason")
	v.Submit("policy-exempt", "user", "bob", "until", "2026-07-20", "reason", "broken phone").Says("exemption is in force", "bob@example.com, until 20 July 2026")
	v.Get("/admin/policies/" + id + "/remove").Submit("policy-remove").Says("The policy is removed")
	v.Has("#gone").Get("/admin/policies/" + id + "/history").Has("table#versions")
	if h.inForce(id).Name != "" {
		t.Error("it is still there")
	}
}

// What few policies need stays folded, unless it says something or has a mistake.
func TestRarePartsAreFolded(t *testing.T) {
	h := open(t)
	v := h.Enter(idp.Owner, "/admin/policies/new?template=pci")
	v.Has("details[open] #part-lock", "details:not([open]) #part-codes", "details:not([open]) #part-banner").HasNot("details #part-whom", "details #part-demand")
	v.Submit("policy", "what.codes.digits", "99", "what.lock", "").Want(http.StatusBadRequest, "/admin/policies/new").Has("details[open] #part-codes", "details:not([open]) #part-lock")
	v.Get("/admin/policies/new?template=employees").Submit("policy", "what.banner.en", "From Monday on.")
	v.Follow("a#to-edit").Has("details[open] #part-banner", "details:not([open]) #part-lock")
}

// What a form is sent with is what it is drawn from, and both are what the file
// says: nothing is lost on the way, whatever names look like.
func TestFormIsLossFree(t *testing.T) {
	h := open(t)
	v := h.Enter(idp.Owner, "/admin/policies")
	for i, p := range []policy.Policy{
		portal(),
		{Name: `<b>"&amp;'`, Whom: policy.Whom{Everyone: true, Except: []policy.Except{{User: "x y", Until: "2027-01-31"}, {User: "+a=b", Until: "2027-02-28"}}}, What: policy.What{Lock: "hard"}},
		{Name: "all", Enabled: true, Whom: policy.Whom{Kind: "internal", Groups: []string{"a, b", "whom.groups+c", "é ü"}, Users: []string{"u@example.org"}},
			Where: policy.Where{Clients: []string{"shop", "none"}, Networks: templatesNetworks()},
			What: policy.What{
				Assurance: policy.PhishingResistant, Methods: []mfa.Kind{"totp", "passkey", "backup"}, Enrolment: policy.Enrolment{GraceDays: 3}, Devices: &policy.Devices{},
				Session: policy.Session{Absolute: 43_200e9, Idle: 90e9}, Codes: policy.Codes{Validity: 60e9, Digits: 8, Tries: 2},
				Passkeys: policy.Passkeys{Clones: "warn", Attestation: "none", Models: []string{"cb69481e-8ff7-4039-93ec-0a2729a154a8"}},
				Banner:   map[string]string{"en": "<i>hi</i>", "fr": "«ça»", "pt-BR": "olá"},
			}},
	} {
		p = h.published(p)
		path := fmt.Sprintf("/admin/policies/%s/edit", p.ID)
		v.Get(path).Want(http.StatusOK, path).Submit("policy").Has("#draft")
		same := func() {
			t.Helper()
			e, err := h.rules.Get(t.Context(), admintest.Host, p.ID)
			h.Must(err)
			if e.Draft == nil || !reflect.DeepEqual(e.Draft.Policy, p) {
				t.Fatalf("%d:\n got %+v\nwant %+v", i, e.Draft, p)
			}
		}
		same()
		v.Get(path + "?as=file").Submit("policy")
		same()
		v.Get(path).Submit("policy", "show", "file").Has("textarea[name=file]").Submit("policy", "show", "form").Has("#f-name").Submit("policy")
		same()
	}
}

func templatesNetworks() policy.Networks {
	return rulebook.Templates(admintestNow)[3].Policy.Where.Networks
}

// Every mistake is at its field, and nothing that was typed is lost.
func TestMistakes(t *testing.T) {
	h := open(t)
	h.published(portal())
	v := h.Enter(idp.Admin, "/admin/policies/new?template=portal")
	for _, c := range []struct {
		fields []string
		at     string
	}{
		{[]string{"name", " "}, "#e-name"},
		{[]string{"name", "portal"}, "#e-name"},
		{[]string{"whom.everyone", "yes"}, "#part-whom-wrong"},
		{[]string{"whom.kind", ""}, "#part-whom-wrong"},
		{[]string{"where.networks.in", "10.0.0.1/8"}, "#e-where\\.networks\\.in"},
		{[]string{"what.trusted_devices.days", "400"}, "#e-what\\.trusted_devices\\.days"},
		{[]string{"what.session.idle", "soon"}, "#e-what\\.session\\.idle"},
		{[]string{"what.enrolment.grace_days", "3"}, "#part-demand-wrong"},
		{[]string{"whom.except.user.1", "bob"}, "#e-whom\\.except\\.until\\.1"},
		{[]string{"what.banner.en", strings.Repeat("x", 501)}, "#e-what\\.banner\\.en"},
	} {
		v.Get("/admin/policies/new?template=portal").Submit("policy", append([]string{"what.codes.tries", "7"}, c.fields...)...)
		v.Want(http.StatusBadRequest, "/admin/policies/new").Has("#wrong", c.at, `#f-what\.codes\.tries[value="7"]`)
		if name := c.fields[0]; !strings.HasSuffix(name, "everyone") && c.fields[1] != "" && c.fields[1] != " " {
			s := v.Doc.Find(`[name="` + name + `"]`)
			if got := strings.TrimSpace(s.AttrOr("value", "") + s.Text()); got != c.fields[1] {
				t.Errorf("%v: %q is lost: %q", c.fields, c.fields[1], got)
			}
		}
	}
	v.Get("/admin/policies/new?template=portal&as=file")
	for _, text := range []string{"", "policies: []", "policies: [{name: x}]", "a: [", "policies: [{name: a, whom: {everyone: true}, what: {lock: hard}}, {name: b, whom: {everyone: true}, what: {lock: hard}}]"} {
		v.Submit("policy", "file", text)
		v.Want(http.StatusBadRequest, "/admin/policies/new").Has("#lines li")
	}
}

// Two administrators write on one draft.
func TestConflict(t *testing.T) {
	h := open(t)
	p := h.published(portal())
	path := "/admin/policies/" + p.ID
	anna, olga := h.Enter(idp.Admin, path+"/edit"), h.Enter(idp.Owner, path+"/edit")
	anna.Submit("policy", "what.codes.tries", "3").Says("The draft is saved")
	olga.Submit("policy", "what.codes.digits", "8").Want(http.StatusConflict, path+"/edit").Has("#theirs", `#f-what\.codes\.digits[value="8"]`).Says("Person admin")
	olga.Submit("policy").Says("The draft is saved") // having seen it
	anna.Get(path + "/publish")
	olga.Get(path+"/edit").Submit("policy", "what.codes.tries", "5")
	anna.Submit("policy-publish").Want(http.StatusConflict, path+"/publish").Has("#wrong")
	if d := h.inForce(p.ID); d.What.Codes.Digits != 0 {
		t.Errorf("%+v", d)
	}
	h.published(policy.Policy{Name: "portal", Whom: policy.Whom{Kind: "portal"}, What: policy.What{Lock: "hard"}})
	olga.Get(path+"/publish").Submit("policy-publish").Want(http.StatusConflict, path+"/publish").Says("was published meanwhile")
	olga.Get(path).Has("#late").Submit("draft-rebase").Says("newest version")
	olga.Get(path + "/publish").Submit("policy-publish").Says("is published")

	// What was typed outlives the draft, and the policy.
	anna.Get(path+"/edit").Submit("policy", "what.codes.tries", "4").Get(path + "/edit")
	olga.Get(path + "/drop").Submit("draft-drop").Says("thrown away")
	anna.Submit("policy", "what.codes.tries", "9").Want(http.StatusConflict, path+"/edit").Has("#wrong", `#f-what\.codes\.tries[value="9"]`)
	anna.Submit("policy").Says("The draft is saved")
	olga.Get(path+"/remove").Submit("policy-remove").Says("is removed").Get(path+"/history").Want(http.StatusOK, path+"/history")
	anna.Get(path).Has("#late").Submit("draft-rebase").Get(path + "/publish").Submit("policy-publish").Says("is published")
	if got := h.inForce(p.ID).What.Codes.Tries; got != 9 {
		t.Error(got)
	}
}

// Groups and applications that are there can be ticked.
func TestAdditions(t *testing.T) {
	h := open(t)
	h.Must(h.groups.Add(t.Context(), admintest.Host, "Größen & Maße+"))
	v := h.Enter(idp.Owner, "/admin/policies/new?template=portal")
	v.Submit("policy", "whom.groups+Gr%C3%B6%C3%9Fen%20&%20Ma%C3%9Fe+", "yes", "where.clients+shop", "yes").Says("Größen & Maße+", "at Shop")
}

// D-05: who would be locked out is told before, and a word is asked for.
func TestLockout(t *testing.T) {
	h := open(t)
	p := policy.Policy{Name: "backup only", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"backup"}}}
	d, err := h.rules.SaveDraft(t.Context(), h.Actor(idp.Owner), p, 0)
	h.Must(err)
	path := "/admin/policies/" + d.Policy.ID + "/publish"
	v := h.Enter(idp.Owner, path).Has("#lockout", "#doubts", "input[name=confirm]")
	v.Submit("policy-publish", "confirm", "yes").Want(http.StatusConflict, path).Has("#wrong", "#lockout")
	if h.inForce(d.Policy.ID).Name != "" {
		t.Fatal("it is in force")
	}
	v.Submit("policy-publish", "confirm", "backup only")
	if h.inForce(d.Policy.ID).Name == "" {
		t.Fatal("the word does not confirm")
	}
	// Switched off by the host, the switch asks as well.
	_, err = h.rules.Switch(t.Context(), admintest.Host, d.Policy.ID, false, rulebook.Means{})
	h.Must(err)
	path = "/admin/policies/" + d.Policy.ID + "/switch"
	v.Get(path).Submit("policy-switch").Want(http.StatusConflict, path).Has("#wrong", "input[name=confirm]")
	v.Submit("policy-switch", "confirm", "backup only")
	if !h.inForce(d.Policy.ID).Enabled {
		t.Error("it is off")
	}
}

func TestWhatIf(t *testing.T) {
	h := open(t)
	h.Add("bob")
	p := portal()
	p.Whom.Kind, p.Where.Clients, p.What.Enrolment.Deadline = "internal", []string{"shop"}, "2026-09-01"
	h.published(p)
	v := h.Enter(idp.HelpDesk, "/admin/policies/what-if").Has("form#what-if")
	v.Get("/admin/policies/what-if?user=bob&client=shop").Has("#steps li", "table#verdicts").Says("Signed in", "holds from 1 September 2026 on", "Must set up a second factor")
	v.Get("/admin/policies/what-if?user=bob&client=shop&day=2026-09-02").Says("Must set up a second factor", "second factor: Demanded")
	v.Get("/admin/policies/what-if?user=none&address=x&client=none").Want(http.StatusBadRequest, "/admin/policies/what-if").Has("#e-user", "#e-address", "#e-client")
	v.HasNot("#obstacles")
	h.Must(h.Accounts.Disable(t.Context(), admintest.Host, h.Add("off").ID))
	_, err := h.Accounts.Add(t.Context(), admintest.Host, account.New{Login: "newcomer", Name: "New"})
	h.Must(err)
	v.Get("/admin/policies/what-if?user=bob").HasNot("#obstacles")
	v.Get("/admin/policies/what-if?user=off").Has("#obstacles li.rule-bad", "#steps").Says("The account is disabled")
	v.Get("/admin/policies/what-if?user=newcomer").Has("#obstacles li.rule-bad").Says("Has neither a password nor a passkey", "Was never invited", "Without that")
	v.Get("/admin/policies/what-if?user=bob&day=soon").Want(http.StatusBadRequest, "/admin/policies/what-if").Has("#e-day")
}

// D-11: a file of people is no program for a spreadsheet.
func TestCSV(t *testing.T) {
	h := open(t)
	h.Add("=cmd()", func(in *account.New) { in.Email = "" })
	u, err := h.Accounts.Find(t.Context(), "=cmd()")
	h.Must(err)
	p := portal()
	p.Whom = policy.Whom{Users: []string{string(u.ID)}}
	p = h.published(p)
	v := h.Enter(idp.Auditor, "/admin/policies/"+p.ID+"/preview.csv")
	lines := strings.Split(strings.TrimSpace(string(v.Body)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[1], "'=cmd()") || !strings.Contains(v.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q %v", lines, v.Header)
	}
}

func TestGroups(t *testing.T) {
	h := open(t)
	bob := h.Add("bob")
	h.Must(h.Accounts.Memberships().Join(t.Context(), admintest.Host, "odoo:shop", bob.ID))
	v := h.Enter(idp.Admin, "/admin/groups")
	v.Submit("group-add", "name", "Buchhaltung / A & B").Says("The group is there").Has("form#group-join")
	path := v.At.Path
	v.Submit("group-join", "who", "bob\nnobody-here").Want(http.StatusBadRequest, path+"/join").Has("#e-who").Says("nobody-here")
	v.Get(path).Submit("group-join", "who", "bob, admin@example.com").Says("They are members now", "Person bob")
	v.Get(path + "?q=PERS+bo").Has("table#people").HasNot("#leave-" + string(h.Person(idp.Admin).ID))
	p := portal()
	p.Whom = policy.Whom{Groups: []string{"Buchhaltung / A & B"}}
	p = h.published(p)
	v.Get("/admin/groups").Has("table#groups").Says("portal", "filled by shop")
	v.Submit("group-add", "name", "Buchhaltung / A & B").Want(http.StatusBadRequest, "/admin/groups").Has("#e-name")
	v.Submit("group-add", "name", "odoo:mine").Want(http.StatusBadRequest, "/admin/groups").Has("#e-name")
	v.Get(path).Submit("group-rename", "name", "accounting").Want(http.StatusOK, "/admin/groups/accounting").Says("follows")
	if got := h.inForce(p.ID).Whom.Groups; !reflect.DeepEqual(got, []string{"accounting"}) {
		t.Error(got)
	}
	v.Submit("leave-"+string(bob.ID)).Want(http.StatusOK, "/admin/groups/accounting").HasNot("#leave-" + string(bob.ID))
	v.Get("/admin/groups/accounting/remove").Submit("group-remove", "confirm", "no").Want(http.StatusConflict, "/admin/groups/accounting/remove").Has("#e-confirm")
	v.Submit("group-remove", "confirm", "accounting").Want(http.StatusOK, "/admin/groups")
	v.Get("/admin/groups/odoo:shop").Has("#fed").HasNot("form#group-join", "form#group-rename")
	if es := h.Events("group.rename"); len(es) != 1 {
		t.Errorf("%+v", es)
	}
	v.Get("/admin/groups?q=nothing+like+it").Has(".empty")
}

// Every page for every role: who may look sees no way to change, and who may
// not is refused. What changes something is a POST with fresh proofs.
func TestRoles(t *testing.T) {
	h := open(t)
	p := h.published(portal())
	q := p
	q.What.Lock = "hard"
	_, err := h.rules.SaveDraft(t.Context(), h.Actor(idp.Owner), q, 0)
	h.Must(err)
	h.Must(h.groups.Add(t.Context(), h.Actor(idp.Owner), "g"))
	fill := strings.NewReplacer(":policy", p.ID, ":version", "1", ":group", "g")
	for _, s := range h.Desk.Sections {
		for _, r := range s.Routes {
			path := fill.Replace(r.Path)
			for _, role := range []idp.Role{"", idp.HelpDesk, idp.Auditor, idp.Admin} {
				v := h.Enter(role, "/admin/policies")
				may := role != "" && role.Holds(r.Right)
				if r.Method == http.MethodGet {
					v.Get(path)
					if ok := v.Status == http.StatusOK; ok != may {
						t.Errorf("%s %s for %q: %d", r.Method, r.Path, role, v.Status)
					}
					if may && !role.Holds(idp.EditRules) && strings.HasPrefix(path, "/admin/policies") {
						v.HasNot("form#policy", "form#policy-publish", "a#to-publish", "a#to-edit", "a#to-remove", "a#to-new", "form#draft-rebase")
					}
					continue
				}
				if may {
					continue // the other tests send them
				}
				token := v.Doc.Find("input[name=csrf]").First().AttrOr("value", "")
				v.Take(v.Client.PostForm(h.URL+path, url.Values{"csrf": {token}}))
				if v.Status != http.StatusForbidden {
					t.Errorf("%s %s for %q: %d", r.Method, r.Path, role, v.Status)
				}
			}
		}
	}
}

// Every field of the table has words, and so has whatever else a key is made of.
func TestWords(t *testing.T) {
	for _, lang := range []string{"en", "fr", "es", "de", "it", "nl"} {
		s := speakerIn(t, lang)
		missing := func(text string) {
			if strings.Contains(text, "admin.") {
				t.Errorf("%s: %s", lang, text)
			}
		}
		for _, f := range policyFields {
			missing(s.label(f.Key))
			for _, o := range f.Options {
				if key := "admin.policies.option." + part(f.Key+"_"+o); !s.Has(key) && f.Key != "what.methods" {
					t.Errorf("%s: no words for %s of %s", lang, o, f.Key)
				}
			}
			for _, o := range (former{s}).sections(policy.Values{}, nil, known{}) {
				missing(o.Title)
			}
		}
		for _, r := range []policy.Reason{
			{Dimension: "assurance", Value: "mfa"}, {Dimension: "methods", Value: "totp, sms"}, {Dimension: "methods", Value: "none"}, {Dimension: "enrolment", Value: "2027-01-01"},
			{Dimension: "trusted_devices", Value: "days 3"}, {Dimension: "session", Value: "absolute 12h"}, {Dimension: "session", Value: "idle 30m"}, {Dimension: "codes", Value: "validity 5m"},
			{Dimension: "codes", Value: "digits 8"}, {Dimension: "codes", Value: "tries 3"}, {Dimension: "passkeys", Value: "clones refuse"}, {Dimension: "passkeys", Value: "attestation required"},
			{Dimension: "passkeys", Value: "models a, b"}, {Dimension: "lock", Value: "hard"}, {Dimension: "banner", Value: "en, fr"},
		} {
			if got := s.reason(r); got == r.Dimension+" "+r.Value || strings.Contains(got, "%!") {
				t.Errorf("%s: %s", lang, got)
			}
		}
		said := map[string]bool{}
		for _, w := range []policy.Whom{{Kind: "internal"}, {Administrators: true}, {Administrators: true, Kind: "internal"}, {Administrators: true, Kind: "portal"}, {Administrators: true, Groups: []string{"g"}}} {
			got := s.sentence(policy.Policy{Whom: w, What: policy.What{Assurance: policy.MFA}})
			if said[got] || strings.Contains(got, "%!") || strings.Contains(got, "admin.") {
				t.Errorf("%s: %s", lang, got)
			}
			said[got] = true
		}
		for _, tpl := range rulebook.Templates(admintestNow) {
			if got := s.sentence(tpl.Policy); strings.Contains(got, "%!") || strings.Contains(got, "admin.") || !strings.HasSuffix(got, ".") {
				t.Errorf("%s: %s", lang, got)
			}
		}
	}
}
