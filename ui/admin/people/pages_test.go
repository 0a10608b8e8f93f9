package people

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/mail"
	"latchkey/mfa"
	"latchkey/ui/admin/admintest"
)

func portal(in *account.New) { in.Kind = idp.Portal }

// The list finds by the beginnings of words, whatever case and accents, and by
// filters, and leads on by keyset.
func TestList(t *testing.T) {
	h := open(t)
	h.Add("zoe", portal, func(in *account.New) { in.Name, in.Groups = "Zoé Čapek", []string{"buyers"} })
	off := h.Add("off", func(in *account.New) { in.Name = "Otto Off" })
	h.Must(h.Accounts.Disable(t.Context(), admintest.Host, off.ID))
	v := h.Enter(idp.HelpDesk, "/admin/users").Want(200, "/admin/users").Has("table#people", "form#filter", "form#bulk").HasNot("a[href='/admin/users/new']", "form#export")
	v.Get("/admin/users?q=capek+ZO").Has("a[href^='/admin/users/']").Says("Zoé Čapek", "1 person").HasNot("#user-" + string(off.ID))
	v.Get("/admin/users?disabled=yes").Says("Otto Off", "1 person")
	v.Get("/admin/users?kind=portal&group=buyers&no_factor=yes&never=yes").Says("Zoé Čapek", "1 person")
	v.Get("/admin/users?role=any").Says("Person helpdesk").HasNot("#user-" + string(off.ID))
	v.Get("/admin/users?q=nobodyatall").Has(".empty").Says("Nobody matches")
	v.Get("/admin/users?stale=-3&after=nonsense&sort=signin").Want(200, "/admin/users")
	for i := range 60 {
		h.Add(fmt.Sprintf("many%02d", i))
	}
	v.Get("/admin/users?q=many").Says("60 people").Has("a[rel=next]", "#scope-all").Follow("a[rel=next]").Says("Person many59").Has("a[rel=first]").HasNot("a[rel=next]")
	h.Enter(idp.Auditor, "/admin/users").Has("form#export").HasNot("#f-act", "input[type=checkbox][name^='u.']")
}

// Everything about a person on one page; who may do nothing sees no buttons
// (D-01, D-02).
func TestCard(t *testing.T) {
	h := open(t)
	u := h.Add("ada", func(in *account.New) { in.TOTPSecret, in.Groups = admintest.Secret, []string{"staff"} })
	h.EnterAs(u, "/my/nothing")
	for range 10 {
		h.Must(h.DB.Limiter.Take(t.Context(), mfa.Budget{Key: "pw:" + string(u.ID), Max: 10, Per: time.Hour}))
	}
	path := urlOf(u.ID)
	v := h.Enter(idp.Admin, path).Want(200, path).Says("Person ada", "Authenticator app", "Locked", "staff", "Yes, with a second factor")
	v.Has("a[href='"+path+"/unlock']", "a[href='"+path+"/remove']", "a[href='"+path+"/role']", "a[href='"+path+"/security']")
	h.Enter(idp.Auditor, path).Want(200, path).HasNot("a[href='"+path+"/unlock']", "a[href='"+path+"/remove']")
	h.Enter(idp.HelpDesk, path).Has("a[href='"+path+"/unlock']").HasNot("a[href='"+path+"/remove']", "a[href='"+path+"/edit']")
	owner := urlOf(h.Person(idp.Owner).ID)
	h.Enter(idp.Admin, owner).Want(200, owner).HasNot("a[href='" + owner + "/disable']")
	h.Enter(idp.Admin, owner+"/disable").Want(403, owner+"/disable")
	v.Get("/admin/users/nobody").Want(404, "/admin/users/nobody")
	v.Get(path+"/security").Want(200, path+"/security").Says("Person ada").Has("a[href='" + path + "']")
	v.Get(path+"/security/sessions").Submit("session-end-others").Want(200, path+"/security/sessions")
	if open, _ := h.DB.Sessions.Of(t.Context(), u.ID); len(open) != 0 {
		t.Errorf("%d sessions are left", len(open))
	}
}

