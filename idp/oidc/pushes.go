package oidc

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How much may be pushed in a minute by clients that prove nothing, from one
// address; networks that are counted, and what all others may push together.
const (
	mostPushed   = 120
	mostNetworks = 50_000
	mostOthers   = 10 * mostPushed
)

// pushTiers are the networks of IPv6 that count as one. What one household has is
// an address of old; what one customer and one provider have keeps somebody with
// many of them from filling the list, which would shut out whoever comes next.
var pushTiers = [...]pushTier{{32, 32 * mostPushed}, {48, 4 * mostPushed}, {64, mostPushed}}

type pushTier struct{ bits, most int }

// pushes counts what is pushed from an address.
type pushes struct {
	mu    sync.Mutex
	since time.Time
	count map[netip.Prefix]int
}

// more reports whether one more is allowed.
func (p *pushes) more(address string, now time.Time) bool {
	ip, err := netip.ParseAddr(address)
	ip = ip.WithZone("").Unmap()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == nil || now.Sub(p.since) >= time.Minute {
		p.since, p.count = now, map[netip.Prefix]int{}
	}
	tiers := pushTiers[:]
	if err != nil || ip.Is4() {
		tiers = []pushTier{{ip.BitLen(), mostPushed}}
	}
	// Only what is allowed counts: who goes on all the same takes nothing from the
	// neighbours, and adds no row.
	counted := make([]netip.Prefix, 0, len(pushTiers))
	for _, t := range tiers {
		network, _ := ip.Prefix(t.bits)
		if _, known := p.count[network]; !known && len(p.count) >= mostNetworks {
			network, t.most = netip.Prefix{}, mostOthers
		}
		if p.count[network] >= t.most {
			return false
		}
		counted = append(counted, network)
	}
	for _, network := range slices.Compact(counted) {
		p.count[network]++
	}
	return true
}
