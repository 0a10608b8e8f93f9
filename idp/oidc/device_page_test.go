package oidc_test

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// Whom the gate or the application's groups keep out lets nothing in, and does
// not spend the code either (D-07, P-10).
func TestDeviceGate(t *testing.T) {
	h := open(t)
	h.till("till", func(in *oidc.Input) { in.Groups = []string{"staff"} })
	h.user("mallory")
	device, code := h.device("till", "openid")
	for _, login := range []string{"ada", "mallory"} {
		h.signIn(login)
		if a := h.typeCode(code); a.status != 403 || a.body != "page:error:denied" {
			t.Errorf("%s: %d %s", login, a.status, a.body)
		}
	}
	if h.events("device.allow", "denied") != 2 {
		t.Error("the log says nothing of it")
	}
	h.must(h.db.Groups.Put(h.Context(), "staff"))
	h.must(h.db.Groups.Join(h.Context(), "staff", "u-ada"))
	h.signIn("ada")
	h.letIn(code)
	h.good(h.poll("till", device))
}

// P-32, X-01: a decision is of one browser, session and code, and comes from a
// form of ours. What has no mark tells nothing of codes, which nobody counts
// there.
func TestDeviceBinding(t *testing.T) {
	h := open(t)
	h.till("till")
	h.signIn("ada")
	device, code := h.device("till", "openid")
	_, other := h.device("till", "openid")
	h.typeCode(code)
	seen := h.pages.device.confirm.Hidden
	decide := func(code, csrf string) answer {
		return h.do("POST", oidc.PathDeviceConfirm, url.Values{"user_code": {code}, "mark": {seen["mark"]}, "csrf": {csrf}, "decision": {"allow"}})
	}
	for _, c := range []string{other, "BBBB-BBBB", ""} {
		if a := decide(c, "good"); a.status != 403 || a.body != "page:error:forged" {
			t.Errorf("%q: %d %s", c, a.status, a.body)
		}
	}
	if a := decide(code, "bad"); a.status != 403 {
		t.Errorf("a form of others: %d", a.status)
	}
	mine := h.client
	h.client = agent() // another browser, with the same person
	h.signIn("ada")
	if a := decide(code, "good"); a.status != 403 {
		t.Errorf("another browser: %d", a.status)
	}
	// Nor does the address that one browser was sent to work in another.
	h.client = mine
	to := h.do("POST", oidc.PathDevice, url.Values{"user_code": {code}, "csrf": {"good"}}).to.String()
	h.client = agent()
	h.signIn("ada")
	if a := h.do("GET", to, nil); a.body != "page:device" || h.pages.device.form.Code != code {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.refused(h.poll("till", device), 400, "authorization_pending")
}

// B-03, B-04, B-07, RFC 8628 §5.1: ten wrong codes, whoever types them in
// parallel; then a right one is no better. A right one in between forgives
// only itself.
func TestUserCodesAreCounted(t *testing.T) {
	each(t, func(h *house) {
		h.till("till")
		_, code := h.device("till", "openid")
		try := func(code string) answer {
			return h.do("POST", oidc.PathDevice, url.Values{"user_code": {code}, "csrf": {"good"}})
		}
		try("BBBB-BBBB") // the browser gets its cookie
		got := race(8, func() answer { return try("CCCC-CCCC") })
		if a := try(code); a.status != 303 || got["200 false"] != 8 {
			h.Fatalf("%d after %v", a.status, got)
		}
		try("DDDD-DDDD")
		a := try(code)
		if a.status != 429 || a.body != "page:error:locked" || a.header.Get("Retry-After") == "" {
			h.Errorf("%d %s %v", a.status, a.body, a.header)
		}
		h.client = agent() // a browser that is new has tries of its own; the network has fewer
		for n := range 25 {
			if n%9 == 0 {
				h.client = agent()
				try("") // gets the cookie, and is no try
			}
			a = try("BBBB-BBBB")
		}
		if a.status != 429 {
			h.Errorf("the network: %d", a.status)
		}
		h.move(16 * time.Minute)
		if a := try("BBBB-BBBB"); a.status != 200 {
			h.Errorf("afterwards: %d", a.status)
		}
	})
}

// C-12: strangers cannot fill the table; a client that has proven itself may
// begin for many people.
func TestDevicesThatBeginAreCounted(t *testing.T) {
	h := open(t)
	h.till("till")
	h.add(oidc.Input{ID: "site", Type: oidc.Web, GrantTypes: []string{oidc.GrantDevice}})
	for range 60 {
		h.device("till", "openid")
	}
	a := h.do("POST", oidc.PathDeviceAuthorization, url.Values{"client_id": {"till"}})
	h.refused(a, 429, "slow_down")
	if a.header.Get("Retry-After") == "" {
		t.Error("when to come back is not said")
	}
	h.good(h.do("POST", oidc.PathDeviceAuthorization, url.Values{}, basic("site")...))
}

// P-36, RFC 8628 §5.1: what was signed for another purpose opens no look-up of
// codes: a consent page's stamp on a request that has a user_code in it, too.
func TestStampsOfOthersAtDevice(t *testing.T) {
	h := open(t)
	h.till("till")
	h.add(oidc.Input{ID: "shop", Type: oidc.Web})
	_, code := h.device("till", "openid")
	h.signIn("ada")
	if a := h.authorize(ask("shop", "user_code", code)); a.body != "page:consent" {
		t.Fatalf("%d %v %s", a.status, a.to, a.body)
	}
	u, err := url.Parse(h.url)
	h.must(err)
	browser := ""
	for _, c := range h.client.Jar.Cookies(u) {
		if c.Name == "b" {
			browser = c.Value
		}
	}
	at := func(query string) string { return oidc.StampDevice(h.p, query, browser, h.now()) }
	if a := h.do("GET", oidc.PathDevice+"?"+at("user_code="+code), nil); a.body != "page:device-confirm" {
		t.Fatalf("our own address: %d %s", a.status, a.body)
	}
	for _, query := range []string{
		h.pages.consent.Hidden["request"], "user_code=" + code, oidc.StampAuthorize(h.p, "user_code="+code, browser, h.now()),
		at("user_code=" + code + "&user_code=" + code), at("client_id=shop&user_code=" + code), at("user_code=" + strings.ToLower(code)),
	} {
		if a := h.do("GET", oidc.PathDevice+"?"+query, nil); a.body != "page:device" || h.pages.device.form.Wrong {
			t.Errorf("%s: %d %s %+v", query, a.status, a.body, h.pages.device.form)
		}
	}
}

// P-36, B-03: the address that a right code led to is counted, too, when it is
// loaded anew: not while the code is good, but as every wrong one afterwards.
func TestDeviceAddressIsCounted(t *testing.T) {
	h := open(t)
	h.till("till")
	h.signIn("ada")
	_, code := h.device("till", "openid")
	at := h.do("POST", oidc.PathDevice, url.Values{"user_code": {code}, "csrf": {"good"}}).to.String()
	for range 15 {
		if a := h.do("GET", at, nil); a.body != "page:device-confirm" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	h.reply("deny")
	for range 10 {
		if a := h.do("GET", at, nil); a.body != "page:device" || !h.pages.device.form.Wrong {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a := h.do("GET", at, nil); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// shortened leaves less of the budget that all networks share.
type shortened struct {
	mfa.Limiter
	seen *[]mfa.Budget
}

func (l shortened) Take(ctx context.Context, bs ...mfa.Budget) error {
	for i := range bs {
		if bs[i].Key == "device:all" {
			*l.seen = append(*l.seen, bs[i])
			bs[i].Max = 5
		}
	}
	return l.Limiter.Take(ctx, bs...)
}

// P-36, B-03, B-10: many browsers in many networks together have so many tries.
func TestUserCodesAreCountedInAll(t *testing.T) {
	var seen []mfa.Budget
	c, networks := &clock{}, 0
	db := storetest.OpenAt(t, c.now)
	h := build(t, db, c, func(c *oidc.Config) {
		c.Devices.Limiter = shortened{db.Limiter, &seen}
		c.Devices.Network = func(string) string { networks++; return strconv.Itoa(networks) }
	})
	h.till("till")
	_, code := h.device("till", "openid")
	try := func(code string) answer {
		h.client = agent()
		return h.do("POST", oidc.PathDevice, url.Values{"user_code": {code}, "csrf": {"good"}})
	}
	for range 5 {
		if a := try("BBBB-BBBB"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a := try(code); a.status != 429 || a.body != "page:error:locked" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if b := seen[0]; b.Max != 3000 || b.Per != 15*time.Minute || !b.Shared {
		t.Errorf("%+v", b)
	}
	h.move(16 * time.Minute)
	if a := try("BBBB-BBBB"); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

// P-19, P-36: what a client registered of how people must sign in counts for its
// devices as well, from when they began.
func TestDeviceDefaults(t *testing.T) {
	h := open(t)
	age := int64(60)
	h.till("old", func(in *oidc.Input) { in.MaxAge = &age })
	h.till("strong", func(in *oidc.Input) { in.ACRs = []string{idp.AAL2} })
	h.signIn("ada")
	h.move(2 * time.Hour)
	for _, id := range []oidc.ClientID{"old", "strong"} {
		began := h.now()
		device, code := h.device(id, "openid")
		if a := h.typeCode(code); a.to == nil || a.to.Path != "/login" {
			t.Fatalf("%s: %d %s", id, a.status, a.body)
		}
		need := h.lastAsk().Need
		if late := began.Sub(need.Since); id == "old" && (late < time.Minute || late > 62*time.Second) || id == "strong" && need.ACR != idp.AAL2 {
			t.Errorf("%s: %+v", id, need)
		}
		h.signIn("ada", "totp")
		h.move(2 * time.Minute) // comparing takes its time, and is no new request
		if a := h.do("GET", h.lastAsk().ReturnTo, nil); a.body != "page:device-confirm" {
			t.Fatalf("%s: %d %v %s", id, a.status, a.to, a.body)
		}
		if a := h.reply("allow"); a.body != "page:device-done" {
			t.Fatalf("%s: %d %v %s", id, a.status, a.to, a.body)
		}
		if m := h.claims(h.good(h.poll(id, device))["id_token"]); m["acr"] != idp.AAL2 {
			t.Errorf("%s: %v", id, m)
		}
		h.client = agent()
		h.signIn("ada")
		h.move(2 * time.Hour)
	}
}
