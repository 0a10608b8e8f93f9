package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/brand"
)

func brandingCommands(a *app) *cobra.Command {
	return group("branding", "How pages and mails look: name, colours, logo, legal links, texts; for the house and for a client",
		"  latchkey branding set --name 'Maison Durée' --primary '#00665e' --legal privacy=https://example.org/privacy\n  latchkey branding logo logo.png",
		brandingShow(a), brandingSet(a), brandingLogo(a), brandingReset(a))
}

// brandView is what the commands print. Names are part of the program's interface.
type brandView struct {
	Client   idp.ClientID    `json:"client_id,omitempty"` // empty: the house
	Own      brand.Brand     `json:"own"`
	Shown    brand.Brand     `json:"shown"` // with what comes from below
	Warnings []brand.Warning `json:"warnings"`
}

// onBrand runs a command about the house's brand, or about that of --client.
func (a *app) onBrand(c *cobra.Command, do func(ctx context.Context, b *base, cmd *cobra.Command, id idp.ClientID, args []string) error) *cobra.Command {
	var client string
	c.Flags().StringVar(&client, "client", "", "the client with this `ID`; the house when left out")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		err := do(ctx, b, cmd, idp.ClientID(client), args)
		if errors.Is(err, idp.ErrNotFound) {
			return fmt.Errorf("%w: no client has the id %q; `latchkey client list` prints them", idp.ErrNotFound, client)
		}
		return err
	})
	return c
}

// printBrand prints what is set now.
func printBrand(ctx context.Context, a *app, brands *brand.Service, cmd *cobra.Command, id idp.ClientID) error {
	v := brandView{Client: id, Warnings: []brand.Warning{}}
	var err error
	if v.Own, err = brands.Get(ctx, host, id); err != nil {
		return err
	}
	if v.Shown, err = brands.Look(ctx, id); err != nil {
		return err
	}
	warnings, err := brands.Check(v.Own)
	if err != nil {
		return err
	}
	v.Warnings = append(v.Warnings, warnings...)
	return a.print(cmd, v, v.write)
}

func (v brandView) write(w io.Writer) {
	for _, n := range v.Warnings {
		fmt.Fprintln(w, "note:", n)
	}
	show, from := v.Shown, func(own bool) string {
		switch {
		case own:
			return ""
		case v.Client != "":
			return " (the house's)"
		}
		return " (as configured)"
	}
	field(w, "client id", string(v.Client))
	field(w, "name", show.Name+from(v.Own.Name != ""))
	if c := show.Colours; c.Primary != "" {
		whole := c.Whole()
		field(w, "colours", fmt.Sprintf("%s, accent %s%s", whole.Primary, whole.Accent, from(v.Own.Colours != brand.Colours{})))
		field(w, "on dark pages", fmt.Sprintf("%s, accent %s", whole.PrimaryDark, whole.AccentDark))
	}
	logos := from(v.Own.Logo != brand.Logo{} || v.Own.LogoDark != brand.Logo{})
	for i, l := range []brand.Logo{show.Logo, show.LogoDark} {
		if l.Hash != "" {
			field(w, []string{"logo", "logo, dark pages"}[i], fmt.Sprintf("%d × %d pixels%s", l.Width, l.Height, logos))
		}
	}
	for _, l := range show.Legal {
		field(w, "legal", l.Name()+" "+l.URL+from(slices.Contains(v.Own.Legal, l)))
	}
	for _, part := range []struct {
		name       string
		shown, own brand.Words
	}{{"text", show.SignIn, v.Own.SignIn}, {"support", show.Support, v.Own.Support}} {
		for _, lang := range slices.Sorted(maps.Keys(part.shown)) {
			field(w, part.name+" "+lang, strings.ReplaceAll(part.shown[lang], "\n", " / ")+from(len(part.own) > 0))
		}
	}
}

func brandingShow(a *app) *cobra.Command {
	return a.onBrand(&cobra.Command{
		Use: "show", Short: "Print how pages look, and where that comes from", Args: nothing, Example: "  latchkey branding show --client shop",
		Long: "Print how pages look, and where that comes from: a client's brand lies over the house's, and the house's over the configuration.",
	}, func(ctx context.Context, b *base, cmd *cobra.Command, id idp.ClientID, _ []string) error {
		return printBrand(ctx, a, b.choices.brands, cmd, id)
	})
}

// brandFlags are those of set.
type brandFlags struct {
	name, primary, accent, primaryDark, accentDark string
	legal, text, support                           []string
}

