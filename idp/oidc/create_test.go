package oidc_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
)

// Initiating User Registration via OpenID Connect 1.0 §3, §4: prompt=create is
// refused, and not in the document, unless people may make accounts; then it leads
// there first, and once.
func TestPromptCreate(t *testing.T) {
	var on atomic.Bool
	c := &clock{}
	h := build(t, storetest.OpenAt(t, c.now), c, func(cfg *oidc.Config) { cfg.Creating = func(context.Context) bool { return on.Load() } })
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true})
	h.signIn("ada")
	offered := func() []any { return h.do("GET", oidc.PathDiscovery, nil).json(t)["prompt_values_supported"].([]any) }
	before := offered()
	if a := h.authorize(ask("app", "prompt", "create")); a.params.Get("error") != "invalid_request" || slices.Contains(before, any("create")) {
		t.Errorf("%v; %v", a.to, before)
	}
	on.Store(true)
	if got := offered(); !slices.Equal(got, append(before, "create")) {
		t.Errorf("%v, were %v", got, before)
	}
	if !h.toLogin(h.authorize(ask("app", "prompt", "create"))).Create {
		t.Error("to the sign-in")
	}
	if a := h.back(); a.params.Get("code") == "" {
		t.Errorf("%v", a.to)
	}
	if a := h.authorize(ask("app", "prompt", "create none")); a.params.Get("error") != "invalid_request" {
		t.Errorf("%v", a.to)
	}
	if h.toLogin(h.authorize(ask("app", "prompt", "login"))).Create {
		t.Error("nobody asked for that")
	}
}
