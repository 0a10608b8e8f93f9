package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/coreos/go-oidc/v3/oidc"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/oidc"
)

// listener is an application that hears of ended sessions.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	tokens []string
	status int
}

func listen(t testing.TB) *listener {
	l := &listener{status: http.StatusOK}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s %s", r.Method, r.Header)
		}
		l.tokens = append(l.tokens, r.PostFormValue("logout_token"))
		if l.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(l.status)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) answer(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// heard returns what came since it was last asked.
func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.tokens
	l.tokens = nil
	return out
}

// post sends what is due.
func (h *house) post() (sent int) {
	h.Helper()
	s := &mail.Sender{
		Outbox: h.db.Outbox(mail.Logout), Now: h.now, Log: slog.New(slog.DiscardHandler),
		Transports: map[mail.Channel]mail.Transport{mail.Logout: oidc.Farewells{
			Issuer: h.url, Clients: h.db.Clients, Keys: h.ring, Now: h.now, HTTP: oidc.NewCalls(oidc.Outbound{Issuer: h.url}),
		}},
	}
	sent, err := s.Round(h.Context())
	h.must(err)
	return sent
}

// end ends a session as package signin does.
func (h *house) end(id idp.SessionID) {
	h.Helper()
	h.must(h.db.Atomic(h.Context(), func(ctx context.Context) error {
		return errors.Join(h.db.Sessions.End(ctx, id), h.db.SessionTokens.EndSession(ctx, id))
	}))
}

type logoutClaims struct {
	Issuer   string                     `json:"iss"`
	Subject  string                     `json:"sub"`
	Audience string                     `json:"aud"`
	Issued   int64                      `json:"iat"`
	Expires  int64                      `json:"exp"`
	ID       string                     `json:"jti"`
	SID      string                     `json:"sid"`
	Events   map[string]json.RawMessage `json:"events"`
	Nonce    *string                    `json:"nonce"`
}

// verify judges a logout token as an application would, with a library that is
// not ours (OpenID Connect Back-Channel Logout 1.0 §2.6).
func (h *house) verify(raw, alg string) (out logoutClaims) {
	h.Helper()
	header, err := decode(strings.Split(raw, ".")[0])
	h.must(err)
	var head struct{ Typ, Alg string }
	h.must(json.Unmarshal(header, &head))
	if head.Typ != "logout+jwt" || head.Alg != alg {
		h.Errorf("header %s", header)
	}
	body, err := client.NewRemoteKeySet(h.Context(), h.url+oidc.PathJWKS).VerifySignature(h.Context(), raw)
	h.must(err)
	h.must(json.Unmarshal(body, &out))
	now := h.now().Unix()
	event := string(out.Events["http://schemas.openid.net/event/backchannel-logout"])
	if out.Issuer != h.url || out.ID == "" || out.Nonce != nil || len(out.Events) != 1 || event != "{}" ||
		out.Issued > now || out.Expires <= now || out.Expires > now+120 {
		h.Errorf("logout token %s", body)
	}
	return out
}

// P-31: whoever got tokens in a session hears of its end, each once, with the
// sid of their ID token and signed as they expect; nobody else does.
func TestBackchannelLogout(t *testing.T) {
	eachWith(t, nil, func(h *house) {
		rp, deaf := listen(h), listen(h)
		for _, alg := range oidc.Algs {
			id := oidc.ClientID("app-" + alg)
			h.add(oidc.Input{ID: id, Type: oidc.Web, Trusted: true, IDTokenAlg: alg, BackchannelURI: rp.URL + "/" + alg})
		}
		h.add(oidc.Input{ID: "never", Type: oidc.Web, Trusted: true, BackchannelURI: deaf.URL})
		h.web("silent")
		s := h.signIn("ada")
		sids := map[string]any{}
		for _, alg := range oidc.Algs {
			sids[alg] = h.claims(h.tokens(oidc.ClientID("app-" + alg))["id_token"])["sid"]
			h.tokens(oidc.ClientID("app-" + alg)) // a second sign-in is no second login
		}
		h.tokens("silent")
		h.code(ask("never")) // a code that is never redeemed is no login
		h.end("another")
		if n := h.post(); n != 0 {
			h.Errorf("%d messages while the session lives", n)
		}
		h.end(s.ID)
		h.end(s.ID)
		if n := h.post(); n != len(oidc.Algs) {
			h.Errorf("%d messages", n)
		}
		got := rp.heard()
		ids := map[string]bool{}
		for _, raw := range got {
			var head struct{ Alg string }
			b, err := decode(strings.Split(raw, ".")[0])
			h.must(err)
			h.must(json.Unmarshal(b, &head))
			c := h.verify(raw, head.Alg)
			if c.Audience != "app-"+head.Alg || c.Subject != "u-ada" || any(c.SID) != sids[head.Alg] || c.SID != string(s.ID) {
				h.Errorf("%+v", c)
			}
			ids[c.ID] = true
			// It is no ID token.
			if a := h.authorize(ask("silent", "prompt", "none", "id_token_hint", raw)); a.params.Get("error") != "invalid_request" {
				h.Errorf("a logout token as a hint: %v", a.to)
			}
		}
		if len(got) != len(oidc.Algs) || len(ids) != len(got) || h.post() != 0 || len(deaf.heard()) != 0 {
			h.Errorf("%d tokens, %d ids", len(got), len(ids))
		}
	})
}

