package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/ui/api"
)

// contract holds what the program answers against what its document says.
type contract struct {
	t       testing.TB
	w       *world
	secret  string
	second  string // of another owner
	routes  map[string]api.Route
	paths   map[string]any
	schemas *jsonschema.Compiler
	seen    map[string]bool
}

func newContract(t testing.TB, w *world) *contract {
	t.Helper()
	c := &contract{t: t, w: w, routes: map[string]api.Route{}, seen: map[string]bool{}}
	for _, r := range w.api().Routes() {
		c.routes[r.ID] = r
	}
	res, err := http.Get(w.url + api.DocumentPath)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	doc, err := jsonschema.UnmarshalJSON(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	c.paths = doc.(map[string]any)["paths"].(map[string]any)
	c.schemas = jsonschema.NewCompiler()
	c.schemas.DefaultDraft(jsonschema.Draft2020)
	c.schemas.AssertFormat()
	if err := c.schemas.AddResource("https://example.org/api.json", doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// staff makes somebody with a role.
func (w *world) staff(login string, role idp.Role) idp.User {
	w.t.Helper()
	return w.user(login, func(in *account.New) { in.Role = role })
}

// token makes a token of somebody; without scopes it has all that they may have.
func (w *world) apiToken(u idp.User, scopes ...idp.Right) string {
	w.t.Helper()
	if len(scopes) == 0 {
		for _, r := range idp.Rights() {
			if u.Role.Holds(r) {
				scopes = append(scopes, r)
			}
		}
	}
	_, secret, err := w.tokens().Make(w.t.Context(), host, apitoken.New{Name: "test", Owner: u.ID, Scopes: scopes, Life: 300 * 24 * time.Hour})
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// reply is an answer of the API.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%d, not %d: %s", r.status, status, r.body)
	}
	return r
}

// at is a member of the answer, by its path.
func (r reply) at(path ...any) string {
	r.t.Helper()
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				r.t.Fatalf("no %v in %s", path, r.body)
			}
			v = l[k]
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// send sends a request to the API; the body is JSON unless it is bytes.
func (w *world) send(secret, method, target string, body any, head ...string) reply {
	w.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		text = b
	default:
		text, _ = json.Marshal(b)
	}
	r, err := http.NewRequest(method, w.url+target, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	if len(text) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
		if head[i+1] == "" || head[i] == "Content-Type" && len(text) == 0 {
			r.Header.Del(head[i])
		}
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{w.t, res.StatusCode, res.Header, all}
}

// m is an object of JSON.
type m = map[string]any

// call makes a documented call and holds the answer against the document. in
// are path parameters by turns, then a query that begins with "?".
func (c *contract) call(id string, body any, in ...string) reply {
	c.t.Helper()
	return c.callAs(id, "application/json", body, in...)
}

// callAs is call with a body of another type.
func (c *contract) callAs(id, kind string, body any, in ...string) reply {
	c.t.Helper()
	r, ok := c.routes[id]
	if !ok {
		c.t.Fatalf("there is no operation %s", id)
	}
	target := r.Path
	for i := 0; i+1 < len(in); i += 2 {
		target = strings.ReplaceAll(target, "{"+in[i]+"}", url.PathEscape(in[i+1]))
	}
	if len(in)%2 == 1 {
		target += in[len(in)-1]
	}
	a := c.w.send(c.secret, r.Method, target, body, "Content-Type", kind)
	a.t = c.t
	c.check(id, r, a)
	if a.status < 300 {
		c.seen[id] = true
	}
	return a
}

// check validates an answer: its status, its type and its body are documented.
func (c *contract) check(id string, r api.Route, a reply) {
	c.t.Helper()
	responses := c.paths[r.Path].(map[string]any)[strings.ToLower(r.Method)].(map[string]any)["responses"].(map[string]any)
	status := http.StatusText(a.status)
	code := jsonNumber(a.status)
	response, ok := responses[code].(map[string]any)
	if !ok {
		c.t.Errorf("%s: %s %s is not documented: %s", id, code, status, a.body)
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if len(a.body) > 0 {
			c.t.Errorf("%s: a body that is not documented: %s", id, a.body)
		}
		return
	}
	if content[kind] == nil {
		c.t.Errorf("%s: %s is not documented", id, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	at := "https://example.org/api.json#/paths/" + escape.Replace(r.Path) + "/" + strings.ToLower(r.Method) + "/responses/" + code + "/content/" + escape.Replace(kind) + "/schema"
	schema, err := c.schemas.Compile(at)
	if err != nil {
		c.t.Fatalf("%s: %v", id, err)
	}
	if content[kind].(map[string]any)["schema"].(map[string]any)["type"] == "string" {
		return // a file
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		c.t.Errorf("%s: %v\n%s", id, err, a.body)
	}
}

func jsonNumber(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}
