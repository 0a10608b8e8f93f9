package odootest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// xmlWire is XML-RPC.
type xmlWire struct {
	*Options
	objects *objects
}

// xmlValue is a value of XML-RPC as it comes in.
type xmlValue struct {
	Int     *int64    `xml:"int"`
	Text    *string   `xml:"string"`
	Boolean *string   `xml:"boolean"`
	Double  *float64  `xml:"double"`
	Nil     *struct{} `xml:"nil"`
	Array   *struct {
		Values []xmlValue `xml:"data>value"`
	} `xml:"array"`
	Struct *struct {
		Members []struct {
			Name  string   `xml:"name"`
			Value xmlValue `xml:"value"`
		} `xml:"member"`
	} `xml:"struct"`
	Bare string `xml:",chardata"`
}

func (v xmlValue) plain() any {
	switch {
	case v.Int != nil:
		return *v.Int
	case v.Text != nil:
		return *v.Text
	case v.Boolean != nil:
		return *v.Boolean == "1"
	case v.Double != nil:
		return *v.Double
	case v.Nil != nil:
		return nil
	case v.Array != nil:
		out := []any{}
		for _, e := range v.Array.Values {
			out = append(out, e.plain())
		}
		return out
	case v.Struct != nil:
		out := map[string]any{}
		for _, m := range v.Struct.Members {
			out[m.Name] = m.Value.plain()
		}
		return out
	}
	return v.Bare
}

func (x xmlWire) serve(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Method string     `xml:"methodName"`
		Params []xmlValue `xml:"params>param>value"`
	}
	if err := xml.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var params []any
	for _, p := range call.Params {
		params = append(params, p.plain())
	}
	x.objects.db.mu.Lock()
	defer x.objects.db.mu.Unlock()
	answer, err := x.service(r.PathValue("service"), call.Method, params)
	var b bytes.Buffer
	b.WriteString("<?xml version='1.0'?>\n<methodResponse>\n")
	if _, nothing := answer.(none); err == nil && nothing {
		err = refusal{"builtins.TypeError", "TypeError: cannot marshal None unless allow_none is enabled", 1}
	}
	if err != nil {
		code, says := 1, err.Error()
		if r, ok := err.(refusal); ok { //nolint:errorlint // made here, never wrapped
			code = r.code
		}
		if code == 1 {
			says = "Traceback (most recent call last):\n  File \"/odoo/http.py\", line 1, in x\n" + says + "\n"
		}
		b.WriteString("<fault>")
		encode(&b, map[string]any{"faultCode": int64(code), "faultString": says})
		b.WriteString("</fault>")
	} else {
		b.WriteString("<params>\n<param>\n")
		encode(&b, answer)
		b.WriteString("</param>\n</params>\n")
	}
	b.WriteString("</methodResponse>\n")
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.Copy(w, &b) // the other side may be gone
}

// service answers the three services of XML-RPC, under the lock.
func (x xmlWire) service(service, method string, params []any) (any, error) {
	text := func(i int) string {
		if i < len(params) {
			return fmt.Sprint(params[i])
		}
		return ""
	}
	switch service + "." + method {
	case "common.version":
		return map[string]any{"server_version": x.Full, "server_serie": x.Full, "protocol_version": int64(1), "server_version_info": []any{int64(x.Series), int64(0), int64(0), "final", int64(0), ""}}, nil
	case "common.authenticate":
		x.objects.heard("XML-RPC", "", "authenticate")
		if text(0) != x.Database {
			return nil, refusal{"psycopg2.OperationalError", fmt.Sprintf("psycopg2.OperationalError: FATAL:  database \"%s\" does not exist", text(0)), 1}
		}
		if uid := x.objects.authenticate(text(1), text(2)); uid > 0 {
			return uid, nil
		}
		return false, nil
	case "db.list":
		if x.Databases == nil {
			return nil, refusal{"odoo.exceptions.AccessDenied", "Access Denied", 3}
		}
		out := []any{}
		for _, d := range x.Databases {
			out = append(out, d)
		}
		return out, nil
	case "object.execute_kw":
		return x.execute(params, text)
	}
	return nil, refusal{"builtins.NameError", "NameError: Method not available " + method, 1}
}

func (x xmlWire) execute(params []any, text func(int) string) (any, error) {
	uid, _ := number(params[1])
	user := x.objects.db.models["res.users"].rows[uid]
	if text(0) != x.Database || user == nil || x.objects.authenticate(fmt.Sprint(user["login"]), text(2)) != uid {
		return nil, refusal{"odoo.exceptions.AccessDenied", "Access Denied", 3}
	}
	model, method := text(3), text(4)
	x.objects.heard("XML-RPC", model, method)
	var places []any
	named := map[string]any{}
	if len(params) > 5 {
		places, _ = params[5].([]any)
	}
	if len(params) > 6 {
		named, _ = params[6].(map[string]any)
	}
	ids, err := x.bind(method, places, named)
	if err != nil {
		return nil, err
	}
	return x.objects.run(uid, model, method, ids, named)
}

// bind gives the arguments that came by their places their names.
func (x xmlWire) bind(method string, places []any, named map[string]any) (ids []int64, err error) {
	missing := refusal{"builtins.IndexError", "IndexError: list index out of range", 1}
	if len(places) == 0 && (!names[method].model || method == "create") { // Odoo looks at the place
		return nil, missing
	}
	if !names[method].model {
		if ids = numbers(places[0]); ids == nil {
			if n, ok := number(places[0]); ok {
				ids = []int64{n}
			}
		}
		places = places[1:]
	}
	for _, name := range []string{"vals", "domain"} { // names of arguments that modules and versions disagree about
		if _, ok := named[name]; ok && x.Series < 19 && (method == "write" || x.Series == 16 && method == "search") {
			return nil, refusal{"builtins.TypeError", fmt.Sprintf("TypeError: %s() got an unexpected keyword argument '%s'", method, name), 1}
		}
	}
	for i, v := range places {
		if i < len(names[method].params) {
			named[names[method].params[i]] = v
		}
	}
	return ids, nil
}

func encode(b *bytes.Buffer, v any) {
	b.WriteString("<value>")
	defer b.WriteString("</value>")
	switch v := v.(type) {
	case bool:
		fmt.Fprintf(b, "<boolean>%d</boolean>", map[bool]int{true: 1}[v])
	case int64:
		fmt.Fprintf(b, "<int>%d</int>", v)
	case float64:
		b.WriteString("<double>" + strconv.FormatFloat(v, 'f', -1, 64) + "</double>")
	case string:
		b.WriteString("<string>")
		_ = xml.EscapeText(b, []byte(v)) // a buffer takes everything
		b.WriteString("</string>")
	case []any:
		b.WriteString("<array><data>\n")
		for _, e := range v {
			encode(b, e)
		}
		b.WriteString("</data></array>")
	case []int64:
		b.WriteString("<array><data>\n")
		for _, e := range v {
			encode(b, e)
		}
		b.WriteString("</data></array>")
	case Record:
		encodeMembers(b, v)
	case map[string]any:
		encodeMembers(b, v)
	default:
		b.WriteString("<boolean>0</boolean>")
	}
}

func encodeMembers(b *bytes.Buffer, m map[string]any) {
	b.WriteString("<struct>\n")
	for k, v := range m {
		b.WriteString("<member>\n<name>" + k + "</name>\n")
		encode(b, v)
		b.WriteString("</member>\n")
	}
	b.WriteString("</struct>")
}
