package apps_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin/admintest"
)

// The list says what to do when there is nothing, and to nobody what they may
// not do (D-01).
func TestList(t *testing.T) {
	o := open(t)
	o.Enter(idp.Admin, "/admin/clients").Want(http.StatusOK, "/admin/clients").Has(".empty a[href='/admin/clients/new']")
	o.web("wiki")
	o.Enter(idp.Admin, "/admin/clients").Has("table#clients a[href='/admin/clients/wiki']", "a#client-new")
	o.Enter(idp.Auditor, "/admin/clients").Has("table#clients").HasNot("a#client-new")
	o.Enter(idp.Auditor, "/admin/clients/wiki").Want(http.StatusOK, "/admin/clients/wiki").HasNot("#edit", "#remove", "form#client-test").Has("#code")
	for _, path := range []string{"/admin/clients", "/admin/clients/wiki", "/admin/keys"} {
		o.Enter(idp.HelpDesk, path).Want(http.StatusForbidden, path)
	}
	for _, path := range []string{"/admin/clients/new", "/admin/clients/new/web", "/admin/clients/wiki/edit", "/admin/clients/wiki/rotate", "/admin/clients/wiki/remove", "/admin/keys/rotate"} {
		o.Enter(idp.Auditor, path).Want(http.StatusForbidden, path)
	}
	o.Enter(idp.Admin, "/admin/clients/nobody").Want(http.StatusNotFound, "/admin/clients/nobody")
	o.Enter(idp.Admin, "/admin/clients/new/toaster").Want(http.StatusNotFound, "/admin/clients/new/toaster")
}

// D-06: a secret is shown by the answer that made it, and never again.
func TestAdd(t *testing.T) {
	o := open(t)
	v := o.Enter(idp.Admin, "/admin/clients/new").Has("#type-odoo", "#type-service")
	v.Get("/admin/clients/new/web").Has("form#client-form", "#f-redirect_uris", "#f-trusted").HasNot("#f-sessions")
	v.Submit("client-form", "name", "Wiki", "id", "wiki", "redirect_uris", "http://wiki.example.org/cb\nhttps://wiki.example.org/ok")
	v.Want(http.StatusBadRequest, "/admin/clients/new/web").Has("#e-redirect_uris", "#wrong")
	if !strings.Contains(string(v.Body), "https://wiki.example.org/ok") || !strings.Contains(string(v.Body), `value="wiki"`) {
		t.Error("what was typed is lost")
	}
	v.Submit("client-form", "redirect_uris", "https://wiki.example.org/cb", "trusted", "yes").Want(http.StatusOK, "/admin/clients/new/web").Has(".secret-once output.secret", "#kept")
	c, err := o.DB.Clients.ByID(t.Context(), "wiki")
	o.Must(err)
	secret := v.Doc.Find("output.secret").Text()
	if len(secret) != 43 || !c.Trusted || c.Name != "Wiki" || len(c.RedirectURIs) != 1 {
		t.Errorf("%q, %+v", secret, c)
	}
	if v.Get("/admin/clients/wiki"); strings.Contains(string(v.Body), secret) || strings.Contains(string(v.Body), c.Secret) {
		t.Error("the secret is shown again")
	}
	if v.Get("/admin/clients/wiki/code"); strings.Contains(string(v.Body), secret) {
		t.Error("an example shows the secret")
	}
	v.Get("/admin/clients/new/web").Submit("client-form", "name", "Other", "id", "wiki", "redirect_uris", "https://x.example.org/cb").Want(http.StatusConflict, "/admin/clients/new/web").Has("#e-id")
	// One of each other kind.
	v.Get("/admin/clients/new/odoo").Submit("client-form", "name", "Shop", "id", "shop", "redirect_uris", "https://erp.example.org/auth_oauth/signin").Want(http.StatusOK, "/admin/clients/new/odoo")
	if !strings.Contains(string(v.Body), "/odoo/shop/") {
		t.Error("no validation address")
	}
	v.Get("/admin/clients/new/spa").Submit("client-form", "name", "Page", "id", "page", "redirect_uris", "https://page.example.org/").Want(http.StatusOK, "/admin/clients/page").Has("#done")
	v.Get("/admin/clients/new/native").Submit("client-form", "name", "Phone", "id", "phone", "redirect_uris", "com.example.phone:/cb").Want(http.StatusOK, "/admin/clients/phone")
	v.Get("/admin/clients/new/service").HasNot("#f-redirect_uris").Submit("client-form", "name", "Robot", "id", "robot").Want(http.StatusOK, "/admin/clients/new/service").Has("output.secret")
	if n := len(o.Events("client.add")); n != 5 {
		t.Errorf("%d events", n)
	}
}

