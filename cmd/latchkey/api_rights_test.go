package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/api"
)

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// bodies are what operations need to get past their form, by id; others need
// none, or take an empty one.
var bodies = map[string]any{
	"create-user": m{"email": "x"}, "create-group": m{"name": "x"}, "rename-group": m{"name": "y"}, "give-temporary-code": m{"reason": "test"},
	"send-enrol-link": m{"method": "totp"}, "merge-users": m{"gone": "nobody"}, "create-client": m{"type": "web"}, "create-policy": m{"policy": m{}},
	"save-draft": m{"policy": m{}}, "check-policy": m{"policy": m{}}, "roll-policy-back": m{"version": 1}, "exempt-from-policy": m{"who": "x", "until": "2030-01-01"},
	"apply-policies": m{"policies": []m{{}}}, "ask-what-if": m{"who": "x"}, "connect-odoo": m{"url": "x", "login": "x", "key": "x"},
	"replace-settings": m{"assurance": "aal2", "second_approver": false, "sessions": 0, "version": 99}, "create-gateway": m{"name": "x", "type": "x"}, "replace-gateway": m{"name": "x", "type": "x"},
	"rename-factor": m{"label": "x"}, "request-temporary-code": m{"reason": "test"}, "prepare-bulk": m{"act": "unlock"}, "check-import": m{"fields": []string{}},
	"create-company": m{"name": "x"}, "rename-company": m{"name": "x"}, "put-company-member": m{"lead": false}, "replace-message-texts": m{"texts": m{}},
	"replace-registration": m{"open": false, "version": 99}, "test-gateways": m{"to": "x"}, "find-databases": m{"url": "x"},
}

func bodyOf(r api.Route) any {
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return nil
	}
	if b := bodies[r.ID]; b != nil {
		return b
	}
	return m{}
}

// target fills the parameters of an address: id for people, nonsense for the rest.
func target(r api.Route, id string) string {
	return parameter.ReplaceAllStringFunc(r.Path, func(p string) string {
		if p == "{id}" && id != "" {
			return url.PathEscape(id)
		}
		if p == "{version}" {
			return "1"
		}
		return "nonsense"
	})
}

// D-01: each operation asks for its right, of the role and of the token, also of
// those that are added later: they are taken from the table.
func TestEveryOperationAsksForItsRight(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_LIMITS_API_PER_MINUTE=100000")
	for _, role := range idp.Roles() {
		u := w.staff(string(role)+"@example.org", role)
		for _, r := range w.api().Routes() {
			if r.Right == "" {
				continue
			}
			// A token with every right that the role has, and one with all but this.
			var all, but []idp.Right
			for _, right := range idp.Rights() {
				if role.Holds(right) {
					all = append(all, right)
					if right != r.Right && !implies(right, r.Right) {
						but = append(but, right)
					}
				}
			}
			if a := w.send(w.shared(u, all), r.Method, target(r, ""), bodyOf(r)); (a.status == http.StatusForbidden) == role.Holds(r.Right) && !further(r, a) {
				t.Errorf("%s as %s: %d %s", r.ID, role, a.status, a.body)
			}
			if len(but) == 0 {
				continue
			}
			a := w.send(w.shared(u, but), r.Method, target(r, ""), bodyOf(r)).want(http.StatusForbidden)
			if !strings.Contains(a.at("detail"), string(r.Right)) || !strings.Contains(a.header.Get("WWW-Authenticate"), string(r.Right)) {
				t.Errorf("%s: what lacks is not named: %s", r.ID, a.body)
			}
		}
	}
	// A service reaches as far as its scopes, and nobody else by a token of people.
	service := w.machine("people:read")
	for _, r := range w.api().Routes() {
		a := w.send(service, r.Method, target(r, ""), bodyOf(r))
		if allowed := r.Right == "" || r.Right == idp.SeePeople; (a.status == http.StatusForbidden) == allowed && !further(r, a) {
			t.Errorf("%s as a service: %d %s", r.ID, a.status, a.body)
		}
	}
}

// further reports whether an operation asks for another right than the first,
// and names it.
func further(r api.Route, a reply) bool {
	more := map[string][]idp.Right{"ask-what-if": {idp.SeePeople}, "export-users": {idp.SeeAudit, idp.EditPeople}, "make-evidence-report": {idp.SeePeople}}
	return slices.ContainsFunc(more[r.ID], func(right idp.Right) bool { return strings.Contains(string(a.body), string(right)) })
}

