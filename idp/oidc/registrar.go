package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
)

// Registrar is what administrators do with clients. Its fields are set once,
// before first use.
//
// What it returns of a client that is there holds no secret and no validation
// address (SECURITY.md D-06), and what it is given of them is not looked at: a
// masked value cannot be saved back. Both are returned by what makes them, that
// once.
type Registrar struct {
	Clients  Clients
	Uses     UseStore
	Consents Consents // of clients that register themselves
	Grants   Revoker  // of them, too
	Log      idp.Log
	Atomic   idp.Atomic
	Now      func() time.Time
	Issuer   string

	// For Test.
	Self *http.Client // calls our own issuer
	Out  Calls        // calls addresses that somebody has registered
	// Odoo tries a validation address and says what is wrong, in the words of package
	// connector; nothing when it works.
	Odoo func(ctx context.Context, c Client) (Note, error)
}

// ErrChanged means that somebody else has changed the client meanwhile.
var ErrChanged = fmt.Errorf("%w: the application was changed meanwhile", idp.ErrSpent)

// masked is a client without what must not be shown.
func masked(c Client) Client {
	c.Secret, c.ValidationSecret = "", ""
	for _, f := range []**Former{&c.FormerSecret, &c.FormerValidation} {
		if *f != nil {
			*f = &Former{Serial: (*f).Serial, Until: (*f).Until}
		}
	}
	if c.Self != nil {
		c.Self = &Self{By: c.Self.By, Frozen: c.Self.Frozen}
	}
	return c
}

// unmasked takes from the stored client what others do not change.
func unmasked(c, stored Client) Client {
	c.ID, c.Type, c.Created, c.Disabled, c.Version = stored.ID, stored.Type, stored.Created, stored.Disabled, stored.Version
	c.Secret, c.SecretSerial, c.SecretMade, c.FormerSecret = stored.Secret, stored.SecretSerial, stored.SecretMade, stored.FormerSecret
	c.Self = stored.Self
	c.ValidationSecret, c.ValidationSerial, c.ValidationMade, c.FormerValidation = stored.ValidationSecret, stored.ValidationSerial, stored.ValidationMade, stored.FormerValidation
	return c
}

// Entry is a client in a list.
type Entry struct {
	Client   Client
	Used     time.Time // to the day; zero: never
	Warnings []Note
}

// List returns all clients by id.
func (r *Registrar) List(ctx context.Context, by idp.Actor) ([]Entry, error) {
	if err := by.May(idp.SeeClients); err != nil {
		return nil, err
	}
	all, err := r.Clients.All(ctx)
	if err != nil {
		return nil, err
	}
	uses, err := r.Uses.Uses(ctx, "")
	if err != nil {
		return nil, err
	}
	used := map[ClientID]time.Time{}
	for _, u := range uses {
		if u.At.After(used[u.Client]) {
			used[u.Client] = u.At
		}
	}
	out := make([]Entry, len(all))
	for i, c := range all {
		out[i] = Entry{Client: masked(c), Used: used[c.ID]}
		out[i].Warnings, _ = c.Check() // what is wrong by now is told by Test
	}
	slices.SortFunc(out, func(x, y Entry) int { return strings.Compare(string(x.Client.ID), string(y.Client.ID)) })
	return out, nil
}

// Get returns one client, or idp.ErrNotFound.
func (r *Registrar) Get(ctx context.Context, by idp.Actor, id ClientID) (Client, error) {
	if err := by.May(idp.SeeClients); err != nil {
		return Client{}, err
	}
	c, err := r.Clients.ByID(ctx, id)
	return masked(c), err
}

// Usage is who uses a client, and with which of its secrets.
type Usage struct {
	People int // who got in during the last 30 days
	Last   []LastUse
}

// At is when a proof was used last; zero: never.
func (u Usage) At(by Proof, serial int) time.Time {
	for _, l := range u.Last {
		if l.Proof == by && l.Serial == serial {
			return l.At
		}
	}
	return time.Time{}
}

// Usage tells about one client.
func (r *Registrar) Usage(ctx context.Context, by idp.Actor, id ClientID) (u Usage, err error) {
	if err := by.May(idp.SeeClients); err != nil {
		return u, err
	}
	if u.Last, err = r.Uses.Uses(ctx, id); err != nil {
		return u, err
	}
	u.People, err = r.Uses.People(ctx, id, r.Now().Add(-30*day))
	return u, err
}

