package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/idp"
)

// FoundingLife is how long the link to the first owner is good.
const FoundingLife = 24 * time.Hour

// Founding is how a house gets its first owner.
type Founding struct {
	acts
	add func(ctx context.Context, by idp.Actor, in New) (idp.User, error)
}

// OwnerLink makes a link that makes the first owner of the house, and returns
// its token: for whoever reads the server's console. Nobody has an account
// before (SECURITY.md C-08: no default one). idp.ErrTaken when there is an owner.
func (f Founding) OwnerLink(ctx context.Context, from idp.Origin) (token string, until time.Time, err error) {
	owned, err := f.owners.Owned(ctx)
	if err != nil {
		return "", until, err
	}
	if owned {
		return "", until, fmt.Errorf("%w: there is an owner", idp.ErrTaken)
	}
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	token, until = base64.RawURLEncoding.EncodeToString(b), f.now().Add(FoundingLife)
	err = f.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			f.owners.Offer(ctx, idp.HashLink(token), until),
			f.note(ctx, idp.Actor{Host: true, Origin: from}, "owner.offer", "", map[string]string{"expires": until.UTC().Format(time.RFC3339)}))
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return token, until, nil
}

// MayFound fails with idp.ErrExpired unless the token makes an owner.
func (f Founding) MayFound(ctx context.Context, token string) error {
	return f.owners.Offered(ctx, idp.HashLink(token))
}

// Found makes the first owner, who then signs in and sets up a second factor:
// the administration opens with nothing less. A form with a mistake
// (idp.ErrInvalid) does not use the link up. idp.ErrExpired, or idp.ErrSpent
// when somebody else was faster.
func (f Founding) Found(ctx context.Context, from idp.Origin, token string, in New) (idp.User, error) {
	if err := f.MayFound(ctx, token); err != nil {
		return idp.User{}, err
	}
	in.Role, in.Kind = idp.Owner, idp.Internal
	if strings.TrimSpace(in.Email) == "" {
		return idp.User{}, inField("email", fmt.Errorf("%w: email: an address is needed", idp.ErrInvalid))
	}
	if in.Password == "" {
		return idp.User{}, inField("password", fmt.Errorf("%w: password: one is needed", idp.ErrInvalid))
	}
	var u idp.User
	err := f.atomic(ctx, func(ctx context.Context) error {
		if err := f.owners.Take(ctx, idp.HashLink(token)); err != nil {
			return err
		}
		var err error
		if u, err = f.add(ctx, idp.Actor{Host: true, Origin: from}, in); err != nil {
			return err
		}
		return f.note(ctx, idp.Actor{User: u.ID, Origin: from}, "owner.found", u.ID, nil)
	})
	return u, err
}
