package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// Level says how bad a finding is.
type Level string

const (
	Problem Level = "problem" // somebody cannot come in, or comes in another way
	Advice  Level = "advice"  // good to know; a choice of the administrator
)

// Finding is one thing that the doctor found.
type Finding struct {
	Check    string `json:"check"`
	Level    Level  `json:"level"`
	Evidence string `json:"evidence"` // in English
	Cure     string `json:"cure"`
	Fixable  bool   `json:"fixable"`
	Fixed    bool   `json:"fixed"`

	// Says, Facts and Detail are the evidence for readers of other languages:
	// which of [Sentences], what is in it, and what a machine said, such as an
	// error, which nobody translates. Without Says, Evidence is all there is.
	Says   string   `json:"says,omitempty"`
	Facts  []string `json:"facts,omitempty"`
	Detail string   `json:"detail,omitempty"`

	fix func(context.Context) error
}

// Diagnosis is what the doctor says of one connection.
type Diagnosis struct {
	Connection string    `json:"connection"`
	URL        string    `json:"url"`
	Version    string    `json:"version,omitempty"`
	Checks     []string  `json:"checks"` // what was looked at
	Findings   []Finding `json:"findings"`
}

// Well reports whether no problem is left.
func (d Diagnosis) Well() bool {
	return !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Level == Problem && !f.Fixed })
}

// patient is an Odoo under examination.
type patient struct {
	*Service
	r      *rpc.Client
	c      Connection
	by     idp.Actor // who examines
	client oidc.Client
	rows   []row
	people []odooUser
	locked map[int64]bool
}

// check is one thing that the doctor looks at.
type check struct {
	name string
	look func(*patient, context.Context) ([]Finding, error)
}

// checks are everything that is known to go wrong (ODOO.md §1, §2), in the
// order in which it is worth curing.
var checks = []check{
	{"version", (*patient).version},
	{"client", (*patient).registered},
	{"provider_row", (*patient).providerRow},
	{"label", (*patient).label},
	{"way", (*patient).wayIn},
	{"hosts", (*patient).hosts},
	{"header_parameter", (*patient).header},
	{"token_as_password", (*patient).tokenAsPassword},
	{"clock", (*patient).clock},
	{"key_expiry", (*patient).keyExpiry},
	{"unlinked", (*patient).unlinked},
	{"duplicates", (*patient).duplicates},
	{"sign_up", (*patient).signUp},
	{"password_reset", (*patient).reset},
	{"local_passwords", (*patient).passwords},
	{"other_providers", (*patient).others},
	{"odoo_totp", (*patient).totp},
	{"totp_policy", (*patient).totpPolicy},
	{"api_keys", (*patient).apiKeys},
	{"waiting", (*patient).waiting},
	{"snippet", (*patient).snippet},
}

// Doctor examines a connection. With fix, what can be put right without a risk
// is.
func (s *Service) Doctor(ctx context.Context, by idp.Actor, id string, fix bool) (Diagnosis, error) {
	return s.examine(ctx, by, id, func(string) bool { return fix })
}

// Cure examines a connection and puts right what one check finds.
func (s *Service) Cure(ctx context.Context, by idp.Actor, id, check string) (Diagnosis, error) {
	return s.examine(ctx, by, id, func(c string) bool { return c == check })
}

func (s *Service) examine(ctx context.Context, by idp.Actor, id string, fix func(check string) bool) (Diagnosis, error) {
	if err := may(by); err != nil {
		return Diagnosis{}, err
	}
	c, err := s.Find(ctx, id)
	if err != nil {
		return Diagnosis{}, err
	}
	d := Diagnosis{Connection: c.ID, URL: c.URL, Checks: []string{"contact"}, Findings: []Finding{}}
	p := &patient{Service: s, c: c, by: by}
	if f, bad, err := p.contact(ctx); err != nil || bad {
		d.Findings = append(d.Findings, f)
		return d, err
	}
	d.Version = p.r.Version().Full
	for _, k := range checks {
		d.Checks = append(d.Checks, k.name)
		found, err := k.look(p, ctx)
		if errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrFault) || errors.Is(err, rpc.ErrNotFound) {
			f := one("unread", Advice, "look at it in Odoo; it could not be read")
			f.Check, f.Evidence, f.Detail = k.name, err.Error(), err.Error()
			found, err = []Finding{f}, nil
		}
		if err != nil {
			return d, fmt.Errorf("%s: %w", k.name, err)
		}
		d.Findings = append(d.Findings, found...)
	}
	return d, s.cure(ctx, by, p, d.Findings, fix)
}

// cure puts right what can be and is meant.
func (s *Service) cure(ctx context.Context, by idp.Actor, p *patient, found []Finding, meant func(check string) bool) error {
	for i := range found {
		f := &found[i]
		if f.fix == nil || !meant(f.Check) {
			continue
		}
		if err := f.fix(ctx); err != nil {
			return fmt.Errorf("%s: %w", f.Check, err)
		}
		f.Fixed = true
		if err := s.note(ctx, by, "odoo.fix", p.c, map[string]string{"check": f.Check}); err != nil {
			return err
		}
	}
	return nil
}

// fixed is a finding that can be put right.
func fixed(f Finding, do func(context.Context) error) []Finding {
	f.fix, f.Fixable = do, true
	return []Finding{f}
}

// contact signs in and reads afresh what the other checks judge.
func (p *patient) contact(ctx context.Context) (Finding, bool, error) {
	var err error
	p.r, err = p.Dial(ctx, p.c)
	for _, e := range []struct {
		err         error
		check, cure string
	}{
		{rpc.ErrUnreachable, "unreachable", "start Odoo, and let this server reach it at " + p.c.URL},
		{rpc.ErrWrongKey, "wrong_key", "the API key or password of " + p.c.Login + " is wrong or has expired: make a new key in Odoo and run `latchkey odoo connect` again with it"},
		{rpc.ErrNoDatabase, "no_database", "run `latchkey odoo connect` again with the right --db"},
		{rpc.ErrNotOdoo, "not_odoo", "run `latchkey odoo connect` again with the address of Odoo itself"},
		{rpc.ErrOld, "old", "upgrade Odoo"},
	} {
		if errors.Is(err, e.err) {
			return Finding{Check: e.check, Level: Problem, Evidence: err.Error(), Cure: e.cure}, true, nil
		}
	}
	if err != nil {
		return Finding{}, false, err
	}
	fresh, err := read(ctx, p.r, p.c)
	if errors.Is(err, rpc.ErrDenied) {
		return Finding{Check: "rights", Level: Problem, Evidence: err.Error(), Cure: "give that login the right in Odoo, or connect again as another"}, true, nil
	} else if err != nil {
		return Finding{}, false, err
	}
	fresh.Read = p.Now()
	was := p.c.Facts.Version
	p.c.Facts = fresh
	if !fresh.Has("auth_oauth") {
		return one("module", Problem, "run `latchkey odoo connect` again: it switches the module on"), true, nil
	}
	if err := p.Connections.Save(ctx, p.c); err != nil {
		return Finding{}, false, err
	}
	if p.rows, err = providers(ctx, p.r); err != nil {
		return Finding{}, false, err
	}
	p.c.Facts.Version = was // for the check that compares
	if p.locked, err = p.lockedIDs(ctx, p.c); err != nil {
		return Finding{}, false, err
	}
	return Finding{}, false, everybody(ctx, p.r, func(u odooUser) { p.people = append(p.people, u) })
}
