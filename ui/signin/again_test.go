package signin

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// rows are the links of a database, with what was written of them.
type rows struct {
	idp.Links
	put []idp.Link
}

func (r *rows) Put(ctx context.Context, l idp.Link) error {
	r.put = append(r.put, l)
	return r.Links.Put(ctx, l)
}

var fileForm = page.Parse(fstest.MapFS{"form.html": {Data: []byte(`{{define "title"}}x{{end}}{{define "body"}}<form method="post">{{.CSRF}}</form>{{end}}`)}}, "form.html")

// keeper is a form with a file on a page for whose gate somebody's session is
// over, and what is kept of it.
type keeper struct {
	*house
	rows   rows
	engine *gin.Engine
	token  string
	cookie []*http.Cookie
}

func openKeeper(t *testing.T) *keeper {
	k := &keeper{house: open(t), engine: gin.New()}
	k.rows.Links = k.db.Links
	k.service.Links = &k.rows
	site, err := page.New(page.Config{Issuer: "http://localhost:1", CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: k.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	u := k.add("ada", "")
	k.engine.GET("/file", site.Members(func(c *page.Context) error {
		c.Forms.Sits(u.ID)
		return c.Show(fileForm, http.StatusOK, "form.html", nil)
	}))
	k.engine.POST("/file", site.Uploads(1<<20, func(c *page.Context) error { return Return(c, k.service, signin.Start{}, "/file") }))
	drawn := httptest.NewRecorder()
	k.engine.ServeHTTP(drawn, httptest.NewRequest(http.MethodGet, "/file", nil))
	k.token = regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(drawn.Body.String())[1]
	k.cookie = drawn.Result().Cookies()
	return k
}

// post sends the form and returns how many rows there were made for it.
func (k *keeper) post(kind string, body io.Reader) int {
	k.t.Helper()
	before := len(k.rows.put)
	r := httptest.NewRequest(http.MethodPost, "/file", body)
	r.Header.Set("Content-Type", kind)
	for _, c := range k.cookie {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	if k.engine.ServeHTTP(w, r); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login") {
		k.t.Fatalf("%d %s %s", w.Code, w.Header(), w.Body)
	}
	return len(k.rows.put) - before
}

func (k *keeper) parts(text string) (string, io.Reader) {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, value := range map[string]string{"csrf": k.token, "text": text} {
		if err := m.WriteField(name, value); err != nil {
			k.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		k.t.Fatal(err)
	}
	return m.FormDataContentType(), &body
}

// C-11, C-12: whose session is over has no more kept than a form may weigh, were it
// sent as the text of a form with a file; they are asked to sign in all the same.
func TestKeptFormHasABound(t *testing.T) {
	k := openKeeper(t)
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"a form": {"typed", 1}, "the most": {strings.Repeat("a", page.MaxBody-len("text=")), 1}, "above": {strings.Repeat("a", page.MaxBody+1), 0},
		"far above": {strings.Repeat("é", 400_000), 0}, "above when it is encoded": {strings.Repeat("é", 20_000), 0},
	} {
		if n := k.post(k.parts(c.text)); n != c.want {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}

// C-12: nor do they have forms kept as fast as they can send them.
func TestKeptFormsHaveARate(t *testing.T) {
	k := openKeeper(t)
	const most = 30
	form := url.Values{"csrf": {k.token}, "text": {"typed"}}.Encode()
	send := func() int { return k.post("application/x-www-form-urlencoded", strings.NewReader(form)) }
	for range most {
		if send() != 1 {
			t.Fatalf("only %d are kept", len(k.rows.put))
		}
	}
	if send() != 0 {
		t.Errorf("%d are kept", len(k.rows.put))
	}
	if k.clock.Pass(16 * time.Minute); send() != 1 {
		t.Error("none is kept afterwards")
	}
}
