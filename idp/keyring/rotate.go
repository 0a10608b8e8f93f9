package keyring

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// A ring's keys stand in order of age, and their place says what they are: the
// one that seals, before it those that only open what they once sealed, behind
// it those that are made ahead, so that every instance knows a key before the
// first value is sealed with it.

// State is what a key is good for.
type State string

const (
	Old   State = "old"   // opens what it sealed
	Seals State = "seals" // seals, and opens
	Ahead State = "ahead" // opens; will seal
)

// KeyID is a key's number; it stands in front of everything that it sealed.
type KeyID uint32

// Key is one of a ring's.
type Key struct {
	ID    KeyID `json:"id"`
	State State `json:"state"`
}

// ErrNoOld means that a ring has no old keys.
var ErrNoOld = errors.New("keyring: there is no old key to forget")

// header is the length of what stands in front of a sealed value: a format's
// byte and the key's number (Tink's wire format).
const (
	header = 5
	format = 1
)

// SealedBy reads which key sealed a value, or its beginning.
func SealedBy(sealed []byte) (KeyID, bool) {
	if len(sealed) < header || sealed[0] != format {
		return 0, false
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:header])), true
}

// Keys lists the keys, oldest first.
func (r *Ring) Keys() []Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return keysOf(r.handle)
}

func keysOf(h *keyset.Handle) []Key {
	info := h.KeysetInfo()
	out, state := make([]Key, 0, len(info.GetKeyInfo())), Old
	for _, k := range info.GetKeyInfo() {
		if k.GetKeyId() == info.GetPrimaryKeyId() {
			out, state = append(out, Key{KeyID(k.GetKeyId()), Seals}), Ahead
			continue
		}
		out = append(out, Key{KeyID(k.GetKeyId()), state})
	}
	return out
}

// Sealing is the key that seals now.
func (r *Ring) Sealing() KeyID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return KeyID(r.handle.KeysetInfo().GetPrimaryKeyId())
}

// knows reports whether the key that sealed a value is in the ring.
func (r *Ring) knows(sealed []byte) bool {
	id, ok := SealedBy(sealed)
	return !ok || slices.ContainsFunc(r.Keys(), func(k Key) bool { return k.ID == id })
}

// Prepare adds a fresh key that opens and does not seal yet. The change is in
// memory until [Ring.Save].
func (r *Ring) Prepare() (id KeyID, err error) {
	err = r.change(func(m *keyset.Manager, _ []Key) error {
		n, err := m.Add(aead.AES256GCMKeyTemplate())
		id = KeyID(n)
		return err
	})
	return id, err
}

// Rotate lets the newest key that is made ahead seal from now on, or a fresh one
// if there is none. Older keys still open what they sealed. The change is in
// memory until [Ring.Save].
func (r *Ring) Rotate() error {
	return r.change(func(m *keyset.Manager, all []Key) (err error) {
		last := all[len(all)-1]
		id := uint32(last.ID)
		if last.State != Ahead {
			if id, err = m.Add(aead.AES256GCMKeyTemplate()); err != nil {
				return err
			}
		}
		return m.SetPrimary(id)
	})
}

// Forget removes the old keys for good: what they sealed opens never again. It
// fails with [ErrNoOld]. The change is in memory until [Ring.Save].
func (r *Ring) Forget() error {
	return r.change(func(m *keyset.Manager, all []Key) error {
		if all[0].State != Old {
			return ErrNoOld
		}
		for _, k := range all {
			if k.State != Old {
				break
			}
			if err := m.Delete(uint32(k.ID)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Ring) change(do func(m *keyset.Manager, all []Key) error) error {
	r.mu.Lock() // over all of it: of two changes at once none may lose the other's key
	defer r.mu.Unlock()
	m := keyset.NewManagerFromHandle(r.handle)
	if err := do(m, keysOf(r.handle)); err != nil {
		return err
	}
	h, err := m.Handle()
	if err != nil {
		return err
	}
	return r.use(h)
}
