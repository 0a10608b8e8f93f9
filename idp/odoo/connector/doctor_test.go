package connector_test

import (
	"cmp"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
)

// wrongs are what can go wrong, and how the doctor must name it.
var wrongs = []struct {
	check string
	level connector.Level
	says  string
	fixes bool
	from  int // series that it is about; 0: all
	to    int
	do    func(h *office)
}{
	{check: "wrong_key", level: connector.Problem, says: "expired", do: func(h *office) { h.odoo.Key = "revoked" }},
	{check: "module", level: connector.Problem, says: "auth_oauth", do: func(h *office) { h.setModule("auth_oauth", "uninstalled") }},
	{check: "client", level: connector.Problem, says: "gone", do: func(h *office) { h.must(h.parts.Clients.Remove(h.Context(), "shop")) }},
	{check: "client", level: connector.Problem, says: "disabled", do: func(h *office) { h.change(func(c *oidc.Client) { c.Disabled = true }) }},
	{check: "provider_row", level: connector.Problem, says: "gone", fixes: true, do: func(h *office) { h.odoo.Remove("auth.oauth.provider", h.provider()) }},
	{check: "provider_row", level: connector.Problem, says: "enabled", fixes: true, do: func(h *office) { h.setRow(odootest.Record{"enabled": false}) }},
	{check: "provider_row", level: connector.Problem, says: "scope", fixes: true, do: func(h *office) { h.setRow(odootest.Record{"scope": false}) }},
	{check: "label", level: connector.Advice, says: "fr_FR", fixes: true, do: func(h *office) { h.odoo.Add("res.lang", odootest.Record{"name": "French", "code": "fr_FR"}) }},
	{check: "data_endpoint", level: connector.Problem, says: "data_endpoint", fixes: true, do: func(h *office) { h.setRow(odootest.Record{"data_endpoint": "https://x.example.org"}) }},
	{check: "proxy_mode", level: connector.Problem, says: "proxy_mode", do: func(h *office) { h.odoo.Front = "http://odoo:8069" }},
	{check: "hosts", level: connector.Problem, says: "new.example.org", fixes: true, do: func(h *office) { h.odoo.SetParam("web.base.url", "https://new.example.org") }},
	{check: "validation", level: connector.Problem, says: "did not ask", fixes: true, do: func(h *office) { h.setRow(odootest.Record{"validation_endpoint": "http://127.0.0.1:1/x"}) }},
	{check: "issuer", level: connector.Problem, says: "does not answer", do: func(h *office) { h.doors.Close() }},
	{check: "header_parameter", level: connector.Advice, says: "header", do: func(h *office) { h.odoo.SetParam("auth_oauth.authorization_header", "True") }},
	{check: "token_as_password", level: connector.Problem, says: "password", fixes: true, to: 17, do: func(h *office) { h.change(func(c *oidc.Client) { c.Sessions = oidc.SessionsMulti }) }},
	{check: "clock", level: connector.Problem, says: "2m0s", do: func(h *office) { h.odoo.Skew(2 * time.Minute) }},
	{check: "key_expiry", level: connector.Problem, says: "expires", from: 18, do: func(h *office) {
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Latchkey", "user_id": int64(odootest.Admin), "expiration_date": h.clock.Now().AddDate(0, 0, 5).Format("2006-01-02 15:04:05")})
	}},
	{check: "unlinked", level: connector.Problem, says: "eve", do: func(h *office) { h.odoo.AddUser("eve", "Eve", "eve@example.org", true) }},
	{check: "duplicates", level: connector.Problem, says: "dup@example.org", do: func(h *office) {
		h.odoo.AddUser("dup@example.org", "D", "", true)
		h.odoo.AddUser("d", "D", "Dup@Example.org", true)
	}},
	// The contract fake has a website in even series, and there sign-up is its website's.
	{check: "sign_up", level: connector.Advice, says: "b2c", from: 17, do: func(h *office) { h.odoo.SetParam("auth_signup.invitation_scope", "b2c") }},
	{check: "password_reset", level: connector.Advice, says: "past the second factor", do: func(h *office) { h.odoo.SetParam("auth_signup.reset_password", "True") }},
	{check: "password_reset", level: connector.Problem, says: "past the second factor", fixes: true, do: func(h *office) {
		h.lock()
		h.odoo.SetParam("auth_signup.reset_password", "True")
	}},
	{check: "local_passwords", level: connector.Advice, says: "bob", do: func(h *office) { h.person("bob") }},
	{check: "local_passwords", level: connector.Problem, says: "late", do: func(h *office) { h.lock(); h.person("late") }},
	{check: "signed_in_past_us", level: connector.Problem, says: "ada", do: func(h *office) { h.lock(); h.wait(time.Hour); h.cameIn(h.ada()) }},
	{check: "signed_in_past_us", level: connector.Advice, says: "ways in of their own", do: func(h *office) {
		h.lock()
		h.wait(time.Hour)
		h.cameIn(h.ada())
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Script", "user_id": h.ada()})
	}},
	{check: "screen_lock", level: connector.Advice, says: "group_user", from: 19, do: (*office).lockScreens},
	{check: "screen_lock", level: connector.Problem, says: "Inactivity", from: 19, do: func(h *office) { h.lock(); h.lockScreens() }},
	{check: "copy", level: connector.Advice, says: "live", do: func(h *office) { h.twin("live") }},
	{check: "other_providers", level: connector.Problem, says: "Sesame", fixes: true, do: func(h *office) { h.sesame(false) }},
	{check: "other_providers", level: connector.Problem, says: "switched on", do: func(h *office) { h.sesame(true) }},
	{check: "odoo_totp", level: connector.Problem, says: "ada", do: func(h *office) { h.odoo.Set("res.users", h.ada(), odootest.Record{"totp_enabled": true}) }},
	{check: "totp_policy", level: connector.Problem, says: "all_required", fixes: true, do: func(h *office) { h.odoo.SetParam("auth_totp.policy", "all_required") }},
	{check: "api_keys", level: connector.Advice, says: "Backup", do: func(h *office) {
		h.odoo.Add("res.users.apikeys", odootest.Record{"name": "Backup", "user_id": int64(odootest.Admin)})
	}},
	{check: "snippet", level: connector.Problem, says: "My Website", fixes: true, to: 18, do: func(h *office) {
		h.odoo.Set("website", 1, odootest.Record{"custom_code_head": "<!-- latchkey:begin -->old<!-- latchkey:end -->"})
	}},
	{check: "unreachable", level: connector.Problem, says: "502", do: func(h *office) {
		h.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway)
	}},
	{check: "not_odoo", level: connector.Problem, says: "text/html", do: func(h *office) { h.odoo.Break(odootest.HTML, odootest.HTML) }},
}

