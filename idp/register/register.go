// Package register lets strangers make an account of their own where the house
// allows it: they ask with an address, and whoever reads the mail that is sent
// there chooses a password.
//
// It stores nobody before that, says nothing to a stranger about who has an
// account, and makes portal customers without a role only. It signs nobody in.
package register

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/settings"
	"latchkey/mfa"
)

// ErrTerms means that the terms were not agreed to.
var ErrTerms = fmt.Errorf("%w: the terms are not agreed to", idp.ErrInvalid)

// Requests keeps what was asked for until the link in the mail is followed. The
// User of such a link is the hash of the address.
type Requests interface {
	// Put stores a request beside earlier ones of the same address.
	Put(ctx context.Context, l idp.Link) error
	// Get fails with idp.ErrExpired: unknown, used or too old.
	Get(ctx context.Context, hash string) (idp.Link, error)
	// Spend uses a request up, with the others of its address, and notes that this person made their own account,
	// or fails with idp.ErrSpent: of many at once one wins. It joins the Atomic in
	// ctx.
	Spend(ctx context.Context, hash string, id idp.UserID) error
}

// Letters mails what there is to say to an address that an account was asked for
// with. They join the Atomic in ctx.
type Letters interface {
	Letter(ctx context.Context, u idp.User, l idp.Letter) error
	// Registered tells somebody that they have an account already.
	Registered(ctx context.Context, u idp.User, client idp.ClientID) error
	// Unregistrable tells an address, in a language, that no account can be made
	// with it. It says nothing about who has one.
	Unregistrable(ctx context.Context, address, language string) error
}

// Service makes accounts for whoever asks. Its fields are set once, before first
// use.
type Service struct {
	Settings *settings.Service
	Accounts *account.Service
	Requests Requests
	Letters  Letters
	Limiter  mfa.Limiter
	// Title is what an application is called; empty: there is none of that id. nil:
	// there is none at all.
	Title func(context.Context, idp.ClientID) (string, error)
	// Network groups addresses that one customer usually has (SECURITY.md B-10).
	Network func(address string) string
}

// Asked is the form of somebody who wants an account.
type Asked struct {
	Email    string
	Name     string
	Language string       // of the page
	Client   idp.ClientID // where they were going; empty: nowhere
	// Way leads back to where they came from. It is kept sealed and handed out with
	// the request.
	Way string
}

// mostWay is the longest way back that is kept, in bytes.
const mostWay = 6000

// Request is what was asked for, as its link finds it.
type Request struct {
	Asked
	Terms   settings.Registration
	Expires time.Time
	hash    string
}

// Person is who would be made.
func (r Request) Person() idp.User {
	return idp.User{
		Login: r.Email, Email: r.Email, EmailVerified: true, Name: r.Name, Kind: idp.Portal, Locale: r.Language, Groups: r.Terms.Groups,
	}
}

// Offered reports whether an account can be asked for on the way to a client.
func (s *Service) Offered(ctx context.Context, client idp.ClientID) (settings.Registration, bool, error) {
	r, err := s.Settings.Registration(ctx)
	return r, err == nil && r.For(client), err
}

// Check names what is wrong with a form, wrapping idp.ErrInvalid; see
// [account.FieldOf]. It does not know who has an account.
func (s *Service) Check(in Asked) error {
	return errors.Join(s.Accounts.Check(account.New{Email: in.Email, Kind: idp.Portal, Locale: in.Language}), checkAddress(in.Email), CheckName(in.Name))
}

// budgets are what asking for an account costs an address, and places what it costs
// a place and everybody together (SECURITY.md B-10, B-11, C-12), so that neither a
// mailbox nor a table is filled from here. Addresses are hashed, so that a budget
// does not keep them.
func budgets(email string) []mfa.Budget {
	whose := "register:to:" + string(addressed(mailbox(email)))
	return []mfa.Budget{{Key: whose + ":minute", Max: 1, Per: time.Minute}, {Key: whose, Max: 3, Per: time.Hour}, {Key: whose + ":day", Max: 6, Per: day}}
}

const day = 24 * time.Hour

// everybody's budgets: whoever asks next finds them used up, too.
const everybody = "register"

func (s *Service) places(from idp.Origin) []mfa.Budget {
	place := "register:ip:" + s.Network(from.Address)
	out := []mfa.Budget{{Key: place, Max: 20, Per: time.Hour, Shared: true}, {Key: place + ":day", Max: 60, Per: day, Shared: true}}
	if site := siteOf(from.Address); site != "" {
		out = append(out, mfa.Budget{Key: "register:ip:" + site, Max: 40, Per: time.Hour, Shared: true}, mfa.Budget{Key: "register:ip:" + site + ":day", Max: 120, Per: day, Shared: true})
	}
	return append(out, mfa.Budget{Key: everybody, Max: 500, Per: time.Hour, Shared: true}, mfa.Budget{Key: everybody + ":day", Max: 3000, Per: day, Shared: true})
}

