package company

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/company"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
)

// csrfless takes the tokens of forms out.
var csrfless = regexp.MustCompile(`<input type="hidden"[^>]*>`)

// house is these pages over the real services, with two companies.
type house struct {
	*admintest.House
	companies    *company.Contacts
	ours, theirs company.Company
	people       map[string]idp.User
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{people: map[string]idp.User{}}
	h.House = admintest.Open(t, func(in *admintest.House) []admin.Section {
		h.companies = &company.Contacts{Service: &company.Service{
			Store: in.DB.Companies, Help: in.Help, Users: in.DB.Users, Limiter: in.DB.Limiter, Log: in.DB.Log, Atomic: in.DB.Atomic, Now: in.Clock.Now,
		}}
		return nil
	})
	(&Pages{Site: h.Site, SignIn: h.SignIn, Contacts: h.companies}).Mount(h.Router)
	var err error
	h.ours, err = h.companies.Add(t.Context(), admintest.Host, "Ours & Co")
	h.Must(err)
	h.theirs, err = h.companies.Add(t.Context(), admintest.Host, "Theirs")
	h.Must(err)
	for _, who := range []string{"lead", "peer", "member", "rival", "stranger", "free", "clerk"} {
		h.people[who] = h.Add(who, func(in *account.New) {
			if in.TOTPSecret = admintest.Secret; who != "clerk" {
				in.Kind = idp.Portal
			}
		})
	}
	h.people["admin"] = h.Person(idp.Admin)
	for who, lead := range map[string]bool{"lead": true, "peer": true, "member": false} {
		h.Must(h.companies.Put(t.Context(), admintest.Host, h.ours.ID, h.people[who].ID, lead))
	}
	for who, lead := range map[string]bool{"rival": true, "stranger": false} {
		h.Must(h.companies.Put(t.Context(), admintest.Host, h.theirs.ID, h.people[who].ID, lead))
	}
	return h
}

// now is somebody as they are now.
func (h *house) now(who string) idp.User {
	h.T.Helper()
	u, err := h.DB.Users.ByID(h.T.Context(), h.people[who].ID)
	h.Must(err)
	return u
}

// id is somebody's membership; of who has none, their id.
func (h *house) id(of company.Company, who string) string {
	h.T.Helper()
	m, err := h.DB.Companies.MemberOf(h.T.Context(), of.ID, h.people[who].ID)
	if errors.Is(err, idp.ErrNotFound) {
		return string(h.people[who].ID)
	}
	h.Must(err)
	return m.ID
}

// D-01: over HTTP, everybody × every page and act × everybody.
func TestMatrix(t *testing.T) {
	h := open(t)
	ours := pathOf(h.ours.ID)
	for _, actor := range []string{"lead", "member", "rival", "free", "clerk", "admin"} {
		lead := actor == "lead"
		want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}
		v := h.EnterAs(h.now(actor), ours).Want(want[lead], ours)
		v.Get(ours+"/invite").Want(want[lead], ours+"/invite")
		if actor != "lead" && actor != "rival" {
			v.Get(Home).Want(http.StatusNotFound, Home)
		}
		if lead {
			v.Get(Home).Want(http.StatusOK, ours).Has("#own-company[aria-current]")
		}
		// The token of a form of their own: what is refused is the act.
		token, _ := h.EnterAs(h.people["lead"], ours+"/invite").Doc.Find("form#company-invite [name]").First().Attr("name")
		own := h.EnterAs(h.now(actor), "/logout")
		if lead || actor == "rival" {
			own.Get(Home).Get(own.At.Path + "/invite")
		}
		csrf, _ := own.Doc.Find("[name=" + token + "]").First().Attr("value")
		if csrf == "" {
			t.Fatalf("%s has no token", actor)
		}
		post := func(path string, fields ...string) {
			form := map[string][]string{token: {csrf}}
			for i := 0; i < len(fields); i += 2 {
				form[fields[i]] = []string{fields[i+1]}
			}
			own.Take(own.Client.PostForm(h.URL+path, form))
		}
		for who := range h.people {
			for name := range acts {
				path := fmt.Sprintf("%s/people/%s/%s", ours, h.id(h.ours, who), name)
				post(path)
				if allowed := lead && who == "member" && name == "disable"; allowed {
					own.Want(http.StatusOK, ours)
					h.Must(h.Accounts.Enable(t.Context(), admintest.Host, h.people[who].ID))
				} else {
					own.Want(http.StatusNotFound, path)
				}
				if u, err := h.DB.Users.ByID(t.Context(), h.people[who].ID); err != nil || u.Disabled {
					t.Errorf("%s does %s to %s: %v", actor, name, who, err)
				}
			}
		}
		post(ours+"/invite", "name", "X", "email", actor+"-new@example.org", "locale", "en")
		_, err := h.DB.Users.ByIdentifier(t.Context(), actor+"-new@example.org")
		if lead != (err == nil) {
			t.Errorf("%s invites: %v", actor, err)
		}
	}
	if len(h.Events("company.disable")) < 20 { // D-07
		t.Error("refusals leave no line in the log")
	}
}

