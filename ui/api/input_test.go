package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type (
	Place struct { // what is embedded is exported, or huma does not see it

		ID  string `path:"id" maxLength:"8"`
		For string `path:"for" enum:"light,dark"`
	}
	sort  string
	Tried struct {
		Place
		Paging
		Matching
		Sort  sort      `query:"sort" enum:"name,signin" default:"name" doc:"How."`
		Since time.Time `query:"since"`
		All   bool      `query:"all"`
		Seen  int64     `query:"seen" minimum:"1" required:"true"`
	}
	someone struct {
		Who  string   `json:"who" maxLength:"5"`
		Tags []string `json:"tags,omitempty" maxItems:"2"`
	}
	values struct {
		Name  string         `json:"name" minLength:"1" maxLength:"5"`
		Hours int            `json:"hours,omitempty" minimum:"1" default:"24"`
		Kind  sort           `json:"kind,omitempty" enum:"name,signin" default:"signin"`
		Big   int64          `json:"big,omitempty"`
		Until time.Time      `json:"until,omitzero"`
		Lead  *bool          `json:"lead,omitempty"`
		Who   []someone      `json:"who,omitempty"`
		More  map[string]any `json:"more,omitempty"`
		Inner struct {
			Uses int `json:"uses,omitempty" default:"3"`
		} `json:"inner,omitzero"`
	}
	change struct {
		Tried
		Body values
	}
	bare struct {
		Body struct{ Name string }
	}
	upload struct {
		Seen    int    `query:"seen" minimum:"1"`
		RawBody []byte `contentType:"text/csv"`
	}
)

// echo answers with what was read.
type echo struct {
	Location string `header:"Location"`
	Body     any
}

// bench is one operation, once read by huma and once by us.
type bench struct {
	theirs, ours *http.ServeMux
	docs         [2]string
}

func newBench[I any](t *testing.T, path string, takes ...string) bench {
	t.Helper()
	make := func(strict bool) (*API, *http.ServeMux) {
		mux := http.NewServeMux()
		return &API{huma: humago.New(mux, huma.Config{
			OpenAPI: &huma.OpenAPI{OpenAPI: "3.1.0", Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName)}},
			Formats: map[string]huma.Format{"application/json": format, "json": format}, DefaultFormat: "application/json",
			RejectUnknownQueryParameters: strict, Transformers: []huma.Transformer{complete},
		}), ops: map[string]operation{}}, mux
	}
	doc := func(a *API) string {
		text, err := json.Marshal(a.huma.OpenAPI())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	o := operation{id: "try", method: http.MethodPost, path: path, takes: takes}
	theirs, a := make(true)
	huma.Register(theirs.huma, theirs.enter(o), func(_ context.Context, in *I) (*echo, error) { return &echo{"/read", in}, nil })
	ours, b := make(false)
	h := ours.enter(o)
	taken := reads(ours.huma, &h, reflect.TypeFor[I]())
	huma.Register(ours.huma, h, func(ctx context.Context, _ *struct{}) (*echo, error) { return &echo{"/read", inputOf(ctx)}, nil })
	taken()
	return bench{a, b, [2]string{doc(theirs), doc(ours)}}
}

// writer notes how long a body may take.
type writer struct {
	*httptest.ResponseRecorder
	until time.Duration
}

func (w *writer) SetReadDeadline(t time.Time) error {
	w.until = time.Until(t).Round(time.Second)
	return nil
}

// broken is a body that ends with an error.
type broken struct {
	io.Reader
	err error
}

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = b.err
	}
	return n, err
}

// both sends a request to both and returns what they say; it is one text if they
// agree.
func (b bench) both(path string, body func() io.Reader, head ...string) [2]string {
	var out [2]string
	for i, mux := range []*http.ServeMux{b.theirs, b.ours} {
		r := httptest.NewRequest(http.MethodPost, Prefix+path, body())
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		w := &writer{ResponseRecorder: httptest.NewRecorder()}
		mux.ServeHTTP(w, r)
		out[i] = fmt.Sprintln(w.Code, w.Header(), w.until, w.Body)
	}
	return out
}

