package api

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// parameter is what an input has of an address or of the headers.
type parameter struct {
	index    []int
	in, name string
	required bool
	preset   string // instead of nothing
	schema   *huma.Schema
}

// parameterOf reads the tags of a field. It panics when it has none, or a type that
// no parameter is of: both are mistakes of ours.
func parameterOf(schemas huma.Registry, f reflect.StructField, index []int) parameter {
	p := parameter{index: index, required: f.Tag.Get("required") == "true", preset: f.Tag.Get("default")}
	for _, p.in = range []string{"path", "query", "header"} {
		if p.name = f.Tag.Get(p.in); p.name != "" {
			break
		}
	}
	_, err := parse("", reflect.New(f.Type).Elem())
	if p.name == "" || strings.Contains(p.name, ",") || errors.Is(err, errKind) || p.in == "header" && f.Type.Kind() != reflect.String {
		panic("api: nothing is read into " + f.Name + " " + f.Type.String())
	}
	p.required = p.required || p.in == "path"
	p.schema = huma.SchemaFromField(schemas, f, "")
	return p
}

// param is its description.
func (p *parameter) param() *huma.Param {
	out := &huma.Param{Name: p.name, Description: p.schema.Description, In: p.in, Required: p.required, Schema: p.schema}
	if p.in == "query" {
		out.Explode = new(bool)
	}
	return out
}

// read reads it from a request. Of one that is sent twice the first counts.
func (p *parameter) read(r *reading) {
	var text string
	switch p.in {
	case "path":
		text = r.hc.Param(p.name)
	case "query":
		text = r.hc.Query(p.name)
	case "header":
		text = r.hc.Header(p.name)
	}
	if text == "" {
		text = p.preset
	}
	r.place(p.in, p.name)
	if text == "" {
		if p.required {
			r.found.Add(r.at, "", "required "+p.in+" parameter is missing")
		}
		return
	}
	v, err := parse(text, r.field(p.index))
	if err != nil {
		r.found.Add(r.at, text, err.Error())
		return
	}
	huma.Validate(r.schemas(), p.schema, r.at, huma.ModeWriteToServer, v, &r.found)
}

var errKind = errors.New("no parameter is of this type")

// parse reads a text into a value, and returns it as it is judged.
func parse(text string, into reflect.Value) (any, error) {
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
		return text, nil
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errors.New("invalid integer")
		}
		into.SetInt(n)
		return n, nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("invalid boolean")
		}
		into.SetBool(b)
		return b, nil
	}
	if into.Type() != reflect.TypeFor[time.Time]() {
		return nil, errKind
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, errors.New("invalid date/time for format " + time.RFC3339Nano)
	}
	into.Set(reflect.ValueOf(at))
	return text, nil
}
