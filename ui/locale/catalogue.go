package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// catalogue is one file. Each half is read when it is first asked for: most
// servers speak few of the languages.
type catalogue struct {
	tag      string
	Language facts
	Words    map[string]forms

	facts, words sync.Once
}

// facts are what all must know of a language, to offer it.
type facts struct {
	Name   string   `json:"name"`
	Dir    string   `json:"dir"`
	Date   string   `json:"date"`   // {day} {month} {year}
	First  string   `json:"first"`  // how the first of a month is written, if not "1"
	Time   string   `json:"time"`   // layout of package time
	Moment string   `json:"moment"` // {date} {time} {zone}
	Months []string `json:"months"`
}

// forms is a sentence by plural form, "" where it has none; most have only
// [plural.Other], which is the first.
type forms []string

var formNames = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// UnmarshalJSON reads a sentence or an object of plural forms.
func (f *forms) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*f = forms{one}
		return nil
	}
	*f = make(forms, plural.Many+1)
	var many map[string]string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	for name, s := range many {
		form, ok := formNames[name]
		if !ok {
			return fmt.Errorf("no plural form is called %q", name)
		}
		(*f)[form] = s
	}
	if (*f)[plural.Other] == "" {
		return fmt.Errorf("%s lacks the form \"other\"", b)
	}
	return nil
}

var (
	known    = load() // the fallback first, as the matcher wants it; then by tag
	fallback = known[0]
	matcher  = newMatcher()
)

// load finds the files.
func load() []*catalogue {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err)
	}
	var out []*catalogue
	for _, e := range entries {
		out = append(out, &catalogue{tag: strings.TrimSuffix(e.Name(), ".json")})
	}
	slices.SortStableFunc(out, func(a, b *catalogue) int {
		switch {
		case a.tag == b.tag:
			return 0
		case a.tag == Fallback:
			return -1
		case b.tag == Fallback:
			return 1
		}
		return strings.Compare(a.tag, b.tag)
	})
	return out
}

// must ends the program on a broken file: it is part of the binary, and the
// package's own test reads every one.
func (c *catalogue) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("locale: %s: %v", c.tag, err))
	}
}

// offered is the catalogue with what one must know to offer the language. It
// comes first in the file, and what follows is not even looked at: every start
// of the program offers all languages.
func (c *catalogue) offered() *catalogue {
	c.facts.Do(func() {
		if c.Language.Name != "" { // not made from a file
			return
		}
		f, err := files.Open(c.tag + ".json")
		c.must(err)
		in := json.NewDecoder(f)
		_, err = in.Token() // the brace
		c.must(err)
		first, err := in.Token()
		c.must(err)
		if first != "language" {
			c.must(fmt.Errorf("begins with %v, not with language", first))
		}
		c.must(in.Decode(&c.Language))
	})
	return c
}

// spoken is the whole catalogue.
func (c *catalogue) spoken() *catalogue {
	c.words.Do(func() {
		if c.offered(); c.Words != nil {
			return
		}
		b, err := files.ReadFile(c.tag + ".json")
		c.must(err)
		c.must(json.Unmarshal(b, &struct {
			Words *map[string]forms `json:"words"`
		}{&c.Words}))
	})
	return c
}

func newMatcher() language.Matcher {
	tags := make([]language.Tag, len(known))
	for i, c := range known {
		tags[i] = language.Make(c.tag)
	}
	return language.NewMatcher(tags)
}