// The ways of a main contact: invite, again, disable, enable.
func TestLead(t *testing.T) {
	h := open(t)
	ours := pathOf(h.ours.ID)
	v := h.EnterAs(h.people["lead"], Home).Want(http.StatusOK, ours).Says("Ours & Co", "member@example.com")
	member, self := h.id(h.ours, "member"), h.id(h.ours, "lead")
	v.Has("#disable-"+member).HasNot("#enable-"+member, "#disable-"+self, "#disable-"+h.id(h.ours, "peer"))
	v.Follow("#invite").Submit("company-invite", "name", "Jo", "email", "nonsense").Want(http.StatusBadRequest, ours+"/invite").Has("#email[aria-invalid][value=nonsense]", "#name[value=Jo]")
	v.Submit("company-invite", "email", "jo@example.org", "locale", "fr").Want(http.StatusOK, ours).Has("#done").Says("jo@example.org")
	fresh := v.Doc.Find(".things > li").Length()
	told := v.Doc.Find("#done").Text()
	// Somebody's address: nothing differs but what was typed (E-01).
	v.Follow("#invite").Submit("company-invite", "name", "Jo", "email", "stranger@example.com", "locale", "fr").Want(http.StatusOK, ours)
	if v.Doc.Find("#done").Text() != told || v.Doc.Find(".things > li").Length() != fresh+1 {
		t.Error("the answer differs")
	}
	row := func(email string) (id, html string) {
		li := v.Doc.Find(".things > li").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.Text(), email) })
		id, _ = li.Attr("id")
		id = strings.TrimPrefix(id, "person-")
		html, err := li.Html()
		h.Must(err)
		return id, strings.NewReplacer(id, "ID", email, "EMAIL").Replace(csrfless.ReplaceAllString(html, ""))
	}
	newID, a := row("jo@example.org")
	takenID, b := row("stranger@example.com")
	if a != b || newID == takenID {
		t.Errorf("%s\n%s", a, b)
	}
	u, err := h.DB.Users.ByIdentifier(t.Context(), "jo@example.org")
	if err != nil || u.Kind != idp.Portal || u.Role != "" || u.Locale != "fr" {
		t.Errorf("%+v, %v", u, err)
	}
	v.Submit("resend-"+newID).Want(http.StatusOK, ours).Has("#done").Submit("disable-"+takenID).Want(http.StatusOK, ours).Has("#enable-" + takenID)
	v.Submit("disable-"+member).Want(http.StatusOK, ours).Has("#done", "#enable-"+member)
	if es := h.Events("user.disable"); es[len(es)-1].Actor != h.people["lead"].ID || es[len(es)-1].User != h.people["member"].ID {
		t.Errorf("%+v", es)
	}
	v.Submit("enable-"+member).Want(http.StatusOK, ours).Has("#disable-" + member)
	// After five minutes the proofs are asked for again, with every factor (M-05).
	h.Clock.Pass(6 * 60 * 1e9)
	v.Submit("disable-" + member)
	if v.At.Path == ours {
		t.Error("no proof was asked for")
	}
	if u, err := h.DB.Users.ByID(t.Context(), h.people["member"].ID); err != nil || u.Disabled {
		t.Error("disabled without a proof", err)
	}
	v.Get(ours).Want(http.StatusOK, ours) // a look takes none
	h.Must(h.companies.Put(t.Context(), admintest.Host, h.ours.ID, h.people["lead"].ID, false))
	v.Get(ours).Want(http.StatusNotFound, ours) // D-04
	h.Must(h.companies.Put(t.Context(), admintest.Host, h.ours.ID, h.people["lead"].ID, true))
	h.Must(h.companies.Put(t.Context(), admintest.Host, h.theirs.ID, h.people["lead"].ID, true))
	v.Get(Home).Want(http.StatusOK, Home).Has("a.tile[href='"+ours+"']", "a.tile[href='"+pathOf(h.theirs.ID)+"']")
}

// B-11: after fifty invitations the page says when it goes on.
func TestDaily(t *testing.T) {
	h := open(t)
	v := h.EnterAs(h.people["lead"], Home).Follow("#invite")
	by := idp.Actor{User: h.people["lead"].ID, Session: "s", Proofs: h.Actor(idp.Admin).Proofs}
	for i := range 50 {
		h.Must(h.companies.Invite(t.Context(), by, h.ours.ID, company.Invitation{Name: "N", Email: fmt.Sprintf("n%d@example.org", i)}))
	}
	v.Submit("company-invite", "name", "N", "email", "late@example.org").Want(http.StatusTooManyRequests, pathOf(h.ours.ID)+"/invite").Has("#wrong", "#email[value='late@example.org']")
	v.Get(pathOf(h.ours.ID)).Has("#next").Follow("#next").Want(http.StatusOK, pathOf(h.ours.ID)).Has("#first").HasNot("#next")
}
