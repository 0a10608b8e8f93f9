package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
)

// Client is an application, without its secrets. Names are those of OpenID
// Connect Dynamic Client Registration 1.0 §2 where it has them.
type Client struct {
	ID             oidc.ClientID `json:"client_id"`
	Name           string        `json:"client_name"`
	Type           oidc.Type     `json:"type" enum:"odoo,web,spa,native,service"`
	AuthMethod     string        `json:"token_endpoint_auth_method"`
	RedirectURIs   []string      `json:"redirect_uris"`
	PostLogoutURIs []string      `json:"post_logout_redirect_uris"`
	GrantTypes     []string      `json:"grant_types"`
	ResponseTypes  []string      `json:"response_types"`
	Scopes         []string      `json:"scopes"`
	IDTokenAlg     string        `json:"id_token_signed_response_alg"`
	Keys           *KeySet       `json:"jwks,omitempty"`
	Backchannel    string        `json:"backchannel_logout_uri,omitempty"`
	Frontchannel   string        `json:"frontchannel_logout_uri,omitempty"`
	FrontSession   bool          `json:"frontchannel_logout_session_required"`
	RequirePushed  bool          `json:"require_pushed_authorization_requests"`
	RequestURIs    []string      `json:"request_uris,omitempty"`
	RequestAlg     string        `json:"request_object_signing_alg,omitempty"`
	KeysURI        string        `json:"jwks_uri,omitempty"`
	SubjectType    string        `json:"subject_type"`
	SectorURI      string        `json:"sector_identifier_uri,omitempty"`
	UserInfoAlg    string        `json:"userinfo_signed_response_alg,omitempty"`
	Itself         bool          `json:"registered_itself" doc:"By dynamic client registration."`
	Trusted        bool          `json:"trusted" doc:"People are not asked for consent."`
	Choose         bool          `json:"choose" doc:"People who are signed in are asked with which account to go on."`
	Disabled       bool          `json:"disabled"`
	Groups         []string      `json:"groups" doc:"If any, only their members get in."`
	Sessions       string        `json:"sessions,omitempty" doc:"Odoo: multi or single."`
	Validations    int           `json:"validations,omitempty" doc:"Odoo: how often one authorization may be validated."`
	Created        time.Time     `json:"created"`
}

// KeySet is a JWK set (RFC 7517).
type KeySet struct {
	Keys []map[string]any `json:"keys" maxItems:"16"`
}

func viewClient(c oidc.Client) Client {
	v := Client{
		ID: c.ID, Name: c.Name, Type: c.Type, AuthMethod: c.AuthMethod, RedirectURIs: c.RedirectURIs, PostLogoutURIs: c.PostLogoutURIs,
		GrantTypes: c.GrantTypes, ResponseTypes: c.ResponseTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg, Trusted: c.Trusted, Choose: c.Choose,
		Disabled: c.Disabled, Groups: c.Groups, Sessions: c.Sessions, Validations: c.Validations, Created: c.Created.UTC(),
		Backchannel: c.BackchannelURI, Frontchannel: c.FrontchannelURI, FrontSession: c.FrontchannelURI != "" && !c.FrontchannelPlain,
		RequirePushed: c.RequirePushed, RequestURIs: c.RequestURIs, RequestAlg: c.RequestAlg,
		KeysURI: c.KeysURI, SubjectType: cmp.Or(c.SubjectType, oidc.SubjectPublic), SectorURI: c.SectorURI, UserInfoAlg: c.UserInfoAlg, Itself: c.ByItself(),
	}
	if len(c.Keys) > 0 {
		v.Keys = &KeySet{}
		for _, k := range c.Keys {
			one := map[string]any{}
			if text, err := k.MarshalJSON(); err == nil && json.Unmarshal(text, &one) == nil {
				v.Keys.Keys = append(v.Keys.Keys, one)
			}
		}
	}
	return v
}

