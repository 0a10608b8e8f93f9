// Package forward brings events to where others keep them: to a web address, or
// to a syslog server. It says what the wire looks like; package audit says what is
// sent, and when again.
package forward

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"latchkey/idp/audit"
)

// ErrRefused means that the receiver did not take a delivery.
var ErrRefused = errors.New("forward: the receiver did not take it")

// refusal is an answer with a status that says no.
type refusal int

func (r refusal) Error() string {
	return fmt.Sprintf("%v: it answered with status %d", ErrRefused, int(r))
}

func (refusal) Unwrap() error { return ErrRefused }

// Status is that of HTTP.
func (r refusal) Status() int { return int(r) }

// Headers of a delivery.
const (
	// SignatureHeader is t=SECONDS,v1=HEX: the HMAC-SHA-256 of the seconds, a dot
	// and the body. Whoever receives it refuses old seconds, so that nobody can send
	// a delivery that they have seen once more.
	SignatureHeader = "Latchkey-Signature"
	// DeliveryHeader is the first and the last row of a delivery. A second delivery
	// of the same rows may be cut elsewhere; the id of each event stays.
	DeliveryHeader = "Latchkey-Delivery"
)

// Webhook posts events to an address.
type Webhook struct {
	URL    string
	Secret []byte
	// HTTP calls outside; it must be one that goes to no private network (SECURITY.md
	// P-28).
	HTTP *http.Client
	Now  func() time.Time
}

// Name is that of the cursor.
func (Webhook) Name() string { return "webhook" }

// Send posts one object a line, as exports have them. Any answer but 2xx is a
// failure, a redirect, too.
func (w Webhook) Send(ctx context.Context, records []audit.Record) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	lines.SetEscapeHTML(false)
	var first, last int64
	for _, r := range records {
		var v any = map[string]any{"checkpoint": r.Mark}
		if r.Event != nil {
			v = r.Event
			if first == 0 {
				first = r.Event.Seq
			}
			last = r.Event.Seq
		}
		if err := lines.Encode(v); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("User-Agent", "Latchkey")
	req.Header.Set(DeliveryHeader, fmt.Sprintf("%d-%d", first, last))
	req.Header.Set(SignatureHeader, Sign(w.Secret, w.Now(), body.Bytes()))
	resp, err := w.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) // nothing in it is for us
	if resp.StatusCode/100 != 2 {
		return refusal(resp.StatusCode)
	}
	return nil
}

// Sign makes the value of the signature's header.
func Sign(secret []byte, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(seconds + "."))
	m.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(m.Sum(nil))
}
