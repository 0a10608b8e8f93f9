package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/oidc"
)

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rawJSON(b []byte) json.RawMessage { return b }

// OpenID Connect Core 1.0 §8.1, P-21: a pairwise client knows a person by a name
// that is the same everywhere it hears of them, and that no other sector has.
func TestPairwise(t *testing.T) {
	h := open(t)
	pair := oidc.Details{SubjectType: oidc.SubjectPairwise}
	for id, host := range map[oidc.ClientID]string{"a": "a.example", "b": "b.example", "a2": "a.example"} {
		h.add(oidc.Input{
			ID: id, Type: oidc.Web, Trusted: true, RedirectURIs: []string{"https://" + host + "/cb"}, Details: pair, PostLogoutURIs: []string{"https://" + host + "/bye"},
			BackchannelURI: "https://" + host + "/out",
		})
	}
	h.add(oidc.Input{ID: "open", Type: oidc.Web, Trusted: true, RedirectURIs: []string{"https://open.example/cb"}})
	h.user("bob")
	h.signIn("ada")
	get := func(id oidc.ClientID, host string) (tokens, claims map[string]any) {
		at := "https://" + host + "/cb"
		m := h.good(h.exchange(h.code(ask(id, "redirect_uri", at)), id, "redirect_uri", at))
		return m, h.claims(m["id_token"])
	}
	tokens, a := get("a", "a.example")
	_, b := get("b", "b.example")
	_, a2 := get("a2", "a.example")
	sub := a["sub"].(string)
	if sub == "u-ada" || sub == b["sub"] || sub != a2["sub"] || len(sub) > 255 || a["sid"] == b["sid"] {
		t.Errorf("a %v, b %v, a2 %v", a, b, a2)
	}
	if m := h.good(h.userInfo(tokens["access_token"])); m["sub"] != sub {
		t.Errorf("userinfo: %v", m)
	}
	m := h.good(h.do("POST", oidc.PathIntrospect, url.Values{"token": {tokens["access_token"].(string)}}, basic("a")...))
	if m["sub"] != sub || m["sid"] != a["sid"] || m["username"] != nil {
		t.Errorf("introspection: %v", m)
	}
	if r := h.good(h.refresh(tokens["refresh_token"].(string), "a")); h.claims(r["id_token"])["sub"] != sub {
		t.Errorf("refreshed: %v", r)
	}
	// P-19: what comes back to us is understood, and of another sector it is not.
	hinted := func(id oidc.ClientID, host string, pairs ...string) string {
		return h.authorize(ask(id, append(pairs, "redirect_uri", "https://"+host+"/cb", "prompt", "none")...)).params.Get("error")
	}
	idToken := tokens["id_token"].(string)
	plain, _ := get("open", "open.example")
	public := plain["id_token"].(string)
	claim := func(sub string) string { return `{"id_token":{"sub":{"value":"` + sub + `"}}}` }
	for name, c := range map[string][2]string{
		"own hint":         {hinted("a", "a.example", "id_token_hint", idToken), ""},
		"claims":           {hinted("a", "a.example", "claims", claim(sub)), ""},
		"another's sector": {hinted("b", "b.example", "claims", claim(sub)), "login_required"},
		// What is right must look as what is wrong, or two who compare notes put
		// names together.
		"another's id":      {hinted("b", "b.example", "claims", claim("u-bob")), "login_required"},
		"the id itself":     {hinted("b", "b.example", "claims", claim("u-ada")), "login_required"},
		"hint of the other": {hinted("b", "b.example", "id_token_hint", idToken), "invalid_request"},
		"of a public one":   {hinted("b", "b.example", "id_token_hint", public), "invalid_request"},
		"the other way":     {hinted("open", "open.example", "id_token_hint", idToken), "invalid_request"},
		"of its own sector": {hinted("a2", "a.example", "id_token_hint", idToken), ""},
		"public, its own":   {hinted("open", "open.example", "id_token_hint", public), ""},
		"public, the id":    {hinted("open", "open.example", "claims", claim("u-ada")), ""},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %q, want %q", name, c[0], c[1])
		}
	}
	names, err := oidc.NewSubjects([]byte(strings.Repeat("k", 32)))
	h.must(err)
	c, err := h.db.Clients.ByID(t.Context(), "a")
	h.must(err)
	if who, err := names.Person(c, sub); err != nil || who != "u-ada" {
		t.Errorf("%v %v", who, err)
	}
	// P-30: the hint is enough to sign out without a question.
	out := h.do("GET", oidc.PathLogout+"?"+url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {"https://a.example/bye"}}.Encode(), nil)
	if out.to == nil || out.to.String() != "https://a.example/bye" {
		t.Errorf("%d %v %s", out.status, out.to, out.body)
	}
}

