package scim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
)

// object is a resource or a part of one, as JSON has it.
type object = map[string]any

// Names of schemas and messages.
const (
	schemaUser  = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaGroup = "urn:ietf:params:scim:schemas:core:2.0:Group"
	messageList = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// said is an error in words for whoever runs the other system.
func said(err error) string {
	text := err.Error()
	for _, prefix := range []string{idp.ErrInvalid.Error() + ": ", "scim: ", "idp: "} {
		text = strings.ReplaceAll(text, prefix, "")
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// versionOf is the weak version of a resource, by what is shown of it.
func versionOf(o object) string {
	text, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return `W/"` + hex.EncodeToString(sum[:10]) + `"`
}

// match refuses a change that is meant for another version.
func (c *call) match(version string) error {
	if want := c.Header.Get("If-Match"); want == "" || names(want, version) {
		return nil
	}
	return errStale
}

// names reports whether a header such as If-Match names a version.
func names(header, version string) bool {
	header = strings.ReplaceAll(header, " ", "")
	return header == "*" || slices.Contains(strings.Split(header, ","), version)
}

// number reads a parameter of the address; nonsense is what was not said.
func (c *call) number(name string, otherwise int) int {
	n, err := strconv.Atoi(c.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// window is the page that is asked for: from is the first, counted from 0.
func (c *call) window() (from, count int) {
	return max(0, c.number("startIndex", 1)-1), min(maxPage, max(0, c.number("count", 100)))
}

func listed(resources []object, from, total int) *answer {
	if resources == nil {
		resources = []object{}
	}
	return &answer{body: object{
		"schemas": []string{messageList}, "totalResults": total, "startIndex": from + 1, "itemsPerPage": len(resources), "Resources": resources,
	}}
}

// shown is a resource with the attributes that are asked for (RFC 7644 §3.9).
func (c *call) shown(o object) object {
	q := c.URL.Query()
	only, not := fields(q.Get("attributes")), fields(q.Get("excludedAttributes"))
	always := []string{"id", "schemas"}
	out := object{}
	for k, v := range o {
		low := strings.ToLower(k)
		parts, gone := parted(only, low), parted(not, low)
		switch {
		case slices.Contains(always, low):
			gone = nil
		case len(only) > 0 && parts == nil || slices.Contains(gone, ""):
			continue
		case len(only) > 0:
			v = part(v, parts, true)
		}
		if len(gone) > 0 {
			v = part(v, gone, false)
		}
		out[k] = v
	}
	return out
}

// fields reads a list of attributes, without the names of their schemas.
func fields(list string) (out []string) {
	for f := range strings.SplitSeq(list, ",") {
		if f = strings.ToLower(strings.TrimSpace(f)); f != "" {
			for _, s := range []string{schemaUser, schemaGroup} {
				f = strings.TrimPrefix(f, strings.ToLower(s)+":")
			}
			out = append(out, f)
		}
	}
	return out
}

// parted lists which parts of an attribute are wanted: "" is all of it.
func parted(only []string, name string) (out []string) {
	for _, f := range only {
		if f == name {
			out = append(out, "")
		} else if sub, ok := strings.CutPrefix(f, name+"."); ok {
			out = append(out, sub)
		}
	}
	return out
}

// part is a value with those of its parts alone, or without them.
func part(v any, parts []string, with bool) any {
	if slices.Contains(parts, "") {
		return v
	}
	switch v := v.(type) {
	case object:
		out := object{}
		for k, inner := range v {
			if slices.Contains(parts, strings.ToLower(k)) == with {
				out[k] = inner
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = part(v[i], parts, with)
		}
		return out
	}
	return v
}

// get, text and list read members whatever the case of their names: RFC
// 7643 §2.1 says that it does not matter.
func get(o object, name string) any {
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func text(o object, name string) string {
	s, _ := get(o, name).(string)
	return strings.TrimSpace(s)
}

func inner(o object, name string) object {
	v, _ := get(o, name).(object)
	return v
}

func list(o object, name string) []any {
	switch v := get(o, name).(type) {
	case []any:
		return v
	case object: // one, where several are meant
		return []any{v}
	}
	return nil
}

// truth reads a boolean; Entra ID writes them as texts, too.
func truth(v any) (is, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}

// address is where a resource is.
func (s *Server) address(kind, id string) string { return s.Issuer + Prefix + "/" + kind + "/" + id }