// Add registers a client. It fails with idp.ErrInvalid and every mistake, and
// with idp.ErrTaken when there is one with that id.
func (r *Registrar) Add(ctx context.Context, by idp.Actor, in Input) (Registered, error) {
	if err := by.May(idp.EditClients); err != nil {
		return Registered{}, err
	}
	made, err := NewClient(in, r.Now())
	if err == nil {
		err = r.mayRegister(ctx, by, "client.add", made.Client)
	}
	if err == nil {
		err = r.vouch(ctx, made.Client)
	}
	if err != nil {
		return Registered{}, err
	}
	detail := idp.Diff(nil, recorded(made.Client))
	detail["type"], detail["name"] = string(made.Client.Type), made.Client.Name
	return made, r.write(ctx, by, "client.add", made.Client.ID, detail, func(ctx context.Context) error {
		return r.Clients.Add(ctx, made.Client)
	})
}

// Update changes a client to what c says. Type, secrets and whether it is
// disabled stay; see [Revise] for a way of authentication that changes. A client
// that registered itself no longer replaces its registration afterwards. It
// fails with idp.ErrInvalid and every mistake, and with [ErrChanged].
func (r *Registrar) Update(ctx context.Context, by idp.Actor, c Client) (Registered, error) {
	old, err := r.stored(ctx, by, c.ID)
	if err != nil {
		return Registered{}, err
	}
	if c.Version != 0 && c.Version != old.Version {
		return Registered{}, ErrChanged
	}
	made, err := Revise(unmasked(c, old))
	if err == nil { // of now, too: who cannot give a client what it has must not get hold of it (D-02)
		err = r.mayRegister(ctx, by, "client.update", old, made.Client)
	}
	if err == nil {
		err = r.stays(ctx, old, made.Client)
	}
	if err != nil {
		return Registered{}, err
	}
	if made.Secret != "" {
		made.Client.SecretSerial, made.Client.SecretMade = old.SecretSerial+1, r.Now()
	}
	if s := made.Client.Self; s != nil { // what is stored is shared
		made.Client.Self = &Self{Token: s.Token, By: s.By, Frozen: true}
	}
	before, after := recorded(old), recorded(made.Client)
	detail := idp.Diff(before, after)
	var fields []string
	for _, f := range recordedFields {
		if before[f] != after[f] {
			fields = append(fields, f)
		}
	}
	detail["fields"] = strings.Join(fields, " ")
	err = r.save(ctx, by, "client.update", made.Client, detail)
	made.Client = masked(made.Client)
	return made, err
}

// RotateOrder says which secret is replaced, and how long the old one stays
// good, 0 to [OverlapMost].
type RotateOrder struct {
	Validation bool // Odoo's address in the place of a client secret
	Overlap    time.Duration
}

// Rotate gives a client a new secret, or an Odoo a new validation address. What
// was former before that ends now: there are never more than two.
func (r *Registrar) Rotate(ctx context.Context, by idp.Actor, id ClientID, o RotateOrder) (Registered, error) {
	old, err := r.stored(ctx, by, id)
	if err != nil {
		return Registered{}, err
	}
	if err := errors.Join(checkOverlap(o.Overlap), r.mayRegister(ctx, by, "client.rotate", old)); err != nil {
		return Registered{}, err
	}
	made, what := Registered{}, ProofSecret
	if o.Validation || old.Type == Odoo && old.AuthMethod == AuthNone {
		what = ProofValidation
		made.Client, err = rotateValidation(old, o.Overlap, r.Now())
	} else {
		made.Client, made.Secret, err = rotateSecret(old, o.Overlap, r.Now())
	}
	if err != nil {
		return Registered{}, err
	}
	detail := map[string]string{"what": string(what), "scopes": strings.Join(old.Scopes, " "), "overlap_days": strconv.FormatFloat(o.Overlap.Hours()/24, 'f', -1, 64)}
	return made, r.save(ctx, by, "client.rotate", made.Client, detail)
}

// EndFormer ends a former secret, or a former validation address, before its
// time. idp.ErrNotFound when there is none.
func (r *Registrar) EndFormer(ctx context.Context, by idp.Actor, id ClientID, what Proof) error {
	c, err := r.stored(ctx, by, id)
	if err != nil {
		return err
	}
	former := &c.FormerSecret
	if what == ProofValidation {
		former = &c.FormerValidation
	}
	if *former == nil {
		return idp.ErrNotFound
	}
	*former = nil
	return r.save(ctx, by, "client.former_end", c, map[string]string{"what": string(what)})
}

// Disable shuts a client out: nobody gets in through it, and its tokens are
// refused, until Enable.
func (r *Registrar) Disable(ctx context.Context, by idp.Actor, id ClientID) error {
	return r.turn(ctx, by, id, "client.disable", true)
}

// Enable takes Disable back.
func (r *Registrar) Enable(ctx context.Context, by idp.Actor, id ClientID) error {
	return r.turn(ctx, by, id, "client.enable", false)
}

