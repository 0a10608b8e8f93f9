package company

import (
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// Samples is every page of this package with sample data.
func Samples() []page.Sample {
	at := time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	is := company.Company{ID: "c1", Name: "Maschinenbau und Metallverarbeitungsgesellschaft Müller & Söhne mbH"}
	u := idp.User{ID: "u1", Name: "Camille Durand", Profile: idp.Profile{Zoneinfo: "Europe/Paris"}}
	all := []company.Person{
		{ID: "p1", Name: "Camille Durand", Email: "camille.durand@example.com", State: company.Ready, Factor: true, Lead: true, Self: true, SignedIn: at},
		{ID: "p2", Name: "Ada King", Email: "ada@example.com", State: company.NotReady, SignedIn: at, MayDisable: true},
		{ID: "p3", Name: "Verwaltung", Email: "verwaltung.buchhaltung.niederlassung-sued@handelsgesellschaft.example", State: company.Invited, Invited: at, MayDisable: true, MayInvite: true},
		{ID: "p4", Name: "Pia", Email: "pia@example.com", State: company.Expired, Invited: at, MayDisable: true, MayInvite: true},
		{ID: "p5", Name: "Old", Email: "old@example.com", State: company.Disabled, MayEnable: true},
	}
	return []page.Sample{
		page.Drawn("choose", set, http.StatusOK, "choose.html", func(c *page.Context) any {
			return chooseOf(c, []company.Company{is, {ID: "c2", Name: "Atelier Martin"}})
		}),
		page.Drawn("people", set, http.StatusOK, "people.html", func(c *page.Context) any {
			return peopleOf(c, u, company.People{Company: is, People: all, Next: "p5"}, head{Done: c.Words.T("company.done.invited")}, true, true)
		}),
		page.Drawn("people-none", set, http.StatusOK, "people.html", func(c *page.Context) any {
			return peopleOf(c, u, company.People{Company: is}, head{Again: true}, false, false)
		}),
		page.Drawn("invite", set, http.StatusOK, "invite.html", func(c *page.Context) any {
			return inviteOf(c, is, company.Invitation{Locale: "fr"}, headOf(c))
		}),
		page.Drawn("invite-wrong", set, http.StatusBadRequest, "invite.html", func(c *page.Context) any {
			h := head{Error: &pages.Complaint{Title: c.Words.T("company.bad_title"), Text: c.Words.T("company.bad_text")}}
			v := inviteOf(c, is, company.Invitation{Name: "Ada", Email: "nonsense"}, h)
			v.Bad = map[string]bool{"name": true, "email": true}
			return v
		}),
		page.Drawn("invite-many", set, http.StatusTooManyRequests, "invite.html", func(c *page.Context) any {
			h := head{Error: &pages.Complaint{Title: c.Words.T("company.many_title"), Text: c.Words.N("company.many", 5)}}
			return inviteOf(c, is, company.Invitation{}, h)
		}),
	}
}
