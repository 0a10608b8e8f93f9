package oidc_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
)

// devicesSeen is what the pages for devices were asked to draw last.
type devicesSeen struct {
	form    oidc.DeviceView
	confirm oidc.DeviceConfirmView
	done    oidc.DeviceDoneView
}

func (p *pages) Device(w http.ResponseWriter, _ *http.Request, v oidc.DeviceView) {
	p.note(w, 200, "page:device", func() { p.device.form = v })
}
func (p *pages) DeviceConfirm(w http.ResponseWriter, _ *http.Request, v oidc.DeviceConfirmView) {
	p.note(w, 200, "page:device-confirm", func() { p.device.confirm = v })
}
func (p *pages) DeviceDone(w http.ResponseWriter, _ *http.Request, v oidc.DeviceDoneView) {
	p.note(w, 200, "page:device-done", func() { p.device.done = v })
}

// till is a client for devices alone, which people must allow what it asks for.
func (h *house) till(id oidc.ClientID, more ...func(*oidc.Input)) oidc.Client {
	h.Helper()
	in := oidc.Input{ID: id, Type: oidc.Native, GrantTypes: []string{oidc.GrantDevice, "refresh_token"}}
	for _, f := range more {
		f(&in)
	}
	r, err := oidc.NewClient(in, h.now())
	h.must(err)
	h.must(h.db.Clients.Add(h.Context(), r.Client))
	return r.Client
}

const deviceAgent = "till/2.1"

// device begins for a client without a secret, which it must.
func (h *house) device(id oidc.ClientID, scope string) (device, user string) {
	h.Helper()
	m := h.good(h.do("POST", oidc.PathDeviceAuthorization, url.Values{"client_id": {string(id)}, "scope": {scope}}, "User-Agent", deviceAgent))
	return m["device_code"].(string), m["user_code"].(string)
}

func (h *house) poll(id oidc.ClientID, device string) answer {
	h.Helper()
	return h.do("POST", oidc.PathToken, url.Values{"grant_type": {oidc.GrantDevice}, "device_code": {device}, "client_id": {string(id)}})
}

// typeCode sends the form of the page, and follows where it leads.
func (h *house) typeCode(code string) answer {
	h.Helper()
	a := h.do("POST", oidc.PathDevice, url.Values{"user_code": {code}, "csrf": {"good"}})
	if a.to != nil && a.to.Path == oidc.PathDevice {
		a = h.do("GET", a.to.String(), nil)
	}
	return a
}

// reply answers the page that asks whether the device may.
func (h *house) reply(decision string) answer {
	h.Helper()
	h.pages.mu.Lock()
	form := url.Values{"decision": {decision}, "csrf": {"good"}}
	for name, v := range h.pages.device.confirm.Hidden {
		form.Set(name, v)
	}
	h.pages.mu.Unlock()
	return h.do("POST", oidc.PathDeviceConfirm, form)
}

// letIn types a code and allows what it asks for, as whoever is signed in.
func (h *house) letIn(code string) {
	h.Helper()
	if a := h.typeCode(code); a.body != "page:device-confirm" {
		h.Fatalf("%d %s", a.status, a.body)
	}
	if a := h.reply("allow"); a.body != "page:device-done" || !h.pages.device.done.Allowed {
		h.Fatalf("%d %s", a.status, a.body)
	}
}