// A client that knows people keeps the names by which it does.
func TestSubjectsStay(t *testing.T) {
	r := receive(t, openHouse)
	made := r.enrol(object{"subject_type": "pairwise"})
	id, at, token := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
	change := object{"client_id": id, "redirect_uris": []string{callback}, "subject_type": "public"}
	r.good(r.send("PUT", at, token, change))
	change["subject_type"] = "pairwise"
	r.good(r.send("PUT", at, token, change))
	r.signIn("ada")
	r.must(r.db.Consents.Give(r.Context(), "u-ada", oidc.ClientID(id), []string{"openid", "profile", "email", "offline_access"}, r.now()))
	r.code(ask(oidc.ClientID(id), "scope", "openid"))
	change["subject_type"] = "public"
	r.refused(r.send("PUT", at, token, change), http.StatusBadRequest, "invalid_client_metadata")
	change["subject_type"], change["redirect_uris"] = "pairwise", []string{"https://elsewhere.example/cb"}
	r.refused(r.send("PUT", at, token, change), http.StatusBadRequest, "invalid_client_metadata")
}

// OpenID Connect Core 1.0 §5.3.2: userinfo is signed for who wants it so.
func TestSignedUserInfo(t *testing.T) {
	h := open(t)
	for _, alg := range oidc.Algs {
		id := oidc.ClientID("app-" + strings.ToLower(alg))
		h.add(oidc.Input{ID: id, Type: oidc.Web, Trusted: true, Details: oidc.Details{UserInfoAlg: alg}})
		h.signIn("ada")
		a := h.userInfo(h.tokens(id)["access_token"])
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/jwt" || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", a.status, a.header, a.body)
		}
		if m := h.claims(a.body); m["iss"] != h.url || m["aud"] != string(id) || m["sub"] != "u-ada" || m["email"] != "ada@example.org" {
			t.Errorf("%s: %v", alg, m)
		}
		// It is no ID token, and says nothing about who may be signed out.
		if e := h.authorize(ask(id, "prompt", "none", "id_token_hint", a.body)).params.Get("error"); e != "invalid_request" {
			t.Errorf("%s as a hint: %q", alg, e)
		}
	}
}

// OpenID Connect Dynamic Client Registration 1.0 §2: what a client registered
// counts where its request is silent.
func TestDefaultsOfClients(t *testing.T) {
	h := open(t)
	age := int64(60)
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, Details: oidc.Details{MaxAge: &age, ACRs: []string{"aal2"}}})
	h.signIn("ada", "totp")
	if a := h.authorize(ask("app", "prompt", "none")); a.params.Get("code") == "" {
		t.Fatalf("%v", a.params)
	}
	h.move(2 * time.Minute)
	if e := h.authorize(ask("app", "prompt", "none")).params.Get("error"); e != "login_required" {
		t.Errorf("after two minutes: %q", e)
	}
	if a := h.authorize(ask("app", "prompt", "none", "max_age", "3600")); a.params.Get("code") == "" {
		t.Errorf("the request goes before: %v", a.params)
	}
	h.signIn("ada")
	h.authorize(ask("app"))
	if got := h.lastAsk().Need.ACR; got != "aal2" {
		t.Errorf("acr %q", got)
	}
}

