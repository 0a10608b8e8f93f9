package pagetest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// Visitor is a browser without scripts.
type Visitor struct {
	T      testing.TB
	Base   string // the server's URL
	Client *http.Client
	Status int
	Header http.Header
	At     *url.URL
	Body   []byte
	Doc    *goquery.Document
}

// Visit opens a browser.
func Visit(t testing.TB, base string) *Visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Visitor{T: t, Base: base, Client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// Take reads an answer.
func (v *Visitor) Take(res *http.Response, err error) *Visitor {
	v.T.Helper()
	if err != nil {
		v.T.Fatal(err)
	}
	defer res.Body.Close()
	v.Status, v.Header, v.At = res.StatusCode, res.Header, res.Request.URL
	if v.Body, err = io.ReadAll(res.Body); err != nil {
		v.T.Fatal(err)
	}
	if v.Doc, err = goquery.NewDocumentFromReader(bytes.NewReader(v.Body)); err != nil {
		v.T.Fatal(err)
	}
	return v
}

// Get opens an address of the server and follows where it leads.
func (v *Visitor) Get(path string) *Visitor {
	v.T.Helper()
	return v.Take(v.Client.Get(v.Base + path))
}

// Submit fills in and sends a form of the page, as a plain client would: with
// its hidden fields, and boxes as they are ticked. A field without a value is
// left out.
func (v *Visitor) Submit(form string, fields ...string) *Visitor {
	v.T.Helper()
	f := v.Doc.Find("form#" + form)
	if f.Length() != 1 {
		v.T.Fatalf("%s has no form#%s: %d %s", v.At, form, v.Status, v.Body)
	}
	values := url.Values{}
	f.Find("input[name]:not([type=checkbox]):not([type=radio]):not([type=password]):not([type=submit]):not([type=file])[value],input[type=checkbox][checked],input[type=radio][checked]").Each(func(_ int, s *goquery.Selection) {
		values.Set(s.AttrOr("name", ""), s.AttrOr("value", ""))
	})
	f.Find("textarea[name]").Each(func(_ int, s *goquery.Selection) { values.Set(s.AttrOr("name", ""), s.Text()) })
	f.Find("select[name]").Each(func(_ int, s *goquery.Selection) {
		chosen := s.Find("option[selected]")
		if chosen.Length() == 0 {
			chosen = s.Find("option")
		}
		values.Set(s.AttrOr("name", ""), chosen.First().AttrOr("value", ""))
	})
	for i := 0; i+1 < len(fields); i += 2 {
		if f.Find(`[name="`+fields[i]+`"]`).Length() == 0 {
			v.T.Fatalf("form#%s has no field %s", form, fields[i])
		}
		if values.Set(fields[i], fields[i+1]); fields[i+1] == "" {
			values.Del(fields[i])
		}
	}
	return v.Take(v.Client.PostForm(v.Base+f.AttrOr("action", ""), values))
}

// Follow follows the one link that the selector finds.
func (v *Visitor) Follow(selector string) *Visitor {
	v.T.Helper()
	href, ok := v.Doc.Find(selector).Attr("href")
	if !ok {
		v.T.Fatalf("%s has no link %s: %s", v.At, selector, v.Body)
	}
	return v.Get(href)
}

// Want ends the test unless the browser is there.
func (v *Visitor) Want(status int, path string) *Visitor {
	v.T.Helper()
	if v.Status != status || v.At.Path != path {
		v.T.Fatalf("at %s with %d, want %s with %d: %s", v.At, v.Status, path, status, strings.Join(strings.Fields(v.Doc.Find("main").Text()), " "))
	}
	return v
}

// Has reports what the page lacks.
func (v *Visitor) Has(selectors ...string) *Visitor {
	v.T.Helper()
	for _, s := range selectors {
		if v.Doc.Find(s).Length() == 0 {
			v.T.Errorf("%s lacks %s: %s", v.At, s, v.Body)
		}
	}
	return v
}

// HasNot reports what the page must not have.
func (v *Visitor) HasNot(selectors ...string) *Visitor {
	v.T.Helper()
	for _, s := range selectors {
		if v.Doc.Find(s).Length() > 0 {
			v.T.Errorf("%s has %s: %s", v.At, s, v.Body)
		}
	}
	return v
}

// Says reports texts that the page does not have.
func (v *Visitor) Says(texts ...string) *Visitor {
	v.T.Helper()
	all := strings.Join(strings.Fields(v.Doc.Find("main").Text()), " ")
	for _, s := range texts {
		if !strings.Contains(all, s) {
			v.T.Errorf("%s does not say %q: %s", v.At, s, all)
		}
	}
	return v
}
