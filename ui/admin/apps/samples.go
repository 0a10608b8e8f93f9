package apps

import (
	"net/http"
	"time"

	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// Samples is these pages with sample data.
func Samples() []page.Sample {
	at := time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	now := func() time.Time { return at }
	p := &Pages{
		Issuer: "https://id.example.org", Clients: &oidc.Registrar{Now: now}, Keys: &oidc.Custodian{Now: now},
		Validation: func(oidc.Client) string { return "/odoo/shop/3b1f…/userinfo" },
	}
	wiki, shop := sampleClients(at)
	visit := func(c *page.Context, section string) admin.Visit { return admin.Sample(c, section, p.Sections()) }
	clients := func(c *page.Context) admin.Visit { return visit(c, "clients") }
	shown := func(c *page.Context, cl oidc.Client) showView {
		return p.reader().viewOf(c, clients(c), cl, oidc.Usage{People: 42, Last: []oidc.LastUse{{Client: cl.ID, Proof: oidc.ProofSecret, Serial: 1, At: at}}})
	}
	return []page.Sample{
		page.Drawn("clients", set, http.StatusOK, "list.html", func(c *page.Context) any {
			return listOf(c, clients(c), []oidc.Entry{{Client: wiki, Used: at}, {Client: shop, Warnings: []oidc.Note{{}}}}, at)
		}),
		page.Drawn("clients-none", set, http.StatusOK, "list.html", func(c *page.Context) any { return listOf(c, clients(c), nil, at) }),
		{Name: "client-choose", Draw: func(c *page.Context) error { return forms{}.choose(c, clients(c)) }},
		page.Drawn("client-new", set, http.StatusOK, "form.html", func(c *page.Context) any { return newForm(c, clients(c), oidc.Client{Type: oidc.Odoo}) }),
		page.Drawn("client-edit", set, http.StatusBadRequest, "form.html", func(c *page.Context) any {
			f := editForm(c, clients(c), wiki)
			f.Open = true
			f.Head = f.Refused(c.Words.T("admin.clients.refused"), c.Words.T("admin.clients.refused_text"))
			f.Fields = f.Fields.Marked("redirect_uris", c.Words.T("admin.clients.wrong.redirect_uris"))
			return f
		}),
		page.Drawn("client", set, http.StatusOK, "show.html", func(c *page.Context) any { return shown(c, wiki) }),
		page.Drawn("client-tested", set, http.StatusOK, "show.html", func(c *page.Context) any {
			v := shown(c, shop)
			v.Tested, v.Trials = true, trialsOf(c, []oidc.Trial{
				{Check: "issuer", Verdict: oidc.Fine, About: p.Issuer + oidc.PathDiscovery}, {Check: "redirect", Verdict: oidc.Doubt, About: shop.RedirectURIs[0], Evidence: oidc.Note{Text: "it answers 404", Code: "status", Facts: []string{"404"}}},
				{Check: "validation", Verdict: oidc.Broken, Evidence: oidc.Note{Text: "https://id.example.org does not answer: connection refused", Code: "issuer.silent", Facts: []string{"https://id.example.org"}, Detail: "connection refused"}},
			})
			return v
		}),
		page.Drawn("client-once", set, http.StatusOK, "once.html", func(c *page.Context) any { return onceOf(c, clients(c), p, wiki) }),
		page.Drawn("client-code", set, http.StatusOK, "snippets.html", func(c *page.Context) any {
			view := snippetsView{Head: clients(c).Head(c, crumbs(c, wiki)...), Title: c.Words.T("admin.clients.code_title", wiki.Title())}
			for _, s := range snippetsFor(wiki) {
				if drawn, err := s.draw(p.told().filled(wiki, c.Brand(), "", "")); err == nil {
					view.Snippets = append(view.Snippets, drawn)
				}
			}
			return view
		}),
		page.Drawn("client-rotate", set, http.StatusOK, "confirm.html", func(c *page.Context) any {
			return confirmView{clients(c).Head(c, crumbs(c, shop)...), rotation(c, shop)}
		}),
		page.Drawn("keys", set, http.StatusOK, "keys.html", func(c *page.Context) any {
			return keysOf(c, visit(c, "keys"), []oidc.KeyFacts{
				{ID: "SFFKQLLVCR57R6S2C4VHBAWW7T", Alg: "RS256", State: oidc.Current, Created: at, Changed: at, Until: at.Add(oidc.RotateEvery)},
				{ID: "5QYIPRT5OV6F7IOEJ2RXBDTSRU", Alg: "RS256", State: oidc.Next, Created: at, Changed: at, Until: at.Add(oidc.RotateEvery)},
				{ID: "2N7GYVNWAUI43IGL2I6E7EE4T4", Alg: "ES256", State: oidc.Retired, Created: at, Changed: at, Until: at.Add(48 * time.Hour)},
			})
		}),
	}
}

// sampleClients are what the samples are about.
func sampleClients(at time.Time) (wiki, shop oidc.Client) {
	wiki = oidc.Client{
		ID: "wiki", Name: "Wissensdatenbank der Kundenbetreuung", Type: oidc.Web, AuthMethod: oidc.AuthBasic, RedirectURIs: []string{"https://wiki.example.org/oauth2/callback", "https://wiki.example.org/login/oauth2/code/latchkey"},
		PostLogoutURIs: []string{"https://wiki.example.org/"}, GrantTypes: []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"}, Scopes: oidc.Scopes, IDTokenAlg: "RS256",
		Groups: []string{"Kundenbetreuung"}, Created: at, SecretSerial: 1, FormerSecret: &oidc.Former{Until: at.Add(100 * time.Hour)}, Version: 3,
		Details: oidc.Details{
			Self: &oidc.Self{}, SubjectType: oidc.SubjectPairwise, UserInfoAlg: "ES256", Contacts: []string{"ops@wiki.example.org"}, HomeURI: "https://wiki.example.org/",
			PolicyURI: "https://wiki.example.org/privacy", TermsURI: "https://wiki.example.org/terms", InitiateURI: "https://wiki.example.org/login/start",
		},
	}
	shop = oidc.Client{
		ID: "shop", Name: "Shop", Type: oidc.Odoo, AuthMethod: oidc.AuthNone, RedirectURIs: []string{"http://erp.lan/auth_oauth/signin"}, GrantTypes: []string{"authorization_code", "implicit"},
		ResponseTypes: []string{"code", "token"}, Scopes: []string{"openid"}, IDTokenAlg: "RS256", Sessions: oidc.SessionsMulti, Validations: 1, Trusted: true, Created: at, Disabled: true,
	}
	return wiki, shop
}

// onceOf is the page of a new secret.
func onceOf(c *page.Context, v admin.Visit, p *Pages, cl oidc.Client) onceView {
	view := onceView{
		Head: v.Head(c, crumbs(c, cl)...), Title: c.Words.T("admin.clients.once.made", cl.Title()), Text: c.Words.T("admin.clients.once_text"), URL: address(cl.ID),
		Secrets: []admin.Secret{{Label: c.Words.T("admin.clients.proof.secret"), Value: "Kq3v0JmBz7xWnT5rYc2dLh8sGfPa1uEoNi6QbMyXtVw"}},
	}
	if drawn, err := snippetNamed(firstExample[cl.Type]).draw(p.told().filled(cl, c.Brand(), "Kq3v0JmBz7xWnT5rYc2dLh8sGfPa1uEoNi6QbMyXtVw", "")); err == nil {
		view.Snippets = []snippetView{drawn}
	}
	return view
}
