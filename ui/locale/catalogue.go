package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// catalogue is one file.
type catalogue struct {
	tag      string
	Language struct {
		Name   string   `json:"name"`
		Dir    string   `json:"dir"`
		Date   string   `json:"date"`   // {day} {month} {year}
		First  string   `json:"first"`  // how the first of a month is written, if not "1"
		Time   string   `json:"time"`   // layout of package time
		Moment string   `json:"moment"` // {date} {time} {zone}
		Months []string `json:"months"`
	} `json:"language"`
	Words map[string]forms `json:"words"`
}

// forms is a sentence in each plural form that it has; most have only "other".
type forms map[plural.Form]string

var formNames = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// UnmarshalJSON reads a sentence or an object of plural forms.
func (f *forms) UnmarshalJSON(b []byte) error {
	*f = forms{}
	var one string
	if json.Unmarshal(b, &one) == nil {
		(*f)[plural.Other] = one
		return nil
	}
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
	if _, ok := (*f)[plural.Other]; !ok {
		return fmt.Errorf("%s lacks the form \"other\"", b)
	}
	return nil
}

var (
	known    = load() // the fallback first, as the matcher wants it; then by tag
	fallback = known[0]
	matcher  = newMatcher()
)

// load panics on a broken file: it is part of the binary, and the package's
// own test reads every one.
func load() []*catalogue {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err)
	}
	var out []*catalogue
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		c := &catalogue{tag: strings.TrimSuffix(e.Name(), ".json")}
		if err := json.Unmarshal(b, c); err != nil {
			panic(fmt.Sprintf("locale: %s: %v", e.Name(), err))
		}
		out = append(out, c)
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

func newMatcher() language.Matcher {
	tags := make([]language.Tag, len(known))
	for i, c := range known {
		tags[i] = language.Make(c.tag)
	}
	return language.NewMatcher(tags)
}
