package signin

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	document "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/page/pagetest"
)

// person is somebody in front of Chromium on a small phone whose authenticator
// is a virtual one.
type person struct {
	t   *testing.T
	h   *house
	ctx context.Context
	key webauthn.AuthenticatorID
}

func (h *house) person() *person {
	h.t.Helper()
	p := &person{t: h.t, h: h, ctx: chrome(h.t)}
	p.do(chromedp.EmulateViewport(320, 640))
	call(p, webauthn.Enable, webauthn.EnableParams{})
	made := call(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	p.key = made.AuthenticatorID
	return p
}

func (p *person) do(as ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, as...); err != nil {
		p.t.Fatal(err)
	}
}

// present says whether the person touches the key when it asks.
func (p *person) present(on bool) {
	p.t.Helper()
	call(p, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: p.key, Enabled: on})
}

// recognised says whether the key knows the person's finger.
func (p *person) recognised(on bool) {
	p.t.Helper()
	call(p, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: p.key, IsUserVerified: on})
}

// anew forgets all cookies, but not the passkeys.
func (p *person) anew(path string) {
	p.t.Helper()
	call(p, network.ClearBrowserCookies, cdp.Empty{})
	p.do(chromedp.Navigate(p.h.URL + path))
}

// offered opens the sign-in anew and leaves the offer at the login field
// standing: a key that was not touched when it asked goes on waiting.
func (p *person) offered(path string) {
	p.t.Helper()
	p.present(false)
	p.do(chromedp.Evaluate[chromedp.Void](`sessionStorage.removeItem("asked")`))
	p.anew(path)
	p.eventually("the offer", `sessionStorage.asked === "conditional "`)
	time.Sleep(300 * time.Millisecond) // until it has reached the key
	p.present(true)
}

func (p *person) password(login string) {
	p.t.Helper()
	p.do(
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), login), chromedp.SendKeys(chromedp.CSS("input[name=password]"), pass),
		chromedp.Click(chromedp.CSS("#submit")),
	)
}

// eventually waits until a JavaScript expression is true.
func (p *person) eventually(what, js string) {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		is, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](js))
		if err == nil && is {
			return
		}
		if time.Now().After(deadline) {
			at, _ := chromedp.Run(p.ctx, chromedp.Location())
			body, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
			p.t.Fatalf("%s: never; at %s (%v): %s", what, at, err, body)
		}
	}
}

func (p *person) signedIn(login string) {
	p.t.Helper()
	p.eventually("signed in", `document.body.innerText === "signed in as `+login+`"`)
}

// says waits for words in the part of the page that is read out.
func (p *person) says(words string) {
	p.t.Helper()
	p.eventually("says "+words, `document.querySelector("[data-said][aria-live=polite]").textContent.includes("`+words+`")`)
}

