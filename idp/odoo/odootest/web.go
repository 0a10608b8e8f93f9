package odootest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"time"
)

// session is somebody who is signed in.
type session struct {
	user  int64
	proof [32]byte
}

// Open signs a user in, as with a local password.
func (f *Odoo) Open(user int64) (id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open(user)
}

func (f *Odoo) open(user int64) string {
	id := rand.Text()
	f.sessions[id] = session{user, f.proof(user)}
	return id
}

// proof is what Odoo makes a session depend on: password, token and whether
// the user is active (ODOO.md §2).
func (f *Odoo) proof(user int64) [32]byte {
	r := f.models["res.users"].rows[user]
	return sha256.Sum256(fmt.Append(nil, r["id"], "|", r["login"], "|", r["password"], "|", r["active"], "|", r["oauth_access_token"]))
}

// Who is the login of a session; "": it is at an end.
func (f *Odoo) Who(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.sessions[id]
	if !ok || s.proof != f.proof(s.user) || f.models["res.users"].rows[s.user]["active"] != true {
		return ""
	}
	return fmt.Sprint(f.models["res.users"].rows[s.user]["login"])
}

// front is what this Odoo believes its address to be.
func (f *Odoo) front(r *http.Request) string {
	if f.Front != "" {
		return f.Front
	}
	return "http://" + r.Host
}

// loginPage shows a link for each provider that is switched on (ODOO.md §1.1).
func (f *Odoo) loginPage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!DOCTYPE html><html lang=\"en-US\"><body><form class=\"oe_login_form\"></form>\n")
	m := f.models["auth.oauth.provider"]
	for _, id := range m.ids() {
		p := m.rows[id]
		if p["enabled"] != true {
			continue
		}
		state, err := json.Marshal(map[string]any{"d": f.Database, "p": id, "r": url.QueryEscape(f.front(r) + "/web")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		q := url.Values{
			"response_type": {asks(p)}, "client_id": {fmt.Sprint(p["client_id"])}, "redirect_uri": {f.front(r) + "/auth_oauth/signin"},
			"scope": {fmt.Sprint(p["scope"])}, "state": {string(state)},
		}
		fmt.Fprintf(w, "<a class=\"list-group-item\" href=\"%s\">%s</a>\n", html.EscapeString(fmt.Sprintf("%s?%s", p["auth_endpoint"], q.Encode())), html.EscapeString(fmt.Sprint(p["body"])))
	}
	fmt.Fprint(w, "</body></html>")
}

// asks is the response_type of a row: OCA's auth_oidc gives it a field "flow"
// (ODOO.md §4).
func asks(p Record) string {
	switch p["flow"] {
	case "id_token_code":
		return "code"
	case "id_token":
		return "id_token token"
	}
	return "token"
}

// signin is the server's side of a sign-in (ODOO.md §1.3 to §1.7).
func (f *Odoo) signin(w http.ResponseWriter, r *http.Request) {
	fail := func(n int) { http.Redirect(w, r, fmt.Sprintf("/web/login?oauth_error=%d", n), http.StatusSeeOther) }
	var state struct {
		D string
		P int64
	}
	token := r.URL.Query().Get("access_token")
	if json.Unmarshal([]byte(r.URL.Query().Get("state")), &state) != nil || state.D != f.Database {
		http.Error(w, "bad state", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	p, ok := f.models["auth.oauth.provider"].rows[state.P]
	at, header := fmt.Sprint(p["validation_endpoint"]), f.params["auth_oauth.authorization_header"] != ""
	f.mu.Unlock()
	if !ok || asks(p) != "token" { // auth_oidc wants a code, or an ID token
		fail(2)
		return
	}
	said, err := validate(at, token, header)
	if err != nil || said["error"] != nil {
		fail(2)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, u := range f.models["res.users"].rows {
		if u["active"] == true && same(u["oauth_uid"], said["sub"]) && same(u["oauth_provider_id"], state.P) {
			u["oauth_access_token"] = token
			http.SetCookie(w, &http.Cookie{Name: "session_id", Value: f.open(id), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // plain http on the own machine
			http.Redirect(w, r, "/web", http.StatusSeeOther)
			return
		}
	}
	fail(3)
}

func validate(at, token string, header bool) (map[string]any, error) {
	r, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	if header {
		r.Header.Set("Authorization", "Bearer "+token)
	} else {
		r.URL.RawQuery = url.Values{"access_token": {token}}.Encode()
	}
	c := http.Client{Timeout: 10 * time.Second}
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return map[string]any{"error": "invalid_request"}, nil
	}
	var said map[string]any
	return said, json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&said)
}
