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
	requests               oidc.Requests
	details                oidc.Details
}

func (f *protocolFlags) add(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.grants, "grant", nil, "`GRANT` type instead of the type's default; can be repeated. device_code lets devices without a browser in")
	fs.StringArrayVar(&f.responses, "response-type", nil, "response `TYPE` instead of the type's default, such as 'code id_token'; can be repeated")
	fs.StringVar(&f.auth, "auth-method", "", "`METHOD` by which the client proves itself: client_secret_basic, client_secret_post, private_key_jwt or none")
	fs.StringVar(&f.jwks, "jwks", "", "private_key_jwt, or signed requests: `FILE` with the client's public keys, a JWK set")
	fs.StringVar(&f.details.KeysURI, "jwks-uri", "", "in place of --jwks: `URI` at which the client keeps its keys")
	fs.StringVar(&f.details.SubjectType, "subject-type", "", "`HOW` it knows people: public (by the same sub as others, default) or pairwise (by one of its own)")
	fs.StringVar(&f.details.SectorURI, "sector-identifier-uri", "", "pairwise, with several hosts: `URI` of a JSON list of all redirect URIs")
	fs.StringVar(&f.details.UserInfoAlg, "userinfo-alg", "", "`ALGORITHM` that signs userinfo: RS256, ES256 or EdDSA; not signed when left out")
	fs.StringVar(&f.alg, "id-token-alg", "", "`ALGORITHM` that signs its ID tokens: RS256 (default), ES256 or EdDSA")
	fs.StringVar(&f.backchannel, "backchannel-logout-uri", "", "`URI` that this server calls when a session ends")
	fs.StringVar(&f.frontpage, "frontchannel-logout-uri", "", "`URI` that the browser loads when a person signs out")
	fs.BoolVar(&f.frontSession, "frontchannel-logout-session", true, "send iss and sid along with the front-channel URI")
	fs.BoolVar(&f.requests.RequirePushed, "require-pushed", false, "take none but pushed authorization requests (RFC 9126)")
	fs.StringArrayVar(&f.requests.RequestURIs, "request-uri", nil, "where a signed request may be fetched, as a whole `URI`; can be repeated")
	fs.StringVar(&f.requests.RequestAlg, "request-alg", "", "`ALGORITHM` that must sign its requests: RS256, PS256, ES256 or EdDSA; any of these when left out")
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
	if f.details.KeysURI != "" {
		return nil, usagef("--jwks and --jwks-uri: give one of them")
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
	in.GrantTypes, in.ResponseTypes, in.AuthMethod, in.Keys, in.IDTokenAlg = oidc.FullGrants(f.grants), f.responses, f.auth, keys, f.alg
	in.BackchannelURI, in.FrontchannelURI, in.FrontchannelPlain = f.backchannel, f.frontpage, !f.frontSession
	in.Requests, in.Details = f.requests, f.details
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
		{"grant", func() { c.GrantTypes = oidc.FullGrants(filled(f.grants)) }},
		{"response-type", func() {
			c.ResponseTypes = filled(f.responses)
			if !given("grant") { // what the old ones implied goes with them
				c.GrantTypes = slices.DeleteFunc(slices.Clone(c.GrantTypes), func(g string) bool { return g == "authorization_code" || g == "implicit" })
			}
		}},
		{"auth-method", func() {
			if c.AuthMethod = f.auth; f.auth != oidc.AuthKey {
				c.Keys, c.KeysURI = nil, ""
			}
		}},
		{"jwks", func() { c.Keys, c.KeysURI = keys, "" }},
		{"jwks-uri", func() { c.Keys, c.KeysURI = nil, f.details.KeysURI }},
		{"subject-type", func() { c.SubjectType = f.details.SubjectType }},
		{"sector-identifier-uri", func() { c.SectorURI = f.details.SectorURI }},
		{"userinfo-alg", func() { c.UserInfoAlg = f.details.UserInfoAlg }},
		{"id-token-alg", func() { c.IDTokenAlg = f.alg }},
		{"backchannel-logout-uri", func() { c.BackchannelURI = f.backchannel }},
		{"frontchannel-logout-uri", func() { c.FrontchannelURI, c.FrontchannelPlain = f.frontpage, c.FrontchannelPlain && f.frontpage != "" }},
		{"frontchannel-logout-session", func() { c.FrontchannelPlain = !f.frontSession }},
		{"require-pushed", func() { c.RequirePushed = f.requests.RequirePushed }},
		{"request-uri", func() { c.RequestURIs = filled(f.requests.RequestURIs) }},
		{"request-alg", func() { c.RequestAlg = f.requests.RequestAlg }},
	} {
		if given(flag.name) {
			flag.set()
		}
	}
}
