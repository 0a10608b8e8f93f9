package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// input is what an operation is told: parameters, and a body. huma would read it
// by itself, but its code is compiled anew for each type of input, some 38 kB of
// program for each operation. So to huma no operation has an input; this reads it
// before, by reflection and the same for all. What is allowed is still described
// and judged by huma, and callers see no difference: the same statuses, words and
// places, in the same order.
type input struct {
	api     huma.API
	of      reflect.Type // a struct
	params  []parameter
	body    []int        // the index of the field Body
	schema  *huma.Schema // of that
	file    []int        // the index of the field RawBody
	presets []preset
}

// preset is what a member is that was left out.
type preset struct {
	index []int
	value reflect.Value
}

// bodyTime is how long a JSON body may take to come.
const bodyTime = 5 * time.Second

type inputKey struct{}

// reads makes an operation read its input, and describes it in OpenAPI. What it
// returns is called when the operation is registered: huma would read a body that
// it knows.
func reads(api huma.API, h *huma.Operation, of reflect.Type) (registered func()) {
	in := &input{api: api, of: of}
	media := &huma.MediaType{}
	in.describe(h, of, nil, media)
	in.preset(of, []int{}, map[reflect.Type]bool{})
	h.Middlewares = append(h.Middlewares, func(hc huma.Context, next func(huma.Context)) {
		v, bad := in.read(hc)
		if bad != nil {
			_ = huma.WriteErr(in.api, hc, bad.status, bad.says, bad.found...) // the reader may have gone away
			return
		}
		next(huma.WithValue(hc, inputKey{}, v))
	})
	return func() { media.Schema = in.schema }
}

// inputOf is what was read, a pointer.
func inputOf(ctx context.Context) any { return ctx.Value(inputKey{}) }

// describe finds what is read into a struct and those embedded in it. A field that
// nothing is read into is a mistake of ours.
func (in *input) describe(h *huma.Operation, t reflect.Type, path []int, media *huma.MediaType) {
	for i := range t.NumField() {
		f, index := t.Field(i), append(slices.Clone(path), i)
		switch {
		case f.Anonymous:
			in.describe(h, f.Type, index, media)
		case f.Name == "RawBody" && h.RequestBody != nil: // described by operation.takes
			in.file = index
		case f.Name == "Body" && f.Type.Kind() != reflect.Pointer && f.Type.Kind() != reflect.Interface: // none that may be left out
			hint := h.OperationID + "Request"
			if in.of.Name() != "" {
				hint = in.of.Name() + f.Name
			}
			in.body, in.schema = index, huma.SchemaFromField(in.schemas(), f, hint)
			h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": media}}
			if h.BodyReadTimeout == 0 {
				h.BodyReadTimeout = bodyTime
			}
		default:
			p := parameterOf(in.schemas(), f, index)
			in.params = append(in.params, p)
			h.Parameters = append(h.Parameters, p.param())
		}
	}
}

func (in *input) schemas() huma.Registry { return in.api.OpenAPI().Components.Schemas }

// preset finds the defaults, which are for members of an input and of objects that
// are always in it, and plain values: all requests have the same. What we would pass
// over is a mistake of ours. seen are the types in lists and the like.
func (in *input) preset(t reflect.Type, path []int, seen map[reflect.Type]bool) {
	if p := reflect.PointerTo(t); p.Implements(reflect.TypeFor[huma.Resolver]()) || p.Implements(reflect.TypeFor[huma.ResolverWithPath]()) {
		panic("api: nobody calls Resolve of " + t.String())
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if t = t.Elem(); !seen[t] {
			seen[t] = true
			in.preset(t, nil, seen)
		}
	case reflect.Struct:
		for i := range t.NumField() {
			f, index := t.Field(i), []int(nil)
			if path != nil {
				index = append(slices.Clone(path), i)
			}
			switch {
			case f.Tag.Get("default") == "":
			case path == nil || f.Type.Kind() == reflect.Pointer || !f.Type.Comparable():
				panic("api: nobody sets the default of " + t.String() + "." + f.Name)
			default:
				in.presets = append(in.presets, preset{index, reflect.ValueOf(huma.SchemaFromField(in.schemas(), f, "").Default)})
			}
			in.preset(f.Type, index, seen)
		}
	default: // nothing is inside
	}
}

