package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// Algs are the signature algorithms, each with keys of its own. There is no
// `none` and nothing symmetric (P-26).
var Algs = []string{"RS256", "ES256", "EdDSA"}

// retain is how long a retired key goes on to verify. Nobody needs it longer
// than an ID token lives, but a logout sends the ID token of the morning as a
// hint in the evening.
const retain = 48 * time.Hour

// KeyRing holds the signing keys in memory and leads them through their life.
// Per algorithm one key signs, one is published ahead, and retired ones verify
// until their tokens are dead, so that a rotation breaks nobody (C-02).
type KeyRing struct {
	store  KeyStore
	atomic idp.Atomic
	now    func() time.Time
	// clients are asked which algorithms they use; nil: there are keys for all.
	clients Clients

	mu  sync.Mutex // one rebuild at a time
	set atomic.Pointer[keySet]
}

// NewKeyRing makes a ring; it reads nothing yet.
func NewKeyRing(store KeyStore, atomic idp.Atomic, now func() time.Time) *KeyRing {
	return &KeyRing{store: store, atomic: atomic, now: now}
}

// For makes keys of the less usual algorithms only once one of the clients uses
// them. Call it before first use.
func (k *KeyRing) For(clients Clients) *KeyRing {
	k.clients = clients
	return k
}

// keySet is one state of the ring, never changed.
type keySet struct {
	keys []keyState
	byID map[string]*key
	sign map[string]*key // by algorithm
	jwks []byte          // what the world may see of them, encoded once
}

// keyState is what makes two sets differ.
type keyState struct {
	id    string
	state KeyState
}

// key is parsed once.
type key struct {
	id, alg string
	signers map[string]jose.Signer // by the type of what is signed
	public  jose.JSONWebKey
}