// P-31, S-05: every way in which a session ends is told of; a step-up is none.
func TestSessionEnds(t *testing.T) {
	eachWith(t, nil, func(h *house) {
		rp := listen(h)
		h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, BackchannelURI: rp.URL, ResponseTypes: []string{"code", "id_token", "code id_token"}})
		h.user("bob")
		ctx, tokens := h.Context(), h.db.SessionTokens
		for name, end := range map[string]func(s idp.Session){
			"sign-out here": func(idp.Session) {
				a := h.do("GET", oidc.PathLogout, nil)
				form := map[string][]string{"csrf": {"good"}}
				for k, v := range h.pages.logout.Hidden {
					form[k] = []string{v}
				}
				if h.do("POST", oidc.PathLogout, form); a.body != "page:logout" {
					h.Error(a.body)
				}
			},
			"everything of the person": func(s idp.Session) { h.must(h.db.Sessions.EndAll(ctx, s.User, "")) },
			"all but another session":  func(s idp.Session) { h.must(h.db.Sessions.EndAll(ctx, s.User, "kept")) },
			"somebody else follows": func(s idp.Session) {
				n := h.signIn("bob")
				h.must(h.db.Atomic(ctx, func(ctx context.Context) error {
					return errors.Join(h.db.Sessions.End(ctx, s.ID), tokens.MoveSession(ctx, n.User, s.ID, n.ID), tokens.EndSession(ctx, s.ID))
				}))
			},
			"a step-up, then the end": func(s idp.Session) {
				n := h.signIn("ada")
				h.must(h.db.Atomic(ctx, func(ctx context.Context) error {
					return errors.Join(h.db.Sessions.End(ctx, s.ID), tokens.MoveSession(ctx, n.User, s.ID, n.ID), tokens.EndSession(ctx, s.ID))
				}))
				if h.post() != 0 {
					h.Error("a step-up told that the session had ended")
				}
				h.end(n.ID)
			},
		} {
			s := h.signIn("ada")
			// What comes from the authorization endpoint itself is a login, too.
			if a := h.authorize(ask("app", "response_type", "id_token")); a.params.Get("id_token") == "" {
				h.Fatalf("%v %s", a.to, a.body)
			}
			end(s)
			h.post()
			if got := rp.heard(); len(got) != 1 || h.verify(got[0], "RS256").SID != string(s.ID) {
				h.Errorf("%s: heard %d times", name, len(got))
			}
		}
		s := h.signIn("ada")
		h.tokens("app")
		kept := h.signIn("ada")
		h.tokens("app")
		h.must(h.db.Sessions.EndAll(ctx, s.User, kept.ID))
		h.post()
		if got := rp.heard(); len(got) != 1 || h.verify(got[0], "RS256").SID != string(s.ID) {
			h.Errorf("the session to keep was told of, too: %d", len(got))
		}
		h.must(h.db.Users.Remove(ctx, s.User))
		h.post()
		if got := rp.heard(); len(got) != 1 || h.verify(got[0], "RS256").SID != string(kept.ID) {
			h.Errorf("the person is gone, heard %d times", len(got))
		}
	})
}

