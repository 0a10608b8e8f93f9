package store_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

var wholeBrand = brand.Brand{
	Name:    "Maison Durée",
	Colours: brand.Colours{Primary: "#00a09d", Accent: "#f0c36a", PrimaryDark: "#00c0bd", AccentDark: "#ffd37a"},
	Legal:   []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/privacy"}, {Label: "Barrierefreiheit", URL: "mailto:a@example.org"}},
	SignIn:  brand.Words{"en": "For staff.\nAsk \"us\" <b>", "de": "Für Beschäftigte."},
	Support: brand.Words{"en": "Call 1234"},
}

func TestBrandComesBackWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), db.Brands
		own := func(id idp.ClientID, want brand.Brand) {
			t.Helper()
			got, err := s.Own(ctx, id)
			must(t, err)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q:\n got %+v\nwant %+v", id, got, want)
			}
		}
		own("", brand.Brand{})
		must(t, s.Save(ctx, "", wholeBrand))
		own("", wholeBrand)
		own("shop", brand.Brand{})

		// Logos are apart from the rest: neither write touches the other.
		light, dark := brand.Logo{Hash: "aa", Width: 3, Height: 2}, brand.Logo{Hash: "bb", Width: 1, Height: 1}
		must(t, s.SaveLogo(ctx, "shop", false, light, []byte("light")))
		must(t, s.SaveLogo(ctx, "shop", true, dark, []byte("dark")))
		own("shop", brand.Brand{Logo: light, LogoDark: dark})
		must(t, s.Save(ctx, "shop", brand.Brand{Name: "Shop"}))
		own("shop", brand.Brand{Name: "Shop", Logo: light, LogoDark: dark})
		for hash, want := range map[string]string{"aa": "light", "bb": "dark"} {
			got, err := s.Image(ctx, hash)
			must(t, err)
			if string(got) != want {
				t.Errorf("%s is %q", hash, got)
			}
		}
		must(t, s.SaveLogo(ctx, "shop", true, brand.Logo{}, nil))
		own("shop", brand.Brand{Name: "Shop", Logo: light})
		if _, err := s.Image(ctx, "bb"); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("a logo that was taken away: %v", err)
		}
		must(t, s.Reset(ctx, "shop"))
		own("shop", brand.Brand{})
		own("", wholeBrand)
	})
}

// No page costs a query, and a brand that another instance sets shows in all.
func TestBrandsAreHeld(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		if url == "sqlite::memory:" {
			t.Skip("nobody else can open it")
		}
		ring := keyring.New()
		one := storetest.With(t, store.Config{URL: url, Keyring: ring})
		two := storetest.With(t, store.Config{URL: url, Keyring: ring})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go two.Watch(ctx)
		name := func(db *store.DB) string {
			b, err := db.Brands.Own(t.Context(), "")
			must(t, err)
			return b.Name
		}
		if name(one) != "" || name(two) != "" {
			t.Fatal("a brand from nowhere")
		}
		must(t, one.Brands.Save(t.Context(), "", brand.Brand{Name: "New"}))
		trips, _ := one.Trips()
		for range 100 {
			if name(one) != "New" {
				t.Fatal("the instance that wrote does not know it")
			}
		}
		if now, _ := one.Trips(); now != trips {
			t.Errorf("%d queries", now-trips)
		}
		for until := time.Now().Add(10 * time.Second); name(two) != "New"; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("the other instance never hears of it")
			}
		}
	})
}

// Whoever gets the id of a client that is gone does not get its looks.
func TestBrandGoesWithItsClient(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.Clients.Add(ctx, oidc.Client{ID: "shop"}))
		must(t, db.Brands.Save(ctx, "shop", brand.Brand{Name: "Shop"}))
		must(t, db.Brands.SaveLogo(ctx, "shop", false, brand.Logo{Hash: "aa"}, []byte("x")))
		if b, err := db.Brands.Own(ctx, "shop"); err != nil || b.Empty() {
			t.Fatal(b, err)
		}
		must(t, db.Clients.Remove(ctx, "shop"))
		if b, err := db.Brands.Own(ctx, "shop"); err != nil || !b.Empty() {
			t.Errorf("%+v, %v", b, err)
		}
		if _, err := db.Brands.Image(ctx, "aa"); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("its logo: %v", err)
		}
	})
}
