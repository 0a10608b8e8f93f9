package connector_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// Line 8: the snippet goes beside what is there, can be seen before, is written
// once, and leaves without a trace.
func TestPortal(t *testing.T) {
	eachOffice(t, odootest.Options{Website: true}, func(h *office) {
		const theirs = "<script>theirs()</script>"
		h.odoo.Set("website", 1, odootest.Record{"custom_code_head": theirs})
		h.odoo.Add("website", odootest.Record{"name": "Second", "domain": "https://two.example.org", "auth_signup_uninvited": "b2b"})
		h.odoo.Add("res.lang", odootest.Record{"name": "French (BE)", "code": "fr_BE"})
		h.odoo.Add("res.lang", odootest.Record{"name": "French / Français", "code": "fr_FR"})
		h.odoo.Add("res.lang", odootest.Record{"name": "Dutch / Nederlands", "code": "nl_NL"})
		h.connect()
		h.written()
		p, err := h.ShowPortal(h.Context(), host, "shop")
		h.must(err)
		if len(h.written()) > 0 || len(p.Websites) != 2 || len(p.Written) != 0 || strings.Count(p.Snippet, "</script>") != 1 {
			h.Errorf("%+v", p)
		}
		for _, want := range []string{h.parts.Issuer + "/oauth2/authorize", h.parts.Issuer + "/my/security", `"client":"shop"`, `"en":{"text":"en:tile_text"`, `"fr":{"text":"fr:tile_text"`, `"nl":{"text":"nl:tile_text"`, "/web/reset_password", "/web/signup"} {
			if !strings.Contains(p.Snippet, want) {
				h.Errorf("no %s in the snippet", want)
			}
		}
		if strings.Contains(p.Snippet, "de:tile") || strings.Count(p.Snippet, "fr:tile_text") != 1 {
			h.Errorf("languages that this Odoo has not, or has twice: %s", p.Snippet)
		}
		n, err := h.InstallPortal(h.Context(), host, "shop")
		h.must(err)
		head, _ := h.odoo.Get("website", 1)["custom_code_head"].(string)
		if n != 2 || !strings.HasPrefix(head, theirs) || !strings.Contains(head, p.Snippet) {
			h.Errorf("%d, %s", n, head)
		}
		if n, err := h.InstallPortal(h.Context(), host, "shop"); err != nil || n != 0 {
			h.Errorf("again: %d %v", n, err)
		}
		p, err = h.ShowPortal(h.Context(), host, "shop")
		h.must(err)
		if len(p.Written) != 2 || len(p.Old) != 0 {
			h.Errorf("%+v", p)
		}
		n, err = h.RemovePortal(h.Context(), host, "shop")
		h.must(err)
		if got := h.odoo.Get("website", 1)["custom_code_head"]; n != 2 || got != theirs || h.odoo.Get("website", 2)["custom_code_head"] != false {
			h.Errorf("%d, %v", n, got)
		}
	})
}

// A language that there are no words for gets no English of its own.
func TestSnippetSpeaks(t *testing.T) {
	s := connector.New(connector.Parts{Issuer: "https://id.example.org", Say: func(lang, key string, _ ...any) string {
		if lang != "de" && lang != "sr" {
			lang = "en"
		}
		return lang + ":" + key
	}})
	text, err := s.Websites.Snippet(connector.Connection{Client: "shop", Facts: connector.Facts{Languages: []string{"ja_JP", "de_CH", "sr@latin", ""}}})
	if err != nil || !strings.Contains(text, `"texts":{"de":{`) || !strings.Contains(text, `"sr":{`) || strings.Contains(text, `"ja":`) || strings.Contains(text, `"":{`) {
		t.Errorf("%v %s", err, text)
	}
}

// A script that ends early would be a way into every page of the shop.
func TestSnippetEscapes(t *testing.T) {
	s := connector.New(connector.Parts{Issuer: "https://id.example.org", Say: func(string, string, ...any) string { return "</script><script>alert(1)//" }})
	text, err := s.Websites.Snippet(connector.Connection{Client: "shop"})
	if err != nil || strings.Count(text, "<script") != 1 || strings.Count(text, "</script") != 1 {
		t.Errorf("%v %s", err, text)
	}
}

// Without a website there are rules for the proxy in front.
func TestPortalWithoutWebsite(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	if _, err := h.InstallPortal(t.Context(), host, "shop"); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "portal show") {
		t.Errorf("%v", err)
	}
	p, err := h.ShowPortal(t.Context(), host, "shop")
	h.must(err)
	for _, want := range []string{"$arg_local", "not query local", h.parts.Issuer + "/oauth2/authorize?", "state=%7B%22d%22"} {
		if !strings.Contains(p.Rules, want) {
			t.Errorf("no %s in %s", want, p.Rules)
		}
	}
}
