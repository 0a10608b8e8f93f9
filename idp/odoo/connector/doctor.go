package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// Doctor examines Odoos.
type Doctor struct {
	book     *Book
	clients  oidc.Clients
	outbox   mail.Outbox
	buttons  buttons
	way      *Way
	websites *Websites
	journal  Journal
}

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
	Fixed    bool   `json:"fixed"`            // put right, and not found any more
	Gone     bool   `json:"gone,omitempty"`   // not found any more: what was put right had caused it
	Failed   string `json:"failed,omitempty"` // why it could not be put right, in English

	// Said is the evidence for readers of other languages. Without Says, Evidence
	// is all there is. Why is Failed for them.
	Said
	Why *Reason `json:"why,omitempty"`

	fix  func(context.Context) error
	once bool // news, which a second look does not see any more

	which []int64 // rows of Odoo's that it is about, where one more of them is news
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
	return !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Level == Problem && !f.Over() })
}

// Over reports whether there is nothing left to do about a finding.
func (f Finding) Over() bool { return f.Fixed || f.Gone }

// patient is an Odoo under examination.
type patient struct {
	*Doctor
	r      *rpc.Client
	c      Connection
	by     idp.Actor // who examines
	client oidc.Client
	rows   []row
	people []odooUser
	locked lockedAt
}

// examination is a look at a patient.
type examination func(*patient, context.Context) ([]Finding, error)

// check is one thing that the doctor looks at.
type check struct {
	name string
	look examination
}

// checks are everything that is known to go wrong (ODOO.md §1, §2), in the
// order in which it is worth curing.
var checks = []check{
	{"version", (*patient).version},
	{"copy", (*patient).copied},
	{"client", (*patient).registered},
	{"provider_row", (*patient).providerRow},
	{"label", (*patient).label},
	{"way", (*patient).wayIn},
	{"hosts", (*patient).hosts},
	{"header_parameter", ofSettings(settings.header)},
	{"token_as_password", (*patient).tokenAsPassword},
	{"clock", (*patient).clock},
	{"key_expiry", ofKeys(keyList.expiry)},
	{"unlinked", ofCrowd(crowd.unlinked)},
	{"duplicates", ofCrowd(crowd.duplicates)},
	{"sign_up", ofSettings(settings.signUp)},
	{"password_reset", ofSettings(settings.reset)},
	{"local_passwords", ofCrowd(crowd.passwords)},
	{"signed_in_past_us", (*patient).past},
	{"screen_lock", ofSettings(settings.screenLock)},
	{"other_providers", ofSettings(settings.others)},
	{"odoo_totp", ofCrowd(crowd.totp)},
	{"totp_policy", ofSettings(settings.totpPolicy)},
	{"api_keys", ofKeys(keyList.others)},
	{"waiting", (*patient).waiting},
	{"snippet", (*patient).snippet},
}

// Examine examines a connection. With fix, what can be put right without a risk
// is, and then everything is examined again: one cure may end what several checks
// found, and uncover what none could see. Findings say what became of them.
func (d *Doctor) Examine(ctx context.Context, by idp.Actor, id string, fix bool) (Diagnosis, error) {
	return d.keep(ctx)(d.treat(ctx, by, id, func(string) bool { return fix }))
}

// Cure examines a connection and puts right what one check finds.
func (d *Doctor) Cure(ctx context.Context, by idp.Actor, id, check string) (Diagnosis, error) {
	return d.keep(ctx)(d.treat(ctx, by, id, func(c string) bool { return c == check }))
}

func (d *Doctor) treat(ctx context.Context, by idp.Actor, id string, fix func(check string) bool) (Diagnosis, error) {
	if err := may(by); err != nil {
		return Diagnosis{}, err
	}
	out, p, err := d.look(ctx, by, id)
	if err != nil {
		return out, err
	}
	tried, err := d.cure(ctx, by, p, out.Findings, fix)
	if err != nil || !tried {
		return out, err
	}
	after, _, err := d.look(ctx, by, id)
	switch {
	case err != nil:
		return out, err
	case len(after.Checks) == 1: // there was no contact any more
		out.Findings = append(after.Findings, out.Findings...)
	default:
		out.Findings = outcome(out.Findings, after.Findings)
	}
	return out, nil
}

