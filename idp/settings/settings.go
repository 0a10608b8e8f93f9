// Package settings is what administrators change about the house while it
// runs, beside policies and applications: how the administration itself is
// guarded, and the gateways through which text messages go, whose credentials
// are sealed in the database.
//
// What an operator sets when a server starts is in package config.
package settings

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// House is the settings themselves; the zero value is the default.
type House struct {
	// Assurance is what administrators prove at least, as an ACR: idp.AAL2
	// (default) or idp.PhishingResistant (SECURITY.md D-03).
	Assurance string `json:"assurance,omitempty"`
	// SecondApprover holds temporary codes back until another administrator
	// agrees.
	SecondApprover bool `json:"second_approver,omitempty"`
	// Sessions is how many sessions a person may have at once; the oldest ends
	// when there is one more (SECURITY.md S-11). 0: any number.
	Sessions int `json:"sessions,omitempty"`
	// SelfClients says whether applications may register themselves (SECURITY.md
	// P-29), and SelfClientsMost how many such there may be; 0: DefaultSelfClients.
	SelfClients     string `json:"self_clients,omitempty"`
	SelfClientsMost int    `json:"self_clients_most,omitempty"`
}

// Whether applications may register themselves.
const (
	SelfOff   = ""      // no
	SelfToken = "token" // with a token of the API that may change applications
	SelfOpen  = "open"  // anybody's: for houses in which things are tried
)

// How many applications may register themselves.
const (
	DefaultSelfClients = 100
	MostSelfClients    = 10_000
)

// MostSelfClients is the limit that is in force.
func (h House) MostSelfClients() int { return cmp.Or(h.SelfClientsMost, DefaultSelfClients) }

// MostSessions is the highest limit that can be set.
const MostSessions = 100

// Store keeps documents, sealed.
type Store interface {
	// Load returns a document and its version, or nothing and 0.
	Load(ctx context.Context, name string) (body []byte, version int64, err error)
	// Save replaces a document of that version (0: there is none), or fails the
	// Atomic in ctx with idp.ErrSpent: of two who change the same one wins.
	Save(ctx context.Context, name string, body []byte, was int64) error
}

// Service changes settings. Its fields are set once, before first use.
type Service struct {
	Store  Store
	Log    idp.Log
	Atomic idp.Atomic
	Now    func() time.Time
	// Limiter counts tests; nil: nobody counts them, as on the command line.
	Limiter mfa.Limiter
	// Fed names what else fills a group; nil: nothing does.
	Fed func(ctx context.Context, group string) (feed string, fed bool, err error)
}

// The documents.
const (
	houseDoc        = "house"
	gatewaysDoc     = "gateways"
	registrationDoc = "registration"
)

// House is the settings in force, for the program itself.
func (s *Service) House(ctx context.Context) (House, error) {
	h, _, err := s.house(ctx)
	return h, err
}

func (s *Service) house(ctx context.Context) (h House, version int64, err error) {
	version, err = s.load(ctx, houseDoc, &h)
	if h.Assurance == "" {
		h.Assurance = idp.AAL2
	}
	return h, version, err
}

// Read is House for somebody, with the version that Change wants back.
func (s *Service) Read(ctx context.Context, by idp.Actor) (House, int64, error) {
	if err := by.May(idp.SeeHouse); err != nil {
		return House{}, 0, err
	}
	return s.house(ctx)
}

// Change replaces the settings, if they still are of that version
// (idp.ErrSpent). idp.ErrInvalid with every mistake. Only an owner weakens how the
// administration is guarded (M-10, D-03), and only who may register applications
// lets others do so (D-02): an idp.DeniedError for others.
func (s *Service) Change(ctx context.Context, by idp.Actor, version int64, next House) error {
	if err := by.May(idp.EditHouse); err != nil {
		return err
	}
	if err := next.check(); err != nil {
		return err
	}
	if next.SelfClientsMost == DefaultSelfClients {
		next.SelfClientsMost = 0
	}
	was, now, err := s.house(ctx)
	if err != nil {
		return err
	}
	if now != version {
		return fmt.Errorf("%w: the settings have changed meanwhile", idp.ErrSpent)
	}
	if next.weaker(was) && !by.Host && by.Role != idp.Owner {
		return fmt.Errorf("only an owner weakens how the administration is guarded: %w", &idp.DeniedError{Right: idp.EditHouse})
	}
	if was.SelfClients != next.SelfClients || was.MostSelfClients() != next.MostSelfClients() {
		if err := by.May(idp.EditClients); err != nil {
			return err
		}
	}
	return s.save(ctx, by, houseDoc, version, next, "settings.change", idp.Diff(was.recorded(), next.recorded()))
}

// weaker reports whether administrators prove less than before, or act alone.
func (h House) weaker(was House) bool {
	return was.Assurance == idp.PhishingResistant && h.Assurance != was.Assurance || was.SecondApprover && !h.SecondApprover
}

func (h House) check() error {
	var errs []error
	if h.Assurance != "" && h.Assurance != idp.AAL2 && h.Assurance != idp.PhishingResistant {
		errs = append(errs, fmt.Errorf("%w: assurance: %q: %s or %s is allowed", idp.ErrInvalid, h.Assurance, idp.AAL2, idp.PhishingResistant))
	}
	if h.Sessions < 0 || h.Sessions > MostSessions {
		errs = append(errs, fmt.Errorf("%w: sessions: %d: 0 (any number) to %d is allowed", idp.ErrInvalid, h.Sessions, MostSessions))
	}
	if h.SelfClients != SelfOff && h.SelfClients != SelfToken && h.SelfClients != SelfOpen {
		errs = append(errs, fmt.Errorf("%w: self_clients: %q: %s, %s or nothing is allowed", idp.ErrInvalid, h.SelfClients, SelfToken, SelfOpen))
	}
	if h.SelfClientsMost < 0 || h.SelfClientsMost > MostSelfClients {
		errs = append(errs, fmt.Errorf("%w: self_clients_most: %d: 0 (the default) to %d is allowed", idp.ErrInvalid, h.SelfClientsMost, MostSelfClients))
	}
	return errors.Join(errs...)
}

func (h House) recorded() map[string]string {
	return map[string]string{
		"assurance": h.Assurance, "second_approver": strconv.FormatBool(h.SecondApprover), "sessions": strconv.Itoa(h.Sessions),
		"self_clients": h.SelfClients, "self_clients_most": strconv.Itoa(h.MostSelfClients()),
	}
}

func (s *Service) load(ctx context.Context, name string, v any) (int64, error) {
	body, version, err := s.Store.Load(ctx, name)
	if err != nil || version == 0 {
		return 0, err
	}
	return version, json.Unmarshal(body, v)
}

func (s *Service) save(ctx context.Context, by idp.Actor, name string, was int64, v any, what string, detail map[string]string) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Save(ctx, name, body, was), s.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: s.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
		}))
	})
}
