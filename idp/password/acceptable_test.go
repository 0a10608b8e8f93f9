package password

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
)

// length alone, counted in code points of the prepared text; no rules
// about kinds of characters.
func TestLength(t *testing.T) {
	for _, c := range []struct {
		plain string
		least int
		want  error
	}{
		{"qmvbtzkw", 8, nil}, {"qmvbtzk", 8, ErrShort}, {"ёжик-бэй", 8, nil}, {"😀🐎🔋📎🎲🧭🪁", 8, ErrShort}, {"😀🐎🔋📎🎲🧭🪁🧊", 8, nil},
		{"e\u0301e\u0300e\u0302e\u0308", 8, ErrShort}, // eight code points typed, four letters
		{"seventy-two owl", 15, nil}, {"seventy-two ow", 15, ErrShort},
		{"73915204", 8, nil}, {"        x       ", 8, nil}, {"", 8, ErrEmpty}, {"tab\tinside", 8, ErrText},
		{strings.Repeat("ab cd ", 42) + "xyz", 8, nil},
	} {
		if err := Acceptable(c.plain, c.least); !errors.Is(err, c.want) {
			t.Errorf("%q, least %d: %v, want %v", c.plain, c.least, err, c.want)
		} else if err != nil && !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v is no ErrInvalid", c.plain, err)
		}
	}
}

// at least 3000 common passwords that are long enough to be chosen, in
// whatever case.
func TestCommon(t *testing.T) {
	var words []string
	for line := range strings.Lines(commonText) {
		if !strings.HasPrefix(line, "#") {
			words = append(words, strings.TrimSuffix(line, "\n"))
		}
	}
	if !slices.IsSorted(words) {
		t.Fatal("the list is not sorted, so it cannot be searched")
	}
	long := 0
	for _, w := range words {
		if !common(w) {
			t.Errorf("%q is not found", w)
		}
		if len(w) < 8 {
			continue
		}
		long++
		if err := Acceptable(strings.ToUpper(w), 8); !errors.Is(err, ErrCommon) {
			t.Errorf("%q: %v, want ErrCommon", strings.ToUpper(w), err)
		}
	}
	if long < 3000 {
		t.Errorf("%d passwords of 8 characters and more, want 3000", long)
	}
	for _, w := range []string{"", "#", "\n", "password\nx", "qmvbtzkw", "zzzzzzzzzzzzzzzz!", "!", "~~~~~~~~~~", "passwordq1x", "a", strings.SplitN(commonText, "\n", 2)[0]} {
		if common(w) {
			t.Errorf("%q is found", w)
		}
	}
}

// names and common passwords count for nothing.
func TestGuessable(t *testing.T) {
	context := []string{"Müller & So\u0308hne GmbH", "Ada Lovelace", "ada.lovelace+erp@example.org", "X"}
	for plain, want := range map[string]error{
		"AdaLovelace":             ErrGuessable,
		"lovelace-1815!":          ErrGuessable,
		"Müller2026":              ErrGuessable,
		"SÖHNE söhne 1":           ErrGuessable,
		"Latchkey2026!":           ErrGuessable,
		"latchkeylatchkey":        ErrGuessable,
		"Password2026!":           ErrGuessable,
		"!!Trustno1!!":            ErrGuessable,
		"12345678":                ErrCommon,
		"abcdefghijklmnop":        ErrCommon,
		"98765432":                ErrCommon,
		"aaaaaaaaaaaaaaaa":        ErrCommon,
		"xyxyxyxyxyxyxyxy":        ErrCommon,
		"sunshinesunshine":        ErrCommon,
		"ada-owns-72-owls":        nil,
		"lovelace wrote about it": nil,
		"xxqmvbtzkw":              nil, // a name of one letter is in everything
		"correct horse battery":   nil,
	} {
		if err := Acceptable(plain, 8, context...); !errors.Is(err, want) || (want == nil && err != nil) {
			t.Errorf("%q: %v, want %v", plain, err, want)
		}
	}
}

func FuzzAcceptable(f *testing.F) {
	f.Add("correct horse", "Ada Lovelace")
	f.Add("ＰＡＳＳＷＯＲＤ", "İ")
	f.Add("\xff\x00", "\xff")
	f.Fuzz(func(t *testing.T, plain, context string) {
		err := Acceptable(plain, 8, context)
		if err != nil && !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v is no ErrInvalid", plain, err)
		}
		if err == nil {
			if _, err := New(cheap, 1, 0).Hash(t.Context(), plain); err != nil {
				t.Errorf("%q is acceptable, but %v", plain, err)
			}
		}
	})
}
