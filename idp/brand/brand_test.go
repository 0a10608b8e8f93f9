package brand_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/brand"
)

var languages = []string{"de", "en", "fr"}

func TestClientOverHouseOverConfiguration(t *testing.T) {
	configured := brand.Brand{Name: "Latchkey"}
	house := brand.Brand{
		Name: "Maison", Colours: brand.Colours{Primary: "#111111", Accent: "#222222"},
		Legal:  []brand.Link{{Kind: brand.Privacy, URL: "https://maison.example/p"}, {Kind: brand.Imprint, URL: "https://maison.example/i"}, {Label: "A11y", URL: "https://maison.example/a"}},
		SignIn: brand.Words{"en": "House", "fr": "Maison"}, Support: brand.Words{"en": "1234"},
		Logo: brand.Logo{Hash: "l"}, LogoDark: brand.Logo{Hash: "d"},
	}
	client := brand.Brand{
		Colours: brand.Colours{Primary: "#333333"}, SignIn: brand.Words{"en": "Shop"}, LogoDark: brand.Logo{Hash: "s"},
		Legal: []brand.Link{{Label: "Returns", URL: "https://shop.example/r"}, {Kind: brand.Privacy, URL: "https://shop.example/p"}},
	}
	want := brand.Brand{
		Name: "Maison", Colours: brand.Colours{Primary: "#333333"}, // no accent of the house's beside it
		Legal: []brand.Link{
			{Kind: brand.Privacy, URL: "https://shop.example/p"}, {Kind: brand.Imprint, URL: "https://maison.example/i"},
			{Label: "Returns", URL: "https://shop.example/r"}, {Label: "A11y", URL: "https://maison.example/a"},
		},
		SignIn: brand.Words{"en": "Shop"}, Support: brand.Words{"en": "1234"}, LogoDark: brand.Logo{Hash: "s"},
	}
	if got := client.Over(house.Over(configured)); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if got := (brand.Brand{}).Over(configured); !reflect.DeepEqual(got, configured) {
		t.Errorf("%+v", got)
	}
	if len(client.Legal) != 2 || client.Legal[0].Label != "Returns" {
		t.Error("what was held has changed")
	}
}

func TestTextInTheReadersLanguage(t *testing.T) {
	w := brand.Words{"en": "Hello", "fr": "Bonjour"}
	for lang, want := range map[string][2]string{"fr": {"Bonjour", "fr"}, "fr-CA": {"Bonjour", "fr"}, "de": {"Hello", "en"}} {
		if text, in := w.In(lang); text != want[0] || in != want[1] {
			t.Errorf("%s: %q in %q", lang, text, in)
		}
	}
	if text, in := (brand.Words{"it": "Ciao", "nl": "Hallo"}).In("de"); text != "Ciao" || in != "it" {
		t.Errorf("%q in %q", text, in)
	}
	if text, _ := brand.Words(nil).In("de"); text != "" {
		t.Errorf("%q from nowhere", text)
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	b := brand.Brand{
		Name:    strings.Repeat("n", 65),
		Colours: brand.Colours{Accent: "red;}body{display:none", AccentDark: "#12345"},
		Legal: []brand.Link{
			{Kind: "cookies", URL: "https://example.org"}, {Kind: brand.Privacy, URL: "javascript:alert(1)"}, {URL: "https://example.org"},
			{Label: "A", URL: "https://example.org/1"}, {Label: "a", URL: "https://example.org/2"}, {Label: "B", URL: "https://e.org/" + strings.Repeat("x", 500)},
			{Kind: brand.Terms, URL: "https://example.org/3"}, {Kind: brand.Help, URL: "mailto:help@example.org"}, {Kind: brand.Imprint, URL: "https://example.org/5"},
		},
		SignIn:  brand.Words{"en": strings.Repeat("é", 501), "xx": "?"},
		Support: brand.Words{"en": "two\nlines", "de": "turned \u202e round"},
	}
	_, _, err := brand.Check(b, languages)
	var all brand.Mistakes
	if !errors.As(err, &all) || !errors.Is(err, idp.ErrInvalid) {
		t.Fatalf("%v", err)
	}
	got := map[string]brand.Reason{}
	for _, m := range all {
		got[m.Field] = m.Reason
	}
	want := map[string]brand.Reason{
		"name": brand.TooLong, "primary": brand.Missing, "accent": brand.NoColour, "accent_dark": brand.NoColour, "legal.cookies": brand.Unknown,
		"legal.privacy": brand.NoURL, "legal.3": brand.Missing, "legal.a": brand.Twice, "legal.B": brand.TooLong, "legal": brand.TooMany,
		"sign_in.en": brand.TooLong, "sign_in.xx": brand.Unknown, "support.en": brand.Unclean, "support.de": brand.Unclean,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.HasSuffix(line, ": ") {
			t.Errorf("a mistake without a reason: %s", line)
		}
	}
}

// nothing that a browser runs stands behind a link of ours.
func TestAddressesOfLinks(t *testing.T) {
	for address, fine := range map[string]bool{
		"https://example.org": true, "https://example.org/privacy?lang=de#top": true, "mailto:help@example.org": true, " https://example.org/trimmed ": true,
		"":                        false,
		"javascript:alert(1)":     false,
		"JavaScript:alert(1)":     false,
		"java\tscript:alert(1)":   false,
		"\x01javascript:alert(1)": false,
		"https://a b":             false,
		"https:evil":              false,
		"https:///path":           false,
		"http://example.org":      false,
		"//example.org":           false,
		"/my/security":            false,
		"data:text/html,<script>alert(1)</script>": false,
		"vbscript:x":                                   false,
		"https://good@evil.example":                    false,
		"mailto:":                                      false,
		"mailto:a@b.example?bcc=all@example.org":       false,
		"mailto:a@example.org,b@example.org":           false,
		"mailto:Ada <ada@example.org>":                 false,
		"https://example.org/\"onmouseover=alert(1)//": true,  // pages escape it
		"https://exämple.org":                          false, // a name that looks like another: write it as xn--
	} {
		_, _, err := brand.Check(brand.Brand{Legal: []brand.Link{{Kind: brand.Privacy, URL: address}}}, nil)
		if (err == nil) != fine {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestCheckTidiesUp(t *testing.T) {
	got, _, err := brand.Check(brand.Brand{
		Name: "  Maison <b>\t& fils ", Colours: brand.Colours{Primary: " #00A09D "}, SignIn: brand.Words{"en": " one\r\ntwo ", "de": "  "}, Support: brand.Words{"fr": ""},
		Legal: []brand.Link{{Label: " Returns ", URL: "https://example.org"}, {Kind: brand.Imprint, Label: "mine", URL: "https://example.org"}},
	}, languages)
	want := brand.Brand{
		Name: "Maison <b> & fils", Colours: brand.Colours{Primary: "#00a09d"}, SignIn: brand.Words{"en": "one\ntwo"},
		Legal: []brand.Link{{Kind: brand.Imprint, URL: "https://example.org"}, {Label: "Returns", URL: "https://example.org"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
}
