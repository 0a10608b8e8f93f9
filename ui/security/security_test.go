package security

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/page/pagetest"
)

func key(v *pagetest.Visitor) string {
	return strings.Join(strings.Fields(v.Doc.Find("code.secret").Text()), "")
}

// S-09: the page at a glance, in words; nothing of it is kept by the browser.
func TestOverview(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.enter("ada", Home).Want(200, Home)
	v.Has(".state-off", "#banner[data-level=info] a[href='/my/security/totp']", "form#logout", "a[href='/my/security/devices']", "a[href='/my/security/sessions']",
		"a[href='/my/security/password']", "a[href='/my/security/history']", "a[href='/my/security/passkeys']", "a[href='/my/security/phones']").
		HasNot("a[href='/my/security/disable']", "#no-codes").
		Says("You sign in with your password alone", "1 session", "Recommended", "Sign-in Successful")
	if got := v.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	h.add("bob", secret)
	h.enter("bob", Home).Want(200, Home).Has(".state-on", "#no-codes", "a[href='/my/security/disable']").HasNot("#banner").Says("1 app")
}

// S-06: nobody who is not signed in sees any of it, and half is not whole (M-02).
func TestDoors(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	for _, path := range []string{"", "/totp", "/backup-codes", "/passkeys", "/phones", "/devices", "/sessions", "/history", "/password", "/disable"} {
		v := h.visit().Get(Home+path).Want(200, "/login")
		v.Submit("login", "login", "ada", "password", pass).Want(200, "/login/factor")
		other := h.visit()
		other.Client.Jar = v.Client.Jar
		other.Get(Home+path).Want(200, "/login")
		v.Submit("factor", "code", h.code(secret)).Want(200, Home+path)
	}
}

// M-05: what changes something asks for a recent proof, first; what only shows
// does not. A form that comes too late leads back to its page.
func TestReauthentication(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.enter("ada", Home)
	h.clock.Pass(6 * time.Minute)
	for _, path := range []string{"", "/devices", "/sessions", "/history"} {
		v.Get(Home+path).Want(200, Home+path)
	}
	for _, path := range []string{"/totp", "/backup-codes", "/passkeys", "/phones", "/password", "/disable"} {
		h.clock.Pass(6 * time.Minute)
		v.Get(Home+path).Want(200, "/login").Has("form#reauthenticate input[name=password]")
		h.prove(v, "ada").Want(200, Home+path)
	}
	h.clock.Pass(6 * time.Minute)
	v.Get(Home+"/sessions").Submit("session-end-others").Want(200, "/login")
	h.prove(v, "ada").Want(200, Home+"/sessions").Has("#again")
	v.Submit("session-end-others").Want(200, Home+"/sessions").Has("#done")
}

// M-07, X-10: three steps without a script; leaving any of them changes nothing.
func TestWizard(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	v := h.enter("ada", Home).Follow("#banner a")
	v.Want(200, Home+"/totp/scan").Has("svg.qr", "a[href^='otpauth://totp/']", "ol.steps [aria-current=step]", "a#next", "a#cancel")
	shown, address := key(v), v.At.RequestURI()
	if again := key(v.Get(address)); again != shown || len(shown) != 32 {
		t.Errorf("after reloading %q, before %q", again, shown)
	}
	v.Follow("a#next").Want(200, Home+"/totp/codes").Has("ol.codes", "a#download", "form#codes-kept input[name=kept]")
	codes := v.Doc.Find("ol.codes code").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if len(codes) != 10 {
		t.Fatalf("codes %q", codes)
	}
	file := h.visit()
	file.Client.Jar = v.Client.Jar
	file.Get(v.Doc.Find("a#download").AttrOr("href", ""))
	if got := file.Header.Get("Content-Disposition"); got != "attachment; filename=backup-codes.txt" || !strings.Contains(string(file.Body), codes[9]) {
		t.Errorf("%q: %s", got, file.Body)
	}
	ticket := v.At.Query().Get("w")
	v.Get(Home+"/totp/confirm?w="+ticket).Want(200, Home+"/totp/codes") // M-03: not skipped
	v.Submit("codes-kept").Want(400, Home+"/totp/codes").Has("[role=alert] a[href='#kept']")
	v.Submit("codes-kept", "kept", "yes").Want(200, Home+"/totp/confirm").Has("form#totp-confirm input[name=code][autocomplete=one-time-code]", "input[name=end_others][checked]")
	v.Submit("totp-confirm", "code", "12345", "label", "My phone").Want(400, Home+"/totp/confirm").Has("[role=alert]#wrong", "input[name=label][value='My phone']")
	v.Submit("totp-confirm", "code", "000000").Want(401, Home+"/totp/confirm").Has("input[name=code][aria-invalid=true]")
	if ks := h.held(u); len(ks) != 0 {
		t.Fatalf("%q before the last step", ks)
	}
	before := session(h, v)
	v.Submit("totp-confirm", "code", h.code(shown), "label", "My phone").Want(200, Home+"/totp").Has("#done").Says("My phone")
	if after := session(h, v); after == before {
		t.Error("S-01: the session has its old name")
	}
	v.Get(Home).Want(200, Home).Has(".state-on").Says("10 codes left", "1 app")
	v.Get(Home+"/totp/scan?w="+ticket).Want(200, Home+"/totp") // M-12: what is confirmed is not shown again
}

