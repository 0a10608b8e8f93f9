package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/gin-gonic/gin"

	"latchkey/idp/mail"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page/pagetest"
)

// Nobody outside a demo may read the outbox or see the samples.
func TestNoDevPagesInProduction(t *testing.T) {
	v := pagetest.Visit(t, newWorld(t, "sqlite").url)
	for _, path := range []string{"/dev/outbox", "/dev/pages", "/dev/pages/signin/login", "/dev/pages/message/sms-code/html"} {
		v.Get(path).Want(http.StatusNotFound, path)
	}
}

// aKey is one that no catalogue has a sentence for.
var aKey = regexp.MustCompile(`\b(security|factor|enrol|mail|error|profile|login)\.[a-z_]+\b`)

// aName looks like one: a key of the configuration, an event, a host.
var aName = regexp.MustCompile(`\b(mail\.smtp_url|mail\.example|factor\.(add|reset))\b`)

// every page can be drawn in every language, and from right to left.
func TestEverySample(t *testing.T) {
	w := newWorld(t, "sqlite")
	e := gin.New()
	w.site.Mount(e)
	demoPages(w.house, e)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	for _, lang := range append(tags(), locale.Rehearsal) {
		v := pagetest.Visit(t, srv.URL)
		paths := v.Get("/dev/pages?lang="+lang).Want(http.StatusOK, "/dev/pages").Doc.Find("ul.links a").Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") })
		if len(paths) < 100 {
			t.Fatalf("%s: %d samples", lang, len(paths))
		}
		for _, path := range paths {
			v.Get(path).Has(fmt.Sprintf("html[lang=%s][dir=%s]", lang, map[bool]string{true: "rtl", false: "ltr"}[lang == locale.Rehearsal]), "main h1")
			if said := aKey.FindString(aName.ReplaceAllString(v.Doc.Find("main").Text(), "")); said != "" {
				t.Errorf("%s in %s says %s", path, lang, said)
			}
		}
	}
}

// Every message is whole, and keeps to its language.
func TestEveryMessage(t *testing.T) {
	locale.Rehearse()
	for _, lang := range append(tags(), locale.Rehearsal) {
		for _, one := range message.Samples("https://id.example.org", "Latchkey", time.Now) {
			m, err := one.Write(t.Context(), lang)
			if err == nil {
				err = m.Check()
			}
			if err != nil || m.Text == "" || m.Channel == mail.Mail && (m.Subject == "" || m.HTML == "") {
				t.Errorf("%s in %s: %v, %q", one.Name, lang, err, m.Subject)
				continue
			}
			want := lang
			if strings.HasPrefix(one.Name, "admin-") && m.To == "admin@example.org" {
				want = locale.Fallback // an address alone has no language
			}
			if m.HTML != "" && !strings.Contains(m.HTML, `<html lang="`+want+`"`) {
				t.Errorf("%s is not in %s", one.Name, want)
			}
			if found := aKey.FindString(m.Text); found != "" {
				t.Errorf("%s in %s says %s", one.Name, lang, found)
			}
		}
	}
}
