package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// holdings is what people hold, as ceremonies need it: found by its kind, moved
// on with every use, replaced by what is new.
type holdings struct {
	credentials Credentials
	now         func() time.Time
}

// of lists the subject's credentials of one kind.
func (h holdings) of(ctx context.Context, s SubjectID, k Kind) ([]Credential, error) {
	all, err := h.credentials.Held(ctx, s)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Credential) bool { return c.Kind != k || c.Subject != s }), nil
}

// used takes from a factor's verdict what is the factor's to say: which of the
// held credentials was proven, and its data.
func (h holdings) used(held []Credential, proven Credential) (Credential, error) {
	i := slices.IndexFunc(held, func(c Credential) bool { return c.ID == proven.ID })
	if i < 0 {
		return Credential{}, fmt.Errorf("mfa: factor %q proved a credential that is not held", held[0].Kind)
	}
	c := held[i]
	c.Data, c.Used, c.Expires, c.Use = proven.Data, h.now(), proven.Expires, proven.Use
	return c, nil
}

// keep stores what a credential must remember of its use. One that is only
// lent remembers nothing: its challenge is spent, and that makes it once.
func (h holdings) keep(ctx context.Context, used Credential) error {
	if used.Version == 0 {
		return nil
	}
	return h.credentials.Save(ctx, used)
}

// replaced lists what new credentials of the kinds that are [Sole] push out.
func (h holdings) replaced(ctx context.Context, s SubjectID, made []Credential, sole func(Kind) bool) ([]Credential, error) {
	var out []Credential
	for _, c := range made {
		if !sole(c.Kind) {
			continue
		}
		held, err := h.of(ctx, s, c.Kind)
		if err != nil {
			return nil, err
		}
		out = append(out, held...)
	}
	return out, nil
}

// replace stores new credentials in place of old ones.
func (h holdings) replace(ctx context.Context, old, made []Credential) error {
	for _, c := range old {
		if err := h.credentials.Drop(ctx, c.Subject, c.ID); err != nil {
			return err
		}
	}
	for _, c := range made {
		if err := h.credentials.Save(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// lost turns a lost race into the loser's answer: the credential moved on
// because somebody used the same code first, so by now the code is wrong.
func lost(err error) error {
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return err
}
