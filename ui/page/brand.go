package page

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/ui/assets"
	"latchkey/ui/locale"
)

// Brands says how pages look; see [brand.Service]. It is asked for every page and
// answers from memory.
type Brands interface {
	// Look is for people on their way to a client; empty: on our own pages.
	Look(ctx context.Context, client idp.ClientID) (brand.Brand, error)
	// Image fails with idp.ErrNotFound.
	Image(ctx context.Context, hash string) ([]byte, error)
}

// brandPath is where style sheets and logos of brands are.
const brandPath = "/brand/"

// Dress gives the page the looks of the client that somebody is on their way to;
// one that is not known has none of its own.
func (c *Context) Dress(client idp.ClientID) { c.client = client }

// Brand is the name of the house.
func (c *Context) Brand() string { return c.site.brand(c.Context(), "").Name }

// brand never fails: a page that tells of a database that is down has to look like
// something, too.
func (s *Site) brand(ctx context.Context, client idp.ClientID) brand.Brand {
	plain := brand.Brand{Name: s.name}
	if s.brands == nil {
		return plain
	}
	b, err := s.brands.Look(ctx, client)
	if err != nil {
		return plain
	}
	return b
}

// look is a brand as the frame draws it.
type look struct {
	Name    string
	Sheet   string // address of the colours; empty: those of the style sheet
	Tint    string // of the browser's own frame around a light page
	Icon    string
	Logo    *logo
	Legal   []anchor
	SignIn  said
	Support said
}

// logo is a picture. A wide one is a name by itself.
type logo struct {
	URL           string
	Width, Height int
	Wide          bool
	Dark          *logo  // for dark pages
	Class         string // what it needs behind it on the other kind of page
}

type anchor struct{ Name, Label, URL string }

// said is a text that an administrator wrote, and its language.
type said struct{ Lang, Text string }

// look is how pages for people on their way to a client are drawn.
func (s *Site) look(ctx context.Context, client idp.ClientID, words locale.Printer) look {
	b := s.brand(ctx, client)
	colours := s.sheets.of(b.Colours)
	out := look{
		Name: b.Name, Tint: colours.tint, Sheet: colours.url, Logo: logoOf(b), Icon: assets.URL("logo.svg"),
		SignIn: saidIn(b.SignIn, words.Lang()), Support: saidIn(b.Support, words.Lang()),
	}
	if out.Logo != nil && !out.Logo.Wide {
		out.Icon = out.Logo.URL
	}
	for _, l := range b.Legal {
		a := anchor{Name: l.Kind, Label: l.Label, URL: l.URL}
		if l.Kind != "" {
			a.Label = words.T(fmt.Sprintf("legal.%s", l.Kind))
		}
		out.Legal = append(out.Legal, a)
	}
	return out
}

func saidIn(w brand.Words, lang string) said {
	text, in := w.In(lang)
	return said{in, text}
}

func logoOf(b brand.Brand) *logo {
	draw := func(l brand.Logo) *logo {
		if l.Hash == "" {
			return nil
		}
		const wide = 2 // times its height
		return &logo{URL: LogoURL(l), Width: l.Width, Height: l.Height, Wide: l.Width >= wide*l.Height}
	}
	light, dark := draw(b.Logo), draw(b.LogoDark)
	switch {
	case light == nil && dark == nil:
		return nil
	case light == nil:
		dark.Class = "for-dark"
		return dark
	case dark == nil:
		light.Class = "for-light"
	}
	light.Dark = dark
	return light
}

// LogoURL is the address of a logo.
func LogoURL(l brand.Logo) string { return brandPath + l.Hash + ".png" }

// sheetURL is the address of the style sheet of a brand's colours. It names them,
// so that every instance can answer, also for pages that were drawn before a
// change; its sum changes when what is made of them does.
func sheetURL(c brand.Colours) string {
	if c = c.Whole(); c.Primary == "" {
		return ""
	}
	var parts []string
	for _, one := range []brand.Colour{c.Primary, c.Accent, c.PrimaryDark, c.AccentDark} {
		parts = append(parts, strings.TrimPrefix(string(one), "#"))
	}
	return brandPath + strings.Join(parts, "-") + "." + sum(sheet(c)) + ".css"
}

// sheets remembers what pages need of colours: every page asks, and it takes
// arithmetic.
type sheets struct{ known sync.Map }

type sheetOf struct{ url, tint string }

func (s *sheets) of(c brand.Colours) sheetOf {
	if known, ok := s.known.Load(c); ok {
		return known.(sheetOf)
	}
	out := sheetOf{sheetURL(c), string(cmp.Or(c.Whole().Primary, brand.Default))}
	s.known.Store(c, out) // as many as there are brands
	return out
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:8])
}

// sheet is the style sheet of colours: of these and nothing else, so that the
// Content-Security-Policy stays as strict as without brands (SECURITY.md X-03).
func sheet(c brand.Colours) string {
	t := c.Theme()
	return ":root{" + properties(t.Light) + "}\n" + ticks(t.Light) +
		"@media (prefers-color-scheme:dark){\n:root{" + properties(t.Dark) + "}\n" + ticks(t.Dark) + "}\n"
}