// ClientValues are what can be said of an application; what is left out has the
// default of its type, or stays as it is.
type ClientValues struct {
	Name           *string   `json:"client_name,omitempty" maxLength:"200"`
	AuthMethod     *string   `json:"token_endpoint_auth_method,omitempty" enum:"client_secret_basic,client_secret_post,private_key_jwt,none"`
	RedirectURIs   *[]string `json:"redirect_uris,omitempty" maxItems:"100"`
	PostLogoutURIs *[]string `json:"post_logout_redirect_uris,omitempty" maxItems:"100"`
	GrantTypes     *[]string `json:"grant_types,omitempty" maxItems:"10"`
	ResponseTypes  *[]string `json:"response_types,omitempty" maxItems:"10"`
	Scopes         *[]string `json:"scopes,omitempty" maxItems:"100" doc:"Rights in the house, such as people:read, are for services, and nobody gives them by a token."`
	IDTokenAlg     *string   `json:"id_token_signed_response_alg,omitempty" enum:"RS256,ES256,EdDSA"`
	Keys           *KeySet   `json:"jwks,omitempty"`
	Backchannel    *string   `json:"backchannel_logout_uri,omitempty" maxLength:"2048"`
	Frontchannel   *string   `json:"frontchannel_logout_uri,omitempty" maxLength:"2048"`
	FrontSession   *bool     `json:"frontchannel_logout_session_required,omitempty"`
	RequirePushed  *bool     `json:"require_pushed_authorization_requests,omitempty" doc:"Requests that are not pushed (RFC 9126) are refused."`
	RequestURIs    *[]string `json:"request_uris,omitempty" maxItems:"20" doc:"Where signed requests may be fetched."`
	RequestAlg     *string   `json:"request_object_signing_alg,omitempty" enum:"RS256,PS256,ES256,EdDSA," doc:"The only one that may sign requests; empty: any of these."`
	KeysURI        *string   `json:"jwks_uri,omitempty" maxLength:"2000" doc:"In the place of jwks: where the application keeps its keys."`
	SubjectType    *string   `json:"subject_type,omitempty" enum:"public,pairwise" doc:"It stays as it is once somebody has signed in."`
	SectorURI      *string   `json:"sector_identifier_uri,omitempty" maxLength:"2000"`
	UserInfoAlg    *string   `json:"userinfo_signed_response_alg,omitempty" enum:"RS256,ES256,EdDSA," doc:"Empty: userinfo is not signed."`
	Trusted        *bool     `json:"trusted,omitempty"`
	Choose         *bool     `json:"choose,omitempty"`
	Groups         *[]string `json:"groups,omitempty" maxItems:"100"`
	Sessions       *string   `json:"sessions,omitempty" enum:"multi,single"`
	Validations    *int      `json:"validations,omitempty" minimum:"1" maximum:"2"`
}

// NewClient is an application to be registered.
type NewClient struct {
	ID   oidc.ClientID `json:"client_id,omitempty" maxLength:"128" doc:"Default: random."`
	Type oidc.Type     `json:"type" enum:"odoo,web,spa,native,service"`
	ClientValues
}

// Registered is an application with what is shown this once.
type Registered struct {
	Client        Client   `json:"client"`
	Secret        string   `json:"secret,omitempty" doc:"The client secret, if one was made. It is shown this once."`
	ValidationURL string   `json:"validation_url,omitempty" doc:"Odoo's UserInfo URL, if one was made. It holds a secret and is shown this once."`
	Warnings      []string `json:"warnings" doc:"What is allowed, but should be thought about."`
}

type AboutClient struct {
	Client oidc.ClientID `path:"client" maxLength:"128" doc:"The client's id."`
}

// clientsAPI are the operations about applications.
type clientsAPI struct{ *API }

