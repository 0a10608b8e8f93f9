package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/mfa/trust"
)

// Factor is a second factor; never its secret.
type Factor struct {
	ID      mfa.CredentialID `json:"id"`
	Kind    mfa.Kind         `json:"kind"`
	Label   string           `json:"label,omitempty"`
	Left    int              `json:"left,omitempty" doc:"How many backup codes are left."`
	Created time.Time        `json:"created"`
	Used    *time.Time       `json:"used,omitempty"`
}

// Device is a browser in which the second factor is not asked for.
type Device struct {
	ID      string    `json:"id"`
	Agent   string    `json:"user_agent"`
	Address string    `json:"address,omitempty"`
	Place   string    `json:"place,omitempty"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
	Expires time.Time `json:"expires"`
}

// Session is a signed-in browser.
type Session struct {
	ID      idp.SessionID `json:"id"`
	Methods []mfa.Kind    `json:"methods" doc:"What was proven."`
	Agent   string        `json:"user_agent"`
	Address string        `json:"address,omitempty"`
	Created time.Time     `json:"created"`
	Seen    time.Time     `json:"seen"`
	Expires time.Time     `json:"expires"`
}

// HistoryLine is something that happened to a person's account.
type HistoryLine struct {
	ID      string            `json:"id"`
	At      time.Time         `json:"at"`
	What    string            `json:"what"`
	Result  string            `json:"result"`
	Method  mfa.Kind          `json:"method,omitempty"`
	Client  idp.ClientID      `json:"client,omitempty"`
	Address string            `json:"address,omitempty"`
	Agent   string            `json:"user_agent,omitempty"`
	Other   bool              `json:"by_other" doc:"Somebody else did it: an administrator, or the house."`
	Detail  map[string]string `json:"detail,omitempty"`
}

// moment is a time that may not have been.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Items is a whole list.
type Items[T any] struct {
	Items []T `json:"items"`
}

// protectionAPI are the operations about how accounts are protected.
type protectionAPI struct{ *API }

func (a protectionAPI) routes() {
	get := func(id, path, summary string) operation {
		return operation{id: id, method: http.MethodGet, path: "/users/{id}/" + path, tag: "protection", summary: summary, right: idp.SeePeople}
	}
	remove := func(id, path, summary, about string) operation {
		return operation{id: id, method: http.MethodDelete, path: "/users/{id}/" + path, tag: "protection", summary: summary, about: about, right: idp.HelpPeople}
	}
	add(a.API, get("list-factors", "factors", "List a person's second factors"), looks(a.API, func(o security.Overview) []Factor { return each(o.Factors, viewFactor) }))
	add(a.API, get("list-devices", "devices", "List the browsers that a person trusts"), looks(a.API, func(o security.Overview) []Device { return each(o.Devices, viewDevice) }))
	add(a.API, get("list-sessions", "sessions", "List where a person is signed in"), looks(a.API, func(o security.Overview) []Session { return each(o.Sessions, viewSession) }))
	add(a.API, get("list-history", "history", "What happened to a person's account, newest first"), a.history)
	add(a.API, remove("remove-factor", "factors/{factor}", "Remove one second factor", "Sessions end, and no browser is trusted any more."), a.removeFactor)
	add(a.API, remove("forget-device", "devices/{device}", "Forget a trusted browser", "The sessions that it helped to open end."), a.forgetDevice)
	add(a.API, remove("forget-devices", "devices", "Forget all trusted browsers", ""), func(ctx context.Context, by idp.Actor, in *AboutUser) (*none, error) {
		return done(a.Security.ForgetDevices(ctx, by, in.ID))
	})
	add(a.API, remove("end-session", "sessions/{session}", "End one session", ""), a.endSession)
}

// looks makes a list of one part of what is known of an account's protection.
func looks[T any](a *API, part func(security.Overview) []T) func(context.Context, idp.Actor, *AboutUser) (*body[Items[T]], error) {
	return func(ctx context.Context, by idp.Actor, in *AboutUser) (*body[Items[T]], error) {
		o, err := a.Security.Overview(ctx, by, in.ID)
		if err != nil {
			return nil, err
		}
		return &body[Items[T]]{Items[T]{part(o)}}, nil
	}
}

func viewFactor(f security.Factor) Factor {
	return Factor{f.ID, f.Kind, f.Label, f.Left, f.Created.UTC(), moment(f.Used)}
}

func viewDevice(d trust.Device) Device {
	return Device{d.ID, d.Agent, d.Address, d.Place, d.Created.UTC(), d.Used.UTC(), d.Expires.UTC()}
}

func viewSession(s security.Session) Session {
	kinds := each(s.Proofs, func(p idp.Proof) mfa.Kind { return p.Kind })
	return Session{s.ID, slices.Compact(kinds), s.Origin.Agent, s.Origin.Address, s.Created.UTC(), s.Seen.UTC(), s.Expires.UTC()}
}

func (a protectionAPI) history(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Paging
}) (*body[Page[HistoryLine]], error) {
	var before idp.Cursor
	if err := in.place(&before); err != nil {
		return nil, err
	}
	lines, next, err := a.Security.History(ctx, by, in.ID, before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := Page[HistoryLine]{Items: each(lines, viewLine)}
	if !next.At.IsZero() {
		out.Next = cursor(next)
	}
	return &body[Page[HistoryLine]]{out}, nil
}

func viewLine(l security.Line) HistoryLine {
	return HistoryLine{l.ID, l.At.UTC(), l.What, l.Result, l.Method, l.Client, l.Origin.Address, l.Origin.Agent, l.Other, l.Detail}
}

func (a protectionAPI) removeFactor(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Factor mfa.CredentialID `path:"factor" maxLength:"64"`
}) (*none, error) {
	return done(a.Security.RemoveFactor(ctx, by, in.ID, in.Factor, true))
}

func (a protectionAPI) forgetDevice(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Device string `path:"device" maxLength:"64"`
}) (*none, error) {
	return done(a.Security.ForgetDevice(ctx, by, in.ID, in.Device))
}

func (a protectionAPI) endSession(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Session idp.SessionID `path:"session" maxLength:"64"`
}) (*none, error) {
	return done(a.Security.EndSession(ctx, by, in.ID, in.Session))
}