// A change that was begun before somebody else's is refused, and nothing is lost.
func TestEdit(t *testing.T) {
	o := open(t)
	made := o.web("wiki")
	v := o.Enter(idp.Admin, "/admin/clients/wiki/edit").Has("form#client-form input[name=version]")
	w := o.Enter(idp.Owner, "/admin/clients/wiki/edit")
	v.Submit("client-form", "name", "The wiki").Want(http.StatusOK, "/admin/clients/wiki").Says("The wiki")
	w.Submit("client-form", "name", "Our wiki").Want(http.StatusConflict, "/admin/clients/wiki/edit").Has("#wrong")
	if !strings.Contains(string(w.Body), "Our wiki") {
		t.Error("what was typed is lost")
	}
	c, err := o.DB.Clients.ByID(t.Context(), "wiki")
	o.Must(err)
	if c.Name != "The wiki" || c.Secret != made.Client.Secret {
		t.Errorf("%+v", c)
	}
	// What a form leaves out, or somebody adds to it, changes no secret.
	v.Get("/admin/clients/wiki/edit").Submit("client-form", "name", "Wiki", "auth_method", "private_key_jwt").Want(http.StatusBadRequest, "/admin/clients/wiki/edit").Has("#e-jwks")
	// How its requests come (P-27, P-34).
	set := `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	v.Get("/admin/clients/wiki/edit").Submit("client-form", "require_pushed", "yes", "request_object_signing_alg", "HS256", "request_uris", "http://wiki.example.org/r").
		Want(http.StatusBadRequest, "/admin/clients/wiki/edit").Has("#e-request_object_signing_alg", "#e-request_uris", "#f-require_pushed[checked]")
	v.Submit("client-form", "request_object_signing_alg", "EdDSA", "request_uris", "https://wiki.example.org/r", "jwks", set).Want(http.StatusOK, "/admin/clients/wiki").Says("https://wiki.example.org/r")
	c, err = o.DB.Clients.ByID(t.Context(), "wiki")
	o.Must(err)
	if !c.RequirePushed || c.RequestAlg != "EdDSA" || len(c.RequestURIs) != 1 || len(c.Keys) != 1 || c.AuthMethod != oidc.AuthBasic {
		t.Errorf("%+v", c)
	}
}

// How an application knows people, and where its keys are (P-28); one that
// registered itself is marked, and shows no token.
func TestDetails(t *testing.T) {
	o := open(t)
	made := o.web("wiki")
	v := o.Enter(idp.Admin, "/admin/clients/wiki/edit")
	v.Submit("client-form", "jwks_uri", "https://10.0.0.1/keys", "auth_method", "private_key_jwt").Want(http.StatusBadRequest, "/admin/clients/wiki/edit").Has("#e-jwks_uri")
	v.Get("/admin/clients/wiki/edit").Submit("client-form", "jwks_uri", "https://wiki.example.org/keys", "auth_method", "private_key_jwt", "subject_type", "pairwise", "userinfo_alg", "ES256").
		Want(http.StatusOK, "/admin/clients/wiki").Says("https://wiki.example.org/keys").Says("ES256").HasNot("#itself")
	c, err := o.DB.Clients.ByID(t.Context(), "wiki")
	o.Must(err)
	if !c.Pairwise() || c.UserInfoAlg != "ES256" || c.KeysURI == "" || c.Secret != "" {
		t.Errorf("%+v", c)
	}
	stranger := made.Client
	stranger.ID, stranger.Version = "stranger", 0
	stranger.Self, stranger.PolicyURI, stranger.Contacts = &oidc.Self{Token: "the-hash-of-a-token"}, "https://stranger.example/policy", []string{"ops@stranger.example"}
	o.Must(o.DB.Clients.Add(t.Context(), stranger))
	v.Get("/admin/clients/stranger").Has("#itself").HasNot("a[href^='https://stranger']").Says("https://stranger.example/policy").Says("ops@stranger.example")
	if strings.Contains(string(v.Body), stranger.Self.Token) {
		t.Error("the page has the token")
	}
	// P-29, D-02: an administrator's word counts from then on, and the page says so.
	v.HasNot("#frozen").Get("/admin/clients/stranger/edit").Has("#freezes").Submit("client-form").Want(http.StatusOK, "/admin/clients/stranger").Has("#frozen")
	v.Get("/admin/clients/stranger/edit").HasNot("#freezes")
	if c, err := o.DB.Clients.ByID(t.Context(), "stranger"); err != nil || !c.Self.Frozen || c.Self.Token != stranger.Self.Token {
		t.Errorf("%+v %v", c.Self, err)
	}
	v.Get("/admin/clients/stranger/remove").Submit("client-remove").Want(http.StatusOK, "/admin/clients").Has("#done")
}

// The old secret goes on for as long as was said, and can be ended.
func TestRotate(t *testing.T) {
	o := open(t)
	o.web("wiki")
	v := o.Enter(idp.Admin, "/admin/clients/wiki/rotate").Has("form#client-rotate #f-overlap")
	v.Submit("client-rotate", "overlap", "31").Want(http.StatusBadRequest, "/admin/clients/wiki/rotate").Has("#e-overlap")
	v.Submit("client-rotate", "overlap", "7").Want(http.StatusOK, "/admin/clients/wiki/rotate").Has("output.secret")
	c, err := o.DB.Clients.ByID(t.Context(), "wiki")
	o.Must(err)
	if c.FormerSecret == nil || !c.FormerSecret.Until.Equal(o.Clock.Now().Add(7*24*time.Hour)) && c.FormerSecret.Until.Sub(o.Clock.Now()) < 6*24*time.Hour {
		t.Errorf("%+v", c.FormerSecret)
	}
	v.Get("/admin/clients/wiki").Has("#secrets a[href='/admin/clients/wiki/end?what=secret']")
	v.Get("/admin/clients/wiki/end?what=secret").Submit("client-end").Want(http.StatusOK, "/admin/clients/wiki").Has("#done").HasNot("#secrets a")
	v.Get("/admin/clients/wiki/end?what=secret").Want(http.StatusNotFound, "/admin/clients/wiki/end")
	// D-03: a proof of a while ago makes no secret.
	o.Clock.Pass(6 * time.Minute)
	v.Get("/admin/clients/wiki/rotate").Submit("client-rotate", "overlap", "0").Want(http.StatusOK, "/login")
}

func TestDisableRemove(t *testing.T) {
	o := open(t)
	o.web("wiki")
	v := o.Enter(idp.Admin, "/admin/clients/wiki/disable").Says("30 days").Submit("client-disable").Want(http.StatusOK, "/admin/clients/wiki").Has("#client-enable", "#done")
	v.Submit("client-enable").Want(http.StatusOK, "/admin/clients/wiki").Has("#disable")
	v.Get("/admin/clients/wiki/remove").Says("30 days").Submit("client-remove").Want(http.StatusOK, "/admin/clients").Has("#done")
	if _, err := o.DB.Clients.ByID(t.Context(), "wiki"); err == nil {
		t.Error("it is still there")
	}
	for _, what := range []string{"client.disable", "client.enable", "client.remove"} {
		if es := o.Events(what); len(es) != 1 || es[0].Actor != o.Person(idp.Admin).ID || es[0].Client != "wiki" {
			t.Errorf("%s: %+v", what, es)
		}
	}
}

// The test button says what it found in words.
func TestTestButton(t *testing.T) {
	o := open(t)
	o.web("wiki")
	v := o.Enter(idp.Admin, "/admin/clients/wiki").Submit("client-test").Want(http.StatusOK, "/admin/clients/wiki/test").Has("#trials .chip-good", "#trials .chip-bad")
	v.Says("Discovery document")
}

// Every example fits into a page for every kind of application, with its own
// values and no secret.
func TestSnippets(t *testing.T) {
	o := open(t)
	for _, in := range []oidc.Input{
		{ID: "c-odoo", Type: oidc.Odoo, RedirectURIs: []string{"https://erp.example.org/auth_oauth/signin"}}, {ID: "c-web", Type: oidc.Web, RedirectURIs: []string{"https://app.example.org/cb"}},
		{ID: "c-spa", Type: oidc.SPA, RedirectURIs: []string{"https://page.example.org/cb"}}, {ID: "c-native", Type: oidc.Native, RedirectURIs: []string{"http://127.0.0.1/cb"}}, {ID: "c-service", Type: oidc.Service},
	} {
		made, err := o.pages.Clients.Add(t.Context(), admintest.Host, in)
		o.Must(err)
		v := o.Enter(idp.Auditor, "/admin/clients/"+string(in.ID)+"/code").Want(http.StatusOK, "/admin/clients/"+string(in.ID)+"/code").Has("#code-generic pre.code")
		if !strings.Contains(string(v.Body), string(in.ID)) || made.Secret != "" && strings.Contains(string(v.Body), made.Secret) || strings.Contains(string(v.Body), "no value") {
			t.Errorf("%s: %s", in.ID, v.Body)
		}
		if secret := made.Client.ValidationSecret; secret != "" && strings.Contains(string(v.Body), secret) {
			t.Error("the validation address is shown again")
		}
	}
	o.Enter(idp.Auditor, "/admin/clients/c-web/code").Has("#code-oauth2_proxy", "#code-spring", "#code-authjs", "#code-django", "#code-laravel", "#code-go_oidc", "#code-openid_client",
		"#code-nginx", "#code-traefik", "#code-grafana", "#code-nextcloud").Says("/oauth2/callback")
}

func TestKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("makes RSA keys")
	}
	o := open(t)
	o.Must(o.Keys.Ensure(t.Context()))
	o.Enter(idp.Auditor, "/admin/keys").Has("table#keys tbody tr").HasNot("#rotate", "#keys a.btn")
	v := o.Enter(idp.Admin, "/admin/keys/rotate").Submit("key-rotate").Want(http.StatusOK, "/admin/keys").Has("#done")
	all, err := o.DB.Keys.All(t.Context())
	o.Must(err)
	var bad string
	for _, k := range all {
		if k.State == oidc.Current && k.Alg == "ES256" {
			bad = k.ID
		}
	}
	v.Get("/admin/keys/revoke/"+bad).Submit("key-revoke").Want(http.StatusOK, "/admin/keys")
	if strings.Contains(string(v.Body), bad) {
		t.Error("the key is still there")
	}
	v.Get("/admin/keys/revoke/"+bad).Want(http.StatusNotFound, "/admin/keys/revoke/"+bad)
	if len(o.Events("key.rotate")) != 1 || len(o.Events("key.revoke")) != 1 {
		t.Error("no events")
	}
}