func (a clientsAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/clients" + path, tag: "clients", summary: summary, right: right}
	}
	add(a.API, o("list-clients", http.MethodGet, "", "List applications", idp.SeeClients), a.listClients)
	create := o("create-client", http.MethodPost, "", "Register an application", idp.EditClients)
	create.status, create.about = http.StatusCreated, "Its secret and, for an Odoo, its validation address are in this answer and in no other."
	add(a.API, create, a.createClient)
	add(a.API, o("get-client", http.MethodGet, "/{client}", "Show an application", idp.SeeClients), func(ctx context.Context, by idp.Actor, in *AboutClient) (*versioned[Client], error) {
		c, err := a.Clients.Get(ctx, by, in.Client)
		return version(viewClient(c), err)
	})
	update := o("update-client", http.MethodPatch, "/{client}", "Change an application", idp.EditClients)
	update.about = "Type and id stay. A way of authentication that needs a secret makes one, if there is none."
	add(a.API, update, a.updateClient)
	add(a.API, o("delete-client", http.MethodDelete, "/{client}", "Remove an application; its tokens die", idp.EditClients), func(ctx context.Context, by idp.Actor, in *AboutClient) (*none, error) {
		return done(a.Clients.Remove(ctx, by, in.Client))
	})
	add(a.API, o("disable-client", http.MethodPost, "/{client}/disable", "Shut an application out", idp.EditClients), func(ctx context.Context, by idp.Actor, in *AboutClient) (*none, error) {
		return done(a.Clients.Disable(ctx, by, in.Client))
	})
	add(a.API, o("enable-client", http.MethodPost, "/{client}/enable", "Let an application in again", idp.EditClients), func(ctx context.Context, by idp.Actor, in *AboutClient) (*none, error) {
		return done(a.Clients.Enable(ctx, by, in.Client))
	})
	add(a.API, o("rotate-client", http.MethodPost, "/{client}/rotate", "Give an application a new secret", idp.EditClients), a.rotateClient)
	add(a.API, o("end-former", http.MethodDelete, "/{client}/former/{what}", "End the former secret before its time", idp.EditClients), func(ctx context.Context, by idp.Actor, in *struct {
		AboutClient
		What oidc.Proof `path:"what" enum:"secret,validation"`
	}) (*none, error) {
		return done(a.Clients.EndFormer(ctx, by, in.Client, in.What))
	})
	add(a.API, o("get-client-usage", http.MethodGet, "/{client}/usage", "Who uses an application, and with which secret", idp.SeeClients), a.clientUsage)
	add(a.API, o("test-client", http.MethodPost, "/{client}/test", "Try whether sign-ins through an application can work", idp.EditClients), a.testClient)
}

// ClientEntry is an application in a list.
type ClientEntry struct {
	Client
	Used     *time.Time `json:"used,omitempty" doc:"To the day."`
	Warnings []string   `json:"warnings"`
}

func (a clientsAPI) listClients(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[ClientEntry]], error) {
	all, err := a.Clients.List(ctx, by)
	return answer(Items[ClientEntry]{each(all, func(e oidc.Entry) ClientEntry {
		return ClientEntry{viewClient(e.Client), moment(e.Used), oidc.Texts(e.Warnings)}
	})}, err)
}

func (a clientsAPI) createClient(ctx context.Context, by idp.Actor, in *struct{ Body NewClient }) (*made[Registered], error) {
	b := in.Body
	// The values go through a client, so that there is one list of them.
	c := oidc.Client{FrontchannelPlain: false}
	if err := b.apply(&c); err != nil {
		return nil, err
	}
	n, err := a.Clients.Add(ctx, by, oidc.Input{
		ID: b.ID, Type: b.Type, Name: c.Name, RedirectURIs: c.RedirectURIs, PostLogoutURIs: c.PostLogoutURIs, GrantTypes: c.GrantTypes,
		ResponseTypes: c.ResponseTypes, Scopes: c.Scopes, AuthMethod: c.AuthMethod, IDTokenAlg: c.IDTokenAlg, Keys: c.Keys,
		BackchannelURI: c.BackchannelURI, FrontchannelURI: c.FrontchannelURI, FrontchannelPlain: c.FrontchannelPlain, Trusted: c.Trusted,
		Groups: c.Groups, Choose: c.Choose, Sessions: c.Sessions, Validations: c.Validations, Requests: c.Requests, Details: c.Details,
	})
	if err != nil {
		return nil, err
	}
	v := a.registered(n, true)
	return &made[Registered]{Location: Prefix + "/clients/" + string(n.Client.ID), ETag: tag(v.Client), Body: v}, nil
}

// registered shows the validation address only where it was made.
func (a clientsAPI) registered(n oidc.Registered, fresh bool) Registered {
	v := Registered{Client: viewClient(n.Client), Secret: n.Secret, Warnings: oidc.Texts(n.Warnings)}
	if fresh && n.Client.Type == oidc.Odoo && n.Client.ValidationSecret != "" {
		v.ValidationURL = a.Issuer + odoo.ValidationPath(n.Client)
	}
	return v
}