// load returns the keys of this moment. The store holds them in memory; only
// a change costs more than a comparison. When the store fails, what was known
// before stays good.
func (k *KeyRing) load(ctx context.Context) (*keySet, error) {
	known := k.set.Load()
	stored, err := k.store.All(ctx)
	if err != nil {
		if known != nil {
			return known, nil
		}
		return nil, err
	}
	same := func(s *keySet) bool {
		return s != nil && slices.EqualFunc(s.keys, stored, func(a keyState, b Key) bool { return a.id == b.ID && a.state == b.State })
	}
	if same(known) {
		return known, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if known = k.set.Load(); same(known) {
		return known, nil
	}
	set, err := build(stored, known)
	if err != nil {
		return nil, err
	}
	k.set.Store(set)
	return set, nil
}

func build(stored []Key, before *keySet) (*keySet, error) {
	s := &keySet{byID: map[string]*key{}, sign: map[string]*key{}}
	var public struct {
		Keys []jose.JSONWebKey `json:"keys"`
	}
	public.Keys = []jose.JSONWebKey{}
	for _, row := range stored {
		s.keys = append(s.keys, keyState{row.ID, row.State})
		if !slices.Contains(Algs, row.Alg) {
			// A newer version beside this one may know more algorithms; its
			// keys must not keep ours from signing.
			continue
		}
		var k *key
		if before != nil {
			k = before.byID[row.ID]
		}
		if k == nil {
			var err error
			if k, err = parseKey(row); err != nil {
				return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
			}
		}
		if s.byID[k.id] != nil {
			return nil, fmt.Errorf("%w: two signing keys are called %s", idp.ErrInvalid, k.id)
		}
		s.byID[k.id] = k
		public.Keys = append(public.Keys, k.public)
		if row.State == Current {
			s.sign[k.alg] = k
		}
	}
	var err error
	s.jwks, err = json.Marshal(public)
	return s, err
}

func parseKey(row Key) (*key, error) {
	private, err := x509.ParsePKCS8PrivateKey(row.Private)
	if err != nil {
		return nil, err
	}
	var public crypto.PublicKey
	switch p := private.(type) {
	case *rsa.PrivateKey:
		public = p.Public()
		if row.Alg != "RS256" || p.N.BitLen() < 3072 { // C-01
			err = idp.ErrInvalid
		}
	case *ecdsa.PrivateKey:
		public = p.Public()
		if row.Alg != "ES256" || p.Curve != elliptic.P256() {
			err = idp.ErrInvalid
		}
	case ed25519.PrivateKey:
		public = p.Public()
		if row.Alg != "EdDSA" {
			err = idp.ErrInvalid
		}
	default:
		err = idp.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("%w: not a key for %s", err, row.Alg)
	}
	k := &key{
		id: row.ID, alg: row.Alg, signers: map[string]jose.Signer{},
		public: jose.JSONWebKey{Key: public, KeyID: row.ID, Algorithm: row.Alg, Use: "sig"},
	}
	with := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(row.Alg), Key: jose.JSONWebKey{Key: private, KeyID: row.ID}}
	for _, typ := range []string{typToken, typLogout} {
		if k.signers[typ], err = jose.NewSigner(with, (&jose.SignerOptions{}).WithType(jose.ContentType(typ))); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// newKey makes a key: RSA-3072, P-256 or Ed25519 (C-01).
func newKey(alg string, state KeyState, at time.Time) (Key, error) {
	var private any
	var err error
	switch alg {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 3072)
	}
	if err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return Key{ID: rand.Text(), Alg: alg, State: state, Private: der, Created: at, Changed: at}, err
}

// expected are the algorithms that have keys in any case. Keys of others are made
// when a client asks for them: there are relying parties that stumble over a key
// set with a kind of key that they do not know, used or not.
var expected = []string{"RS256", "ES256"}

// wanted lists the algorithms that have keys, or must get them.
func (k *KeyRing) wanted(ctx context.Context, stored []Key) ([]string, error) {
	if k.clients == nil {
		return Algs, nil
	}
	clients, err := k.clients.All(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(Algs), func(alg string) bool {
		return !slices.Contains(expected, alg) &&
			!slices.ContainsFunc(stored, func(o Key) bool { return o.Alg == alg && o.State != Retired }) &&
			!slices.ContainsFunc(clients, func(c Client) bool { return c.IDTokenAlg == alg || c.UserInfoAlg == alg })
	}), nil
}

// Ensure makes the keys that are missing: per algorithm that is wanted one that
// signs and one published ahead. Instances that start at once agree, because the
// store takes only one of each.
func (k *KeyRing) Ensure(ctx context.Context) error {
	stored, err := k.store.All(ctx)
	if err != nil {
		return err
	}
	algs, err := k.wanted(ctx, stored)
	if err != nil {
		return err
	}
	return k.complete(ctx, stored, algs)
}

// complete makes what is missing of some algorithms.
func (k *KeyRing) complete(ctx context.Context, stored []Key, algs []string) error {
	var wg sync.WaitGroup // RSA keys take their time
	var mu sync.Mutex
	var errs []error
	for _, alg := range algs {
		for _, state := range []KeyState{Current, Next} {
			if slices.ContainsFunc(stored, func(o Key) bool { return o.Alg == alg && o.State == state }) {
				continue
			}
			wg.Go(func() {
				made, err := newKey(alg, state, k.now())
				if err == nil {
					err = k.store.Add(ctx, made)
				}
				if err != nil && !errors.Is(err, idp.ErrTaken) {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Rotate retires the keys that sign and lets the ones published ahead take
// over. When another instance does the same at the same moment, one rotation
// happens.
func (k *KeyRing) Rotate(ctx context.Context) error { return k.rotate(ctx, nothing) }

// nothing is what goes along with a rotation that nobody writes down.
func nothing(context.Context) error { return nil }

// rotate is Rotate with something that happens together with it.
func (k *KeyRing) rotate(ctx context.Context, also func(context.Context) error) error {
	if err := k.Ensure(ctx); err != nil {
		return err
	}
	stored, err := k.store.All(ctx)
	if err != nil {
		return err
	}
	now := k.now()
	err = k.atomic(ctx, func(ctx context.Context) error {
		// Retire first: there is never more than one current key.
		for _, from := range []KeyState{Current, Next} {
			to := map[KeyState]KeyState{Current: Retired, Next: Current}[from]
			for _, o := range stored {
				if o.State != from {
					continue
				}
				if err := k.store.Move(ctx, o.ID, from, to, now); err != nil {
					return err
				}
			}
		}
		return also(ctx)
	})
	if err != nil && !errors.Is(err, idp.ErrSpent) && !errors.Is(err, idp.ErrTaken) {
		return err
	}
	return k.Ensure(ctx)
}

// Prune forgets retired keys that no token in use can be signed with.
func (k *KeyRing) Prune(ctx context.Context) error {
	stored, err := k.store.All(ctx)
	if err != nil {
		return err
	}
	for _, o := range stored {
		if o.State == Retired && k.now().Sub(o.Changed) > retain {
			if err := k.store.Remove(ctx, o.ID); err != nil && !errors.Is(err, idp.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// due reports whether a key has signed longer than it may.
func (k *KeyRing) due(ctx context.Context, every time.Duration) (bool, error) {
	stored, err := k.store.All(ctx)
	return slices.ContainsFunc(stored, func(o Key) bool { return o.State == Current && k.now().Sub(o.Changed) > every }), err
}

// revoke withdraws a key at once: what it has signed is no longer believed by
// whoever asks for our keys again. The one that is published ahead takes the
// place of one that signs.
func (k *KeyRing) revoke(ctx context.Context, id string, also func(context.Context) error) error {
	if err := k.Ensure(ctx); err != nil {
		return err
	}
	stored, err := k.store.All(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(stored, func(o Key) bool { return o.ID == id })
	if i < 0 {
		return idp.ErrNotFound
	}
	bad := stored[i]
	heir := slices.IndexFunc(stored, func(o Key) bool { return o.Alg == bad.Alg && o.State == Next })
	err = k.atomic(ctx, func(ctx context.Context) error {
		// The guard: of a key that is in another state by now nothing is done.
		if err := k.store.Move(ctx, bad.ID, bad.State, Retired, k.now()); err != nil {
			return err
		}
		if bad.State == Current && heir >= 0 {
			if err := k.store.Move(ctx, stored[heir].ID, Next, Current, k.now()); err != nil {
				return err
			}
		}
		return errors.Join(k.store.Remove(ctx, bad.ID), also(ctx))
	})
	if err != nil {
		return err
	}
	return k.Ensure(ctx)
}
