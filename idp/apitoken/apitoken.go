// Package apitoken makes, lists and revokes the tokens with which programs use
// the API for an administrator, and tells whom a token stands for.
//
// A token has an owner and scopes, which are rights of theirs. What it may do is
// decided anew at each use: it never reaches further than its owner does at
// that moment (SECURITY.md D-04). It dies with the owner's epoch: whoever
// changes a password because somebody got in also ends the tokens that this
// somebody made.
//
// A token makes no other credentials for the API, and changes nothing about
// its owner's account (see [idp.Actor.MayTouch]): a stolen one must not become
// more than it was. It is shown once and stored as a hash.
package apitoken

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/idp"
)

// How long a token lives.
const (
	DefaultLife = 90 * 24 * time.Hour
	MaxLife     = 365 * 24 * time.Hour
	minLife     = time.Hour
	// maxName is in characters.
	maxName = 80
	// usedEvery is how often the last use is noted: a write for each request
	// would cost more than the request.
	usedEvery = time.Minute
)

// ErrFromToken means that a token wanted to make another credential.
var ErrFromToken = fmt.Errorf("%w: a token of the API makes no other credentials for it; an administrator does, signed in", idp.ErrDenied)

// Token is one that was made. Its secret is not in it.
type Token struct {
	ID      string
	Name    string
	Owner   idp.UserID
	Scopes  []idp.Right // in alphabetical order
	Epoch   int64       // of the owner when it was made
	Created time.Time
	Expires time.Time
	Used    time.Time // zero: never; exact to a minute
	Revoked time.Time // zero: not
}

// Live reports whether the token is good for this owner at now.
func (t Token) Live(owner idp.User, now time.Time) bool {
	return t.Revoked.IsZero() && now.Before(t.Expires) && owner.ID == t.Owner && !owner.Disabled && owner.Epoch == t.Epoch
}

// State is where a token is in its life.
type State string

const (
	Live    State = "live"
	Expired State = "expired"
	Revoked State = "revoked"
	// Void is a token whose owner was disabled, or whose password or factors were
	// changed or reset: an old epoch.
	Void State = "void"
)

// State says why a token is no longer good, or that it is.
func (h Held) State(now time.Time) State {
	switch {
	case !h.Revoked.IsZero():
		return Revoked
	case !now.Before(h.Expires):
		return Expired
	case !h.Live(h.By, now):
		return Void
	}
	return Live
}

// Held is a token with its owner as they are now; none when the owner is gone.
type Held struct {
	Token
	By idp.User
}

// Store keeps tokens.
type Store interface {
	// Add fails with idp.ErrTaken when there is one with that hash.
	Add(ctx context.Context, t Token, hash string) error
	// ByHash and ByID return a token with its owner in one trip, or fail with
	// idp.ErrNotFound.
	ByHash(ctx context.Context, hash string) (Held, error)
	ByID(ctx context.Context, id string) (Held, error)
	// All lists them, the newest first; of one owner, or of all.
	All(ctx context.Context, owner idp.UserID) ([]Held, error)
	// Revoke fails with idp.ErrSpent when it is revoked already.
	Revoke(ctx context.Context, id string, at time.Time) error
	// Used notes a use, unless a later one is noted.
	Used(ctx context.Context, id string, at time.Time) error
}

// Service looks after tokens. Its fields are set once, before first use.
type Service struct {
	Tokens Store
	Users  idp.Users
	Log    idp.Log
	Atomic idp.Atomic
	Now    func() time.Time
}

// New describes a token to be made.
type New struct {
	Name   string
	Owner  idp.UserID // empty: who makes it; another's is for the host's command line
	Scopes []idp.Right
	Life   time.Duration // 0: DefaultLife
}

