package companies

import (
	"net/http"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// Samples is these pages with sample data.
func Samples() []page.Sample {
	p := &Pages{}
	visit := func(c *page.Context) admin.Visit { return admin.Sample(c, "companies", p.Sections()) }
	draw := func(name, template string, status int, view func(*page.Context, admin.Visit) any) page.Sample {
		return page.Drawn(name, set, status, template, func(c *page.Context) any { return view(c, visit(c)) })
	}
	long := company.Company{ID: "c1", Name: "Maschinenbau und Metallverarbeitungsgesellschaft Müller & Söhne mbH", Source: "odoo:shop:7"}
	hand := company.Company{ID: "c2", Name: "Atelier Martin", Source: company.ByHand}
	people := []company.Member{
		{ID: "m1", User: idp.User{ID: "u1", Name: "Camille Durand", Email: "camille.durand@example.com"}, Lead: true, Hand: true, Factor: true},
		{ID: "m2", User: idp.User{ID: "u2", Name: "Verwaltung", Email: "verwaltung.buchhaltung.niederlassung-sued@handelsgesellschaft.example"}},
		{ID: "m3", User: idp.User{ID: "u3", Name: "Old", Email: "old@example.com", Disabled: true}},
		{ID: "m4", Name: "Pia", Email: "pia@example.com", Hand: true},
	}
	return []page.Sample{
		draw("companies", "list.html", http.StatusOK, func(c *page.Context, v admin.Visit) any {
			return listOf(c, v, company.Query{After: "a"}, []company.Listed{{Company: long, People: 41, Leads: 2}, {Company: hand, People: 3}})
		}),
		draw("companies-none", "list.html", http.StatusOK, func(c *page.Context, v admin.Visit) any { return listOf(c, v, company.Query{}, nil) }),
		draw("company", "company.html", http.StatusBadRequest, func(c *page.Context, v admin.Visit) any {
			view := companyOf(c, v, long, company.MemberQuery{}, people)
			view.Head = view.Refused(c.Words.T("admin.refused"), "")
			view.Who.Value, view.Who.Error = "nobody@example.org", c.Words.T("admin.companies.who_unknown")
			return view
		}),
		draw("company-none", "company.html", http.StatusOK, func(c *page.Context, v admin.Visit) any {
			return companyOf(c, v, hand, company.MemberQuery{}, nil)
		}),
		draw("company-remove", "sure.html", http.StatusOK, func(c *page.Context, v admin.Visit) any { return sureOf(c, v, long) }),
	}
}
