// Package trust remembers the browsers in which a person need not give the
// second factor again.
//
// A trusted browser holds a random token in a cookie, we its hash. Trust ends
// at a fixed moment, however often it is used, and with everything that raises
// the person's epoch: a new password, a reset of factors, disabling.
//
// It never decides whether a trusted browser will do: that is policy's to say,
// and a trusted browser is no factor (SECURITY.md M-13, M-19).
package trust

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"latchkey/mfa"
)

// What can go wrong.
var (
	// ErrForgotten means that the device is trusted no more.
	ErrForgotten = errors.New("trust: the device is forgotten")
	// ErrNoTime means that trust was asked for no time at all.
	ErrNoTime = errors.New("trust: a device is trusted for a time, and this is none")
)

// Device is a browser that a person trusts.
type Device struct {
	ID      string
	Subject mfa.SubjectID
	Hash    string     // hex SHA-256 of the token in its cookie
	Epoch   int64      // of the person when trust began; a raised one ends it
	Proven  []mfa.Kind // the second factors that were proven when trust began: trust is worth no more
	Agent   string     // User-Agent when trust began
	Address string     // IP address of the last use, as far as it was noted
	Place   string     // where that is, if anybody knows
	Created time.Time
	Used    time.Time // to the hour
	Expires time.Time // absolute; use does not move it
}

// Devices stores trusted devices.
type Devices interface {
	// Put adds a device in place of the one with the replaced hash (empty:
	// none), if that is the same person's. It joins the Atomic in ctx.
	Put(ctx context.Context, d Device, replaced string) error
	// ByHash finds a person's device that has not expired, or fails with
	// ErrForgotten. trust is the person's number of that name, read from the
	// database just before: what was remembered under another one is not
	// believed. At most one round trip.
	ByHash(ctx context.Context, s mfa.SubjectID, trust int64, hash string) (Device, error)
	// Of lists a person's devices that are good, newest first.
	Of(ctx context.Context, s mfa.SubjectID) ([]Device, error)
	// Keep fails with ErrForgotten when the device is trusted no more: inside
	// the Atomic that opens a session it makes sure that it still is when that
	// commits. used says that Used, Address and Place are to be written.
	Keep(ctx context.Context, d Device, used bool) error
	// Drop forgets a device and raises the person's trust, or fails with
	// ErrForgotten.
	Drop(ctx context.Context, s mfa.SubjectID, id string) error
	// DropAll forgets all of them and raises the person's trust.
	DropAll(ctx context.Context, s mfa.SubjectID) error
}

// Book is what trusts and recognises. Its fields are set once, before first
// use.
type Book struct {
	Devices Devices
	Secret  []byte // key of the selectors in cookies
	Now     func() time.Time
	// Place says where an IP address is, for lists of devices; nil: nobody
	// knows.
	Place func(ip string) string
}

// pause is how old a device's last use must be to be noted anew.
const pause = time.Hour

// Trust begins to trust a browser for a time and returns the new value of its
// cookie. proven are the second factors that were proven; cookie is the value so far.
// What this browser had of the same person is forgotten. Its writes join the
// Atomic in ctx. ErrNoTime.
func (b *Book) Trust(ctx context.Context, s mfa.SubjectID, epoch int64, proven []mfa.Kind, agent, address, cookie string, life time.Duration) (Device, string, error) {
	if life <= 0 {
		return Device{}, "", ErrNoTime
	}
	token, now := newToken(), b.Now()
	d := Device{
		ID: rand.Text(), Subject: s, Hash: hash(token), Epoch: epoch, Proven: proven, Agent: agent, Address: address, Place: b.place(address),
		Created: now, Used: now, Expires: now.Add(life),
	}
	before, replaced := b.entry(s, cookie), ""
	if before != "" {
		replaced = hash(before)
	}
	if err := b.Devices.Put(ctx, d, replaced); err != nil {
		return Device{}, "", err
	}
	return d, b.remember(s, token, cookie), nil
}

// Recognise reports whether a person trusts the browser with this cookie, and
// as which device. epoch and trust are the person's, read for this very
// request. It costs one look into the cache or one round trip, and nothing at
// all when the cookie has no entry of the person.
func (b *Book) Recognise(ctx context.Context, s mfa.SubjectID, epoch, trust int64, cookie string) (Device, bool, error) {
	token := b.entry(s, cookie)
	if token == "" {
		return Device{}, false, nil
	}
	d, err := b.Devices.ByHash(ctx, s, trust, hash(token))
	switch {
	case errors.Is(err, ErrForgotten):
		return Device{}, false, nil
	case err != nil:
		return Device{}, false, err
	case d.Subject != s || d.Epoch != epoch || !b.Now().Before(d.Expires):
		return Device{}, false, nil
	}
	return d, true, nil
}

// Seen follows a use of a recognised device. It belongs into the Atomic of what
// the device helped to do, and fails with ErrForgotten when the device was
// forgotten meanwhile. The moment and the address are noted at most once an
// hour.
func (b *Book) Seen(ctx context.Context, d Device, address string) error {
	now := b.Now()
	if now.Before(d.Used.Add(pause)) {
		return b.Devices.Keep(ctx, d, false)
	}
	d.Used, d.Address, d.Place = now, address, b.place(address)
	return b.Devices.Keep(ctx, d, true)
}

// Of lists the browsers that a person trusts, newest first.
func (b *Book) Of(ctx context.Context, s mfa.SubjectID) ([]Device, error) {
	return b.Devices.Of(ctx, s)
}

// Forget ends the trust in one device, or fails with ErrForgotten when the
// person has none of that id. Inside an Atomic it comes before the end of the
// sessions that the device helped to open, so that none slips through.
func (b *Book) Forget(ctx context.Context, s mfa.SubjectID, id string) error {
	return b.Devices.Drop(ctx, s, id)
}

// ForgetAll ends the trust in every device of a person.
func (b *Book) ForgetAll(ctx context.Context, s mfa.SubjectID) error {
	return b.Devices.DropAll(ctx, s)
}

func (b *Book) place(address string) string {
	if b.Place == nil || address == "" {
		return ""
	}
	return b.Place(address)
}

// newToken is 256 random bits.
func newToken() string {
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails: see crypto/rand.Read
	return base64.RawURLEncoding.EncodeToString(raw)
}

// hash is how tokens are stored: 256 bits need no slow one.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// String names a device for a log; never its hash.
func (d Device) String() string { return fmt.Sprintf("device %s of %s", d.ID, d.Subject) }
