package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// ErrSame means that an address is the person's already.
var ErrSame = fmt.Errorf("%w: it is the address of the account already", idp.ErrInvalid)

// verifications are what a mail to an address that is not proven costs, to
// whoever asks and to the address: nobody's mailbox is filled from here
// (SECURITY.md B-11). The address is hashed, so that a budget does not keep it.
func verifications(id idp.UserID, address string) []mfa.Budget {
	sum := sha256.Sum256([]byte(idp.Canonical(address)))
	return []mfa.Budget{
		{Key: "verify:" + string(id), Max: 5, Per: time.Hour},
		{Key: "verify:" + string(id) + ":minute", Max: 1, Per: time.Minute},
		{Key: "verify-to:" + hex.EncodeToString(sum[:16]), Max: 3, Per: time.Hour},
	}
}

// AskEmail begins a change of address: a link goes to the new one, and whoever
// reads the old one is told (SECURITY.md E-10, T-14). Nothing changes before the
// link is followed. It takes a recent proof.
//
// An address that belongs to somebody else, or looks like theirs, gets the same
// answer at the same cost; a mail to it says that it cannot be used (E-01).
//
// idp.ErrInvalid for what is no address, ErrSame for the one they have; a
// [*mfa.LockedError] when it is too soon.
func (s *Self) AskEmail(ctx context.Context, by idp.Actor, typed string) error {
	u, err := s.Surely(ctx, by)
	if err != nil {
		return err
	}
	if s.Fixed(u, FieldEmail) {
		return idp.ErrDenied
	}
	address := strings.ToLower(strings.TrimSpace(typed))
	if !isAddress(address) || !idp.Unfolded(address) {
		return fmt.Errorf("%w: an address such as ada@example.org is expected", idp.ErrInvalid)
	}
	if address == u.Email {
		return ErrSame
	}
	is, ids, err := moving(u, address)
	if err != nil {
		return err
	}
	if err := s.Help.Limiter.Take(ctx, verifications(u.ID, address)...); err != nil {
		return err
	}
	free := s.Help.Service.Users.Free(ctx, u.ID, ids)
	if free != nil && !errors.Is(free, idp.ErrTaken) {
		return free
	}
	return s.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{
			s.Help.acts().note(ctx, by, "email.ask", u.ID, nil),
			s.Help.Service.Notify.Notice(ctx, u, idp.Notice{Kind: idp.EmailAsked, At: s.Help.Service.Now(), Origin: by.Origin}),
		}
		if free != nil {
			errs = append(errs, s.Help.Service.Links.Void(ctx, idp.LinkVerify, u.ID), s.Help.Letters.Unusable(ctx, u, address))
		} else {
			errs = append(errs, s.sendVerification(ctx, u, is.Email, by))
		}
		return errors.Join(errs...)
	})
}

// moving is a person with another address, and the names by which they are then
// found. A login that is the address follows it.
func moving(u idp.User, address string) (idp.User, []idp.Identifier, error) {
	if strings.EqualFold(u.Login, u.Email) {
		u.Login = address
	}
	u.Email, u.EmailVerified = address, true
	ids, errs := identify(u.Login, address)
	return u, ids, errors.Join(errs...)
}

// sendVerification mails the link that proves an address.
func (s *Self) sendVerification(ctx context.Context, u idp.User, address string, by idp.Actor) error {
	l, token := idp.NewLink(idp.LinkVerify, u, s.Help.Service.Now(), idp.LinkVerify.Life())
	l.Data = map[string]string{"email": address, "was": u.Email}
	return s.Help.post().issue(ctx, u, l, idp.Letter{Token: token, Origin: by.Origin, To: address})
}

// ConfirmEmail mails a link to a person's present address that proves it to be
// theirs (SECURITY.md E-09). ErrSame when it is proven already; idp.ErrInvalid
// when there is none; a [*mfa.LockedError] when it is too soon.
func (s *Self) ConfirmEmail(ctx context.Context, by idp.Actor) error {
	u, err := s.me(ctx, by)
	switch {
	case err != nil:
		return err
	case u.Email == "":
		return fmt.Errorf("%w: there is no address to confirm", idp.ErrInvalid)
	case u.EmailVerified:
		return ErrSame
	}
	if err := s.Help.Limiter.Take(ctx, verifications(u.ID, u.Email)...); err != nil {
		return err
	}
	return s.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Help.acts().note(ctx, by, "email.ask", u.ID, nil), s.sendVerification(ctx, u, u.Email, by))
	})
}

// Verify takes the token that was mailed to an address: it is the person's then,
// and their account's. It must come from a session of the very person, in whose
// name it was asked for: an address with a slip of the pen belongs to a stranger,
// who must not get an account by a click (SECURITY.md E-09).
//
// idp.ErrMore when somebody else, or nobody, is signed in; idp.ErrExpired;
// idp.ErrSpent when it was used at this moment. Whether the address has another
// owner by now is not told (E-01).
func (h *Help) Verify(ctx context.Context, by idp.Actor, token string) error {
	l, u, err := h.Service.Links.Get(ctx, idp.LinkVerify, idp.HashLink(token))
	if err != nil {
		return err
	}
	if by.User != u.ID || by.Session == "" {
		return idp.ErrMore
	}
	if l.Data["was"] != u.Email || l.Data["email"] == "" {
		return fmt.Errorf("%w: the account has another address by now", idp.ErrExpired)
	}
	is, ids, err := moving(u, l.Data["email"])
	if err != nil {
		return err
	}
	what := "email.verify"
	if is.Email != u.Email {
		what = "email.change"
	}
	is.Updated = h.Service.Now()
	err = h.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(h.Service.Links.Spend(ctx, l.Hash), h.Service.Users.SetEmail(ctx, u, is, ids), h.acts().note(ctx, by, what, u.ID, nil), h.Service.moved(ctx, by, u, is))
	})
	if errors.Is(err, idp.ErrTaken) {
		return fmt.Errorf("%w: %w", idp.ErrExpired, err)
	}
	return err
}
