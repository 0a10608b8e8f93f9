package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"latchkey/idp/oidc"
)

// The test button says what is wrong, and looks at private networks of nobody.
func TestTrial(t *testing.T) {
	h := open(t)
	r := h.registrar()
	r.Self = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r.Out = oidc.NewCalls(oidc.Outbound{Issuer: r.Issuer})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodHead || q.URL.RawQuery != "" {
			t.Errorf("%s %s", q.Method, q.URL)
		}
		if q.URL.Path == "/gone" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer app.Close()
	_, err := r.Add(t.Context(), admin, oidc.Input{
		ID: "app", Type: oidc.Web, RedirectURIs: []string{app.URL + "/back"}, PostLogoutURIs: []string{app.URL + "/gone", "https://10.1.2.3/"}, BackchannelURI: app.URL + "/gone",
	})
	h.must(err)
	try := func() map[string]oidc.Verdict {
		t.Helper()
		all, err := r.Test(t.Context(), admin, "app")
		h.must(err)
		out := map[string]oidc.Verdict{}
		for _, v := range all {
			if !slices.Contains(oidc.TrialChecks, v.Check) {
				t.Errorf("check %q is not announced", v.Check)
			}
			if n := v.Evidence; n.Text != "" && n.Detail == "" && n.Code != oidc.NoteFields && oidc.Sentences[n.Code] == "" {
				t.Errorf("%s: only English: %+v", v.Check, n)
			}
			out[v.Check] = v.Verdict
		}
		return out
	}
	got := try()
	for check, want := range map[string]oidc.Verdict{
		"registration": oidc.Fine, "issuer": oidc.Fine, "keys": oidc.Fine, "authorize": oidc.Fine, "redirect": oidc.Fine, "post_logout": oidc.Doubt, "private": oidc.Doubt, "backchannel": oidc.Broken,
	} {
		if got[check] != want {
			t.Errorf("%s: %q, want %q", check, got[check], want)
		}
	}
	c, err := r.Get(t.Context(), admin, "app")
	h.must(err)
	c.RequirePushed = true
	_, err = r.Update(t.Context(), admin, c)
	h.must(err)
	if got := try(); got["authorize"] != oidc.Fine {
		t.Errorf("%v", got)
	}
	h.must(r.Disable(t.Context(), admin, "app"))
	if got := try(); got["disabled"] != oidc.Broken {
		t.Errorf("%v", got)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	r.Issuer = other.URL // another server answers there
	if got := try(); got["issuer"] != oidc.Broken {
		t.Errorf("%v", got)
	}
}
