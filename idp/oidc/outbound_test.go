package oidc

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// P-28: which addresses are at large.
func TestPublicAddresses(t *testing.T) {
	for ip, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "8.8.8.8": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "100.64.0.1": false, "224.0.0.1": false, "ff02::1": false,
		"255.255.255.255": false, "240.0.0.1": false, "192.0.2.1": false, "198.18.0.1": false, "2001:db8::1": false,
		"::127.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "2001::1": false, "fec0::1": false,
	} {
		if got := public(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v, want %v", ip, got, want)
		}
	}
}

// P-28: what a call to a registered address refuses.
func TestOutbound(t *testing.T) {
	hits := 0
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	}))
	t.Cleanup(plain.Close)
	_, port, err := net.SplitHostPort(plain.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	call := func(issuer, to string) (int, error) {
		resp, err := NewOutbound(Outbound{Issuer: issuer}).Get(to)
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	const far, near = "https://id.example.org", "http://localhost:8080"
	for _, c := range []struct{ issuer, to string }{
		{far, plain.URL},                            // own machine, but the issuer is not
		{far, "https://127.0.0.1:" + port},          // the same over TLS
		{far, "https://localhost:" + port},          // by name
		{far, "https://[::ffff:127.0.0.1]:" + port}, // in disguise
		{far, "http://example.org/"},
		{far, "https://169.254.169.254/latest/meta-data"},
		{far, "https://10.0.0.1/"},
		{near, "http://10.0.0.1/"},
		{near, "https://192.168.1.1/"},
		{near, "http://user:secret@127.0.0.1:" + port},
		{near, "ftp://127.0.0.1:" + port},
	} {
		if _, err := call(c.issuer, c.to); err == nil || strings.Contains(c.to, "127.0.0.1") && !errors.Is(err, errOutbound) && !strings.Contains(err.Error(), "unsupported protocol") {
			t.Errorf("%s for %s: %v", c.to, c.issuer, err)
		}
	}
	if hits != 0 {
		t.Errorf("%d calls came through", hits)
	}
	if status, err := call(near, plain.URL); err != nil || status != 200 || hits != 1 {
		t.Errorf("own machine: %d, %v", status, err)
	}
	if status, err := call(near, plain.URL+"/away"); err != nil || status != http.StatusFound || hits != 2 {
		t.Errorf("a redirect was followed: %d, %v, %d hits", status, err, hits)
	}
	// A name that is not that of the own machine, but resolves to it.
	g := guard{home: true}
	if err := g.control(t.Context(), "tcp4", "127.0.0.1:80", nil); !errors.Is(err, errOutbound) {
		t.Errorf("a name that means this machine: %v", err)
	}
}

// P-28: what the operator has named may be called, and nothing beside it.
func TestOutboundNetworks(t *testing.T) {
	g := guard{open: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for address, want := range map[string]bool{
		"10.1.2.3:443": true, "[fd00:1::5]:443": true, "[::ffff:10.1.2.3]:443": true, "8.8.8.8:443": true,
		"10.2.0.1:443": false, "127.0.0.1:443": false, "169.254.169.254:443": false, "[fd00:2::1]:443": false, "[fd00:1::5%eth0]:443": false,
	} {
		if err := g.control(t.Context(), "tcp4", address, nil); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	// The own machine stays apart from them: a name of it is no way into the house.
	own := context.WithValue(t.Context(), ownKey{}, true)
	if err := (guard{home: true, open: g.open}).control(own, "tcp4", "10.1.2.3:443", nil); !errors.Is(err, errOutbound) {
		t.Errorf("localhost leads into the house: %v", err)
	}
}

// A server that does not answer is not waited for, and one that never ends is
// not listened to.
func TestOutboundLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the limit")
	}
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}))
	t.Cleanup(func() { close(gone); s.Close() })
	start := time.Now()
	if _, err := NewOutbound(Outbound{Issuer: "http://127.0.0.1"}).Get(s.URL); err == nil || time.Since(start) > 2*outboundLimit {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}
