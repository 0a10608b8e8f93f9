package house

import (
	"latchkey/idp/brand"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// preview is a sign-in card as people will see it, on light and on dark pages.
type preview struct{ Cards []card }

type card struct {
	Class, Title   string // Class is of the style sheet
	Name           string
	Logo           *picturePreview
	SignIn, SignAs string // the text and its language
	Support        string
	SupportAs      string
	Legal          []string
}

// picturePreview is a logo; Paper is what it needs behind it on pages of the
// other kind.
type picturePreview struct {
	URL           string
	Width, Height int
	Wide, Paper   bool
	Alt           string // a wide one is a name by itself
}

func previewOf(c *page.Context, b brand.Brand) preview {
	base := card{Name: b.Name}
	base.SignIn, base.SignAs = b.SignIn.In(c.Words.Lang())
	base.Support, base.SupportAs = b.Support.In(c.Words.Lang())
	for _, l := range b.Legal {
		label := l.Label
		if l.Kind != "" {
			label = c.Words.T("legal." + l.Kind)
		}
		base.Legal = append(base.Legal, label)
	}
	light, dark := base, base
	light.Class, light.Title, light.Logo = "looks-light", c.Words.T("admin.branding.light"), logoOn(b.Logo, b.LogoDark)
	dark.Class, dark.Title, dark.Logo = "looks-dark", c.Words.T("admin.branding.dark"), logoOn(b.LogoDark, b.Logo)
	for _, l := range []*picturePreview{light.Logo, dark.Logo} {
		if l != nil && l.Wide {
			l.Alt = b.Name
		}
	}
	return preview{[]card{light, dark}}
}

// logoOn is the logo that is for a kind of pages, or the other one on paper.
func logoOn(own, other brand.Logo) *picturePreview {
	l := own
	if l.Hash == "" {
		l = other
	}
	if l.Hash == "" {
		return nil
	}
	const wide = 2 // times its height, as on the pages themselves
	return &picturePreview{URL: page.LogoURL(l), Width: l.Width, Height: l.Height, Wide: l.Width >= wide*l.Height, Paper: own.Hash == ""}
}

// logoField is the form of one of the two logos.
type logoField struct {
	Dark  bool
	ID    string
	Shown *picturePreview
	Field admin.Field
}

func logoFields(c *page.Context, b brand.Brand) []logoField {
	shown := func(l brand.Logo) *picturePreview {
		if l.Hash == "" {
			return nil
		}
		return logoOn(l, brand.Logo{})
	}
	const kinds = "image/png,image/jpeg,image/gif,image/webp"
	return []logoField{
		{ID: "logo-light", Shown: shown(b.Logo), Field: admin.Field{Name: "logo", Type: "file", Accept: kinds, Label: c.Words.T("admin.branding.logo_light"), Help: c.Words.T("admin.branding.logo_help")}},
		{ID: "logo-dark", Dark: true, Shown: shown(b.LogoDark), Field: admin.Field{Name: "logo", Type: "file", Accept: kinds, Label: c.Words.T("admin.branding.logo_dark"), Help: c.Words.T("admin.branding.logo_dark_help")}},
	}
}
