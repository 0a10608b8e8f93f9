package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"mime"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"latchkey/idp"
)

// operation is one entry of the API.
type operation struct {
	id, method, path string
	tag, summary     string
	about            string    // more than the summary says
	right            idp.Right // empty: any caller
	status           int       // default 200, 204 without a body
	most             int64     // of its body in bytes; default maxBody, at most maxPeople of JSON
	takes            []string  // the types of the file that it is sent; none: JSON
	files            []string  // the types of the file that it answers with
	patient          bool      // it waits for somebody else, such as an Odoo, who may not answer
}

// outcome is what an operation answers with: a body, versioned, made or none.
type outcome interface{ sent() *sent }

// sent is what huma is given of every outcome. Its code is compiled anew for each
// pair of input and output (some 40 kB), so that there is one output for all, and
// no input: see input.
type sent struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     any
}

// add makes an operation of a function: it gets who acts and the input, and what
// it returns is the answer, or its error the problem. I and O are pointers: code
// for pointers is compiled once.
func add[I any, O outcome](a *API, o operation, do func(context.Context, idp.Actor, I) (O, error)) {
	h := a.enter(o)
	told, taken := a.tell(&h, reflect.TypeFor[O]().Elem()), reads(a.huma, &h, reflect.TypeFor[I]().Elem())
	huma.Register(a.huma, h, func(ctx context.Context, _ *struct{}) (*sent, error) {
		out, err := do(ctx, callerOf(ctx).Actor, inputOf(ctx).(I)) //nolint:forcetypeassert // it was made of I
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out.sent(), nil
	})
	told()
	taken()
}

// send is add for what answers with a file.
func send[I any](a *API, o operation, do func(context.Context, idp.Actor, I) (*huma.StreamResponse, error)) {
	h := a.enter(o)
	taken := reads(a.huma, &h, reflect.TypeFor[I]().Elem())
	huma.Register(a.huma, h, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
		out, err := do(ctx, callerOf(ctx).Actor, inputOf(ctx).(I)) //nolint:forcetypeassert // it was made of I
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	taken()
}

// tell describes in OpenAPI what is answered with, which huma does not see. What
// it returns is called when the operation is registered: it takes away what huma
// has said of an answer that has less than sent.
func (a *API) tell(h *huma.Operation, answer reflect.Type) (registered func()) {
	response := &huma.Response{}
	field, full := answer.FieldByName("Body")
	switch {
	case h.DefaultStatus != 0:
	case full:
		h.DefaultStatus = http.StatusOK
	default:
		h.DefaultStatus = http.StatusNoContent
	}
	if full {
		schema := huma.SchemaFromField(a.huma.OpenAPI().Components.Schemas, field, h.OperationID+"Response")
		response.Content = map[string]*huma.MediaType{"application/json": {Schema: schema}}
	}
	h.Responses = map[string]*huma.Response{strconv.Itoa(h.DefaultStatus): response}
	return func() {
		if !full {
			response.Content = nil
		}
		for name := range response.Headers {
			if _, has := answer.FieldByName(name); !has {
				delete(response.Headers, name)
			}
		}
	}
}

// enter writes an operation into the list of routes and describes it for OpenAPI.
func (a *API) enter(o operation) huma.Operation {
	o.path = Prefix + o.path
	a.routes = append(a.routes, Route{ID: o.id, Method: o.method, Path: o.path, Right: o.right})
	a.ops[o.method+" "+o.path] = o
	h := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Description: o.about, Tags: []string{o.tag},
		DefaultStatus: o.status, MaxBodyBytes: o.limit() + 1, Security: requirement(o.right),
		Errors: errorsOf(o),
	}
	if o.uploads() {
		h.BodyReadTimeout = uploadTime
	}
	if len(o.takes) > 0 {
		h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, kind := range o.takes {
			h.RequestBody.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
		}
	}
	if o.method == http.MethodPost {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: "string", MaxLength: ptr(128)},
			Description: "The same request with the same key within 24 hours does nothing and has the same answer, without its secrets.",
		})
	}
	if len(o.files) > 0 {
		file := &huma.Response{Description: "A file.", Content: map[string]*huma.MediaType{}}
		for _, kind := range o.files {
			file.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
		}
		h.Responses = map[string]*huma.Response{"200": file}
	}
	return h
}

func ptr[T any](v T) *T { return &v }

