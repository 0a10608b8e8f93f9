package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/idp"
)

// RFC 7644 §3.11, §3.7, §4: what is not offered says so, and lists that cannot
// be searched do not pretend that all of it was found.
func TestSCIMNotOffered(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.staff("owner@example.org", idp.Owner)
	token := w.machine("people:write")
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		w.feed(token, method, "/scim/v2/Me", nil).want(http.StatusNotImplemented)
	}
	if a := w.feed(token, http.MethodPost, "/scim/v2/Bulk", m{"Operations": []m{}}).want(http.StatusNotImplemented); a.at("status") != "501" || a.header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("%s", a.body)
	}
	for _, path := range []string{"ServiceProviderConfig", "ResourceTypes", "Schemas"} {
		w.feed(token, http.MethodGet, "/scim/v2/"+path+"?filter="+url.QueryEscape(`id eq "x"`), nil).want(http.StatusForbidden)
		w.feed(token, http.MethodGet, "/scim/v2/"+path+"?count=1&startIndex=7", nil).want(http.StatusOK)
	}
	c := w.feed(token, http.MethodGet, "/scim/v2/ServiceProviderConfig", nil).want(http.StatusOK)
	for what, shall := range map[string]string{"patch": "true", "bulk": "false", "filter": "true", "changePassword": "false", "sort": "false", "etag": "true"} {
		if c.at(what, "supported") != shall {
			t.Errorf("%s: %s", what, c.body)
		}
	}
}

// C-11: pages, bodies and members have an end.
func TestSCIMCaps(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.staff("owner@example.org", idp.Owner)
	token := w.machine("people:write")
	const people = 201
	var ids []string
	for i := range people - 1 {
		ids = append(ids, w.feed(token, http.MethodPost, scimUsers, m{"userName": fmt.Sprintf("p%d@example.org", i)}).want(http.StatusCreated).at("id"))
	}
	for _, a := range []reply{
		w.feed(token, http.MethodGet, scimUsers+"?count=100000", nil), w.feed(token, http.MethodPost, scimUsers+"/.search", m{"count": 1000000}),
	} {
		if a.want(http.StatusOK); a.at("totalResults") != fmt.Sprint(people) || a.at("itemsPerPage") != "200" || strings.Count(string(a.body), `"userName"`) != 200 {
			t.Errorf("%s of %s", a.at("itemsPerPage"), a.at("totalResults"))
		}
	}
	if a := w.feed(token, http.MethodPost, scimUsers+"/.search", m{"startIndex": 2000000}).want(http.StatusOK); a.at("itemsPerPage") != "0" || a.at("startIndex") != "2000000" {
		t.Errorf("%s", a.body)
	}
	long := m{"userName": "long", "displayName": strings.Repeat("x", 1<<20)}
	if a := w.feed(token, http.MethodPost, scimUsers, long).want(http.StatusRequestEntityTooLarge); a.at("status") != "413" {
		t.Errorf("%s", a.body)
	}
	var members []m
	for i := range 5001 {
		members = append(members, m{"value": fmt.Sprint(i)})
	}
	w.feed(token, http.MethodPost, scimGroups, m{"displayName": "Many", "members": members}).want(http.StatusRequestEntityTooLarge)
	g := w.feed(token, http.MethodPost, scimGroups, m{"displayName": "Few", "members": []m{{"value": ids[0]}, {"value": ids[1]}, {"value": ids[2]}}}).want(http.StatusCreated)
	store := w.db.Provisioned
	for most, want := range map[int]error{3: nil, 2: idp.ErrInvalid} {
		if all, err := store.Members(t.Context(), g.at("displayName"), most); !errors.Is(err, want) || err == nil && len(all) != 3 {
			t.Errorf("at most %d: %v, %v", most, all, err)
		}
	}
}

// RFC 7644 §3.14: versions, and the older one of two changes that cross.
func TestSCIMVersions(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.staff("owner@example.org", idp.Owner)
		token := w.machine("people:write")
		made := w.feed(token, http.MethodPost, scimUsers, entra("ada@example.org")).want(http.StatusCreated)
		at, etag := scimUsers+"/"+made.at("id"), made.header.Get("ETag")
		for _, head := range []string{`W/"old", ` + etag, "*"} {
			w.feed(token, http.MethodGet, at, nil, "If-None-Match", head).want(http.StatusNotModified)
		}
		w.feed(token, http.MethodGet, at, nil, "If-None-Match", `W/"old"`).want(http.StatusOK)
		nick := func(v string) m {
			return m{"Operations": []m{{"op": "add", "path": "nickName", "value": v}}}
		}
		w.feed(token, http.MethodPatch, at, nick("a"), "If-Match", `W/"old", `+etag).want(http.StatusOK)
		w.feed(token, http.MethodPatch, at, nick("b"), "If-Match", etag).want(http.StatusPreconditionFailed)
		w.feed(token, http.MethodDelete, at, nil, "If-Match", etag).want(http.StatusPreconditionFailed)

		g := w.feed(token, http.MethodPost, scimGroups, m{"displayName": "G", "members": []m{{"value": made.at("id")}}}).want(http.StatusCreated)
		group, whole := scimGroups+"/"+g.at("id"), g.header.Get("ETag")
		called := func(v string) m {
			return m{"Operations": []m{{"op": "replace", "path": "externalId", "value": v}}}
		}
		// What a list says is a version, too, though it has no members.
		bare := w.feed(token, http.MethodGet, scimGroups, nil).want(http.StatusOK).at("Resources", 0, "meta", "version")
		w.feed(token, http.MethodPatch, group, called("x"), "If-Match", bare).want(http.StatusOK)
		for _, old := range []string{bare, whole} {
			w.feed(token, http.MethodPatch, group, called("y"), "If-Match", old).want(http.StatusPreconditionFailed)
			w.feed(token, http.MethodPut, group, m{"displayName": "H"}, "If-Match", old).want(http.StatusPreconditionFailed)
			w.feed(token, http.MethodDelete, group, nil, "If-Match", old).want(http.StatusPreconditionFailed)
		}
		// Who has read the members does not overwrite another's change of them.
		whole = w.feed(token, http.MethodGet, group, nil).want(http.StatusOK).header.Get("ETag")
		w.feed(token, http.MethodPatch, group, m{"Operations": []m{{"op": "remove", "path": "members"}}}).want(http.StatusOK)
		w.feed(token, http.MethodPut, group, m{"displayName": "H"}, "If-Match", whole).want(http.StatusPreconditionFailed)
		now := w.feed(token, http.MethodGet, group, nil).want(http.StatusOK).header.Get("ETag")
		w.feed(token, http.MethodDelete, group, nil, "If-Match", now).want(http.StatusNoContent)
	})
}

