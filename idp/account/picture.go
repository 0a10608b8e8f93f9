package account

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/picture"
)

// Pictures stores the pictures that people choose for themselves.
type Pictures interface {
	// Put stores a person's picture in the place of an earlier one. name is its
	// public address, which nobody can guess.
	Put(ctx context.Context, u idp.UserID, name string, png []byte, at time.Time) error
	// Of and ByName fail with idp.ErrNotFound.
	Of(ctx context.Context, u idp.UserID) ([]byte, error)
	ByName(ctx context.Context, name string) ([]byte, error)
	Drop(ctx context.Context, u idp.UserID) error
}

// PicturePath is where pictures are served, below the issuer; the name follows.
const PicturePath = "/picture/"

// Pictured reports whether a person's picture is one of ours. Another address in
// their profile comes from whoever made the account.
func (s *Self) Pictured(u idp.User) bool {
	return strings.HasPrefix(u.Profile.Picture, strings.TrimRight(s.Issuer, "/")+PicturePath)
}

// SetPicture makes a person's picture of a file that they uploaded. The mistakes
// are those of [picture.Square].
func (s *Self) SetPicture(ctx context.Context, by idp.Actor, file []byte) error {
	u, err := s.me(ctx, by)
	if err != nil {
		return err
	}
	if s.Fixed(u, FieldPicture) {
		return idp.ErrDenied
	}
	png, err := picture.Square(ctx, file)
	if err != nil {
		return err
	}
	name := strings.ToLower(rand.Text())
	u.Profile.Picture, u.Updated = strings.TrimRight(s.Issuer, "/")+PicturePath+name, s.Help.Service.Now()
	return s.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Pictures.Put(ctx, u.ID, name, png, u.Updated), s.Help.Service.Users.SetProfile(ctx, u),
			s.Help.acts().note(ctx, by, "profile.change", u.ID, map[string]string{"fields": string(FieldPicture)}))
	})
}

// RemovePicture takes a person's picture away; its address leads nowhere then.
func (s *Self) RemovePicture(ctx context.Context, by idp.Actor) error {
	u, err := s.me(ctx, by)
	if err != nil {
		return err
	}
	if s.Fixed(u, FieldPicture) {
		return idp.ErrDenied
	}
	u.Profile.Picture, u.Updated = "", s.Help.Service.Now()
	return s.Help.Service.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Pictures.Drop(ctx, u.ID), s.Help.Service.Users.SetProfile(ctx, u),
			s.Help.acts().note(ctx, by, "profile.change", u.ID, map[string]string{"fields": string(FieldPicture)}))
	})
}
