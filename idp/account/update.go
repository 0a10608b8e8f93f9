package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/temporary"
)

// Change says what shall be different about a person. What is nil stays; an
// empty text clears what may be empty.
type Change struct {
	Login   *string // empty: the e-mail
	Email   *string
	Name    *string // empty: the login
	Kind    *idp.Kind
	Role    *idp.Role
	Locale  *string
	Phone   *string
	Profile *idp.Profile
	// Verified says whether e-mail and phone are known to be the person's. An
	// address or number that changes is not, unless this says so.
	Verified *bool
	// ProvenEmail says so of the e-mail alone, and wins.
	ProvenEmail *bool
}

// fields names what a change sets, for the log; never its values.
func (c Change) fields() (out []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"login", c.Login != nil}, {"email", c.Email != nil}, {"name", c.Name != nil}, {"kind", c.Kind != nil}, {"role", c.Role != nil},
		{"locale", c.Locale != nil}, {"phone", c.Phone != nil}, {"claims", c.Profile != nil}, {"verified", c.Verified != nil || c.ProvenEmail != nil},
	} {
		if f.set {
			out = append(out, f.name)
		}
	}
	return out
}

// Update changes what is known about a person and the names by which they are
// found. A login that is the e-mail follows it. The mistakes are those of Add;
// a change of nothing is idp.ErrInvalid. idp.ErrSpent when role, names or what is
// known to be theirs changed meanwhile: nothing that was taken away comes back
// (SECURITY.md D-04, D-05).
func (s *Service) Update(ctx context.Context, by idp.Actor, id idp.UserID, c Change) (idp.User, error) {
	fields := c.fields()
	if len(fields) == 0 {
		return idp.User{}, fmt.Errorf("%w: nothing to change was named", idp.ErrInvalid)
	}
	u, err := s.acts().touch(ctx, by, id, idp.EditPeople, "user.update")
	if err != nil {
		return idp.User{}, err
	}
	next, ids, err := c.described(u).person(s.Now())
	if err != nil {
		return idp.User{}, err
	}
	next.EmailVerified = verified(u.EmailVerified, u.Email, next.Email, cmp.Or(c.ProvenEmail, c.Verified))
	next.PhoneVerified = verified(u.PhoneVerified, u.Phone, next.Phone, c.Verified)
	was := u
	if next.Role != u.Role {
		if err := by.MayGrant(next.Role); err != nil {
			return idp.User{}, s.acts().denied(ctx, by, id, "user.update", err)
		}
	}
	u.Login, u.Email, u.EmailVerified, u.Name, u.Phone, u.PhoneVerified = next.Login, next.Email, next.EmailVerified, next.Name, next.Phone, next.PhoneVerified
	u.Kind, u.Role, u.Locale, u.Profile, u.Updated = next.Kind, next.Role, next.Locale, next.Profile, next.Updated
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			s.acts().keepOwner(ctx, by, was, u.Role), s.Users.Update(ctx, was, u, ids), s.acts().note(ctx, by, "user.update", id, changed(fields, was, u)),
			s.moved(ctx, by, was, u), s.risen(ctx, was, u))
	})
	return u, err
}

// moved follows a changed address or number: whoever reads the old mailbox is
// told (SECURITY.md E-10), and what was mailed there opens nothing any more
// (E-04).
func (s *Service) moved(ctx context.Context, by idp.Actor, was, is idp.User) error {
	var errs []error
	if was.Email != is.Email {
		for _, p := range []idp.Purpose{idp.LinkRecover, idp.LinkEnrol, idp.LinkInvite, idp.LinkVerify} {
			errs = append(errs, s.Links.Void(ctx, p, is.ID))
		}
		errs = append(errs, s.acts().tell(ctx, by, was, idp.EmailChanged))
	}
	if was.Phone != is.Phone && was.Phone != "" {
		errs = append(errs, s.acts().tell(ctx, by, was, idp.PhoneChanged))
	}
	return errors.Join(errs...)
}

// risen follows a role that is higher than before: what was given to somebody of
// less weight, by who may help them, opens nothing any more (SECURITY.md D-02). A
// temporary code that waits for a second word is held against the new role when
// it is fetched.
func (s *Service) risen(ctx context.Context, was, is idp.User) error {
	if is.Role.Within(was.Role) {
		return nil
	}
	return errors.Join(
		s.Links.Void(ctx, idp.LinkInvite, is.ID), s.Links.Void(ctx, idp.LinkEnrol, is.ID), s.Links.Void(ctx, idp.LinkRecover, is.ID),
		s.Factors.Credentials.DropKind(ctx, mfa.SubjectID(is.ID), temporary.Kind))
}

// described is the person as they shall be, for the checks of Add.
func (c Change) described(u idp.User) New {
	in := New{Login: u.Login, Email: u.Email, Name: u.Name, Kind: u.Kind, Role: u.Role, Locale: u.Locale, Phone: u.Phone, Profile: u.Profile}
	if c.Email != nil && strings.TrimSpace(*c.Email) != "" && strings.EqualFold(u.Login, u.Email) {
		in.Login = "" // it was the e-mail, and is the new one
	}
	if u.Name == u.Login {
		in.Name = "" // it was the login
	}
	for _, f := range []struct{ to, from *string }{
		{&in.Login, c.Login}, {&in.Email, c.Email}, {&in.Name, c.Name}, {&in.Locale, c.Locale}, {&in.Phone, c.Phone},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if c.Kind != nil {
		in.Kind = *c.Kind
	}
	if c.Role != nil {
		in.Role = *c.Role
	}
	if c.Profile != nil {
		in.Profile = *c.Profile
	}
	return in
}

// verified says whether an address or number is known to be the person's. One
// that changes is not by itself: applications link accounts by it.
func verified(was bool, old, next string, told *bool) bool {
	switch {
	case next == "":
		return false
	case told != nil:
		return *told
	}
	return was && old == next
}

// changed is the Detail of a change: which fields were named, and what differs
// (SECURITY.md D-07).
func changed(fields []string, was, is idp.User) map[string]string {
	out := idp.Diff(recorded(was), recorded(is))
	out["fields"] = strings.Join(fields, " ")
	return out
}

// recorded leaves out names, addresses and numbers: the log cannot forget, and
// people may ask to be forgotten.
func recorded(u idp.User) map[string]string {
	return map[string]string{
		"email_verified": strconv.FormatBool(u.EmailVerified), "phone_verified": strconv.FormatBool(u.PhoneVerified),
		"kind": string(u.Kind), "role": string(u.Role), "locale": u.Locale,
	}
}
