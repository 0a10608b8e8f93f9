package odoo_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
)

// ODOO.md §1: the whole sign-in, as stock Odoo does it.
func TestSignIn(t *testing.T) {
	each(t, func(h *house) {
		c := h.add("erp", nil)
		before, _ := h.db.Trips()
		resp, _ := h.get(h.link(c, "openid profile email"))
		to := resp.Header.Get("Location")
		base, fragment, _ := strings.Cut(to, "#")
		v, err := url.ParseQuery(fragment)
		if err != nil || resp.StatusCode != 303 || base != signin("erp") {
			h.Fatalf("%d %s", resp.StatusCode, to)
		}
		if v.Get("state") != state || v.Get("token_type") != "Bearer" || v.Get("expires_in") != "60" || v.Get("scope") != "openid profile email" || v.Get("iss") != h.url || len(v) != 6 {
			h.Errorf("%v", v)
		}
		status, m := h.validate(c, v.Get("access_token"))
		after, _ := h.db.Trips()
		if after-before > 5 { // the first look at the catalogue is one
			h.Errorf("%d round trips", after-before)
		}
		if status != 200 || m["sub"] != "u-ada" || m["user_id"] != "u-ada" || m["email"] != "ada@example.org" || m["name"] != "Ada Lovelace" ||
			m["email_verified"] != true || m["preferred_username"] != "ada" || m["locale"] != "fr" || m["zoneinfo"] != "Europe/Paris" {
			h.Errorf("%d %v", status, m)
		}
		// The word "False" is what Odoo sends for an empty field.
		if resp, _ := h.get(h.link(c, "False")); !strings.Contains(resp.Header.Get("Location"), "#access_token=") {
			h.Errorf("scope False: %d %v", resp.StatusCode, resp.Header)
		}
	})
}

// ODOO.md §2, P-08: one validation for one authorization, within a minute, for
// the client that it was made for, and nowhere else.
func TestOneValidation(t *testing.T) {
	each(t, func(h *house) {
		c, other := h.add("erp", nil), h.add("other", nil)
		token := h.token(c)
		if status, _ := h.validate(other, token); status != 401 {
			h.Error("another Odoo's token signs in")
		}
		// The generic userinfo is another door.
		resp, body := h.get(h.url+oidc.PathUserInfo, "Authorization", "Bearer "+token)
		if resp.StatusCode != 401 {
			h.Errorf("userinfo: %d %s", resp.StatusCode, body)
		}
		if status, _ := h.validate(c, token); status != 200 {
			h.Error("the first validation fails")
		}
		if status, _ := h.validate(c, token); status != 401 {
			h.Error("a replay signs in")
		}
		token = h.token(c)
		h.move(59 * time.Second)
		if status, _ := h.validate(c, token); status != 200 {
			h.Error("too late after 59 s")
		}
		token = h.token(c)
		h.move(61 * time.Second)
		if status, _ := h.validate(c, token); status != 401 {
			h.Error("still good after 61 s")
		}
		two := h.add("two", func(in *oidc.Input) { in.Validations = 2 })
		token = h.token(two)
		for i, want := range []int{200, 200, 401} {
			if status, _ := h.validate(two, token); status != want {
				h.Errorf("with a data endpoint, call %d: %d", i, status)
			}
		}
		if n := h.refusals(); n != 4 {
			h.Errorf("%d refusals in the log", n)
		}
	})
}

// Of parallel validations of one token one wins.
func TestRace(t *testing.T) {
	each(t, func(h *house) {
		c := h.add("erp", nil)
		token := h.token(c)
		got := make(chan int, 12)
		for range cap(got) {
			go func() {
				status, _ := h.validate(c, token)
				got <- status
			}()
		}
		count := map[int]int{}
		for range cap(got) {
			count[<-got]++
		}
		if count[200] != 1 || count[401] != 11 {
			h.Errorf("%v; %v", count, h.faults)
		}
	})
}