// RFC 7644 §3.4.2.2, §3.10: of the one address that is kept, names with their
// schema, and what kind of thing is searched for.
func TestSCIMFilterMeanings(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.staff("owner@example.org", idp.Owner)
		token := w.machine("people:write")
		id := w.feed(token, http.MethodPost, scimUsers, entra("ada@example.org")).want(http.StatusCreated).at("id")
		w.feed(token, http.MethodPost, scimUsers, m{"userName": "bare"}).want(http.StatusCreated)
		w.feed(token, http.MethodPost, scimGroups, m{"displayName": "G", "members": []m{{"value": id}}}).want(http.StatusCreated)
		const core, more = "urn:ietf:params:scim:schemas:core:2.0:User:", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
		for f, n := range map[string]string{
			`emails pr`: "2", `emails[type eq "work"]`: "2", `not (emails[type eq "work"])`: "1", `emails[primary eq true]`: "2", `emails[primary eq false]`: "0",
			`emails.type eq "work"`: "2", `phoneNumbers[type eq "mobile"]`: "1", `emails[type eq "work"] or userName eq "bare"`: "3", `emails[primary eq false] or userName eq "bare"`: "1",
			core + `userName eq "bare"`: "1", core + `emails[value eq "ada@example.org"]`: "1", `meta.resourceType eq "User"`: "3", `meta.resourceType eq "Group" or userName EQ "bare"`: "1",
		} {
			if a := w.feed(token, http.MethodGet, scimUsers+"?filter="+url.QueryEscape(f), nil).want(http.StatusOK); a.at("totalResults") != n {
				t.Errorf("%s: not %s: %s", f, n, a.body)
			}
		}
		for _, f := range []string{more + `userName eq "bare"`, more + `emails[value eq "x"]`, `userName.type eq "x"`, `meta.resourceType gt "User"`, `userName eq "` + strings.Repeat("x", 2000) + `"`} {
			if a := w.feed(token, http.MethodGet, scimUsers+"?filter="+url.QueryEscape(f), nil).want(http.StatusBadRequest); a.at("scimType") != "invalidFilter" {
				t.Errorf("%s: %s", f, a.body)
			}
		}
		for f, n := range map[string]string{`meta.resourceType eq "User"`: "3", `meta.resourceType eq "Group"`: "1", `meta.resourceType pr`: "4", `members[value eq "` + id + `" and type eq "User"]`: "1", core + `displayName eq "G"`: "0"} {
			if a := w.feed(token, http.MethodPost, "/scim/v2/.search", m{"filter": f}).want(http.StatusOK); a.at("totalResults") != n {
				t.Errorf("%s: not %s: %s", f, n, a.body)
			}
		}
	})
}

// RFC 7644 §3.5.2: nobody joins by being replaced, and what must be there stays.
func TestSCIMPatchRefuses(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.staff("owner@example.org", idp.Owner)
		token := w.machine("people:write")
		id := w.feed(token, http.MethodPost, scimUsers, m{"userName": "ada"}).want(http.StatusCreated).at("id")
		group := scimGroups + "/" + w.feed(token, http.MethodPost, scimGroups, m{"displayName": "G"}).want(http.StatusCreated).at("id")
		for _, c := range []struct {
			at, kind string
			op       m
		}{
			{group, "noTarget", m{"op": "replace", "path": `members[value eq "` + id + `"].display`, "value": "x"}},
			{scimUsers + "/" + id, "noTarget", m{"op": "replace", "path": `emails[value eq "a@example.org"].type`, "value": "work"}},
			{scimUsers + "/" + id, "mutability", m{"op": "remove", "path": "userName"}}, {group, "mutability", m{"op": "remove", "path": "displayName"}},
			{scimUsers + "/" + id, "invalidValue", m{"op": "replace", "path": "userName", "value": ""}},
		} {
			if a := w.feed(token, http.MethodPatch, c.at, m{"Operations": []m{c.op}}).want(http.StatusBadRequest); a.at("scimType") != c.kind {
				t.Errorf("%v: %s", c.op, a.body)
			}
		}
		if g := w.feed(token, http.MethodGet, group, nil).want(http.StatusOK); strings.Contains(string(g.body), id) {
			t.Errorf("%s", g.body)
		}
		if u := w.feed(token, http.MethodGet, scimUsers+"/"+id, nil).want(http.StatusOK); u.at("emails") != "null" || u.at("userName") != "ada" {
			t.Errorf("%s", u.body)
		}
	})
}
