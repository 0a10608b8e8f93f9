package oidc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"

	"latchkey/idp"
)

// What a device is told that asks for its tokens (RFC 8628 §3.5).
const (
	authorizationPending = "authorization_pending"
	slowDown             = "slow_down"
	expiredToken         = "expired_token"
)

// deviceGrant redeems a device_code (RFC 8628 §3.4). fosite v0.49 has no such
// grant; this one only finds the code that a person's consent has left, and
// issues what a code of the browser would.
type deviceGrant struct {
	p  *Provider
	id openid.IDTokenHandleHelper
}

var _ fosite.TokenEndpointHandler = deviceGrant{}

// CanSkipClientAuth never: whose device_code it is decides.
func (deviceGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

func (deviceGrant) CanHandleTokenEndpointRequest(_ context.Context, ar fosite.AccessRequester) bool {
	return ar.GetGrantTypes().ExactOne(GrantDevice)
}

func (d deviceGrant) HandleTokenEndpointRequest(ctx context.Context, ar fosite.AccessRequester) error {
	got, err := d.allowed(ctx, ClientID(ar.GetClient().GetID()), ar.GetRequestForm().Get("device_code"))
	if err != nil {
		return err
	}
	ar.SetRequestedScopes(got.GetRequestedScopes())
	ar.SetSession(got.GetSession())
	ar.SetID(got.GetID())
	return nil
}

// allowed finds what a person has allowed a device. A device that waits costs
// one read.
func (d deviceGrant) allowed(ctx context.Context, client ClientID, code string) (*fosite.Request, error) {
	u := unitOf(ctx)
	sign := d.p.tokens.signature(ctx, devicePrefix, code)
	if sign == "" {
		return nil, refuse(invalidGrant, "This device_code is not ours.")
	}
	g, _, err := d.p.Grants.Get(ctx, KindDevice, sign)
	if errors.Is(err, idp.ErrNotFound) { // we have made it, and it has been swept away
		return nil, refuse(expiredToken, "The device_code has expired.")
	}
	rec, bad := decodeRecord(g.Payload)
	if err = errors.Join(err, bad); err != nil {
		u.fault = err
		return nil, err
	}
	if g.Client != client {
		return nil, refuse(invalidGrant, "This device_code is another client's.")
	}
	now, until := d.p.Now(), time.UnixMilli(rec.Until)
	if g.Spent {
		return d.decided(ctx, u, sign, now.Before(until))
	}
	switch {
	case !now.Before(until):
		return nil, refuse(expiredToken, "The device_code has expired.")
	case d.p.polls.early(sign, now, until):
		return nil, refuse(slowDown, "Wait five seconds longer from now on.")
	}
	return nil, refuse(authorizationPending, "Nobody has decided yet.")
}

// decided finds what was decided: a person who allows leaves a code.
func (d deviceGrant) decided(ctx context.Context, u *unit, sign string, inTime bool) (*fosite.Request, error) {
	got, err := u.load(ctx, KindCode, redeemedSignature(sign))
	switch {
	case errors.Is(err, idp.ErrSpent):
		return nil, refuse(invalidGrant, "It has already been used.")
	case errors.Is(err, fosite.ErrNotFound) && inTime:
		return nil, refuse(accessDenied, "The person said no.")
	case errors.Is(err, fosite.ErrNotFound):
		return nil, refuse(expiredToken, "The device_code has expired.")
	}
	return got, err
}

// PopulateTokenEndpointResponse issues what was allowed. The unit spends the
// code with it, so that of parallel questions one is answered (P-04).
func (d deviceGrant) PopulateTokenEndpointResponse(ctx context.Context, ar fosite.AccessRequester, answer fosite.AccessResponder) error {
	if !d.CanHandleTokenEndpointRequest(ctx, ar) {
		return fosite.ErrUnknownRequest
	}
	u := unitOf(ctx)
	for _, s := range u.record.Scopes {
		ar.GrantScope(s)
	}
	access, sign, err := d.p.tokens.GenerateAccessToken(ctx, ar)
	if err != nil {
		return err
	}
	u.exchange = true
	if err := u.token(KindAccess, sign, ar); err != nil {
		return err
	}
	answer.SetAccessToken(access)
	answer.SetTokenType("bearer")
	answer.SetExpiresIn(d.p.Lifetimes.Access)
	answer.SetScopes(ar.GetGrantedScopes())
	if ar.GetGrantedScopes().Has("offline_access") && ar.GetClient().GetGrantTypes().Has(grantRefresh) {
		refresh, sign, err := d.p.tokens.GenerateRefreshToken(ctx, ar)
		if err != nil {
			return err
		}
		if err := u.token(KindRefresh, sign, ar); err != nil {
			return err
		}
		answer.SetExtra("refresh_token", refresh)
	}
	if !ar.GetGrantedScopes().Has("openid") {
		return nil
	}
	ar.GetSession().(*session).hashes.AccessTokenHash = d.id.GetAccessTokenHash(ctx, ar, answer)
	return d.id.IssueExplicitIDToken(ctx, d.p.Lifetimes.ID, ar, answer)
}

// polls knows how fast devices ask. It is kept in memory, and each instance
// knows its own: a write for each question would cost more than the questions
// do, and a device that asks too often harms nobody but the server that it
// asks. A code has 256 bits; nothing hangs on this.
type polls struct {
	mu    sync.Mutex
	of    map[string]poll
	swept time.Time
}

type poll struct {
	last  time.Time
	wait  time.Duration
	until time.Time
}

// Slack is for a network that holds one question up longer than the next.
const slack = time.Second

// early reports whether a device has not waited as long as it was told, and
// makes it wait five seconds longer each time (RFC 8628 §3.5). There are no
// more entries than codes that live.
func (ps *polls) early(sign string, now, until time.Time) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.of == nil {
		ps.of = map[string]poll{}
	}
	if now.Sub(ps.swept) > time.Minute {
		for k, p := range ps.of {
			if !now.Before(p.until) {
				delete(ps.of, k)
			}
		}
		ps.swept = now
	}
	p, asked := ps.of[sign]
	if !asked {
		p = poll{wait: devicePace, until: until}
	}
	early := asked && now.Sub(p.last) < p.wait-slack
	if early {
		p.wait += devicePace
	}
	p.last = now
	ps.of[sign] = p
	return early
}
