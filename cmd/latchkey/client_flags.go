package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/spf13/pflag"

	"latchkey/idp/oidc"
)

// protocolFlags are what `client add` and `client update` both say about how
// an application speaks to the server.
type protocolFlags struct {
	grants, responses      []string
	auth, jwks, alg        string
	backchannel, frontpage string
	frontSession           bool
}

func (f *protocolFlags) add(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.grants, "grant", nil, "`GRANT` type instead of the type's default; can be repeated")
	fs.StringArrayVar(&f.responses, "response-type", nil, "response `TYPE` instead of the type's default, such as 'code id_token'; can be repeated")
	fs.StringVar(&f.auth, "auth-method", "", "`METHOD` by which the client proves itself: client_secret_basic, client_secret_post, private_key_jwt or none")
	fs.StringVar(&f.jwks, "jwks", "", "private_key_jwt: `FILE` with the client's public keys, a JWK set")
	fs.StringVar(&f.alg, "id-token-alg", "", "`ALGORITHM` that signs its ID tokens: RS256 (default), ES256 or EdDSA")
	fs.StringVar(&f.backchannel, "backchannel-logout-uri", "", "`URI` that this server calls when a session ends")
	fs.StringVar(&f.frontpage, "frontchannel-logout-uri", "", "`URI` that the browser loads when a person signs out")
	fs.BoolVar(&f.frontSession, "frontchannel-logout-session", true, "send iss and sid along with the front-channel URI")
}

// names are the flags, for a command that needs at least one.
func (f *protocolFlags) names() (out []string) {
	var fs pflag.FlagSet
	new(protocolFlags).add(&fs)
	fs.VisitAll(func(g *pflag.Flag) { out = append(out, g.Name) })
	return out
}

// keys reads the file of --jwks. Some keys may come with an error, so that
// what else is wrong can be told with it.
func (f *protocolFlags) keys() ([]jose.JSONWebKey, error) {
	if f.jwks == "" {
		return nil, nil
	}
	set, err := os.ReadFile(f.jwks)
	if err != nil {
		return nil, usagef("--jwks: %w", err)
	}
	return oidc.ParseKeys(set)
}

// register checks a new client with these flags. All mistakes are told at once.
func (f *protocolFlags) register(ctx context.Context, b *base, in oidc.Input) (oidc.Registered, error) {
	keys, err := f.keys()
	if usage := (usageError{}); errors.As(err, &usage) {
		return oidc.Registered{}, err
	}
	in.GrantTypes, in.ResponseTypes, in.AuthMethod, in.Keys, in.IDTokenAlg = f.grants, f.responses, f.auth, keys, f.alg
	in.BackchannelURI, in.FrontchannelURI, in.FrontchannelPlain = f.backchannel, f.frontpage, !f.frontSession
	if err != nil { // nothing is registered, but all mistakes are told
		_, other := oidc.NewClient(in, b.now())
		return oidc.Registered{}, errors.Join(err, other)
	}
	return b.protocol.registrar().Add(ctx, host, in)
}

// set takes over the flags that were given into a client.
func (f *protocolFlags) set(fs *pflag.FlagSet, c *oidc.Client, keys []jose.JSONWebKey) {
	given := fs.Changed
	for _, flag := range []struct {
		name string
		set  func()
	}{
		{"grant", func() { c.GrantTypes = filled(f.grants) }},
		{"response-type", func() {
			c.ResponseTypes = filled(f.responses)
			if !given("grant") { // what the old ones implied goes with them
				c.GrantTypes = slices.DeleteFunc(slices.Clone(c.GrantTypes), func(g string) bool { return g == "authorization_code" || g == "implicit" })
			}
		}},
		{"auth-method", func() {
			if c.AuthMethod = f.auth; f.auth != oidc.AuthKey {
				c.Keys = nil
			}
		}},
		{"jwks", func() { c.Keys = keys }},
		{"id-token-alg", func() { c.IDTokenAlg = f.alg }},
		{"backchannel-logout-uri", func() { c.BackchannelURI = f.backchannel }},
		{"frontchannel-logout-uri", func() { c.FrontchannelURI, c.FrontchannelPlain = f.frontpage, c.FrontchannelPlain && f.frontpage != "" }},
		{"frontchannel-logout-session", func() { c.FrontchannelPlain = !f.frontSession }},
	} {
		if given(flag.name) {
			flag.set()
		}
	}
}
