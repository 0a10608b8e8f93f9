package oidc

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"latchkey/idp"
	"latchkey/idp/trace"
)

// outboundLimit is how long one call may take, in all, where nothing else is said.
const outboundLimit = 5 * time.Second

// errOutbound means that an address must not be called.
var errOutbound = errors.New("oidc: this address is not called")

// Outbound says how a client's servers may be called.
type Outbound struct {
	// Issuer decides about loopback addresses: a program that is itself only
	// reachable on its own machine may call others there.
	Issuer string
	// Networks are private ones that may be called, too, because the operator has
	// named them.
	Networks []netip.Prefix
	Roots    *x509.CertPool // who vouches for the servers; nil: the system's
	Limit    time.Duration  // how long one call may take, in all; 0: 5 s
}

// NewOutbound makes the client for calls to addresses that somebody has
// registered (P-28). It speaks https, or http to the own machine if the issuer
// is there; it follows no redirects, knows no proxy, and looks at the very
// address that it connects to, after names are resolved, so that a name that
// means something else a moment later gains nothing. Private, link-local and
// otherwise special networks are refused unless the operator has named them.
func NewOutbound(o Outbound) *http.Client {
	limit, home := cmp.Or(o.Limit, outboundLimit), false
	if u, err := url.Parse(o.Issuer); err == nil {
		home = loopback(u.Hostname())
	}
	g := guard{home: home, open: o.Networks}
	dialer := &net.Dialer{Timeout: limit, ControlContext: g.control}
	return &http.Client{
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: trace.Transport(guarded{g, &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: limit, ResponseHeaderTimeout: limit, MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives: true, DisableCompression: true, ForceAttemptHTTP2: true,
		}}),
	}
}

// Caller makes a call.
type Caller interface {
	Do(r *http.Request) (*http.Response, error)
}

// Calls are the calls to addresses that clients have registered. By itself it
// makes those of which nobody has looked at the address: the networks that the
// operator opens are for clients that administrators keep, or whoever registers
// one could look around in them (P-28, P-29). The zero value calls nobody.
type Calls struct{ strangers, kept *http.Client }

var _ Caller = Calls{}

// NewCalls makes them as [NewOutbound] does.
func NewCalls(o Outbound) Calls {
	kept := NewOutbound(o)
	o.Networks = nil
	return Calls{strangers: NewOutbound(o), kept: kept}
}

// For is how this client's servers are called.
func (c Calls) For(x Client) Caller {
	if !x.ByItself() {
		c.strangers = c.kept
	}
	return c
}

// Do calls a server of a client that nobody has looked at, or of that which c is
// for.
func (c Calls) Do(r *http.Request) (*http.Response, error) {
	if c.strangers == nil {
		return nil, errOutbound
	}
	return c.strangers.Do(r)
}

// guard decides which addresses may be called.
type guard struct {
	home bool
	open []netip.Prefix
}

// guarded looks at each request before it leaves.
type guarded struct {
	guard
	next http.RoundTripper
}

func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	own := g.home && loopback(r.URL.Hostname())
	if r.URL.Scheme != "https" && (r.URL.Scheme != "http" || !own) || r.URL.User != nil {
		return nil, fmt.Errorf("%w: https without a user name is needed", errOutbound)
	}
	return g.next.RoundTrip(r.WithContext(context.WithValue(r.Context(), ownKey{}, own)))
}

// ownKey marks a call to a name that means the own machine. Another name that
// resolves to it is refused: it could be anybody's.
type ownKey struct{}

// control sees the address that is being connected to.
func (g guard) control(ctx context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s %s", errOutbound, network, address)
	}
	ip := to.Addr().Unmap()
	own, _ := ctx.Value(ownKey{}).(bool)
	if own && ip.IsLoopback() || !own && (public(ip) || ip.Zone() == "" && slices.ContainsFunc(g.open, func(p netip.Prefix) bool { return p.Contains(ip) })) {
		return nil
	}
	return fmt.Errorf("%w: %w: %s is in a private or special network", errOutbound, idp.ErrDenied, ip)
}

// callable reports whether an address may turn out to be one to call; of a name
// only a call can tell.
func callable(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || ip.IsLoopback() || public(ip.Unmap())
}

// special are networks that netip's own methods do not name (IANA IPv4 and
// IPv6 Special-Purpose Address Registries). Those that carry an IPv4 address
// inside could lead into a private network after all.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// public reports whether an address is one of the internet at large.
func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
