package house

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"latchkey/idp/brand"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

// brandForm is the form of a brand. Its fields have the names that mistakes
// have for them.
type brandForm struct {
	Name    admin.Fields
	Colours []colourField
	Legal   admin.Fields // of the known kinds
	Links   []ownLink    // with labels of their own
	Texts   []languageTexts
}

// colourField is a colour to type, and to pick: whichever was changed counts.
type colourField struct {
	admin.Field
	Pick     string // what the picker shows; it cannot be empty
	Was      string // Value as the page was drawn
	Seen     string // Pick as the page was drawn
	Warnings []string
}

type ownLink struct{ Label, URL admin.Field }

type languageTexts struct {
	Tag, Language string
	Open          bool
	Fields        admin.Fields
}

var colourNames = []string{"primary", "accent", "primary_dark", "accent_dark"}

func colourOf(c *brand.Colours, name string) *brand.Colour {
	switch name {
	case "accent":
		return &c.Accent
	case "primary_dark":
		return &c.PrimaryDark
	case "accent_dark":
		return &c.AccentDark
	}
	return &c.Primary
}

// formOf is the form of what is set.
func formOf(c *page.Context, b brand.Brand, languages []string) brandForm {
	t := c.Words.T
	f := brandForm{Name: admin.Fields{{Name: "name", Label: t("admin.branding.name"), Help: t("admin.branding.name_help"), Value: b.Name}}}
	shown := b.Colours.Whole()
	if shown.Primary == "" {
		shown = brand.Colours{Primary: brand.Default}.Whole()
	}
	for _, name := range colourNames {
		value := string(*colourOf(&b.Colours, name))
		pick := string(*colourOf(&shown, name))
		f.Colours = append(f.Colours, colourField{
			Field: admin.Field{Name: name, Label: t(fmt.Sprintf("admin.branding.colour.%s", name)), Help: t(fmt.Sprintf("admin.branding.colour_help.%s", name)), Value: value},
			Pick:  pick, Was: value, Seen: pick,
		})
	}
	urls := map[string]string{}
	var own []brand.Link
	for _, l := range b.Legal {
		if l.Kind == "" {
			own = append(own, l)
		} else {
			urls[l.Kind] = l.URL
		}
	}
	for _, k := range brand.Kinds() {
		f.Legal = append(f.Legal, admin.Field{Name: "legal." + k, Label: t(fmt.Sprintf("legal.%s", k)), Value: urls[k], Mono: true})
	}
	own = append(own, brand.Link{}) // room for one more
	for i, l := range own {
		f.Links = append(f.Links, ownLink{
			Label: admin.Field{Name: fmt.Sprintf("own.%d.label", i+1), Label: t("admin.branding.link_label"), Value: l.Label},
			URL:   admin.Field{Name: fmt.Sprintf("own.%d.url", i+1), Label: t("admin.branding.link_url"), Value: l.URL, Mono: true},
		})
	}
	for _, tag := range languages {
		f.Texts = append(f.Texts, textsIn(c, b, tag))
	}
	return f
}

func textsIn(c *page.Context, b brand.Brand, tag string) languageTexts {
	name := tag
	for _, l := range locale.Languages() {
		if l.Tag == tag {
			name = l.Name
		}
	}
	return languageTexts{
		Tag: tag, Language: name, Open: b.SignIn[tag]+b.Support[tag] != "" || tag == c.Words.Lang(),
		Fields: admin.Fields{
			{Name: "sign_in." + tag, Type: "textarea", Rows: 3, Label: c.Words.T("admin.branding.sign_in"), Value: b.SignIn[tag]},
			{Name: "support." + tag, Label: c.Words.T("admin.branding.support"), Value: b.Support[tag]},
		},
	}
}

