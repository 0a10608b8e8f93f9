package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// deepest is how far values may lie inside each other.
const deepest = 64

// xml calls a method by XML-RPC.
func (s *server) xml(ctx context.Context, path, method string, params []any, out any, again bool) error {
	body, err := encodeCall(method, params)
	if err != nil {
		return err
	}
	status, kind, answer, err := s.wire.send(ctx, request{
		method: http.MethodPost, path: path, body: body, again: again, headers: map[string]string{"Content-Type": "text/xml; charset=utf-8"},
	})
	if err != nil {
		return err
	}
	if status != http.StatusOK || !strings.HasPrefix(kind, "text/xml") && !strings.HasPrefix(kind, "application/xml") {
		return notOdoo(status, kind)
	}
	value, err := decodeAnswer(answer)
	if err != nil {
		return err
	}
	return decode(value, out)
}

func encodeCall(method string, params []any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<methodCall><methodName>")
	_ = xml.EscapeText(&b, []byte(method)) // a buffer takes everything
	b.WriteString("</methodName><params>")
	for _, p := range params {
		b.WriteString("<param>")
		if err := encode(&b, reflect.ValueOf(p)); err != nil {
			return nil, err
		}
		b.WriteString("</param>")
	}
	b.WriteString("</params></methodCall>")
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v reflect.Value) error {
	for v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) {
		v = v.Elem()
	}
	b.WriteString("<value>")
	defer b.WriteString("</value>")
	switch {
	case !v.IsValid():
		b.WriteString("<nil/>")
	case v.Type() == reflect.TypeFor[time.Time]():
		b.WriteString("<string>" + v.Interface().(time.Time).UTC().Format(Layout) + "</string>")
	case v.CanInt():
		b.WriteString("<int>" + strconv.FormatInt(v.Int(), 10) + "</int>")
	case v.CanFloat():
		b.WriteString("<double>" + strconv.FormatFloat(v.Float(), 'f', -1, 64) + "</double>")
	case v.Kind() == reflect.Bool:
		b.WriteString("<boolean>" + map[bool]string{true: "1", false: "0"}[v.Bool()] + "</boolean>")
	case v.Kind() == reflect.String:
		b.WriteString("<string>")
		_ = xml.EscapeText(b, []byte(v.String()))
		b.WriteString("</string>")
	case v.Kind() == reflect.Slice:
		return encodeArray(b, v)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return encodeStruct(b, v)
	default:
		return fmt.Errorf("rpc: XML-RPC has no %s", v.Type())
	}
	return nil
}

func encodeArray(b *bytes.Buffer, v reflect.Value) error {
	b.WriteString("<array><data>")
	for i := range v.Len() {
		if err := encode(b, v.Index(i)); err != nil {
			return err
		}
	}
	b.WriteString("</data></array>")
	return nil
}

func encodeStruct(b *bytes.Buffer, v reflect.Value) error {
	b.WriteString("<struct>")
	for _, k := range v.MapKeys() {
		b.WriteString("<member><name>")
		_ = xml.EscapeText(b, []byte(k.String()))
		b.WriteString("</name>")
		if err := encode(b, v.MapIndex(k)); err != nil {
			return err
		}
		b.WriteString("</member>")
	}
	b.WriteString("</struct>")
	return nil
}

// decodeAnswer turns a methodResponse into JSON, or into an error.
func decodeAnswer(answer []byte) ([]byte, error) {
	p := &parser{d: xml.NewDecoder(bytes.NewReader(answer))}
	top, err := p.start()
	if err != nil || top != "methodResponse" {
		return nil, broken(err)
	}
	kind, err := p.start()
	if err != nil || kind != "fault" && kind != "params" {
		return nil, broken(err)
	}
	for { // params and param, or nothing, stand around the value
		name, err := p.start()
		if err != nil {
			return nil, broken(err)
		}
		if name == "value" {
			break
		}
	}
	if err := p.value(0); err != nil {
		return nil, broken(err)
	}
	if kind == "fault" {
		return fault(p.out.Bytes())
	}
	return p.out.Bytes(), nil
}

func broken(err error) error {
	if err == nil {
		err = errors.New("no method response")
	}
	return says(ErrUnreachable, "reach.broken").because(err)
}