// apply says of a client what is given.
func (v ClientValues) apply(c *oidc.Client) error {
	for _, f := range []struct {
		from *string
		to   *string
	}{
		{v.Name, &c.Name}, {v.AuthMethod, &c.AuthMethod}, {v.IDTokenAlg, &c.IDTokenAlg}, {v.Backchannel, &c.BackchannelURI}, {v.Frontchannel, &c.FrontchannelURI},
		{v.Sessions, &c.Sessions}, {v.RequestAlg, &c.RequestAlg}, {v.KeysURI, &c.KeysURI}, {v.SubjectType, &c.SubjectType}, {v.SectorURI, &c.SectorURI},
		{v.UserInfoAlg, &c.UserInfoAlg},
	} {
		set(f.to, f.from)
	}
	for _, f := range []struct {
		from *[]string
		to   *[]string
	}{
		{v.RedirectURIs, &c.RedirectURIs}, {v.PostLogoutURIs, &c.PostLogoutURIs}, {v.GrantTypes, &c.GrantTypes}, {v.ResponseTypes, &c.ResponseTypes},
		{v.Scopes, &c.Scopes}, {v.Groups, &c.Groups}, {v.RequestURIs, &c.RequestURIs},
	} {
		set(f.to, f.from)
	}
	set(&c.Trusted, v.Trusted)
	set(&c.Choose, v.Choose)
	set(&c.RequirePushed, v.RequirePushed)
	set(&c.Validations, v.Validations)
	if v.FrontSession != nil {
		c.FrontchannelPlain = !*v.FrontSession
	}
	if v.Keys == nil {
		return nil
	}
	text, err := json.Marshal(v.Keys)
	if err == nil {
		c.Keys, err = oidc.ParseKeys(text)
	}
	if err != nil {
		return fmt.Errorf("jwks: %w", err)
	}
	return nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (a clientsAPI) updateClient(ctx context.Context, by idp.Actor, in *struct {
	AboutClient
	Matching
	Body ClientValues
}) (*versioned[Registered], error) {
	c, err := a.Clients.Get(ctx, by, in.Client)
	if err == nil {
		err = in.match(viewClient(c))
	}
	if err == nil {
		err = in.Body.apply(&c)
	}
	if err != nil {
		return nil, err
	}
	n, err := a.Clients.Update(ctx, by, c)
	if err != nil {
		return nil, err
	}
	v := a.registered(n, false)
	return &versioned[Registered]{tag(v.Client), v}, nil
}

// NewSecret says which secret is replaced.
type NewSecret struct {
	Validation bool `json:"validation,omitempty" doc:"Odoo: its validation address in the place of a client secret."`
	Overlap    int  `json:"overlap_hours,omitempty" minimum:"0" maximum:"720" doc:"How long the old one stays good; 0: not at all."`
}

func (a clientsAPI) rotateClient(ctx context.Context, by idp.Actor, in *struct {
	AboutClient
	Body NewSecret
}) (*body[Registered], error) {
	n, err := a.Clients.Rotate(ctx, by, in.Client, oidc.RotateOrder{Validation: in.Body.Validation, Overlap: hours(in.Body.Overlap)})
	if err != nil {
		return nil, err
	}
	return &body[Registered]{a.registered(n, n.Secret == "")}, nil
}

// ClientUsage is who uses an application.
type ClientUsage struct {
	People int         `json:"people" doc:"Who got in during the last 30 days."`
	Last   []ClientUse `json:"last"`
}

// ClientUse is the last use of one secret.
type ClientUse struct {
	Proof  oidc.Proof `json:"proof"`
	Serial int        `json:"serial" doc:"How many there were before this secret."`
	At     time.Time  `json:"at" doc:"To the day."`
}

func (a clientsAPI) clientUsage(ctx context.Context, by idp.Actor, in *AboutClient) (*body[ClientUsage], error) {
	if _, err := a.Clients.Get(ctx, by, in.Client); err != nil {
		return nil, err
	}
	u, err := a.Clients.Usage(ctx, by, in.Client)
	return answer(ClientUsage{u.People, each(u.Last, func(l oidc.LastUse) ClientUse { return ClientUse{l.Proof, l.Serial, l.At.UTC()} })}, err)
}

// Trial is one thing that was tried.
type Trial struct {
	Check    string       `json:"check"`
	Verdict  oidc.Verdict `json:"verdict" enum:"fine,doubt,broken"`
	About    string       `json:"about,omitempty"`
	Evidence string       `json:"evidence,omitempty"`
}

func (a clientsAPI) testClient(ctx context.Context, by idp.Actor, in *AboutClient) (*body[Items[Trial]], error) {
	all, err := a.Clients.Test(ctx, by, in.Client)
	return answer(Items[Trial]{each(all, func(t oidc.Trial) Trial { return Trial{t.Check, t.Verdict, t.About, t.Evidence.Text} })}, err)
}
