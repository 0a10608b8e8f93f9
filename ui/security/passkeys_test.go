package security

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/descope/virtualwebauthn"

	"latchkey/mfa"
	"latchkey/ui/page/pagetest"
)

// said is any answer to a script.
type said struct {
	PublicKey json.RawMessage `json:"publicKey"`
	Flow      string          `json:"flow"`
	Location  string          `json:"location"`
	Error     string          `json:"error"`
	Message   string          `json:"message"`
}

// call talks to an address as a script does.
func call(t *testing.T, v *pagetest.Visitor, path string, body any) (int, said) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var out said
	v.Take(v.Client.Post(v.Base+path, "application/json", bytes.NewReader(b)))
	if err := json.Unmarshal(v.Body, &out); err != nil || v.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %v: %s", path, err, v.Body)
	}
	return v.Status, out
}

const (
	begin  = Home + "/passkeys/begin"
	finish = Home + "/passkeys/finish"
)

// W-06, W-10, X-01: the ceremony is for whoever is freshly signed in, and for
// nobody else; junk is refused with words.
func TestPasskeyDoors(t *testing.T) {
	h := open(t)
	u := h.add("ada", secret)
	if status, got := call(t, h.visit(), begin, nil); status != http.StatusForbidden || got.Location != Home+"/passkeys" {
		t.Errorf("nobody: %d %+v", status, got)
	}
	v := h.enter("ada", Home+"/passkeys").Want(200, Home+"/passkeys").Has("#passkey-enrol [data-none]", "#passkey-enrol [hidden] button[data-method=passkey]", "[data-passkey-label]")
	status, got := call(t, v, begin, map[string]string{})
	if status != 200 || got.Flow == "" || !strings.Contains(string(got.PublicKey), `"challenge"`) || !strings.Contains(string(got.PublicKey), `"user"`) {
		t.Fatalf("begin: %d %+v", status, got)
	}
	for name, junk := range map[string]any{
		"nothing": nil, "no ceremony": map[string]any{"credential": map[string]string{"id": "x"}},
		"no answer": map[string]any{"flow": got.Flow}, "no parts": map[string]any{"flow": got.Flow, "credential": map[string]any{"id": "AA", "rawId": "AA", "type": "public-key"}},
	} {
		if status, refused := call(t, v, finish, junk); status < 400 || status >= 500 || refused.Message == "" {
			t.Errorf("%s: %d %+v", name, status, refused)
		}
	}
	if v.Take(v.Client.PostForm(h.URL+begin, nil)); v.Status != http.StatusBadRequest {
		t.Errorf("a form: %d", v.Status)
	}
	h.clock.Pass(6 * time.Minute)
	if status, got := call(t, v, begin, nil); status != http.StatusForbidden || got.Location != Home+"/passkeys" {
		t.Errorf("too late: %d %+v", status, got)
	}
	if ks := h.held(u); len(ks) != 1 {
		t.Errorf("%q", ks)
	}
}

// M-07, M-08: the answer of an authenticator makes a passkey, in the session that
// asked for it; the answer may come bare.
func TestPasskeyAdded(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	v, other := h.enter("ada", Home), h.enter("ada", Home)
	_, got := call(t, v, begin, nil)
	options, err := virtualwebauthn.ParseAttestationOptions(string(got.PublicKey))
	h.must(err)
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(key.Key.AttestationData()) != 77 { // it drops leading zeros
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	answer := json.RawMessage(virtualwebauthn.CreateAttestationResponse(
		virtualwebauthn.RelyingParty{ID: "localhost", Name: "Latchkey", Origin: h.URL}, virtualwebauthn.NewAuthenticator(), key, *options))
	if status, got := call(t, other, finish+"?flow="+got.Flow, answer); status != http.StatusForbidden && status != http.StatusGone || len(h.held(u)) != 0 {
		t.Errorf("another session: %d %+v", status, got)
	}
	before := session(h, v)
	status, done := call(t, v, finish+"?flow="+got.Flow, answer)
	if status != 200 || done.Location != Home+"/backup-codes?done=passkey" || !slices.Equal(h.held(u), []mfa.Kind{"passkey"}) {
		t.Fatalf("%d %+v", status, done)
	}
	if v.Get(done.Location).Want(200, Home+"/backup-codes").Has("#done", "#first"); session(h, v) == before {
		t.Error("S-01: the session has its old name")
	}
	if status, again := call(t, v, finish+"?flow="+got.Flow, answer); status == 200 || len(h.held(u)) != 1 {
		t.Errorf("again: %d %+v", status, again)
	}
	other.Get(Home).Want(200, "/login/factor") // M-01: it is asked for what is new
}

// The same in a real browser: name, press, touch.
func TestPasskeyInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	h := open(t)
	u := h.add("ada", secret)
	ctx := pagetest.Chrome(t)
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	h.must(err)
	h.must(chromedp.Do(ctx, chromedp.EmulateViewport(320, 640), chromedp.Navigate(h.URL+Home+"/passkeys"),
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), "ada"), chromedp.SendKeys(chromedp.CSS("input[name=password]"), pass), chromedp.Click(chromedp.CSS("#submit")),
		chromedp.WaitVisible(chromedp.CSS("form#factor input[name=code]")),
		chromedp.SendKeys(chromedp.CSS("input[name=code]"), h.code(secret)), chromedp.Click(chromedp.CSS("#submit")),
		chromedp.WaitVisible(chromedp.CSS("#passkey-enrol button")),
		chromedp.SendKeys(chromedp.CSS("#passkey-label"), "Kitchen tablet"), chromedp.Click(chromedp.CSS("#passkey-enrol button")),
		chromedp.WaitVisible(chromedp.CSS("#done"))))
	at, err := chromedp.Run(ctx, chromedp.Location())
	h.must(err)
	held, err := h.db.Credentials.Held(t.Context(), mfa.SubjectID(u.ID))
	h.must(err)
	if len(held) != 2 || held[1].Kind != "passkey" || held[1].Label != "Kitchen tablet" || !strings.Contains(at, "/backup-codes") {
		t.Errorf("at %s with %+v", at, held)
	}
}