func session(h *house, v *pagetest.Visitor) string {
	for _, c := range v.Client.Jar.Cookies(v.At) {
		if strings.Contains(c.Name, "session") {
			return c.Value
		}
	}
	h.t.Fatal("no session")
	return ""
}

// M-09, M-06: a factor is renamed and removed; the last one with the password.
func TestRemove(t *testing.T) {
	h := open(t)
	u := h.add("ada", secret)
	v := h.enter("ada", Home+"/totp").Want(200, Home+"/totp")
	id := strings.TrimPrefix(v.Doc.Find("form[id^=factor-remove-]").AttrOr("id", ""), "factor-remove-")
	v.Submit("factor-rename-"+id, "label", "Old <phone>").Want(200, Home+"/totp").Has("#done").Says("Old <phone>")
	v.Submit("totp-add").Want(200, Home+"/totp/scan")
	added := key(v)
	v.Follow("a#next").Submit("codes-kept", "kept", "yes").Submit("totp-confirm", "code", h.code(added)).Want(200, Home+"/totp")
	v.Submit("factor-remove-"+id).Want(200, Home+"/totp").Has("#done")
	if ks := h.held(u); len(ks) != 2 {
		t.Errorf("%q", ks)
	}
	last := v.Doc.Find("form[id^=factor-remove-]").AttrOr("id", "")
	v.Says("This is your last method").Submit(last).Want(200, Home+"/disable").Has("form#factors-disable input[name=password]")
	v.Submit("factors-disable", "password", "wrong").Want(401, Home+"/disable").Has("#wrong")
	v.Submit("factors-disable", "password", pass).Want(200, Home).Has("#done", ".state-off")
	if ks := h.held(u); len(ks) != 0 {
		t.Errorf("%q", ks)
	}
}

// M-09: policy forbids, and the page says which one.
func TestRefusedByPolicy(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	h.demand(policy.What{Assurance: policy.MFA})
	v := h.enter("ada", Home+"/disable").Want(200, Home+"/disable").Has("#refused").HasNot("form#factors-disable").Says("everybody")
	res, err := v.Client.PostForm(h.URL+Home+"/disable", map[string][]string{"csrf": {csrf(v.Get(Home + "/password"))}, "password": {pass}})
	v.Take(res, err).Want(403, Home+"/disable").Has("#refused")
}

func csrf(v *pagetest.Visitor) string { return v.Doc.Find("input[name=csrf]").AttrOr("value", "") }

// T-12: new backup codes; the old ones are good until the new ones are kept.
func TestBackupCodes(t *testing.T) {
	h := open(t)
	u := h.add("ada", secret)
	v := h.enter("ada", Home+"/backup-codes").Want(200, Home+"/backup-codes").Says("No codes left")
	v.Submit("codes-new").Want(200, Home+"/backup-codes/new").Has("ol.codes", "a#download", "form#codes-kept")
	v.Submit("codes-kept").Want(400, Home+"/backup-codes/new")
	if len(h.held(u)) != 1 {
		t.Error("codes before they are kept")
	}
	v.Submit("codes-kept", "kept", "yes").Want(200, Home+"/backup-codes").Has("#done").Says("10 codes left")
	v.Get(Home).HasNot("#no-codes", "#few-codes")
}

