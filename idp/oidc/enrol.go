package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/picture"
)

// enroller is what clients that register themselves do with the registry. Rules
// are those of every client; beyond them such a client is never trusted, so that
// people are always asked, and has no scope but those about the person who allows
// them.
type enroller struct {
	*Registrar
	called func(context.Context, ClientID) (string, error) // see [Dynamic.Called]
}

// errFull means that enough clients have registered themselves.
var errFull = refuse(accessDenied, "No more clients can register themselves here; an administrator makes room.")

// enrol registers a client that comes by itself and gives it a registration
// access token. by is whose initial access token it had, or nobody. Of many that
// come at once a few more than most may get in.
func (r enroller) enrol(ctx context.Context, by idp.Actor, in Input, most int) (Registered, string, error) {
	all, err := r.Clients.All(ctx)
	if err != nil {
		return Registered{}, "", err
	}
	if err = r.checkLikeness(ctx, in.Name, all); err == nil {
		err = r.room(ctx, all, most)
	}
	if err != nil {
		return Registered{}, "", err
	}
	token := newSecret()
	in.Self = &Self{Token: hashSecret(token), By: by.User}
	made, err := NewClient(in, r.Now())
	if err == nil {
		err = r.checkStranger(made.Client)
	}
	if err == nil {
		err = r.vouch(ctx, made.Client)
	}
	if err != nil {
		return Registered{}, "", err
	}
	made.Client.Logo = r.logo(ctx, made.Client)
	detail := idp.Diff(nil, recorded(made.Client))
	detail["type"], detail["name"], detail["by"] = string(made.Client.Type), made.Client.Name, byItself
	return made, token, r.write(ctx, by, "client.add", made.Client.ID, detail, func(ctx context.Context) error {
		return r.Clients.Add(ctx, made.Client)
	})
}

// byItself says in the log that it was the client who acted.
const byItself = "client"