// fault reads an XML-RPC fault: Odoo's codes are 2 for what a person should
// read, 3 and 4 for what is not allowed, 1 for everything else.
func fault(value []byte) ([]byte, error) {
	var f struct {
		Code   json.RawMessage `json:"faultCode"`
		String string          `json:"faultString"`
	}
	if err := json.Unmarshal(value, &f); err != nil {
		return nil, broken(err)
	}
	words := line(f.String)
	switch code := strings.Trim(string(f.Code), `"`); {
	case strings.Contains(words, "cannot marshal None"):
		return []byte("null"), nil // it worked and had nothing to say
	case code == "3":
		return nil, told(ErrDenied, words)
	case code == "4":
		return nil, told(ErrDenied, words)
	case strings.Contains(words, "database") && strings.Contains(words, "does not exist"):
		return nil, told(ErrNoDatabase, "")
	case strings.Contains(words, "Object ") && strings.Contains(words, "doesn't exist"), strings.HasPrefix(words, "KeyError: '"):
		return nil, told(ErrNotFound, words)
	}
	return nil, told(ErrFault, words)
}

// parser writes XML-RPC values as JSON while it reads them, so that a large
// answer lies in memory once.
type parser struct {
	d   *xml.Decoder
	out bytes.Buffer
}

// start goes to the next element that opens.
func (p *parser) start() (string, error) {
	for {
		t, err := p.d.Token()
		if err != nil {
			return "", err
		}
		if s, ok := t.(xml.StartElement); ok {
			return s.Name.Local, nil
		}
	}
}

// value reads what is inside <value>, up to and with its end.
func (p *parser) value(depth int) error {
	if depth > deepest {
		return errors.New("values too deep inside each other")
	}
	var bare strings.Builder
	for {
		t, err := p.d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.CharData:
			bare.Write(t)
		case xml.EndElement: // a value without a type is a text
			return p.text(bare.String())
		case xml.StartElement:
			if err := p.typed(t.Name.Local, depth); err != nil {
				return err
			}
			return p.end() // </value>
		}
	}
}

// end goes past the next element that closes.
func (p *parser) end() error {
	for {
		t, err := p.d.Token()
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			return errors.New("an element too many")
		}
	}
}

// typed reads a value of a type, up to and with the end of its element.
func (p *parser) typed(kind string, depth int) error {
	switch kind {
	case "array":
		return p.array(depth)
	case "struct":
		return p.members(depth)
	}
	s, err := p.content()
	if err != nil {
		return err
	}
	switch kind {
	case "nil":
		p.out.WriteString("null")
	case "boolean":
		p.out.WriteString(strconv.FormatBool(strings.TrimSpace(s) == "1"))
	case "int", "i4", "i8":
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return err
		}
		p.out.WriteString(strconv.FormatInt(n, 10))
	case "double":
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return err
		}
		b, err := json.Marshal(f)
		p.out.Write(b)
		return err
	default: // string, base64, dateTime.iso8601
		return p.text(s)
	}
	return nil
}

func (p *parser) text(s string) error {
	b, err := json.Marshal(s)
	p.out.Write(b)
	return err
}

// content reads text up to the end of its element.
func (p *parser) content() (string, error) {
	var s strings.Builder
	for {
		t, err := p.d.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			s.Write(t)
		case xml.EndElement:
			return s.String(), nil
		case xml.StartElement:
			return "", errors.New("an element inside a simple value")
		}
	}
}

func (p *parser) array(depth int) error {
	if name, err := p.start(); err != nil || name != "data" {
		return errors.Join(err, errors.New("an array without data"))
	}
	p.out.WriteByte('[')
	first := true
	err := p.children("value", func() error {
		if !first {
			p.out.WriteByte(',')
		}
		first = false
		return p.value(depth + 1)
	})
	if err != nil {
		return err
	}
	p.out.WriteByte(']')
	return p.end() // </array>
}

func (p *parser) members(depth int) error {
	p.out.WriteByte('{')
	first := true
	err := p.children("member", func() error {
		if !first {
			p.out.WriteByte(',')
		}
		first = false
		return p.member(depth)
	})
	p.out.WriteByte('}')
	return err
}

func (p *parser) member(depth int) error {
	if name, err := p.start(); err != nil || name != "name" {
		return errors.Join(err, errors.New("a member without a name"))
	}
	name, err := p.content()
	if err != nil {
		return err
	}
	if err := p.text(name); err != nil {
		return err
	}
	p.out.WriteByte(':')
	if name, err := p.start(); err != nil || name != "value" {
		return errors.Join(err, errors.New("a member without a value"))
	}
	if err := p.value(depth + 1); err != nil {
		return err
	}
	return p.end() // </member>
}

// children calls f for each element of a name up to the end of the one around.
func (p *parser) children(name string, f func() error) error {
	for {
		t, err := p.d.Token()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if t.Name.Local != name {
				return fmt.Errorf("%s in place of %s", t.Name.Local, name)
			}
			if err := f(); err != nil {
				return err
			}
		}
	}
}
