package account

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"

	"latchkey/idp"
	"latchkey/idp/password"
	"latchkey/mfa"
	"latchkey/mfa/totp"
)

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
	Own          bool // they make their account themselves, and the log says so
}

// person is who is described, or names everything wrong with it.
func (in New) person(now time.Time) (idp.User, []idp.Identifier, error) {
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
	if Unprintable(name) || len(name) > 256 {
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

// Unprintable reports whether a text would break a line of a mail or a log, or
// turn the text beside it around (Unicode TR 36 §2.8).
func Unprintable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	})
}

func checkGroup(name string) error {
	if name == "" || len(name) > 128 || strings.TrimSpace(name) != name || Unprintable(name) {
		return fmt.Errorf("%w: group %q: 1 to 128 bytes without control characters or outer spaces are allowed", idp.ErrInvalid, name)
	}
	return nil
}

// app makes a credential of an imported authenticator app.
func (in New) app(now time.Time) (*mfa.Credential, error) {
	if in.TOTPSecret == "" {
		return nil, nil
	}
	c, err := totp.FromSecret(in.TOTPSecret, now)
	if err != nil {
		return nil, fmt.Errorf("%w: TOTP secret: %w", idp.ErrInvalid, err)
	}
	c.ID, c.Kind, c.Created = mfa.CredentialID(rand.Text()), totp.Kind, now
	return &c, nil
}
