package apitoken

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"latchkey/idp"
)

// Prefix begins every token, so that scanners for leaked secrets find it:
// lka_[A-Z2-7]{52}[0-9a-f]{8}.
const Prefix = "lka_"

const randomPart = 52 // of base32, 260 bits

// newSecret makes a token, and what the database holds of it. The checksum lets
// scanners tell a token from what looks like one, and us refuse a made-up one
// without asking the database; it proves nothing.
func newSecret() (secret, hash string) {
	random := rand.Text() + rand.Text()
	secret = Prefix + random + checksum(random)
	return secret, hashOf(secret)
}

func checksum(random string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(random))) }

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// WellFormed reports whether a text could be a token.
func WellFormed(secret string) bool {
	random, ok := strings.CutPrefix(secret, Prefix)
	return ok && len(random) == randomPart+8 && random[randomPart:] == checksum(random[:randomPart])
}

// Bearer returns the token and who acts by it, or fails with idp.ErrNotFound
// for every token that is not good: made up, revoked, expired, of somebody who
// is disabled, or from before their last epoch (SECURITY.md D-13). It costs
// one read, and once a minute a write.
func (s *Service) Bearer(ctx context.Context, secret string, from idp.Origin) (Token, idp.Actor, error) {
	if !WellFormed(secret) {
		return Token{}, idp.Actor{}, idp.ErrNotFound
	}
	h, err := s.Tokens.ByHash(ctx, hashOf(secret))
	if err != nil {
		return Token{}, idp.Actor{}, err
	}
	now := s.Now()
	if !h.Live(h.By, now) {
		return h.Token, idp.Actor{}, idp.ErrNotFound
	}
	if now.Sub(h.Used) >= usedEvery {
		// A use that is not noted is no reason to refuse it.
		if err := s.Tokens.Used(ctx, h.ID, now); err != nil && !errors.Is(err, idp.ErrBusy) {
			return Token{}, idp.Actor{}, err
		}
	}
	from.Agent = named("token "+h.ID, from.Agent)
	return h.Token, idp.Actor{User: h.By.ID, Role: h.By.Role, Origin: from, Scopes: h.Scopes, Token: h.ID}, nil
}

// Still is who acts by a token as they are now, for work that goes on after its
// answer, or fails with idp.ErrNotFound when the token is no longer good
// (SECURITY.md D-04).
func (s *Service) Still(ctx context.Context, by idp.Actor) (idp.Actor, error) {
	h, err := s.Tokens.ByID(ctx, by.Token)
	if err != nil {
		return idp.Actor{}, err
	}
	if !h.Live(h.By, s.Now()) {
		return idp.Actor{}, idp.ErrNotFound
	}
	by.User, by.Role, by.Scopes = h.By.ID, h.By.Role, h.Scopes
	return by, nil
}

// named puts in front of a User-Agent through what somebody came: the log
// shows it beside the person.
func named(through, agent string) string {
	const longest = 256
	agent = through + "; " + agent
	return strings.ToValidUTF8(agent[:min(longest, len(agent))], "")
}