// readBrand reads the form.
func readBrand(c *page.Context, languages []string) brand.Brand {
	b := brand.Brand{Name: c.Form("name"), SignIn: brand.Words{}, Support: brand.Words{}}
	for _, name := range colourNames {
		value, pick := strings.TrimSpace(c.Form(name)), c.Form("pick."+name)
		if pick != c.Form("seen."+name) && value == c.Form("was."+name) {
			value = pick
		}
		*colourOf(&b.Colours, name) = brand.Colour(value)
	}
	for _, k := range brand.Kinds() {
		if at := c.Form("legal." + k); strings.TrimSpace(at) != "" {
			b.Legal = append(b.Legal, brand.Link{Kind: k, URL: at})
		}
	}
	for i := range brand.MostLinks + 1 {
		field := "own." + strconv.Itoa(i+1)
		l := brand.Link{Label: strings.TrimSpace(c.Form(field + ".label")), URL: strings.TrimSpace(c.Form(field + ".url"))}
		if l != (brand.Link{}) {
			b.Legal = append(b.Legal, l)
		}
	}
	for _, tag := range languages {
		b.SignIn[tag], b.Support[tag] = c.Form("sign_in."+tag), c.Form("support."+tag)
	}
	return b
}

// mark puts what is wrong with a brand beside the fields that it is about; the
// form is the one of that brand.
func (f *brandForm) mark(c *page.Context, b brand.Brand, err error) {
	var ms brand.Mistakes
	if !errors.As(err, &ms) {
		return
	}
	for _, m := range ms {
		text := c.Words.T(fmt.Sprintf("admin.branding.wrong.%s", m.Reason))
		if m.Most > 0 {
			text = c.Words.T(fmt.Sprintf("admin.branding.wrong.%s", m.Reason), m.Most)
		}
		if i, own := links(b)[m.Field]; own {
			f.markLink(i, m.Reason, text)
		} else {
			f.put(m.Field, text)
		}
	}
}

// links finds the links with labels of their own by the names that mistakes have
// for them: their label, or their place among all.
func links(b brand.Brand) map[string]int {
	out, n := map[string]int{"legal": 0}, 0
	for i, l := range b.Legal {
		if l.Kind != "" {
			continue
		}
		out["legal."+l.Label], out[fmt.Sprintf("legal.%d", i+1)] = n, n
		n++
	}
	return out
}

func (f *brandForm) markLink(i int, why brand.Reason, text string) {
	if l := &f.Links[i]; why == brand.NoURL || why == brand.TooLong && len(l.URL.Value) > brand.MostURL {
		l.URL.Error = text
	} else {
		l.Label.Error = text
	}
}

// put marks one field.
func (f *brandForm) put(name, text string) {
	f.Name, f.Legal = f.Name.Marked(name, text), f.Legal.Marked(name, text)
	for i := range f.Colours {
		if f.Colours[i].Name == name {
			f.Colours[i].Error = text
		}
	}
	for i := range f.Texts {
		f.Texts[i].Fields = f.Texts[i].Fields.Marked(name, text)
		if strings.HasSuffix(name, "."+f.Texts[i].Tag) {
			f.Texts[i].Open = true
		}
	}
}

// warn says beside the colours which of them are not used as they are, and why.
func (f *brandForm) warn(c *page.Context, warnings []brand.Warning) {
	for _, w := range warnings {
		name, pages := "primary", "admin.branding.on_light"
		if w.Dark {
			name, pages = "primary_dark", "admin.branding.on_dark"
		}
		text := c.Words.T(pages, c.Words.T(fmt.Sprintf("admin.branding.warn.%s", w.Remedy), string(w.Colour), ratio(c, w.Ratio), ratio(c, w.Least), string(w.Used)))
		for i := range f.Colours {
			if f.Colours[i].Name == name {
				f.Colours[i].Warnings = append(f.Colours[i].Warnings, text)
			}
		}
	}
}

// ratio is a contrast as the reader writes numbers.
func ratio(c *page.Context, r float64) string {
	s := strconv.FormatFloat(r, 'f', -1, 64)
	if c.Words.Lang() != locale.Fallback {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}
