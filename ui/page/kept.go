package page

import (
	"mime"
	"net/url"
	"strings"

	"latchkey/idp"
)

// unkept is the beginning of the name of a hidden field that stands beside a
// field whose content is kept nowhere: the rest is that field's name.
const unkept = "unkept."

// Unkept is the name of the hidden field that says of another that what is
// typed there must not be kept (SECURITY.md D-06).
func Unkept(name string) string { return unkept + name }

// Sits says who sits there, who came through the gate. The forms of the page
// carry it, so that what was typed can be kept for them when the session is over
// by the time they send it.
func (f *Forms) Sits(id idp.UserID) { f.sitter = id }

// Poster is who sat there when we drew the form that was posted; empty: nobody,
// or not known. It is for keeping what was typed, and gives no right to
// anything: their session may be over.
func (f *Forms) Poster() idp.UserID { return f.poster }

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
