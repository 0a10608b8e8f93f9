package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"latchkey/idp"
	"latchkey/mfa"
)

// Self is what people do about their own accounts: profile, picture, address,
// and the wish to leave. Its fields are set once, before first use.
type Self struct {
	Help     *Help
	Pictures Pictures
	Issuer   string // public URL; the only source of addresses (SECURITY.md E-05)
	// Fed, if set, says which fields somebody else fills in, such as an Odoo. They
	// can be read here and not changed.
	Fed func(u idp.User) []Field
	// Desk hears of people who want their accounts closed; nil: they cannot ask.
	Desk Desk
}

// Desk is whoever closes accounts. It is told within the Atomic in ctx.
type Desk interface {
	ClosingAsked(ctx context.Context, u idp.User) error
}

// Field is something that people may look after themselves.
type Field string

const (
	FieldName     Field = "name"
	FieldGiven    Field = "given_name"
	FieldFamily   Field = "family_name"
	FieldLanguage Field = "locale"
	FieldZone     Field = "zoneinfo"
	FieldPicture  Field = "picture"
	FieldEmail    Field = "email"
)

// Own is what people say about themselves.
type Own struct {
	Name       string
	GivenName  string
	FamilyName string
	Locale     string // BCP 47; empty: the browser's
	Zone       string // IANA; empty: UTC
}

// freshly is how recent a proof must be that guards an address and what we know
// of somebody (SECURITY.md M-05, E-10; ASVS 7.5.1).
const freshly = 5 * time.Minute

// Guarded is what the gate must ask before an act that takes a recent proof.
func Guarded(now time.Time) idp.Need { return idp.Need{Since: now.Add(-freshly), Every: true} }

// me is whoever acts on their own account, through a session.
func (s *Self) me(ctx context.Context, by idp.Actor) (idp.User, error) {
	if by.User == "" || by.Session == "" {
		return idp.User{}, idp.ErrDenied
	}
	return s.Help.Service.Users.ByID(ctx, by.User)
}

// Surely is me for what takes a recent proof, or fails with idp.ErrMore. The gate
// has asked the same of whoever comes by a page; asked here again it cannot be
// forgotten.
func (s *Self) Surely(ctx context.Context, by idp.Actor) (idp.User, error) {
	u, err := s.me(ctx, by)
	if err == nil && !by.Proven(u.Factors, s.Help.Service.Now().Add(-freshly)) {
		err = idp.ErrMore
	}
	return u, err
}

// Fixed reports whether a field of a person is filled in by somebody else.
func (s *Self) Fixed(u idp.User, f Field) bool { return s.Fed != nil && slices.Contains(s.Fed(u), f) }

// ChangeProfile changes what a person says about themselves. Fields that are fed
// stay as they are. All mistakes are reported together, wrapping idp.ErrInvalid;
// [FieldOf] says where each one is.
func (s *Self) ChangeProfile(ctx context.Context, by idp.Actor, in Own) error {
	u, err := s.me(ctx, by)
	if err != nil {
		return err
	}
	next := u
	name := strings.TrimSpace(in.Name)
	if name == "" {
		name = u.Login
	}
	var changed []string
	for _, f := range []struct {
		field Field
		to    *string
		value string
	}{
		{FieldName, &next.Name, name},
		{FieldGiven, &next.Profile.GivenName, strings.TrimSpace(in.GivenName)},
		{FieldFamily, &next.Profile.FamilyName, strings.TrimSpace(in.FamilyName)},
		{FieldLanguage, &next.Locale, in.Locale},
		{FieldZone, &next.Profile.Zoneinfo, in.Zone},
	} {
		if *f.to == f.value || s.Fixed(u, f.field) {
			continue
		}
		if mistake := checkOwn(f.field, f.value); mistake != nil {
			err = errors.Join(err, inField(string(f.field), mistake))
		}
		*f.to = f.value
		changed = append(changed, string(f.field))
	}
	if err != nil || len(changed) == 0 {
		return err
	}
	next.Updated = s.Help.Service.Now()
	return s.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Help.Service.Users.SetProfile(ctx, next), s.Help.acts().note(ctx, by, "profile.change", u.ID, map[string]string{"fields": strings.Join(changed, " ")}))
	})
}

// checkOwn says what is wrong with a value.
func checkOwn(f Field, value string) error {
	const longest = 256 // bytes
	bad := func(want string) error { return fmt.Errorf("%w: %s: %s", idp.ErrInvalid, f, want) }
	switch {
	case value == "":
		return nil
	case len(value) > longest || !utf8.ValidString(value) || Unprintable(value):
		return bad("at most 256 bytes without control characters are allowed")
	case f == FieldLanguage:
		if _, err := language.Parse(value); err != nil {
			return bad("a language such as fr or pt-BR is expected")
		}
	case f == FieldZone:
		// "Local" is the server's own, and nobody's.
		if _, err := time.LoadLocation(value); err != nil || value == "Local" {
			return bad("a time zone such as Europe/Paris is expected")
		}
	}
	return nil
}

// FieldOf lists the fields that an error is about.
func FieldOf(err error) (out []string) {
	for _, e := range split(err) {
		if f := (*fieldError)(nil); errors.As(e, &f) && !slices.Contains(out, f.field) {
			out = append(out, f.field)
		}
	}
	return out
}

// closings are what a wish to leave costs: it is mailed to somebody.
func closings(id idp.UserID) mfa.Budget {
	return mfa.Budget{Key: "closing:" + string(id), Max: 1, Per: 24 * time.Hour}
}

// AskClosing tells the house that a person wants their account closed. Nothing
// is deleted by it. It takes a recent proof; idp.ErrDenied where people cannot
// ask; a [*mfa.LockedError] when they have asked within a day.
func (s *Self) AskClosing(ctx context.Context, by idp.Actor) error {
	u, err := s.Surely(ctx, by)
	if err != nil {
		return err
	}
	if s.Desk == nil {
		return idp.ErrDenied
	}
	if err := s.Help.Limiter.Take(ctx, closings(u.ID)); err != nil {
		return err
	}
	return s.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Desk.ClosingAsked(ctx, u), s.Help.acts().note(ctx, by, "account.close", u.ID, nil), s.Help.acts().tell(ctx, by, u, idp.ClosingAsked))
	})
}