// Whoever is invited and has no password yet cannot sign in, and neither can a
// disabled account, whatever the policies make of it. Without a mail server the
// page says that the invitation waits.
func TestCardTellsWhoCannotSignIn(t *testing.T) {
	h := open(t)
	u := h.Add("ada")
	path := urlOf(u.ID)
	v := h.Enter(idp.Admin, path).Says("Yes, with the password alone.")
	v.Get(path+"/disable").Submit("disable").Want(200, path).Says("No: the account is disabled.")
	v.Get("/admin/users/new").Submit("new", "name", "Ines", "email", "ines@example.org", "invite", "yes").Says("Not yet: they have no password.").HasNot("a[href='/admin/settings#mail']")
	h.pages.NoMail = true
	v.Get(v.At.Path).Says("No mail server is set up yet").Has("a[href='/admin/settings#mail']")
	v.Get(path).HasNot("a[href='/admin/settings#mail']") // nothing waits for this one
	h.Enter(idp.HelpDesk, path).HasNot("a[href='/admin/settings#mail']")
}

// D-05: whoever must prove more does so before they type: long forms ask on the
// way in, not when they are sent.
func TestLongFormsAskFirst(t *testing.T) {
	h := open(t)
	u := h.Add("ada")
	v := h.Enter(idp.Admin, "/admin/users")
	h.Clock.Pass(6 * time.Minute)
	for _, path := range []string{"/admin/users/new", urlOf(u.ID) + "/edit", urlOf(u.ID) + "/temporary"} {
		if v.Get(path); v.At.Path != "/login" {
			t.Errorf("%s opens with an old proof: %s", path, v.At)
		}
	}
	v.Get(urlOf(u.ID)).Want(200, urlOf(u.ID)) // looking needs no new proof
}

// D-03: the pages of somebody's protection, too, are behind the second factor.
func TestProtectionNeedsSecondFactor(t *testing.T) {
	h := open(t)
	u := h.Add("ada")
	bare := h.Add("bare", func(in *account.New) { in.Role = idp.Admin })
	if v := h.EnterBare(bare, urlOf(u.ID)+"/security"); v.At.Path == urlOf(u.ID)+"/security" {
		t.Error("a password alone opens somebody's protection")
	}
	h.Enter("", urlOf(u.ID)+"/security").Want(403, urlOf(u.ID)+"/security")
}

// Each act asks once more, needs a fresh proof, does it and leaves an event.
func TestActs(t *testing.T) {
	h := open(t)
	u := h.Add("ada", func(in *account.New) { in.TOTPSecret = admintest.Secret })
	path := urlOf(u.ID)
	v := h.Enter(idp.Admin, path)
	for _, a := range []struct {
		name, event string
		so          func(idp.User) bool
	}{
		{"unlock", "user.unlock", func(idp.User) bool { return true }},
		{"end", "session.end_all", func(idp.User) bool { return true }},
		{"reset", "factor.reset", func(u idp.User) bool { return len(u.Factors) == 0 }},
		{"disable", "user.disable", func(u idp.User) bool { return u.Disabled }},
		{"enable", "user.enable", func(u idp.User) bool { return !u.Disabled }},
	} {
		v.Get(path+"/"+a.name).Want(200, path+"/"+a.name).Submit(a.name).Want(200, path).Has("#done")
		now, err := h.DB.Users.ByID(t.Context(), u.ID)
		h.Must(err)
		if es := h.Events(a.event); !a.so(now) || len(es) != 1 || es[0].Actor != h.Person(idp.Admin).ID || es[0].User != u.ID {
			t.Errorf("%s: %+v %+v", a.name, now, es)
		}
	}
	v.Get(path + "/remove")
	h.Clock.Pass(6 * time.Minute)
	v.Submit("remove")
	if v.At.Path != "/login" {
		t.Errorf("an old proof removes: %s", v.At)
	}
	h.Enter(idp.Admin, path+"/remove").Submit("remove").Want(200, "/admin/users").Has("#done")
	h.Enter(idp.HelpDesk, urlOf(h.Person(idp.Admin).ID)+"/reset").Want(403, urlOf(h.Person(idp.Admin).ID)+"/reset")
}

