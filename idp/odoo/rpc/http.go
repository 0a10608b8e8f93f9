package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"latchkey/idp/trace"
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
		Transport: trace.Transport(&http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		}),
	}
}

// Control is for [net.Dialer.ControlContext]: it sees the address that is being
// connected to, after names are resolved, and refuses what no Odoo, and no
// database of one, has.
func Control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return says(errRefused, "reach.special", address)
	}
	ip := to.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return says(errRefused, "reach.special", ip)
	}
	if plain, _ := ctx.Value(plainKey{}).(bool); plain && !ip.IsPrivate() && !ip.IsLoopback() {
		return says(errRefused, "reach.clear", ip)
	}
	return nil
}

// wire is the way to one server: what goes over it is sent again where that does
// no harm, waited for so long and no longer, and read up to a size.
type wire struct {
	http      *http.Client
	base      *url.URL
	timeout   time.Duration
	maxAnswer int64 // bytes
}

// address is the server's, without a slash at its end.
func (w *wire) address() string { return strings.TrimSuffix(w.base.String(), "/") }

// request is one call, ready to be sent several times.
type request struct {
	method, path string
	headers      map[string]string
	body         []byte
	again        bool // it changes nothing
}

// send sends a request and returns the status and the body. A status of the 5xx
// that a proxy gives for a server that is down is [ErrUnreachable].
func (w *wire) send(ctx context.Context, r request) (status int, kind string, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		status, kind, body, err = w.once(ctx, r)
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

func (w *wire) once(ctx context.Context, r request) (status int, kind string, body []byte, err error) {
	ctx = context.WithValue(ctx, plainKey{}, w.base.Scheme == "http")
	q, err := http.NewRequestWithContext(ctx, r.method, w.address()+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0, "", nil, err
	}
	q.Header.Set("User-Agent", "Latchkey")
	for k, v := range r.headers {
		q.Header.Set(k, v)
	}
	resp, err := w.http.Do(q)
	if err != nil {
		return 0, "", nil, w.unreachable(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, w.maxAnswer+1))
	switch {
	case err != nil:
		return 0, "", nil, w.cutOff(err)
	case int64(len(body)) > w.maxAnswer:
		return 0, "", nil, says(ErrFault, "reach.large", w.maxAnswer)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return 0, "", nil, w.moved(resp)
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusServiceUnavailable,
		resp.StatusCode == http.StatusGatewayTimeout, resp.StatusCode == http.StatusTooManyRequests:
		return 0, "", nil, says(ErrUnreachable, "reach.status", w.base.Host, resp.Status)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body, nil
}

// unreachable says why, with the likely cure.
func (w *wire) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var name *net.DNSError
	var unknown *tls.CertificateVerificationError
	var refused *Trouble
	switch {
	case errors.As(err, &refused): // by our own guard
		return &Trouble{Of: ErrUnreachable, Says: refused.Says, Facts: refused.Facts, cause: err}
	case errors.As(err, &name):
		return says(ErrUnreachable, "reach.name", w.base.Hostname()).because(name)
	case errors.As(err, &unknown):
		return says(ErrUnreachable, "reach.certificate", w.base.Hostname()).because(unknown.Err)
	case errors.Is(err, context.DeadlineExceeded):
		late := says(ErrUnreachable, "reach.late", w.base.Host)
		late.cause = context.DeadlineExceeded // whose own words say no more
		return late
	case errors.Is(err, syscall.ECONNREFUSED):
		return says(ErrUnreachable, "reach.closed", w.base.Host).because(err)
	}
	return says(ErrUnreachable, "reach.other", w.base.Host).because(err)
}

// cutOff is unreachable for an answer that has begun.
func (w *wire) cutOff(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return w.unreachable(err)
	}
	return says(ErrUnreachable, "reach.cut", w.base.Host).because(err)
}

// moved refuses to follow: the key is for the server that was named.
func (w *wire) moved(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		return says(ErrNotOdoo, "reach.status", w.base.Host, resp.Status)
	}
	return says(ErrNotOdoo, "reach.moved", w.base, to.Scheme+"://"+to.Host)
}
