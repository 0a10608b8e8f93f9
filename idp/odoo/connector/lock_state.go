package connector

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/idp/odoo/rpc"
)

// lockedState is the name under which is kept who is locked.
const lockedState = "locked"

// lockedAt is when the passwords of users of an Odoo were replaced, by id, in
// seconds since 1970.
type lockedAt map[int64]int64

func (l lockedAt) has(id int64) bool { _, ok := l[id]; return ok }

// locked are the users of an Odoo whose password was replaced.
func (b *Book) locked(ctx context.Context, c Connection) (lockedAt, error) {
	out := lockedAt{}
	if c.Lock.At.IsZero() {
		return out, nil
	}
	raw, err := b.connections.State(ctx, c.ID, lockedState)
	if err != nil || raw == "" {
		return out, err
	}
	var old []int64 // as it was kept before the moments were
	if json.Unmarshal([]byte(raw), &old) != nil {
		return out, json.Unmarshal([]byte(raw), &out)
	}
	for _, id := range old {
		out[id] = c.Lock.At.Unix()
	}
	return out, nil
}

// keepLocked adds to who is locked, as it is by now: the synchronisation and an
// administrator may be at it at the same time.
func (b *Book) keepLocked(ctx context.Context, c Connection, at lockedAt) error {
	if len(at) == 0 {
		return nil
	}
	all, err := b.locked(ctx, c)
	if err != nil {
		return err
	}
	maps.Copy(all, at)
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return b.connections.SetState(ctx, c.ID, lockedState, string(raw))
}

// at is when somebody was locked.
func (l lockedAt) at(id int64) time.Time { return time.Unix(l[id], 0) }

// lockToo is what locks somebody together with their link at a sign-in, where a
// lock is kept: a moment later it would end the session that is about to begin.
func (c Connection) lockToo(login string) rpc.Args {
	if !c.Settings.KeepLocked || c.Lock.At.IsZero() || slices.Contains(c.exempt(), strings.ToLower(login)) {
		return nil
	}
	return rpc.Args{"password": unguessable()}
}

// lockedToo notes that it was done.
func (b *Book) lockedToo(ctx context.Context, c Connection, id int64, also rpc.Args) error {
	if also == nil {
		return nil
	}
	return b.keepLocked(ctx, c, lockedAt{id: b.now().Unix()})
}

// unguessable is a password that nobody knows, 260 bits.
func unguessable() string { return rand.Text() + rand.Text() }
