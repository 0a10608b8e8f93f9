package signin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// A passkey alone signs in, where policy wants two factors, too.
func TestPasskeyAlone(t *testing.T) {
	h := openKeys(t)
	d := h.device()
	h.give(h.add("ada", ""), d)
	h.demand(policy.What{Assurance: policy.MFA})
	v := h.visit().get("/app").want(200, "/login").has("#passkey-login[hidden][data-passkey=alone] button[data-method=passkey]", "input[name=login][autocomplete='username webauthn']")
	flow := v.at.Query().Get("flow")
	b := v.begin(flow)
	status, out := v.call("/login/passkey/finish", finish(b, d.get(b.PublicKey)))
	if status != 200 || out.Location != "/app?state=1%2F2" {
		t.Fatalf("finish: %d %+v", status, out)
	}
	if v.get(out.Location); string(v.body) != "signed in as ada" {
		t.Errorf("then: %s", v.body)
	}

	// Without a flow: to one's own page; the answer may come bare.
	v = h.visit()
	b = v.begin("")
	status, out = v.call("/login/passkey/finish?flow="+b.Flow+"&state="+b.State, d.get(b.PublicKey))
	if status != 200 || out.Location != "/my/security" {
		t.Fatalf("bare: %d %+v", status, out)
	}
	v.get(out.Location).want(200, "/my/security")
}

// E-01, W-01, W-03, W-05: alone, every failure looks the same, and none of
// them signs anybody in.
func TestPasskeyFailures(t *testing.T) {
	h := openKeys(t)
	ada, gone := h.device(), h.device()
	h.give(h.add("ada", ""), ada)
	out := h.add("out", "")
	h.give(out, gone)
	if err := h.accounts.Disable(t.Context(), idp.Actor{Host: true}, out.ID); err != nil {
		t.Fatal(err)
	}
	want, n := said{}, 0
	try := func(name string, answer func(v *visitor) map[string]any) {
		t.Helper()
		v := h.visit()
		status, got := v.call("/login/passkey/finish", answer(v))
		if got.Event == "" || len(v.header.Values("Set-Cookie")) > 0 && strings.Contains(strings.Join(v.header.Values("Set-Cookie"), ""), "session") {
			t.Errorf("%s: %+v %v", name, got, v.header)
		}
		got.Event = ""
		if n++; n == 1 {
			want = got
		}
		if status != 401 || !reflect.DeepEqual(got, want) || got.Error != "bad_login" || !strings.Contains(got.Message, "passkey") {
			t.Errorf("%s: %d %+v, want %+v", name, status, got, want)
		}
	}
	plain := func(d *device, change func(*virtualwebauthn.Authenticator)) func(v *visitor) map[string]any {
		return func(v *visitor) map[string]any {
			b, as := v.begin(""), *d
			if change != nil {
				change(&as.is)
			}
			return finish(b, as.get(b.PublicKey))
		}
	}
	try("a passkey that nobody has", plain(h.device(), nil))
	try("somebody who is disabled", plain(gone, nil))
	try("nobody verified", plain(ada, func(a *virtualwebauthn.Authenticator) { a.Options.UserNotVerified = true }))
	try("no handle", plain(ada, func(a *virtualwebauthn.Authenticator) { a.Options.UserHandle = nil }))
	try("another's handle", plain(ada, func(a *virtualwebauthn.Authenticator) { a.Options.UserHandle = gone.is.Options.UserHandle }))
	try("another's key", func(v *visitor) map[string]any {
		b, thief := v.begin(""), *ada
		thief.key.Key = gone.key.Key
		return finish(b, thief.get(b.PublicKey))
	})
	try("another origin", func(v *visitor) map[string]any {
		b, away := v.begin(""), *ada
		away.rp.Origin = "https://evil.test"
		return finish(b, away.get(b.PublicKey))
	})
	try("a state of another browser", func(v *visitor) map[string]any {
		b, mine := h.visit().begin(""), v.begin("")
		return map[string]any{"flow": mine.Flow, "state": b.State, "credential": ada.get(b.PublicKey)}
	})
	try("no state", func(v *visitor) map[string]any {
		b := v.begin("")
		b.State = ""
		return finish(b, ada.get(b.PublicKey))
	})
	try("five minutes later", func(v *visitor) map[string]any {
		b := v.begin("")
		h.clock.Pass(5 * time.Minute)
		return finish(b, ada.get(b.PublicKey))
	})
	for name, junk := range map[string]string{"nothing": `null`, "a text": `"x"`, "a list": `[]`, "no parts": `{"id":"AAAA","rawId":"AAAA","type":"public-key"}`, "broken CBOR": `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"_w","signature":"_w"}}`} { // W-10
		try(name, func(v *visitor) map[string]any { return finish(v.begin(""), json.RawMessage(junk)) })
	}

	// W-01: once, also for whoever copied it.
	v := h.visit()
	b := v.begin("")
	answer := finish(b, ada.get(b.PublicKey))
	if status, got := v.call("/login/passkey/finish", answer); status != 200 {
		t.Fatalf("%d %+v", status, got)
	}
	if status, got := v.call("/login/passkey/finish", answer); status != 401 || got.Message != want.Message {
		t.Errorf("a replay: %d %+v", status, got)
	}
}

