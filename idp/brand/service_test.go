package brand_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

var (
	host    = idp.Actor{Host: true}
	auditor = idp.Actor{User: "a", Role: idp.Auditor}
)

func open(t *testing.T) (*brand.Service, *store.DB) {
	t.Helper()
	clock := storetest.NewClock()
	now := func() time.Time { clock.Pass(time.Second); return clock.Now() }
	db := storetest.Open(t)
	must(t, db.Clients.Add(t.Context(), oidc.Client{ID: "shop"}))
	return &brand.Service{
		Store: db.Brands, Default: brand.Brand{Name: "Configured"}, Languages: languages, Log: db.Log, Atomic: db.Atomic, Now: now,
		Known: func(ctx context.Context, id idp.ClientID) error { _, err := db.Clients.ByID(ctx, id); return err },
	}, db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func drawn(t *testing.T, w, h int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = 200
	}
	m.Set(0, 0, color.NRGBA{A: 255})
	var b bytes.Buffer
	must(t, png.Encode(&b, m))
	return b.Bytes()
}

func events(t *testing.T, db *store.DB) (out []idp.Event) {
	t.Helper()
	must(t, db.Log.Events(t.Context(), idp.EventQuery{What: []string{"brand.change"}}, func(e idp.Event) error { out = append(out, e); return nil }))
	return out
}

