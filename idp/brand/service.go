package brand

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/picture"
)

// Store keeps brands. The house's has the empty client id.
type Store interface {
	// Own returns what was set, or the zero Brand. It is held in memory: no page
	// costs a query.
	Own(ctx context.Context, id idp.ClientID) (Brand, error)
	// Branded lists the clients for which something was set, by id.
	Branded(ctx context.Context) ([]idp.ClientID, error)
	// Save replaces everything but the logos.
	Save(ctx context.Context, id idp.ClientID, b Brand) error
	// SaveLogo replaces one of the two logos; without a picture it is taken away.
	SaveLogo(ctx context.Context, id idp.ClientID, dark bool, l Logo, png []byte) error
	// Reset forgets everything, logos, too.
	Reset(ctx context.Context, id idp.ClientID) error
	// Image is the picture of a logo in use, or idp.ErrNotFound.
	Image(ctx context.Context, hash string) ([]byte, error)
}

// Service is the use cases. Its fields are set once, before first use. The empty
// client id stands for the house everywhere.
type Service struct {
	Store Store
	// Known fails with idp.ErrNotFound for a client that is not there.
	Known     func(context.Context, idp.ClientID) error
	Default   Brand    // what the configuration says
	Languages []string // tags that texts may have
	Log       idp.Log
	Atomic    idp.Atomic
	Now       func() time.Time
}

// allowed is the one place that says who may look at brands as they were set, and
// change them. Pages show them to everybody.
func allowed(by idp.Actor, right idp.Right) error { return by.May(right) }

// Look is how pages look for people on their way to a client, or on our own
// pages. Whoever asks may be anybody.
func (s *Service) Look(ctx context.Context, id idp.ClientID) (Brand, error) {
	look, err := s.Store.Own(ctx, "")
	if err != nil {
		return s.Default, err
	}
	look = look.Over(s.Default)
	if id == "" {
		return look, nil
	}
	own, err := s.Store.Own(ctx, id)
	return own.Over(look), err
}

// House is the look of the house for mails, which go out whether or not it can be
// read: then it is as the configuration says.
func (s *Service) House() Brand {
	b, err := s.Look(context.Background(), "")
	if err != nil {
		return s.Default
	}
	return b
}

// Image is the picture of a logo, a PNG, by its hash; idp.ErrNotFound when no
// brand has it any more.
func (s *Service) Image(ctx context.Context, hash string) ([]byte, error) {
	return s.Store.Image(ctx, hash)
}

// Get returns what was set, without what lies below. It fails with idp.ErrNotFound
// for a client that is not there.
func (s *Service) Get(ctx context.Context, by idp.Actor, id idp.ClientID) (Brand, error) {
	if err := allowed(by, idp.SeeHouse); err != nil {
		return Brand{}, err
	}
	return s.own(ctx, id)
}

// Branded lists the clients that look different from the house.
func (s *Service) Branded(ctx context.Context, by idp.Actor) ([]idp.ClientID, error) {
	if err := allowed(by, idp.SeeHouse); err != nil {
		return nil, err
	}
	return s.Store.Branded(ctx)
}

func (s *Service) own(ctx context.Context, id idp.ClientID) (Brand, error) {
	if id != "" {
		if err := s.Known(ctx, id); err != nil {
			return Brand{}, err
		}
	}
	return s.Store.Own(ctx, id)
}

// Check judges a brand without setting it: the mistakes of Set, or its warnings.
func (s *Service) Check(b Brand) ([]Warning, error) {
	_, warnings, err := Check(b, s.Languages)
	return warnings, err
}

// Set replaces a brand but for its logos. It fails with [Mistakes]; the warnings
// say which colours are not used as they are.
func (s *Service) Set(ctx context.Context, by idp.Actor, id idp.ClientID, b Brand) ([]Warning, error) {
	if err := allowed(by, idp.EditHouse); err != nil {
		return nil, err
	}
	before, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}
	b, warnings, err := Check(b, s.Languages)
	if err != nil {
		return nil, err
	}
	b.Logo, b.LogoDark = before.Logo, before.LogoDark
	return warnings, s.change(ctx, by, id, before, b, func(ctx context.Context) error { return s.Store.Save(ctx, id, b) })
}

// The most that a logo may measure, in pixels: three times what pages show.
const (
	logoWidth  = 720
	logoHeight = 120
)

// SetLogo makes a logo of a file that was uploaded: nothing of it survives but its
// pixels (SECURITY.md X-09). dark is the one for dark pages. The mistakes are
// those of [picture.Fit].
func (s *Service) SetLogo(ctx context.Context, by idp.Actor, id idp.ClientID, dark bool, file []byte) error {
	if err := allowed(by, idp.EditHouse); err != nil { // before anything is unpacked
		return err
	}
	png, size, err := picture.Fit(ctx, file, logoWidth, logoHeight)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(png)
	return s.logo(ctx, by, id, dark, Logo{Hash: hex.EncodeToString(sum[:]), Width: size.X, Height: size.Y}, png)
}

// RemoveLogo takes one of the logos away; there may be none.
func (s *Service) RemoveLogo(ctx context.Context, by idp.Actor, id idp.ClientID, dark bool) error {
	if err := allowed(by, idp.EditHouse); err != nil {
		return err
	}
	return s.logo(ctx, by, id, dark, Logo{}, nil)
}

func (s *Service) logo(ctx context.Context, by idp.Actor, id idp.ClientID, dark bool, l Logo, png []byte) error {
	before, err := s.own(ctx, id)
	if err != nil {
		return err
	}
	after := before
	if dark {
		after.LogoDark = l
	} else {
		after.Logo = l
	}
	return s.change(ctx, by, id, before, after, func(ctx context.Context) error { return s.Store.SaveLogo(ctx, id, dark, l, png) })
}

// Reset forgets a brand with its logos, so that what lies below shows.
func (s *Service) Reset(ctx context.Context, by idp.Actor, id idp.ClientID) error {
	if err := allowed(by, idp.EditHouse); err != nil {
		return err
	}
	before, err := s.own(ctx, id)
	if err != nil {
		return err
	}
	return s.change(ctx, by, id, before, Brand{}, func(ctx context.Context) error { return s.Store.Reset(ctx, id) })
}

// change writes and leaves the event, both or neither. What changes nothing leaves
// none.
func (s *Service) change(ctx context.Context, by idp.Actor, id idp.ClientID, before, after Brand, do func(context.Context) error) error {
	detail := changed(before, after)
	if len(detail) == 0 {
		return nil
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(do(ctx), s.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: s.Now(), What: "brand.change", Actor: by.User, Client: id, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
		}))
	})
}
