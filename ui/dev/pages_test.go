package dev_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"latchkey/idp/mail"
	"latchkey/idp/store/storetest"
	"latchkey/ui/dev"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
)

// open serves the pages with one shelf, all messages, and a mail in the outbox.
func open(t *testing.T) (base string, all []message.Sample) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	e := gin.New()
	srv := httptest.NewUnstartedServer(e)
	base = "http://" + srv.Listener.Addr().String()
	site, err := page.New(page.Config{Issuer: base, CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	all = message.Samples("https://id.example.org", "Maison Durée", clock.Now)
	(&dev.Pages{Site: site, Outbox: db.Outbox(), Shelves: []page.Shelf{{Name: "page", Samples: page.Samples()}}, Messages: all}).Mount(e)
	m, err := all[len(all)-1].Write(t.Context(), "en")
	if err == nil {
		err = db.Outbox().Put(t.Context(), m)
	}
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return base, all
}

// Each sample has an address, in whatever language was asked for; what is not
// there is not found; a mail can do nothing.
func TestPages(t *testing.T) {
	base, all := open(t)
	v := pagetest.Visit(t, base)
	v.Get("/dev/pages?lang=de").Want(http.StatusOK, "/dev/pages").Has("html[lang=de]", "#page-error-busy", "#message-sms-code", "#rehearsal").HasNot(`.languages [lang="ar-XB"]`)
	v.Follow("#page-error-busy").Want(http.StatusServiceUnavailable, "/dev/pages/page/error-busy").Has("html[lang=de]")
	v.Get("/dev/pages?lang=ar-XB").Has("html[dir=rtl]", "#rehearsal[aria-current]").Follow("#message-letter-recover").Has("html[dir=rtl]", "#html")
	if v.Follow("#html"); v.Status != http.StatusOK || v.Doc.Find("html[dir=rtl]").Length() != 1 {
		t.Errorf("%d %s", v.Status, v.Body)
	}
	if policy := v.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") {
		t.Error(policy)
	}
	for _, path := range []string{"/dev/pages/page/nothing", "/dev/pages/nothing/error-busy", "/dev/pages/message/nothing", "/dev/pages/message/sms-code/html", "/dev/pages/page/error-busy/html"} {
		v.Get(path).Want(http.StatusNotFound, path)
	}
	for _, one := range all {
		m, err := one.Write(t.Context(), "en")
		if err != nil {
			t.Fatal(err)
		}
		path := "/dev/pages/message/" + one.Name
		if v.Get(path+"?lang=en").Want(http.StatusOK, path); (v.Doc.Find("#html").Length() == 1) != (m.Channel == mail.Mail) {
			t.Errorf("%s: a mail, and no HTML, or the other way round", one.Name)
		}
	}
}

// these pages in a browser.
func TestPagesInBrowser(t *testing.T) {
	base, _ := open(t)
	pagetest.Inspect(t, base+"/dev/", []string{"pages", "outbox", "pages/message/notice-new-browser", "pages/message/sms-code"})
}

// some mails, served bare: where they can do nothing, nothing can look at
// them either.
func TestMailsInBrowser(t *testing.T) {
	locale.Rehearse()
	_, all := open(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, one := range all {
			if one.Name == r.URL.Query().Get("q") {
				m, err := one.Write(r.Context(), r.URL.Query().Get("in"))
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = io.WriteString(w, m.HTML)
			}
		}
	}))
	t.Cleanup(srv.Close)
	var addresses []string
	for _, one := range []string{"notice-backup-used", "letter-recover", "letter-verify", "mail-code", "admin-halt-day"} {
		for _, lang := range []string{"en", "de", locale.Rehearsal} {
			addresses = append(addresses, fmt.Sprintf("%s/?q=%s&in=%s", srv.URL, one, lang))
		}
	}
	pagetest.InspectMails(t, addresses...)
}
