// Package brand says how the house looks to people, and each application that
// wants to look different: name, colours, logo, legal links, a text on the
// sign-in page. An administrator sets it and it is data, never code: plain texts,
// checked colours and addresses, pictures drawn anew (SECURITY.md ).
//
// It does the arithmetic of contrast, so that no choice of colours makes a page
// hard to read. It draws nothing and knows no page.
package brand

import (
	"maps"
	"slices"
	"strings"

	"latchkey/idp"
)

// Brand is what somebody set. What is left empty comes from the brand below: a
// client's lies over the house's, and the house's over the configuration.
type Brand struct {
	Name    string  `json:"name,omitempty"`
	Colours Colours `json:"colours,omitzero"`
	Legal   []Link  `json:"legal,omitempty"`
	SignIn  Words   `json:"sign_in,omitempty"` // on the sign-in page; may have several lines
	Support Words   `json:"support,omitempty"` // one line on every page: whom to ask
	// Logo is for light pages, and for dark ones, too, unless LogoDark is there.
	// They are set by SetLogo alone.
	Logo     Logo `json:"logo,omitzero"`
	LogoDark Logo `json:"logo_dark,omitzero"`
}

// Colours are used together or not at all: Primary fills buttons and colours
// links; Accent is for ornaments. Those for dark pages are derived when they are
// empty, and the accent is the primary colour then.
type Colours struct {
	Primary     Colour `json:"primary,omitempty"`
	Accent      Colour `json:"accent,omitempty"`
	PrimaryDark Colour `json:"primary_dark,omitempty"`
	AccentDark  Colour `json:"accent_dark,omitempty"`
}

// Kinds of legal link. They are called by their names in the reader's language.
const (
	Privacy = "privacy"
	Terms   = "terms"
	Imprint = "imprint"
	Help    = "support"
)

// Kinds lists them in the order in which pages show them.
func Kinds() []string { return []string{Privacy, Terms, Imprint, Help} }

// Link stands at the foot of every page and mail. Kind is one of [Kinds], or empty
// for a link that has its own Label.
type Link struct {
	Kind  string `json:"kind,omitempty"`
	Label string `json:"label,omitempty"`
	URL   string `json:"url"` // https: or mailto:
}

// Name is its kind or its label: there is one link of each.
func (l Link) Name() string {
	if l.Kind != "" {
		return l.Kind
	}
	return l.Label
}

// Words is a plain text in several languages, by tag.
type Words map[string]string

// In is the text for a reader of a language and the language that it is in:
// theirs, or English, or the first there is.
func (w Words) In(lang string) (text, in string) {
	short, _, _ := strings.Cut(lang, "-")
	for _, l := range append([]string{lang, short, "en"}, slices.Sorted(maps.Keys(w))...) {
		if w[l] != "" {
			return w[l], l
		}
	}
	return "", ""
}

// Logo names a stored picture, a PNG.
type Logo struct {
	Hash   string `json:"hash,omitempty"` // hex SHA-256 of the PNG
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

// Empty reports whether nothing is set.
func (b Brand) Empty() bool {
	return b.Name == "" && b.Colours == Colours{} && len(b.Legal)+len(b.SignIn)+len(b.Support) == 0 && b.Logo == Logo{} && b.LogoDark == Logo{}
}

// Over fills what is empty from another brand. Colours come from one brand only,
// and so do logos and the languages of a text: what belongs together is never
// mixed. Links are replaced one by one, because whoever runs the house stays
// responsible for it.
func (b Brand) Over(below Brand) Brand {
	if b.Name == "" {
		b.Name = below.Name
	}
	if b.Colours == (Colours{}) {
		b.Colours = below.Colours
	}
	if b.Logo == (Logo{}) && b.LogoDark == (Logo{}) {
		b.Logo, b.LogoDark = below.Logo, below.LogoDark
	}
	if len(b.SignIn) == 0 {
		b.SignIn = below.SignIn
	}
	if len(b.Support) == 0 {
		b.Support = below.Support
	}
	b.Legal = slices.Clone(b.Legal)
	for _, l := range below.Legal {
		if !slices.ContainsFunc(b.Legal, func(own Link) bool { return own.Name() == l.Name() }) {
			b.Legal = append(b.Legal, l)
		}
	}
	b.Legal = ordered(b.Legal)
	return b
}

// ordered puts the known kinds first; others stay in the order they came in.
func ordered(links []Link) []Link {
	rank := func(l Link) int {
		if i := slices.Index(Kinds(), l.Kind); i >= 0 {
			return i
		}
		return len(Kinds())
	}
	slices.SortStableFunc(links, func(x, y Link) int { return rank(x) - rank(y) })
	return links
}

// fields is a brand as the log of events shows it. Pictures are named by hash.
func (b Brand) fields() map[string]string {
	out := map[string]string{}
	put := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	put("name", b.Name)
	for name, c := range b.Colours.named() {
		put(name, string(*c))
	}
	for _, l := range b.Legal {
		put("legal."+l.Name(), l.URL)
	}
	for lang, text := range b.SignIn {
		put("sign_in."+lang, text)
	}
	for lang, text := range b.Support {
		put("support."+lang, text)
	}
	put("logo", b.Logo.Hash)
	put("logo_dark", b.LogoDark.Hash)
	return out
}

// changed is the detail of an event.
func changed(before, after Brand) map[string]string {
	return idp.Diff(before.fields(), after.fields())
}
