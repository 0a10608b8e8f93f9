package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"
	"time"

	"latchkey/idp/provision"
)

func parse(t testing.TB, text string) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// RFC 7644 §3.5.2, and what Entra ID and Okta make of it.
func TestPatch(t *testing.T) {
	const was = `{"userName":"ada","displayName":"Ada","name":{"formatted":"Ada","givenName":"Ada"},"emails":[{"value":"a@x","type":"work","primary":true}],"members":[{"value":"1"},{"value":"2"}]}`
	for _, c := range []struct {
		op         operation
		path, want string // the member that is looked at, and what it is then
	}{
		{operation{"replace", "userName", "bob"}, "userName", `"bob"`},
		{operation{"replace", "USERNAME", "bob"}, "userName", `"bob"`},
		{operation{"replace", "urn:ietf:params:scim:schemas:core:2.0:User:userName", "bob"}, "userName", `"bob"`},
		{operation{"add", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "x"}, "manager", `null`},
		{operation{"replace", "name.givenName", "Augusta"}, "name", `{"formatted":"Ada","givenName":"Augusta"}`},
		{operation{"add", "name", object{"familyName": "King"}}, "name", `{"familyName":"King","formatted":"Ada","givenName":"Ada"}`},
		{operation{"remove", "name.givenName", nil}, "name", `{"formatted":"Ada"}`},
		{operation{"replace", "displayName", "B"}, "name", `{"givenName":"Ada"}`},
		{operation{"replace", "", object{"name.familyName": "K", "id": "x"}}, "name", `{"familyName":"K","formatted":"Ada","givenName":"Ada"}`},
		{operation{"replace", `emails[type eq "work"].value`, "b@x"}, "emails", `[{"primary":true,"type":"work","value":"b@x"}]`},
		{operation{"add", `emails[type eq "home"].value`, "h@x"}, "emails", `[{"primary":true,"type":"work","value":"a@x"},{"type":"home","value":"h@x"}]`},
		{operation{"add", "emails", []any{object{"value": "b@x", "primary": true}}}, "emails", `[{"primary":false,"type":"work","value":"a@x"},{"primary":true,"value":"b@x"}]`},
		{operation{"remove", `emails[value eq "a@x"]`, nil}, "emails", `null`},
		{operation{"remove", "emails", nil}, "emails", `null`},
		{operation{"add", "members", []any{object{"value": "3"}, object{"value": "1"}}}, "members", `[{"value":"2"},{"value":"3"},{"value":"1"}]`},
		{operation{"remove", `members[value eq "1"]`, nil}, "members", `[{"value":"2"}]`},
		{operation{"remove", `members[value eq "1" or value eq "2"]`, nil}, "members", `null`},
		{operation{"remove", "members", []any{object{"value": "2"}}}, "members", `[{"value":"1"}]`},
		{operation{"replace", "members", []any{object{"value": "9"}}}, "members", `[{"value":"9"}]`},
	} {
		o := parse(t, was)
		if err := patch(o, []operation{c.op}); err != nil {
			t.Errorf("%+v: %v", c.op, err)
			continue
		}
		var want any
		_ = json.Unmarshal([]byte(c.want), &want)
		text, _ := json.Marshal(o[c.path])
		var got any
		_ = json.Unmarshal(text, &got)
		if list, ok := got.([]any); ok && len(list) == 0 {
			got = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: %s, not %s", c.op, text, c.want)
		}
	}
	for _, op := range []operation{{"replace", "id", "x"}, {"remove", "meta", nil}, {"add", "a b", 1}, {"add", "", "x"}, {"replace", `emails[value gt "a"].value`, "x"}, {"add", `emails[not (type eq "x")].value`, "x"}} {
		err := patch(parse(t, `{"emails":[]}`), []operation{op})
		if !errors.Is(err, errMutable) && !errors.Is(err, errPath) && !errors.Is(err, errValue) && !errors.Is(err, errTarget) {
			t.Errorf("%+v: %v", op, err)
		}
	}
}

// C-11: a PATCH looks at each member once, and one that asks for more work than
// that of a busy directory is refused before it is done.
func TestPatchWork(t *testing.T) {
	many := func(n, from int) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = object{"value": strconv.Itoa(from + i)}
		}
		return out
	}
	o := object{"members": many(maxMembers, 0)}
	began := time.Now()
	if err := patch(o, []operation{{"add", "members", many(maxElements, maxMembers-100)}, {"remove", "members", many(maxElements, 0)}}); err != nil {
		t.Fatal(err)
	}
	if n, took := len(o["members"].([]any)), time.Since(began); n != maxMembers-100 || took > time.Second {
		t.Errorf("%d members after %v", n, took)
	}
	ops := make([]operation, maxOperations)
	for i := range ops {
		ops[i] = operation{"remove", `members[value eq "x"]`, nil}
	}
	if err := patch(object{"members": many(maxMembers, 0)}, ops); !errors.Is(err, errMany) {
		t.Error(err)
	}
	for n, want := range map[int]error{maxElements: nil, maxElements + 1: errMany} {
		for _, one := range []object{{"op": "add", "path": "members", "value": many(n, 0)}, {"op": "add", "value": object{"members": many(n, 0)}}} {
			body, err := json.Marshal(object{"Operations": []any{one}})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPatch, "/", bytes.NewReader(body))
			if _, err := (&call{Request: r}).operations(); !errors.Is(err, want) {
				t.Errorf("%d: %v", n, err)
			}
		}
	}
}

// An element that is no object is refused, and breaks nothing.
func TestPatchNoObject(t *testing.T) {
	for _, op := range []operation{{"replace", `emails[not (type eq "work")].value`, "b@x"}, {"add", `emails[not (type eq "work")]`, object{"value": "b@x"}}} {
		if err := patch(parse(t, `{"emails":["a@x"]}`), []operation{op}); !errors.Is(err, errValue) {
			t.Errorf("%+v: %v", op, err)
		}
	}
}

// A path may be anybody's: it breaks nothing, and what is fixed stays.
func FuzzPatch(f *testing.F) {
	for _, p := range []string{"userName", "name.givenName", `emails[type eq "work"].value`, `members[value eq "1"]`, "urn:x:y", "a[b pr].c", "[", `x[not (y eq 1)]`} {
		f.Add("add", p, `"v"`)
		f.Add("remove", p, `[{"value":"1"}]`)
		f.Add("replace", "", `{"`+"name.x"+`":{}}`)
	}
	f.Fuzz(func(t *testing.T, op, path, value string) {
		var v any
		if json.Unmarshal([]byte(value), &v) != nil {
			return
		}
		o := parse(t, `{"id":"1","userName":"a","name":{"formatted":"A"},"emails":[{"value":"a@x"}],"members":[{"value":"1"}],"active":true}`)
		_ = patch(o, []operation{{op, path, v}})
		if o["id"] != "1" {
			t.Errorf("the id is %v", o["id"])
		}
	})
}

// A filter may be anybody's: it is ours or refused.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "a"`, `emails[type eq "work"].value eq "x"`, `not (active eq true) and (a pr or b gt 1)`, `((((`, `userName eq "`, `meta.created gt "x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := filterOf(s, userFields); err != nil && !errors.Is(err, provision.ErrFilter) {
			t.Error(err)
		}
	})
}
