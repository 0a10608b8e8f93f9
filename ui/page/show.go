package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"sync"

	"latchkey/ui/assets"
	"latchkey/ui/locale"
)

//go:embed *.html
var files embed.FS

// Set is the pages of one package, each inside the frame. A page is parsed when
// it is first drawn: each holds a frame of its own, and all of them together
// are several megabytes that most servers need a part of.
type Set struct {
	pages map[string]func() *template.Template
}

// Parse finds the templates that the patterns name. Each file is a page that
// defines "title" and "body"; those whose names begin with an underscore are
// pieces that all pages of the set may use. It panics when a pattern fits
// nothing; a broken template, which is part of the binary, panics when it is
// drawn, and in [Set.ParseAll].
func Parse(from fs.FS, patterns ...string) *Set {
	var pieces, pages []string
	for _, p := range patterns {
		names, err := fs.Glob(from, p)
		if err != nil || len(names) == 0 {
			panic(fmt.Sprintf("page: no template %s: %v", p, err))
		}
		for _, n := range names {
			if n[0] == '_' {
				pieces = append(pieces, n)
			} else {
				pages = append(pages, n)
			}
		}
	}
	frame := sync.OnceValue(func() *template.Template {
		t := template.Must(template.New("frame.html").Funcs(functions).ParseFS(files, "frame.html", "_person.html", "_frames.html", "_own.html", "_logo.html", "_app.html"))
		for _, n := range pieces {
			template.Must(t.ParseFS(from, n))
		}
		return t
	})
	s := &Set{pages: map[string]func() *template.Template{}}
	for _, n := range pages {
		s.pages[n] = sync.OnceValue(func() *template.Template {
			return template.Must(template.Must(frame().Clone()).ParseFS(from, n))
		})
	}
	return s
}

// ParseAll parses every page now. It panics on a broken template, which is how
// a test finds one that nothing draws.
func (s *Set) ParseAll() {
	for _, parsed := range s.pages {
		parsed()
	}
}

var functions = template.FuncMap{"asset": assets.URL}

// Frame is what templates see: the page's own view and what the frame knows.
type Frame struct {
	locale.Printer
	View      any
	Brand     string        // the name of the house, with which the account is
	Look      look          // of this page: the house's, or that of the client it leads to
	CSRF      template.HTML // the hidden field of every form
	Nonce     string        // for script elements; empty: the page has none
	Languages []Switch
	leads     bool // the reader looks after a company
}

// Switch is a link of the language switch.
type Switch struct {
	locale.Language
	URL     string
	Current bool
}

// Show draws a page. View is made for this page; it is never a stored row.
// The page is written only when it is whole.
func (c *Context) Show(s *Set, status int, name string, view any) error {
	parsed, ok := s.pages[name]
	if !ok {
		return fmt.Errorf("page: no page %s", name)
	}
	f := Frame{
		Printer: c.Words, View: view, Brand: c.Brand(), Look: c.site.look(c.Context(), c.client, c.Words), CSRF: hidden(c.Forms.token()),
		Nonce: c.nonce, Languages: switches(c.here, c.Words.Lang()),
	}
	if c.member != "" && c.site.leads != nil {
		var err error
		if f.leads, err = c.site.leads(c.Context(), c.member); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := parsed().ExecuteTemplate(&out, "frame.html", f); err != nil {
		return fmt.Errorf("page: %s: %w", name, err)
	}
	if c.Forms.bound && c.Forms.sitter != "" { // what they send may be kept for them
		out = *bytes.NewBuffer(unkeep(out.Bytes()))
	}
	if c.Forms.refill != nil {
		out = *bytes.NewBuffer(c.Forms.refill.into(out.Bytes()))
	}
	c.site.pageHeaders(c.W.Header(), &c.reach)
	c.W.WriteHeader(status)
	if c.R.Method == http.MethodHead {
		return nil
	}
	_, _ = out.WriteTo(c.W) // the reader may have gone away; there is nobody to tell
	return nil
}

// switches links to the page at an address in each language.
func switches(here, current string) []Switch {
	var out []Switch
	for _, l := range locale.Languages() {
		out = append(out, Switch{Language: l, URL: inLanguage(here, l.Tag), Current: l.Tag == current})
	}
	return out
}

// inLanguage is the address of a page in another language, or "" when it has
// no address of its own.
func inLanguage(here, tag string) string {
	u, err := url.ParseRequestURI(here)
	if err != nil || !local(here) {
		return ""
	}
	query := without(u.RawQuery, langParameter)
	if query != "" {
		query += "&"
	}
	return address(u.EscapedPath(), query+langParameter+"="+tag)
}
