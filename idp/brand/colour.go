package brand

import (
	"fmt"
	"math"
	"strconv"
)

// Colour is #rrggbb in small letters. Anything else is refused by [Check]; the
// arithmetic takes it for black.
type Colour string

// Text on something filled is one of these.
const (
	White Colour = "#ffffff"
	Black Colour = "#000000"
)

// Readable and Visible are the least contrasts of WCAG 2.2: of text (1.4.3) and of
// what a control is recognised by (1.4.11).
const (
	Readable = 4.5
	Visible  = 3
)

// RGB is the three channels, 0 to 255.
func (c Colour) RGB() (r, g, b uint8) {
	if !c.valid() {
		return 0, 0, 0
	}
	n, _ := strconv.ParseUint(string(c[1:]), 16, 32) // six checked digits
	return uint8(n >> 16), uint8(n >> 8), uint8(n)
}

func (c Colour) valid() bool {
	if len(c) != 7 || c[0] != '#' {
		return false
	}
	for _, d := range c[1:] {
		if (d < '0' || d > '9') && (d < 'a' || d > 'f') {
			return false
		}
	}
	return true
}

func colour(r, g, b float64) Colour {
	return Colour(fmt.Sprintf("#%02x%02x%02x", uint8(math.Round(r)), uint8(math.Round(g)), uint8(math.Round(b))))
}

// luminance is the relative luminance, 0 to 1 (WCAG 2.2 §7).
func (c Colour) luminance() float64 {
	r, g, b := c.RGB()
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// Contrast is the ratio of two colours, 1 to 21 (WCAG 2.2 §7).
func Contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// On is the colour of text on a ground: white where that can be read, and black
// elsewhere. One of the two always reaches 4.58, the root of 21, so no colour
// needs to be refused.
func On(ground Colour) Colour {
	if Contrast(White, ground) >= Readable {
		return White
	}
	return Black
}

// mix is a with a share of b, 0 to 1.
func mix(a, b Colour, share float64) Colour {
	ar, ag, ab := a.RGB()
	br, bg, bb := b.RGB()
	part := func(x, y uint8) float64 { return float64(x)*(1-share) + float64(y)*share }
	return colour(part(ar, br), part(ag, bg), part(ab, bb))
}

// toward moves a colour to another in small steps until it has a contrast with all
// grounds, which the other one has.
func toward(c, other Colour, least float64, grounds ...Colour) Colour {
	const steps = 50
	for i := range steps {
		near, enough := mix(c, other, float64(i)/steps), true
		for _, g := range grounds {
			enough = enough && Contrast(near, g) >= least
		}
		if enough {
			return near
		}
	}
	return other
}
