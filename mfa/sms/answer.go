package sms

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// newClient is for the operator's own gateways, whose addresses may be on this
// machine or in a private network. It follows no redirects, as they would
// carry the text elsewhere, and makes a connection for each message: on one
// that is used again a request can get lost and nobody knows whether it did.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, DisableCompression: true,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refusal is an answer that says no.
type refusal struct {
	status int
	reason string
}

func (r refusal) Error() string {
	if r.reason == "" {
		return fmt.Sprintf("answered with status %d", r.status)
	}
	return fmt.Sprintf("answered with status %d: %s", r.status, r.reason)
}

// final reports whether the refusal is of this message, and not of us or of
// this moment.
func (r refusal) final() bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return r.status >= 400 && r.status < 500
}

func (r refusal) Is(target error) bool { return target == ErrRefused && r.final() }

// isSick reports whether a failure is the gateway's. One that says no to a
// message is well: or anybody could have it left alone by asking for SMS to
// numbers that do not exist.
func isSick(err error) bool {
	var r refusal
	if errors.As(err, &r) {
		return !r.final() && r.status >= 300
	}
	return err != nil
}

// exchange sends the request and judges the answer.
func (r *Router) exchange(req *http.Request, g *gateway) (id string, err error) {
	var written atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) { written.Store(i.Err == nil) },
	})
	resp, err := g.client.Do(req.WithContext(ctx))
	if err != nil {
		return "", lost(ctx, err, written.Load())
	}
	defer resp.Body.Close()
	if !g.spec.Accepted.status(resp.StatusCode) {
		return "", refusal{resp.StatusCode, g.find(g.spec.Reason, readSoon(resp.Body))}
	}
	if g.spec.Accepted.byStatus() {
		return g.find(g.spec.Receipt, readSoon(resp.Body)), nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", lost(ctx, err, true)
	}
	var tree any
	if err := json.Unmarshal(body, &tree); err != nil {
		return "", fmt.Errorf("%w: its answer is no JSON", ErrUncertain)
	}
	if !g.spec.Accepted.tree(tree) {
		return "", refusal{resp.StatusCode, g.find(g.spec.Reason, body)}
	}
	return g.find(g.spec.Receipt, body), nil
}

// lost says what became of a request that got no answer. The address is left
// out: it may hold a key, and failures are shown to administrators.
func lost(ctx context.Context, err error, written bool) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return errSlow
	case written && ctx.Err() == nil:
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}

// readSoon reads an answer whose status has said all that counts. Nobody waits
// long for the rest.
func readSoon(body io.ReadCloser) []byte {
	stop := time.AfterFunc(time.Second, func() { body.Close() })
	defer stop.Stop()
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return nil
	}
	return b
}

func (a accepted) status(code int) bool {
	text := strconv.Itoa(code)
	for _, s := range a.Status {
		if s == text || strings.HasSuffix(s, "xx") && s[:1] == text[:1] {
			return true
		}
	}
	return false
}

func (a accepted) byStatus() bool { return len(a.Equal)+len(a.Present) == 0 }

func (a accepted) tree(v any) bool {
	for pointer, want := range a.Equal {
		if got, ok := at(v, pointer); !ok || got != want {
			return false
		}
	}
	for _, pointer := range a.Present {
		if got, ok := at(v, pointer); !ok || got == "" {
			return false
		}
	}
	return true
}

// at returns the text at a JSON pointer (RFC 6901, without its escapes).
func at(v any, pointer string) (string, bool) {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch t := v.(type) {
		case map[string]any:
			v = t[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(t) {
				return "", false
			}
			v = t[i]
		default:
			return "", false
		}
	}
	switch t := v.(type) {
	case string:
		return t, true
	case float64:
		return strconv.FormatFloat(t, 'f', -1, 64), true
	case json.Number:
		return t.String(), true
	case bool:
		return strconv.FormatBool(t), true
	}
	return "", false
}

// longest is how much of a receipt or a reason is kept, in bytes.
const longest = 200

// find returns what stands at a place of an answer, or nothing.
func (g *gateway) find(place string, body []byte) (text string) {
	if element, isXML := strings.CutPrefix(place, "xml:"); isXML {
		text = inElement(body, element)
	} else if place != "" {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber() // ids of OVHcloud and others have more digits than a float
		var tree any
		if d.Decode(&tree) == nil {
			text, _ = at(tree, place)
		}
	}
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}

// inElement returns the text of the first element of a name.
func inElement(body []byte, name string) string {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			var text string
			if d.DecodeElement(&text, &start) != nil {
				return ""
			}
			return text
		}
	}
}