func (h *office) setModule(name, state string) {
	for _, id := range h.odoo.All("ir.module.module") {
		if h.odoo.Get("ir.module.module", id)["name"] == name {
			h.odoo.Set("ir.module.module", id, odootest.Record{"state": state})
		}
	}
}

func (h *office) provider() int64 {
	c, err := h.Find(h.Context(), "shop")
	h.must(err)
	return c.Provider
}

func (h *office) setRow(r odootest.Record) { h.odoo.Set("auth.oauth.provider", h.provider(), r) }

func (h *office) change(f func(*oidc.Client)) {
	c, err := h.parts.Clients.ByID(h.Context(), "shop")
	h.must(err)
	f(&c)
	h.must(h.parts.Clients.Save(h.Context(), c))
}

func (h *office) lock() {
	h.Helper()
	_, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{})
	h.must(err)
}

func (h *office) sesame(on bool) {
	h.odoo.Add("auth.oauth.provider", odootest.Record{"name": "Sesame", "enabled": on, "auth_endpoint": "https://x", "validation_endpoint": "https://y", "body": "S"})
}

func (h *office) ada() int64 {
	for _, id := range h.odoo.All("res.users") {
		if h.odoo.Get("res.users", id)["login"] == "ada" {
			return id
		}
	}
	return 0
}

// settled is an office in which the doctor finds no problem.
func settled(t *testing.T, series int) *office {
	t.Helper()
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Series: series, Website: series%2 == 0})
	h.connect()
	h.person("ada")
	_, err := h.Examine(t.Context(), host, "shop", true) // the rows that Odoo brings along
	h.must(err)
	d, err := h.Examine(t.Context(), host, "shop", false)
	h.must(err)
	if !d.Well() {
		t.Fatalf("not well to begin with: %+v", d.Findings)
	}
	return h
}

