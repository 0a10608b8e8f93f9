package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Bounds of one try.
const (
	limit     = 10 * time.Second
	maxAnswer = 64 << 10 // bytes
	maxSays   = 200      // characters of a collector's words that are told
)

// errClear means that spans, and the key that goes with them, would cross
// networks of others in clear text.
var errClear = errors.New("http is for a collector on this machine or in a private network; use https")

// collector is where spans go.
type collector struct {
	url     string
	headers http.Header
	http    *http.Client
}

func newCollector(c Config) *collector {
	dialer := &net.Dialer{Timeout: limit}
	if strings.HasPrefix(c.Endpoint, "http://") {
		dialer.Control = near
	}
	return &collector{url: address(c.Endpoint), headers: c.Headers, http: &http.Client{
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key is for the server that was named
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: limit, MaxResponseHeaderBytes: maxAnswer, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
	}}
}

// near sees the address that is connected to, after names are resolved.
func near(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap(); !ip.IsLoopback() && !ip.IsPrivate() {
		return errClear
	}
	return nil
}

// answer is what came of a try.
type answer struct {
	err      error         // nothing was taken
	again    bool          // it may be, if it is sent once more
	after    time.Duration // when the collector asks for it; 0: it does not
	rejected int           // of what was taken as a whole
	says     string        // why; the collector's words
}

// post sends a body once (OTLP specification, "OTLP/HTTP Request" and
// "Response").
func (c *collector) post(ctx context.Context, body []byte) answer {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(body)
	if err = errors.Join(err, z.Close()); err != nil {
		return answer{err: err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, &packed)
	if err != nil {
		return answer{err: err}
	}
	for name, values := range c.headers {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	r.Header.Set("User-Agent", "Latchkey")
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{err: withoutAddress(err), again: !errors.Is(err, errClear)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode/100 == 2 && err == nil:
		return partial(text)
	case resp.StatusCode/100 == 2:
		return answer{} // it has taken them; sent again, they would be there twice
	case resp.StatusCode/100 == 3:
		return answer{err: fmt.Errorf("the collector answers with status %d, a redirect, which is not followed", resp.StatusCode)}
	}
	a := answer{err: fmt.Errorf("the collector answers with status %d", resp.StatusCode)}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		a.again, a.after = true, retryAfter(resp.Header)
	}
	return a
}

// partial reads what a collector has against some of the spans ("Partial
// Success"). Some write a 64-bit integer as a number. What cannot be read says
// nothing.
func partial(text []byte) (a answer) {
	var told struct {
		Partial struct {
			Rejected json.RawMessage `json:"rejectedSpans"`
			Says     string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(text, &told) != nil {
		return a
	}
	a.rejected, _ = strconv.Atoi(strings.Trim(string(told.Partial.Rejected), `"`))
	if a.rejected > 0 {
		a.says = fmt.Sprintf("the collector took not all: %s", brief(told.Partial.Says))
	}
	return a
}

// brief keeps a stranger's text to one short line.
func brief(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > maxSays {
		s = string(r[:maxSays]) + "…"
	}
	return s
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(n, 0), int(maxPause/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

// withoutAddress keeps the address out of a failure: some have a key in it.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