// The end of a session and the word of it are one: neither happens without
// the other, and a failing application is tried again.
func TestBackchannelRetries(t *testing.T) {
	eachWith(t, nil, func(h *house) {
		rp := listen(h)
		c := h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, BackchannelURI: rp.URL})
		s := h.signIn("ada")
		h.tokens("app")
		undone := errors.New("undone")
		err := h.db.Atomic(h.Context(), func(ctx context.Context) error {
			return errors.Join(h.db.Sessions.End(ctx, s.ID), h.db.SessionTokens.EndSession(ctx, s.ID), undone)
		})
		if !errors.Is(err, undone) || h.post() != 0 {
			h.Fatalf("%v; told of an end that did not happen", err)
		}
		h.end(s.ID)
		var jti []string
		for _, status := range []int{http.StatusInternalServerError, http.StatusBadRequest, http.StatusFound} { // P-28: no redirects
			rp.answer(status)
			if n := h.post(); n != 0 || h.post() != 0 {
				h.Errorf("%d counts as told", status)
			}
			h.move(20 * time.Minute)
		}
		rp.answer(http.StatusNoContent)
		if h.post() != 1 || h.post() != 0 {
			h.Error("not told")
		}
		for _, raw := range rp.heard() {
			body, err := decode(strings.Split(raw, ".")[1])
			h.must(err)
			var c logoutClaims
			h.must(json.Unmarshal(body, &c))
			jti = append(jti, c.ID)
		}
		slices.Sort(jti)
		if len(slices.Compact(jti)) != 4 {
			h.Errorf("four tries, tokens %v", jti)
		}
		// Several senders at once: one of them tells.
		h.signIn("ada")
		h.tokens("app")
		h.must(h.db.Sessions.EndAll(h.Context(), "u-ada", ""))
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() { h.post() })
		}
		wg.Wait()
		if n := len(rp.heard()); n != 1 {
			h.Errorf("told %d times", n)
		}
		// An application that is gone, or has no address any more, has nothing to hear.
		for _, change := range []func() error{
			func() error { c.BackchannelURI = ""; return h.db.Clients.Save(h.Context(), c) },
			func() error { return h.db.Clients.Remove(h.Context(), c.ID) },
		} {
			h.must(h.db.Sessions.EndAll(h.Context(), "u-ada", ""))
			h.signIn("ada")
			if c.BackchannelURI != "" {
				h.tokens("app")
			}
			h.must(h.db.Sessions.EndAll(h.Context(), "u-ada", ""))
			h.must(change())
			h.post()
			if n := len(rp.heard()); n != 0 {
				h.Errorf("told %d times", n)
			}
		}
	})
}

// What an ended session leaves behind goes.
func TestLoginsAreSwept(t *testing.T) {
	eachWith(t, nil, func(h *house) {
		h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, BackchannelURI: "https://rp.example.org/bye"})
		s := h.signIn("ada")
		h.tokens("app")
		if all, err := h.db.Logins.Of(h.Context(), s.ID); err != nil || len(all) != 1 || all[0].User != "u-ada" || all[0].SID != s.ID {
			h.Fatalf("%+v, %v", all, err)
		}
		h.must(h.db.Sweep(h.Context(), h.now().Add(1001*time.Hour)))
		if all, err := h.db.Logins.Of(h.Context(), s.ID); err != nil || len(all) != 0 {
			h.Errorf("%+v, %v", all, err)
		}
		h.must(h.db.Logins.Note(h.Context(), oidc.Login{Session: "gone", SID: "gone", Client: "app"}))
		if all, err := h.db.Logins.Of(h.Context(), "gone"); err != nil || len(all) != 0 {
			h.Errorf("a login of a session that is not there: %+v, %v", all, err)
		}
	})
}

// A session and an exchange that end at the same moment: the client is refused,
// or it hears of the end.
func TestEndDuringExchange(t *testing.T) {
	eachWith(t, nil, func(h *house) {
		rp := listen(h)
		h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, BackchannelURI: rp.URL, IDTokenAlg: "ES256"})
		for range 20 {
			s := h.signIn("ada")
			code := h.code(ask("app"))
			var got answer
			var wg sync.WaitGroup
			wg.Go(func() { got = h.exchange(code, "app") })
			wg.Go(func() { h.end(s.ID) })
			wg.Wait()
			h.post()
			if heard := len(rp.heard()); heard != map[bool]int{true: 1}[got.status == 200] {
				h.Errorf("%d %s, heard %d times", got.status, got.body, heard)
			}
		}
	})
}
