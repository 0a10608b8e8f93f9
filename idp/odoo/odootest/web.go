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

// site is what people see of Odoo with a browser.
type site struct {
	*Options
	db       *records
	sessions map[string]session // of cookies; the mutex of the records guards it
}

func (s *site) open(user int64) string {
	id := rand.Text()
	s.sessions[id] = session{user, s.proof(user)}
	return id
}

// proof is what Odoo makes a session depend on: password, token and whether
// the user is active (ODOO.md §2).
func (s *site) proof(user int64) [32]byte {
	r := s.db.models["res.users"].rows[user]
	return sha256.Sum256(fmt.Append(nil, r["id"], "|", r["login"], "|", r["password"], "|", r["active"], "|", r["oauth_access_token"]))
}

func (s *site) who(id string) string {
	at, ok := s.sessions[id]
	user := s.db.models["res.users"].rows[at.user]
	if !ok || at.proof != s.proof(at.user) || user["active"] != true {
		return ""
	}
	return fmt.Sprint(user["login"])
}

// front is what this Odoo believes its address to be.
func (s *site) front(r *http.Request) string {
	if s.Front != "" {
		return s.Front
	}
	return "http://" + r.Host
}

// loginPage shows a link for each provider that is switched on (ODOO.md §1.1).
func (s *site) loginPage(w http.ResponseWriter, r *http.Request) {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!DOCTYPE html><html lang=\"en-US\"><body><form class=\"oe_login_form\"></form>\n")
	m := s.db.models["auth.oauth.provider"]
	for _, id := range m.ids() {
		p := m.rows[id]
		if p["enabled"] != true {
			continue
		}
		state, err := json.Marshal(map[string]any{"d": s.Database, "p": id, "r": url.QueryEscape(s.front(r) + "/web")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		q := url.Values{
			"response_type": {asks(p)}, "client_id": {fmt.Sprint(p["client_id"])}, "redirect_uri": {s.front(r) + "/auth_oauth/signin"},
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
func (s *site) signin(w http.ResponseWriter, r *http.Request) {
	fail := func(n int) { http.Redirect(w, r, fmt.Sprintf("/web/login?oauth_error=%d", n), http.StatusSeeOther) }
	var state struct {
		D string
		P int64
	}
	token := r.URL.Query().Get("access_token")
	if json.Unmarshal([]byte(r.URL.Query().Get("state")), &state) != nil || state.D != s.Database {
		http.Error(w, "bad state", http.StatusBadRequest)
		return
	}
	s.db.mu.Lock()
	p, ok := s.db.models["auth.oauth.provider"].rows[state.P]
	at, header := fmt.Sprint(p["validation_endpoint"]), s.db.params["auth_oauth.authorization_header"] != ""
	s.db.mu.Unlock()
	if !ok || asks(p) != "token" { // auth_oidc wants a code, or an ID token
		fail(2)
		return
	}
	said, err := validate(at, token, header)
	if err != nil || said["error"] != nil {
		fail(2)
		return
	}
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	for id, u := range s.db.models["res.users"].rows {
		if u["active"] == true && same(u["oauth_uid"], said["sub"]) && same(u["oauth_provider_id"], state.P) {
			u["oauth_access_token"] = token
			http.SetCookie(w, &http.Cookie{Name: "session_id", Value: s.open(id), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // plain http on the own machine
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
