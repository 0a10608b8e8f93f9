package page

import (
	"bytes"
	"mime"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"latchkey/idp"
)

// unkept is the beginning of the name of a hidden field that stands beside a
// field whose content is kept nowhere: the rest is that field's name.
const unkept = "unkept."

// Unkept is the name of the hidden field that says of another that what is
// typed there must not be kept (SECURITY.md D-06). Fields for passwords and for
// codes get theirs by themselves; others that hold a secret need it.
func Unkept(name string) string { return unkept + name }

// Sits says who sits there, who came through the gate. The forms of the page
// carry it, so that what was typed can be kept for them when the session is over
// by the time they send it.
func (f *Forms) Sits(id idp.UserID) { f.sitter = id }

// Poster is who sat there when we drew the form that was posted; empty: nobody,
// or not known. It is for keeping what was typed, and gives no right to
// anything: their session may be over.
func (f *Forms) Poster() idp.UserID { return f.poster }

// unkeep says of all fields for secrets of a page that what is typed there must
// not be kept. It works on the page that is drawn, whatever package drew it, so
// that no page can forget to (SECURITY.md D-06).
func unkeep(doc []byte) []byte {
	if plain := bytes.ToLower(doc); !bytes.Contains(plain, []byte("password")) && !bytes.Contains(plain, []byte("one-time-code")) {
		return doc // most pages
	}
	type field struct {
		form int
		name string
	}
	all, said := piecesOf(doc), map[field]bool{}
	for _, p := range all {
		said[field{p.form, attr(p.tag, "name")}] = true
	}
	var out bytes.Buffer
	for _, p := range all {
		out.Write(p.raw)
		mark := field{p.form, Unkept(attr(p.tag, "name"))}
		if !guarded(p.tag) || said[mark] {
			continue
		}
		said[mark] = true
		t := html.Token{Type: html.StartTagToken, Data: "input", Attr: []html.Attribute{{Key: "type", Val: "hidden"}, {Key: "name", Val: mark.name}, {Key: "value", Val: "yes"}}}
		if far := attr(p.tag, "form"); far != "" {
			t.Attr = append(t.Attr, html.Attribute{Key: "form", Val: far})
		}
		out.WriteString(t.String())
	}
	return out.Bytes()
}

// guarded reports whether a tag is a field for a password or a code.
func guarded(t html.Token) bool {
	if t.Data != "input" || t.Type == html.EndTagToken || attr(t, "name") == "" {
		return false
	}
	auto := attr(t, "autocomplete")
	return strings.EqualFold(attr(t, "type"), "password") || strings.HasSuffix(auto, "-password") || auto == "one-time-code"
}

// Typed is what the posted form brings, but for our own field and what must not
// be kept. Whole is false when something was left out: a secret, or a file.
func (f *Forms) Typed() (typed url.Values, whole bool) {
	typed, whole = url.Values{}, true
	for name, values := range f.cookies.r.PostForm {
		_, secret := f.cookies.r.PostForm[Unkept(name)]
		if secret || name == csrfField || strings.HasPrefix(name, unkept) {
			whole = whole && (!secret || values[0] == "")
			continue
		}
		typed[name] = values
	}
	if kind, _, err := mime.ParseMediaType(f.cookies.r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		whole = false
	}
	return typed, whole
}

// Refill has the form that posts to a path drawn as it was typed. [Context.Form]
// has the fields as well: a page whose form has as many fields as were typed
// draws it from them.
func (f *Forms) Refill(path string, typed url.Values, whole bool) {
	f.refill = &filling{path: path, typed: typed, whole: whole}
	f.cookies.r.PostForm = typed
}

// Refilled reports whether the form that posts to a path is to be drawn as it
// was typed.
func (f *Forms) Refilled(path string) bool {
	if f.refill == nil {
		return false
	}
	u, err := url.Parse(path)
	return err == nil && u.Path == f.refill.path
}

// Kept is what to say over a form that is filled in again; empty: none is.
func (c *Context) Kept() string {
	switch {
	case c.Forms.refill == nil:
		return ""
	case c.Forms.refill.whole:
		return c.Words.T("form.kept")
	}
	return c.Words.T("form.kept") + " " + c.Words.T("form.kept_part")
}
