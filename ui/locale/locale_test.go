package locale

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/text/feature/plural"
)

var verb = regexp.MustCompile(`%(\[\d+\])?[a-z%]`)

// Every language has the keys of the fallback, no others, and the same
// placeholders in every form.
func TestComplete(t *testing.T) {
	for _, c := range known {
		c.spoken()
		for key, want := range fallback.spoken().Words {
			got, ok := c.Words[key]
			if !ok {
				t.Errorf("%s lacks %q", c.tag, key)
				continue
			}
			verbs := verb.FindAllString(want[plural.Other], -1)
			for form, s := range got {
				if s == "" {
					continue
				}
				if have := verb.FindAllString(s, -1); !slices.Equal(have, verbs) {
					t.Errorf("%s: %q (%v) has the placeholders %v, want %v", c.tag, key, form, have, verbs)
				}
			}
			if (len(got) > 1) != (len(want) > 1) {
				t.Errorf("%s: %q counts in one language and not in the other", c.tag, key)
			}
		}
		for key := range c.Words {
			if _, ok := fallback.Words[key]; !ok {
				t.Errorf("%s has a key of its own: %q", c.tag, key)
			}
		}
	}
}

func TestLanguageFacts(t *testing.T) {
	for _, c := range known {
		l := c.offered().Language
		if l.Name == "" || l.Dir != "ltr" && l.Dir != "rtl" || len(l.Months) != 12 || l.Date == "" || l.Time == "" || l.Moment == "" {
			t.Errorf("%s: incomplete: %+v", c.tag, l)
		}
	}
}

func TestFor(t *testing.T) {
	for _, c := range []struct {
		choices []string
		header  string
		want    string
	}{
		{nil, "", "en"},
		{[]string{"fr"}, "en", "fr"},
		{[]string{"", "xx", "fr-CA"}, "en", "fr"},
		{[]string{"fr_BE"}, "", "fr"},
		{[]string{"se", "ja en fr"}, "fr", "en"},
		{nil, "fr-CH, en;q=0.5", "fr"},
		{nil, "en;q=0.5, fr;q=0.9", "fr"},
		{[]string{"es_MX"}, "", "es"},
		{nil, "it-CH, fr;q=0.5", "it"},
		{nil, "ja", "en"},
		{[]string{"<script>"}, "\x00;;q", "en"},
	} {
		if got := For(c.choices, c.header).Lang(); got != c.want {
			t.Errorf("For(%q, %q) = %s, want %s", c.choices, c.header, got, c.want)
		}
	}
}

func TestPlural(t *testing.T) {
	p, _ := Find("fr")
	for n, want := range map[int]string{0: "one", 1: "one", 2: "other", 10: "other"} {
		if got := p.catalogue().form(n); got != formNames[want] {
			t.Errorf("French %d is %v, want %s", n, got, want)
		}
	}
	e, _ := Find("en")
	for n, want := range map[int]string{0: "other", 1: "one", 2: "other"} {
		if got := e.catalogue().form(n); got != formNames[want] {
			t.Errorf("English %d is %v, want %s", n, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2027, time.March, 1, 9, 5, 0, 0, time.UTC)
	for tag, want := range map[string][2]string{
		"en": {"1 March 2027", "1 March 2027, 09:05 UTC"},
		"es": {"1 de marzo de 2027", "1 de marzo de 2027 a las 09:05 UTC"},
		"fr": {"1er mars 2027", "1er mars 2027 à 09:05 UTC"},
		"it": {"1º marzo 2027", "1º marzo 2027 alle ore 09:05 UTC"},
		"de": {"1.\u00a0März 2027", "1.\u00a0März 2027, 09:05\u00a0Uhr\u00a0UTC"},
		"nl": {"1\u00a0maart 2027", "1\u00a0maart 2027 om 09:05\u00a0UTC"},
	} {
		p, ok := Find(tag)
		if !ok {
			t.Fatalf("no %s", tag)
		}
		if got := p.Date(at); got != want[0] {
			t.Errorf("%s: %q, want %q", tag, got, want[0])
		}
		if got := p.DateTime(at); got != want[1] {
			t.Errorf("%s: %q, want %q", tag, got, want[1])
		}
	}
}