// refusal is why an input is not taken.
type refusal struct {
	status int
	says   string
	found  []error
}

// reading is an input while it is read.
type reading struct {
	*input
	hc     huma.Context
	into   reflect.Value
	at     *huma.PathBuffer
	found  huma.ValidateResult
	status int // if something is found
}

func (in *input) read(hc huma.Context) (any, *refusal) {
	r := &reading{input: in, hc: hc, into: reflect.New(in.of), at: huma.NewPathBuffer(nil, 0), status: http.StatusUnprocessableEntity}
	if r.strangers(); len(r.found.Errors) == 0 {
		for _, p := range in.params {
			p.read(r)
		}
		if in.body != nil || in.file != nil {
			if bad := r.readBody(); bad != nil {
				return nil, bad
			}
		}
	}
	if len(r.found.Errors) > 0 {
		return nil, &refusal{r.status, "validation failed", r.found.Errors}
	}
	return r.into.Interface(), nil
}

// field is the place of a field.
func (r *reading) field(index []int) reflect.Value { return r.into.Elem().FieldByIndex(index) }

// place says where the next mistake is.
func (r *reading) place(names ...string) {
	r.at.Reset()
	for _, n := range names {
		r.at.Push(n)
	}
}

// strangers finds query parameters that this operation has not got.
func (r *reading) strangers() {
	address := r.hc.URL()
	for name := range address.Query() {
		if !slices.ContainsFunc(r.params, func(p parameter) bool { return p.in == "query" && p.name == name }) {
			r.place("query", name)
			r.found.Add(r.at, "", "unknown query parameter")
		}
	}
}

// readBody reads the body within the limits of the operation.
func (r *reading) readBody() *refusal {
	h, body := r.hc.Operation(), r.hc.BodyReader()
	if h.BodyReadTimeout > 0 { // a writer that has no deadlines needs none
		_ = r.hc.SetReadDeadline(time.Now().Add(h.BodyReadTimeout))
	}
	if c, ok := body.(io.Closer); ok {
		defer c.Close()
	}
	text, err := io.ReadAll(io.LimitReader(body, h.MaxBodyBytes))
	var slow net.Error
	switch {
	case int64(len(text)) == h.MaxBodyBytes: // one more than is taken
		return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("request body is too large limit=%d bytes", h.MaxBodyBytes), r.found.Errors}
	case errors.As(err, &slow) && slow.Timeout():
		return &refusal{http.StatusRequestTimeout, "request body read timeout", r.found.Errors}
	case err != nil:
		return &refusal{http.StatusInternalServerError, "cannot read request body", []error{err}}
	case len(text) == 0:
		return &refusal{http.StatusBadRequest, "request body is required", r.found.Errors}
	case r.file != nil:
		r.field(r.file).SetBytes(text)
	default:
		r.parse(text)
	}
	return nil
}

// parse judges a body as it was sent, then makes it ours.
func (r *reading) parse(text []byte) {
	kind, before := r.hc.Header("Content-Type"), len(r.found.Errors)
	var sent any
	err := r.api.Unmarshal(kind, text, &sent)
	switch {
	case errors.Is(err, huma.ErrUnknownContentType):
		r.status = http.StatusUnsupportedMediaType
	case err != nil:
		r.status = http.StatusBadRequest
	default:
		r.place("body")
		huma.Validate(r.schemas(), r.schema, r.at, huma.ModeWriteToServer, sent, &r.found)
		if len(r.found.Errors) == before { // a number may still be too large for its type
			err = r.api.Unmarshal(kind, text, r.field(r.body).Addr().Interface())
		}
	}
	if err != nil {
		r.found.Errors = append(r.found.Errors, &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	for _, p := range r.presets {
		if f := r.field(p.index); f.IsZero() {
			f.Set(p.value)
		}
	}
}
