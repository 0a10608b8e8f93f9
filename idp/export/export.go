// Package export writes down everything that is held about a person, for that
// person (GDPR articles 15 and 20).
//
// It holds no secret, because what is written here ends up in a folder of
// downloads: no hash, no key, no token. It says nothing about anybody else: of
// what administrators did it tells that they did it, not who and from where.
package export

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/mfa"
	"latchkey/mfa/trust"
)

// Format names the shape of the file. What is added later leaves it as it is.
const Format = "latchkey-account-1"

// Service reads what there is. Its fields are set once, before first use.
type Service struct {
	Self     *account.Self
	Sessions idp.Sessions
	Factors  *mfa.Engine
	Devices  trust.Devices
	Apps     *oidc.Apps
	Log      idp.Log
	Notify   account.Notifier
	Atomic   idp.Atomic
	Now      func() time.Time
}

// Account is everything about a person but the events, which are written as they
// are read. Names are part of the product's interface; docs/export.md explains
// them.
type Account struct {
	Format       string        `json:"format"`
	Made         time.Time     `json:"made"`
	Profile      Profile       `json:"profile"`
	Groups       []string      `json:"groups"`
	Factors      []Factor      `json:"factors"`
	Devices      []Device      `json:"trusted_devices"`
	Sessions     []Session     `json:"sessions"`
	Applications []Application `json:"applications"`
	Deadlines    []Deadline    `json:"deadlines"`
}

// Profile is who somebody is.
type Profile struct {
	ID            string      `json:"id"`
	Login         string      `json:"login"`
	Name          string      `json:"name"`
	Email         string      `json:"email,omitempty"`
	EmailVerified bool        `json:"email_verified"`
	Phone         string      `json:"phone,omitempty"`
	PhoneVerified bool        `json:"phone_verified"`
	Kind          string      `json:"kind"`
	Role          string      `json:"role,omitempty"`
	Locale        string      `json:"locale,omitempty"`
	Claims        idp.Profile `json:"claims"`
	Picture       []byte      `json:"picture_png,omitempty"` // base64
	HasPassword   bool        `json:"has_password"`
	Created       time.Time   `json:"created"`
	Updated       time.Time   `json:"updated"`
}

// Factor is a way to verify, without its secret.
type Factor struct {
	Kind    string     `json:"kind"`
	Label   string     `json:"label,omitempty"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
	Left    int        `json:"codes_left,omitempty"`
}

// Device is a trusted browser.
type Device struct {
	Agent   string    `json:"user_agent"`
	Address string    `json:"ip,omitempty"`
	Place   string    `json:"place,omitempty"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
	Expires time.Time `json:"expires"`
}

// Session is a signed-in browser.
type Session struct {
	Agent   string    `json:"user_agent"`
	Address string    `json:"ip,omitempty"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	Methods []string  `json:"methods"` // amr
}

// Application is one that the person may open, used or allowed something.
type Application struct {
	ID        string     `json:"client_id"`
	Name      string     `json:"name"`
	Open      bool       `json:"open"`
	Used      *time.Time `json:"used,omitempty"`
	Allowed   []string   `json:"allowed_scopes,omitempty"`
	AllowedAt *time.Time `json:"allowed_at,omitempty"`
}

// Deadline is a policy whose days of grace run.
type Deadline struct {
	Policy string    `json:"policy"`
	Began  time.Time `json:"began"`
}

// Event is a line of the log about the person.
type Event struct {
	At      time.Time         `json:"at"`
	What    string            `json:"event"`
	Result  string            `json:"result"`
	By      string            `json:"by"` // you, house, or unknown: nobody was signed in
	Client  string            `json:"client_id,omitempty"`
	Method  string            `json:"method,omitempty"`
	Address string            `json:"ip,omitempty"`
	Agent   string            `json:"user_agent,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
}

// Write writes everything about the actor to w. It takes a recent proof
// (idp.ErrMore), leaves an event, and the person is told. w is asked for when
// there is something to write: an error before is nobody's half file.
func (s *Service) Write(ctx context.Context, by idp.Actor, w func() io.Writer) error {
	u, err := s.Self.Surely(ctx, by)
	if err != nil {
		return err
	}
	return s.write(ctx, by, u, w)
}

// WriteOf is Write by an administrator, for somebody who asked on paper.
func (s *Service) WriteOf(ctx context.Context, by idp.Actor, u idp.User, w func() io.Writer) error {
	if err := by.MayTouch(idp.EditPeople, u); err != nil {
		return err
	}
	return s.write(ctx, by, u, w)
}

func (s *Service) write(ctx context.Context, by idp.Actor, u idp.User, w func() io.Writer) error {
	a, err := s.read(ctx, u)
	if err != nil {
		return err
	}
	head, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	if err := s.note(ctx, by, u); err != nil {
		return err
	}
	out := w()
	if _, err := fmt.Fprintf(out, "%s,\n  \"events\": [", head[:len(head)-2]); err != nil { // without "\n}"
		return err
	}
	if err := s.events(ctx, u, out); err != nil {
		return err
	}
	_, err = io.WriteString(out, "\n  ]\n}\n")
	return err
}

func (s *Service) note(ctx context.Context, by idp.Actor, u idp.User) error {
	now := s.Now()
	n := idp.Notice{Kind: idp.DataExported, At: now}
	if by.User == u.ID {
		n.Origin = by.Origin
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Notify.Notice(ctx, u, n), s.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: now, What: "data.export", User: u.ID, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok",
		}))
	})
}

// events writes the log as it reads it: an account of many years fits through.
func (s *Service) events(ctx context.Context, u idp.User, out io.Writer) error {
	comma := "\n    "
	return s.Log.Events(ctx, idp.EventQuery{User: u.ID}, func(e idp.Event) error {
		line, err := json.Marshal(eventOf(e, u))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s%s", comma, line)
		comma = ",\n    "
		return err
	})
}

// eventOf leaves out what is about somebody else: who in the house did it, from
// where, and what they noted down for each other.
func eventOf(e idp.Event, u idp.User) Event {
	out := Event{At: e.At.UTC(), What: e.What, Result: e.Result, By: "house", Client: string(e.Client), Method: string(e.Method)}
	switch {
	case e.Actor == u.ID:
		out.By = "you"
	case e.Actor == "" && e.Origin.Address != "": // the command line comes from no address
		out.By = "unknown"
	default:
		return out
	}
	out.Address, out.Agent, out.Detail = e.Origin.Address, e.Origin.Agent, e.Detail
	return out
}