// Inputs are read and described as huma does it, which each other program that
// uses huma knows: statuses, words and places of mistakes, and their order.
func TestInputsAreReadAsHumaDoes(t *testing.T) {
	params, full, file := newBench[Tried](t, "/a/{id}/{for}"), newBench[change](t, "/b/{id}/{for}"), newBench[upload](t, "/c", "text/csv")
	for _, b := range []bench{params, full, file, newBench[bare](t, "/d"), newBench[struct{ Body struct{ Name string } }](t, "/e")} {
		if b.docs[0] != b.docs[1] {
			t.Errorf("described as\n%s\nnot\n%s", b.docs[1], b.docs[0])
		}
	}
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	seen := map[string]int{} // by status, that this tests something
	same := func(b bench, path string, body func() io.Reader, head ...string) {
		t.Helper()
		says := b.both(path, body, head...)
		if says[0] != says[1] {
			t.Errorf("%s %q\nhuma: %s\nours: %s", path, head, says[0], says[1])
		}
		seen[says[1][:3]]++
	}
	long := strings.Repeat("x", 600)
	good := `{"name":"ada"}`
	for _, q := range []string{
		"?seen=1", "", "?seen=", "?seen=0", "?seen=x", "?seen=1.5", "?seen=99999999999999999999", "?seen=1&seen=x", "?seen=x&seen=1", "?nope=1", "?id=x&seen=1", "?nope=1&a.b=2&seen=0", "?%zz=1&seen=1",
		"?seen=1&limit=0", "?seen=1&limit=201", "?seen=1&limit=200", "?seen=1&limit=", "?seen=1&sort=x", "?seen=1&sort=signin", "?seen=1&sort=name,signin", "?seen=1&all=maybe", "?seen=1&all=t", "?seen=1&all",
		"?seen=1&since=2026-01-01", "?seen=1&since=2026-01-01T00:00:00.5%2B02:00", "?seen=1&cursor=" + long, "?seen=1&cursor=%ff", "?SEEN=1", "?seen=%31",
	} {
		for _, at := range []string{"/x/light", "/x/other", "/123456789/dark", "/%ff/light", "/%20/light"} {
			same(params, "/a"+at+q, text(""))
			for _, body := range []string{good, "", "{", `{"name":"too long"}`} {
				same(full, "/b"+at+q, text(body))
			}
		}
		same(file, "/c"+q, text("a,b"), "Content-Type", "text/csv")
		same(file, "/c"+q, text(""), "Content-Type", "text/csv")
	}
	for _, tag := range []string{"", "*", long} {
		same(params, "/a/x/light?seen=1", text(""), "If-Match", tag)
	}
	for _, body := range []string{
		"[]", "null", `"x"`, "1", `{}`, `{"name":""}`, `{"name":null}`, `{"name":1}`, `{"name":"ada","nope":1,"what":2}`, `{"NAME":"ada"}`, `{"name":"ada"}x`, `{"name":"a","name":"b"}`, "{\"name\":\"\xff\"}", "\xef\xbb\xbf{}",
		`{"name":"ada","hours":0}`, `{"name":"ada","hours":1}`, `{"name":"ada","hours":1.5}`, `{"name":"ada","hours":null}`, `{"name":"ada","kind":"x"}`, `{"name":"ada","kind":""}`, `{"name":"ada","big":99999999999999999999}`, `{"name":"ada","big":1e400}`,
		`{"name":"ada","until":"2026-13-01"}`, `{"name":"ada","until":"2026-01-01T00:00:00Z"}`, `{"name":"ada","lead":null}`, `{"name":"ada","lead":1}`, `{"name":"ada","who":null}`, `{"name":"ada","who":{}}`,
		`{"name":"ada","who":[{"who":"x"},{"who":"too long","tags":["a","b","c"],"x":1},{},1]}`, `{"name":"ada","more":{"a":[1]}}`, `{"name":"ada","inner":{"uses":1}}`, `{"name":"ada","inner":{}}`, `{"name":"ada","inner":[]}`,
		strings.Repeat("[", 20000), " ", strings.Repeat(" ", maxBody-1), strings.Repeat(" ", maxBody), strings.Repeat(" ", maxBody+1), strings.Repeat(" ", maxBody+2),
	} {
		same(full, "/b/x/light?seen=1", text(body))
		same(full, "/b/x/other?seen=0", text(body))
		same(file, "/c?seen=0", text(body))
	}
	for _, kind := range []string{"", "application/json; charset=utf-8", "Application/JSON", "application/problem+json", "text/plain", "x;", "text/csv"} {
		for _, body := range []string{good, "", "{"} {
			same(full, "/b/x/light?seen=1", text(body), "Content-Type", kind)
			same(full, "/b/x/light?seen=1", text(body), "Accept", kind)
		}
	}
	for _, err := range []error{os.ErrDeadlineExceeded, io.ErrUnexpectedEOF} {
		for _, begun := range []string{"", good, strings.Repeat(" ", maxBody+1)} {
			cut := func() io.Reader { return broken{strings.NewReader(begun), err} }
			same(full, "/b/x/light?seen=1", cut)
			same(full, "/b/x/other?seen=0", cut)
			same(file, "/c", cut)
		}
	}
	for _, status := range []string{"200", "400", "408", "413", "415", "422", "500"} {
		if seen[status] == 0 {
			t.Errorf("nothing answers %s: %v", status, seen)
		}
	}
}

// What nothing would be read into, or set, is found when the API is made.
func TestInputsThatCannotBeRead(t *testing.T) {
	for name, of := range map[string]reflect.Type{
		"a list in one": reflect.TypeFor[struct {
			N string `query:"n,explode"`
		}](),
		"no tag": reflect.TypeFor[struct{ Name string }](),
		"of no kind": reflect.TypeFor[struct {
			N float64 `query:"n"`
		}](),
		"a list": reflect.TypeFor[struct {
			N []string `query:"n,explode"`
		}](),
		"a body, perhaps": reflect.TypeFor[struct{ Body *Place }](),
		"no type of file": reflect.TypeFor[struct{ RawBody []byte }](),
		"default in a list": reflect.TypeFor[struct {
			Body struct {
				In []struct {
					N int `json:"n" default:"1"`
				}
			}
		}](),
		"a resolver":    reflect.TypeFor[resolving](),
		"one in a list": reflect.TypeFor[struct{ Body struct{ In []resolving } }](),
		"a default that is shared": reflect.TypeFor[struct {
			Body struct {
				In *int `json:"in" default:"1"`
			}
		}](),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if says, _ := recover().(string); !strings.HasPrefix(says, "api: ") {
					t.Errorf("it is registered, or %q", says)
				}
			}()
			api := humago.New(http.NewServeMux(), huma.Config{OpenAPI: &huma.OpenAPI{Components: &huma.Components{Schemas: huma.NewMapRegistry("#/", schemaName)}}})
			reads(api, &huma.Operation{OperationID: "x"}, of)
		})
	}
}

type resolving struct{}

func (*resolving) Resolve(huma.Context) []error { return nil }
