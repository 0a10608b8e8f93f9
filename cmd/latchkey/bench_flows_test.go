package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"latchkey/idp/odoo"
)

var odooQuery = url.Values{
	"response_type": {"token"}, "client_id": {"odoo"}, "redirect_uri": {shopCallback}, "scope": {"openid profile email"}, "state": {odooState},
}

func (p *plant) odoo(c *http.Client, _ int) error {
	_, at, err := p.go2(c, p.url+"/oauth2/authorize?"+odooQuery.Encode(), nil)
	if err != nil {
		return err
	}
	_, fragment, _ := strings.Cut(at, "#")
	answer, err := url.ParseQuery(fragment)
	if err != nil {
		return err
	}
	_, _, err = p.go2(c, p.url+odoo.ValidationPath(p.shop.Client)+"?"+url.Values{"access_token": {answer.Get("access_token")}}.Encode(), nil)
	return err
}

// tokens runs the code flow up to the token endpoint.
func (p *plant) tokens(c *http.Client, scope string) (map[string]any, error) {
	verifier := strings.Repeat("v", 43)
	_, at, err := p.go2(c, p.url+"/oauth2/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {"https://app.example.org/cb"}, "scope": {scope},
		"state": {"12345678"}, "nonce": {"n"}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	return p.token(c, url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "redirect_uri": {"https://app.example.org/cb"}, "code_verifier": {verifier},
	})
}

func (p *plant) token(c *http.Client, form url.Values) (map[string]any, error) {
	r, err := http.NewRequest(http.MethodPost, p.url+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("web", p.web.Secret)
	return ask(c, r)
}

func (p *plant) info(c *http.Client, access string) error {
	r, err := http.NewRequest(http.MethodGet, p.url+"/oauth2/userinfo", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+access)
	_, err = ask(c, r)
	return err
}

func ask(c *http.Client, r *http.Request) (map[string]any, error) {
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %v %v", r.URL.Path, resp.StatusCode, out, err)
	}
	return out, nil
}
