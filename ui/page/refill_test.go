package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
)

const drawn = `<main><script nonce="n">if (1 < 2) { "<form action='/act'>" }</script>
<form method="get" action="/act"><input name="name" value="search"></form>
<form method="post" action="/rows"><input type="hidden" name="row" value="1"><input name="name" value="one"></form>
<form method="post" action="/rows"><input type="hidden" name="row" value="2"><input name="name" value="two"></form>
<form id="one" method="post" action="/act?x=1"><input type="hidden" name="csrf" value="theirs"><input type="hidden" name="version" value="9"><input type="hidden" name="act" value="dry">
<input name="name" value="old" required><input type="password" name="key"><input type="file" name="logo"><input type="checkbox" name="on" value="yes" checked><input type="checkbox" name="off" value="yes">
<input type="radio" name="way" value="a" checked><input type="radio" name="way" value="b"><details><summary>More</summary><textarea name="text">
old &amp; true</textarea></details><select name="pick"><option value="a" selected>A</option><option value="b">B</option></select><select name="other"><option value="a">A</option></select>
<button type="submit" name="go" value="1">Go</button><button formaction="/act/look">Look</button></form><input name="far" form="one" value="old"><textarea name="name">not in a form</textarea></main>`

// A form is filled in as it was typed, whatever was typed; what is not of it, what
// is secret, and what says what is done stays as it was drawn.
func TestFillingIn(t *testing.T) {
	typed := url.Values{
		"name": {`"><script>alert(1)</script>`}, "text": {"</textarea><b>\r\nnext"}, "off": {"yes"}, "way": {"b"}, "pick": {"b"}, "other": {"gone"}, "far": {"new"},
		"key": {"secret"}, "logo": {"x"}, "csrf": {"forged"}, "version": {"3"}, "act": {"run"}, "go": {"2"}, "gone": {"nowhere"},
	}
	got := string((&filling{path: "/act", typed: typed}).into([]byte(drawn)))
	want := strings.NewReplacer(
		`<input name="name" value="old" required>`, `<input name="name" required="" value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">`,
		"\nold &amp; true", "\n&lt;/textarea&gt;&lt;b&gt;\nnext",
		`<input type="checkbox" name="on" value="yes" checked>`, `<input type="checkbox" name="on" value="yes">`,
		`<input type="checkbox" name="off" value="yes">`, `<input type="checkbox" name="off" value="yes" checked="">`,
		`<input type="radio" name="way" value="a" checked><input type="radio" name="way" value="b">`, `<input type="radio" name="way" value="a"><input type="radio" name="way" value="b" checked="">`,
		`<option value="a" selected>A</option><option value="b">B</option>`, `<option value="a">A</option><option value="b" selected="">B</option>`,
		`<details>`, `<details open="">`, `name="version" value="9"`, `name="version" value="3"`, `name="far" form="one" value="old"`, `name="far" form="one" value="new"`,
	).Replace(drawn)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string((&filling{path: "/act/look", typed: typed}).into([]byte(drawn))); got != want {
		t.Errorf("by the button:\n%s", got)
	}
	rows := string((&filling{path: "/rows", typed: url.Values{"row": {"2"}, "name": {"new"}}}).into([]byte(drawn)))
	if want := strings.Replace(drawn, `value="two"`, `value="new"`, 1); rows != want {
		t.Errorf("the row:\n%s", rows)
	}
	if got := string((&filling{path: "/none", typed: typed}).into([]byte(drawn))); got != drawn {
		t.Errorf("a page without the form is changed:\n%s", got)
	}
}

// the form says for whom it was drawn, under the signature: nobody can say
// it of somebody else, or leave it out.
func TestPoster(t *testing.T) {
	gin.SetMode(gin.TestMode)
	s, err := New(Config{Issuer: "http://localhost:1", CSRFKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	e := gin.New()
	s.Mount(e)
	e.GET("/form", s.Members(func(c *Context) error {
		c.Forms.Sits(idp.UserID(c.Query("who")))
		return c.Show(testPages, http.StatusOK, "form.html", "x")
	}))
	var poster idp.UserID
	var typed url.Values
	var whole bool
	e.POST("/form", s.Members(func(c *Context) error {
		poster = c.Forms.Poster()
		typed, whole = c.Forms.Typed()
		return c.Redirect("/done")
	}))
	page := httptest.NewRecorder()
	e.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/form?who=ada", nil))
	token := csrf.FindStringSubmatch(page.Body.String())[1]
	post := func(token string, more url.Values) int {
		poster = "?"
		f := url.Values{"csrf": {token}}
		for k, v := range more {
			f[k] = v
		}
		r := httptest.NewRequest(http.MethodPost, "/form", strings.NewReader(f.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range page.Result().Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w.Code
	}
	if code := post(token, url.Values{"name": {"x"}, "v.key": {"secret"}, Unkept("v.key"): {"yes"}}); code != http.StatusSeeOther || poster != "ada" {
		t.Errorf("%d, %q", code, poster)
	}
	// D-06: what must not be kept is not.
	if len(typed) != 1 || typed.Get("name") != "x" || whole {
		t.Errorf("%v, %t", typed, whole)
	}
	if post(token, url.Values{"v.key": {""}, Unkept("v.key"): {"yes"}}); !whole {
		t.Error("an empty secret is called left out")
	}
	for _, forged := range []string{token[:signature], token[:signature] + "Ym9i", token[:signature-1], "", token + "!", "x" + token} {
		if code := post(forged, nil); code != http.StatusForbidden || poster != "?" {
			t.Errorf("%q: %d, %q", forged, code, poster)
		}
	}
}