// P-36, RFC 8628 §3: a device asks, a person in another browser types its
// code, signs in, compares and allows; the device gets what a code would bring.
func TestDevice(t *testing.T) {
	each(t, func(h *house) {
		h.till("till")
		a := h.do("POST", oidc.PathDeviceAuthorization, url.Values{"client_id": {"till"}, "scope": {"openid profile offline_access"}}, "User-Agent", deviceAgent)
		m := h.good(a)
		device, code := m["device_code"].(string), m["user_code"].(string)
		if m["verification_uri"] != h.url+"/device" || m["verification_uri_complete"] != h.url+"/device?user_code="+code || m["expires_in"] != 600.0 || m["interval"] != 5.0 ||
			len(device) < 43 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", m)
		}
		h.refused(h.poll("till", device), 400, "authorization_pending")
		h.refused(h.poll("till", device), 400, "slow_down")
		h.move(7 * time.Second) // §3.5: five seconds more than the five
		h.refused(h.poll("till", device), 400, "slow_down")
		h.move(15 * time.Second)
		h.refused(h.poll("till", device), 400, "authorization_pending")

		// A link with the code in it fills the form in, and no more (§5.4).
		if a := h.do("GET", "/device?user_code="+strings.ToLower(code), nil); a.body != "page:device" || h.pages.device.form.Code != code || h.pages.device.form.Wrong {
			t.Errorf("%s %+v", a.body, h.pages.device.form)
		}
		// Who types it signs in as the application wants it, and comes back.
		if a := h.typeCode(strings.ToLower(strings.Replace(code, "-", " ", 1))); a.to == nil || a.to.Path != "/login" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if k := h.lastAsk(); k.Client.ID != "till" || k.Need.Client != "till" || !strings.HasPrefix(k.ReturnTo, "/device?user_code="+code+"&") {
			t.Errorf("%+v", k)
		}
		s := h.signIn("ada", "totp")
		if a := h.do("GET", h.lastAsk().ReturnTo, nil); a.body != "page:device-confirm" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		v := h.pages.device.confirm
		if v.Client.ID != "till" || v.User.ID != "u-ada" || v.Code != code || v.From.Agent != deviceAgent || v.From.Address != "127.0.0.1" || v.Place != "Lyon" ||
			h.now().Sub(v.At) > time.Minute || !slices.Equal(v.Scopes, []string{"openid", "profile", "offline_access"}) {
			t.Errorf("%+v", v)
		}
		h.move(20 * time.Second)
		h.refused(h.poll("till", device), 400, "authorization_pending") // a GET has decided nothing
		if a := h.reply("allow"); a.body != "page:device-done" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		m = h.good(h.poll("till", device))
		id := h.claims(m["id_token"])
		if id["sub"] != "u-ada" || id["aud"] != "till" || id["acr"] != idp.AAL2 || id["sid"] != string(s.ID) || id["auth_time"] != float64(s.AuthTime().Unix()) ||
			id["nonce"] != nil || id["at_hash"] != half(m["access_token"].(string)) || m["token_type"] != "Bearer" || m["scope"] != "openid profile offline_access" {
			t.Errorf("%v %v", m, id) // P-20
		}
		if i := h.userInfo(m["access_token"]).json(t); i["name"] != "Ada Lovelace" {
			t.Errorf("%v", i)
		}
		// P-10: consent was given on that page, and a refresh asks about it.
		next := h.good(h.do("POST", oidc.PathToken, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {m["refresh_token"].(string)}, "client_id": {"till"}}))
		if h.events("device.allow", "ok") != 1 || h.events("token.issue", "ok") != 2 {
			t.Error("the log says nothing of it") // D-07
		}
		// P-04: a second use ends what came of the first.
		h.refused(h.poll("till", device), 400, "invalid_grant")
		h.refused(h.userInfo(next["access_token"]), 401, "invalid_token")
	})
}

// P-04: of parallel questions of a device one is answered, and of parallel
// decisions of a person one counts.
func TestDeviceRaces(t *testing.T) {
	each(t, func(h *house) {
		h.till("till")
		h.signIn("ada")
		device, code := h.device("till", "openid")
		h.typeCode(code)
		if got := race(12, func() answer { return h.reply("allow") }); got["200 false"] != 1 || got["410 false"] != 11 {
			h.Fatalf("decisions: %v; faults %v", got, h.faults)
		}
		if h.events("device.allow", "ok") != 1 {
			h.Error("it was decided more than once")
		}
		if got := race(12, func() answer { return h.poll("till", device) }); got["200 false"] != 1 || got["400 true"] != 11 {
			h.Fatalf("questions: %v; faults %v", got, h.faults)
		}
	})
}

