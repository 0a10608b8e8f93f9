package brand_test

import (
	"fmt"
	"math"
	"testing"

	"latchkey/idp/brand"
)

// Values of the WCAG 2.2 formula, as other calculators have them.
func TestContrast(t *testing.T) {
	for _, c := range []struct {
		a, b brand.Colour
		want float64
	}{
		{"#000000", "#ffffff", 21}, {"#ffffff", "#000000", 21}, {"#ffffff", "#ffffff", 1},
		{"#767676", "#ffffff", 4.54}, {"#777777", "#ffffff", 4.48}, {"#ff0000", "#ffffff", 4.00}, {"#0000ff", "#ffffff", 8.59},
		{"#ffff00", "#ffffff", 1.07}, {"#714b67", "#ffffff", 7.23}, {"#00a09d", "#ffffff", 3.22}, {"#00a09d", "#000000", 6.52},
	} {
		if got := brand.Contrast(c.a, c.b); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s on %s: %.2f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// every calls f with colours from all over the cube, and its corners.
func every(f func(brand.Colour)) {
	for r := 0; r <= 255; r += 17 {
		for g := 0; g <= 255; g += 17 {
			for b := 0; b <= 255; b += 17 {
				f(brand.Colour(fmt.Sprintf("#%02x%02x%02x", r, g, b)))
			}
		}
	}
}

// quiet is the colour of lesser text, as the style sheet has it.
var quiet = map[bool]brand.Colour{false: "#5b5563", true: "#b6aebf"}

// Whatever somebody chooses, everything can be read and seen (WCAG 2.2, 1.4.3 and
// 1.4.11).
func TestNoColourMakesPagesHardToRead(t *testing.T) {
	check := func(c brand.Colour, dark bool, s brand.Scheme, on brand.Grounds) {
		for what, pair := range map[string][2]brand.Colour{
			"text on a button": {s.OnFill, s.Fill}, "text on it under the pointer": {s.OnFill, s.Hover}, "link on a card": {s.Link, on.Card},
			"link on the ground": {s.Link, on.Ground}, "link on the soft ground": {s.Link, s.Soft}, "link under the pointer": {s.Strong, on.Card},
			"quiet text on the soft ground": {quiet[dark], s.Soft},
		} {
			if k := brand.Contrast(pair[0], pair[1]); k < brand.Readable {
				t.Errorf("%s, dark %t: %s: %s on %s is %.2f", c, dark, what, pair[0], pair[1], k)
			}
		}
		if k := min(brand.Contrast(s.Edge, on.Card), brand.Contrast(s.Edge, on.Ground)); k < brand.Visible {
			t.Errorf("%s, dark %t: edge %s is %.2f", c, dark, s.Edge, k)
		}
		if s.Hover == s.Fill {
			t.Errorf("%s, dark %t: a button is the same under the pointer", c, dark)
		}
	}
	every(func(c brand.Colour) {
		theme := brand.Colours{Primary: c, PrimaryDark: c}.Theme()
		check(c, false, theme.Light, brand.Light)
		check(c, true, theme.Dark, brand.Dark)
		derived := brand.Colours{Primary: c}.Theme()
		check(c, true, derived.Dark, brand.Dark)
		if derived.Light != theme.Light {
			t.Errorf("%s: the light pages hang on the dark ones", c)
		}
	})
}

// A colour that can be used as it is, is.
func TestReadableColoursStay(t *testing.T) {
	for _, c := range []brand.Colour{"#714b67", "#00665e", "#0b5cad", "#8a1538", "#111111"} {
		s := brand.Colours{Primary: c}.Theme().Light
		if s.Fill != c || s.Link != c || s.Edge != c || s.OnFill != brand.White {
			t.Errorf("%s became %+v", c, s)
		}
		if _, warnings, err := brand.Check(brand.Brand{Colours: brand.Colours{Primary: c}}, nil); err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", c, warnings, err)
		}
	}
}

func TestWarningsNameTheRatio(t *testing.T) {
	_, warnings, err := brand.Check(brand.Brand{Colours: brand.Colours{Primary: "#FFCC00", PrimaryDark: "#102040"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.String())
	}
	want := []string{
		"white text on #ffcc00 would have a contrast of 1.51:1 on light pages, and 4.5:1 is needed: buttons have text in #000000",
		"links in #ffcc00 would have a contrast of 1.35:1 on light pages, and 4.5:1 is needed: links are drawn in #856a00",
		"buttons in #ffcc00 have a contrast of 1.35:1 with the ground of light pages, and 3:1 is needed: they have an edge in #a88700",
		"links in #102040 would have a contrast of 1.02:1 on dark pages, and 4.5:1 is needed: links are drawn in #a4aab6",
		"buttons in #102040 have a contrast of 1.02:1 with the ground of dark pages, and 3:1 is needed: they have an edge in #616c81",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		for _, g := range got {
			t.Log(g)
		}
		t.Errorf("want %v", want)
	}
}
