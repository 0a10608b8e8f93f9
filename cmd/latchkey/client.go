package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
)

func clientCommands(a *app) *cobra.Command {
	return group("client", "Applications that people sign in to", "  latchkey client list",
		clientAdd(a), clientUpdate(a), clientList(a), clientShow(a), clientRotate(a), clientRemove(a))
}

func clientAdd(a *app) *cobra.Command {
	var in oidc.Input
	var proto protocolFlags
	var id, kind string
	var scopes []string
	var secretStdin bool
	c := &cobra.Command{
		Use: "add --type T --name N", Short: "Register an application", Args: nothing,
		Long: "Register an application. Its secret and, for Odoo, its validation address are shown this once.\n" +
			"For Odoo the answer is the provider row to copy into Odoo." + delayNote,
		Example: "  latchkey client add --id odoo --type odoo --name Shop --redirect-uri https://odoo.example.org/auth_oauth/signin\n" +
			"  latchkey client add --id wiki --type web --name Wiki --redirect-uri https://wiki.example.org/callback",
	}
	f := c.Flags()
	f.StringVar(&id, "id", "", "client `ID`; random when left out")
	f.StringVar(&kind, "type", "", "`TYPE`: odoo, web (with a server), spa (in a browser), native (on a device) or service (no people)")
	f.StringVar(&in.Name, "name", "", "`NAME` for people")
	f.StringArrayVar(&in.RedirectURIs, "redirect-uri", nil, "where answers may go, as a whole `URI`; can be repeated")
	f.StringArrayVar(&in.PostLogoutURIs, "post-logout-uri", nil, "where a logout may end, as a whole `URI`; can be repeated")
	proto.add(f)
	f.StringArrayVar(&scopes, "scope", nil, "`SCOPE` instead of the type's default; can be repeated")
	f.BoolVar(&secretStdin, "secret-stdin", false, "read the client's secret from standard input instead of making one")
	f.BoolVar(&in.Trusted, "trusted", false, "people are not asked for consent")
	f.StringArrayVar(&in.Groups, "group", nil, "only members of this `GROUP` get in; can be repeated")
	f.BoolVar(&in.Choose, "choose", false, "ask people who are signed in already with which account to go on")
	f.StringVar(&in.Sessions, "sessions", "", "Odoo: `HOW` many, multi (a person may use several devices, default) or single")
	f.IntVar(&in.Validations, "validations", 0, "Odoo: `COUNT` of questions for each token, 1 (default), or 2 when the provider row has a data endpoint")
	_ = c.MarkFlagRequired("type") // fails only for a flag that is not there
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		in.ID, in.Type = oidc.ClientID(id), oidc.Type(kind)
		for _, s := range scopes {
			in.Scopes = append(in.Scopes, strings.Fields(s)...)
		}
		if secretStdin {
			var err error
			if in.Secret, err = secretLine(cmd, "--secret-stdin"); err != nil {
				return err
			}
		}
		made, err := proto.register(ctx, b, in)
		if errors.Is(err, idp.ErrTaken) {
			return fmt.Errorf("there is a client %q already: choose another --id, or remove that one first", in.ID)
		}
		if err != nil {
			return err
		}
		settle(ctx)
		v := viewSecrets(b.cfg.Issuer, made.Client, made.Secret, append(oidc.Texts(made.Warnings), oddities(made.Client)...))
		return a.print(cmd, v, v.write)
	})
	return c
}

// oddities are what an Odoo would stumble over, and its registration cannot
// know: test doubles and proxies may have other addresses.
func oddities(c oidc.Client) (notes []string) {
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); c.Type == oidc.Odoo && (err != nil || u.Path != odooCallback) {
			notes = append(notes, fmt.Sprintf("redirect_uris: %q: Odoo's address ends in %s", uri, odooCallback))
		}
	}
	return notes
}

// odooCallback is where Odoo's module auth_oauth takes answers.
const odooCallback = "/auth_oauth/signin"

// secretsView is what is shown once of a client. Names are part of the
// program's interface.
type secretsView struct {
	ID               oidc.ClientID `json:"client_id"`
	Secret           string        `json:"client_secret"` // empty: it has none
	AuthorizationURL string        `json:"authorization_url"`
	ValidationURL    string        `json:"validation_url"` // Odoo only
	Warnings         []string      `json:"warnings,omitempty"`

	client oidc.Client
	issuer string
}

func viewSecrets(issuer string, c oidc.Client, secret string, warnings []string) secretsView {
	v := secretsView{ID: c.ID, Secret: secret, Warnings: warnings, client: c, issuer: issuer}
	if c.Type != oidc.Service {
		v.AuthorizationURL = issuer + oidc.PathAuthorize
	}
	if c.Type == oidc.Odoo {
		v.ValidationURL = issuer + odoo.ValidationPath(c)
	}
	return v
}

