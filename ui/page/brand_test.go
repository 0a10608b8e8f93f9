package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/ui/locale"
)

var host = idp.Actor{Host: true}

var brandPages = Parse(fstest.MapFS{"page.html": {Data: []byte(`{{define "title"}}T{{end}}{{define "body"}}<h1>{{.Brand}}</h1>{{.Look.SignIn.Text}}{{end}}`)}}, "page.html")

// branded is a house with a store of brands, and a page that is dressed as the
// client in its address.
func brandedHouse(t *testing.T) (*house, *brand.Service, *store.DB) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	db := storetest.Open(t)
	b := &brand.Service{
		Store: db.Brands, Default: brand.Brand{Name: "Latchkey"}, Log: db.Log, Atomic: db.Atomic, Now: time.Now,
		Known: func(context.Context, idp.ClientID) error { return nil },
	}
	for _, l := range locale.Languages() {
		b.Languages = append(b.Languages, l.Tag)
	}
	h := &house{Engine: gin.New()}
	s, err := New(Config{Issuer: "https://id.example.org", CSRFKey: bytes.Repeat([]byte("k"), 32), Brands: b})
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(h.Engine)
	h.GET("/page", s.Strangers(func(c *Context) error {
		c.Dress(idp.ClientID(c.Query("client")))
		return c.Show(brandPages, 200, "page.html", nil)
	}))
	return h, b, db
}

func (h *house) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	res := h.do("GET", path, nil, "")
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func set(t *testing.T, b *brand.Service, id idp.ClientID, v brand.Brand) {
	t.Helper()
	if _, err := b.Set(t.Context(), host, id, v); err != nil {
		t.Fatal(err)
	}
}