// D-05: the last owner stays.
func TestLastOwner(t *testing.T) {
	h := open(t)
	o := urlOf(h.Person(idp.Owner).ID)
	h.Enter(idp.Owner, o+"/disable").Submit("disable").Want(409, o+"/disable").Has("#wrong")
}

// A person is added, changed, given a role and put into groups by forms; what
// was typed stays when something is wrong.
func TestForms(t *testing.T) {
	h := open(t)
	v := h.Enter(idp.Admin, "/admin/users/new").Submit("new", "name", "Ada", "email", "no address", "login", "", "groups", "a, b", "invite", "yes").Want(400, "/admin/users/new")
	v.Has("#f-email.is-invalid", "#wrong", "input[name=name][value=Ada]")
	v.Submit("new", "email", "ada@example.org")
	v.Has("#done").Says("Ada", "Invited")
	if es := h.Events("user.invite"); len(es) != 1 {
		t.Errorf("%+v", es)
	}
	path := v.At.Path
	v.Get("/admin/users/new").Submit("new", "name", "Twin", "email", "ADA@example.org").Want(409, "/admin/users/new").Has("#f-email.is-invalid")
	v.Get(path+"/edit").Submit("edit", "name", "Ada King", "email", "king@example.org").Want(200, path).Says("Ada King", "king@example.org", "not confirmed")
	v.Get(path+"/edit").Submit("edit", "phone", "12").Want(400, path+"/edit").Has("#f-phone.is-invalid")
	v.Get(path+"/groups").Submit("join", "group", "fresh").Want(200, path+"/groups").Says("fresh")
	v.Get(path+"/role").HasNot("option[value=owner]").Submit("role", "role", "helpdesk").Want(200, path).Says("Help desk")
	v.Get(path + "/role")
	csrf := v.Doc.Find("input[name=csrf]").AttrOr("value", "")
	v.Take(v.Client.PostForm(h.URL+path+"/role", map[string][]string{"csrf": {csrf}, "role": {"owner"}})).Want(403, path+"/role") // D-02
	u, err := h.DB.Users.ByIdentifier(t.Context(), "king@example.org")
	h.Must(err)
	if u.Role != idp.HelpDesk || strings.Join(u.Groups, " ") != "a b fresh" || u.EmailVerified {
		t.Errorf("%+v", u)
	}
}

// An invitation is mailed, or its link is shown this once.
func TestInvite(t *testing.T) {
	h := open(t)
	u := h.Add("ada", func(in *account.New) { in.Password, in.Verified = "", false })
	path := urlOf(u.ID)
	v := h.Enter(idp.HelpDesk, path+"/invite").Submit("invite", "how", "mail").Want(200, path).Has("#done")
	sent, err := h.DB.Outbox(mail.Mail).Newest(t.Context(), 1)
	h.Must(err)
	if len(sent) != 1 || sent[0].To != u.Email {
		t.Errorf("%+v", sent)
	}
	// A-11, D-02: who only helps makes no link to hand over, nor does anybody for
	// somebody whom a mail reaches.
	v.Get(path+"/invite").HasNot("option[value=hand]").Submit("invite", "how", "hand").Want(403, path+"/invite").HasNot(".secret")
	boss := h.Enter(idp.Admin, path+"/invite").Has("option[value=hand]").Submit("invite", "how", "hand").Want(200, path+"/invite").Has(".secret").Says(h.URL + "/invite/")
	known := h.Add("known", func(in *account.New) { in.Password, in.Verified = "", true })
	boss.Get(urlOf(known.ID)+"/invite").HasNot("option[value=hand]").Submit("invite", "how", "hand").Want(400, urlOf(known.ID)+"/invite").Says("A mail reaches them").HasNot(".secret")
	v.Get(urlOf(known.ID)+"/enrol").Submit("enrol", "method", "totp").Want(200, urlOf(known.ID)).Has("#done")
	h.Add("has")
	other, err := h.DB.Users.ByIdentifier(t.Context(), "has")
	h.Must(err)
	v.Get(urlOf(other.ID)+"/invite").Submit("invite", "how", "mail").Want(400, urlOf(other.ID)+"/invite").Says("There is a password already")
}