// Make makes a token and returns its secret, which nobody can see again. All
// mistakes are reported together, wrapping idp.ErrInvalid. Nobody gives a token
// a right that its owner has not got (SECURITY.md D-02).
func (s *Service) Make(ctx context.Context, by idp.Actor, in New) (Token, string, error) {
	if in.Owner == "" {
		in.Owner = by.User
	}
	if err := s.mayMake(by, in); err != nil {
		return Token{}, "", s.denied(ctx, by, in.Owner, "token.make", err)
	}
	owner, err := s.Users.ByID(ctx, in.Owner)
	if err != nil {
		return Token{}, "", fmt.Errorf("the owner of the token: %w", err)
	}
	if err := in.check(owner); err != nil {
		return Token{}, "", err
	}
	secret, hash := newSecret()
	now := s.Now().Truncate(time.Millisecond)
	t := Token{
		ID: strings.ToLower(rand.Text()[:12]), Name: in.Name, Owner: owner.ID, Scopes: in.Scopes, Epoch: owner.Epoch, Created: now, Expires: now.Add(in.Life),
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Tokens.Add(ctx, t, hash), s.note(ctx, by, "token.make", t, map[string]string{
			"name": t.Name, "scopes": join(t.Scopes), "expires": t.Expires.UTC().Format(time.RFC3339),
		}))
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

func (s *Service) mayMake(by idp.Actor, in New) error {
	if err := by.May(idp.MakeTokens); err != nil || by.Host {
		return err
	}
	if by.Scopes != nil {
		return ErrFromToken
	}
	if in.Owner != by.User {
		return &idp.DeniedError{Right: idp.MakeTokens}
	}
	return nil
}

// check fills in what is left out and refuses what cannot be.
func (in *New) check(owner idp.User) error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s: %s", idp.ErrInvalid, field, fmt.Sprintf(format, args...)))
	}
	in.Name = strings.TrimSpace(in.Name)
	if in.Name == "" || utf8.RuneCountInString(in.Name) > maxName || strings.ContainsFunc(in.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		bad("name", "1 to %d characters without line breaks are expected", maxName)
	}
	if in.Life == 0 {
		in.Life = DefaultLife
	}
	if in.Life < minLife || in.Life > MaxLife {
		bad("expires", "an hour to %d days are allowed", MaxLife/(24*time.Hour))
	}
	in.Scopes = slices.Compact(slices.Sorted(slices.Values(in.Scopes)))
	if len(in.Scopes) == 0 {
		bad("scopes", "at least one is needed")
	}
	for _, r := range in.Scopes {
		switch {
		case !slices.Contains(idp.Rights(), r):
			bad("scopes", "there is no right %q", r)
		case !owner.Role.Holds(r):
			bad("scopes", "the owner has not got the right %s", r)
		}
	}
	if owner.Disabled {
		bad("owner", "the account is disabled")
	}
	return errors.Join(errs...)
}

// List returns tokens, the newest first: one's own, and those of people whom
// one may touch. The host's command line sees all.
func (s *Service) List(ctx context.Context, by idp.Actor) ([]Held, error) {
	if err := by.May(idp.MakeTokens); err != nil {
		return nil, s.denied(ctx, by, "", "token.list", err)
	}
	all, err := s.Tokens.All(ctx, "")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(h Held) bool { return reach(by, h) != nil }), nil
}

// Get returns one that List would.
func (s *Service) Get(ctx context.Context, by idp.Actor, id string) (Held, error) {
	if err := by.May(idp.MakeTokens); err != nil {
		return Held{}, s.denied(ctx, by, "", "token.show", err)
	}
	h, err := s.Tokens.ByID(ctx, id)
	if err != nil {
		return Held{}, err
	}
	return h, reach(by, h)
}

// Revoke ends a token, at once. idp.ErrSpent when it has ended already.
func (s *Service) Revoke(ctx context.Context, by idp.Actor, id string) error {
	if err := by.May(idp.MakeTokens); err != nil {
		return s.denied(ctx, by, "", "token.revoke", err)
	}
	h, err := s.Tokens.ByID(ctx, id)
	if err != nil {
		return err
	}
	if err := reach(by, h); err != nil {
		return s.denied(ctx, by, h.Owner, "token.revoke", err)
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Tokens.Revoke(ctx, id, s.Now()), s.note(ctx, by, "token.revoke", h.Token, map[string]string{"name": h.Name}))
	})
}

// reach refuses the tokens of those who stand above (SECURITY.md D-02). One's
// own are one's own, also for a token of theirs: ending one takes nothing.
func reach(by idp.Actor, h Held) error {
	if by.User == h.Owner && !by.Host {
		return nil
	}
	return by.MayTouch(idp.MakeTokens, h.By)
}

func join(scopes []idp.Right) string {
	var out []string
	for _, s := range scopes {
		out = append(out, string(s))
	}
	return strings.Join(out, " ")
}

func (s *Service) note(ctx context.Context, by idp.Actor, what string, t Token, detail map[string]string) error {
	detail["token"] = t.ID
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, User: t.Owner, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}

// denied notes that somebody tried what is not theirs (D-07).
func (s *Service) denied(ctx context.Context, by idp.Actor, about idp.UserID, what string, err error) error {
	if by.User == "" {
		return err
	}
	return errors.Join(err, s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, User: about, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "denied",
	}))
}
