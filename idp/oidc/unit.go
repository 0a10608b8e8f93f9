package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"latchkey/idp"
)

// record is the payload of a grant.
type record struct {
	Version int               `json:"v"`
	Issued  int64             `json:"at"` // unix seconds
	Scopes  []string          `json:"scopes,omitempty"`
	Form    map[string]string `json:"form,omitempty"`  // what a code must remember of its request
	Until   int64             `json:"until,omitempty"` // unix milliseconds; a code is good no longer, though its row stays to recognise a second use
	Session session           `json:"session"`
}

const recordVersion = 1

func (r record) encode() ([]byte, error) {
	r.Version = recordVersion
	return json.Marshal(r)
}

func decodeRecord(b []byte) (record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("grant payload: %w", err)
	}
	if r.Version != recordVersion {
		return r, fmt.Errorf("grant payload: version %d is not ours", r.Version)
	}
	return r, nil
}

// unit gathers what one HTTP request reads from the grants and writes to them.
// fosite asks for the same row up to five times and writes code, PKCE and
// OpenID data as if they were three; with a unit that is one read and one
// write (DESIGN.md §3).
type unit struct {
	p *Provider

	kind    string // of the grant that was presented; empty: none yet
	sign    string // its signature
	grant   Grant
	user    idp.User // as they are now
	record  record
	found   bool
	request *fosite.Request

	exchange bool    // the grant that was read is given for what into holds
	into     []Grant // to be inserted
	code     *record // of the code that is being made
	codeSign string
	codeReq  fosite.Requester
	login    *Login // of a client that wants to know of its end
	pushed   string // signature of the request that is answered, if it was pushed

	fault error // the store failed; fosite would hide it
}

type unitKey struct{}

func newUnit(ctx context.Context, p *Provider) (context.Context, *unit) {
	u := &unit{p: p}
	return context.WithValue(ctx, unitKey{}, u), u
}

func unitOf(ctx context.Context) *unit { return ctx.Value(unitKey{}).(*unit) }

// load reads the grant that the client presented, once. It fails with
// fosite.ErrNotFound, for expired grants, too, and with idp.ErrSpent, then
// with the request.
func (u *unit) load(ctx context.Context, kind, signature string) (*fosite.Request, error) {
	if signature == "" {
		return nil, fosite.ErrNotFound
	}
	if u.kind == kind && u.sign == signature {
		return u.loaded()
	}
	g, user, err := u.p.Grants.Get(ctx, kind, signature)
	if err == nil {
		u.record, err = decodeRecord(g.Payload)
	}
	if errors.Is(err, idp.ErrNotFound) {
		return nil, fosite.ErrNotFound
	} else if err != nil {
		u.fault = err
		return nil, err
	}
	u.kind, u.sign, u.grant, u.user = kind, signature, g, user
	u.found = lives(g, u.record, u.p.Now())
	client, err := u.p.registry.client(ctx, g.Client)
	if errors.Is(err, idp.ErrNotFound) {
		u.found = false
	} else if err != nil {
		u.fault = err
		return nil, err
	}
	form := url.Values{}
	for k, v := range u.record.Form {
		form.Set(k, v)
	}
	s := u.record.Session.Clone().(*session)
	s.hashFor(client)
	u.request = &fosite.Request{
		ID: g.Family, Client: relying{client}, RequestedAt: time.Unix(u.record.Issued, 0),
		RequestedScope: slices.Clone(u.record.Scopes), GrantedScope: slices.Clone(u.record.Scopes), Form: form, Session: s,
	}
	return u.loaded()
}

func (u *unit) loaded() (*fosite.Request, error) {
	if !u.found {
		return nil, fosite.ErrNotFound
	}
	if u.grant.Spent {
		return u.request, idp.ErrSpent
	}
	return u.request, nil
}

// lives reports whether a grant has not expired. One that is spent lives as
// long as its row, so that a second use is recognised.
func lives(g Grant, r record, now time.Time) bool {
	return now.Before(g.Expires) && (g.Spent || r.Until == 0 || now.UnixMilli() < r.Until)
}

// codeOf starts the one row that is code, PKCE and OpenID data together, or
// adds to it. fosite hands over the same request up to three times, each time
// with other form values kept.
func (u *unit) codeOf(signature string, r fosite.Requester) {
	if u.code == nil {
		now := u.p.Now()
		u.codeSign, u.codeReq = signature, r
		u.code = &record{
			Issued: now.Unix(), Scopes: r.GetGrantedScopes(), Form: map[string]string{},
			Until: now.Add(u.p.Lifetimes.Code).UnixMilli(), Session: *r.GetSession().(*session),
		}
	}
	for _, name := range []string{"redirect_uri", "nonce", "code_challenge", "code_challenge_method"} {
		if v := r.GetRequestForm().Get(name); v != "" {
			u.code.Form[name] = v
		}
	}
}

// token adds an access or refresh token to what will be written.
func (u *unit) token(kind, signature string, r fosite.Requester) error {
	now := u.p.Now()
	s := r.GetSession().(*session)
	rec := record{Issued: now.Unix(), Scopes: r.GetGrantedScopes(), Session: *s}
	expires := now.Add(u.p.Lifetimes.Access)
	if kind == KindRefresh {
		expires = now.Add(u.p.Lifetimes.RefreshIdle)
		if last := time.Unix(s.Absolute, 0); expires.After(last) {
			expires = last
		}
		if u.kind == KindRefresh {
			// A narrowed request narrows its access token, not the grant
			// (RFC 6749 §6).
			rec.Scopes = u.record.Scopes
		}
	}
	return u.add(kind, signature, r, rec, expires)
}

func (u *unit) add(kind, signature string, r fosite.Requester, rec record, expires time.Time) error {
	payload, err := rec.encode()
	if err != nil {
		return err
	}
	s := r.GetSession().(*session)
	u.into = append(u.into, Grant{
		Kind: kind, Signature: signature, Family: r.GetID(), Client: ClientID(r.GetClient().GetID()),
		User: s.User, Session: s.SID, Payload: payload, Expires: expires,
	})
	return nil
}

// send writes everything in one transaction, with what happened. It fails with
// idp.ErrSpent when somebody else was faster with the same code or token.
func (u *unit) send(ctx context.Context, e idp.Event) error {
	if u.code != nil {
		// The row outlives the code by the life of what can be had for it, so
		// that a second use still finds what to revoke (P-04).
		l := u.p.Lifetimes
		if err := u.add(KindCode, u.codeSign, u.codeReq, *u.code, u.p.Now().Add(l.Code+l.Access)); err != nil {
			return err
		}
		u.code = nil
	}
	return u.p.Atomic(ctx, func(ctx context.Context) error {
		if err := u.p.spendPushed(ctx, u.pushed); err != nil {
			return err
		}
		if u.exchange {
			if err := u.p.Grants.Spend(ctx, u.kind, u.sign, u.into...); err != nil {
				return err
			}
		} else if len(u.into) > 0 {
			if err := u.p.Grants.Put(ctx, u.into...); err != nil {
				return err
			}
		}
		if err := u.login.note(ctx, u.p.Logins); err != nil {
			return err
		}
		return u.p.Log.Append(ctx, e)
	})
}
