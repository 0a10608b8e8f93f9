package forward_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/idp/audit"
	"latchkey/idp/audit/forward"
	"latchkey/idp/oidc"
)

var at = time.Date(2026, 7, 14, 9, 0, 0, 123e6, time.UTC)

// batch is an event with all that must be escaped, and a checkpoint.
func batch() []audit.Record {
	return []audit.Record{
		{Event: &audit.Line{
			ID: "e1", At: at, What: "signin.password", User: "u1", Result: "wrong", IP: "2001:db8::1", Agent: "evil\"]\\\nFeb 30 <34>1 forged é", Request: "r\"1]", Seq: 7, Hash: "ab",
			Detail: map[string]string{"a": "x\ny"},
		}},
		{Mark: &audit.MarkLine{Seq: 7, Hash: "ab", At: at, Key: "k", Signature: "s="}},
	}
}

// A receiver can tell our deliveries from others', and an old one sent again.
func TestWebhook(t *testing.T) {
	secret := []byte("0123456789abcdef")
	var body []byte
	status := http.StatusNoContent
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		seconds, mac, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Latchkey-Signature"), "t="), ",v1=")
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(seconds + "."))
		m.Write(body)
		if hex.EncodeToString(m.Sum(nil)) != mac || seconds != strconv.FormatInt(at.Unix(), 10) {
			t.Errorf("signature %q", r.Header.Get("Latchkey-Signature"))
		}
		if d := r.Header.Get("Latchkey-Delivery"); d != "7-7" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%s %q %q", r.Method, d, r.Header.Get("Content-Type"))
		}
		w.WriteHeader(status)
	}))
	defer srv.Close()
	w := forward.Webhook{URL: srv.URL, Secret: secret, HTTP: srv.Client(), Now: func() time.Time { return at }}
	if err := w.Send(t.Context(), batch()); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	var e audit.Line
	if len(lines) != 2 || json.Unmarshal(lines[0], &e) != nil || e.ID != "e1" || e.Detail["a"] != "x\ny" || !bytes.Contains(lines[1], []byte(`{"checkpoint":{"seq":7`)) {
		t.Errorf("%s", body)
	}
	for _, status = range []int{301, 400, 500} {
		if err := w.Send(t.Context(), batch()); !errors.Is(err, forward.ErrRefused) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// P-28: not even an operator's typing error leads into the house itself.
func TestWebhookIsGuarded(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") }))
	defer srv.Close()
	for _, url := range []string{srv.URL, "https://10.0.0.1/", "https://169.254.169.254/", "http://siem.example.org/"} {
		w := forward.Webhook{URL: url, HTTP: oidc.NewOutbound(oidc.Outbound{Issuer: "https://id.example.org"}), Now: time.Now}
		if err := w.Send(t.Context(), batch()); err == nil {
			t.Errorf("%s is called", url)
		}
	}
}

var shape = regexp.MustCompile(`^<108>1 2026-07-14T09:00:00\.123Z id\.example\.org latchkey \d+ signin\.password \[event@32473 id="e1" result="wrong" user="u1" ip="2001:db8::1" request="r\\"1\\\]" seq="7" hash="ab"\] \x{FEFF}(\{.*\})$`)

func checkMessages(t *testing.T, got []string) {
	t.Helper()
	if len(got) != 2 {
		t.Fatalf("%q", got)
	}
	m := shape.FindStringSubmatch(got[0])
	var e audit.Line
	if m == nil || json.Unmarshal([]byte(m[1]), &e) != nil || e.Detail["a"] != "x\ny" {
		t.Errorf("%q", got[0])
	}
	if !strings.HasPrefix(got[1], "<110>1 2026-07-14T09:00:00.123Z id.example.org latchkey ") || !strings.Contains(got[1], ` checkpoint [event@32473 seq="7" hash="ab" key="k" signature="s="]`) {
		t.Errorf("%q", got[1])
	}
	for _, m := range got {
		if strings.Contains(m, "\n") { // D-11
			t.Errorf("a line of its own: %q", m)
		}
	}
}

// frames reads messages with counted octets (RFC 6587 §3.4.1).
func frames(t *testing.T, c net.Conn, n int) (out []string) {
	t.Helper()
	r := bufio.NewReader(c)
	for range n {
		size, err := r.ReadString(' ')
		if err != nil {
			t.Error(err)
			return out
		}
		count, err := strconv.Atoi(strings.TrimSpace(size))
		if err != nil {
			t.Error(err)
			return out
		}
		b := make([]byte, count)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Error(err)
		}
		out = append(out, string(b))
	}
	return out
}

func TestSyslogStreams(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	for _, network := range []string{"tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if network == "tls" {
				ln = tls.NewListener(ln, &tls.Config{Certificates: web.TLS.Certificates})
			}
			defer ln.Close()
			got := make(chan []string, 2)
			go func() {
				for { // the first connection breaks; the next one serves
					c, err := ln.Accept()
					if err != nil {
						return
					}
					got <- frames(t, c, 2)
					c.Close()
				}
			}()
			s := &forward.Syslog{Network: network, Address: ln.Addr().String(), Roots: roots, Host: "id.example.org"}
			if err := s.Send(t.Context(), batch()); err != nil {
				t.Fatal(err)
			}
			checkMessages(t, <-got)
			for deadline := time.Now().Add(10 * time.Second); s.Send(t.Context(), batch()) == nil; {
				if time.Now().After(deadline) {
					t.Fatal("a broken connection is not noticed")
				}
				select {
				case again := <-got: // it was, by the other end, before we wrote
					checkMessages(t, again)
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
			if err := s.Send(t.Context(), batch()); err != nil {
				t.Fatalf("no new connection: %v", err)
			}
			checkMessages(t, <-got)
		})
	}
	stranger := &forward.Syslog{Network: "tls", Address: web.Listener.Addr().String(), Host: "h"}
	if err := stranger.Send(t.Context(), batch()); err == nil {
		t.Error("a server that nobody vouches for gets the log")
	}
}

func TestSyslogDatagrams(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &forward.Syslog{Network: "udp", Address: c.LocalAddr().String(), Host: "id.example.org"}
	long := batch()[:1]
	long[0].Event.Detail = map[string]string{"a": strings.Repeat("é", 5000)}
	if err := errors.Join(s.Send(t.Context(), batch()), s.Send(t.Context(), long)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		b := make([]byte, 65536)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:n]))
	}
	checkMessages(t, got[:2])
	if n := len(got[2]); n > 2048 || n < 2040 || !strings.HasSuffix(got[2], "é") {
		t.Errorf("%d bytes, %q", n, got[2][n-10:])
	}
	gone := &forward.Syslog{Network: "tcp", Address: "127.0.0.1:1", Host: "h"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if gone.Send(ctx, batch()) == nil || gone.Name() != "syslog" {
		t.Error("nobody was there")
	}
}