func implies(right, other idp.Right) bool {
	return idp.Actor{User: "x", Role: idp.Owner, Scopes: []idp.Right{right}}.May(other) == nil
}

var made = map[string]string{}

// shared makes each token once.
func (w *world) shared(u idp.User, rights []idp.Right) string {
	key := string(u.ID)
	for _, r := range rights {
		key += " " + string(r)
	}
	if made[key] == "" {
		made[key] = w.apiToken(u, rights...)
	}
	return made[key]
}

// machine is a service's access token.
func (w *world) machine(scopes ...string) string {
	w.t.Helper()
	n := w.client(oidc.Input{ID: oidc.ClientID("machine-" + strings.Join(scopes, "-")[:6]), Type: oidc.Service, Name: "Machine", Scopes: scopes})
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {strings.Join(scopes, " ")}}
	r, err := http.NewRequest(http.MethodPost, w.url+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(string(n.Client.ID), n.Secret)
	return w.fetch(r).want(http.StatusOK).at("access_token")
}

// D-02: nobody touches who stands above them, and a token not its owner, by any
// operation that changes a person.
func TestWhoIsTouched(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_LIMITS_API_PER_MINUTE=100000")
	owner, admin := w.staff("owner@example.org", idp.Owner), w.staff("admin@example.org", idp.Admin)
	desk, peer := w.staff("desk@example.org", idp.HelpDesk), w.staff("peer@example.org", idp.Admin)
	plain := w.user("plain@example.org")
	w.must(w.rules.groups().Add(t.Context(), host, "nonsense")) // the one that addresses name
	for _, r := range w.api().Routes() {
		of := strings.HasPrefix(r.Path, api.Prefix+"/users/{id}") || strings.HasSuffix(r.Path, "/people/{id}") || strings.HasSuffix(r.Path, "/members/{id}")
		if !of || r.Right == idp.SeePeople {
			continue
		}
		body := bodyOf(r)
		if r.ID == "update-user" {
			body = m{"name": "changed"}
		}
		if r.ID == "merge-users" {
			body = m{"gone": plain.ID, "dry_run": true}
		}
		for _, c := range []struct {
			who, whom idp.User
			may       bool
		}{{admin, owner, false}, {admin, admin, false}, {owner, owner, false}, {desk, owner, false}, {desk, peer, false}} {
			if !c.who.Role.Holds(r.Right) {
				continue
			}
			a := w.send(w.shared(c.who, rightsOf(c.who.Role)), r.Method, target(r, string(c.whom.ID)), body)
			if a.status != http.StatusForbidden {
				t.Errorf("%s by %s on %s: %d %s", r.ID, c.who.Login, c.whom.Login, a.status, a.body)
			}
		}
	}
	// D-02: nobody gives more than they have.
	token := w.shared(admin, rightsOf(idp.Admin))
	w.send(token, http.MethodPatch, "/api/v1/users/"+string(plain.ID), m{"role": "owner"}).want(http.StatusForbidden)
	w.send(token, http.MethodPost, "/api/v1/users", m{"email": "new@example.org", "role": "owner"}).want(http.StatusForbidden)
	w.send(w.apiToken(admin, idp.EditPeople), http.MethodPatch, "/api/v1/users/"+string(plain.ID), m{"role": "helpdesk"}).want(http.StatusForbidden)
	w.send(token, http.MethodPatch, "/api/v1/users/"+string(plain.ID), m{"role": "helpdesk"}).want(http.StatusOK)
	// A token makes no other credentials for the API.
	w.send(token, http.MethodPost, "/api/v1/clients", m{"type": "service", "client_id": "spy", "scopes": []string{"people:read"}}).want(http.StatusForbidden)
	n := w.client(oidc.Input{ID: "feed", Type: oidc.Service, Scopes: []string{"people:write"}})
	w.send(token, http.MethodPost, "/api/v1/clients/"+string(n.Client.ID)+"/rotate", m{}).want(http.StatusForbidden)
	w.send(token, http.MethodPatch, "/api/v1/clients/"+string(n.Client.ID), m{"token_endpoint_auth_method": "client_secret_post"}).want(http.StatusForbidden)
	w.send(token, http.MethodPost, "/api/v1/clients", m{"type": "web", "redirect_uris": []string{"https://x.example.org/"}, "scopes": []string{"people:read"}}).want(http.StatusUnprocessableEntity)
}

func rightsOf(role idp.Role) (out []idp.Right) {
	for _, r := range idp.Rights() {
		if role.Holds(r) {
			out = append(out, r)
		}
	}
	return out
}
