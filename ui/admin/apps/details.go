package apps

import (
	"cmp"
	"strings"

	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// keysAddress is where a client keeps its keys, beside the field for the keys
// themselves.
func keysAddress(c *page.Context, cl oidc.Client) admin.Field {
	return label(c, admin.Field{Name: "jwks_uri", Type: "url", Value: cl.KeysURI, Mono: true})
}

// detailFields are how a client on the web knows people, and hears of them.
func detailFields(c *page.Context, cl oidc.Client) admin.Fields {
	if cl.Type == oidc.Odoo || cl.Type == oidc.Service {
		return nil
	}
	signed := plain(c, "userinfo_alg", cl.UserInfoAlg, oidc.Algs)
	signed.Options = append([]admin.Option{{Label: c.Words.T("admin.clients.userinfo_plain"), Chosen: cl.UserInfoAlg == ""}}, signed.Options...)
	return admin.Fields{
		label(c, choice(c, "subject_type", "admin.clients.subject.%s", cmp.Or(cl.SubjectType, oidc.SubjectPublic), oidc.SubjectTypes...)),
		label(c, admin.Field{Name: "sector_identifier_uri", Type: "url", Value: cl.SectorURI, Mono: true}), signed,
	}
}

// typedDetails reads them into a client.
func typedDetails(c *page.Context, cl *oidc.Client) {
	for name, to := range map[string]*string{
		"jwks_uri": &cl.KeysURI, "subject_type": &cl.SubjectType, "sector_identifier_uri": &cl.SectorURI, "userinfo_alg": &cl.UserInfoAlg,
	} {
		if _, there := c.R.PostForm[name]; there {
			*to = strings.TrimSpace(c.Form(name))
		}
	}
}

// detailFacts shows what a client says of itself. Its addresses are shown and
// never followed.
func detailFacts(c *page.Context, cl oidc.Client, add func(name string, mono bool, values ...string)) {
	if cl.Pairwise() {
		add("subject_type", false, c.Words.T("admin.clients.subject.pairwise"))
	}
	add("sector_identifier_uri", true, cl.SectorURI)
	add("userinfo_alg", true, cl.UserInfoAlg)
	add("jwks_uri", true, cl.KeysURI)
	add("initiate_login_uri", true, cl.InitiateURI)
	add("client_uri", true, cl.HomeURI)
	add("policy_uri", true, cl.PolicyURI)
	add("tos_uri", true, cl.TermsURI)
	add("logo_uri", true, cl.LogoURI)
	add("contacts", false, cl.Contacts...)
}
