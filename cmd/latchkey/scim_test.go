package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/idp"
)

const scimUsers, scimGroups = "/scim/v2/Users", "/scim/v2/Groups"

func (w *world) feed(secret, method, target string, body any, head ...string) reply {
	w.t.Helper()
	return w.send(secret, method, target, body, append([]string{"Content-Type", "application/scim+json"}, head...)...)
}

// entra is a person as Entra ID sends them.
func entra(login string) m {
	return m{
		"schemas":    []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
		"externalId": "ext-" + login, "userName": login, "active": true, "displayName": "Ada Lovelace", "title": "Countess", "preferredLanguage": "fr-FR",
		"emails": []m{{"primary": true, "type": "work", "value": strings.ToUpper(login)}},
		"name":   m{"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"}, "phoneNumbers": []m{{"type": "mobile", "value": "06 12 34 56 78"}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": m{"department": "R&D"},
	}
}

// RFC 7643, RFC 7644: the life of a person as a feeding system leads it.
func TestSCIMPeople(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.staff("owner@example.org", idp.Owner)
		token := w.machine("people:write")
		made := w.feed(token, http.MethodPost, scimUsers, entra("ada@example.org")).want(http.StatusCreated)
		id := made.at("id")
		at := scimUsers + "/" + id
		if made.header.Get("Location") != w.url+at || made.header.Get("ETag") != made.at("meta", "version") || made.at("emails", 0, "value") != "ada@example.org" || made.at("phoneNumbers", 0, "value") != "+33612345678" {
			t.Errorf("%v %s", made.header, made.body)
		}
		if u, err := w.people.accounts.Find(t.Context(), id); err != nil || !u.EmailVerified || u.PhoneVerified || u.Locale != "fr-FR" || u.Role != "" {
			t.Errorf("%+v, %v", u, err)
		}
		if a := w.feed(token, http.MethodPost, scimUsers, entra("ADA@example.org")).want(http.StatusConflict); a.at("scimType") != "uniqueness" {
			t.Errorf("%s", a.body)
		}
		// Two ways in which Entra ID and Okta say the same.
		for _, ops := range []any{
			[]m{{"op": "Replace", "path": "active", "value": "False"}}, []m{{"op": "replace", "value": m{"active": true}}},
			[]m{{"op": "Replace", "path": `emails[type eq "work"].value`, "value": "ada2@example.org"}, {"op": "Add", "path": "name.givenName", "value": "Augusta"},
				{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "X"}},
			[]m{{"op": "replace", "value": m{"name.familyName": "King", "displayName": "Augusta King", "id": "ignored"}}},
		} {
			w.feed(token, http.MethodPatch, at, m{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}).want(http.StatusOK)
		}
		got := w.feed(token, http.MethodGet, at, nil).want(http.StatusOK)
		if got.at("active") != "true" || got.at("emails", 0, "value") != "ada2@example.org" || got.at("name", "givenName") != "Augusta" || got.at("name", "familyName") != "King" || got.at("displayName") != "Augusta King" {
			t.Errorf("%s", got.body)
		}
		w.feed(token, http.MethodGet, at, nil, "If-None-Match", got.header.Get("ETag")).want(http.StatusNotModified)
		w.feed(token, http.MethodPut, at, entra("ada@example.org"), "If-Match", `W/"old"`).want(http.StatusPreconditionFailed)
		put := w.feed(token, http.MethodPut, at, m{"userName": "ada@example.org", "displayName": "Ada"}, "If-Match", got.header.Get("ETag")).want(http.StatusOK)
		if put.at("emails") != "null" || put.at("externalId") != "null" || put.at("active") != "true" {
			t.Errorf("%s", put.body)
		}
		for name, bad := range map[string]struct {
			body any
			kind string
		}{
			"path": {m{"Operations": []m{{"op": "add", "path": "a b[", "value": 1}}}, "invalidPath"}, "op": {m{"Operations": []m{{"op": "jump"}}}, "invalidSyntax"},
			"target": {m{"Operations": []m{{"op": "remove"}}}, "noTarget"}, "id": {m{"Operations": []m{{"op": "replace", "path": "id", "value": "x"}}}, "mutability"},
			"value": {m{"Operations": []m{{"op": "replace", "path": "active", "value": "maybe"}}}, "invalidValue"}, "json": {[]byte(`[1]`), "invalidSyntax"},
		} {
			if a := w.feed(token, http.MethodPatch, at, bad.body).want(http.StatusBadRequest); a.at("scimType") != bad.kind || a.header.Get("Content-Type") != "application/scim+json" {
				t.Errorf("%s: %s", name, a.body)
			}
		}
		// Leaving something out lets nobody in, and makes nobody an employee.
		w.feed(token, http.MethodPatch, at, m{"Operations": []m{{"op": "replace", "value": m{"active": false, "userType": "portal"}}}}).want(http.StatusOK)
		for _, keep := range []reply{
			w.feed(token, http.MethodPut, at, m{"userName": "ada@example.org"}), w.feed(token, http.MethodPatch, at, m{"Operations": []m{{"op": "remove", "path": "active"}}}),
		} {
			if keep.want(http.StatusOK); keep.at("active") != "false" || keep.at("userType") != "portal" {
				t.Errorf("%s", keep.body)
			}
		}
		w.feed(token, http.MethodPatch, at, m{"Operations": []m{{"op": "replace", "path": "active", "value": true}}}).want(http.StatusOK)
		// Who is deleted there is locked out and unseen, and comes back as the same person.
		w.feed(token, http.MethodDelete, at, nil).want(http.StatusNoContent)
		w.feed(token, http.MethodGet, at, nil).want(http.StatusNotFound)
		w.feed(token, http.MethodDelete, at, nil).want(http.StatusNotFound)
		if u, err := w.people.accounts.Find(t.Context(), id); err != nil || !u.Disabled {
			t.Errorf("%+v, %v", u, err)
		}
		if back := w.feed(token, http.MethodPost, scimUsers, entra("ada@example.org")).want(http.StatusCreated); back.at("id") != id || back.at("active") != "true" || back.at("externalId") != "ext-ada@example.org" {
			t.Errorf("%s", back.body)
		}
	})
}

