package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// related is the program under three https names, of which the second is a
// related origin of the first and the third is not.
type related struct {
	*world
	asked   atomic.Int32 // for the list of related origins
	options []chromedp.ExecAllocatorOption
}

const (
	mainHost    = "https://id.example.org"
	portalHost  = "https://portal.example.com"
	foreignHost = "https://elsewhere.example.net"
)

func newRelated(t *testing.T) *related {
	r := &related{world: newWorld(t, "sqlite", "LATCHKEY_ISSUER="+mainHost, "LATCHKEY_PASSKEYS_ORIGINS="+portalHost)}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/.well-known/webauthn" && "https://"+q.Host == mainHost {
			r.asked.Add(1)
		}
		r.ServeHTTP(w, q)
	}))
	t.Cleanup(s.Close)
	key := sha256.Sum256(s.Certificate().RawSubjectPublicKeyInfo)
	r.options = []chromedp.ExecAllocatorOption{
		chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP *.example.org %[1]s, MAP *.example.com %[1]s, MAP *.example.net %[1]s", s.Listener.Addr())),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(key[:])),
	}
	return r
}

// A passkey that was added at the issuer's host signs in at a portal's own
// domain, because the issuer's host says that it may (WebAuthn Level 3 §5.11),
// and nowhere else. W-02.
func TestRelatedOriginInChromium(t *testing.T) {
	t.Parallel()
	r := newRelated(t)
	b := tab{t, chromium(t, "en", r.options...), "en"}
	r.user("ada@example.org")
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	r.must(err)

	b.do(chromedp.Navigate(mainHost+"/my/security/passkeys"), chromedp.WaitVisible(chromedp.CSS("form#login")))
	b.fill("input[name=login]", "ada@example.org")
	b.fill("input[name=password]", rightPassword)
	b.press("form#login #submit", "#passkey-enrol button")
	b.press("#passkey-enrol button", "#done")
	if n := r.asked.Load(); n != 0 {
		t.Errorf("the list was asked for %d times at the host itself", n)
	}

	// The login field's own offer.
	b.do(chromedp.Navigate(portalHost+"/my/security/passkeys"), chromedp.WaitVisible(chromedp.CSS("#passkey-enrol button")))
	if at := b.eval("location.origin"); at != portalHost || r.asked.Load() == 0 {
		t.Errorf("signed in at %s, the list was asked for %d times", at, r.asked.Load())
	}
	b.do(chromedp.Navigate(portalHost+"/my/profile"), chromedp.WaitVisible(chromedp.CSS("form")))
	if text := b.eval("document.body.innerText"); !strings.Contains(text, "ada@example.org") {
		t.Errorf("signed in as somebody else: %s", text)
	}

	asked := r.asked.Load()
	b.do(chromedp.Navigate(foreignHost+"/my/security/passkeys"), chromedp.WaitVisible(chromedp.CSS("form#login")))
	b.do(chromedp.Click(chromedp.CSS("#passkey-login button")))
	b.see("#passkey-login [data-said].notice-danger", "")
	if at := b.eval("location.origin + location.pathname"); at != foreignHost+"/login" || r.asked.Load() == asked {
		t.Errorf("elsewhere: at %s, the list was asked for %d times", at, r.asked.Load()-asked)
	}
}