// As the second step: after the password, with the trust box, and an answer of
// somebody else's key does not do.
func TestPasskeySecond(t *testing.T) {
	h := openKeys(t)
	ada, other := h.device(), h.device()
	h.give(h.add("ada", ""), ada)
	h.give(h.add("bob", ""), other)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor").has("#factor-passkey [data-none]", "#factor-passkey [hidden] button[data-method=passkey]")
	csp, permissions := v.header.Get("Content-Security-Policy"), v.header.Get("Permissions-Policy")
	if !strings.Contains(csp, "connect-src 'self'") || strings.Contains(csp, "unsafe") || !strings.Contains(permissions, "publickey-credentials-get=(self)") {
		t.Errorf("headers %s; %s", csp, permissions)
	}
	flow := v.at.Query().Get("flow")
	b := v.begin(flow)
	if !strings.Contains(string(b.PublicKey), base64.RawURLEncoding.EncodeToString(ada.key.ID)) || b.State != "" {
		t.Errorf("begin: %+v", b)
	}
	if status, got := v.call("/login/passkey/finish", finish(b, other.get(b.PublicKey))); status != 401 || got.Error != "wrong_code" || got.Location != "" {
		t.Errorf("bob's key: %d %+v", status, got)
	}
	// W-01: options asked anew make those before void.
	old := ada.get(b.PublicKey)
	again := v.begin(flow)
	if status, _ := v.call("/login/passkey/finish", finish(again, old)); status != 401 {
		t.Errorf("an answer to older options: %d", status)
	}
	b = v.begin(flow)
	status, got := v.call("/login/passkey/finish", finish(b, ada.get(b.PublicKey)))
	if status != 200 || got.Location != "/app?state=1%2F2" {
		t.Fatalf("finish: %d %+v", status, got)
	}
	if v.get(got.Location); string(v.body) != "signed in as ada" {
		t.Errorf("then: %s", v.body)
	}
	if status, got := v.call("/login/passkey/begin", map[string]string{"flow": flow}); status != 410 || got.Location != "/app?state=1%2F2" && got.Location != "" {
		t.Errorf("a flow that is over: %d %+v", status, got)
	}
}

// B-01: wrong answers are counted like wrong codes.
func TestPasskeyLocked(t *testing.T) {
	h := openKeys(t)
	ada, other := h.device(), h.device()
	h.give(h.add("ada", ""), ada)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	flow := v.at.Query().Get("flow")
	heard := map[int]int{}
	for range 16 {
		b := v.begin(flow)
		status, _ := v.call("/login/passkey/finish", finish(b, other.get(b.PublicKey)))
		heard[status]++
	}
	// Five at each of two challenges; then a lock.
	if heard[401] != 10 || heard[429] != 6 {
		t.Errorf("16 wrong answers: %v", heard)
	}
	b := v.begin(flow)
	if status, got := v.call("/login/passkey/finish", finish(b, ada.get(b.PublicKey))); status != 429 || v.header.Get("Retry-After") == "" || !strings.Contains(got.Message, "15") {
		t.Errorf("a right answer during the lock: %d %+v", status, got)
	}
}

