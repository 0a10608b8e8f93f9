package oidc_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/oidc"
	"latchkey/idp/settings"
)

var openHouse = settings.House{SelfClients: settings.SelfOpen}

// P-29: clients register themselves only where the house wants that, and with a
// token that lets somebody edit clients.
func TestWhoMayEnrol(t *testing.T) {
	r := receive(t, settings.House{})
	endpoint := func() any {
		return r.good(r.do("GET", oidc.PathDiscovery, nil))["registration_endpoint"]
	}
	body := object{"redirect_uris": []string{callback}}
	r.refused(r.send("POST", oidc.PathRegister, "", body), http.StatusForbidden, "access_denied")
	r.refused(r.send("GET", oidc.PathRegister+"/app", "x", ""), http.StatusForbidden, "access_denied")
	if e := endpoint(); e != nil {
		t.Errorf("discovery names %v", e)
	}

	r.rules.SelfClients = settings.SelfToken
	if e := endpoint(); e != r.url+oidc.PathRegister {
		t.Errorf("discovery names %v", e)
	}
	root := idp.User{ID: "root", Login: "root", Role: idp.Owner, Created: r.now(), Updated: r.now()}
	r.must(r.db.Users.Add(r.Context(), root, []idp.Identifier{{Canonical: "root", Skeleton: "root"}}))
	token := func(right idp.Right) string {
		_, secret, err := r.tokens.Make(r.Context(), idp.Actor{User: "root", Role: idp.Owner}, apitoken.New{Name: "x", Scopes: []idp.Right{right}})
		r.must(err)
		return secret
	}
	r.refused(r.send("POST", oidc.PathRegister, "", body), http.StatusUnauthorized, "invalid_token")
	r.refused(r.send("POST", oidc.PathRegister, "lka_wrong", body), http.StatusUnauthorized, "invalid_token")
	r.refused(r.send("POST", oidc.PathRegister, token(idp.SeeClients), body), http.StatusForbidden, "insufficient_scope")
	a := r.send("POST", oidc.PathRegister, token(idp.EditClients), body)
	if a.status != http.StatusCreated || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	c, err := r.db.Clients.ByID(r.Context(), oidc.ClientID(a.json(t)["client_id"].(string)))
	if err != nil || c.Self == nil || c.Self.By != "root" || c.Trusted {
		t.Errorf("%+v %v", c, err)
	}
	// Where anybody may, a token that is not good still tells something.
	r.rules.SelfClients = settings.SelfOpen
	r.refused(r.send("POST", oidc.PathRegister, "lka_wrong", body), http.StatusUnauthorized, "invalid_token")
	r.rules.SelfClientsMost = 1
	r.refused(r.send("POST", oidc.PathRegister, "", body), http.StatusForbidden, "access_denied")
	r.taken = 100
	if a := r.send("POST", oidc.PathRegister, "", body); a.status != http.StatusTooManyRequests {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// everything is a registration with all that can be said.
func everything(r *reception) object {
	return object{
		"redirect_uris": []string{callback, callback + "?foo=bar"}, "response_types": []string{"code", "id_token code"}, "grant_types": []string{"authorization_code", "refresh_token"},
		"application_type": "web", "client_name": "Wiki", "client_name#fr": "Le wiki", "contacts": []string{"ops@rp.example.org"},
		"logo_uri": r.site.URL + "/logo.png", "client_uri": "https://rp.example.org/", "policy_uri": "https://rp.example.org/policy#data", "tos_uri": "https://rp.example.org/terms",
		"subject_type": "pairwise", "sector_identifier_uri": r.site.URL + "/sector", "id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "RS256",
		"request_object_signing_alg": "RS256", "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256", "jwks_uri": r.site.URL + "/keys",
		"default_max_age": 3600, "require_auth_time": true, "default_acr_values": []string{"aal2"}, "initiate_login_uri": "https://rp.example.org/start",
		"post_logout_redirect_uris": []string{"https://rp.example.org/bye"}, "backchannel_logout_uri": "https://rp.example.org/back", "backchannel_logout_session_required": true,
		"frontchannel_logout_uri": "https://rp.example.org/front", "frontchannel_logout_session_required": true, "scope": "openid email", "made_up": []int{1},
	}
}

// OpenID Connect Dynamic Client Registration 1.0 §3.2, RFC 7592 §2: what was said
// comes back, is read, replaced and forgotten by whoever has the token.
func TestLifeOfEnrolment(t *testing.T) {
	r := receive(t, openHouse)
	body := everything(r)
	r.site.put("/sector", []byte(`["`+callback+`","`+callback+`?foo=bar"]`))
	made := r.enrol(body)
	for name, want := range body {
		got, ok := made[name]
		switch name {
		case "client_name#fr", "made_up":
			if ok {
				t.Errorf("%s is not known here, and comes back", name)
			}
			continue
		case "grant_types":
			want = []string{"authorization_code", "refresh_token", "implicit"} // §2: implied
		case "response_types":
			want = []string{"code", "code id_token"}
		}
		if same(t, want) != same(t, got) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	id, token, at := made["client_id"].(string), made["registration_access_token"].(string), made["registration_client_uri"].(string)
	if made["client_secret"] != nil || made["client_secret_expires_at"] != nil || at != r.url+oidc.PathRegister+"/"+id || len(token) != 43 || made["client_id_issued_at"] == nil {
		t.Errorf("%v", made)
	}
	read := r.good(r.send("GET", at, token, ""))
	if same(t, read) != same(t, made) {
		t.Errorf("read %v, registered %v", read, made)
	}
	// Nobody but the client, by this token.
	other := r.enrol(object{})
	for name, wrong := range map[string]string{"none": "", "made up": "x" + token[1:], "another's": other["registration_access_token"].(string)} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			if a := r.send(method, at, wrong, object{"client_id": id, "redirect_uris": []string{"https://evil.example/"}}); a.status != http.StatusUnauthorized {
				t.Errorf("%s with %s: %d %s", method, name, a.status, a.body)
			}
		}
	}
	// What an administrator registered is nobody's here.
	r.web("app")
	r.refused(r.send("GET", oidc.PathRegister+"/app", token, ""), http.StatusUnauthorized, "invalid_token")

	change := object{"client_id": id, "client_name": "Wiki 2", "redirect_uris": []string{callback}}
	now := r.good(r.send("PUT", at, token, change))
	if now["client_name"] != "Wiki 2" || now["contacts"] != nil || now["client_secret"] == nil || now["client_secret_expires_at"] != float64(0) || now["registration_access_token"] != token ||
		now["token_endpoint_auth_method"] != "client_secret_basic" || now["subject_type"] != "public" {
		t.Errorf("%v", now)
	}
	change["client_secret"] = "another-secret-of-mine"
	r.refused(r.send("PUT", at, token, change), http.StatusBadRequest, "invalid_client_metadata")
	delete(change, "client_secret")
	for name, bad := range map[string]any{"client_id": "app", "application_type": "native", "redirect_uris": []string{"https://rp.example.org/#x"}, "grant_types": []string{"authorization_code", oidc.GrantDevice}} {
		was := change[name]
		change[name] = bad
		if a := r.send("PUT", at, token, change); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		change[name] = was
	}
	if a := r.send("DELETE", at, token, ""); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.refused(r.send("GET", at, token, ""), http.StatusUnauthorized, "invalid_token")
	r.refused(r.send("DELETE", at, token, ""), http.StatusUnauthorized, "invalid_token")
	if r.events("client.add", "ok") != 2 || r.events("client.update", "ok") != 1 || r.events("client.remove", "ok") != 1 { // D-07
		t.Error("events are missing")
	}
}

// same is a value as JSON has it.
func same(t testing.TB, v any) string {
	t.Helper()
	return string(marshal(t, v))
}

// P-32: whoever registered itself is never trusted, and lives like every other
// client.
func TestEnrolledClient(t *testing.T) {
	r := receive(t, openHouse)
	made := r.enrol(object{"grant_types": []string{"authorization_code", "refresh_token"}})
	id, secret := oidc.ClientID(made["client_id"].(string)), made["client_secret"].(string)
	r.signIn("ada")
	q := ask(id)
	if a := r.authorize(q); a.body != "page:consent" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r.must(r.db.Consents.Give(r.Context(), "u-ada", id, strings.Fields(q.Get("scope")), r.now()))
	form := url.Values{"grant_type": {"authorization_code"}, "code": {r.code(q)}, "redirect_uri": {callback}}
	a := r.do("POST", oidc.PathToken, form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(string(id)+":"+secret)))
	if m := r.good(a); r.claims(m["id_token"])["sub"] != "u-ada" || m["refresh_token"] == nil {
		t.Errorf("%v", m)
	}
	if q.Set("scope", "openid groups"); r.authorize(q).params.Get("error") != "invalid_scope" {
		t.Error("groups were not asked for at registration")
	}
	// An administrator shuts it out, with its registration.
	r.must((&oidc.Registrar{Clients: r.db.Clients, Log: r.db.Log, Atomic: r.db.Atomic, Now: r.now}).Disable(r.Context(), idp.Actor{Host: true}, id))
	r.refused(r.send("GET", made["registration_client_uri"].(string), made["registration_access_token"].(string), ""), http.StatusUnauthorized, "invalid_token")
	// The registrar shows nobody the token.
	all, err := (&oidc.Registrar{Clients: r.db.Clients, Uses: r.db.ClientUses}).List(r.Context(), idp.Actor{Host: true})
	if err != nil || !slices.ContainsFunc(all, func(e oidc.Entry) bool { return e.Client.ByItself() && e.Client.Self.Token == "" }) {
		t.Errorf("%v %v", all, err)
	}
}

