package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"latchkey/idp"
)

// stream answers with a file that is written as it is read. What goes wrong
// before the first byte is a problem; after it the line is cut, for half a file
// must not look whole.
func (a *API) stream(kind, name string, write func(ctx context.Context, by idp.Actor, w io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		out := &late{w: w, kind: kind, name: name}
		err := write(r.Context(), callerOf(r.Context()).Actor, out)
		switch {
		case err == nil:
			out.begin() // it may be empty
		case !out.begun:
			a.refuse(w, r, err)
		default:
			a.Fault(r, fmt.Errorf("request %s broke off: %w", callerOf(r.Context()).Origin.Request, err))
			panic(http.ErrAbortHandler)
		}
	}}
}

// late writes its headers with the first byte.
type late struct {
	w          http.ResponseWriter
	kind, name string
	begun      bool
	until      time.Time // when the time limit is next put off
}

// portion is how long a part of a file may take to be read.
const portion = time.Minute

func (l *late) begin() {
	if l.begun {
		return
	}
	l.begun = true
	l.w.Header().Set("Content-Type", l.kind)
	l.w.Header().Set("Content-Disposition", `attachment; filename="`+l.name+`"`)
	l.w.WriteHeader(http.StatusOK)
}

func (l *late) Write(p []byte) (int, error) {
	l.begin()
	if now := time.Now(); now.After(l.until) { // a long file outlasts the server's limit, as long as it is read
		l.until = now.Add(portion / 2)
		if err := http.NewResponseController(l.w).SetWriteDeadline(now.Add(portion)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	return l.w.Write(p)
}

// format writes answers. Lists of ours are never null: what is not there is
// empty.
var format = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(filled(v))
	},
	Unmarshal: json.Unmarshal,
}

// filled is a copy of a value in which lists that are not there are empty.
func filled(v any) any {
	in := reflect.ValueOf(v)
	if !in.IsValid() {
		return v
	}
	out := reflect.New(in.Type()).Elem()
	out.Set(in)
	fill(out)
	return out.Interface()
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		fillSlice(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() && v.Elem().Kind() == reflect.Struct {
			to := reflect.New(v.Type().Elem())
			to.Elem().Set(v.Elem())
			fill(to.Elem())
			v.Set(to)
		}
	default: // nothing is inside
	}
}

func fillSlice(v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 { // bytes, or JSON
		return
	}
	to := reflect.MakeSlice(v.Type(), v.Len(), v.Len()) // the old one may be shared
	reflect.Copy(to, v)
	for i := range to.Len() {
		fill(to.Index(i))
	}
	v.Set(to)
}
