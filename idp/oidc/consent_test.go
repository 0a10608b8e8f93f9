package oidc_test

import (
	"net/url"
	"testing"

	"latchkey/idp/oidc"
)

// answerConsent sends the form of the consent page.
func (h *house) answerConsent(decision string) answer {
	h.Helper()
	form := url.Values{"decision": {decision}, "csrf": {"good"}}
	for k, v := range h.pages.consent.Hidden {
		form.Set(k, v)
	}
	return h.do("POST", oidc.PathConsent, form)
}

func (h *house) introspected(token any, id oidc.ClientID) map[string]any {
	h.Helper()
	return h.good(h.do("POST", oidc.PathIntrospect, url.Values{"token": {token.(string)}}, basic(id)...))
}

// P-32: an application of others that asks for no scope at all still learns who is
// signed in, so it is asked about as every other, once, and until it is withdrawn.
func TestConsentWithoutScopes(t *testing.T) {
	each(t, func(h *house) {
		h.add(oidc.Input{ID: "shop", Type: oidc.Web, GrantTypes: []string{"authorization_code", oidc.GrantDevice}})
		h.signIn("ada")
		bare, silent := ask("shop", "scope", ""), ask("shop", "scope", "", "prompt", "none")
		refused := func(when string) {
			h.Helper()
			if a := h.authorize(silent); a.params.Get("error") != "consent_required" || a.params.Get("code") != "" {
				h.Errorf("%s: %d %v %s", when, a.status, a.to, a.body)
			}
		}
		refused("before")
		if a := h.authorize(bare); a.body != "page:consent" || len(h.pages.consent.Scopes) != 0 {
			h.Fatalf("%d %v %s %q", a.status, a.to, a.body, h.pages.consent.Scopes)
		}
		if a := h.answerConsent("deny"); a.params.Get("error") != "access_denied" {
			h.Errorf("%d %v %s", a.status, a.to, a.body)
		}
		refused("after a no")
		h.authorize(bare)
		h.answerConsent("allow")
		h.code(silent)
		if a := h.authorize(ask("shop", "scope", "openid", "prompt", "none")); a.params.Get("error") != "consent_required" {
			h.Errorf("it was allowed nothing more: %v %s", a.to, a.body)
		}
		h.must(h.db.Consents.Withdraw(h.Context(), "u-ada", "shop"))
		refused("withdrawn")

		// Whoever lets a device in without a scope has allowed as much.
		m := h.good(h.do("POST", oidc.PathDeviceAuthorization, url.Values{}, basic("shop")...))
		h.letIn(m["user_code"].(string))
		h.code(silent)
	})
}

// P-16, P-32: introspection tells no more of a person than the scopes do.
func TestIntrospectedNames(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	for scope, want := range map[string]any{"": nil, "openid": nil, "openid email": nil, "openid profile": "ada"} {
		m := h.introspected(h.good(h.exchange(h.code(ask("app", "scope", scope)), "app"))["access_token"], "app")
		if m["sub"] != "u-ada" || m["username"] != want {
			t.Errorf("%q: %v", scope, m)
		}
	}
}
