package dev_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/gin-gonic/gin"

	"latchkey/idp/mail"
	"latchkey/idp/store/storetest"
	"latchkey/ui/dev"
	"latchkey/ui/page"
)

func TestOutbox(t *testing.T) {
	gin.SetMode(gin.TestMode)
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	site, err := page.New(page.Config{Issuer: "http://localhost", CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	e := gin.New()
	site.Mount(e)
	(&dev.Pages{Site: site, Outbox: db.Outbox()}).Mount(e)
	open := func() *goquery.Document {
		t.Helper()
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/dev/outbox", nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		doc, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if n := open().Find("article").Length(); n != 0 {
		t.Errorf("%d messages in an empty outbox", n)
	}
	for _, subject := range []string{"first", "second"} {
		m := mail.New(mail.Mail, "ada@example.org", clock.Now())
		m.Subject, m.Text, m.HTML = subject, "Hello <script>alert(1)</script>\n\nline one\nline two\n", "<p>hello</p>"
		if err := db.Outbox().Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		clock.Pass(time.Second)
	}
	doc := open()
	if got := doc.Find("article .subject").Map(func(_ int, s *goquery.Selection) string { return s.Text() }); strings.Join(got, " ") != "second first" {
		t.Errorf("subjects %v, want the newest first", got)
	}
	article := doc.Find(`article[data-channel=mail][data-to="ada@example.org"]`).First()
	if article.Find("script").Length() != 0 || !strings.Contains(article.Text(), "<script>alert(1)</script>") {
		t.Errorf("X-05: not escaped: %s", article.Text())
	}
	if n := article.Find("p br").Length(); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}