// fine holds the page as it is against the audit of all pages.
func (p *person) fine(name string) {
	p.t.Helper()
	wrong, err := pagetest.Fine(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, w := range wrong {
		p.t.Errorf("%s: %s", name, w)
	}
}

const keyButton = "button[data-method=passkey]"

func call[P, R any](p *person, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	out, err := chromedp.Call(p.ctx, c, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// before runs a script before those of every page to come.
func (p *person) before(js string) {
	p.t.Helper()
	call(p, document.AddScriptToEvaluateOnNewDocument, document.AddScriptToEvaluateOnNewDocumentParams{Source: js})
}

// A life with a passkey: set up because policy wants it, then used alone from
// the field, from the button, and once without being recognised.
func TestPasskeyInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	h := openKeys(t)
	h.add("ada", "")
	h.demand(policy.What{Assurance: policy.PhishingResistant, Methods: []mfa.Kind{"passkey"}})
	p := h.person()
	p.before(`const get = navigator.credentials.get.bind(navigator.credentials);
		navigator.credentials.get = (o) => { sessionStorage.asked = (sessionStorage.asked || "") + (o.mediation || "button") + " "; return get(o); };
		PublicKeyCredential.signalAllAcceptedCredentials = async (all) => { sessionStorage.known = JSON.stringify(all); };`)

	p.do(chromedp.Navigate(h.URL + "/app"))
	p.password("ada")
	p.eventually("the wizard", `!!document.querySelector("#passkey-enrol `+keyButton+`")?.checkVisibility()`)
	p.fine("adding a passkey")
	p.do(chromedp.Click(chromedp.CSS(keyButton)))
	p.signedIn("ada")
	p.eventually("the browser is told what is known", `(() => { const k = JSON.parse(sessionStorage.known); return k.rpId === "localhost" && k.userId.length > 20 && k.allAcceptedCredentialIds.length === 1; })()`)

	// Conditional UI: the browser offers the passkey at the login field.
	p.anew("/app")
	p.signedIn("ada")

	// The button, while the field's offer stands.
	p.offered("/app")
	p.fine("login")
	p.do(chromedp.Click(chromedp.CSS(keyButton)))
	p.signedIn("ada")
	p.eventually("it was the button", `sessionStorage.asked.endsWith("conditional button ")`)

	// Not recognised: a calm word, and the way stays open.
	p.offered("/app?lang=fr")
	p.recognised(false)
	p.do(chromedp.Click(chromedp.CSS(keyButton)))
	p.says("Rien n’a changé")
	p.fine("not recognised, in French")
	p.recognised(true)
	p.do(chromedp.Click(chromedp.CSS(keyButton)))
	p.signedIn("ada")

	// A passkey that is known here no more: one sentence, in the reader's words.
	u, err := h.accounts.Find(t.Context(), "ada")
	if err == nil {
		err = h.service.Factors.DropAll(t.Context(), u.Subject().ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.anew("/app?lang=fr")
	p.says("Nous n’avons pas pu vous connecter avec cette clé d’accès.")
	p.fine("refused, in French")
}

// As the second step, and with the script's own reading and writing of JSON.
func TestPasskeySecondInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	h := openKeys(t)
	h.add("ada", "")
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"passkey"}})
	p := h.person()
	p.before(`for (const f of ["parseCreationOptionsFromJSON", "parseRequestOptionsFromJSON", "isConditionalMediationAvailable"]) delete PublicKeyCredential[f];
		PublicKeyCredential.prototype.toJSON = () => { throw new TypeError("Illegal invocation"); };`)
	p.do(chromedp.Navigate(h.URL + "/app"))
	p.password("ada")
	p.eventually("the wizard", `!!document.querySelector("#passkey-enrol `+keyButton+`")?.checkVisibility()`)
	p.do(chromedp.Click(chromedp.CSS(keyButton)))
	p.signedIn("ada")

	p.anew("/app")
	p.password("ada")
	p.eventually("the second step", `!!document.querySelector("#factor-passkey `+keyButton+`")?.checkVisibility()`)
	p.fine("second step")
	p.do(chromedp.Click(chromedp.CSS(keyButton)))
	p.signedIn("ada")
}

// A browser without passkeys is offered other ways.
func TestNoPasskeysInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	h := openKeys(t)
	d := h.device()
	h.give(h.add("ada", ""), d)
	p := h.person()
	p.before(`delete window.PublicKeyCredential;`)
	p.do(chromedp.Navigate(h.URL + "/app"))
	p.eventually("no button", `document.readyState === "complete" && !document.querySelector("`+keyButton+`").checkVisibility()`)
	p.password("ada")
	p.eventually("another way", `!!document.querySelector("[data-none]")?.checkVisibility() && !document.querySelector("#factor-passkey `+keyButton+`").checkVisibility()`)
	if text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.querySelector("[data-none]").textContent`)); err != nil || !strings.Contains(text, "another way") {
		t.Errorf("says %q, %v", text, err)
	}
	p.fine("without passkeys")
}
