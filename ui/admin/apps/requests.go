package apps

import (
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// requests are the fields of a client that can push or sign its requests.
func requests(c *page.Context, cl oidc.Client, tick func(string, bool) admin.Field, lines func(string, []string, int) admin.Field) admin.Fields {
	if cl.Type == oidc.Odoo || cl.Type == oidc.Service {
		return nil
	}
	out := admin.Fields{tick("require_pushed", cl.RequirePushed)}
	if cl.Type == oidc.Web {
		alg := plain(c, "request_object_signing_alg", cl.RequestAlg, oidc.AssertionAlgs)
		alg.Options = append([]admin.Option{{Label: c.Words.T("admin.clients.any_alg"), Chosen: cl.RequestAlg == ""}}, alg.Options...)
		out = append(out, alg, lines("request_uris", cl.RequestURIs, 2))
	}
	return out
}