// M-10: where two are needed, the code is not there before somebody else has
// allowed it, and both are in the event.
func TestTwoAdministrators(t *testing.T) {
	h := open(t)
	u := h.Add("ada", func(in *account.New) { in.TOTPSecret = admintest.Secret })
	path := urlOf(u.ID)
	desk := h.Enter(idp.HelpDesk, path+"/temporary").Submit("temporary", "reason", "").Want(400, path+"/temporary").Has("#f-reason.is-invalid")
	desk.Submit("temporary", "reason", "phone lost").Want(200, path+"/temporary").Has("output.secret")
	if es := h.Events("factor.temporary"); len(es) != 1 || es[0].Detail["approver"] != "" {
		t.Errorf("%+v", es)
	}
	h.second = true
	if _, err := h.Help.Codes().Give(t.Context(), h.Actor(idp.HelpDesk), u.ID, account.Temporary{Reason: "alone"}); err == nil {
		t.Error("one alone gives a code")
	}
	desk.Get(path+"/temporary").Submit("temporary", "reason", "phone lost again").Want(200, path).HasNot("output.secret").Says("waits for another administrator")
	desk.Get("/admin/users/approvals").HasNot("form[id^=allow]", "form[id^=take]")
	all, err := h.pages.Approvals.Waiting(t.Context(), h.Actor(idp.HelpDesk), u.ID)
	h.Must(err)
	id := all[0].ID
	if _, _, err := h.pages.Approvals.Take(t.Context(), h.Actor(idp.HelpDesk), id); err == nil {
		t.Error("it is there before anybody has allowed it")
	}
	if err := h.pages.Approvals.Allow(t.Context(), h.Actor(idp.HelpDesk), id); err == nil {
		t.Error("who asks allows it")
	}
	h.Enter(idp.Admin, "/admin/users").Has("#waiting").Get("/admin/users/approvals").Submit("allow-"+id).Want(200, "/admin/users/approvals").Has("#done")
	desk = h.Enter(idp.HelpDesk, "/admin/users/approvals").Submit("take-" + id).Has("output.secret")
	if code := desk.Doc.Find("output.secret").Text(); len(code) < 8 {
		t.Errorf("%q", code)
	}
	es := h.Events("factor.temporary")
	if last := es[len(es)-1]; last.Actor != h.Person(idp.HelpDesk).ID || last.Detail["approver"] != string(h.Person(idp.Admin).ID) {
		t.Errorf("%+v", last)
	}
	if _, _, err := h.pages.Approvals.Take(t.Context(), h.Actor(idp.HelpDesk), id); err == nil {
		t.Error("it is shown twice")
	}
	// A request waits for an hour.
	r, err := h.pages.Approvals.Ask(t.Context(), h.Actor(idp.HelpDesk), u.ID, account.Temporary{Reason: "late"})
	h.Must(err)
	h.Clock.Pass(time.Hour)
	if err := h.pages.Approvals.Allow(t.Context(), h.Actor(idp.Admin), r.ID); err == nil {
		t.Error("it is allowed after an hour")
	}
}