// P-12, P-14, P-16, RFC 8628 §3.1: who may begin, and for what.
func TestDeviceRefused(t *testing.T) {
	h := open(t)
	h.till("till", func(in *oidc.Input) { in.Scopes = []string{"openid"} })
	h.add(oidc.Input{ID: "plain", Type: oidc.Native})
	h.add(oidc.Input{ID: "site", Type: oidc.Web, GrantTypes: []string{oidc.GrantDevice, "authorization_code"}})
	begin := func(form string, headers ...string) answer {
		v, err := url.ParseQuery(form)
		h.must(err)
		return h.do("POST", oidc.PathDeviceAuthorization, v, headers...)
	}
	h.refused(begin("client_id=plain"), 400, "unauthorized_client") // off by default
	h.refused(begin("client_id=nobody"), 401, "invalid_client")
	h.refused(begin(""), 401, "invalid_client")
	h.refused(begin("client_id=site"), 401, "invalid_client")
	h.refused(begin("client_id=site&client_secret=wrong"), 401, "invalid_client")
	h.refused(begin("client_id=till&scope=openid+email"), 400, "invalid_scope")
	h.refused(begin("client_id=till&scope=openid&scope=openid"), 400, "invalid_request")
	m := h.good(begin("scope=openid", basic("site")...))
	poll := url.Values{"grant_type": {oidc.GrantDevice}, "device_code": {m["device_code"].(string)}}
	h.refused(h.do("POST", oidc.PathToken, poll, basic("site")...), 400, "authorization_pending")
	h.refused(h.poll("site", m["device_code"].(string)), 401, "invalid_client")
	h.refused(h.poll("till", m["device_code"].(string)), 400, "invalid_grant") // another client's
	h.refused(h.poll("till", ""), 400, "invalid_request")
	h.refused(h.poll("till", "lk_dc_made.up"), 400, "invalid_grant")
	// What a device waits with is no code of a browser, nor when it is allowed.
	h.signIn("ada")
	h.letIn(m["user_code"].(string))
	h.refused(h.exchange(strings.Replace(m["device_code"].(string), "lk_dc_", "lk_ac_", 1), "site"), 400, "invalid_grant")
	h.good(h.do("POST", oidc.PathToken, poll, basic("site")...))

	c := &clock{}
	none := build(t, storetest.OpenAt(t, c.now), c, func(c *oidc.Config) { c.Devices = nil })
	none.till("till")
	none.refused(none.poll("till", "x"), 400, "unsupported_grant_type")
	if a := none.do("POST", oidc.PathDeviceAuthorization, url.Values{"client_id": {"till"}}); a.status != 404 {
		t.Error(a.status)
	}
}

// RFC 8628 §3.5: a no, and a code that is too old. A used, an expired and an
// unknown code look the same to who types them (§5.1).
func TestDeviceEnds(t *testing.T) {
	h := open(t)
	h.till("till")
	h.signIn("ada")
	used, code := h.device("till", "openid")
	h.typeCode(code)
	if a := h.reply("anything"); a.body != "page:device-done" || h.pages.device.done.Allowed || h.events("device.deny", "denied") != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.refused(h.poll("till", used), 400, "access_denied")
	if a := h.reply("allow"); a.status != 410 {
		t.Errorf("decided twice: %d", a.status)
	}
	old, stale := h.device("till", "openid")
	let, good := h.device("till", "openid")
	h.letIn(good)
	h.typeCode(stale) // its page is open
	h.move(601 * time.Second)
	h.refused(h.poll("till", old), 400, "expired_token")
	h.refused(h.poll("till", let), 400, "expired_token") // allowed, and never fetched
	if a := h.reply("allow"); a.status != 410 {
		t.Errorf("an expired code is allowed: %d", a.status)
	}
	for _, c := range []string{code, stale, "BBBB-BBBB", "not one", ""} {
		if a := h.typeCode(c); a.body != "page:device" || !h.pages.device.form.Wrong {
			t.Errorf("%q: %d %s", c, a.status, a.body)
		}
	}
}