// The token is part of Odoo's session: it stays the same for all devices of a
// person until their epoch rises, or changes every time if so configured.
func TestStableToken(t *testing.T) {
	each(t, func(h *house) {
		multi, other := h.add("erp", nil), h.add("other", nil)
		single := h.add("single", func(in *oidc.Input) { in.Sessions = oidc.SessionsSingle })
		first := h.token(multi)
		h.validate(multi, first)
		if again := h.token(multi); again != first {
			h.Error("a second device gets another token")
		} else if status, _ := h.validate(multi, again); status != 200 {
			h.Error("the second authorization does not arm the token")
		}
		if h.token(other) == first {
			h.Error("two clients share a token")
		}
		a := h.token(single)
		b := h.token(single)
		if a == b {
			h.Error("the same token twice")
		}
		if status, _ := h.validate(single, a); status != 401 {
			h.Error("an earlier token survives the next")
		}
		if status, _ := h.validate(single, b); status != 200 {
			h.Error("the latest token is refused")
		}
		// An epoch ends what is out and makes another token.
		armed := h.token(multi)
		h.must(h.db.Users.RaiseEpoch(h.Context(), "u-ada"))
		if status, _ := h.validate(multi, armed); status != 401 {
			h.Error("a token of the last epoch signs in")
		}
		next := h.token(multi)
		if next == first {
			h.Error("the epoch changes nothing")
		}
		h.must(h.db.Users.SetDisabled(h.Context(), "u-ada", true))
		if status, _ := h.validate(multi, next); status != 401 { // D-13
			h.Error("a disabled person signs in")
		}
	})
}

// A wrong address says nothing, and uses nothing up.
func TestAddress(t *testing.T) {
	each(t, func(h *house) {
		c, other := h.add("erp", nil), h.add("other", nil)
		web, err := oidc.NewClient(oidc.Input{ID: "web", Type: oidc.Web, RedirectURIs: []string{"https://a.example/"}}, h.now())
		h.must(err)
		h.must(h.db.Clients.Add(h.Context(), web.Client))
		token := h.token(c)
		wrong, nobody, foreign, empty := c, c, c, web.Client
		wrong.ValidationSecret = strings.Repeat("A", 43)
		nobody.ID = "nobody"
		foreign.ValidationSecret = other.ValidationSecret
		var answers []string
		for _, c := range []oidc.Client{wrong, nobody, foreign} {
			resp, body := h.get(h.url + odoo.ValidationPath(c) + "?access_token=" + token)
			h.object(resp, body)
			answers = append(answers, resp.Status+resp.Header.Get("WWW-Authenticate")+body)
		}
		if answers[0] != answers[1] || answers[1] != answers[2] || !strings.HasPrefix(answers[0], "401") {
			h.Errorf("%q", answers)
		}
		// A client without a secret has no address at all. (A router would
		// have mended this one.)
		w := httptest.NewRecorder()
		h.service.Validate(w, httptest.NewRequestWithContext(h.Context(), "GET", "/odoo/"+string(empty.ID)+"//userinfo?access_token="+token, nil))
		if w.Code != 401 {
			h.Errorf("an empty secret: %d", w.Code)
		}
		if h.refusals() != 0 {
			h.Error("strangers fill the log") // C-12
		}
		// In the header, as the system parameter auth_oauth.authorization_header wants it.
		resp, body := h.get(h.url+odoo.ValidationPath(c), "Authorization", "Bearer "+token)
		if m := h.object(resp, body); m["sub"] != "u-ada" {
			h.Errorf("%v", m)
		}
		for _, form := range []string{"access_token=" + h.token(c), ""} {
			resp, err := http.Post(h.url+odoo.ValidationPath(c), "application/x-www-form-urlencoded", strings.NewReader(form))
			h.must(err)
			resp.Body.Close()
			if (resp.StatusCode == 200) != (form != "") {
				h.Errorf("POST %q: %d", form, resp.StatusCode)
			}
		}
	})
}

