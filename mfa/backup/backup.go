// Package backup is the factor of last resort: ten codes to keep, each good
// once.
//
// It makes the codes and remembers only a slow hash of each (ASVS 6.5.2): 50
// bits are too few for a fast one. All codes of a set share one salt, so a try
// costs one hash, not ten.
package backup

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"

	"latchkey/mfa"
	"latchkey/mfa/word"
)

// Kind is this factor's name.
const Kind mfa.Kind = "backup"

const (
	count     = 10
	saltBytes = 16
)

// Factor implements [mfa.Factor].
type Factor struct {
	// Hash is a password hash (memory-hard, salted) of a code.
	Hash func(ctx context.Context, code, salt []byte) ([]byte, error)
}

var (
	_ mfa.Factor = Factor{}
	_ mfa.Sole   = Factor{}
)

// data is what a credential remembers.
type data struct {
	Salt   []byte   `json:"salt"`
	Hashes [][]byte `json:"hashes"` // of the codes left
}

// Kind implements [mfa.Factor].
func (Factor) Kind() mfa.Kind { return Kind }

// Sole says that a new set replaces the old one: all old codes die.
func (Factor) Sole() {}

// Enroll makes ten codes of 50 random bits. They are hashed only when they are
// confirmed, so that an abandoned wizard costs nothing; until then they are
// kept as every open challenge is, sealed.
func (Factor) Enroll(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	codes := make([]string, count)
	for i := range codes {
		codes[i] = word.New()
	}
	st, err := json.Marshal(codes)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	shown := make([]string, count)
	for i, c := range codes {
		shown[i] = word.Shown(c)
	}
	return mfa.Prompt{Shape: mfa.ShapeCodes, Codes: shown}, st, nil
}

// Confirm wants the word that the list is kept, or one of the codes. A code
// given here is used up: each is typed once.
//
// The set carries its owner as its handle, which is unique: of two first sets
// that are confirmed at once, one wins (SECURITY.md T-09).
func (f Factor) Confirm(ctx context.Context, s mfa.Subject, st mfa.State, a mfa.Answer) (mfa.Credential, error) {
	var codes []string
	if err := json.Unmarshal(st, &codes); err != nil {
		return mfa.Credential{}, fmt.Errorf("backup: state: %w", err)
	}
	if a.Code != "" || !a.Kept {
		typed, found := word.Read(a.Code), -1
		for i, c := range codes {
			if subtle.ConstantTimeCompare([]byte(c), []byte(typed)) == 1 {
				found = i
			}
		}
		if found < 0 {
			return mfa.Credential{}, mfa.ErrWrong
		}
		codes = slices.Delete(codes, found, found+1)
	}
	d := data{Salt: make([]byte, saltBytes)}
	_, _ = rand.Read(d.Salt)
	for _, c := range codes {
		h, err := f.Hash(ctx, []byte(c), d.Salt)
		if err != nil {
			return mfa.Credential{}, err
		}
		d.Hashes = append(d.Hashes, h)
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return mfa.Credential{}, err
	}
	return mfa.Credential{Kind: Kind, Data: raw, Handle: string(s.ID)}, nil
}

// Ask shows one input for a code.
func (Factor) Ask(context.Context, mfa.Subject, []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	return mfa.Prompt{Shape: mfa.ShapeWord}, nil, nil
}

// Check strikes the code that was used from its set.
func (f Factor) Check(ctx context.Context, _ mfa.Subject, held []mfa.Credential, _ mfa.State, a mfa.Answer) (mfa.Credential, error) {
	code := word.Read(a.Code)
	if code == "" {
		return mfa.Credential{}, mfa.ErrWrong
	}
	for _, c := range held { // one set, unless an older version confirmed two at the same moment
		struck, err := f.strike(ctx, c, code)
		if err != nil {
			return mfa.Credential{}, err
		}
		if struck != nil {
			c.Data = struck
			return c, nil
		}
	}
	return mfa.Credential{}, mfa.ErrWrong
}

// strike returns the data of c without the code, or nil when it is not among
// those left.
func (f Factor) strike(ctx context.Context, c mfa.Credential, code string) ([]byte, error) {
	d, err := open(c)
	if err != nil {
		return nil, err
	}
	h, err := f.Hash(ctx, []byte(code), d.Salt)
	if err != nil {
		return nil, err
	}
	found := -1
	for i, left := range d.Hashes {
		if subtle.ConstantTimeCompare(left, h) == 1 {
			found = i
		}
	}
	if found < 0 {
		return nil, nil
	}
	d.Hashes = slices.Delete(d.Hashes, found, found+1)
	return json.Marshal(d)
}

// Left tells how many codes of a set are unused; none if c is not a set.
func Left(c mfa.Credential) int {
	d, err := open(c)
	if err != nil {
		return 0
	}
	return len(d.Hashes)
}

func open(c mfa.Credential) (data, error) {
	var d data
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return data{}, fmt.Errorf("backup: credential %s: %w", c.ID, err)
	}
	return d, nil
}
