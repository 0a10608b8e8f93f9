package idp

import (
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"Zoë Ångström": "zoe angstrom", "MÜLLER-Lüdenscheidt": "muller ludenscheidt", "Straße": "strasse", "Łódź": "lodz", "Øresund": "oresund",
		"ada.king+x@mail.example.org": "ada king x mail example org", "Иван Ёлкин": "иван елкин", "ﬁne ①": "fine 1", "  ": "", "%_'\"": "", "a A á": "a", "Ælfgifu": "aelfgifu",
		"٣٤ 張偉": "٣٤ 張偉", "bad\xffbytes": "bad bytes",
	} {
		if got := strings.Join(Words(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Words(strings.Repeat("x", 500)); len(got) != 1 || len(got[0]) != longestWord {
		t.Errorf("%d words of %d bytes", len(got), len(got[0]))
	}
	many := ""
	for r := 'a'; r <= 'z'; r++ {
		many += string(r) + " " + string(r) + "x "
	}
	if got := Words(many); len(got) != mostWords {
		t.Errorf("%d words", len(got))
	}
}
