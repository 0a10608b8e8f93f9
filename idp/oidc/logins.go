package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
)

// Login is a client that holds tokens of a session.
type Login struct {
	Session idp.SessionID // as it is now: a step-up puts another in its place
	SID     idp.SessionID // as the client's tokens name it
	Client  ClientID
	User    idp.UserID
}

// Logins remembers which clients were told of which session, so that they can
// hear when it ends. The store itself moves and ends logins together with
// sessions, in one transaction, and leaves a message for each client in the
// outbox (channel mail.Logout); [Farewells] sends them.
type Logins interface {
	// Note remembers a login once; it joins the Atomic in ctx and does nothing
	// when the session has ended. The store knows the person.
	Note(ctx context.Context, l Login) error
	// Of lists the logins of a session.
	Of(ctx context.Context, s idp.SessionID) ([]Login, error)
}

// hears reports whether a client wants to know of the end of a session.
func (c Client) hears() bool { return c.BackchannelURI != "" || c.FrontchannelURI != "" }

// ParseFarewell reads the recipient of a message of the channel mail.Logout:
// the client, the session as the client knows it, and the person.
func ParseFarewell(to string) (Login, error) {
	parts := strings.Split(to, " ")
	if len(parts) != 3 || slices.Contains(parts, "") {
		return Login{}, idp.ErrInvalid
	}
	return Login{Client: ClientID(parts[0]), SID: idp.SessionID(parts[1]), User: idp.UserID(parts[2])}, nil
}

// note remembers a login, if there is one, together with what else is being
// written.
func (l *Login) note(ctx context.Context, in Logins) error {
	if l == nil {
		return nil
	}
	return in.Note(ctx, *l)
}

// Frames lists the addresses that a page must load to tell the applications
// of the request's session of its end (OpenID Connect Front-Channel Logout
// 1.0). Ask before the session ends; nobody signed in is no error.
func (p *Provider) Frames(r *http.Request) ([]string, error) {
	if framed, err := p.registry.framed(r.Context()); err != nil || !framed {
		return nil, err
	}
	s, _, err := p.present(r)
	if err != nil || s.ID == "" {
		return nil, err
	}
	return p.fronts.of(r.Context(), s.ID)
}

// fronts knows what a browser must load to tell applications of the end of a
// session.
type fronts struct {
	registry registry
	logins   Logins
	issuer   string
	subjects Subjects
}

func (f fronts) of(ctx context.Context, id idp.SessionID) ([]string, error) {
	if framed, err := f.registry.framed(ctx); err != nil || !framed {
		return nil, err
	}
	all, err := f.logins.Of(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, l := range all {
		c, err := f.registry.client(ctx, l.Client)
		if errors.Is(err, idp.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		sid, err := f.subjects.SID(c, l.SID)
		if err != nil {
			return nil, err
		}
		if to := c.frame(f.issuer, sid); to != "" && !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out, nil
}

// frame is the client's front-channel address, with the issuer and the
// session unless it is registered to do without (§3).
func (c Client) frame(issuer, sid string) string {
	if c.FrontchannelURI == "" || c.FrontchannelPlain {
		return c.FrontchannelURI
	}
	u, err := url.Parse(c.FrontchannelURI)
	if err != nil { // registration would not have let it pass
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += encode(url.Values{"iss": {issuer}, "sid": {sid}})
	return u.String()
}
