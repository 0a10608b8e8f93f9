package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What no honest client sends gets a 4xx with a page or an RFC error, never a
// 5xx and never silence: C-11, P-14, A-03.
func TestBadInput(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.odooClient("odoo")
	w.user("ada@example.org")
	form := "application/x-www-form-urlencoded"
	big := strings.Repeat("x", 1<<20)
	login := w.person().open(w.odooLink("odoo"))
	action, fields := login.form("form#login")
	for _, test := range []struct{ name, method, path, kind, body string }{
		{"oversized token request", "POST", "/oauth2/token", form, "grant_type=authorization_code&code=" + big},
		{"oversized login", "POST", action, form, "login=" + big},
		{"oversized authorize", "POST", "/oauth2/authorize", form, "state=" + big},
		{"broken UTF-8 in the query", "GET", "/oauth2/authorize?client_id=%ff%fe&response_type=code", "", ""},
		{"broken UTF-8 in the form", "POST", action, form, "login=%ff&password=%fe"},
		{"broken escape", "GET", "/oauth2/authorize?client_id=%zz", "", ""},
		{"NUL bytes", "POST", action, form, "login=a%00b&password=%00"},
		{"unknown client", "GET", "/oauth2/authorize?client_id=nobody&response_type=code&redirect_uri=https://x.example/", "", ""},
		{"unknown client at the token endpoint", "POST", "/oauth2/token", form, "grant_type=authorization_code&client_id=nobody&code=x"},
		{"repeated client_id", "GET", "/oauth2/authorize?client_id=odoo&client_id=odoo", "", ""},
		{"repeated grant_type", "POST", "/oauth2/token", form, "grant_type=authorization_code&grant_type=refresh_token"},
		{"no grant type", "POST", "/oauth2/token", form, ""},
		{"JSON to the token endpoint", "POST", "/oauth2/token", "application/json", `{"grant_type":"x"}`},
		{"multipart", "POST", "/oauth2/token", "multipart/form-data; boundary=x", "--x\r\n\r\n"},
		{"GET token", "GET", "/oauth2/token", "", ""},
		{"DELETE login", "DELETE", "/login", "", ""},
		{"PUT authorize", "PUT", "/oauth2/authorize", form, "a=b"},
		{"a ticket that is none", "GET", "/login?flow=s.AAAA", "", ""},
		{"a ticket of nobody", "GET", "/login/factor?flow=NOBODY", "", ""},
		{"a long ticket", "GET", "/login?flow=" + strings.Repeat("A", 20000), "", ""},
		{"a factor without a flow", "POST", "/login/factor", form, "code=123456"},
		{"a long code", "POST", "/login/factor?flow=x", form, "code=" + strings.Repeat("1", 5000)},
		{"userinfo without a token", "GET", "/oauth2/userinfo", "", ""},
		{"introspection by nobody", "POST", "/oauth2/introspect", form, "token=x"},
		{"a push by nobody", "POST", "/oauth2/par", form, "client_id=nobody"},
		{"a request of nowhere", "GET", "/oauth2/authorize?client_id=odoo&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax", "", ""},
		{"a request object that is none", "GET", "/oauth2/authorize?client_id=odoo&request=x.y.z", "", ""},
		{"revocation by nobody", "POST", "/oauth2/revoke", form, "token=x"},
		{"validation of an unknown client", "GET", "/odoo/nobody/secret/userinfo?access_token=x", "", ""},
		{"validation with a wrong secret", "GET", "/odoo/odoo/secret/userinfo?access_token=x", "", ""},
		{"claims that are no JSON", "GET", "/oauth2/authorize?client_id=odoo&response_type=token&redirect_uri=" + url.QueryEscape(shopCallback) + "&claims=%7B", "", ""},
		{"no such page", "GET", "/nothing/here", "", ""},
		{"consent from nowhere", "POST", "/oauth2/consent", form, "decision=allow"},
		{"a device of nobody", "POST", "/oauth2/device_authorization", form, "client_id=nobody"},
		{"a code from nowhere", "POST", "/device", form, "user_code=BBBB-BBBB"},
		{"a long code in the address", "GET", "/device?user_code=" + strings.Repeat("B", 20000) + "&x=%ff", "", ""},
		{"a device let in from nowhere", "POST", "/device/confirm", form, "user_code=BBBB-BBBB&decision=allow"},
		{"a login without its token", "POST", action, form, url.Values{"flow": {fields.Get("flow")}, "login": {"ada@example.org"}, "password": {"x"}}.Encode()},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := test.path
			if strings.HasPrefix(address, "/") {
				address = w.url + address
			}
			r, err := http.NewRequest(test.method, address, strings.NewReader(test.body))
			if err != nil {
				t.Skip(err) // this client cannot even say it
			}
			if test.kind != "" {
				r.Header.Set("Content-Type", test.kind)
			}
			client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			refusedByRedirect := resp.StatusCode == http.StatusSeeOther && strings.Contains(resp.Header.Get("Location"), "error=")
			if (resp.StatusCode < 400 || resp.StatusCode >= 500) && !refusedByRedirect {
				t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("Location"), body)
			}
			if !refusedByRedirect && len(bytes.TrimSpace(body)) == 0 {
				t.Errorf("%d without a word", resp.StatusCode)
			}
			for _, leak := range []string{"goroutine", ".go:", "SELECT", "sqlite", "panic"} {
				if bytes.Contains(body, []byte(leak)) {
					t.Errorf("the answer shows %q (C-09)", leak)
				}
			}
		})
	}
}