// P-10, D-04, D-13: what was allowed is looked at once more when it is fetched.
func TestDeviceRechecks(t *testing.T) {
	h := open(t)
	for name, end := range map[string]func(idp.Session){
		"session ended":   func(s idp.Session) { h.end(s.ID) },
		"person disabled": func(idp.Session) { h.must(h.db.Users.SetDisabled(h.Context(), "u-bob", true)) },
		"group left": func(idp.Session) {
			c, err := h.db.Clients.ByID(h.Context(), "till-group-left")
			h.must(err)
			c.Groups = []string{"others"}
			h.must(h.db.Clients.Save(h.Context(), c))
		},
	} {
		login := map[bool]string{true: "bob", false: "ada"}[name == "person disabled"]
		if login == "bob" {
			h.user("bob")
		}
		id := oidc.ClientID("till-" + strings.ReplaceAll(name, " ", "-"))
		h.till(id)
		s := h.signIn(login)
		device, code := h.device(id, "openid")
		h.letIn(code)
		end(s)
		h.refused(h.poll(id, device), 400, "invalid_grant")
		h.refused(h.poll(id, device), 400, "invalid_grant")
	}
}

// RFC 8628 §6.1: case, hyphens and spaces are forgiven; nothing else is.
func TestUserCodes(t *testing.T) {
	for in, want := range map[string]string{
		"WDJB-MJHT": "WDJBMJHT", "wdjb mjht": "WDJBMJHT", " wdjbmjht ": "WDJBMJHT", "w.d.j.b–m.j.h.t": "WDJBMJHT",
		"WDJB-MJH": "", "WDJB-MJHTT": "", "WDJA-MJHT": "", "WDJ1-MJHT": "", "": "", "ＷＤＪＢ-ＭＪＨＴ": "", strings.Repeat("W", 1<<16): "",
	} {
		if got := oidc.ReadUserCode(in); got != want {
			t.Errorf("%.20q is %q, want %q", in, got, want)
		}
	}
	seen := map[string]bool{}
	for range 1000 {
		c := oidc.NewUserCode()
		if oidc.ReadUserCode(c) != c || seen[c] {
			t.Errorf("%s", c)
		}
		seen[c] = true
	}
}

// P-36: which clients may have the grant, and that none has it unasked. One for
// devices alone needs no address of a browser.
func TestDeviceRegistration(t *testing.T) {
	now := time.Now()
	for _, typ := range []oidc.Type{oidc.Odoo, oidc.Web, oidc.SPA, oidc.Native, oidc.Service} {
		in := oidc.Input{Type: typ, RedirectURIs: []string{callback}}
		if typ == oidc.Service {
			in.RedirectURIs = nil
		}
		r, err := oidc.NewClient(in, now)
		if err != nil || slices.Contains(r.Client.GrantTypes, oidc.GrantDevice) {
			t.Errorf("%s has it unasked: %v", typ, err)
		}
		in.GrantTypes = oidc.FullGrants([]string{"device_code"})
		r, err = oidc.NewClient(in, now)
		if may := typ == oidc.Web || typ == oidc.Native; may != (err == nil) {
			t.Errorf("%s: %v", typ, err)
		} else if may && (!slices.Equal(r.Client.GrantTypes, []string{oidc.GrantDevice}) || len(r.Client.ResponseTypes) != 0) {
			t.Errorf("%s: %v %v", typ, r.Client.GrantTypes, r.Client.ResponseTypes)
		}
	}
	lone, err := oidc.NewClient(oidc.Input{Type: oidc.Native, GrantTypes: []string{oidc.GrantDevice}}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lone.Client.Check(); err != nil {
		t.Error(err)
	}
	both, err := oidc.NewClient(oidc.Input{Type: oidc.Native, GrantTypes: []string{oidc.GrantDevice, "authorization_code"}, RedirectURIs: []string{callback}}, now)
	if err != nil || !slices.Equal(both.Client.ResponseTypes, []string{"code"}) {
		t.Errorf("%v %v", both.Client.ResponseTypes, err)
	}
	both.Client.RedirectURIs = nil
	if _, err := both.Client.Check(); err == nil {
		t.Error("a client with codes has no address")
	}
}

// RFC 8628 §4: discovery says where devices begin.
func TestDeviceDiscovery(t *testing.T) {
	h := open(t)
	m := h.do("GET", oidc.PathDiscovery, nil).json(t)
	if grants, _ := m["grant_types_supported"].([]any); m["device_authorization_endpoint"] != h.url+oidc.PathDeviceAuthorization || !slices.Contains(grants, any(oidc.GrantDevice)) {
		t.Errorf("%v", m)
	}
}
