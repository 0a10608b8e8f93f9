package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
)

// asked is a body that tells whether anybody wanted it.
type asked struct {
	io.Reader
	n    atomic.Int32
	when func()
}

func (a *asked) Read(p []byte) (int, error) {
	if a.n.Add(1) == 1 && a.when != nil {
		a.when()
	}
	return a.Reader.Read(p)
}

// offer sends a long body, which waits until the server asks for it (RFC 9110
// §10.1.1).
func (w *world) offer(secret, path, kind string, body *asked, length int64) reply {
	r, err := http.NewRequest(http.MethodPost, w.url+path, body)
	w.must(err)
	r.ContentLength = length
	for name, v := range map[string]string{"Authorization": "Bearer " + secret, "Content-Type": kind, "Expect": "100-continue", "Idempotency-Key": "offer"} {
		r.Header.Set(name, v)
	}
	t := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
	res, err := (&http.Client{Transport: t, Timeout: time.Minute}).Do(r)
	if err != nil {
		w.t.Error(err)
		return reply{t: w.t}
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Error(err)
	}
	return reply{w.t, res.StatusCode, res.Header, all}
}

// chunks sends so many bytes without saying how many there are.
func (w *world) chunks(secret, path, key string, length int) reply {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.url+path, io.MultiReader(strings.NewReader(strings.Repeat(" ", length)))) // whose length net/http does not know
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+secret)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set(keyHeader, key)
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(r)
	w.must(err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	w.must(err)
	return reply{w.t, res.StatusCode, res.Header, all}
}

// Reliability (oversized bodies), D-01: nothing is read of who may not, of what goes nowhere, or of a type
// that is not taken; and of JSON no more than an operation takes.
func TestUploadsAreAskedFor(t *testing.T) {
	w := newWorld(t, "sqlite")
	owner := w.staff("owner@example.org", idp.Owner)
	all, some := w.apiToken(owner), w.apiToken(owner, idp.SeePeople)
	for _, c := range []struct {
		token, path, kind string
		want              int
	}{
		{some, "/api/v1/imports", "text/csv", http.StatusForbidden},
		{some, "/api/v1/me", "text/csv", http.StatusMethodNotAllowed},
		{all, "/api/v1/nothing", "text/csv", http.StatusNotFound},
		{all, "/api/v1/imports", "application/json", http.StatusUnsupportedMediaType},
		{all, "/api/v1/groups", "text/csv", http.StatusUnsupportedMediaType},
	} {
		body := &asked{Reader: bytes.NewReader(make([]byte, people.MaxFile))}
		if a := w.offer(c.token, c.path, c.kind, body, people.MaxFile); a.status != c.want || body.n.Load() != 0 {
			t.Errorf("%s: %d, read %d times: %s", c.path, a.status, body.n.Load(), a.body)
		}
	}
	for path, most := range map[string]int{"/api/v1/groups": 64 << 10, "/api/v1/policies/apply": 1 << 20, "/api/v1/odoo/x/import": 4 << 20} {
		for _, key := range []string{"", path} {
			a := w.send(all, http.MethodPost, path, []byte(strings.Repeat(" ", most+1)), keyHeader, key).want(http.StatusRequestEntityTooLarge)
			if said := fmt.Sprint(a.at("detail")); a.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(said, strconv.Itoa(most)+" bytes") || !strings.Contains(said, "smaller requests") {
				t.Errorf("%s, %q: %s", path, key, a.body)
			}
		}
	}
	// Nor does one that is sent in chunks say more than the others.
	for _, key := range []string{"", "chunks"} {
		a := w.chunks(all, "/api/v1/groups", key, 64<<10+1).want(http.StatusRequestEntityTooLarge)
		if said := fmt.Sprint(a.at("detail")); a.at("type") != "urn:latchkey:problem:request" || !strings.Contains(said, "65536 bytes") || !strings.Contains(said, "smaller requests") {
			t.Errorf("%q: %s", key, a.body)
		}
	}
	// A file of 20,000 people is short enough; that there is no such Odoo is found then.
	var file strings.Builder
	file.WriteString("id,login,name,email,active,groups_id\n")
	for i := range 20000 {
		fmt.Fprintf(&file, "%d,person.number.%d@customers.example.org,Person With A Long Name %d,person.number.%d@customers.example.org,True,Portal\n", i, i, i, i)
	}
	if file.Len() < 2<<20 {
		t.Fatalf("%d bytes", file.Len())
	}
	w.send(all, http.MethodPost, "/api/v1/odoo/x/import", m{"from": "csv", "file": file.String()}).want(http.StatusNotFound)
}

