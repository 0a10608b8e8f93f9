// Package gate decides who speaks to the API and to SCIM: a token of an
// administrator, or a service with client credentials. It counts what each of
// them asks, and what strangers try.
//
// It reads the Authorization header and nothing else. A cookie never opens the
// API, so no page of another site can use it through somebody's browser
// (SECURITY.md X-01), and there is nothing for CORS to allow.
package gate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/mfa"
)

// Gate lets callers in. Its exported fields are set once, before first use.
type Gate struct {
	Tokens   Tokens
	Machines Machines
	Limiter  mfa.Limiter
	Log      idp.Log
	Origin   func(*http.Request) idp.Origin
	Now      func() time.Time
	// PerMinute is how many requests one caller has in a minute; each instance
	// counts for itself.
	PerMinute int
	// Tries of wrong tokens that one network has in Per.
	Tries int
	Per   time.Duration

	meter meter
}

// Tokens knows the tokens of administrators.
type Tokens interface {
	Bearer(ctx context.Context, secret string, from idp.Origin) (apitoken.Token, idp.Actor, error)
	Still(ctx context.Context, by idp.Actor) (idp.Actor, error)
}

// Machines knows the services; see [oidc.Bearers].
type Machines interface {
	Machine(ctx context.Context, token string) (c oidc.Client, rights []idp.Right, name string, err error)
	Registered(ctx context.Context, id oidc.ClientID, token string) ([]idp.Right, error)
}

// Caller is who speaks.
type Caller struct {
	idp.Actor
	// Name tells callers apart: token:ID or client:ID.
	Name string
	// Token is the token of an administrator; zero for a service.
	Token apitoken.Token
	// Client is the service; zero for an administrator.
	Client oidc.Client
}

// Refusal is why somebody does not get in.
type Refusal struct {
	Status int
	Code   string // such as "token"
	Detail string // in English
	Wait   time.Duration
}

func (r *Refusal) Error() string { return "gate: " + r.Detail }

var (
	errNone  = &Refusal{Status: http.StatusUnauthorized, Code: "token", Detail: "A bearer token is needed: Authorization: Bearer lka_…"}
	errWrong = &Refusal{Status: http.StatusUnauthorized, Code: "token", Detail: "The token is not good, or no longer."}
)

// Admit tells who speaks, or refuses with a [*Refusal]. It writes the headers
// that tell how much the caller may still ask.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request) (Caller, error) {
	from := g.Origin(r)
	if from.Request == "" {
		from.Request = rand.Text()
	}
	w.Header().Set("X-Request-Id", from.Request)
	secret, ok := bearer(r)
	if !ok {
		return Caller{Actor: idp.Actor{Origin: from}}, challenge(w, errNone)
	}
	c, err := g.recognise(r.Context(), secret, from)
	if errors.Is(err, idp.ErrNotFound) {
		return c, challenge(w, g.stranger(r.Context(), c, from))
	} else if err != nil {
		return c, err
	}
	left := g.meter.take(c.Name, g.PerMinute, g.Now())
	for name, n := range map[string]int{"Limit": g.PerMinute, "Remaining": max(0, left.requests), "Reset": left.seconds} {
		w.Header().Set("RateLimit-"+name, strconv.Itoa(n))
	}
	if left.requests < 0 {
		wait := time.Duration(left.seconds) * time.Second
		w.Header().Set("Retry-After", strconv.Itoa(left.seconds))
		return c, &Refusal{Status: http.StatusTooManyRequests, Code: "too-many", Detail: fmt.Sprintf("At most %d requests a minute are answered.", g.PerMinute), Wait: wait}
	}
	return c, nil
}

// bearer takes the token from the header, never from the address, where logs
// would keep it (RFC 6750 §2.3).
func bearer(r *http.Request) (string, bool) {
	if len(r.Header.Values("Authorization")) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func (g *Gate) recognise(ctx context.Context, secret string, from idp.Origin) (Caller, error) {
	if strings.HasPrefix(secret, apitoken.Prefix) {
		t, by, err := g.Tokens.Bearer(ctx, secret, from)
		if err != nil {
			by.Origin = from
		}
		return Caller{Actor: by, Name: "token:" + t.ID, Token: t}, err
	}
	client, rights, token, err := g.Machines.Machine(ctx, secret)
	if err != nil {
		return Caller{Actor: idp.Actor{Origin: from}}, err
	}
	// A service stands where administrators do: above nobody who owns the house,
	// and no further than its scopes.
	user := idp.ServiceUser(client.ID)
	return Caller{Actor: idp.Actor{User: user, Role: idp.Admin, Origin: from, Scopes: rights, Token: token}, Name: string(user), Client: client}, nil
}

// Still is a caller as they are now, for work that goes on after the answer:
// what ends a token, or narrows it, ends or narrows what was begun with it
// (SECURITY.md D-04). idp.ErrNotFound when it is no longer good. The access token
// of a service may expire meanwhile, for it is short; it may not be revoked.
func (g *Gate) Still(ctx context.Context, by idp.Actor) (idp.Actor, error) {
	id, is := by.Service()
	if !is {
		return g.Tokens.Still(ctx, by)
	}
	now, err := g.Machines.Registered(ctx, id, by.Token)
	if err != nil {
		return idp.Actor{}, err
	}
	by.Scopes = slices.DeleteFunc(slices.Clone(by.Scopes), func(r idp.Right) bool { return !slices.Contains(now, r) })
	return by, nil
}

// stranger counts a wrong token and leaves a line in the log, as long as the
// network has tries left: 260 random bits are not guessed, but a log is flooded.
func (g *Gate) stranger(ctx context.Context, c Caller, from idp.Origin) error {
	err := g.Limiter.Take(ctx, mfa.Budget{Key: "api:" + signin.Network(from.Address), Max: g.Tries, Per: g.Per, Shared: true})
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		return &Refusal{Status: http.StatusTooManyRequests, Code: "locked", Detail: "Too many wrong tokens came from this network.", Wait: locked.Until.Sub(g.Now())}
	} else if err != nil {
		return err
	}
	e := idp.Event{ID: rand.Text(), At: g.Now(), What: "api.token", Origin: from, Result: "wrong"}
	if c.Token.ID != "" { // one of ours that is no longer good
		e.User, e.Result, e.Detail = c.Token.Owner, "ended", map[string]string{"token": c.Token.ID, "name": c.Token.Name}
	}
	if err := g.Log.Append(ctx, e); err != nil {
		return err
	}
	return errWrong
}

// challenge says how to get in (RFC 6750 §3).
func challenge(w http.ResponseWriter, err error) error {
	r := (*Refusal)(nil)
	if !errors.As(err, &r) {
		return err
	}
	if r.Status == http.StatusUnauthorized {
		with := `Bearer realm="Latchkey"`
		if r == errWrong {
			with += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", with)
	}
	if r.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.Wait/time.Second)+1))
	}
	return err
}
