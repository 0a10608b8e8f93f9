package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// post sends a form as the client and returns the status and the JSON answer.
func (w *world) post(path string, c oidc.Registered, form url.Values) (int, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(string(c.Client.ID), c.Secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %d: %v", path, resp.StatusCode, err)
	}
	return resp.StatusCode, out
}

// token exchanges something that must succeed.
func (w *world) token(c oidc.Registered, form url.Values) map[string]any {
	w.t.Helper()
	status, out := w.post("/oauth2/token", c, form)
	if status != http.StatusOK {
		w.t.Fatalf("token: %d %v", status, out)
	}
	return out
}

func (w *world) userinfo(access string) (int, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.url+"/oauth2/userinfo", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, out
}

// runners is how many do the same at once.
const runners = 20

// race runs f twenty times at once and counts how often it says yes.
func race(f func() bool) int {
	var start, end sync.WaitGroup
	won := make(chan bool, runners)
	start.Add(1)
	for range runners {
		end.Add(1)
		go func() {
			defer end.Done()
			start.Wait()
			won <- f()
		}()
	}
	start.Done()
	end.Wait()
	close(won)
	n := 0
	for yes := range won {
		if yes {
			n++
		}
	}
	return n
}

// Of twenty at once, one wins: codes, refresh tokens, steps of an app, backup
// codes and Odoo's validation, through the front door.
// P-04, P-09, T-01, T-09, P-08.
func TestRaces(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.user("ada@example.org", withApp)
		shop := w.odooClient("odoo")
		web := w.client(oidc.Input{
			ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{"https://app.example.org/cb"}, Trusted: true, IDTokenAlg: "ES256",
			GrantTypes: []string{"authorization_code", "refresh_token"},
		})
		p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
		ask := func(scope string) string {
			return p.open("/oauth2/authorize?" + url.Values{
				"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {"https://app.example.org/cb"}, "scope": {scope}, "state": {"12345678"},
			}.Encode()).answer().Get("code")
		}
		redeem := func(form url.Values) func() bool {
			return func() bool {
				status, out := w.post("/oauth2/token", web, form)
				if status != http.StatusOK && out["error"] != "invalid_grant" {
					t.Errorf("a loser got %d %v", status, out)
				}
				return status == http.StatusOK
			}
		}
		code := url.Values{"grant_type": {"authorization_code"}, "code": {ask("openid")}, "redirect_uri": {"https://app.example.org/cb"}}
		if n := race(redeem(code)); n != 1 {
			t.Errorf("code: %d winners", n)
		}
		first := w.token(web, url.Values{"grant_type": {"authorization_code"}, "code": {ask("openid offline_access")}, "redirect_uri": {"https://app.example.org/cb"}})
		refresh, _ := first["refresh_token"].(string)
		if n := race(redeem(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})); n != 1 {
			t.Errorf("refresh token: %d winners", n)
		}
		token := p.open(w.odooLink("odoo")).answer().Get("access_token")
		if n := race(func() bool {
			s, _ := validate(t, w.url+odoo.ValidationPath(shop.Client), token)
			return s == http.StatusOK
		}); n != 1 {
			t.Errorf("Odoo's validation: %d winners", n)
		}
		w.raceFactor(t)
	})
}

// raceFactor lets twenty browsers use one code of the app at once, and then one
// backup code. The account's budget of ten wrong codes may lock some out.
func (w *world) raceFactor(t *testing.T) {
	t.Helper()
	w.later(2 * time.Minute)
	code := w.code(appSecret)
	if n := w.raceCode("ada@example.org", "totp", code); n != 1 {
		t.Errorf("one code of the app: %d winners", n)
	}
	w.demandMFA()
	w.user("bob@example.org")
	p := w.person().open(w.odooLink("odoo")).submit("form#login", "login", "bob@example.org", "password", rightPassword)
	secret := strings.Join(strings.Fields(p.page.Find("code.secret").Text()), "")
	p.follow("a#next")
	backup := strings.TrimSpace(p.page.Find(".codes code").First().Text())
	p.submit("form#codes-kept", "kept", "yes").submit("form#totp-confirm", "code", w.code(secret)).answer()
	if n := w.raceCode("bob@example.org", "backup", backup); n != 1 {
		t.Errorf("one backup code: %d winners", n)
	}
}

func (w *world) raceCode(login, method, code string) int {
	w.t.Helper()
	next := make(chan *person, runners)
	for range cap(next) {
		p := w.person().open(w.odooLink("odoo")).submit("form#login", "login", login, "password", rightPassword).want("form#factor")
		if method == "backup" {
			p.follow("a[data-method=backup]").want("form#factor")
		}
		next <- p
	}
	return race(func() bool {
		p := <-next
		p.submit("form#factor", "code", code)
		return p.at.Host == "shop.example.org"
	})
}
