package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
)

// Apps is what people see of the applications that use us: which they may open,
// where they signed in, what they allowed. Its fields are set once, before first
// use.
type Apps struct {
	Clients  Clients
	Consents Consents
	Uses     Uses
	Grants   Revoker
	Log      idp.Log
	Atomic   idp.Atomic
	Now      func() time.Time
	Issuer   string
}

// Uses knows when a person last got into each application.
type Uses interface {
	Of(ctx context.Context, u idp.UserID) (map[ClientID]time.Time, error)
}

// Revoker ends tokens; [Grants] is one.
type Revoker interface {
	Revoke(ctx context.Context, s Selection) error
}

// App is an application as one person sees it.
type App struct {
	Client  Client
	Address string    // where they begin; empty: it cannot be opened from here
	Open    bool      // they may use it
	Used    time.Time // zero: never, as far as the log goes back
	Consent *Consent  // what they allowed; nil: nothing, or they are not asked
}

// Of lists the applications that a person may open, has used or has allowed
// something, by name.
func (a *Apps) Of(ctx context.Context, u idp.User) ([]App, error) {
	all, err := a.Clients.All(ctx)
	if err != nil {
		return nil, err
	}
	used, err := a.Uses.Of(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	allowed, err := a.Consents.All(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	var out []App
	for _, c := range all {
		app := a.of(c, u)
		app.Used = used[c.ID]
		if i := slices.IndexFunc(allowed, func(o Consent) bool { return o.Client == c.ID }); i >= 0 {
			app.Consent = &allowed[i]
		}
		if app.Consent == nil && strange(c) {
			app.Address = ""
		}
		if app.Open && app.Address != "" || !app.Used.IsZero() || app.Consent != nil {
			out = append(out, app)
		}
	}
	slices.SortStableFunc(out, func(a, b App) int {
		return strings.Compare(strings.ToLower(a.Client.Title()), strings.ToLower(b.Client.Title()))
	})
	return out, nil
}

// strange reports whether nobody but a stranger has said where a client is. It
// opens only to who has allowed it something: our address must not lead people, in
// our mails least of all, to where a stranger wants them. Whoever only signed in on
// the way to it has perhaps refused it.
func strange(c Client) bool { return c.ByItself() && !c.Trusted }

// Door is one application that a person may open, or idp.ErrNotFound.
func (a *Apps) Door(ctx context.Context, u idp.User, id ClientID) (App, error) {
	c, err := a.Clients.ByID(ctx, id)
	if err != nil {
		return App{}, err
	}
	app := a.of(c, u)
	if !app.Open || app.Address == "" {
		return App{}, idp.ErrNotFound
	}
	if strange(c) {
		allowed, err := a.Consents.All(ctx, u.ID)
		if err != nil {
			return App{}, err
		}
		if !slices.ContainsFunc(allowed, func(o Consent) bool { return o.Client == id }) {
			return App{}, idp.ErrNotFound
		}
	}
	return app, nil
}

func (a *Apps) of(c Client, u idp.User) App {
	out := App{Client: c, Open: !c.Disabled && c.Type != Service && Admits(c, u), Address: start(c, u)}
	// The client says itself where a sign-in begins, which it then asks us for
	// (OpenID Connect Core 1.0 §4).
	if at, err := url.Parse(c.InitiateURI); err == nil && at.Scheme == "https" && a.Issuer != "" {
		q := at.Query()
		q.Set("iss", a.Issuer)
		at.RawQuery = q.Encode()
		out.Address = at.String()
	}
	return out
}

// Title is what people call the client.
func (c Client) Title() string {
	if c.Name == "" {
		return string(c.ID)
	}
	return c.Name
}

// start is where a sign-in to a client begins: at the client, which asks us by
// itself. It is taken from the first redirect URI on the web; an Odoo has its
// login page, from which portal customers must be sent on to their portal.
// A sign-in that begins with us would need what only that Odoo knows (its
// database and the number of the provider), and a link that signs people in
// without their asking is how they end up in somebody else's account.
func start(c Client, u idp.User) string {
	for _, uri := range c.RedirectURIs {
		at, err := url.Parse(uri)
		if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
			continue
		}
		if c.Type == Native { // it listens on the person's own device
			return ""
		}
		out := url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/"}
		if c.Type == Odoo {
			out.Path = "/web/login"
			if u.Kind == idp.Portal {
				out.RawQuery = "redirect=/my"
			}
		}
		return out.String()
	}
	return ""
}

// Withdraw takes back what a person allowed an application, with all codes and
// tokens that it holds for them (SECURITY.md P-32). idp.ErrNotFound when nothing
// was allowed.
func (a *Apps) Withdraw(ctx context.Context, by idp.Actor, id ClientID) error {
	if by.User == "" || by.Session == "" {
		return idp.ErrDenied
	}
	given, err := a.Consents.Of(ctx, by.User, id)
	if err != nil {
		return err
	}
	if len(given) == 0 {
		return idp.ErrNotFound
	}
	return a.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(a.Consents.Withdraw(ctx, by.User, id), a.Grants.Revoke(ctx, Selection{User: by.User, Client: id}),
			a.Log.Append(ctx, idp.Event{
				ID: rand.Text(), At: a.Now(), What: "consent.withdraw", User: by.User, Actor: by.User, Client: id, Session: by.Session,
				Origin: by.Origin, Result: "ok",
			}))
	})
}
