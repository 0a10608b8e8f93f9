// Package account makes and changes people: create, disable, groups, reset of
// factors, and help for who cannot get in. Every use case takes the Actor who
// does it and leaves an event.
//
// It never signs anybody in. The only secret that it shows is a temporary code,
// once, to whoever gives it to its owner.
package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"

	"latchkey/idp"
	"latchkey/idp/password"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
)

// Service changes people. Its fields are set once, before first use.
type Service struct {
	Users     idp.Users
	Groups    idp.Groups
	Sessions  idp.Sessions
	Factors   *mfa.Engine
	Passwords *password.Hasher
	Log       idp.Log
	Notify    Notifier
	Atomic    idp.Atomic
	Now       func() time.Time
	Locks     Locks
	Links     idp.Links
	Owners    Owners
	// Doors end what somebody is signed in by.
	Doors Doors
	Fed   Fed // nil: nothing else fills groups
	// Policies tell where a password can be the only factor.
	Policies Policies
	// MinPassword is the shortest password in characters where it can be the
	// only factor; with a second one 8 are enough.
	MinPassword int
	// Company and product names are no passwords.
	Words []string
}

// Owners watches over who owns the house.
type Owners interface {
	// Another joins the Atomic in ctx and fails it with idp.ErrLastOwner when
	// nobody but this person is an owner who can sign in. Of two changes at once
	// the second sees the first.
	Another(ctx context.Context, but idp.UserID) error
	// Owned reports whether there is an owner who can sign in.
	Owned(ctx context.Context) (bool, error)
	// Offer keeps a link, by its hash, that makes the first owner.
	Offer(ctx context.Context, hash string, until time.Time) error
	// Offered fails with idp.ErrExpired for a link that is unknown, too old, or of
	// no use because there is an owner.
	Offered(ctx context.Context, hash string) error
	// Take joins the Atomic in ctx and uses the links up, or fails it with
	// idp.ErrSpent: of many at once one wins.
	Take(ctx context.Context, hash string) error
}

// Locks forgets counted tries.
type Locks interface {
	// Lift forgets the tries of every budget whose key is one of these, or
	// begins with one of these and a colon.
	Lift(ctx context.Context, keys ...string) error
}

// Policies returns the policies in force.
type Policies interface {
	InForce(ctx context.Context) ([]policy.Policy, error)
}

// Notifier tells a person what happened to their account (SECURITY.md B-12,
// M-18). What it writes joins the Atomic in ctx.
type Notifier interface {
	Notice(ctx context.Context, u idp.User, n idp.Notice) error
}

// New describes a person to be made.
type New struct {
	Login        string // default: the e-mail
	Email        string
	Name         string // default: the login
	Kind         idp.Kind
	Role         idp.Role
	Groups       []string
	Locale       string
	Phone        string
	Verified     bool   // e-mail and phone are known to be the person's
	ProvenEmail  bool   // of the two, the e-mail alone is
	Password     string // checked against the rules, then hashed
	PasswordHash string // of another system, verified once and replaced
	TOTPSecret   string // base32, of an authenticator app in use
	Profile      idp.Profile
}

// Add makes a person. All mistakes are reported together, wrapping
// idp.ErrInvalid; a login or e-mail that somebody has, or that looks like
// somebody's, is idp.ErrTaken.
func (s *Service) Add(ctx context.Context, by idp.Actor, in New) (idp.User, error) {
	if err := mayAdd(by, in); err != nil {
		return idp.User{}, s.denied(ctx, by, "", "user.add", err)
	}
	u, ids, err := s.check(in)
	if err != nil {
		return idp.User{}, err
	}
	for _, g := range u.Groups {
		if err := s.byHand(ctx, by, g); err != nil {
			return idp.User{}, inField("groups", err)
		}
	}
	app, err := s.app(in.TOTPSecret)
	if err != nil {
		return idp.User{}, err
	}
	if app != nil {
		u.Factors = []mfa.Kind{totp.Kind}
	}
	if u.Password, err = s.hash(ctx, u, in); err != nil {
		return idp.User{}, err
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		if err := s.Users.Add(ctx, u, ids); err != nil {
			return err
		}
		for _, g := range u.Groups {
			if err := errors.Join(s.Groups.Put(ctx, g), s.Groups.Join(ctx, g, u.ID)); err != nil {
				return err
			}
		}
		if app != nil {
			app.Subject = mfa.SubjectID(u.ID)
			if err := s.Factors.Credentials.Save(ctx, *app); err != nil {
				return err
			}
		}
		return s.note(ctx, by, "user.add", u.ID, added(u))
	})
	return u, err
}

// added is the Detail of a new person (SECURITY.md D-07). Names and addresses are
// not in it: the log cannot forget.
func added(u idp.User) map[string]string {
	out := recorded(u)
	delete(out, "locale")
	out["groups"], out["password"] = strings.Join(u.Groups, "|"), "no"
	if u.Password != "" {
		out["password"] = "yes"
	}
	return out
}

