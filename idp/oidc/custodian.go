package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
)

// RotateEvery is how long a key signs.
const RotateEvery = 90 * 24 * time.Hour

// Custodian is what administrators do with the keys that sign tokens. Its
// fields are set once, before first use.
type Custodian struct {
	Ring *KeyRing
	Log  idp.Log
	Now  func() time.Time
}

// KeyFacts is a key as administrators see it; the key itself never leaves the
// ring.
type KeyFacts struct {
	ID, Alg string
	State   KeyState
	Created time.Time
	Changed time.Time // when it came into its state
	// Until is when it leaves its state by itself: begins to sign, is retired,
	// is forgotten.
	Until time.Time
}

// keyStates is their order in lists.
var keyStates = []KeyState{Current, Next, Retired}

// List returns all keys by algorithm; of each the one that signs first.
func (c *Custodian) List(ctx context.Context, by idp.Actor) ([]KeyFacts, error) {
	if err := by.May(idp.SeeKeys); err != nil {
		return nil, err
	}
	all, err := c.Ring.store.All(ctx)
	if err != nil {
		return nil, err
	}
	turns := time.Time{} // all change at the same moment
	for _, k := range all {
		if at := k.Changed.Add(RotateEvery); k.State == Current && (turns.IsZero() || at.Before(turns)) {
			turns = at
		}
	}
	out := make([]KeyFacts, len(all))
	for i, k := range all {
		out[i] = KeyFacts{ID: k.ID, Alg: k.Alg, State: k.State, Created: k.Created, Changed: k.Changed, Until: turns}
		if k.State == Retired {
			out[i].Until = k.Changed.Add(retain)
		}
	}
	slices.SortStableFunc(out, func(x, y KeyFacts) int {
		if c := strings.Compare(x.Alg, y.Alg); c != 0 {
			return c
		}
		return slices.Index(keyStates, x.State) - slices.Index(keyStates, y.State)
	})
	return out, nil
}

// Rotate lets the keys that are published ahead take over. No relying party
// notices: the old ones verify until their last token is dead.
func (c *Custodian) Rotate(ctx context.Context, by idp.Actor) error {
	if err := by.May(idp.RotateKeys); err != nil {
		return err
	}
	return c.Ring.rotate(ctx, func(ctx context.Context) error { return c.note(ctx, by, "key.rotate", nil) })
}

// Revoke withdraws a key that others may have got hold of. Tokens that it has
// signed are refused by every application that asks for our keys again, which
// takes as long as it keeps them (at most five minutes, says our answer). It
// fails with idp.ErrNotFound, and with idp.ErrSpent when the key has just come
// into another state.
func (c *Custodian) Revoke(ctx context.Context, by idp.Actor, id string) error {
	if err := by.May(idp.RotateKeys); err != nil {
		return err
	}
	all, err := c.Ring.store.All(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return idp.ErrNotFound
	}
	detail := map[string]string{"kid": id, "alg": all[i].Alg, "state": string(all[i].State)}
	return c.Ring.revoke(ctx, id, func(ctx context.Context) error { return c.note(ctx, by, "key.revoke", detail) })
}

// Maintain does what is due: it makes missing keys, rotates those that have
// signed for long enough, and forgets those that are good for nothing any more.
// Call it now and then; every instance may.
func (c *Custodian) Maintain(ctx context.Context) error {
	if err := c.Ring.Ensure(ctx); err != nil {
		return err
	}
	due, err := c.Ring.due(ctx, RotateEvery)
	if err != nil {
		return err
	}
	if due {
		err = c.Rotate(ctx, idp.Actor{Host: true, Origin: idp.Origin{Agent: "rotation of keys by their age"}})
	}
	return errors.Join(err, c.Ring.Prune(ctx))
}

func (c *Custodian) note(ctx context.Context, by idp.Actor, what string, detail map[string]string) error {
	return c.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: c.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok", Detail: detail,
	})
}
