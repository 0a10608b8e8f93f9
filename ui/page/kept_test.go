package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"
	"golang.org/x/net/html"

	"latchkey/idp"
)

var secretPages = Parse(fstest.MapFS{"secret.html": {Data: []byte(`{{define "title"}}x{{end}}{{define "body"}}<input type="password" name="far" form="one">
<form id="one" method="post">{{.CSRF}}<input name="name"><input class="x" TYPE=Password name="key"><input type="text" name="code" autocomplete="one-time-code">
<input type="text" name="next" autocomplete="new-password"><input type="password" name="said"><input type="hidden" name="unkept.said" value="yes"><input type="password"></form>
<form id="two" method="post">{{.CSRF}}<input type="password" name="key"><textarea name="text"><input type="password" name="none"></textarea></form>{{end}}`)}}, "secret.html")

// D-06: no page can forget to say that a password or a code is not kept: it is said
// of each such field, in its form, once, wherever what is sent may be kept.
func TestSecretsAreNotKept(t *testing.T) {
	gin.SetMode(gin.TestMode)
	s, err := New(Config{Issuer: "http://localhost:1", CSRFKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	e := gin.New()
	s.Mount(e)
	var typed url.Values
	var whole bool
	e.GET("/form", s.Members(func(c *Context) error {
		c.Forms.Sits(idp.UserID(c.Query("who")))
		return c.Show(secretPages, http.StatusOK, "secret.html", nil)
	}))
	e.POST("/form", s.Members(func(c *Context) error {
		typed, whole = c.Forms.Typed()
		return c.Redirect("/done")
	}))
	page := httptest.NewRecorder()
	e.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/form?who=ada", nil))
	forms := map[int]url.Values{}
	for _, p := range piecesOf(page.Body.Bytes()) {
		if name := attr(p.tag, "name"); name != "" && p.form >= 0 && p.tag.Type == html.StartTagToken {
			if forms[p.form] == nil {
				forms[p.form] = url.Values{}
			}
			value := "typed"
			if attr(p.tag, "type") == "hidden" {
				value = attr(p.tag, "value")
			}
			forms[p.form].Add(name, value)
		}
	}
	if len(forms) != 2 {
		t.Fatalf("%v in %s", forms, page.Body)
	}
	for i, want := range []string{"name=typed", "text=typed"} {
		r := httptest.NewRequest(http.MethodPost, "/form", strings.NewReader(forms[i].Encode())) // refused if a field occurs twice
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range page.Result().Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		if e.ServeHTTP(w, r); w.Code != http.StatusSeeOther || typed.Encode() != want || whole {
			t.Errorf("%d: %d, %s, %t", i, w.Code, typed.Encode(), whole)
		}
	}
	if strings.Contains(page.Body.String(), Unkept("none")) {
		t.Error("what is no field is taken for one")
	}
	nobody := httptest.NewRecorder()
	e.ServeHTTP(nobody, httptest.NewRequest(http.MethodGet, "/form", nil))
	if strings.Contains(nobody.Body.String(), Unkept("key")) {
		t.Error("a page whose forms are kept for nobody is changed")
	}
}