func (v secretsView) write(w io.Writer) {
	for _, warning := range v.Warnings {
		fmt.Fprintln(w, "note:", clean(warning))
	}
	if v.client.Type == oidc.Odoo {
		v.writeRow(w)
		return
	}
	field(w, "client id", string(v.ID))
	field(w, "client secret", v.Secret)
	field(w, "issuer", v.issuer)
	if v.Secret != "" {
		fmt.Fprintln(w, "\nThe secret is not shown again; `latchkey client rotate-secret` makes a new one.")
	}
}

// writeRow prints the provider row as Odoo's form shows it.
func (v secretsView) writeRow(w io.Writer) {
	fmt.Fprint(w, "In Odoo, with developer mode on: Settings > Users & Companies > OAuth Providers > New\n\n")
	data := "(empty)"
	if v.client.Validations > 1 {
		data = v.ValidationURL
	}
	for _, row := range [][2]string{
		{"Provider name", v.client.Name}, {"Client ID", string(v.ID)}, {"Allowed", "yes"}, {"Login button label", "Log in with " + v.client.Name},
		{"Authorization URL", v.AuthorizationURL}, {"Scope", "openid profile email"}, {"UserInfo URL", v.ValidationURL}, {"Data Endpoint", data},
	} {
		fmt.Fprint(w, "  ")
		field(w, row[0], row[1])
	}
	if v.Secret != "" {
		fmt.Fprint(w, "  ")
		field(w, "Client Secret", v.Secret)
	}
	fmt.Fprintln(w, "\nThe UserInfo URL holds a secret and is not shown again; `latchkey client rotate-secret` makes a new one.")
}

func clientList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List applications", Args: nothing, Example: "  latchkey client list",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
			all, err := b.protocol.registrar().List(ctx, host)
			if err != nil {
				return err
			}
			l := a.list(cmd, "ID", "TYPE", "NAME", "REDIRECT URIS")
			for _, e := range all {
				c := e.Client
				if err := l.add(viewClient(c), c.ID, c.Type, c.Name, strings.Join(c.RedirectURIs, " ")); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}
}

func clientShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show an application, without its secrets", Args: exactly(1), Example: "  latchkey client show odoo",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			c, err := b.protocol.client(ctx, args[0])
			if err != nil {
				return err
			}
			v := viewClient(c)
			return a.print(cmd, v, v.write)
		}),
	}
}

func clientRotate(a *app) *cobra.Command {
	var o oidc.RotateOrder
	var overlap int
	c := &cobra.Command{
		Use: "rotate-secret ID", Short: "Give an application a new secret; the old one is dead at once, or after --overlap", Args: exactly(1),
		Long: "Give an application a new secret; the old one is dead at once unless --overlap says for how many days it stays good. An Odoo without a secret\n" +
			"gets a new validation address, and so does one with a secret when --validation is given." + delayNote,
		Example: "  latchkey client rotate-secret wiki\n  latchkey client rotate-secret wiki --overlap 7",
	}
	c.Flags().BoolVar(&o.Validation, "validation", false, "Odoo: a new validation address")
	c.Flags().IntVar(&overlap, "overlap", 0, "`DAYS` that the old one stays good, 0 to 30")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		old, err := b.protocol.client(ctx, args[0])
		if err != nil {
			return err
		}
		o.Overlap = time.Duration(overlap) * 24 * time.Hour
		made, err := b.protocol.registrar().Rotate(ctx, host, old.ID, o)
		if err != nil {
			return err
		}
		settle(ctx)
		v := viewSecrets(b.cfg.Issuer, made.Client, made.Secret, nil)
		return a.print(cmd, v, v.write)
	})
	return c
}

func clientRemove(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove ID", Short: "Remove an application; its tokens die", Args: exactly(1),
		Long: "Remove an application; its tokens die, and what people allowed it is forgotten." + delayNote, Example: "  latchkey client remove wiki --yes",
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		old, err := b.protocol.client(ctx, args[0])
		if err != nil {
			return err
		}
		if err := sure(cmd, yes || !terminal(), fmt.Sprintf("The application %s (%s) will be removed.", old.ID, clean(old.Name))); err != nil {
			return err
		}
		if err := b.protocol.registrar().Remove(ctx, host, old.ID); err != nil {
			return err
		}
		settle(ctx)
		return a.say(cmd, map[string]any{"client_id": old.ID}, "the client %s is removed", old.ID)
	})
	return c
}