// RFC 7591 §3.2.2: what is refused, with a code and a text that says what.
func TestEnrolmentRefused(t *testing.T) {
	r := receive(t, openHouse)
	keys, err := clientKeys()
	r.must(err)
	r.site.put("/sector", []byte(`["https://other.example/cb"]`))
	private := `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]}`
	for name, c := range map[string]struct {
		body any
		code string
		text string
	}{
		"no redirect":        {object{"redirect_uris": []string{}}, "invalid_redirect_uri", "at least one"},
		"fragment":           {object{"redirect_uris": []string{callback + "#x"}}, "invalid_redirect_uri", "fragment"},
		"http":               {object{"redirect_uris": []string{"http://rp.example.org/cb"}}, "invalid_redirect_uri", "https"},
		"javascript":         {object{"redirect_uris": []string{"javascript:alert(1)"}}, "invalid_redirect_uri", "https"},
		"not a list":         {object{"redirect_uris": callback}, "invalid_client_metadata", "redirect_uris"},
		"not JSON":           {"redirect_uris=x", "invalid_client_metadata", "JSON"},
		"token alone":        {object{"response_types": []string{"token"}}, "invalid_client_metadata", "response_types"},
		"password":           {object{"grant_types": []string{"password"}}, "invalid_client_metadata", "grant_types"},
		"id_token none":      {object{"id_token_signed_response_alg": "none"}, "invalid_client_metadata", "id_token_signed_response_alg"}, // P-26
		"userinfo HS256":     {object{"userinfo_signed_response_alg": "HS256"}, "invalid_client_metadata", "userinfo_signed_response_alg"},
		"encryption":         {object{"id_token_encrypted_response_alg": "RSA-OAEP"}, "invalid_client_metadata", "id_token_encrypted_response_alg"},
		"client_secret_jwt":  {object{"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata", "token_endpoint_auth_method"},
		"no keys":            {object{"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata", "public keys"},
		"two sets of keys":   {object{"jwks": rawJSON(keySet(t, keys["ES256"])), "jwks_uri": "https://rp.example.org/keys"}, "invalid_client_metadata", "not both"},
		"a private key":      {object{"jwks": rawJSON([]byte(private))}, "invalid_client_metadata", "public alone"},
		"keys of the inside": {object{"jwks_uri": "https://10.0.0.1/keys"}, "invalid_client_metadata", "private or special"}, // P-28
		"http start":         {object{"initiate_login_uri": "http://localhost/start"}, "invalid_client_metadata", "initiate_login_uri"},
		"script as a policy": {object{"policy_uri": "javascript:alert(1)"}, "invalid_client_metadata", "policy_uri"},
		"kind":               {object{"application_type": "toaster"}, "invalid_client_metadata", "application_type"},
		"right in the house": {object{"scope": "openid clients:write"}, "invalid_client_metadata", "clients:write"}, // D-02
		"scope of others":    {object{"scope": "openid shop.admin"}, "invalid_client_metadata", "shop.admin"},
		"service":            {object{"grant_types": []string{"client_credentials"}, "redirect_uris": []string{}, "response_types": []string{}}, "invalid_client_metadata", "administrator"}, // P-29
		"service and more":   {object{"grant_types": []string{"authorization_code", "client_credentials"}}, "invalid_client_metadata", "client_credentials"},
		"device":             {object{"application_type": "native", "grant_types": []string{oidc.GrantDevice}}, "invalid_client_metadata", "administrator"}, // P-36
		"device and more":    {object{"grant_types": []string{"authorization_code", oidc.GrantDevice}}, "invalid_client_metadata", "device_code"},
		"signed alone":       {object{"require_signed_request_object": true}, "invalid_client_metadata", "require_signed_request_object"},
		"http policy":        {object{"policy_uri": "http://localhost/policy"}, "invalid_client_metadata", "policy_uri"},
		"http terms":         {object{"tos_uri": "http://localhost/terms"}, "invalid_client_metadata", "tos_uri"},
		"http home":          {object{"client_uri": "http://localhost/"}, "invalid_client_metadata", "client_uri"},
		"our own address":    {object{"redirect_uris": []string{r.url + "/device"}}, "invalid_redirect_uri", "own host"},
		"our own page":       {object{"application_type": "native", "redirect_uris": []string{"com.example.app:/cb"}, "post_logout_redirect_uris": []string{r.url + "/logout"}}, "invalid_client_metadata", "own host"},
		"sector elsewhere":   {object{"subject_type": "pairwise", "sector_identifier_uri": r.site.URL + "/sector"}, "invalid_client_metadata", "not in the list"},
		"no sector":          {object{"subject_type": "pairwise", "sector_identifier_uri": r.site.URL + "/none"}, "invalid_client_metadata", "can be read"},
		"two hosts":          {object{"subject_type": "pairwise", "redirect_uris": []string{callback, "https://b.example/cb"}}, "invalid_client_metadata", "sector_identifier_uri"},
		"disguised name":     {object{"client_name": "Photos \u202etiurF"}, "invalid_client_metadata", "client_name"},
		"filler":             {object{"client_name": "\u3164"}, "invalid_client_metadata", "not seen"},
		"blank":              {object{"client_name": "\u2800"}, "invalid_client_metadata", "not seen"},
		"variation":          {object{"client_name": "Wi\ufe0fki"}, "invalid_client_metadata", "not seen"},
		"only a mark":        {object{"client_name": "★"}, "invalid_client_metadata", "letter"},
		"negative age":       {object{"default_max_age": -1}, "invalid_client_metadata", "default_max_age"},
	} {
		if o, ok := c.body.(object); ok && o["redirect_uris"] == nil {
			o["redirect_uris"] = []string{callback}
		}
		a := r.send("POST", oidc.PathRegister, "", c.body)
		r.taken = 0
		if m := a.json(t); a.status != http.StatusBadRequest || m["error"] != c.code || !strings.Contains(m["error_description"].(string), c.text) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if all, err := r.db.Clients.All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
	// What goes, though it is less than usual. Keys for nothing are left out.
	if m := r.enrol(object{"token_endpoint_auth_method": "none", "jwks_uri": "https://rp.example.org/keys"}); m["client_secret"] != nil || m["jwks_uri"] != nil {
		t.Errorf("%v", m)
	}
	if m := r.enrol(object{"application_type": "native", "redirect_uris": []string{"com.example.app:/cb"}}); m["application_type"] != "native" || m["token_endpoint_auth_method"] != "none" {
		t.Errorf("%v", m)
	}
	if m := r.enrol(object{"application_type": "native", "redirect_uris": []string{"http://localhost/cb"}, "require_signed_request_object": false}); m["application_type"] != "native" {
		t.Errorf("%v", m)
	}
}

// P-03: answers in the clear are for apps on a device, and for servers that nobody
// else can reach.
func TestStrangersInTheClear(t *testing.T) {
	web := func(uri string, grants ...string) oidc.Client {
		return oidc.Client{Type: oidc.Web, RedirectURIs: []string{uri}, GrantTypes: append(grants, "authorization_code")}
	}
	native := web("http://localhost/cb")
	native.Type = oidc.Native
	for _, c := range []struct {
		oidc.Client
		house, home string // what is said
	}{
		{web("http://localhost:9/cb"), "native", ""},
		{web("https://localhost/cb", "implicit"), "implicit", ""},
		{web("https://localhost/cb"), "", ""},
		{native, "", ""},
	} {
		for issuer, want := range map[string]string{"https://id.example.org": c.house, "http://localhost:8080": c.home} {
			if err := oidc.CheckStranger(issuer, c.Client); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v at %s: %v", c.RedirectURIs, issuer, err)
			}
		}
	}
}

// P-28, X-09: the logo is fetched once, drawn anew and served by us; one that
// cannot be had keeps nobody from registering.
func TestLogoOfEnrolment(t *testing.T) {
	r := receive(t, openHouse)
	r.site.put("/logo.png", pixels(t, 400, 100))
	r.site.put("/code.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`))
	logo := func(uri string) (oidc.Client, answer) {
		made := r.enrol(object{"logo_uri": uri})
		c, err := r.db.Clients.ByID(r.Context(), oidc.ClientID(made["client_id"].(string)))
		r.must(err)
		return c, r.do("GET", oidc.PathLogo+"/"+string(c.ID), nil)
	}
	c, a := logo(r.site.URL + "/logo.png")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "image/png" || a.body != string(c.Logo) || !strings.HasPrefix(c.LogoPath(), oidc.PathLogo+"/"+string(c.ID)+"?v=") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if r.site.count("/logo.png") != 1 {
		t.Errorf("fetched %d times", r.site.count("/logo.png"))
	}
	for _, uri := range []string{r.site.URL + "/code.svg", r.site.URL + "/none", "https://10.0.0.1/logo.png", "https://192.168.1.1/"} {
		if c, a := logo(uri); a.status != http.StatusNotFound || c.LogoPath() != "" {
			t.Errorf("%s: %d", uri, a.status)
		}
	}
}
