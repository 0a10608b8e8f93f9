package page

import (
	"errors"
	"strings"
)

// Sample is a page drawn with sample data: for whoever develops, and for the
// tests that look at every page. Nothing of it comes from a database, and what
// its forms send leads nowhere.
type Sample struct {
	Name string // lower case letters, digits and hyphens; its own within its shelf
	Draw Handler
}

// Shelf is the samples of one package.
type Shelf struct {
	Name    string
	Samples []Sample
}

// Drawn is a sample of one page of a set, with scripts.
func Drawn(name string, s *Set, status int, template string, view func(*Context) any) Sample {
	return Sample{Name: name, Draw: func(c *Context) error {
		c.Script()
		return c.Show(s, status, template, view(c))
	}}
}

// Samples is the page of every problem that has words of its own.
func Samples() []Sample {
	var out []Sample
	seen := map[string]bool{}
	failed := func(name string, err error) {
		if !seen[name] {
			seen[name] = true
			out = append(out, Sample{Name: "error-" + strings.ReplaceAll(name, "_", "-"), Draw: func(*Context) error { return err }})
		}
	}
	for _, p := range problems {
		failed(p.key, p.err)
	}
	failed("internal", errors.New("page: a sample of what nobody foresaw"))
	return out
}
