package brand

// Theme is the colours of pages, made of a brand's: what can be read stays so,
// whatever somebody chose.
type Theme struct{ Light, Dark Scheme }

// Scheme is the colours of light pages or of dark ones.
type Scheme struct {
	Fill   Colour // of buttons
	OnFill Colour // text on Fill and on Hover
	Hover  Colour // of a button under the pointer
	Edge   Colour // around what is filled, and of lines; visible on cards and on the ground
	Link   Colour // readable on cards, on the ground and on Soft
	Strong Colour // a link under the pointer
	Soft   Colour // a ground with a touch of the brand
	Stripe Colour // ornaments
}

// Grounds are what pages are drawn on, as the style sheet has them.
type Grounds struct {
	Card, Ground, Far Colour  // Far is the way to more contrast
	Ease              float64 // the contrast of links that get a colour of ours; 4.5 is tiring on dark pages
}

// The grounds of light and dark pages.
var (
	Light = Grounds{Card: "#ffffff", Ground: "#f4f2f5", Far: Black, Ease: Readable}
	Dark  = Grounds{Card: "#211d28", Ground: "#16131a", Far: White, Ease: 7}
)

// Default is what pages have without a brand.
const Default Colour = "#714b67"

// Shares of one colour in another.
const (
	softShare   = 0.08
	hoverShare  = 0.16
	strongShare = 0.25
	least       = 1.08 // contrast at which two fills can be told apart
)

// Whole fills in the colours that were left to us. Without a primary colour there
// are none, and neither are there any if one is not a colour: what comes out is
// fit for a style sheet, wherever it came from.
func (c Colours) Whole() Colours {
	for _, v := range c.named() {
		if *v != "" && !v.valid() {
			return Colours{}
		}
	}
	if c.Primary == "" {
		return Colours{}
	}
	if c.PrimaryDark == "" {
		c.PrimaryDark = toward(c.Primary, White, Visible, Dark.Card)
	}
	if c.AccentDark == "" {
		if c.Accent == "" {
			c.AccentDark = c.PrimaryDark
		} else {
			c.AccentDark = toward(c.Accent, White, Visible, Dark.Card)
		}
	}
	if c.Accent == "" {
		c.Accent = c.Primary
	}
	return c
}

// Theme makes the colours of pages.
func (c Colours) Theme() Theme {
	c = c.Whole()
	return Theme{Light: scheme(c.Primary, c.Accent, Light), Dark: scheme(c.PrimaryDark, c.AccentDark, Dark)}
}

func scheme(primary, accent Colour, on Grounds) Scheme {
	s := Scheme{Fill: primary, OnFill: On(primary), Stripe: accent, Soft: mix(on.Card, primary, softShare)}
	away := White
	if s.OnFill == White {
		away = Black
	}
	s.Hover = mix(primary, away, hoverShare)
	if near := mix(primary, s.OnFill, hoverShare); Contrast(primary, s.Hover) < least && Contrast(near, s.OnFill) >= Readable {
		s.Hover = near // it is nearly white or black itself
	}
	s.Edge = toward(primary, on.Far, Visible, on.Card, on.Ground)
	grounds := []Colour{on.Card, on.Ground, s.Soft}
	if s.Link = toward(primary, on.Far, Readable, grounds...); s.Link != primary {
		s.Link = toward(primary, on.Far, on.Ease, grounds...)
	}
	s.Strong = mix(s.Link, on.Far, strongShare)
	return s
}