// P-31: a pairwise client hears of the end of a session by the names that it knows.
func TestPairwiseFarewell(t *testing.T) {
	h := open(t)
	l := listen(t)
	c := h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, Details: oidc.Details{SubjectType: oidc.SubjectPairwise}, BackchannelURI: l.URL})
	s := h.signIn("ada")
	told := h.claims(h.tokens("app")["id_token"])
	h.end(s.ID)
	names := func(context.Context) (oidc.Subjects, error) { return oidc.NewSubjects([]byte(strings.Repeat("k", 32))) }
	f := oidc.Farewells{Issuer: h.url, Clients: h.db.Clients, Keys: h.ring, Now: h.now, HTTP: oidc.NewCalls(oidc.Outbound{Issuer: h.url}), Subjects: names}
	m := mail.Message{Channel: mail.Logout, To: string(c.ID) + " " + string(s.ID) + " u-ada"}
	h.must(f.Send(t.Context(), m))
	heard := l.heard()
	if len(heard) != 1 {
		t.Fatalf("heard %d times", len(heard))
	}
	var token struct{ Sub, SID string }
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(heard[0], ".")[1])
	h.must(err)
	h.must(json.Unmarshal(body, &token))
	if token.Sub != told["sub"] || token.SID != told["sid"] {
		t.Errorf("heard of %+v, knows %v", token, told)
	}
	// Without the keys nobody is told, rather than by the id itself.
	f.Subjects = nil
	if err := f.Send(t.Context(), m); err == nil || len(l.heard()) != 0 {
		t.Error("told without keys")
	}
}

// §8.1: sectors are parted whatever ids look like, and a name that was tampered
// with is nobody's.
func TestSubjects(t *testing.T) {
	names, err := oidc.NewSubjects([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	client := func(host string) oidc.Client {
		return oidc.Client{Type: oidc.Web, RedirectURIs: []string{"https://" + host + "/cb"}, Details: oidc.Details{SubjectType: oidc.SubjectPairwise}}
	}
	a, upper, b := client("a.example"), client("A.EXAMPLE:8443"), client("b.example")
	// A host stands for those only who are answered there (P-21).
	for name, c := range map[string]oidc.Client{
		"own scheme": {RedirectURIs: []string{"com.evil.app://a.example/cb"}}, "loopback": {RedirectURIs: []string{"http://localhost/cb"}}, "none": {},
		"one of two": {RedirectURIs: []string{"https://a.example/cb", "com.evil.app://a.example/cb"}},
		"device":     {RedirectURIs: []string{"https://a.example/cb"}, GrantTypes: []string{oidc.GrantDevice}, Details: oidc.Details{Self: &oidc.Self{}}},
		"by a list":  {GrantTypes: []string{oidc.GrantDevice}, Details: oidc.Details{Self: &oidc.Self{}, SectorURI: "https://a.example/list"}},
	} {
		c.Type, c.ID, c.SubjectType = oidc.Native, "one", oidc.SubjectPairwise
		next := c
		next.ID = "two"
		one, err := names.Sub(c, "ada")
		if err != nil {
			t.Fatal(err)
		}
		two, _ := names.Sub(next, "ada")
		host, _ := names.Sub(a, "ada")
		if one == two || one == host || two == host {
			t.Errorf("%s: %q, %q, the host's %q", name, one, two, host)
		}
	}
	sub, err := names.Sub(a, "ada")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := names.Sub(upper, "ada"); err != nil || same != sub {
		t.Errorf("%q is not %q, %v", same, sub, err)
	}
	if sid, err := names.SID(a, "ada"); err != nil || sid == sub {
		t.Errorf("a session is called as a person, %v", err)
	}
	if _, err := names.Session(a, sub); !errors.Is(err, idp.ErrInvalid) {
		t.Errorf("a person's name is taken for a session's: %v", err)
	}
	if _, err := names.Person(b, sub); !errors.Is(err, idp.ErrInvalid) {
		t.Errorf("another sector knows the name: %v", err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(sub)
	for i := range raw {
		bent := slices.Clone(raw)
		bent[i] ^= 1
		if _, err := names.Person(a, base64.RawURLEncoding.EncodeToString(bent)); !errors.Is(err, idp.ErrInvalid) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	if _, err := (oidc.Subjects{}).Sub(a, "ada"); err == nil {
		t.Error("without keys there are names")
	}
	if public, err := (oidc.Subjects{}).Sub(oidc.Client{}, "ada"); err != nil || public != "ada" {
		t.Errorf("%q %v", public, err)
	}
}