// What other systems ask for is found, page by page.
func TestSCIMFilter(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.staff("owner@example.org", idp.Owner)
		token := w.machine("people:write")
		for _, login := range []string{"ada@example.org", "bob@example.org", "çelik@example.org"} {
			w.feed(token, http.MethodPost, scimUsers, entra(login)).want(http.StatusCreated)
		}
		w.feed(token, http.MethodPost, scimUsers, m{"userName": "off", "active": false}).want(http.StatusCreated)
		for f, n := range map[string]string{
			"": "5", `userName eq "ADA@example.org"`: "1", `externalId eq "ext-bob@example.org"`: "1", `externalId eq "EXT-bob@example.org"`: "0",
			`emails[type eq "work"].value eq "bob@example.org"`: "1", `emails[type eq "work" and value sw "bob"]`: "1", `emails.value co "example"`: "4", `userName sw "a"`: "1", `active eq false`: "1", `active eq "False"`: "1",
			`userName sw "a" or userName sw "b"`: "2", `not (active eq true)`: "1", `userName co "%"`: "0", `(userName eq "off" and active eq true) or userName eq "bob@example.org"`: "1",
			`meta.lastModified gt "2100-01-01T00:00:00Z"`: "0", `externalId pr`: "3",
		} {
			a := w.feed(token, http.MethodGet, scimUsers+"?count=2&filter="+url.QueryEscape(f), nil)
			if a.status != http.StatusOK || a.at("totalResults") != n {
				t.Errorf("%s: not %s: %s", f, n, a.body)
			}
		}
		for _, f := range []string{`nonsense eq "x"`, `userName eq`, `userName gt "x"`, strings.Repeat("(", 1000), `active eq 3`} {
			if a := w.feed(token, http.MethodGet, scimUsers+"?filter="+url.QueryEscape(f), nil).want(http.StatusBadRequest); a.at("scimType") != "invalidFilter" {
				t.Errorf("%s: %s", f, a.body)
			}
		}
		seen := map[string]bool{}
		for _, start := range []string{"1", "3", "5"} {
			a := w.feed(token, http.MethodGet, scimUsers+"?count=2&startIndex="+start+"&attributes=userName", nil).want(http.StatusOK)
			for i := range 2 {
				if start == "5" && i == 1 {
					break
				}
				seen[a.at("Resources", i, "userName")] = true
				if a.at("Resources", i, "emails") != "null" {
					t.Errorf("%s", a.body)
				}
			}
		}
		if len(seen) != 5 {
			t.Errorf("%v", seen)
		}
		if a := w.feed(token, http.MethodPost, scimUsers+"/.search", m{"filter": `userName eq "off"`, "count": 1}).want(http.StatusOK); a.at("totalResults") != "1" {
			t.Errorf("%s", a.body)
		}
	})
}

