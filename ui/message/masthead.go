package message

import (
	"cmp"
	"fmt"

	"latchkey/idp/brand"
	"latchkey/ui/locale"
)

// masthead is how the house looks in a mail: its name on its colour, and its legal
// links. No picture: one that is loaded from us would tell who reads when.
type masthead struct {
	Brand       string
	Ground, Ink brand.Colour
	Support     string
	Legal       []fact
}

// mastheadOf is that of the house, or of a name where there is no house to ask.
func mastheadOf(p locale.Printer, name string, house func() brand.Brand) masthead {
	b := brand.Brand{Name: name}
	if house != nil {
		b = house()
	}
	m := masthead{Brand: line(cmp.Or(b.Name, name)), Ground: cmp.Or(b.Colours.Whole().Primary, brand.Default)}
	m.Ink = brand.On(m.Ground)
	support, _ := b.Support.In(p.Lang())
	m.Support = short(support, brand.MostSupport)
	for _, l := range b.Legal {
		label := line(l.Label)
		if l.Kind != "" {
			label = p.T(fmt.Sprintf("legal.%s", l.Kind))
		}
		m.Legal = append(m.Legal, fact{label, l.URL})
	}
	return m
}