func TestChangesAreLoggedWithWhatWas(t *testing.T) {
	s, db := open(t)
	ctx := t.Context()
	one := brand.Brand{Name: "Shop", Colours: brand.Colours{Primary: "#00665e"}, SignIn: brand.Words{"de": "Hallo"}, Legal: []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/1"}}}
	_, err := s.Set(ctx, host, "shop", one)
	must(t, err)
	two := one
	two.Name, two.Legal = "Store", []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/2"}}
	for range 2 { // the second changes nothing and leaves nothing
		_, err = s.Set(ctx, host, "shop", two)
		must(t, err)
	}
	file := drawn(t, 30, 10)
	must(t, s.SetLogo(ctx, host, "shop", true, file))
	must(t, s.Reset(ctx, host, "shop"))

	all := events(t, db)
	if len(all) != 4 {
		t.Fatalf("%d events", len(all))
	}
	for i, want := range []map[string]string{
		{"name.before": "", "name.after": "Shop", "primary.after": "#00665e", "sign_in.de.after": "Hallo", "legal.privacy.after": "https://example.org/1"},
		{"name.before": "Shop", "name.after": "Store", "legal.privacy.before": "https://example.org/1", "legal.privacy.after": "https://example.org/2"},
		{"logo_dark.before": ""},
		{"name.before": "Store", "name.after": "", "primary.before": "#00665e", "sign_in.de.before": "Hallo"},
	} {
		if all[i].Client != "shop" || all[i].Result != "ok" {
			t.Errorf("%d: %+v", i, all[i])
		}
		for k, v := range want {
			if got, there := all[i].Detail[k]; got != v || !there {
				t.Errorf("%d: %s is %q, want %q", i, k, got, v)
			}
		}
	}
	if len(all[1].Detail) != 4 {
		t.Errorf("what stayed is told of: %v", all[1].Detail)
	}
	if got := all[2].Detail["logo_dark.after"]; len(got) != 64 || len(all[2].Detail) != 2 {
		t.Errorf("a logo: %v", all[2].Detail)
	}
}

// D-01: who has not got the right changes nothing; an auditor may look.
func TestWhoMay(t *testing.T) {
	s, db := open(t)
	ctx := t.Context()
	for name, by := range map[string]idp.Actor{"nobody": {}, "a person": {User: "u"}, "help desk": {User: "h", Role: idp.HelpDesk}, "auditor": auditor} {
		_, set := s.Set(ctx, by, "", brand.Brand{Name: "Mine"})
		_, adopt := s.Adopt(ctx, by, "shop", brand.Offer{Name: "Mine"})
		for what, err := range map[string]error{
			"set": set, "adopt": adopt, "logo": s.SetLogo(ctx, by, "", false, drawn(t, 2, 2)), "no logo": s.RemoveLogo(ctx, by, "", false), "reset": s.Reset(ctx, by, ""),
		} {
			if !errors.Is(err, idp.ErrDenied) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		if _, err := s.Get(ctx, by, ""); errors.Is(err, idp.ErrDenied) == (name == "auditor") {
			t.Errorf("%s: get: %v", name, err)
		}
	}
	if b, err := s.Look(ctx, "shop"); err != nil || b.Name != "Configured" || len(events(t, db)) > 0 {
		t.Errorf("%+v, %v", b, err)
	}
	_, err := s.Set(ctx, idp.Actor{User: "x", Role: idp.Admin}, "", brand.Brand{Name: "Ours"})
	must(t, err)
	if e := events(t, db); len(e) != 1 || e[0].Actor != "x" {
		t.Errorf("%+v", e)
	}
}

func TestUnknownClientHasNoBrand(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	_, get := s.Get(ctx, host, "none")
	_, set := s.Set(ctx, host, "none", brand.Brand{Name: "x"})
	for what, err := range map[string]error{"get": get, "set": set, "logo": s.SetLogo(ctx, host, "none", false, drawn(t, 2, 2)), "reset": s.Reset(ctx, host, "none")} {
		if !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if b, err := s.Look(ctx, "none"); err != nil || b.Name != "Configured" {
		t.Errorf("a page towards it: %+v, %v", b, err) // anybody can name any client
	}
}

func TestSetKeepsLogos(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	must(t, s.SetLogo(ctx, host, "", false, drawn(t, 3000, 900)))
	_, err := s.Set(ctx, host, "", brand.Brand{Name: "Maison", Logo: brand.Logo{Hash: "forged"}})
	must(t, err)
	b, err := s.Look(ctx, "")
	must(t, err)
	if b.Name != "Maison" || b.Logo.Width != 400 || b.Logo.Height != 120 {
		t.Fatalf("%+v", b)
	}
	file, err := s.Image(ctx, b.Logo.Hash)
	must(t, err)
	if c, err := png.DecodeConfig(bytes.NewReader(file)); err != nil || c.Width != 400 || c.Height != 120 {
		t.Errorf("%+v, %v", c, err)
	}
	must(t, s.RemoveLogo(ctx, host, "", false))
	if _, err := s.Image(ctx, b.Logo.Hash); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("a logo that was taken away: %v", err)
	}
}

// only pixels survive, and drawings that are programs are not read at all.
func TestHostileLogos(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	script := []byte(`<script>alert(1)</script>`)
	for name, file := range map[string][]byte{
		"nothing":        nil,
		"a drawing":      []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
		"a page":         append([]byte("<!doctype html>"), script...),
		"half a picture": drawn(t, 50, 50)[:60],
		"its head alone": append([]byte("\x89PNG\r\n\x1a\n"), script...),
		"a bomb":         bomb(t),
		"a large file":   bytes.Repeat([]byte("x"), 3<<20),
	} {
		if err := s.SetLogo(ctx, host, "", false, file); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := s.Look(ctx, ""); err != nil || b.Logo.Hash != "" {
		t.Fatalf("%+v, %v", b, err)
	}
	// A picture that is a page, too: what is kept is the picture.
	must(t, s.SetLogo(ctx, host, "", false, append(drawn(t, 20, 20), script...)))
	b, err := s.Look(ctx, "")
	must(t, err)
	kept, err := s.Image(ctx, b.Logo.Hash)
	must(t, err)
	if bytes.Contains(kept, []byte("script")) {
		t.Error("the script is kept")
	}
}

// bomb is a small file that says it is 60,000 pixels wide and high.
func bomb(t *testing.T) []byte {
	t.Helper()
	b := drawn(t, 1, 1)
	copy(b[16:], "\x00\x00\xea\x60\x00\x00\xea\x60")
	return b
}

func TestAdopt(t *testing.T) {
	s, db := open(t)
	ctx := t.Context()
	got, err := s.Adopt(ctx, host, "shop", brand.Offer{Name: " My Company ", Primary: "#714B67", Accent: "no colour", Logo: drawn(t, 180, 60)})
	must(t, err)
	b, err := s.Get(ctx, host, "shop")
	must(t, err)
	if b.Name != "My Company" || b.Colours != (brand.Colours{Primary: "#714b67"}) || b.Logo.Width != 180 || len(got.Took) != 3 || len(got.Left) != 0 {
		t.Errorf("%+v, %+v", b, got)
	}
	// What is there stays.
	got, err = s.Adopt(ctx, host, "shop", brand.Offer{Name: "Other"})
	if again, _ := s.Get(ctx, host, "shop"); err != nil || len(got.Took)+len(got.Left) > 0 || again.Name != "My Company" {
		t.Errorf("%+v, %v, %+v", got, err, again)
	}
	must(t, s.Reset(ctx, host, "shop"))
	before := len(events(t, db))
	got, err = s.Adopt(ctx, host, "shop", brand.Offer{Name: strings.Repeat("x", 70), Primary: "rgb(1,2,3)", Logo: []byte("<svg/>")})
	if after, _ := s.Get(ctx, host, "shop"); err != nil || len(got.Took) > 0 || len(got.Left) != 3 || !after.Empty() || len(events(t, db)) != before {
		t.Errorf("%+v, %v, %+v", got, err, after)
	}
}