// A selection is shown before anything is done, done behind the page, and what
// came of each is kept.
func TestBulk(t *testing.T) {
	h := open(t)
	a, b := h.Add("ada"), h.Add("bob")
	h.Must(h.Accounts.Disable(t.Context(), admintest.Host, b.ID))
	owner, me := h.Person(idp.Owner), h.Person(idp.Admin)
	v := h.Enter(idp.Admin, "/admin/users").Submit("bulk", "act", "disable").Want(400, "/admin/users/bulk").Says("Nobody is chosen")
	v.Submit("bulk", "act", "disable", "u."+string(a.ID), "yes", "u."+string(b.ID), "yes", "u."+string(owner.ID), "yes", "u."+string(me.ID), "yes")
	v.Says("Chosen", "4 people", "Concerned", "1 person", "Their role is above yours", "This is you", "It is so already").Has("form#start")
	plan := v.At.Path
	if u, _ := h.DB.Users.ByID(t.Context(), a.ID); u.Disabled {
		t.Fatal("done before it was confirmed")
	}
	h.Enter(idp.HelpDesk, plan).Want(404, plan) // it is its owner's alone
	v.Submit("start").Want(200, plan)
	h.desk.Wait()
	v.Get(plan).Says("Done", "It is done.").HasNot("form#start")
	if u, _ := h.DB.Users.ByID(t.Context(), a.ID); !u.Disabled {
		t.Error("not done")
	}
	if u, _ := h.DB.Users.ByID(t.Context(), owner.ID); u.Disabled {
		t.Error("an owner is disabled by an administrator")
	}
	if es := h.Events("people.bulk"); len(es) != 1 || es[0].Detail["act"] != "disable" || es[0].Detail["people"] != "1" {
		t.Errorf("%+v", es)
	}
	if es := h.Events("user.disable"); len(es) != 2 {
		t.Errorf("%d events", len(es))
	}
	// All that match a filter, by somebody who helps.
	for i := range 70 {
		h.Add(fmt.Sprintf("many%02d", i), func(in *account.New) { in.Password = "" })
	}
	v = h.Enter(idp.HelpDesk, "/admin/users?q=many").HasNot("option[value=disable]")
	v.Submit("bulk", "act", "invite", "scope", "all").Says("70 people").Submit("start")
	h.desk.Wait()
	if es := h.Events("user.invite"); len(es) != 70 {
		t.Errorf("%d invitations", len(es))
	}
	v.Get("/admin/users?invited=yes").Says("70 people")
}

// Two accounts become one.
func TestMerge(t *testing.T) {
	h := open(t)
	keep := h.Add("ada", func(in *account.New) { in.Groups = []string{"a"} })
	gone := h.Add("ada2", func(in *account.New) { in.Name, in.Groups = "Person ada the second", []string{"b"} })
	path := urlOf(keep.ID) + "/merge"
	v := h.Enter(idp.Admin, path).Has("a[href='" + path + "?with=" + string(gone.ID) + "']").Follow("ul.found a").Has("form#merge").Says(string(gone.ID))
	v.Submit("merge", "then", "disable").Want(200, urlOf(keep.ID)).Has("#done")
	k, err := h.DB.Users.ByID(t.Context(), keep.ID)
	h.Must(err)
	g, err := h.DB.Users.ByID(t.Context(), gone.ID)
	h.Must(err)
	if strings.Join(k.Groups, " ") != "a b" || !g.Disabled || len(g.Groups) != 0 {
		t.Errorf("%+v %+v", k, g)
	}
	if es := h.Events("user.merge"); len(es) != 1 || es[0].User != keep.ID || es[0].Detail["merged"] != string(gone.ID) || es[0].Detail["login"] != "" { // D-07: ids, no names
		t.Errorf("%+v", es)
	}
	h.Enter(idp.Admin, path+"?with="+string(h.Person(idp.Owner).ID)).Want(403, path)
	h.Enter(idp.Admin, path+"?with="+string(h.Person(idp.Admin).ID)).Want(409, path)
}
