package word

import (
	"math"
	"strings"
	"testing"
)

// T-09: 50 bits a code, every letter in use, none that looks like another.
func TestNew(t *testing.T) {
	if bits := Length * math.Log2(float64(len(alphabet))); bits < 50 {
		t.Errorf("%v bits a code", bits)
	}
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 500 {
		c := New()
		if len(c) != Length || strings.ContainsAny(c, "oilu") || seen[c] || Read(c) != c || Read(Shown(c)) != c {
			t.Errorf("code %q, shown as %q", c, Shown(c))
		}
		seen[c] = true
		for _, r := range c {
			letters[r] = true
		}
	}
	if len(letters) != len(alphabet) {
		t.Errorf("500 codes use %d letters of %d", len(letters), len(alphabet))
	}
}

// Codes are read off paper or heard: case, grouping and look-alikes do not
// matter. All else is no code.
func TestRead(t *testing.T) {
	for in, want := range map[string]string{
		"01abc-d1e0f": "01abcd1e0f", "OIABC DLEOF": "01abcd1e0f", "o l a b c d i e o f": "01abcd1e0f", "01abc\u00a0d1e0f": "01abcd1e0f",
		"": "", "01abcd1e0": "", "01abcd1e0f0": "", "01abcdue0f": "", "01abcd1e0ｆ": "", "01ab\u0441d1e0f": "", "01abcd1e0f\x00": "", "\xff\xfe": "",
		strings.Repeat("1", 1<<16): "", strings.Repeat(" ", 1<<16) + "01abcd1e0f": "",
	} {
		if got := Read(in); got != want {
			t.Errorf("%.20q: %q, want %q", in, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("01abc-d1e0f")
	f.Fuzz(func(t *testing.T, in string) {
		if c := Read(in); c != "" && (len(c) != Length || Read(Shown(c)) != c) {
			t.Errorf("%q became %q", in, c)
		}
	})
}