// Odoo's people cannot read an error that goes back to Odoo: they see ours.
func TestErrorsStay(t *testing.T) {
	each(t, func(h *house) {
		h.must(h.db.Groups.Put(h.Context(), "staff"))
		c := h.add("erp", func(in *oidc.Input) { in.Groups = []string{"staff"} })
		resp, body := h.get(h.link(c, "openid"))
		if resp.StatusCode != 403 || body != "page:denied" {
			h.Errorf("%d %s", resp.StatusCode, body)
		}
		open := h.add("open", nil)
		for _, more := range []string{"&response_mode=form_post", "&response_mode=query"} { // P-08
			if resp, body := h.get(h.link(open, "openid") + more); resp.StatusCode != 400 || body != "page:malformed" {
				h.Errorf("%s: %d %s", more, resp.StatusCode, body)
			}
		}
	})
}

// The same client takes code + PKCE, for OCA's auth_oidc and the Odoo to come.
func TestCode(t *testing.T) {
	each(t, func(h *house) {
		k, err := oidcKey()
		h.must(err)
		h.must(h.db.Keys.Add(h.Context(), k))
		c := h.add("erp", func(in *oidc.Input) { in.IDTokenAlg = "ES256" })
		link := strings.Replace(h.link(c, "openid profile email"), "response_type=token", "response_type=code", 1)
		if resp, _ := h.get(link); !strings.Contains(resp.Header.Get("Location"), "error=invalid_request") {
			h.Errorf("without PKCE: %v", resp.Header)
		}
		h.prepared = nil
		resp, _ := h.get(link + "&nonce=n&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") // RFC 7636, appendix B
		to, err := url.Parse(resp.Header.Get("Location"))
		h.must(err)
		if !slices.Equal(h.prepared, []string{"erp ada"}) { // who is not linked yet is linked now
			h.Errorf("prepared: %v", h.prepared)
		}
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {signin("erp")}, "client_id": {"erp"},
			"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
		}
		got, err := http.PostForm(h.url+oidc.PathToken, form)
		h.must(err)
		defer got.Body.Close()
		var m map[string]string
		if err := json.NewDecoder(got.Body).Decode(&m); m["id_token"] == "" {
			h.Fatalf("%d %v %v; %v", got.StatusCode, m, err, h.faults)
		}
		// auth_oidc never asks userinfo: the ID token has everything.
		claims := payload(h, m["id_token"])
		if claims["email"] != "ada@example.org" || claims["name"] != "Ada Lovelace" || claims["preferred_username"] != "ada" {
			h.Errorf("%v", claims)
		}
	})
}

// ODOO.md §2: only a verified e-mail, in lower case, and never an empty name.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		u           idp.User
		name, email any
	}{
		{idp.User{ID: "u", Name: " Ada ", Login: "ada", Email: "Ada@Example.org ", EmailVerified: true}, "Ada", "ada@example.org"},
		{idp.User{ID: "u", Login: "ada", Email: "ada@example.org"}, "ada@example.org", nil},
		{idp.User{ID: "u", Login: "ada", EmailVerified: true}, "ada", nil},
		{idp.User{ID: "u"}, "u", nil},
	} {
		m := odoo.Claims(c.u)
		if m["name"] != c.name || m["email"] != c.email || m["email_verified"] != (c.email != nil) || m["sub"] != "u" {
			t.Errorf("%+v: %v", c.u, m)
		}
	}
}

// A store that does not answer is no wrong token: Odoo's administrator must
// not look for the fault in the wrong place.
func TestStoreDown(t *testing.T) {
	each(t, func(h *house) {
		c := h.add("erp", nil)
		s := &odoo.Service{
			Tokens: down{}, Clients: h.db.Clients, Now: h.now,
			Fault: func(_ *http.Request, err error) { h.faults = append(h.faults, err) },
		}
		w := httptest.NewRecorder()
		s.Validate(w, httptest.NewRequestWithContext(h.Context(), "GET", odoo.ValidationPath(c)+"?access_token=x", nil))
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || len(h.faults) != 1 || strings.Contains(w.Body.String(), errDown.Error()) {
			h.Errorf("%d %s %v", w.Code, w.Body, h.faults)
		}
	})
}

var errDown = errors.New("the store is down")

type down struct{ odoo.Tokens }

func (down) Fire(context.Context, string, oidc.ClientID) (oidc.Grant, error) {
	return oidc.Grant{}, errDown
}
