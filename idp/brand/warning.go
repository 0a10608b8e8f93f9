package brand

import (
	"fmt"
	"math"
)

// Remedy is what was done about a colour that would be hard to see.
type Remedy string

// Remedies; pages have a sentence for each.
const (
	BlackText  Remedy = "text" // black text on buttons, for white is hard to read
	OtherLinks Remedy = "link" // links have a colour of their own
	WithEdge   Remedy = "edge" // buttons have an edge, for they hardly stand out
)

// Warning says that a colour was not used as it is, and why.
type Warning struct {
	Remedy Remedy  `json:"remedy"`
	Dark   bool    `json:"dark"`   // on dark pages; else on light ones
	Colour Colour  `json:"colour"` // as given, or as derived for dark pages
	Ratio  float64 `json:"ratio"`  // that it would have
	Least  float64 `json:"least"`  // that is needed
	Used   Colour  `json:"used"`   // instead
}

func (w Warning) String() string {
	pages := "light"
	if w.Dark {
		pages = "dark"
	}
	says := map[Remedy]string{
		BlackText:  "white text on %s would have a contrast of %g:1 on %s pages, and %g:1 is needed: buttons have text in %s",
		OtherLinks: "links in %s would have a contrast of %g:1 on %s pages, and %g:1 is needed: links are drawn in %s",
		WithEdge:   "buttons in %s have a contrast of %g:1 with the ground of %s pages, and %g:1 is needed: they have an edge in %s",
	}
	return fmt.Sprintf(says[w.Remedy], w.Colour, w.Ratio, pages, w.Least, w.Used)
}

// warnings says what the theme does with the colours.
func (c Colours) warnings() (out []Warning) {
	if c.Primary == "" {
		return nil
	}
	t := c.Theme()
	for _, p := range []struct {
		s    Scheme
		on   Grounds
		dark bool
	}{{t.Light, Light, false}, {t.Dark, Dark, true}} {
		if p.s.OnFill == Black {
			out = append(out, Warning{BlackText, p.dark, p.s.Fill, down(Contrast(White, p.s.Fill)), Readable, Black})
		}
		if p.dark && c.PrimaryDark == "" {
			continue // what is derived for dark pages is ours, and so are its links
		}
		if p.s.Link != p.s.Fill {
			lowest := min(Contrast(p.s.Fill, p.on.Card), Contrast(p.s.Fill, p.on.Ground), Contrast(p.s.Fill, p.s.Soft))
			out = append(out, Warning{OtherLinks, p.dark, p.s.Fill, down(lowest), Readable, p.s.Link})
		}
		if p.s.Edge != p.s.Fill {
			out = append(out, Warning{WithEdge, p.dark, p.s.Fill, down(min(Contrast(p.s.Fill, p.on.Card), Contrast(p.s.Fill, p.on.Ground))), Visible, p.s.Edge})
		}
	}
	return out
}

// down keeps two digits, and never says that a ratio is enough when it is not.
func down(ratio float64) float64 { return math.Floor(ratio*100) / 100 }
