package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// tries is how often a read is sent, at most.
const tries = 3

// errRefused means that an address must not be called.
var errRefused = errors.New("this address is not called")

type plainKey struct{}

// guarded makes the client for one Odoo. Other than for addresses that clients
// register, private networks are allowed: an administrator named this one. What
// no Odoo has is refused: link-local addresses, where clouds keep their secrets.
// Without encryption, the key travels within the own network only.
func guarded(cfg Config) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: Control}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		},
	}
}

// Control is for [net.Dialer.ControlContext]: it sees the address that is being
// connected to, after names are resolved, and refuses what no Odoo, and no
// database of one, has.
func Control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errRefused, address)
	}
	ip := to.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return fmt.Errorf("%w: %s is in a special network", errRefused, ip)
	}
	if plain, _ := ctx.Value(plainKey{}).(bool); plain && !ip.IsPrivate() && !ip.IsLoopback() {
		return fmt.Errorf("%w: the key would travel in clear text; use https", errRefused)
	}
	return nil
}

// request is one call, ready to be sent several times.
type request struct {
	method, path string
	headers      map[string]string
	body         []byte
	again        bool // it changes nothing
}

// send sends a request and returns the status and the body. A status of the 5xx
// that a proxy gives for a server that is down is [ErrUnreachable].
func (c *Client) send(ctx context.Context, r request) (status int, kind string, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		status, kind, body, err = c.once(ctx, r)
		if !errors.Is(err, ErrUnreachable) || !r.again || try == tries || errors.Is(err, errRefused) {
			return status, kind, body, err
		}
		select {
		case <-ctx.Done():
			return status, kind, body, err
		case <-time.After(pause):
			pause *= 3
		}
	}
}

func (c *Client) once(ctx context.Context, r request) (status int, kind string, body []byte, err error) {
	ctx = context.WithValue(ctx, plainKey{}, c.base.Scheme == "http")
	q, err := http.NewRequestWithContext(ctx, r.method, c.URL()+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0, "", nil, err
	}
	q.Header.Set("User-Agent", "Latchkey")
	for k, v := range r.headers {
		q.Header.Set(k, v)
	}
	resp, err := c.http.Do(q)
	if err != nil {
		return 0, "", nil, c.unreachable(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxAnswer+1))
	switch {
	case err != nil:
		return 0, "", nil, c.unreachable(fmt.Errorf("its answer was cut off: %w", err))
	case int64(len(body)) > c.cfg.MaxAnswer:
		return 0, "", nil, fmt.Errorf("%w: an answer of more than %d bytes", ErrFault, c.cfg.MaxAnswer)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return 0, "", nil, c.moved(resp)
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusServiceUnavailable,
		resp.StatusCode == http.StatusGatewayTimeout, resp.StatusCode == http.StatusTooManyRequests:
		return 0, "", nil, c.unreachable(fmt.Errorf("%s answers %s", c.base.Host, resp.Status))
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body, nil
}

// unreachable says why, with the likely cure.
func (c *Client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var name *net.DNSError
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("%w: the name %s leads nowhere: %w", ErrUnreachable, c.base.Hostname(), name)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: its certificate is not valid for %s: %w", ErrUnreachable, c.base.Hostname(), unknown.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s does not answer in time: %w", ErrUnreachable, c.base.Host, context.DeadlineExceeded)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, c.base.Host, err)
}

// moved refuses to follow: the key is for the server that was named.
func (c *Client) moved(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		return fmt.Errorf("%w: it answers %s", ErrNotOdoo, resp.Status)
	}
	return fmt.Errorf("%w: %s leads on to %s://%s: connect with that address", ErrNotOdoo, c.base, to.Scheme, to.Host)
}
