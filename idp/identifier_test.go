package idp_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/idp"
)

// one canonical form, look-alikes share a skeleton, mixtures are refused.
func TestIdentify(t *testing.T) {
	for _, test := range []struct{ a, b string }{
		{"Ada", " ada "},
		{"ADA@Example.ORG", "ada@example.org"},
		{"ａｄａ", "ada"},            // full width
		{"ﬁona", "fiona"},         // ligature
		{"STRASSE", "straße"},     // case folding
		{"e\u0301va", "\u00c9VA"}, // composed and not
	} {
		a, err := idp.Identify(test.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := idp.Identify(test.b)
		if err != nil || a != b {
			t.Errorf("%q and %q: %+v, %+v, %v", test.a, test.b, a, b, err)
		}
	}
	latin, _ := idp.Identify("rac@example.org")
	cyrillic, err := idp.Identify("гас@example.org")
	if err != nil || latin.Canonical == cyrillic.Canonical || latin.Skeleton != cyrillic.Skeleton {
		t.Errorf("a whole Cyrillic look-alike: %+v, %+v, %v", latin, cyrillic, err)
	}
	for _, bad := range []string{"", "   ", "\u0430da", "ad\x00a", "a\u200bda", "a\u202eda", strings.Repeat("x", 255), "a\xffb"} {
		if got, err := idp.Identify(bad); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("Identify(%q) = %+v, %v; want ErrInvalid", bad, got, err)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	for _, s := range []string{"ada", "ADA@Example.org", "\u0430da", "ﬁ", "İ", "ẞ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := idp.Identify(s)
		if err != nil {
			return
		}
		twice, err := idp.Identify(once.Canonical)
		if err != nil || twice != once {
			t.Errorf("%q: %+v, then %+v, %v", s, once, twice, err)
		}
	})
}
