package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// C-12: a full shelf forgets what was used longest ago, and clients that
// registered themselves push out nothing of the others.
func TestShelfIsFull(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newShelf(Calls{}, func() time.Time { return now })
	put := func(c Client, uri string) *document {
		now = now.Add(time.Second)
		d, err := s.take(t.Context(), c, uri)
		if err != nil {
			t.Fatal(err)
		}
		d.leave()
		return d
	}
	ours, theirs := Client{ID: "ours"}, Client{ID: "theirs", Details: Details{Self: &Self{}}}
	kept := put(ours, "a")
	if put(theirs, "a") == kept {
		t.Error("both sides share one document")
	}
	first, second := put(theirs, "0"), put(theirs, "1")
	for i := range maxShelf - 1 { // two too many: "a" and "1" are the oldest
		put(theirs, fmt.Sprint("more ", i))
		put(theirs, "0")
	}
	if put(ours, "a") != kept {
		t.Error("the strangers' addresses have pushed ours out")
	}
	if put(theirs, "0") != first {
		t.Error("what is in use was forgotten")
	}
	if put(theirs, "1") == second {
		t.Error("what was used longest ago is still there")
	}
	if n := len(s.strangers.documents); n != maxShelf {
		t.Errorf("%d documents", n)
	}
}

// C-12: nobody waits longer than they want for somebody else's call.
func TestShelfWaitEnds(t *testing.T) {
	s := newShelf(Calls{}, time.Now)
	if _, err := s.take(t.Context(), Client{}, "a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.take(ctx, Client{}, "a"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range callsAtOnce {
		s.kept.busy <- struct{}{}
	}
	if _, err := s.call(ctx, Client{}, "https://rp.example.org"); !errors.Is(err, errBusy) {
		t.Error(err)
	}
	if _, err := s.call(t.Context(), Client{Details: Details{Self: &Self{}}}, "https://rp.example.org"); !errors.Is(err, errOutbound) {
		t.Errorf("the strangers wait for others: %v", err)
	}
}

// C-12, P-34: one who has many networks of IPv6 shuts nobody else out.
func TestPushesFromManyNetworks(t *testing.T) {
	now := time.Unix(1e9, 0)
	var p pushes
	allowed := 0
	for i := range 60_000 { // networks of one customer
		if p.more(fmt.Sprintf("2001:db8:1:%x::1", i), now) {
			allowed++
		}
	}
	if allowed != 4*mostPushed || len(p.count) > 4*mostPushed+2 {
		t.Errorf("%d allowed, %d networks counted", allowed, len(p.count))
	}
	for i := range 60_000 { // networks of one provider
		p.more(fmt.Sprintf("2001:db8:%x::1", i), now)
	}
	if n := len(p.count); n > 2*32*mostPushed+8*mostPushed {
		t.Errorf("%d networks counted", n)
	}
	for _, newcomer := range []string{"192.0.2.1", "2001:db9::1", "::ffff:192.0.2.2", "fe80::1%eth0"} {
		if !p.more(newcomer, now) {
			t.Errorf("%s is shut out", newcomer)
		}
	}
	// One address has its own, by whatever way it is written, and what is refused
	// takes nothing from the network around it.
	for range mostPushed - 1 {
		p.more("192.0.2.1", now)
	}
	if p.more("::ffff:192.0.2.1", now) {
		t.Error("one address pushes without end")
	}
	for range 100 * mostPushed {
		p.more("2001:db9::1", now)
	}
	if !p.more("2001:db9:0:1::1", now) {
		t.Error("the neighbour pays")
	}
	// A list that is full all the same has room for some.
	for i := 0; len(p.count) < mostNetworks; i++ {
		p.more(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), now)
	}
	allowed = 0
	for i := range 2 * mostOthers {
		if p.more(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}).String(), now) {
			allowed++
		}
	}
	if allowed != mostOthers || len(p.count) > mostNetworks+1 {
		t.Errorf("%d of the others allowed, %d networks counted", allowed, len(p.count))
	}
	if !p.more("192.0.2.1", now.Add(time.Minute)) {
		t.Error("a minute later")
	}
}
