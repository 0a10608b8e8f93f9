package account

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/mfa"
)

// Help is for people who cannot get in, or whose account somebody else got
// into: temporary codes, and links that are mailed. Its fields are set once,
// before first use.
//
// The links change nothing before their token comes back in a form
// (SECURITY.md E-07): whoever draws the page reads the link by idp.Links.Get.
type Help struct {
	Service *Service
	Letters Letters
	Limiter mfa.Limiter
	// Title is what people call an application; empty: nobody knows it. nil: mails
	// name none.
	Title func(context.Context, idp.ClientID) (string, error)
	// Second reports whether a temporary code takes a second administrator; nil:
	// never.
	Second func(context.Context) (bool, error)
}

// Letters mails links.
type Letters interface {
	// Letter mails a link to the person, if there is an address that is known
	// to be theirs, or to the one that the letter names. It joins the Atomic in ctx.
	Letter(ctx context.Context, u idp.User, l idp.Letter) error
	// Unusable mails an address that a person's account cannot have it, in their
	// language. It tells no more about them, or about who has it.
	Unusable(ctx context.Context, u idp.User, address string) error
}

// mailed reports whether a mail reaches the person (SECURITY.md E-06).
func mailed(u idp.User) bool { return u.Email != "" && u.EmailVerified }

// post makes links and mails them.
type post struct {
	links   idp.Links
	letters Letters
}

// issue makes a link that voids older ones of its purpose, and mails it.
func (p post) issue(ctx context.Context, u idp.User, l idp.Link, letter idp.Letter) error {
	letter.Link = l
	return errors.Join(p.links.Void(ctx, l.Purpose, u.ID), p.links.Put(ctx, l), p.letters.Letter(ctx, u, letter))
}

// The parts of the work, each with what it needs of the others.

func (h *Help) acts() acts { return h.Service.acts() }

func (h *Help) post() post { return post{h.Service.Links, h.Letters} }

// Recovery is the way to a new password.
func (h *Help) Recovery() Recovery {
	return Recovery{h.acts(), h.post(), h.Service.Rules(), h.Limiter, h.Service.Sessions, h.Service.Locks}
}

// Invitations are the way to the first password.
func (h *Help) Invitations() Invitations {
	return Invitations{h.acts(), h.post(), h.Service.Rules(), h.Service.Sessions, h.Service.Locks, h.Title}
}

// Codes stand in for a second factor that is not at hand.
func (h *Help) Codes() TemporaryCodes {
	return TemporaryCodes{h.acts(), h.Service.Factors.Credentials, h.Service.Passwords.Key, h.Second}
}

// worded refuses a text that nobody can read later in the log.
func worded(field, text string) error {
	const longest = 200
	if text == "" || utf8.RuneCountInString(text) > longest || Unprintable(text) {
		return fmt.Errorf("%w: %s: 1 to %d characters without line breaks are expected", idp.ErrInvalid, field, longest)
	}
	return nil
}