// clientView is a client without its secrets (D-06). Names are those of
// OpenID Connect Dynamic Client Registration 1.0 §2 where it has them.
type clientView struct {
	ID             oidc.ClientID `json:"client_id"`
	Name           string        `json:"client_name"`
	Type           oidc.Type     `json:"type"`
	AuthMethod     string        `json:"token_endpoint_auth_method"`
	RedirectURIs   []string      `json:"redirect_uris,omitempty"`
	PostLogoutURIs []string      `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes     []string      `json:"grant_types"`
	ResponseTypes  []string      `json:"response_types,omitempty"`
	Scopes         []string      `json:"scopes"`
	IDTokenAlg     string        `json:"id_token_signed_response_alg"`
	Keys           *keysView     `json:"jwks,omitempty"`
	Backchannel    string        `json:"backchannel_logout_uri,omitempty"`
	Frontchannel   string        `json:"frontchannel_logout_uri,omitempty"`
	FrontSession   bool          `json:"frontchannel_logout_session_required,omitempty"`
	RequirePushed  bool          `json:"require_pushed_authorization_requests,omitempty"`
	RequestURIs    []string      `json:"request_uris,omitempty"`
	RequestAlg     string        `json:"request_object_signing_alg,omitempty"`
	KeysURI        string        `json:"jwks_uri,omitempty"`
	SubjectType    string        `json:"subject_type,omitempty"`
	SectorURI      string        `json:"sector_identifier_uri,omitempty"`
	UserInfoAlg    string        `json:"userinfo_signed_response_alg,omitempty"`
	Itself         bool          `json:"registered_itself,omitempty"`
	Trusted        bool          `json:"trusted"`
	Choose         bool          `json:"choose"`
	Disabled       bool          `json:"disabled"`
	Groups         []string      `json:"groups,omitempty"`
	Sessions       string        `json:"sessions,omitempty"`
	Validations    int           `json:"validations,omitempty"`
	Created        time.Time     `json:"created"`
	Secret         string        `json:"client_secret,omitempty"` // only where it was made just now
	Warnings       []string      `json:"warnings,omitempty"`
}

// keysView is a JWK set.
type keysView struct {
	Keys []jose.JSONWebKey `json:"keys"`
}

func (v *keysView) names() (out []string) {
	if v == nil {
		return nil
	}
	for _, k := range v.Keys {
		name := k.KeyID
		if name == "" {
			name = "(no kid)"
		}
		out = append(out, name)
	}
	return out
}

func viewClient(c oidc.Client) clientView {
	v := clientView{
		ID: c.ID, Name: c.Name, Type: c.Type, AuthMethod: c.AuthMethod, RedirectURIs: c.RedirectURIs, PostLogoutURIs: c.PostLogoutURIs,
		GrantTypes: c.GrantTypes, ResponseTypes: c.ResponseTypes, Scopes: append([]string{}, c.Scopes...), IDTokenAlg: c.IDTokenAlg, Trusted: c.Trusted,
		Choose: c.Choose, Disabled: c.Disabled, Groups: c.Groups, Sessions: c.Sessions, Validations: c.Validations, Created: c.Created.UTC(),
		Backchannel: c.BackchannelURI, Frontchannel: c.FrontchannelURI, FrontSession: c.FrontchannelURI != "" && !c.FrontchannelPlain,
		RequirePushed: c.RequirePushed, RequestURIs: c.RequestURIs, RequestAlg: c.RequestAlg,
		KeysURI: c.KeysURI, SubjectType: c.SubjectType, SectorURI: c.SectorURI, UserInfoAlg: c.UserInfoAlg, Itself: c.ByItself(),
	}
	if len(c.Keys) > 0 {
		v.Keys = &keysView{c.Keys}
	}
	return v
}

func (v clientView) write(w io.Writer) {
	for _, warning := range v.Warnings {
		fmt.Fprintln(w, "note:", clean(warning))
	}
	for _, row := range []struct {
		name   string
		values []string
	}{
		{"client id", []string{string(v.ID)}}, {"name", []string{v.Name}}, {"type", []string{string(v.Type)}}, {"proves itself by", []string{v.AuthMethod}}, {"keys", v.Keys.names()},
		{"redirect URIs", v.RedirectURIs}, {"logout ends at", v.PostLogoutURIs},
		{"logout is told to", []string{v.Backchannel}}, {"logout loads", []string{v.Frontchannel}}, {"grant types", v.GrantTypes}, {"response types", v.ResponseTypes},
		{"scopes", v.Scopes}, {"ID tokens", []string{v.IDTokenAlg}}, {"requests may be at", v.RequestURIs}, {"requests are signed with", []string{v.RequestAlg}},
		{"keys are at", []string{v.KeysURI}}, {"subjects", []string{v.SubjectType}}, {"sector", []string{v.SectorURI}}, {"userinfo", []string{v.UserInfoAlg}},
		{"groups", v.Groups}, {"sessions", []string{v.Sessions}}, {"created", []string{stamp(v.Created)}},
	} {
		field(w, row.name, strings.Join(row.values, ", "))
	}
	if v.RequirePushed {
		field(w, "requests", "must be pushed")
	}
	if v.Itself {
		field(w, "registered", "by itself")
	}
	if v.Trusted {
		field(w, "consent", "not asked for")
	}
	if v.Choose {
		field(w, "account", "asked for")
	}
	if v.Disabled {
		field(w, "state", "disabled")
	}
	if v.Secret != "" {
		field(w, "client secret", v.Secret)
		fmt.Fprintln(w, "\nThe client needs a secret now. It is not shown again; `latchkey client rotate-secret` makes a new one.")
	}
}