func drawnLogo(t *testing.T, w, h int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var (
	sheetLink = regexp.MustCompile(`<link rel="stylesheet" href="(/brand/[^"]+)">`)
	logoImage = regexp.MustCompile(`<img src="(/brand/[^"]+)" alt="([^"]*)" width="(\d+)" height="(\d+)"( class="[a-z-]+")?>`)
)

// A page has the looks of the client that it leads to, and what that has not set
// is the house's; the account stays one with the house.
func TestPagesLookLikeTheClient(t *testing.T) {
	h, b, _ := brandedHouse(t)
	_, plain := h.get(t, "/page")
	if !strings.Contains(plain, "<title>T · Latchkey</title>") || sheetLink.MatchString(plain) || logoImage.MatchString(plain) || strings.Contains(plain, "/brand/") || strings.Contains(plain, "Privacy") {
		t.Errorf("without brands: %s", plain)
	}
	set(t, b, "", brand.Brand{
		Name: "Maison", Colours: brand.Colours{Primary: "#00665e"}, Support: brand.Words{"en": "Call 1", "fr": "Appelez le 1"},
		Legal: []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/house"}, {Kind: brand.Imprint, URL: "https://example.org/i"}},
	})
	set(t, b, "shop", brand.Brand{
		Name: "Shop", Colours: brand.Colours{Primary: "#0f766e", Accent: "#f59e0b"}, SignIn: brand.Words{"en": "Welcome to the shop"},
		Legal: []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/shop"}, {Label: "Returns", URL: "https://example.org/r"}},
	})
	if err := b.SetLogo(t.Context(), host, "shop", false, drawnLogo(t, 300, 100)); err != nil {
		t.Fatal(err)
	}
	_, own := h.get(t, "/page?client=shop")
	_, house := h.get(t, "/page?client=none&lang_=x")
	for _, c := range []struct {
		body, has string
		want      bool
	}{
		{house, "<title>T · Maison</title>", true}, {house, "<h1>Maison</h1>", true}, {house, ">Call 1</p>", true}, {house, `content="#00665e" media`, true},
		{house, `href="https://example.org/house" id="legal-privacy">Privacy</a>`, true}, {house, "Returns", false}, {house, "Welcome to the shop", false},
		{own, "<title>T · Shop</title>", true}, {own, "<h1>Maison</h1>", true}, {own, ">Call 1</p>", true}, {own, `content="#0f766e" media`, true},
		{own, `href="https://example.org/shop" id="legal-privacy">Privacy</a>`, true}, {own, "example.org/house", false}, {own, "https://example.org/i", true},
		{own, `href="https://example.org/r">Returns</a>`, true}, {own, "Welcome to the shop", true},
	} {
		if strings.Contains(c.body, c.has) != c.want {
			t.Errorf("%s: %t, want %t", c.has, !c.want, c.want)
		}
	}
	if m := logoImage.FindStringSubmatch(own); m == nil || m[2] != "Shop" || m[3] != "300" || m[4] != "100" || m[5] != ` class="for-light"` {
		t.Errorf("logo: %q", m)
	}
	if sheetLink.FindString(own) == sheetLink.FindString(house) || sheetLink.FindString(house) == "" {
		t.Error("the same colours")
	}
}

// style sheets and logos may be kept for ever, because their addresses name
// what is in them, and opened by their addresses they can do nothing.
func TestSheetsAndLogos(t *testing.T) {
	h, b, _ := brandedHouse(t)
	set(t, b, "", brand.Brand{Name: "Maison", Colours: brand.Colours{Primary: "#ffcc00", PrimaryDark: "#806600"}})
	if err := b.SetLogo(t.Context(), host, "", false, append(drawnLogo(t, 64, 64), []byte("<script>")...)); err != nil {
		t.Fatal(err)
	}
	_, body := h.get(t, "/page")
	sheet, picture := sheetLink.FindStringSubmatch(body)[1], logoImage.FindStringSubmatch(body)[1]
	for path, kind := range map[string]string{sheet: "text/css; charset=utf-8", picture: "image/png"} {
		res, _ := h.get(t, path)
		for name, want := range map[string]string{
			"Content-Type": kind, "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin", "Set-Cookie": "",
		} {
			if got := res.Header.Get(name); res.StatusCode != 200 || got != want {
				t.Errorf("%s: %d, %s: %q, want %q", path, res.StatusCode, name, got, want)
			}
		}
		if head := h.do("HEAD", path, nil, ""); head.StatusCode != 200 || head.ContentLength <= 0 {
			t.Errorf("HEAD %s: %d, %d bytes", path, head.StatusCode, head.ContentLength)
		}
	}
	_, css := h.get(t, sheet)
	for _, want := range []string{":root{--house-accent:#ffcc00;--house-on-accent:#000000;", "--bs-primary:#ffcc00;--bs-primary-rgb:255,204,0;", "@media (prefers-color-scheme:dark){\n:root{--house-accent:#806600;--house-on-accent:#ffffff;"} {
		if !strings.Contains(css, want) {
			t.Errorf("no %s in\n%s", want, css)
		}
	}
	if strings.Contains(css, "@import") || strings.Contains(css, "http:") && !strings.Contains(css, "http://www.w3.org/2000/svg") {
		t.Errorf("it leads elsewhere: %s", css)
	}
	if _, file := h.get(t, picture); strings.Contains(file, "script") {
		t.Error("the logo carries what was hidden in it")
	}
	nobody := sha256.Sum256([]byte("nobody's"))
	for _, path := range []string{
		"/brand/" + hex.EncodeToString(nobody[:]) + ".png", "/brand/x.png", "/brand/..%2f..%2fetc%2fpasswd.png", "/brand/logo.svg", "/brand/", "/brand/a",
		strings.Replace(sheet, "ffcc00", "ffcc01", 1), strings.Replace(sheet, ".css", ".png", 1), strings.Replace(picture, ".png", ".css", 1),
		"/brand/red-red-red-red.0000000000000000.css", "/brand/ffcc00%7d*%7bcolor:red-ffcc00-ffcc00-ffcc00.0000000000000000.css", "/brand/---.e3b0c44298fc1c14.css",
	} {
		if res, _ := h.get(t, path); res.StatusCode != http.StatusNotFound || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// even what never passed the check is text, leads nowhere that a
// browser runs, and the page's policy is as strict as without a brand.
func TestHostileBrand(t *testing.T) {
	h, b, db := brandedHouse(t)
	before, _ := h.get(t, "/page")
	evil := `"><script>alert(1)</script><b onmouseover=alert(1)>{{.CSRF}}`
	err := db.Brands.Save(t.Context(), "", brand.Brand{
		Name: evil, Colours: brand.Colours{Primary: "#fff;}*{background:url(//evil.example)}", Accent: `red"><script>`},
		Legal:  []brand.Link{{Kind: brand.Privacy, URL: "javascript:alert(1)"}, {Label: evil, URL: "data:text/html,x"}, {Label: "b", URL: evil}},
		SignIn: brand.Words{"en": evil}, Support: brand.Words{"en": evil, `x" onload="alert(1)`: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	after, body := h.get(t, "/page")
	if after.StatusCode != 200 || !strings.Contains(body, "&lt;script&gt;alert(1)") {
		t.Fatalf("%d %s", after.StatusCode, body)
	}
	for _, bad := range []string{"<script", "<b ", "javascript:", `href="data:`, "url(", "evil.example", `name="csrf"`, "style="} {
		if strings.Contains(body, bad) {
			t.Errorf("%s in\n%s", bad, body)
		}
	}
	if got, want := after.Header.Get("Content-Security-Policy"), before.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("%s, without a brand %s", got, want)
	}
	if m := sheetLink.FindStringSubmatch(body); m != nil {
		if res, css := h.get(t, m[1]); res.StatusCode != http.StatusNotFound || strings.Contains(res.Header.Get("Content-Type"), "css") {
			t.Errorf("%d %s", res.StatusCode, css)
		}
	}
	if _, err := b.Check(brand.Brand{Colours: brand.Colours{Primary: "#fff;}"}}); err == nil {
		t.Error("and it would pass")
	}
}

// A page that says that the database is down is drawn without it.
func TestErrorPageNeedsNoStore(t *testing.T) {
	h, _, db := brandedHouse(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if res, body := h.get(t, "/nowhere"); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "· Latchkey</title>") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// The arithmetic of contrast is about the grounds that the style sheet draws.
func TestGroundsAreThoseOfTheStyleSheet(t *testing.T) {
	text, err := os.ReadFile("../assets/files/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(text), "@media (prefers-color-scheme: dark)")
	value := func(css, name string) string {
		m := regexp.MustCompile(`--house-` + name + `: (#[0-9a-f]+);`).FindStringSubmatch(css)
		if m == nil {
			t.Fatalf("no %s", name)
		}
		if len(m[1]) == 4 {
			return "#" + strings.Repeat(m[1][1:2], 2) + strings.Repeat(m[1][2:3], 2) + strings.Repeat(m[1][3:4], 2)
		}
		return m[1]
	}
	for css, g := range map[string]brand.Grounds{light: brand.Light, dark: brand.Dark} {
		if value(css, "card") != string(g.Card) || value(css, "ground") != string(g.Ground) {
			t.Errorf("%+v: the style sheet has %s and %s", g, value(css, "card"), value(css, "ground"))
		}
	}
	if value(light, "accent") != string(brand.Default) {
		t.Error("the default colour")
	}
}