// Groups keep their ids when they are renamed, and members come and go in every
// dialect.
func TestSCIMGroups(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.staff("owner@example.org", idp.Owner)
		token := w.machine("people:write")
		var ids []string
		for _, login := range []string{"a@example.org", "b@example.org", "c@example.org"} {
			ids = append(ids, w.feed(token, http.MethodPost, scimUsers, m{"userName": login}).want(http.StatusCreated).at("id"))
		}
		made := w.feed(token, http.MethodPost, scimGroups, m{"displayName": "Staff", "externalId": "g1", "members": []m{{"value": ids[0]}}}).want(http.StatusCreated)
		id := made.at("id")
		at := scimGroups + "/" + id
		w.feed(token, http.MethodPost, scimGroups, m{"displayName": "Staff"}).want(http.StatusConflict)
		w.feed(token, http.MethodPost, scimGroups, m{"displayName": "Other", "members": []m{{"value": "nobody"}}}).want(http.StatusBadRequest)
		members := func(want int) {
			t.Helper()
			g := w.feed(token, http.MethodGet, at, nil).want(http.StatusOK)
			if n := strings.Count(string(g.body), `"value"`); n != want {
				t.Errorf("%d members: %s", n, g.body)
			}
		}
		patch := func(ops ...m) {
			t.Helper()
			w.feed(token, http.MethodPatch, at, m{"Operations": ops}).want(http.StatusOK)
		}
		patch(m{"op": "add", "path": "members", "value": []m{{"value": ids[1]}, {"value": ids[0]}}})
		members(2)
		patch(m{"op": "Add", "value": m{"members": []m{{"value": ids[2]}}}})
		members(3)
		patch(m{"op": "remove", "path": `members[value eq "` + ids[0] + `"]`})
		patch(m{"op": "Remove", "path": "members", "value": []m{{"value": ids[1]}}})
		members(1)
		patch(m{"op": "replace", "value": m{"id": id, "displayName": "Everybody"}})
		got := w.feed(token, http.MethodGet, at+"?excludedAttributes=members", nil).want(http.StatusOK)
		if got.at("displayName") != "Everybody" || got.at("externalId") != "g1" || got.at("members") != "null" {
			t.Errorf("%s", got.body)
		}
		for f, n := range map[string]string{`displayName eq "everybody"`: "1", `displayName eq "Staff"`: "0", `externalId eq "g1"`: "1", `id eq "` + id + `" and members eq "` + ids[2] + `"`: "1", `members.value eq "` + ids[0] + `"`: "0"} {
			if a := w.feed(token, http.MethodGet, scimGroups+"?filter="+url.QueryEscape(f), nil).want(http.StatusOK); a.at("totalResults") != n {
				t.Errorf("%s: %s", f, a.body)
			}
		}
		w.feed(token, http.MethodPut, at, m{"displayName": "Everybody", "members": []m{{"value": ids[0]}, {"value": ids[1]}}}).want(http.StatusOK)
		members(2)
		patch(m{"op": "remove", "path": "members"})
		members(0)
		w.feed(token, http.MethodDelete, at, nil).want(http.StatusNoContent)
		w.feed(token, http.MethodGet, at, nil).want(http.StatusNotFound)
	})
}

