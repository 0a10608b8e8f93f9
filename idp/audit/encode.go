package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"latchkey/idp"
)

// encode writes all of an event in the one way there is: each text behind its
// length, so that no two events have one encoding.
func encode(e idp.Event) []byte {
	b := make([]byte, 0, 512)
	text := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	text("latchkey event 1")
	text(e.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(millis(e.At)))
	for _, s := range []string{
		e.What, string(e.User), string(e.Actor), string(e.Client), string(e.Session), string(e.Method),
		e.Origin.Address, e.Origin.Agent, e.Origin.Request, e.Result,
	} {
		text(s)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Detail)))
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		text(name)
		text(e.Detail[name])
	}
	return b
}

// MAC seals an event (HMAC-SHA-256, RFC 2104) at the moment when it is written:
// one that is changed or added later is found before it has a place, too.
// Times count in milliseconds.
func MAC(key []byte, e idp.Event) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(encode(e))
	return m.Sum(nil)
}

// Digest is the SHA-256 of an event's encoding. It takes no key.
func Digest(e idp.Event) []byte {
	d := sha256.Sum256(encode(e))
	return d[:]
}

// Link is the hash of the row at a place: over the hash of the row before it,
// the place, and the row.
func Link(before []byte, seq int64, e idp.Event) []byte {
	h := sha256.New()
	h.Write([]byte("latchkey chain 1"))
	h.Write(before)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	h.Write(Digest(e))
	return h.Sum(nil)
}

// Genesis stands before the first row.
func Genesis() []byte { return make([]byte, sha256.Size) }