const keyHeader = "Idempotency-Key"

// Reliability: few tables are in memory at once, whoever sends them.
func TestUploadsAtOnce(t *testing.T) {
	w := newWorld(t, "sqlite")
	token := w.apiToken(w.staff("owner@example.org", idp.Owner))
	const table = "email\nada@example.org\n"
	var writers []*io.PipeWriter
	came, ended := make(chan struct{}), make(chan reply)
	for range 2 {
		out, in := io.Pipe()
		writers = append(writers, in)
		other := w.apiToken(w.staff(fmt.Sprintf("admin%d@example.org", len(writers)), idp.Admin))
		go func() {
			ended <- w.offer(other, "/api/v1/imports", "text/csv", &asked{Reader: out, when: func() { came <- struct{}{} }}, int64(len(table)))
		}()
		<-came
	}
	send := func() reply {
		return w.send(token, http.MethodPost, "/api/v1/imports", []byte(table), "Content-Type", "text/csv")
	}
	if a := send().want(http.StatusServiceUnavailable); a.header.Get("Retry-After") == "" || a.at("type") != "urn:latchkey:problem:busy" {
		t.Errorf("%v %s", a.header, a.body)
	}
	w.send(token, http.MethodPost, "/api/v1/groups", m{"name": "small"}).want(http.StatusCreated)
	for _, in := range writers {
		_, err := io.WriteString(in, table)
		w.must(err)
		w.must(in.Close())
		if a := <-ended; a.status != http.StatusCreated {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	send().want(http.StatusCreated)
}

// D-04: what a service began ends when its access token is revoked, and not when
// the token has merely expired.
func TestServiceWorkEndsWithItsToken(t *testing.T) {
	w := newWorld(t, "sqlite")
	n := w.client(oidc.Input{ID: "nightly", Type: oidc.Service, Name: "Nightly", Scopes: []string{"people:write", "people:help"}})
	post := func(path string, form url.Values) reply {
		r, err := http.NewRequest(http.MethodPost, w.url+path, strings.NewReader(form.Encode()))
		w.must(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(string(n.Client.ID), n.Secret)
		return w.fetch(r).want(http.StatusOK)
	}
	door := w.gate()
	enter := func() (string, idp.Actor) {
		token := post("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"people:write people:help"}}).at("access_token")
		r := httptest.NewRequest(http.MethodGet, "/api/v1/me", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		c, err := door.Admit(httptest.NewRecorder(), r)
		w.must(err)
		return token, c.Actor
	}
	bulk := w.people.bulk()
	bulk.Callers = door
	run := func(by idp.Actor, u idp.User, between func()) (string, bool) {
		id, err := bulk.Prepare(t.Context(), by, people.Order{Act: people.Disable}, people.Selection{IDs: []idp.UserID{u.ID}})
		w.must(err)
		between()
		w.must(bulk.Start(t.Context(), by, id))
		w.jobs.Wait()
		p, err := bulk.Plan(t.Context(), by, id)
		w.must(err)
		now, err := w.db.Users.ByID(t.Context(), u.ID)
		w.must(err)
		return p.Job.Key, now.Disabled
	}
	token, revoked := enter()
	if key, disabled := run(revoked, w.user("first@example.org"), func() { post("/oauth2/revoke", url.Values{"token": {token}}) }); key != "denied" || disabled {
		t.Errorf("after it was revoked: %q %v", key, disabled)
	}
	token, expired := enter()
	if key, disabled := run(expired, w.user("next@example.org"), func() { w.later(20 * time.Hour) }); key != "" || !disabled {
		t.Errorf("after it expired: %q %v", key, disabled)
	}
	w.send(token, http.MethodGet, "/api/v1/me", nil).want(http.StatusUnauthorized)
	w.must(w.db.Sweep(t.Context(), w.clock())) // with the grant
	if _, err := door.Still(t.Context(), expired); err != nil {
		t.Error(err)
	}
	expired.Token = "" // nobody comes without one
	if _, err := door.Still(t.Context(), expired); !errors.Is(err, idp.ErrNotFound) {
		t.Error(err)
	}
}