// look looks at everything and changes nothing in Odoo.
func (d *Doctor) look(ctx context.Context, by idp.Actor, id string) (Diagnosis, *patient, error) {
	c, err := d.book.Find(ctx, id)
	if err != nil {
		return Diagnosis{}, nil, err
	}
	out := Diagnosis{Connection: c.ID, URL: c.URL, Checks: []string{"contact"}, Findings: []Finding{}}
	p := &patient{Doctor: d, c: c, by: by}
	if f, bad, err := p.contact(ctx); err != nil || bad {
		out.Findings = append(out.Findings, f)
		return out, p, err
	}
	out.Version = p.r.Version().Full
	for _, k := range checks {
		out.Checks = append(out.Checks, k.name)
		found, err := k.look(p, ctx)
		if errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrFault) || errors.Is(err, rpc.ErrNotFound) {
			f := one("unread", Advice, "look at it in Odoo; it could not be read")
			f.Check, f.Evidence, f.Detail = k.name, err.Error(), Plainly(err)
			found, err = []Finding{f}, nil
		}
		if err != nil {
			return out, p, fmt.Errorf("%s: %w", k.name, err)
		}
		out.Findings = append(out.Findings, found...)
	}
	return out, p, nil
}

// cure puts right what can be and is meant, and reports whether it tried. What
// Odoo refuses does not keep it from the rest: another cure may have done it.
func (d *Doctor) cure(ctx context.Context, by idp.Actor, p *patient, found []Finding, meant func(check string) bool) (tried bool, err error) {
	for i := range found {
		f := &found[i]
		if f.fix == nil || !meant(f.Check) {
			continue
		}
		tried = true
		switch err := f.fix(ctx); {
		case refused(err) || errors.Is(err, rpc.ErrNotFound):
			why := Why(err)
			f.Failed, f.Why = err.Error(), &why
			continue
		case err != nil:
			return tried, fmt.Errorf("%s: %w", f.Check, err)
		}
		f.Fixed = true
		if err := d.book.note(ctx, by, "odoo.fix", p.c, map[string]string{"check": f.Check}); err != nil {
			return tried, err
		}
	}
	return tried, nil
}

// outcome says what became of findings, by a second look: what is still there,
// or is there now, is told as it is now.
func outcome(before, after []Finding) (out []Finding) {
	for _, f := range before {
		same := func(g Finding) bool { return g.Check == f.Check && g.Evidence == f.Evidence }
		other := func(g Finding) bool { return g.Check == f.Check }
		switch at := slices.IndexFunc(after, same); {
		case at >= 0:
			after[at].Failed, after[at].Why = f.Failed, f.Why
		case f.Fixed || f.once:
			out = append(out, f)
		case slices.ContainsFunc(after, other): // it has changed, such as in a count
		default:
			f.Gone, f.Failed, f.Why = true, "", nil
			out = append(out, f)
		}
	}
	return append(out, after...)
}

// fixed is a finding that can be put right.
func fixed(f Finding, do func(context.Context) error) []Finding {
	f.fix, f.Fixable = do, true
	return []Finding{f}
}

// contact signs in and reads afresh what the other checks judge.
func (p *patient) contact(ctx context.Context) (Finding, bool, error) {
	var err error
	p.r, err = p.book.dial(ctx, p.c)
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
			return failing(e.check, err, e.cure), true, nil
		}
	}
	if err != nil {
		return Finding{}, false, err
	}
	fresh, err := read(ctx, p.r, p.c)
	if errors.Is(err, rpc.ErrDenied) {
		return failing("rights", err, "give that login the right in Odoo, or connect again as another"), true, nil
	} else if err != nil {
		return Finding{}, false, err
	}
	fresh.Read = p.book.now()
	was := p.c.Facts.Version
	if !fresh.Has("auth_oauth") {
		return one("module", Problem, "run `latchkey odoo connect` again: it switches the module on"), true, nil
	}
	p.c, err = p.book.learn(ctx, p.c.ID, func(c *Connection) {
		fresh.Before = c.Facts.Before // which is not read
		c.Facts = fresh
	})
	if err != nil {
		return Finding{}, false, err
	}
	if p.rows, err = providers(ctx, p.r); err != nil {
		return Finding{}, false, err
	}
	p.c.Facts.Version = was // for the check that compares
	if p.locked, err = p.book.locked(ctx, p.c); err != nil {
		return Finding{}, false, err
	}
	return Finding{}, false, everybody(ctx, p.r, func(u odooUser) { p.people = append(p.people, u) })
}