func requirement(right idp.Right) []map[string][]string {
	scopes := []string{}
	if right != "" {
		scopes = append(scopes, string(right))
	}
	out := []map[string][]string{{"token": scopes}}
	if right != idp.MakeTokens {
		out = append(out, map[string][]string{"service": scopes})
	}
	return out
}

// errorsOf lists what an operation may answer beside success.
func errorsOf(o operation) []int {
	out := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	if strings.Contains(o.path, "{") {
		out = append(out, http.StatusNotFound)
	}
	if o.method != http.MethodGet {
		out = append(out, http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if o.patient {
		out = append(out, http.StatusBadGateway)
	}
	if o.method == http.MethodPatch || o.method == http.MethodPut {
		out = append(out, http.StatusPreconditionFailed)
	}
	return out
}

// limit is how much is read of its body, in bytes: only a file that says its type
// may be long.
func (o operation) limit() int64 {
	if len(o.takes) == 0 {
		return min(max(maxBody, o.most), maxPeople)
	}
	return max(maxBody, o.most)
}

// uploads reports whether it is sent so much that few may do so at once.
func (o operation) uploads() bool { return o.limit() > maxDocument }

// place takes one of the places for uploads, until it is given back: a few tokens
// must not fill the memory. idp.ErrBusy when there is none.
func (a *API) place(o operation, r *http.Request) (back func(), err error) {
	if !o.uploads() || empty(r) {
		return func() {}, nil
	}
	select {
	case a.places <- struct{}{}:
		return func() { <-a.places }, nil
	default:
		return nil, fmt.Errorf("%w: others are sending files", idp.ErrBusy)
	}
}

// overlong is the problem of a body that is longer than what is read of it.
func overlong(limit int64) *huma.ErrorModel {
	return model(http.StatusRequestEntityTooLarge, "request", fmt.Sprintf(
		"The body is longer than %d bytes, the most that is taken here, or it broke off. Send what it says in several smaller requests.", limit))
}

// asks refuses who has not got the right before the request is even read; the
// use case asks again (SECURITY.md D-01). Whoever tries leaves a line (D-07).
func (a *API) asks(ctx context.Context, o operation) error {
	if o.right == "" {
		return nil
	}
	by := callerOf(ctx).Actor
	err := by.May(o.right)
	if err == nil {
		return nil
	}
	if bad := a.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: a.Gate.Now(), What: "api.refused", Actor: by.User, Origin: by.Origin, Result: "denied",
		Detail: map[string]string{"operation": o.id, "right": string(o.right)},
	}); bad != nil {
		return bad
	}
	return err
}

// accepts refuses a body of a type that this operation does not take: nothing that
// a form of another site can send is taken by any (SECURITY.md X-01).
func (o operation) accepts(r *http.Request) error {
	if empty(r) {
		return nil
	}
	takes := o.takes
	if len(takes) == 0 {
		takes = []string{"application/json"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !slices.Contains(takes, kind) {
		return errType
	}
	return nil
}

// wait gives an operation the time that it may take: the server's own limit is
// for pages. A writer that has no deadlines needs none.
func (o operation) wait(w http.ResponseWriter) {
	if o.patient {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience))
	}
}

// schemaName puts the name of its package before a type that is not ours, such
// as AuditReport.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	of := path.Base(t.PkgPath())
	if t.Name() == "" || of == "api" || of == "." || strings.HasPrefix(t.PkgPath(), "github.com/") || strings.Contains(t.Name(), "[") {
		return name
	}
	return strings.ToUpper(of[:1]) + of[1:] + name
}

// tidy says of lists that they are lists: ours are never null.
func tidy(r huma.Registry) {
	seen := map[*huma.Schema]bool{}
	var walk func(*huma.Schema)
	walk = func(s *huma.Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if s.Type == huma.TypeArray {
			s.Nullable = false
		}
		walk(s.Items)
		for _, p := range s.Properties {
			walk(p)
		}
		if inner, ok := s.AdditionalProperties.(*huma.Schema); ok {
			walk(inner)
		}
	}
	for _, s := range r.Map() {
		walk(s)
	}
}

// each turns a list into another.
func each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

// body is an answer that is one thing.
type body[T any] struct{ Body T }

func (b *body[T]) sent() *sent { return &sent{Body: b.Body} }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

// none is an answer without a body.
type none struct{}

func (*none) sent() *sent { return nil }

func done(err error) (*none, error) {
	if err != nil {
		return nil, err
	}
	return &none{}, nil
}