// reenrol replaces what a client said of itself. Where people would be shown
// something else than what they allowed, they are asked anew, and what it holds for
// them ends (P-32).
func (r enroller) reenrol(ctx context.Context, by idp.Actor, old Client, in Input) (Registered, error) {
	all, err := r.Clients.All(ctx)
	if err == nil {
		err = r.checkLikeness(ctx, in.Name, all)
	}
	if err != nil {
		return Registered{}, err
	}
	in.ID, in.Self = old.ID, old.Self
	fresh, err := NewClient(in, r.Now())
	if err != nil {
		return Registered{}, err
	}
	if fresh.Client.Type != old.Type {
		return Registered{}, invalid("application_type", "the kind of a client stays as it is")
	}
	next := unmasked(fresh.Client, old)
	next.Groups, next.Choose = old.Groups, old.Choose
	made, err := Revise(next)
	if err == nil {
		err = r.checkStranger(made.Client)
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
	if made.Client.Logo = old.Logo; old.LogoURI != made.Client.LogoURI || len(old.Logo) == 0 {
		made.Client.Logo = r.logo(ctx, made.Client)
	}
	detail := idp.Diff(recorded(old), recorded(made.Client))
	detail["by"] = byItself
	if old.shown() == made.Client.shown() {
		return made, r.save(ctx, by, "client.update", made.Client, detail)
	}
	detail["consents"] = "withdrawn"
	err = r.write(ctx, by, "client.update", old.ID, detail, func(ctx context.Context) error {
		if err := r.Clients.Save(ctx, made.Client); err != nil {
			return err
		}
		return errors.Join(r.Consents.Forget(ctx, old.ID), r.Grants.Revoke(ctx, Selection{Client: old.ID}))
	})
	if errors.Is(err, idp.ErrSpent) {
		err = ErrChanged
	}
	return made, err
}

// shown is what people go by when they allow a client something: how it is called
// and looks, and where answers go.
func (c Client) shown() string {
	var hosts []string
	for _, uri := range c.RedirectURIs {
		if u, err := url.Parse(uri); err == nil {
			hosts = append(hosts, u.Scheme+"://"+strings.ToLower(u.Host))
		}
	}
	slices.Sort(hosts)
	said := []string{c.Name, c.LogoPath(), c.LogoURI, c.PolicyURI, c.TermsURI, c.HomeURI, naming(c), strings.Join(slices.Compact(hosts), " ")}
	return strings.Join(said, "\n")
}

// idleAfter is how long a client that nobody signs in to keeps its place where
// there are too many, and mostSwept how many go at once.
const (
	idleAfter = 30 * day
	mostSwept = 20
)

// room fails with errFull where enough clients have registered themselves. Those
// that nobody ever signed in to in 30 days do not count, and the oldest go: or
// strangers could fill the house for good.
func (r enroller) room(ctx context.Context, all []Client, most int) error {
	n := 0
	var idle []Client
	for _, c := range all {
		if c.Self == nil {
			continue
		}
		if n++; !c.Disabled && !c.Self.Frozen && r.Now().Sub(c.Created) > idleAfter {
			idle = append(idle, c)
		}
	}
	if n < most {
		return nil
	}
	known, err := r.Uses.Known(ctx, "")
	if err != nil {
		return err
	}
	idle = slices.DeleteFunc(idle, func(c Client) bool { return slices.Contains(known, c.ID) })
	if n-len(idle) >= most {
		return errFull
	}
	slices.SortFunc(idle, func(x, y Client) int { return x.Created.Compare(y.Created) })
	for _, c := range idle[:min(len(idle), n-most+1, mostSwept)] {
		detail := idp.Diff(recorded(c), nil)
		detail["why"] = "unused"
		err := r.write(ctx, idp.Actor{}, "client.remove", c.ID, detail, func(ctx context.Context) error { return r.Clients.Remove(ctx, c.ID) })
		if err != nil && !errors.Is(err, idp.ErrNotFound) { // somebody else was faster
			return err
		}
	}
	return nil
}

// leave forgets a client that wants to go.
func (r enroller) leave(ctx context.Context, by idp.Actor, c Client) error {
	detail := idp.Diff(recorded(c), nil)
	detail["by"] = byItself
	err := r.write(ctx, by, "client.remove", c.ID, detail, func(ctx context.Context) error { return r.Clients.Remove(ctx, c.ID) })
	if errors.Is(err, idp.ErrNotFound) {
		return nil // somebody else was faster
	}
	return err
}

// stays holds a change of a client against what may not change: how it knows
// people, once it knows somebody. All of them would be strangers to it, and
// whoever changed a client from pairwise to public would learn who they are.
func (r *Registrar) stays(ctx context.Context, old, next Client) error {
	if naming(old) != naming(next) {
		known, err := r.known(ctx, old.ID)
		if err != nil {
			return err
		}
		if known {
			return invalid("subject_type", "somebody has signed in already; subjects, and the host that they are for, stay as they are: register another client")
		}
	}
	if old.SectorURI == next.SectorURI && slices.Equal(old.RedirectURIs, next.RedirectURIs) {
		return nil
	}
	return r.vouch(ctx, next)
}

// known reports whether a client may know somebody. The log is cut off at some
// time; what it holds of people may have ended, and that it proved itself stays.
func (r *Registrar) known(ctx context.Context, id ClientID) (bool, error) {
	by, err := r.Uses.Known(ctx, id)
	if err != nil || len(by) > 0 {
		return len(by) > 0, err
	}
	last, err := r.Uses.Uses(ctx, id)
	return len(last) > 0, err
}

// vouch asks the sector_identifier_uri whether all redirect URIs of the client
// belong to it (OpenID Connect Dynamic Client Registration 1.0 §5).
func (r *Registrar) vouch(ctx context.Context, c Client) error {
	if c.SectorURI == "" {
		return nil
	}
	var known []string
	body, err := fetch(ctx, r.Out, c.SectorURI, maxDocument)
	if err != nil || json.Unmarshal(body, &known) != nil {
		return invalid("sector_identifier_uri", "there is no JSON list of addresses that can be read")
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(known, uri) {
			return invalid("sector_identifier_uri", "%q is not in the list there", uri)
		}
	}
	return nil
}

// The most of a client's logo: bytes that are read, and pixels that are kept.
const (
	maxLogo    = 512 << 10
	logoWidth  = 160
	logoHeight = 80
)

// logo fetches the picture of a client once, and draws it anew (SECURITY.md X-09).
// A client without one is as good, and who registers learns nothing of why.
func (r enroller) logo(ctx context.Context, c Client) []byte {
	if c.LogoURI == "" || !callable(c.LogoURI) {
		return nil
	}
	file, err := fetch(ctx, r.Out, c.LogoURI, maxLogo)
	if err != nil {
		return nil
	}
	png, _, err := picture.Fit(ctx, file, logoWidth, logoHeight)
	if err != nil {
		return nil
	}
	return png
}

// LogoPath is where pages find the client's logo; empty: it has none. It names
// what it shows, so that browsers may keep it.
func (c Client) LogoPath() string {
	if len(c.Logo) == 0 {
		return ""
	}
	return PathLogo + "/" + string(c.ID) + "?v=" + hashSecret(string(c.Logo))[:16]
}

// ByItself reports whether the client registered itself.
func (d Details) ByItself() bool { return d.Self != nil }