// W-06, W-07, M-05: where policy wants a factor and there is none, a passkey
// can be set up after the password, the backup codes first; a passkey that
// somebody has already cannot be.
func TestPasskeyEnrolment(t *testing.T) {
	h := openKeys(t)
	h.add("ada", "")
	h.add("bob", "")
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"passkey", "backup"}})
	d := h.device()
	enrol := func(login string, d *device) (int, said, *visitor) {
		t.Helper()
		v := h.visit().get("/app").submit("login", "login", login, "password", pass)
		flow := v.at.Query().Get("flow")
		if status, got := v.call("/login/passkey/begin", map[string]string{"flow": flow}); status != 410 || !strings.HasPrefix(got.Location, "/login/enrol/codes?flow=") {
			t.Fatalf("before the codes are saved: %d %+v", status, got)
		}
		v.get("/login/enrol/codes?flow="+flow).submit("codes-kept", "kept", "yes").want(200, "/login/enrol/confirm").has("#passkey-enrol button[data-method=passkey]")
		h.clock.Pass(6 * time.Minute) // writing codes down takes its time
		b := v.begin(flow)
		status, got := v.call("/login/passkey/finish", finish(b, d.create(b.PublicKey)))
		return status, got, v
	}
	status, got, v := enrol("ada", d)
	if status != 200 {
		t.Fatalf("finish: %d %+v", status, got)
	}
	if v.get(got.Location); string(v.body) != "signed in as ada" {
		t.Errorf("then: %s", v.body)
	}
	if status, got, _ := enrol("bob", d); status == 200 {
		t.Errorf("ada's passkey again for bob: %d %+v", status, got)
	}
	v = h.visit()
	b := v.begin("")
	d.is.Options.UserHandle = handleOf(t, h, "ada")
	if status, got := v.call("/login/passkey/finish", finish(b, d.get(b.PublicKey))); status != 200 {
		t.Errorf("ada's passkey after that: %d %+v", status, got)
	}
}

// handleOf is the user handle in the options for adding a passkey.
func handleOf(t *testing.T, h *house, login string) []byte {
	t.Helper()
	u, err := h.accounts.Find(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.service.Factors.Enroll(t.Context(), u.Subject(), idp.Passkey, "test")
	if err != nil {
		t.Fatal(err)
	}
	o, err := virtualwebauthn.ParseAttestationOptions(string(c.Prompt.Public))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(o.UserID)
}

// X-01, P-14: calls come from our own pages, in JSON, and from the browser
// that began.
func TestPasskeyForged(t *testing.T) {
	h := openKeys(t)
	d := h.device()
	h.give(h.add("ada", ""), d)
	v := h.visit()
	for name, c := range map[string]struct {
		status  int
		headers []string
	}{
		"another site":           {403, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}},
		"a neighbour":            {403, []string{"Sec-Fetch-Site", "same-site"}},
		"an old browser's word":  {403, []string{"Origin", "https://evil.test"}},
		"a form":                 {400, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"text, as forms send it": {400, []string{"Content-Type", "text/plain"}},
		"our page":               {200, []string{"Sec-Fetch-Site", "same-origin"}},
		"no browser":             {200, nil},
	} {
		if status, got := v.call("/login/passkey/begin", map[string]string{}, c.headers...); status != c.status {
			t.Errorf("%s: %d %+v, want %d", name, status, got, c.status)
		}
	}
	b := v.begin("")
	if status, got := h.visit().call("/login/passkey/finish", finish(b, d.get(b.PublicKey))); status != 403 || got.Error != "foreign" {
		t.Errorf("another browser: %d %+v", status, got)
	}
	if status, got := v.call("/login/passkey/begin", strings.Repeat("x", 70000)); status != 413 {
		t.Errorf("too much: %d %+v", status, got)
	}
	if status, got := v.call("/login/passkey/begin", []int{1}); status != 400 {
		t.Errorf("a list: %d %+v", status, got)
	}
	for _, lang := range []string{"en", "fr"} {
		_, got := v.call("/login/passkey/finish", map[string]string{"flow": b.Flow}, "Accept-Language", lang)
		if french := strings.Contains(got.Message, "clé d’accès"); french != (lang == "fr") {
			t.Errorf("%s: %q", lang, got.Message)
		}
	}
}

// WebAuthn Level 3 §5.11: other origins are named where there are any.
func TestRelatedOrigins(t *testing.T) {
	h := open(t)
	if v := h.visit().get("/.well-known/webauthn"); v.status != 404 {
		t.Errorf("without: %d", v.status)
	}
	e := gin.New()
	keys{journey{h.service}, []string{"https://portal.example.com"}}.mount(e, h.browser.Site)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/webauthn", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") || w.Body.String() != `{"origins":["https://portal.example.com"]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
