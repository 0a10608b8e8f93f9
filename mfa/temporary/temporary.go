// Package temporary is the factor of somebody who has none at hand: a code that
// the help desk gives them, good for a few uses and a few days.
//
// Nobody sets it up for themselves: it is issued. Like backup codes, and for
// the same reason, the code is kept as a slow hash only.
package temporary

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"time"

	"latchkey/mfa"
	"latchkey/mfa/word"
)

// Kind is this factor's name.
const Kind mfa.Kind = "temporary"

// The bounds of a code (SECURITY.md A-10: short-lived, cannot stay).
const (
	MaxLife = 72 * time.Hour
	MaxUses = 10
)

const saltBytes = 16

// Hash is a password hash (memory-hard, salted) of a code.
type Hash func(ctx context.Context, code, salt []byte) ([]byte, error)

// Factor implements [mfa.Factor].
type Factor struct {
	Hash Hash
	Now  func() time.Time
}

var _ mfa.Factor = Factor{}

// data is what a credential remembers.
type data struct {
	Salt []byte `json:"salt"`
	Hash []byte `json:"hash"`
	Left int    `json:"left"` // uses
}

// Issue makes a code and the credential that knows it again; the caller says
// whose it is. The code is shown once. mfa.ErrRefused when life or uses are
// out of bounds.
func Issue(ctx context.Context, hash Hash, now time.Time, life time.Duration, uses int) (mfa.Credential, string, error) {
	if life <= 0 || life > MaxLife || uses < 1 || uses > MaxUses {
		return mfa.Credential{}, "", fmt.Errorf("%w: a temporary code is good for at most %v and %d uses", mfa.ErrRefused, MaxLife, MaxUses)
	}
	code, d := word.New(), data{Salt: make([]byte, saltBytes), Left: uses}
	_, _ = rand.Read(d.Salt) // never fails: see crypto/rand.Read
	var err error
	if d.Hash, err = hash(ctx, []byte(code), d.Salt); err != nil {
		return mfa.Credential{}, "", err
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return mfa.Credential{}, "", err
	}
	return mfa.Credential{Kind: Kind, Data: raw, Created: now, Expires: now.Add(life)}, word.Shown(code), nil
}

// Left tells how many uses a code has; none if c is no temporary code.
func Left(c mfa.Credential) int {
	d, err := open(c)
	if err != nil {
		return 0
	}
	return d.Left
}

// Kind implements [mfa.Factor].
func (Factor) Kind() mfa.Kind { return Kind }

// errIssued refuses what would let somebody make a code for themselves.
var errIssued = fmt.Errorf("%w: temporary codes are issued, not set up", mfa.ErrRefused)

// Enroll always fails with mfa.ErrRefused.
func (Factor) Enroll(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{}, nil, errIssued
}

// Confirm always fails with mfa.ErrRefused.
func (Factor) Confirm(context.Context, mfa.Subject, mfa.State, mfa.Answer) (mfa.Credential, error) {
	return mfa.Credential{}, errIssued
}

// Ask shows one input for a code.
func (Factor) Ask(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeWord}, nil, nil
}

// Check counts a use. After the last one the credential has expired.
func (f Factor) Check(ctx context.Context, _ mfa.Subject, held []mfa.Credential, _ mfa.State, a mfa.Answer) (mfa.Credential, error) {
	code := word.Read(a.Code)
	if code == "" {
		return mfa.Credential{}, mfa.ErrWrong
	}
	now := f.Now()
	for _, c := range held { // one, for a new one replaces it
		d, err := open(c)
		if err != nil {
			return mfa.Credential{}, err
		}
		if d.Left < 1 || !now.Before(c.Expires) {
			continue
		}
		h, err := f.Hash(ctx, []byte(code), d.Salt)
		if err != nil {
			return mfa.Credential{}, err
		}
		if len(h) == 0 || subtle.ConstantTimeCompare(h, d.Hash) != 1 {
			continue
		}
		if d.Left--; d.Left == 0 {
			c.Expires = now
		}
		c.Data, err = json.Marshal(d)
		return c, err
	}
	return mfa.Credential{}, mfa.ErrWrong
}

func open(c mfa.Credential) (data, error) {
	var d data
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return data{}, fmt.Errorf("temporary: credential %s: %w", c.ID, err)
	}
	return d, nil
}
