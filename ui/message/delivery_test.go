package message_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/mfa/sms"
	"latchkey/ui/message"
)

// gateway is an SMS gateway on loopback.
type gateway struct {
	*httptest.Server
	mu  sync.Mutex
	got []string // texts
}

func newGateway(t *testing.T, answer func(w http.ResponseWriter, over <-chan struct{})) *gateway {
	t.Helper()
	g, over := &gateway{}, make(chan struct{})
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ To, Text string }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.To != "+33612345678" {
			t.Errorf("%+v, %v", m, err)
		}
		g.mu.Lock()
		g.got = append(g.got, m.Text)
		g.mu.Unlock()
		answer(w, over)
	}))
	t.Cleanup(func() { close(over); g.CloseClientConnections(); g.Close() })
	return g
}

func (g *gateway) texts() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.got...)
}

var misdeeds = map[string]func(w http.ResponseWriter, over <-chan struct{}){
	"refuses": func(w http.ResponseWriter, _ <-chan struct{}) { w.WriteHeader(http.StatusServiceUnavailable) },
	"hangs":   func(_ http.ResponseWriter, over <-chan struct{}) { <-over },
	"drips": func(w http.ResponseWriter, over <-chan struct{}) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") {
			select {
			case <-over:
				return
			case <-time.After(100 * time.Millisecond):
			}
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
		}
	},
}

// §3, E-02: whatever a gateway or mail server does, whoever asks for a code has
// the page in less than half a second, the code comes by the next gateway, and
// nothing comes twice.
func TestDelivery(t *testing.T) {
	for name, misdeed := range misdeeds {
		t.Run(name, func(t *testing.T) {
			storetest.EachAt(t, nil, func(t *testing.T, db *store.DB) {
				bad := newGateway(t, misdeed)
				good := newGateway(t, func(w http.ResponseWriter, _ <-chan struct{}) { w.WriteHeader(http.StatusAccepted) })
				e := program(t, db, bad.URL, good.URL)
				for _, k := range []mfa.Kind{code.SMS, code.Email} {
					start := time.Now()
					c, err := e.Ask(t.Context(), person, k, "here")
					if took := time.Since(start); err != nil || took > 500*time.Millisecond {
						t.Fatalf("%s: %v, after %v", k, err, took)
					}
					if k == code.Email { // its server hangs: it is a page that says so
						continue
					}
					for end := time.Now().Add(5 * time.Second); len(good.texts()) == 0 && time.Now().Before(end); {
						time.Sleep(5 * time.Millisecond)
					}
					time.Sleep(300 * time.Millisecond) // for what should not come
					if a, b := len(bad.texts()), len(good.texts()); a != 1 || b != 1 {
						t.Fatalf("%d texts to the one, %d to the other", a, b)
					}
					if _, err := e.Check(t.Context(), person, c.ID, "here", mfa.Answer{Code: good.texts()[0][:6]}, nil); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

var person = mfa.Subject{ID: "ada", Name: "ada", Email: "ada@example.org", EmailVerified: true, Phone: "+33612345678", PhoneVerified: true}

// program wires what sends codes, with a mail server that hangs.
func program(t *testing.T, db *store.DB, gateways ...string) *mfa.Engine {
	t.Helper()
	u := idp.User{ID: "ada", Login: "ada", Kind: idp.Internal, Created: time.Now(), Updated: time.Now()}
	if err := db.Users.Add(t.Context(), u, []idp.Identifier{{Canonical: "ada", Skeleton: "ada"}}); err != nil {
		t.Fatal(err)
	}
	var list []sms.Settings
	for _, url := range gateways {
		list = append(list, sms.Settings{Name: url, Type: "http", Values: map[string]any{"url": url}})
	}
	router, err := sms.New(list, sms.Options{Timeout: 400 * time.Millisecond, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	server, err := mail.NewSMTP(mail.SMTPConfig{URL: "smtp://" + ln.Addr().String(), From: "noreply@example.org", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	senders := []*mail.Sender{
		{Outbox: db.Outbox(mail.SMS), Transports: map[mail.Channel]mail.Transport{mail.SMS: mail.Texts{By: router}}},
		{Outbox: db.Outbox(mail.Mail), Transports: map[mail.Channel]mail.Transport{mail.Mail: server}},
	}
	courier := &message.Codes{Outbox: db.Outbox(), Issuer: "https://id.example.org", Brand: "Maison", Now: time.Now}
	courier.Nudge = func() {
		for _, s := range senders {
			s.Nudge()
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range senders {
		s.Now, s.Every, s.Log = time.Now, time.Hour, slog.New(slog.DiscardHandler)
		wg.Go(func() { s.Run(ctx) })
	}
	t.Cleanup(func() { stop(); wg.Wait() })
	e := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: time.Now}
	for _, k := range []mfa.Kind{code.SMS, code.Email} {
		e.Register(code.Factor{Channel: k, Courier: courier, Limiter: db.Limiter, Now: time.Now})
	}
	return e
}