// T-14, M-16: a number and an address, each with a code.
func TestPhones(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	v := h.enter("ada", Home+"/phones").Want(200, Home+"/phones").Says("safer: text messages can be intercepted")
	v.Submit("phone-add", "phone", "12 <b>").Want(400, Home+"/phones").Has("#wrong", "input[name=phone][value='12 <b>'][aria-invalid=true]")
	v.Submit("phone-add", "phone", "+33 6 12 34 56 78").Want(200, Home+"/phones/confirm").Has("form#phone-confirm input[name=code]", "form#factor-again")
	if strings.Contains(v.At.RawQuery, "33612345678") || h.sent.To != "+33612345678" {
		t.Errorf("%s, sent to %s", v.At, h.sent.To)
	}
	v.Submit("phone-confirm", "code", "000000").Want(401, Home+"/phones/confirm").Has("#wrong")
	v.Submit("factor-again").Want(429, Home+"/phones/again").Has("#wrong")
	v.Submit("phone-confirm", "code", h.sent.Code).Want(200, Home+"/backup-codes").Has("#done", "#first")
	h.clock.Pass(time.Minute)
	err := h.db.Policies.Apply(t.Context(), []policy.Policy{{ // beside a better factor e-mail counts where it is named
		Name: "mail will do", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Methods: []mfa.Kind{"totp", "sms", "email", "backup"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	v.Get(Home+"/phones").Submit("email-add").Want(200, Home+"/phones/confirm").Has("form#email-confirm")
	v.Submit("email-confirm", "code", h.sent.Code).Want(200, Home+"/backup-codes").Has("#done")
	if ks := h.held(u); !slices.Equal(ks, []mfa.Kind{"sms", "email"}) {
		t.Errorf("%q", ks)
	}
	v.Get(Home+"/phones").HasNot("form#email-add").Submit(v.Doc.Find("form[id^=factor-remove-]").AttrOr("id", "")).Want(200, Home+"/phones").Has("#done")
}

// S-06: trusted devices and sessions, one or all of them.
func TestDevicesAndSessions(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	h.demand(policy.What{Devices: &policy.Devices{Days: 30}})
	v := h.visit().Get(Home).Submit("login", "login", "ada", "password", pass).Submit("factor", "code", h.code(secret), "trust_device", "yes").Want(200, Home)
	v.Says("1 device")
	v.Get(Home+"/devices").Want(200, Home+"/devices").Has("form[id^=device-forget-]", "form#device-forget-all").Says("This device", "Until", "127.0.0.1", "30 days")
	other := h.enter("ada", Home)
	v.Get(Home+"/sessions").Want(200, Home+"/sessions").Has("li[aria-current=true]", "form#session-end-others").Says("This session")
	if n := v.Doc.Find("form[id^=session-end-]").Length(); n != 2 {
		t.Errorf("%d forms, want one for the other session and one for all", n)
	}
	v.Submit(v.Doc.Find("form[id^=session-end-]").First().AttrOr("id", "")).Want(200, Home+"/sessions").Has("#done")
	other.Get(Home).Want(200, "/login") // S-05
	v.Get(Home+"/devices").Submit("device-forget-all").Want(200, Home+"/devices").Has("#done", "#none")
	v.Get(Home).Want(200, Home)
	fresh := h.visit()
	fresh.Client.Jar = v.Client.Jar
	v.Submit("logout")
	fresh.Get(Home).Submit("login", "login", "ada", "password", pass).Want(200, "/login/factor") // trusted no more
}

// A-05, S-01: the password; what was wrong is said, and nothing typed comes back.
func TestPassword(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v, other := h.enter("ada", Home+"/password").Want(200, Home+"/password"), h.enter("ada", Home)
	v.Has("form#password-change input[name=current_password][autocomplete=current-password]", "input[name=new_password][autocomplete=new-password]", "input[autocomplete=username]")
	next := "another lantern in the dark"
	v.Submit("password-change", "current_password", "wrong", "new_password", next).Want(401, Home+"/password").Has("#wrong", "input[name=current_password][aria-invalid=true]").HasNot("input[type=password][value]")
	v.Submit("password-change", "current_password", pass, "new_password", "short-7").Want(400, Home+"/password").Has("input[name=new_password][aria-invalid=true]").Says("15")
	v.Submit("password-change", "current_password", pass, "new_password", pass).Want(400, Home+"/password")
	v.Submit("password-change", "current_password", pass, "new_password", strings.Repeat("x", 300)).Want(400, Home+"/password")
	v.Submit("password-change", "current_password", pass, "new_password", next).Want(200, Home+"/password").Has("#done")
	v.Get(Home).Want(200, Home)
	other.Get(Home).Want(200, "/login")
	h.visit().Get(Home).Submit("login", "login", "ada", "password", next).Want(200, Home)
}

// D-12: the history page by page, and "it was not me".
func TestHistory(t *testing.T) {
	h := open(t)
	ada := h.add("ada", "", func(n *account.New) { n.Profile.Zoneinfo = "Europe/Paris" })
	for range 30 {
		h.clock.Pass(time.Second)
		h.must(h.db.Log.Append(t.Context(), idp.Event{
			ID: time.Duration(h.clock.Now().UnixNano()).String(), At: h.clock.Now(), What: "signin", User: ada.ID, Actor: ada.ID, Result: "ok", Method: "pwd",
			Origin: idp.Origin{Address: "203.0.113.7", Agent: "Mozilla/5.0 (iPhone) Safari <script>"},
		}))
	}
	v, thief := h.enter("ada", Home+"/history").Want(200, Home+"/history"), h.enter("ada", Home)
	if n := v.Doc.Find("ul.lines > li").Length(); n != 25 {
		t.Errorf("%d lines", n)
	}
	v.Says("Safari on iPhone", "203.0.113.7", "Password", "Successful")
	if all := string(v.Body); strings.Contains(all, "<script>") || !strings.Contains(all, "CE") {
		t.Error("the agent's own words, or not the person's zone")
	}
	v.Follow("a#older").Want(200, Home+"/history").Has("a#newest").HasNot("a#older")
	if n := v.Doc.Find("ul.lines > li").Length(); n == 0 {
		t.Error("no older lines")
	}
	v.Get(Home+"/history?at=x&id=y").Want(200, Home+"/history")
	v.Get(Home).Want(200, Home)
	if n := v.Doc.Find("ul.lines > li").Length(); n != 10 {
		t.Errorf("%d of the last ten sign-ins", n)
	}
	v.Submit(v.Doc.Find("form[id^=not-me-]").First().AttrOr("id", "")).Want(200, Home+"/password").Has("#done", "form#password-change")
	thief.Get(Home).Want(200, "/login")
	v.Get(Home).Want(200, Home)
}

// D-01: the same pages for those who help, and for nobody else.
func TestForSomebodyElse(t *testing.T) {
	h := open(t)
	ada := h.add("ada", secret)
	h.add("bob", secret)
	h.add("desk", secret, func(n *account.New) { n.Role = idp.HelpDesk })
	base := "/admin/users/" + string(ada.ID) + "/security"
	h.enter("bob", base).Want(403, base)
	v := h.enter("desk", base).Want(200, base).Says("Security of Person ada").HasNot("form#logout", "form[id^=not-me-]")
	v.Get(base+"/totp").Want(200, base+"/totp").HasNot("form#totp-add")
	for _, path := range []string{"/password", "/disable", "/backup-codes"} {
		if v.Get(base + path); v.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, v.Status)
		}
	}
	v.Get(base+"/totp").Submit(v.Doc.Find("form[id^=factor-remove-]").AttrOr("id", "")).Want(200, base+"/totp").Has("#done")
	if ks := h.held(ada); len(ks) != 0 {
		t.Errorf("%q", ks)
	}
}

// no form of ours, no change.
func TestForged(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.enter("ada", Home)
	for _, path := range []string{"/totp", "/totp/codes", "/totp/confirm", "/backup-codes", "/backup-codes/new", "/phones", "/phones/confirm", "/phones/again", "/devices/forget", "/devices/forget-all",
		"/sessions/end", "/sessions/end-others", "/factors/remove", "/factors/rename", "/password", "/disable", "/history/not-me"} {
		res, err := v.Client.PostForm(h.URL+Home+path, map[string][]string{"csrf": {"x"}})
		if v.Take(res, err); v.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, v.Status)
		}
	}
}

// Every page speaks both languages.
func TestFrench(t *testing.T) {
	h := open(t)
	h.add("ada", secret, func(n *account.New) { n.Locale = "fr" })
	v := h.enter("ada", Home).Want(200, Home).Has("html[lang=fr]").Says("Validation en deux étapes", "1 application")
	for _, path := range []string{"/totp", "/backup-codes", "/passkeys", "/phones", "/devices", "/sessions", "/history", "/password", "/disable"} {
		v.Get(Home+path).Want(200, Home+path).Has("html[lang=fr]")
		if found := regexp.MustCompile(`\b[a-z]+\.[a-z]+[._][a-z_.]+`).FindString(v.Doc.Find("main").Text()); found != "" {
			t.Errorf("%s shows the key %s", path, found)
		}
	}
}