func properties(s brand.Scheme) string {
	dot := s.Stripe
	if brand.Contrast(dot, s.Fill) < brand.Visible {
		dot = s.OnFill
	}
	var b strings.Builder
	for _, p := range []struct {
		name  string
		value brand.Colour
	}{
		{"house-accent", s.Fill}, {"house-on-accent", s.OnFill}, {"house-accent-hover", s.Hover}, {"house-edge", s.Edge}, {"house-soft", s.Soft},
		{"house-focus", s.Link}, {"house-stripe", s.Stripe}, {"house-dot", dot}, {"bs-primary", s.Fill}, {"bs-link-color", s.Link}, {"bs-link-hover-color", s.Strong},
	} {
		fmt.Fprintf(&b, "--%s:%s;", p.name, p.value)
		if strings.HasPrefix(p.name, "bs-") { // Bootstrap wants these as numbers, too
			red, green, blue := p.value.RGB()
			fmt.Fprintf(&b, "--%s-rgb:%d,%d,%d;", p.name, red, green, blue)
		}
	}
	return b.String()
}

// ticks are the marks in boxes that are filled with the primary colour.
func ticks(s brand.Scheme) string {
	ink := "%23" + strings.TrimPrefix(string(s.OnFill), "#")
	return ".form-check-input:checked[type=checkbox]{--bs-form-check-bg-image:url(\"data:image/svg+xml,%3csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'%3e" +
		"%3cpath fill='none' stroke='" + ink + "' stroke-linecap='round' stroke-linejoin='round' stroke-width='3' d='m6 10 3 3 6-6'/%3e%3c/svg%3e\")}\n" +
		".form-check-input:checked[type=radio]{--bs-form-check-bg-image:url(\"data:image/svg+xml,%3csvg xmlns='http://www.w3.org/2000/svg' viewBox='-4 -4 8 8'%3e" +
		"%3ccircle r='2' fill='" + ink + "'/%3e%3c/svg%3e\")}\n"
}

// branded serves style sheets and logos. Their addresses say what is in them.
func (s *Site) branded(g *gin.Context) {
	name := g.Param("file")
	body, kind, err := []byte(nil), "", error(nil)
	switch file, ext, _ := cutLast(name, "."); ext {
	case "css":
		kind = "text/css; charset=utf-8"
		body, err = readSheet(file)
	case "png":
		kind = "image/png"
		body, err = s.image(g, file)
	default:
		err = idp.ErrNotFound
	}
	if err != nil {
		s.From(g.Writer, g.Request).Fail(err)
		return
	}
	h := g.Writer.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(assets.Age)+", immutable")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A picture that somebody uploaded is opened as a document by its address: it
	// can do nothing there (SECURITY.md X-09).
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if g.Request.Method != http.MethodHead {
		_, _ = g.Writer.Write(body) // the reader may have gone away
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Both is the address of a style sheet that shows colours as light and as dark
// pages have them, side by side: inside of what has the class looks-light or
// looks-dark, whatever the reader's own pages are. Without colours it is the
// plain house's.
func Both(c brand.Colours) string {
	if c = c.Whole(); c.Primary == "" {
		c = brand.Colours{Primary: brand.Default}.Whole()
	}
	return strings.TrimSuffix(sheetURL(c), ".css") + both + ".css"
}

// both ends the name of such a style sheet.
const both = ".both"

func bothSheet(c brand.Colours) string {
	t := c.Theme()
	return ".looks-light{" + properties(t.Light) + "}\n.looks-dark{" + properties(t.Dark) + "}\n"
}

// readSheet reads what sheetURL writes. Anybody can ask for the style sheet of any
// colours; it is made of checked ones and used by pages that name it.
func readSheet(file string) ([]byte, error) {
	file, sideBySide := strings.CutSuffix(file, both)
	names, want, _ := strings.Cut(file, ".")
	parts := strings.Split(names, "-")
	if len(parts) != 4 {
		return nil, idp.ErrNotFound
	}
	c, _, err := brand.Check(brand.Brand{Colours: brand.Colours{
		Primary: brand.Colour("#" + parts[0]), Accent: brand.Colour("#" + parts[1]), PrimaryDark: brand.Colour("#" + parts[2]), AccentDark: brand.Colour("#" + parts[3]),
	}}, nil)
	if err != nil {
		return nil, idp.ErrNotFound
	}
	text := sheet(c.Colours)
	if sum(text) != want { // of another version: it must not be kept under this address
		return nil, idp.ErrNotFound
	}
	if sideBySide {
		text = bothSheet(c.Colours)
	}
	return []byte(text), nil
}

func (s *Site) image(ctx context.Context, hash string) ([]byte, error) {
	if raw, err := hex.DecodeString(hash); s.brands == nil || err != nil || len(raw) != sha256.Size {
		return nil, idp.ErrNotFound
	}
	return s.brands.Image(ctx, hash)
}