// D-01, D-02: looking takes people:read, changing people:write, and nobody above
// is touched.
func TestSCIMRights(t *testing.T) {
	w := newWorld(t, "sqlite")
	owner := w.staff("owner@example.org", idp.Owner)
	reads, writes := w.machine("people:read"), w.apiToken(w.staff("admin@example.org", idp.Admin), idp.EditPeople)
	w.feed("", http.MethodGet, scimUsers, nil).want(http.StatusUnauthorized)
	w.feed("x", http.MethodGet, "/scim/v2/ServiceProviderConfig", nil).want(http.StatusUnauthorized)
	w.feed(w.apiToken(owner, idp.SeeAudit), http.MethodGet, scimUsers, nil).want(http.StatusForbidden)
	at := scimUsers + "/" + string(owner.ID)
	w.feed(reads, http.MethodGet, at, nil).want(http.StatusOK)
	w.feed(reads, http.MethodPost, scimUsers+"/.search", m{}).want(http.StatusOK)
	for method, body := range map[string]any{
		http.MethodPut: m{"userName": "x"}, http.MethodPatch: m{"Operations": []m{{"op": "replace", "path": "active", "value": false}}}, http.MethodDelete: nil,
	} {
		w.feed(reads, method, at, body).want(http.StatusForbidden)
		w.feed(writes, method, at, body).want(http.StatusForbidden)
	}
	w.feed(reads, http.MethodPost, scimUsers, entra("x@example.org")).want(http.StatusForbidden)
	refused := 0 // D-07: each of them leaves a line
	if err := w.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"api.refused"}}, func(e idp.Event) error {
		if e.Result == "denied" && e.Detail["right"] == string(idp.EditPeople) && strings.HasPrefix(e.Detail["operation"], "scim ") {
			refused++
		}
		return nil
	}); err != nil || refused != 4 {
		t.Errorf("%d refusals are in the log, %v", refused, err)
	}
	w.feed(writes, http.MethodPost, scimUsers, entra("x@example.org"), "Content-Type", "text/plain").want(http.StatusUnsupportedMediaType)
	w.feed(writes, http.MethodPost, "/scim/v2/Bulk", m{}).want(http.StatusNotImplemented)
	w.feed(writes, http.MethodPost, "/scim/v2/Schemas", m{}).want(http.StatusMethodNotAllowed)
	for _, path := range []string{"ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User", "Schemas", "Schemas/urn:ietf:params:scim:schemas:core:2.0:Group"} {
		w.feed(reads, http.MethodGet, "/scim/v2/"+path, nil).want(http.StatusOK)
	}
}

// An operator may want people to be removed.
func TestSCIMRemoves(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_ACCOUNTS_SCIM_DELETE=remove")
	token := w.machine("people:write")
	id := w.feed(token, http.MethodPost, scimUsers, m{"userName": "ada"}).want(http.StatusCreated).at("id")
	w.feed(token, http.MethodDelete, scimUsers+"/"+id, nil).want(http.StatusNoContent)
	if _, err := w.people.accounts.Find(t.Context(), id); err == nil {
		t.Error("still there")
	}
}

// Lists of groups have members where they are asked for, somebody who comes back
// stays what they were, and what fails leaves nothing half done.
func TestSCIMWhole(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		owner := w.staff("owner@example.org", idp.Owner)
		token := w.apiToken(w.staff("admin@example.org", idp.Admin), idp.EditPeople)
		made := w.feed(token, http.MethodPost, scimUsers, m{"userName": "p@example.org", "userType": "portal"}).want(http.StatusCreated)
		id := made.at("id")
		g := w.feed(token, http.MethodPost, scimGroups, m{"displayName": "G", "members": []m{{"value": id}, {"value": id}}}).want(http.StatusCreated)
		for query, want := range map[string]bool{"": false, "?attributes=displayName": false, "?attributes=displayName,members": true} {
			if a := w.feed(token, http.MethodGet, scimGroups+query, nil).want(http.StatusOK); strings.Contains(string(a.body), id) != want {
				t.Errorf("%q: %s", query, a.body)
			}
		}
		at := scimGroups + "/" + g.at("id")
		w.feed(token, http.MethodPut, at, m{"displayName": "H", "externalId": "x", "members": []m{{"value": string(owner.ID)}}}).want(http.StatusForbidden)
		w.feed(token, http.MethodPost, scimGroups, m{"displayName": "New", "members": []m{{"value": string(owner.ID)}}}).want(http.StatusForbidden)
		if a := w.feed(token, http.MethodGet, scimGroups+"?attributes=displayName,externalId,members", nil); a.at("totalResults") != "1" || a.at("Resources", 0, "displayName") != "G" || a.at("Resources", 0, "externalId") != "null" || a.at("Resources", 0, "members", 0, "value") != id {
			t.Errorf("%s", a.body)
		}
		if a := w.feed(token, http.MethodPut, at, m{"displayName": "H", "externalId": "x", "members": []m{}}).want(http.StatusOK); a.at("displayName") != "H" || a.at("externalId") != "x" || strings.Contains(string(a.body), id) {
			t.Errorf("%s", a.body)
		}
		w.feed(token, http.MethodPost, scimUsers, m{"userName": "off2", "active": false, "externalId": "e"}).want(http.StatusCreated)
		w.feed(token, http.MethodDelete, scimUsers+"/"+id, nil).want(http.StatusNoContent)
		if back := w.feed(token, http.MethodPost, scimUsers, m{"userName": "p@example.org"}).want(http.StatusCreated); back.at("id") != id || back.at("userType") != "portal" || back.at("active") != "true" {
			t.Errorf("%s", back.body)
		}
	})
}