// Room takes one of the tries of a place, and of everybody together, before Ask.
// A [*mfa.LockedError] when they are used up, which says nothing about an address
// and may be told. That strangers cannot make accounts for a while is an event,
// once an hour.
func (s *Service) Room(ctx context.Context, from idp.Origin) error {
	err := s.Limiter.Take(ctx, s.places(from)...)
	locked := (*mfa.LockedError)(nil)
	if !errors.As(err, &locked) || locked.Key != everybody && locked.Key != everybody+":day" {
		return err
	}
	switch again := s.Limiter.Take(ctx, mfa.Budget{Key: "register:full", Max: 1, Per: time.Hour, Shared: true}); {
	case errors.Is(again, mfa.ErrLocked):
		return err
	case again != nil:
		return again
	}
	if noted := s.note(ctx, idp.Origin{}, "register.full", "", "", nil); noted != nil {
		return noted
	}
	return err
}

// addressed is the hash of an address.
func addressed(email string) idp.UserID {
	sum := sha256.Sum256([]byte(idp.Canonical(email)))
	return idp.UserID(hex.EncodeToString(sum[:16]))
}

// Ask mails a link to an account to an address that nobody has, good for an hour
// and once. Whoever has one is told so, and an address that cannot be used is,
// too; nothing else happens to an account. Where it is not offered, the domain is
// refused or there were too many, there is no mail. It comes after Room. None of this is an error: the
// caller's answer must not depend on it, nor wait for it (SECURITY.md E-01, E-02).
func (s *Service) Ask(ctx context.Context, from idp.Origin, in Asked) error {
	terms, offered, err := s.Offered(ctx, in.Client)
	if err != nil || !offered || s.Check(in) != nil || !terms.Admits(in.Email) {
		return err
	}
	if in.Client, err = s.real(ctx, in.Client); err != nil {
		return err
	}
	email := strings.ToLower(strings.TrimSpace(in.Email))
	err = s.Limiter.Take(ctx, budgets(email)...)
	if errors.Is(err, mfa.ErrLocked) {
		return nil
	} else if err != nil {
		return err
	}
	u, err := s.Accounts.Users.ByIdentifier(ctx, idp.Canonical(email))
	if err == nil {
		return s.known(ctx, from, in, u, email)
	} else if !errors.Is(err, idp.ErrNotFound) {
		return err
	}
	id, err := idp.Identify(email)
	if err != nil {
		return nil //nolint:nilerr // Check has refused it already
	}
	err = s.Accounts.Users.Free(ctx, "", []idp.Identifier{id})
	if errors.Is(err, idp.ErrTaken) {
		return s.known(ctx, from, in, idp.User{}, email)
	} else if err != nil {
		return err
	}
	return s.invite(ctx, from, in, email)
}

// real is the client that is meant, or none: what a stranger made up is kept
// nowhere, least of all in the log (SECURITY.md D-11).
func (s *Service) real(ctx context.Context, id idp.ClientID) (idp.ClientID, error) {
	if id == "" || s.Title == nil || len(id) > idp.MaxIdentifier {
		return "", nil
	}
	title, err := s.Title(ctx, id)
	if title == "" {
		id = ""
	}
	return id, err
}

// known mails to somebody who has an account, at the address on file (SECURITY.md
// E-06), that they have one. To an address that looks like another's, or by which
// nobody can be reached, goes a mail that says that it cannot be used.
func (s *Service) known(ctx context.Context, from idp.Origin, in Asked, u idp.User, email string) error {
	return s.Accounts.Atomic(ctx, func(ctx context.Context) error {
		if u.ID == "" || u.Disabled || u.Email == "" || !u.EmailVerified {
			return errors.Join(s.Letters.Unregistrable(ctx, email, in.Language), s.note(ctx, from, "register.ask", "", in.Client, nil))
		}
		return errors.Join(s.Letters.Registered(ctx, u, in.Client), s.note(ctx, from, "register.ask", u.ID, in.Client, nil))
	})
}

// invite mails the link.
func (s *Service) invite(ctx context.Context, from idp.Origin, in Asked, email string) error {
	nobody := idp.User{ID: addressed(email), Email: email, Locale: in.Language}
	l, token := idp.NewLink(idp.LinkRegister, nobody, s.Accounts.Now(), idp.LinkRegister.Life())
	l.Data = map[string]string{"email": email, "name": strings.TrimSpace(in.Name), "language": in.Language, "client": string(in.Client)}
	if len(in.Way) <= mostWay {
		l.Data["way"] = in.Way
	}
	return s.Accounts.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			s.Requests.Put(ctx, l), s.Letters.Letter(ctx, nobody, idp.Letter{Link: l, Token: token, To: email}),
			s.note(ctx, from, "register.ask", "", in.Client, nil))
	})
}