// Line 10: everything that is known to go wrong is named, with evidence and a
// cure, and what can be put right is.
func TestDoctor(t *testing.T) {
	for _, w := range wrongs {
		// The first and the last series in which it can be: between them is no other wire.
		for _, series := range slices.Compact([]int{max(w.from, 16), min(cmp.Or(w.to, 19), 19)}) {
			name := w.check + " " + w.says + " " + strings.Repeat("I", series-15)
			t.Run(name, func(t *testing.T) {
				h := settled(t, series)
				w.do(h)
				d, err := h.Examine(t.Context(), host, "shop", false)
				h.must(err)
				f, ok := found(d, w.check)
				if !ok || f.Level != w.level || !strings.Contains(f.Evidence+f.Cure, w.says) || f.Evidence == "" || f.Cure == "" {
					t.Fatalf("%+v", d.Findings)
				}
				if d.Well() != (w.level == connector.Advice) {
					t.Errorf("well: %v", d.Well())
				}
				if !w.fixes {
					return
				}
				if _, err := h.Examine(t.Context(), host, "shop", true); err != nil {
					t.Fatal(err)
				}
				d, err = h.Examine(t.Context(), host, "shop", false)
				h.must(err)
				if f, ok := found(d, w.check); ok {
					t.Errorf("not cured: %+v", f)
				}
			})
		}
	}
}

// Two addresses in front of one Odoo: the one that forwards no scheme is named.
func TestDoctorBehindProxy(t *testing.T) {
	h := settled(t, 18)
	behind, err := url.Parse(h.odoo.URL)
	h.must(err)
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind) // and Odoo hears of its own host only
		r.Out.Header.Set("Accept-Encoding", "identity")
	}})
	defer proxy.Close()
	h.odoo.SetParam("web.base.url", proxy.URL)
	if _, err := h.Examine(t.Context(), host, "shop", true); err != nil { // registers the address
		t.Fatal(err)
	}
	h.change(func(c *oidc.Client) { c.RedirectURIs = []string{proxy.URL + connector.Callback} })
	d, err := h.Examine(t.Context(), host, "shop", false)
	h.must(err)
	if f, ok := found(d, "proxy_mode"); !ok || !strings.Contains(f.Evidence, h.odoo.URL) || !strings.Contains(f.Cure, "X-Forwarded-Proto") {
		t.Errorf("%+v", d.Findings)
	}
}

// One cure may end what several checks found. What is said is what a second look
// sees: cured, gone with it, or still there.
func TestDoctorLooksAgain(t *testing.T) {
	for _, series := range []int{16, 17, 18, 19} {
		t.Run(strings.Repeat("I", series-15), func(t *testing.T) {
			h := settled(t, series)
			h.setRow(odootest.Record{"validation_endpoint": "http://127.0.0.1:1/x"})
			h.odoo.AddUser("eve", "Eve", "eve@example.org", true)
			d, err := h.Examine(t.Context(), host, "shop", true)
			h.must(err)
			row, _ := found(d, "provider_row")
			way, _ := found(d, "validation")
			eve, _ := found(d, "unlinked")
			if !row.Fixed || row.Gone || way.Fixed || !way.Gone || eve.Check == "" || eve.Over() || d.Well() {
				t.Errorf("%+v", d.Findings)
			}
			h.setRow(odootest.Record{"scope": false})
			h.setRow(odootest.Record{"enabled": false})
			d, err = h.Cure(t.Context(), host, "shop", "other_providers") // which there are none of
			h.must(err)
			if row, _ := found(d, "provider_row"); row.Over() || row.Check == "" {
				t.Errorf("not asked for, and called cured: %+v", d.Findings)
			}
		})
	}
}

// A cure that Odoo refused, or that changed nothing, is not called one.
func TestOutcome(t *testing.T) {
	f := func(check, evidence string) connector.Finding {
		return connector.Finding{Check: check, Evidence: evidence, Level: connector.Problem}
	}
	cured, still, refused, refusedAndGone, fewer, gone := f("a", "1"), f("b", "1"), f("c", "1"), f("d", "1"), f("e", "3 users"), f("g", "1")
	cured.Fixed, still.Fixed, refused.Failed, refusedAndGone.Failed = true, true, "no", "is not there"
	out := connector.Outcome([]connector.Finding{cured, still, refused, refusedAndGone, fewer, gone}, []connector.Finding{f("b", "1"), f("c", "1"), f("e", "2 users"), f("h", "new")})
	said := map[string]string{}
	for _, g := range out {
		said[g.Check] += g.Evidence + map[bool]string{true: " fixed"}[g.Fixed] + map[bool]string{true: " gone"}[g.Gone] + g.Failed
	}
	for check, want := range map[string]string{"a": "1 fixed", "b": "1", "c": "1no", "d": "1 gone", "e": "2 users", "g": "1 gone", "h": "new"} {
		if said[check] != want {
			t.Errorf("%s: %q, not %q", check, said[check], want)
		}
	}
}