func (r *Registrar) turn(ctx context.Context, by idp.Actor, id ClientID, what string, off bool) error {
	c, err := r.stored(ctx, by, id)
	if err != nil || c.Disabled == off {
		return err
	}
	var detail map[string]string
	if !off { // letting it in is giving it what it has (D-02)
		detail = map[string]string{"scopes": strings.Join(c.Scopes, " ")}
		if err := r.mayRegister(ctx, by, what, c); err != nil {
			return err
		}
	}
	c.Disabled = off
	return r.save(ctx, by, what, c, detail)
}

// Remove forgets a client with its tokens and what people allowed it.
func (r *Registrar) Remove(ctx context.Context, by idp.Actor, id ClientID) error {
	old, err := r.stored(ctx, by, id)
	if err != nil {
		return err
	}
	return r.write(ctx, by, "client.remove", id, idp.Diff(recorded(old), nil), func(ctx context.Context) error { return r.Clients.Remove(ctx, id) })
}

// stored is the client as it is, for who may change it.
func (r *Registrar) stored(ctx context.Context, by idp.Actor, id ClientID) (Client, error) {
	if err := by.May(idp.EditClients); err != nil {
		return Client{}, err
	}
	return r.Clients.ByID(ctx, id)
}

// mayRegister is [MayRegister] for all states of a client. Who is refused leaves a
// line (SECURITY.md D-07).
func (r *Registrar) mayRegister(ctx context.Context, by idp.Actor, what string, states ...Client) error {
	for _, c := range states {
		err := MayRegister(by, c)
		if errors.Is(err, idp.ErrDenied) && by.User != "" {
			err = errors.Join(err, r.Log.Append(ctx, idp.Event{
				ID: rand.Text(), At: r.Now(), What: what, Actor: by.User, Client: c.ID, Session: by.Session, Origin: by.Origin, Result: "denied",
			}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Registrar) save(ctx context.Context, by idp.Actor, what string, c Client, detail map[string]string) error {
	err := r.write(ctx, by, what, c.ID, detail, func(ctx context.Context) error { return r.Clients.Save(ctx, c) })
	if errors.Is(err, idp.ErrSpent) {
		return ErrChanged
	}
	return err
}

func (r *Registrar) write(ctx context.Context, by idp.Actor, what string, id ClientID, detail map[string]string, do func(context.Context) error) error {
	return r.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(do(ctx), r.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: r.Now(), What: what, Actor: by.User, Client: id, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
		}))
	})
}

// recordedFields are what the log says of a client, in the words of its
// registration. No secret is among them.
var recordedFields = []string{
	"name", "auth_method", "redirect_uris", "post_logout_uris", "grant_types", "response_types", "scopes", "id_token_alg", "jwks",
	"backchannel_logout_uri", "frontchannel_logout_uri", "frontchannel_logout_plain", "trusted", "groups", "choose", "sessions", "validations",
	"require_pushed", "request_uris", "request_object_signing_alg", "jwks_uri", "subject_type", "sector_identifier_uri", "userinfo_alg", "default_max_age",
	"default_acr_values", "initiate_login_uri", "contacts", "client_uri", "logo_uri", "policy_uri", "tos_uri",
}

func recorded(c Client) map[string]string {
	var kids []string
	for _, k := range c.Keys {
		kids = append(kids, k.KeyID)
	}
	validations := ""
	if c.Validations > 0 {
		validations = strconv.Itoa(c.Validations)
	}
	out := map[string]string{
		"name": c.Name, "auth_method": c.AuthMethod, "redirect_uris": strings.Join(c.RedirectURIs, " "), "post_logout_uris": strings.Join(c.PostLogoutURIs, " "),
		"grant_types": strings.Join(c.GrantTypes, " "), "response_types": strings.Join(c.ResponseTypes, ", "), "scopes": strings.Join(c.Scopes, " "),
		"id_token_alg": c.IDTokenAlg, "jwks": strings.Join(kids, " "), "backchannel_logout_uri": c.BackchannelURI, "frontchannel_logout_uri": c.FrontchannelURI,
		"frontchannel_logout_plain": strconv.FormatBool(c.FrontchannelPlain), "trusted": strconv.FormatBool(c.Trusted), "groups": strings.Join(c.Groups, " "),
		"choose": strconv.FormatBool(c.Choose), "sessions": c.Sessions, "validations": validations,
		"require_pushed": strconv.FormatBool(c.RequirePushed), "request_uris": strings.Join(c.RequestURIs, " "), "request_object_signing_alg": c.RequestAlg,
	}
	maps.Copy(out, c.said())
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}
