package oidc_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/oidc"
	"latchkey/idp/settings"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// site is the web server of a client: what it serves, and how often each was
// asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string][]byte
	asked map[string]int
	gone  bool // it answers nothing that can be used
}

func rpSite(t testing.TB) *site {
	s := &site{pages: map[string][]byte{}, asked: map[string]int{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[r.URL.Path]++
		if s.gone {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body, ok := s.pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) put(path string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = body
}

func (s *site) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// all counts the calls to all addresses that begin so.
func (s *site) all(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, asked := range s.asked {
		if strings.HasPrefix(path, prefix) {
			n += asked
		}
	}
	return n
}

func (s *site) down(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = gone
}

// pixels is a small PNG.
func pixels(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// reception is a house in which clients may register themselves, and the server
// of one that does.
type reception struct {
	*house
	site   *site
	rules  settings.House
	tokens *apitoken.Service
	taken  int
	called map[oidc.ClientID]string // in the house's looks
}

func receive(t *testing.T, rules settings.House, more ...func(*oidc.Config)) *reception {
	t.Helper()
	c, r := &clock{}, &reception{site: rpSite(t), rules: rules}
	db := storetest.OpenAt(t, c.now)
	roots := x509.NewCertPool()
	roots.AddCert(r.site.Certificate())
	r.house = build(t, db, c, func(cfg *oidc.Config) {
		cfg.Out = oidc.NewCalls(oidc.Outbound{Issuer: cfg.Issuer, Roots: roots})
		for _, change := range more {
			change(cfg)
		}
		r.tokens = &apitoken.Service{Tokens: db.APITokens, Users: db.Users, Log: db.Log, Atomic: db.Atomic, Now: c.now}
		cfg.Dynamic = &oidc.Dynamic{
			Registrar: &oidc.Registrar{Clients: db.Clients, Uses: db.ClientUses, Consents: db.Consents, Grants: db.Grants, Log: db.Log, Atomic: db.Atomic, Now: c.now, Issuer: cfg.Issuer, Out: cfg.Out},
			Rules:     func(context.Context) (settings.House, error) { return r.rules, nil },
			Bearer: func(ctx context.Context, token string, from idp.Origin) (idp.Actor, error) {
				_, by, err := r.tokens.Bearer(ctx, token, from)
				return by, err
			},
			Take: func(ctx context.Context, from idp.Origin) error {
				if r.taken++; r.taken > 40 {
					return mfa.ErrLocked
				}
				return nil
			},
			Called: func(_ context.Context, id oidc.ClientID) (string, error) { return r.called[id], nil },
		}
	})
	return r
}

// send sends JSON.
func (r *reception) send(method, to, token string, body any) answer {
	r.Helper()
	if strings.HasPrefix(to, "/") {
		to = r.url + to
	}
	raw, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		r.must(err)
		raw = string(b)
	}
	req, err := http.NewRequestWithContext(r.Context(), method, to, strings.NewReader(raw))
	r.must(err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return r.roundTrip(req)
}

type object = map[string]any

// enrol registers a client, which must work.
func (r *reception) enrol(body object) object {
	r.Helper()
	if body["redirect_uris"] == nil {
		body["redirect_uris"] = []string{callback}
	}
	a := r.send("POST", oidc.PathRegister, "", body)
	if a.status != http.StatusCreated {
		r.Fatalf("%d %s", a.status, a.body)
	}
	return a.json(r)
}
