package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"latchkey/idp/provision"
)

// C-11: what may be as long as a stranger likes has an end, and what is just
// short enough is taken.
func TestCaps(t *testing.T) {
	const ask = `userName eq ""`
	for n, want := range map[int]error{maxFilter: nil, maxFilter + 1: provision.ErrFilter} {
		said := strings.Replace(ask, `""`, `"`+strings.Repeat("a", n-len(ask))+`"`, 1)
		if _, err := filterOf(said, userFields); len(said) != n || !errors.Is(err, want) {
			t.Errorf("a filter of %d bytes: %v", len(said), err)
		}
	}
	for n, want := range map[int]error{1: nil, maxOperations: nil, maxOperations + 1: errSyntax, 0: errSyntax} {
		ops := make([]any, n)
		for i := range ops {
			ops[i] = object{"op": "add", "path": "nickName", "value": "x"}
		}
		body, err := json.Marshal(object{"Operations": ops})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPatch, "/", bytes.NewReader(body))
		if got, err := (&call{Request: r}).operations(); !errors.Is(err, want) || err == nil && len(got) != n {
			t.Errorf("%d operations: %d, %v", n, len(got), err)
		}
	}
	for n, want := range map[int]error{500: nil, 501: errPath} {
		if err := patch(object{}, []operation{{"add", strings.Repeat("a", n), "x"}}); !errors.Is(err, want) {
			t.Errorf("a path of %d bytes: %v", n, err)
		}
	}
	members := make([]any, maxElements+1)
	for i := range members {
		members[i] = object{"value": strconv.Itoa(i)}
	}
	if _, _, err := (groups{&Server{}}).people(t.Context(), members, nil); !errors.Is(err, errMany) {
		t.Errorf("%d members come: %v", len(members), err)
	}
}

// RFC 7644 §3.4.2.4: a page begins at 1 and has no negative length; none is
// longer than what the configuration says.
func TestWindow(t *testing.T) {
	for query, want := range map[string][2]int{
		"": {0, 100}, "startIndex=0&count=0": {0, 0}, "startIndex=-5&count=-5": {0, 0}, "startIndex=11&count=200": {10, maxPage},
		"count=201": {0, maxPage}, "count=1000000": {0, maxPage}, "startIndex=x&count=y": {0, 100},
	} {
		c := &call{Request: httptest.NewRequest(http.MethodGet, "/?"+query, nil)}
		if from, count := c.window(); from != want[0] || count != want[1] {
			t.Errorf("%q: %d, %d", query, from, count)
		}
	}
	if says := (&Server{}).config().(object)["filter"].(object)["maxResults"]; says != maxPage {
		t.Errorf("the configuration says %v", says)
	}
}

// What a search has in its body means what it means in an address: numbers in
// JSON are written without an exponent there.
func TestSearchNumbers(t *testing.T) {
	var got url.Values
	r := httptest.NewRequest(http.MethodPost, "/.search", strings.NewReader(`{"filter":"userName pr","startIndex":2000001,"count":1000000,"attributes":["userName","emails"]}`))
	if _, err := search(func(c *call) (*answer, error) {
		got = c.URL.Query()
		return &answer{}, nil
	})(&call{Request: r}); err != nil {
		t.Fatal(err)
	}
	if got.Get("startIndex") != "2000001" || got.Get("count") != "1000000" || got.Get("filter") != "userName pr" || got.Get("attributes") != "userName,emails" {
		t.Error(got)
	}
}

// RFC 7644 §3.5.2.3: what is not there is not replaced; but Entra ID gives who
// has none an address of a type.
func TestPatchNoTarget(t *testing.T) {
	for path, want := range map[string]error{
		`members[value eq "2"]`: errTarget, `members[value eq "2"].display`: errTarget, `emails[value eq "b@x"].type`: errTarget,
		`members[value eq "1"].display`: nil, `emails[type eq "work"].value`: nil,
	} {
		o := parse(t, `{"members":[{"value":"1"}]}`)
		var value any = "x"
		if strings.HasSuffix(path, "]") {
			value = object{"value": "3"}
		}
		if err := patch(o, []operation{{"replace", path, value}}); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
		if n := len(list(o, "members")); n != 1 {
			t.Errorf("%s: %d members", path, n)
		}
	}
}

// RFC 7644 §3.5.2.2: what must be there is not taken away.
func TestPatchKeeps(t *testing.T) {
	for _, op := range []operation{{"remove", "userName", nil}, {"remove", "USERNAME", nil}, {"replace", "userName", nil}} {
		if _, err := patchKeeping("userName", []operation{op})(parse(t, `{"userName":"ada"}`)); !errors.Is(err, errMutable) {
			t.Errorf("%+v: %v", op, err)
		}
	}
	if o, err := patchKeeping("userName", []operation{{"remove", "nickName", nil}})(parse(t, `{"userName":"ada","nickName":"a"}`)); err != nil || get(o, "nickName") != nil {
		t.Error(o, err)
	}
}

// RFC 7644 §3.9: parts are left out, too, and what is always there stays.
func TestShown(t *testing.T) {
	const was = `{"schemas":["s"],"id":"1","userName":"ada","name":{"formatted":"Ada","givenName":"A"},"emails":[{"value":"a@x","type":"work"}]}`
	for query, want := range map[string]string{
		"excludedAttributes=emails.type,name.givenName,id": `{"schemas":["s"],"id":"1","userName":"ada","name":{"formatted":"Ada"},"emails":[{"value":"a@x"}]}`,
		"excludedAttributes=emails,userName":               `{"schemas":["s"],"id":"1","name":{"formatted":"Ada","givenName":"A"}}`,
		"attributes=emails.value,NAME":                     `{"schemas":["s"],"id":"1","name":{"formatted":"Ada","givenName":"A"},"emails":[{"value":"a@x"}]}`,
	} {
		c := &call{Request: httptest.NewRequest(http.MethodGet, "/?"+query, nil)}
		got, _ := json.Marshal(c.shown(parse(t, was)))
		if shall, _ := json.Marshal(parse(t, want)); !bytes.Equal(got, shall) {
			t.Errorf("%s: %s", query, got)
		}
	}
}