// Open finds what the token of a link is about, or fails with idp.ErrExpired: also
// when nobody may make an account any more.
func (s *Service) Open(ctx context.Context, token string) (Request, error) {
	l, err := s.Requests.Get(ctx, idp.HashLink(token))
	if err != nil {
		return Request{}, err
	}
	out := Request{
		Asked: Asked{Email: l.Data["email"], Name: l.Data["name"], Language: l.Data["language"], Client: idp.ClientID(l.Data["client"]), Way: l.Data["way"]},
		hash:  l.Hash, Expires: l.Expires,
	}
	if out.Terms, err = s.Settings.Registration(ctx); err != nil {
		return Request{}, err
	}
	if !out.Terms.For(out.Client) || !out.Terms.Admits(out.Email) {
		return Request{}, fmt.Errorf("%w: accounts are not made any more", idp.ErrExpired)
	}
	out.Terms.Groups, err = s.groups(ctx, out.Terms.Groups)
	return out, err
}

// Chosen is what whoever follows the link adds.
type Chosen struct {
	Name      string
	Password  string
	Zone      string // the browser's; one that is not known is left out
	Agreed    bool   // to the terms
	Agreement string // what [Request.Agreement] was when they were shown
}

// Agreement tells the addresses that people agree to from those that are in force
// after a change; empty: there are none.
func (r Request) Agreement() string {
	if r.Terms.Terms+r.Terms.Privacy == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(r.Terms.Terms + "\n" + r.Terms.Privacy))
	return hex.EncodeToString(sum[:8])
}

// Make makes the person whom a request is about, with a password: a portal
// customer whose address the link has proven (SECURITY.md E-09). It signs nobody
// in. What is refused does not use the link up: idp.ErrInvalid for the password,
// [ErrName], or [ErrTerms], also when they have changed since they were shown. idp.ErrTaken when somebody has the address by now; idp.ErrSpent
// when the link was used at this moment.
func (s *Service) Make(ctx context.Context, from idp.Origin, r Request, in Chosen) (idp.User, error) {
	if r.Agreement() != "" && (!in.Agreed || in.Agreement != r.Agreement()) {
		return idp.User{}, ErrTerms
	}
	r.Name = strings.TrimSpace(in.Name)
	if err := CheckName(r.Name); err != nil {
		return idp.User{}, err
	}
	u := r.Person()
	if err := s.Accounts.Rules().Acceptable(ctx, u, in.Password); err != nil {
		return idp.User{}, err
	}
	person := account.New{Email: u.Email, Name: u.Name, Kind: idp.Portal, Locale: u.Locale, Groups: u.Groups, ProvenEmail: true, Own: true}
	if _, err := time.LoadLocation(in.Zone); err == nil && in.Zone != "Local" {
		person.Profile.Zoneinfo = in.Zone
	}
	if s.Accounts.Check(person) != nil {
		person.Profile.Zoneinfo = ""
	}
	var err error
	// No hash is made inside a transaction.
	if person.PasswordHash, err = s.Accounts.Passwords.Hash(ctx, in.Password); err != nil {
		return idp.User{}, err
	}
	err = s.Accounts.Atomic(ctx, func(ctx context.Context) error {
		if u, err = s.Accounts.Add(ctx, idp.Actor{Host: true, Origin: from}, person); err != nil {
			return err
		}
		return errors.Join(s.Requests.Spend(ctx, r.hash, u.ID), s.note(ctx, from, "user.register", u.ID, r.Client, agreed(r.Terms)))
	})
	if err != nil {
		return idp.User{}, err
	}
	return u, nil
}

// agreed is the Detail of an account: what its owner agreed to by making it.
func agreed(r settings.Registration) map[string]string {
	out := map[string]string{}
	for name, address := range map[string]string{"terms": r.Terms, "privacy": r.Privacy} {
		if address != "" {
			out[name] = address
		}
	}
	return out
}

// groups leaves out those that something else fills by now: nobody is in them by
// hand.
func (s *Service) groups(ctx context.Context, all []string) (out []string, err error) {
	for _, g := range all {
		fed := false
		if s.Settings.Fed != nil {
			if _, fed, err = s.Settings.Fed(ctx, g); err != nil {
				return nil, err
			}
		}
		if !fed {
			out = append(out, g)
		}
	}
	return out, nil
}

// note leaves the line of something that was done. Where somebody made an account,
// they did it themselves.
func (s *Service) note(ctx context.Context, from idp.Origin, what string, about idp.UserID, client idp.ClientID, detail map[string]string) error {
	e := idp.Event{ID: rand.Text(), At: s.Accounts.Now(), What: what, User: about, Client: client, Origin: from, Result: "ok", Detail: detail}
	if what == "user.register" {
		e.Actor = about
	}
	return s.Accounts.Log.Append(ctx, e)
}
