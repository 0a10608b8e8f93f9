package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
)

// Start is what a sign-in begins with.
type Start struct {
	Browser  string
	Need     idp.Need
	ReturnTo string
	Redirect string
	Onward   bool
	Client   string
	Hint     string
	Locales  string
	Choose   bool
	// Session and User, if somebody is signed in, are not asked again for
	// what they have proven and the need accepts.
	Session idp.Session
	User    idp.User
	From    idp.Origin
	// Wants is a factor to set up, and Link the hash of the mailed address that
	// asks for it.
	Wants mfa.Kind
	Link  string
}

// Begin opens a flow. Nothing is stored for a stranger (C-12); a person who
// is signed in and only lacks a factor gets a row.
func (s *Service) Begin(ctx context.Context, b Start) (Flow, error) {
	f := Flow{
		Browser: b.Browser, Need: b.Need, ReturnTo: b.ReturnTo, Redirect: b.Redirect, Onward: b.Onward, Client: b.Client,
		Hint: b.Hint, Locales: b.Locales, Choose: b.Choose, Expires: s.Now().Add(TTL), Replaces: b.Session.ID,
		Wants: b.Wants, Link: b.Link,
	}
	other := b.Need.Subject != "" && b.Need.Subject != b.User.ID
	if b.Session.ID == "" || b.Choose || other || b.Need.Since.After(b.Session.AuthTime()) {
		return f, nil
	}
	f.User, f.Epoch, f.Proofs, f.Inherits = b.User.ID, b.User.Epoch, b.Session.Proofs, b.Session.Hash
	f.Skipped = true // they were asked when they signed in
	d, err := s.decide(ctx, f, b.User, b.From)
	if err != nil {
		return f, err
	}
	step := f.Next(d, b.User.Factors)
	if step != Done {
		step = s.guarded(&f, d, b.User)
	}
	if step == Done || step == AskPassword {
		return f, nil
	}
	f.ID = rand.Text()
	return f, s.Flows.Put(ctx, f)
}

// recent is how fresh the proofs must be that guard the adding of a factor
// (SECURITY.md M-05).
const recent = 5 * time.Minute

// guarded asks somebody who is signed in and must set something up for fresh
// proofs first: an open browser is no password. When the first is too old the
// flow begins from the start.
func (s *Service) guarded(f *Flow, d policy.Decision, u idp.User) Step {
	proven := *f
	proven.Proofs = append(slices.Clone(f.Proofs), idp.Proof{Kind: backup.Kind, At: s.Now()})
	if f.Next(d, u.Factors) != MustEnrol && proven.Next(d, u.Factors) != MustEnrol {
		return f.Next(d, u.Factors)
	}
	if since := s.Now().Add(-recent); f.Need.Since.Before(since) {
		f.Need.Since = since
	}
	f.Need.Every = true
	step := f.Next(d, u.Factors)
	if step == AskPassword {
		f.User, f.Epoch, f.Proofs, f.Inherits = "", 0, nil, ""
		f.Need.Subject = u.ID
	}
	return step
}

// sealed starts every ticket that carries its whole flow.
const sealed = "s."

var purpose = []byte("signin:flow")

// Ticket is what the address of every page of the flow carries.
func (s *Service) Ticket(f Flow) (string, error) {
	if f.ID != "" {
		return f.ID, nil
	}
	plain, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	b, err := s.Sealer.Seal(plain, purpose)
	return sealed + base64.RawURLEncoding.EncodeToString(b), err
}

// View is a flow as it stands at this moment.
type View struct {
	Flow      Flow
	User      idp.User
	From      idp.Origin // of this request
	Step      Step
	Methods   []mfa.Kind      // second factors that may answer, in order of offer
	Addable   []mfa.Kind      // factors that can be set up, when the step is an enrolment
	TrustDays int             // for so long this browser may be trusted; 0 = not offered
	Deadline  time.Time       // when the step may be put off: until then
	Decision  policy.Decision // as this door sees it

	ahead *policy.Decision
}

// Load reads the flow behind a ticket. It fails with idp.ErrForeign in any
// browser but the one that began it (S-02) and with idp.ErrExpired; the view
// then still says where the browser came from, if that is known.
func (s *Service) Load(ctx context.Context, ticket, browser string, from idp.Origin) (View, error) {
	f, u, err := find(ctx, s.Flows, s.Sealer, ticket)
	if err != nil {
		return View{}, err
	}
	if subtle.ConstantTimeCompare([]byte(f.Browser), []byte(browser)) != 1 {
		return View{}, idp.ErrForeign
	}
	v := View{Flow: f, User: u, From: from, Step: AskPassword}
	if !s.Now().Before(f.Expires) {
		return v, idp.ErrExpired
	}
	if f.ID == "" {
		return v, nil
	}
	if u.Disabled || u.Epoch != f.Epoch {
		return View{}, idp.ErrExpired // disabled, or a new password or a reset, meanwhile: D-04, E-08
	}
	if f.Inherits != "" {
		// Who signs out takes the proofs along, also from a page in the
		// browser's history (S-05).
		n, _, err := s.Sessions.ByHash(ctx, f.Inherits)
		if errors.Is(err, idp.ErrNotFound) || err == nil && !n.Live(s.Now()) {
			return View{}, idp.ErrExpired
		} else if err != nil {
			return View{}, err
		}
	}
	return s.stand(ctx, v)
}

// stand says where the flow of a view stands.
func (s *Service) stand(ctx context.Context, v View) (View, error) {
	f, u := v.Flow, v.User
	d, err := s.decide(ctx, f, u, v.From)
	if err != nil {
		return View{}, err
	}
	v.Step, v.Decision = f.Next(d, u.Factors), f.raised(d, u.Factors)
	offered := s.Factors.Kinds()
	switch v.Step {
	case AskFactor:
		v.Methods = methods(v.Decision, u, offered)
		if f.remembers(v.Decision, u.Factors) {
			v.TrustDays = d.TrustDays
		}
	case MayEnrol:
		if v.ahead = f.due(d, u.Factors); v.ahead == nil {
			if !f.stale(s.Now()) {
				v.Addable = []mfa.Kind{idp.Passkey}
			}
			break
		}
		v.Deadline = v.ahead.At
		v.Addable = addable(*v.ahead, f, u, offered)
	case MustEnrol:
		v.Addable = addable(v.Decision, f, u, offered)
		if len(v.Addable) == 0 {
			return View{}, fmt.Errorf("%w: policy allows no method that can be set up here", idp.ErrDenied)
		}
	}
	return v, nil
}

// find reads the flow that a ticket carries or names.
func find(ctx context.Context, flows Flows, sealer Sealer, ticket string) (Flow, idp.User, error) {
	carried, whole := strings.CutPrefix(ticket, sealed)
	if !whole {
		return flows.Get(ctx, ticket)
	}
	var f Flow
	b, err := base64.RawURLEncoding.DecodeString(carried)
	if err != nil {
		return f, idp.User{}, fmt.Errorf("%w: the address is incomplete", idp.ErrExpired)
	}
	plain, err := sealer.Open(b, purpose)
	if err != nil {
		return f, idp.User{}, fmt.Errorf("%w: the address is incomplete", idp.ErrExpired)
	}
	return f, idp.User{}, json.Unmarshal(plain, &f)
}
