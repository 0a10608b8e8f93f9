package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/totp"
	"latchkey/ui/admin"
)

// routesOf are all routes of the administration.
func routesOf(w *world) []admin.Route {
	var out []admin.Route
	for _, s := range w.sections() {
		out = append(out, s.Routes...)
	}
	return out
}

// D-01: what each route asks for is written down twice, so that a new one, or
// one that asks for less, is seen by whoever reviews it.
func TestAdminRoutesAreListed(t *testing.T) {
	w := newWorld(t, "sqlite")
	var lines []string
	for _, r := range routesOf(w) {
		fresh := ""
		if r.Fresh {
			fresh = " fresh"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s%s", r.Method, r.Path, r.Right, fresh))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	want, err := os.ReadFile("testdata/admin_routes.txt")
	if err != nil || got != string(want) {
		t.Errorf("testdata/admin_routes.txt does not list what there is (%v); it is:\n%s", err, got)
	}
}

// sitter is a browser with a session that was opened by hand.
type sitter struct {
	client *http.Client
	csrf   string
	user   idp.User
}

// sit opens a session for somebody who proved these kinds some time ago.
func (w *world) sit(u idp.User, ago time.Duration, kinds ...mfa.Kind) *sitter {
	w.t.Helper()
	u, err := w.db.Users.ByID(w.t.Context(), u.ID)
	w.must(err)
	token, now := newSitterToken(u, w.clock()), w.clock()
	n := idp.Session{
		ID: idp.SessionID("s-" + token[:20]), Hash: signin.HashToken(token), User: u.ID, Epoch: u.Epoch, Created: now, Seen: now,
		Expires: now.Add(10 * time.Hour), Idle: time.Hour, Origin: idp.Origin{Address: "127.0.0.1"},
	}
	for _, k := range kinds {
		n.Proofs = append(n.Proofs, idp.Proof{Kind: k, At: now.Add(-ago)})
	}
	w.must(w.db.Sessions.Open(w.t.Context(), n))
	jar, err := cookiejar.New(nil)
	w.must(err)
	base, err := url.Parse(w.url)
	w.must(err)
	jar.SetCookies(base, []*http.Cookie{{Name: "latchkey-session", Value: token, Path: "/"}})
	s := &sitter{client: &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, user: u}
	status, body, _ := s.do(w, http.MethodGet, "/logout")
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
	w.must(err)
	if s.csrf = doc.Find("form#logout input[name=csrf]").AttrOr("value", ""); s.csrf == "" {
		w.t.Fatalf("no form to sign out: %d", status)
	}
	return s
}

var sitters int

func newSitterToken(u idp.User, at time.Time) string {
	sitters++
	return signin.HashToken(fmt.Sprint(u.ID, at, sitters))[:43]
}

func (s *sitter) do(w *world, method, path string) (int, []byte, string) {
	w.t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("csrf=" + url.QueryEscape(s.csrf))
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	w.must(err)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := s.client.Do(req)
	w.must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	w.must(err)
	return res.StatusCode, b, res.Header.Get("Location")
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// routePath is a route's path with something in the place of its parameters.
func routePath(path string, user idp.UserID) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		switch {
		case p == ":user":
			parts[i] = string(user)
		case strings.HasPrefix(p, ":"):
			parts[i] = "none"
		}
	}
	return strings.Join(parts, "/")
}

var everyRole = []idp.Role{"", idp.HelpDesk, idp.Auditor, idp.Admin, idp.Owner}

// snapshot is everything about a person that somebody could change.
func (w *world) snapshot(id idp.UserID) string {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	u, err := w.db.Users.ByID(ctx, id)
	if err != nil {
		return err.Error()
	}
	held, err := w.db.Credentials.Held(ctx, mfa.SubjectID(id))
	w.must(err)
	open, err := w.db.Sessions.Of(ctx, id)
	w.must(err)
	b, err := json.Marshal([]any{u, len(held), len(open)})
	w.must(err)
	return string(b)
}

// D-01, D-02, D-03: every route, for every role, on somebody below, beside and
// above: who lacks the right is refused, nobody changes somebody above them, and
// nobody comes in with a password alone or, where it counts, an old proof.
func TestAuthorizationMatrix(t *testing.T) {
	w := newWorld(t, "sqlite")
	routes := routesOf(w)
	if len(routes) < 50 {
		t.Fatalf("%d routes", len(routes))
	}
	owner := w.user("the-owner@example.org", withApp, func(in *account.New) { in.Role = idp.Owner }) // so that no other is the last
	_ = owner
	n := 0
	target := func(role idp.Role) idp.User {
		n++
		u, err := w.people.accounts.Add(t.Context(), idp.Actor{Host: true}, account.New{Login: fmt.Sprintf("target-%d", n), Role: role})
		w.must(err)
		return u
	}
	for _, role := range everyRole {
		me := w.user("me-"+string(role)+"x@example.org", withApp, func(in *account.New) { in.Role = role })
		for _, r := range routes {
			s := w.sit(me, 0, idp.Password, totp.Kind)
			for _, theirs := range everyRole {
				about := target(theirs)
				before := w.snapshot(about.ID)
				status, _, to := s.do(w, r.Method, routePath(r.Path, about.ID))
				what := fmt.Sprintf("%q: %s %s about %q: %d %s", role, r.Method, r.Path, theirs, status, to)
				switch {
				case !role.Holds(r.Right):
					if status != http.StatusForbidden {
						t.Errorf("%s, want 403", what)
					}
				case status >= http.StatusInternalServerError && status != http.StatusBadGateway && status != http.StatusServiceUnavailable:
					t.Errorf("%s", what)
				}
				if (!role.Holds(r.Right) || !theirs.Within(role)) && w.snapshot(about.ID) != before {
					t.Errorf("%s: something was changed", what)
				}
				if !strings.Contains(r.Path, ":user") {
					break // it is about nobody: once is enough
				}
			}
		}
		if role != idp.Owner && role != idp.HelpDesk {
			continue // what comes now does not go by the role
		}
		bare := w.sit(me, 0, idp.Password)
		old := w.sit(me, 6*time.Minute, idp.Password, totp.Kind)
		for _, r := range routes {
			path := routePath(r.Path, me.ID)
			if status, _, to := bare.do(w, r.Method, path); status != http.StatusForbidden && (status != http.StatusSeeOther || !strings.HasPrefix(to, "/login")) {
				t.Errorf("%q with a password alone: %s %s: %d %s", role, r.Method, path, status, to)
			}
			if !r.Fresh {
				continue
			}
			if status, _, to := old.do(w, r.Method, path); status != http.StatusForbidden && (status != http.StatusSeeOther || !strings.HasPrefix(to, "/login")) {
				t.Errorf("%q with an old proof: %s %s: %d %s", role, r.Method, path, status, to)
			}
		}
	}
}
