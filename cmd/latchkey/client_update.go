package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/idp/oidc"
)

// clientFlags are the flags of `client update`.
type clientFlags struct {
	protocolFlags
	name, sessions                            string
	redirects, logouts, scopes, groups        []string
	trusted, untrusted, choose, neverToChoose bool
	validations                               int
}

func clientUpdate(a *app) *cobra.Command {
	var f clientFlags
	c := &cobra.Command{
		Use: "update ID", Short: "Change an application; its secret and validation address stay", Args: exactly(1),
		Long: "Change an application; its secret and validation address stay, and what has no flag does. With another --auth-method it may need a secret\n" +
			"for the first time, which is shown this once, or need none any more.\n" +
			"A list that is given replaces the whole list; one empty value ('') makes it empty." + delayNote,
		Example: "  latchkey client update wiki --redirect-uri https://wiki.example.org/callback --redirect-uri https://wiki.example.org/new",
	}
	fs := c.Flags()
	f.add(fs)
	fs.StringVar(&f.name, "name", "", "`NAME` for people; the id when empty")
	fs.StringArrayVar(&f.redirects, "redirect-uri", nil, "where answers may go, as a whole `URI`; can be repeated")
	fs.StringArrayVar(&f.logouts, "post-logout-uri", nil, "where a logout may end, as a whole `URI`; can be repeated")
	fs.StringArrayVar(&f.scopes, "scope", nil, "`SCOPE` that it may ask for; can be repeated")
	fs.StringArrayVar(&f.groups, "group", nil, "only members of this `GROUP` get in; can be repeated")
	fs.BoolVar(&f.trusted, "trusted", false, "people are not asked for consent")
	fs.BoolVar(&f.untrusted, "untrusted", false, "people are asked for consent")
	fs.BoolVar(&f.choose, "choose", false, "ask people who are signed in already with which account to go on")
	fs.BoolVar(&f.neverToChoose, "no-choose", false, "people who are signed in already go on at once")
	fs.StringVar(&f.sessions, "sessions", "", "Odoo: `HOW` many devices a person may use, multi or single")
	fs.IntVar(&f.validations, "validations", 0, "Odoo: `COUNT` of questions for each token, 1, or 2 when the provider row has a data endpoint")
	c.MarkFlagsMutuallyExclusive("trusted", "untrusted")
	c.MarkFlagsMutuallyExclusive("choose", "no-choose")
	c.MarkFlagsOneRequired(append(f.names(), "name", "redirect-uri", "post-logout-uri", "scope", "group", "trusted", "untrusted", "choose", "no-choose", "sessions", "validations")...)
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		old, err := b.protocol.client(ctx, args[0])
		if err != nil {
			return err
		}
		made, err := f.revise(ctx, b, cmd, old)
		if err != nil {
			return err
		}
		settle(ctx)
		v := viewClient(made.Client)
		v.Secret, v.Warnings = made.Secret, append(oidc.Texts(made.Warnings), oddities(made.Client)...)
		return a.print(cmd, v, v.write)
	})
	return c
}

// revise changes the client. All mistakes are told at once.
func (f *clientFlags) revise(ctx context.Context, b *base, cmd *cobra.Command, old oidc.Client) (made oidc.Registered, err error) {
	keys, err := f.keys()
	if usage := (usageError{}); errors.As(err, &usage) {
		return made, err
	}
	next := f.change(cmd, old)
	f.set(cmd.Flags(), &next, keys)
	if err != nil { // nothing is changed
		_, other := oidc.Revise(next)
		return made, errors.Join(err, other)
	}
	return b.protocol.registrar().Update(ctx, host, next)
}

// change returns the client with the flags that were given.
func (f *clientFlags) change(cmd *cobra.Command, c oidc.Client) (next oidc.Client) {
	var scopes []string
	for _, s := range f.scopes {
		scopes = append(scopes, strings.Fields(s)...)
	}
	name := strings.TrimSpace(f.name)
	if name == "" {
		name = string(c.ID)
	}
	for _, flag := range []struct {
		name string
		set  func()
	}{
		{"name", func() { c.Name = name }},
		{"redirect-uri", func() { c.RedirectURIs = filled(f.redirects) }},
		{"post-logout-uri", func() { c.PostLogoutURIs = filled(f.logouts) }},
		{"scope", func() { c.Scopes = scopes }},
		{"group", func() { c.Groups = filled(f.groups) }},
		{"trusted", func() { c.Trusted = f.trusted }},
		{"untrusted", func() { c.Trusted = !f.untrusted }},
		{"choose", func() { c.Choose = f.choose }},
		{"no-choose", func() { c.Choose = !f.neverToChoose }},
		{"sessions", func() { c.Sessions = f.sessions }},
		{"validations", func() { c.Validations = f.validations }},
	} {
		if cmd.Flags().Changed(flag.name) {
			flag.set()
		}
	}
	return c
}

// filled leaves empty values out: one alone clears a list.
func filled(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}