func brandingSet(a *app) *cobra.Command {
	var o brandFlags
	c := &cobra.Command{
		Use: "set", Short: "Set name, colours, legal links and texts; what is not named stays", Args: nothing,
		Long: "Set name, colours, legal links and texts; what is not named stays, and an empty value takes something away.\n" +
			"Colours are kept readable: a note says what is drawn otherwise, and why. What is not set for dark pages is derived." + delayNote,
		Example: "  latchkey branding set --name 'Maison Durée' --primary '#00665e' --accent '#f0c36a'\n" +
			"  latchkey branding set --legal privacy=https://example.org/privacy --legal Accessibility=https://example.org/a11y\n" +
			"  latchkey branding set --client shop --text 'en=For customers of the shop.' --support en='Call 1234'",
	}
	f := c.Flags()
	f.StringVar(&o.name, "name", "", "`NAME` in the header, in titles and mails")
	f.StringVar(&o.primary, "primary", "", "`COLOUR` of buttons and links, such as #714b67")
	f.StringVar(&o.accent, "accent", "", "`COLOUR` of ornaments; the primary one when there is none")
	f.StringVar(&o.primaryDark, "primary-dark", "", "the primary `COLOUR` on dark pages")
	f.StringVar(&o.accentDark, "accent-dark", "", "the accent `COLOUR` on dark pages")
	f.StringArrayVar(&o.legal, "legal", nil, "`KIND=ADDRESS` of a link at the foot: privacy, terms, imprint or support, or a label of yours; https: or mailto:; can be repeated")
	f.StringArrayVar(&o.text, "text", nil, "`LANGUAGE=TEXT` on the sign-in page, up to 500 characters; can be repeated")
	f.StringArrayVar(&o.support, "support", nil, "`LANGUAGE=TEXT` at the foot of every page, one line: whom to ask; can be repeated")
	return a.onBrand(c, func(ctx context.Context, b *base, cmd *cobra.Command, id idp.ClientID, _ []string) error {
		own, err := b.choices.brands.Get(ctx, host, id)
		if err != nil {
			return err
		}
		next, err := o.change(cmd, own)
		if err != nil {
			return err
		}
		if _, err := b.choices.brands.Set(ctx, host, id, next); err != nil {
			return err
		}
		settle(ctx)
		return printBrand(ctx, a, b.choices.brands, cmd, id)
	})
}

// change returns the brand with the flags that were given.
func (o brandFlags) change(cmd *cobra.Command, b brand.Brand) (brand.Brand, error) {
	for _, flag := range []struct {
		name string
		set  func()
	}{
		{"name", func() { b.Name = o.name }},
		{"primary", func() { b.Colours.Primary = brand.Colour(o.primary) }},
		{"accent", func() { b.Colours.Accent = brand.Colour(o.accent) }},
		{"primary-dark", func() { b.Colours.PrimaryDark = brand.Colour(o.primaryDark) }},
		{"accent-dark", func() { b.Colours.AccentDark = brand.Colour(o.accentDark) }},
	} {
		if cmd.Flags().Changed(flag.name) {
			flag.set()
		}
	}
	b.Legal = slices.Clone(b.Legal)
	for _, given := range o.legal {
		name, address, ok := strings.Cut(given, "=")
		if !ok {
			return b, usagef("--legal %q: KIND=ADDRESS is expected, such as privacy=https://example.org/privacy", given)
		}
		b.Legal = slices.DeleteFunc(b.Legal, func(l brand.Link) bool { return l.Name() == name })
		l := brand.Link{Kind: name, URL: address}
		if !slices.Contains(brand.Kinds(), name) {
			l = brand.Link{Label: name, URL: address}
		}
		if address != "" {
			b.Legal = append(b.Legal, l)
		}
	}
	var err, other error
	b.SignIn, err = spoken("--text", b.SignIn, o.text)
	b.Support, other = spoken("--support", b.Support, o.support)
	return b, errors.Join(err, other)
}

// spoken returns the texts with those that were given.
func spoken(flag string, w brand.Words, given []string) (brand.Words, error) {
	out := brand.Words{}
	maps.Copy(out, w)
	for _, g := range given {
		lang, text, ok := strings.Cut(g, "=")
		if !ok {
			return w, usagef("%s %q: LANGUAGE=TEXT is expected, such as en=Hello", flag, g)
		}
		out[lang] = text
	}
	return out, nil
}

func brandingLogo(a *app) *cobra.Command {
	var dark, remove bool
	c := &cobra.Command{
		Use: "logo [FILE]", Short: "Set the logo from a PNG, JPEG, GIF or WebP file, or take it away", Args: atMost(1),
		Long: "Set the logo from a PNG, JPEG, GIF or WebP file (- is standard input), or take it away. It is drawn anew, at most 720 by 120 pixels; nothing else of\n" +
			"the file is kept. A logo at least twice as wide as high stands alone, any other beside the name. Without one for dark pages the logo has white behind it there." + delayNote,
		Example: "  latchkey branding logo logo.png\n  latchkey branding logo --client shop --dark logo-on-black.png\n  latchkey branding logo --remove",
	}
	f := c.Flags()
	f.BoolVar(&dark, "dark", false, "the logo for dark pages")
	f.BoolVar(&remove, "remove", false, "take it away")
	return a.onBrand(c, func(ctx context.Context, b *base, cmd *cobra.Command, id idp.ClientID, args []string) error {
		if remove == (len(args) == 1) {
			return usagef("either FILE or --remove is needed")
		}
		var err error
		if remove {
			err = b.choices.brands.RemoveLogo(ctx, host, id, dark)
		} else {
			var file []byte
			if file, err = readFile(cmd, args[0]); err == nil {
				err = b.choices.brands.SetLogo(ctx, host, id, dark, file)
			}
		}
		if err != nil {
			return err
		}
		settle(ctx)
		return printBrand(ctx, a, b.choices.brands, cmd, id)
	})
}

func brandingReset(a *app) *cobra.Command {
	return a.onBrand(&cobra.Command{
		Use: "reset", Short: "Forget what was set, logos, too", Args: nothing, Example: "  latchkey branding reset --client shop",
		Long: "Forget what was set, logos, too: a client looks like the house again, and the house as configured." + delayNote,
	}, func(ctx context.Context, b *base, cmd *cobra.Command, id idp.ClientID, _ []string) error {
		if err := b.choices.brands.Reset(ctx, host, id); err != nil {
			return err
		}
		settle(ctx)
		return printBrand(ctx, a, b.choices.brands, cmd, id)
	})
}
