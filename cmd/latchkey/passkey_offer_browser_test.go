package main

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// A phone that can make passkeys is offered one after the password, goes on to
// where it was going, and signs in by it alone the next time. Where the browser
// can make none, nobody is stopped; who does not want one is not asked again.
func TestPasskeyOfferInChromium(t *testing.T) {
	t.Parallel()
	r := newRelated(t)
	b := tab{t, chromium(t, "en", r.options...), "en"}
	r.user("ada@example.org")
	r.user("bob@example.org")
	enter := func(who, platform, next string) {
		t.Helper()
		_, err := chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{})
		r.must(err)
		b.do(chromedp.Navigate(mainHost+"/my/profile"), chromedp.WaitReady(chromedp.CSS("form#login [data-platform][value='"+platform+"']")))
		b.fill("input[name=login]", who)
		b.fill("input[name=password]", rightPassword)
		b.press("form#login #submit", next)
	}
	const inside = "form[action^='/my/profile']"
	enter("ada@example.org", "", inside)

	_, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{})
	r.must(err)
	_, err = chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	r.must(err)
	enter("bob@example.org", "1", "#enrol-never")
	b.press("#enrol-never", inside)
	enter("bob@example.org", "1", inside)

	enter("ada@example.org", "1", "#enrol-now")
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)))
	b.see("#enrol-never", "passkey-offer")
	b.press("#enrol-now", "#codes-kept")
	b.do(chromedp.Click(chromedp.CSS("#kept")))
	b.press("#codes-kept #submit", "#passkey-enrol button")
	b.press("#passkey-enrol button", inside)

	// The field's own offer, without a password.
	_, err = chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{})
	r.must(err)
	b.do(chromedp.Navigate(mainHost+"/my/profile"), chromedp.WaitVisible(chromedp.CSS(inside)))
}