// check turns a description into a person, or names everything wrong with it.
func (s *Service) check(in New) (idp.User, []idp.Identifier, error) {
	var errs []error
	bad := func(field, value, want string) {
		errs = append(errs, inField(field, fmt.Errorf("%w: %s %q: %s", idp.ErrInvalid, field, value, want)))
	}
	email := strings.ToLower(strings.TrimSpace(in.Email))
	if email != "" && !isAddress(email) {
		bad("email", in.Email, "an address such as ada@example.org is expected")
	}
	login := strings.TrimSpace(in.Login)
	if login == "" {
		login = email
	}
	if login == "" {
		bad("login", "", "a login or an e-mail is needed")
	}
	if in.Kind == "" {
		in.Kind = idp.Internal
	}
	in.words(bad)
	phone, err := e164(in.Phone)
	if err != nil {
		bad("phone", in.Phone, "a number with its country code such as +33612345678 is expected")
	}
	ids, idErrs := identify(login, email)
	name := strings.TrimSpace(in.Name)
	if name == "" {
		name = login
	}
	if unprintable(name) || len(name) > 256 {
		bad("name", in.Name, "at most 256 bytes without control characters are allowed")
	}
	if in.PasswordHash != "" {
		errs = append(errs, inField("password_hash", password.Known(in.PasswordHash)))
	}
	groups := slices.Clone(in.Groups)
	slices.Sort(groups)
	for _, g := range groups {
		errs = append(errs, inField("groups", checkGroup(g)))
	}
	errs = append(errs, checkProfile(in.Profile)...)
	now := s.Now()
	return idp.User{
		ID: idp.UserID(strings.ToLower(rand.Text())), Login: login, Email: email, EmailVerified: (in.Verified || in.ProvenEmail) && email != "", Name: name,
		Phone: phone, PhoneVerified: in.Verified && phone != "", Kind: in.Kind, Role: in.Role, Locale: in.Locale,
		Profile: in.Profile, Groups: slices.Compact(groups), Created: now, Updated: now,
	}, ids, errors.Join(append(errs, idErrs...)...)
}

// words checks what must be one of a few.
func (in New) words(bad func(field, value, want string)) {
	if in.Kind != idp.Internal && in.Kind != idp.Portal {
		bad("kind", string(in.Kind), "internal or portal is allowed")
	}
	if !slices.Contains([]idp.Role{"", idp.Owner, idp.Admin, idp.HelpDesk, idp.Auditor}, in.Role) {
		bad("role", string(in.Role), "owner, admin, helpdesk or auditor is allowed")
	}
	if in.Locale == "" {
		return
	}
	if _, err := language.Parse(in.Locale); err != nil {
		bad("locale", in.Locale, "a language such as fr or pt-BR is expected")
	}
}

// identify lists the names by which a person can be found, each once.
func identify(names ...string) (ids []idp.Identifier, errs []error) {
	for _, n := range names {
		if n == "" {
			continue
		}
		id, err := idp.Identify(n)
		if err != nil {
			errs = append(errs, inField("login", fmt.Errorf("login or e-mail %q: %w", n, err)))
		} else if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, errs
}

func isAddress(email string) bool {
	a, err := mail.ParseAddress(email)
	return err == nil && a.Address == email && len(email) <= idp.MaxIdentifier
}

func e164(phone string) (string, error) {
	if strings.TrimSpace(phone) == "" {
		return "", nil
	}
	n, err := phonenumbers.Parse(phone, "ZZ")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", errors.Join(idp.ErrInvalid, err)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

func unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func checkGroup(name string) error {
	if name == "" || len(name) > 128 || strings.TrimSpace(name) != name || unprintable(name) {
		return fmt.Errorf("%w: group %q: 1 to 128 bytes without control characters or outer spaces are allowed", idp.ErrInvalid, name)
	}
	return nil
}

// hash makes the stored form of the new person's password.
func (s *Service) hash(ctx context.Context, u idp.User, in New) (string, error) {
	if in.Password == "" {
		return in.PasswordHash, nil
	}
	if err := s.acceptable(ctx, u, in.Password); err != nil {
		return "", err
	}
	return s.Passwords.Hash(ctx, in.Password)
}

// Least is how many characters a person's new password must have: fewer
// where a second factor is held or demanded.
func (s *Service) Least(ctx context.Context, u idp.User) (int, error) {
	const withFactor = 8
	ps, err := s.Policies.InForce(ctx)
	if err != nil {
		return 0, err
	}
	d := policy.Decide(ps, policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Held: u.Factors, Now: s.Now(),
	})
	if len(u.Factors) > 0 || d.Assurance != policy.None {
		return withFactor, nil
	}
	return max(withFactor, s.MinPassword), nil
}

// acceptable holds a new password against the rules.
func (s *Service) acceptable(ctx context.Context, u idp.User, plain string) error {
	least, err := s.Least(ctx, u)
	if err != nil {
		return err
	}
	return password.Acceptable(plain, least, append([]string{u.Name, u.Login, u.Email}, s.Words...)...)
}

// app makes a credential of an imported authenticator app.
func (s *Service) app(secret string) (*mfa.Credential, error) {
	if secret == "" {
		return nil, nil
	}
	c, err := totp.FromSecret(secret, s.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: TOTP secret: %w", idp.ErrInvalid, err)
	}
	c.ID, c.Kind, c.Created = mfa.CredentialID(rand.Text()), totp.Kind, s.Now()
	return &c, nil
}

// Find names a person by e-mail, login or id.
func (s *Service) Find(ctx context.Context, who string) (idp.User, error) {
	u, err := s.Users.ByIdentifier(ctx, idp.Canonical(who))
	if errors.Is(err, idp.ErrNotFound) {
		u, err = s.Users.ByID(ctx, idp.UserID(who))
	}
	if errors.Is(err, idp.ErrNotFound) {
		return u, fmt.Errorf("%w: nobody has the login, e-mail or id %q", idp.ErrNotFound, who)
	}
	return u, err
}

// mayAdd refuses who may not make a person with a role (D-02).
func mayAdd(by idp.Actor, in New) error {
	if err := by.May(idp.EditPeople); err != nil || in.Role == "" {
		return err
	}
	if in.PasswordHash != "" && !by.Host { // whoever knows the password would have the role
		return &idp.DeniedError{Right: idp.GrantRoles}
	}
	return by.MayGrant(in.Role)
}

func (s *Service) note(ctx context.Context, by idp.Actor, what string, about idp.UserID, detail map[string]string) error {
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, User: about, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}
