package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
)

// C-09: what a script may ask, and what it hears of an error.
func TestCalls(t *testing.T) {
	gin.SetMode(gin.TestMode)
	var log bytes.Buffer
	s, err := New(Config{Issuer: "https://id.example.com", CSRFKey: bytes.Repeat([]byte("k"), 32), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	e := gin.New()
	s.Mount(e)
	called := 0
	e.POST("/call", s.Calls(func(c *Context) (any, error) {
		called++
		var body struct{ Text string }
		if err := c.JSON(&body); err != nil {
			return nil, err
		}
		switch body.Text {
		case "unknown":
			return nil, errors.New("pq: SECRET relation")
		case "own":
			return nil, Refuse(idp.ErrDenied, "Not like this.", "/elsewhere")
		case "unwritable":
			return func() {}, nil
		}
		return map[string]string{"text": "you said <" + body.Text + ">"}, nil
	}))
	const kind = "application/json"
	for name, c := range map[string]struct {
		header  http.Header
		body    string
		status  int
		says    string
		reaches bool
	}{
		"our page":              {http.Header{"Content-Type": {kind + "; charset=utf-8"}, "Sec-Fetch-Site": {"same-origin"}}, `{"text":"hi"}`, 200, "you said", true},
		"a plain client":        {http.Header{"Content-Type": {kind}}, ``, 200, "you said", true},
		"another site":          {http.Header{"Content-Type": {kind}, "Sec-Fetch-Site": {"cross-site"}}, `{}`, 403, `"error":"forged"`, false},
		"a neighbour":           {http.Header{"Content-Type": {kind}, "Sec-Fetch-Site": {"same-site"}}, `{}`, 403, `"error":"forged"`, false},
		"another origin":        {http.Header{"Content-Type": {kind}, "Origin": {"https://evil.test"}}, `{}`, 403, `"error":"forged"`, false},
		"a form":                {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}, `{}`, 400, `"error":"malformed"`, false},
		"a form made of text":   {http.Header{"Content-Type": {"text/plain"}}, `{}`, 400, `"error":"malformed"`, false},
		"no kind":               {http.Header{}, `{}`, 400, `"error":"malformed"`, false},
		"no JSON":               {http.Header{"Content-Type": {kind}}, `{`, 400, `"error":"malformed"`, true},
		"two documents":         {http.Header{"Content-Type": {kind}}, `{} {}`, 400, `"error":"malformed"`, true},
		"too much":              {http.Header{"Content-Type": {kind}}, `"` + strings.Repeat("x", MaxBody) + `"`, 413, `"error":"too_large"`, true},
		"an error of its own":   {http.Header{"Content-Type": {kind}}, `{"text":"own"}`, 403, `"message":"Not like this."`, true},
		"an unknown error":      {http.Header{"Content-Type": {kind}}, `{"text":"unknown"}`, 500, `"error":"internal"`, true},
		"an answer not in JSON": {http.Header{"Content-Type": {kind}}, `{"text":"unwritable"}`, 500, `"error":"internal"`, true},
	} {
		before := called
		r := httptest.NewRequest(http.MethodPost, "/call", strings.NewReader(c.body))
		r.Header = c.header
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Result().Body)
		if w.Code != c.status || !strings.Contains(string(body), c.says) || !json.Valid(body) || strings.Contains(string(body), "SECRET") || (called > before) != c.reaches {
			t.Errorf("%s: %d %s", name, w.Code, body)
		}
		h := w.Result().Header
		if h.Get("Content-Type") != kind || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: headers %v", name, h)
		}
		var said Refusal
		if err := json.Unmarshal(body, &said); c.status != 200 && (err != nil || said.Event == "" || !strings.Contains(log.String(), said.Event)) {
			t.Errorf("%s: event %q is not in the log", name, said.Event)
		}
		if name == "an error of its own" && said.Location != "/elsewhere" {
			t.Errorf("%s leads to %q", name, said.Location)
		}
	}
}

// only pages with a ceremony may call us and use passkeys.
func TestConnect(t *testing.T) {
	for connects, want := range map[bool][2]string{
		false: {"", "publickey-credentials-get=(), publickey-credentials-create=()"},
		true:  {"connect-src 'self'", "publickey-credentials-get=(self), publickey-credentials-create=(self)"},
	} {
		var r reach
		if connects {
			r.Connect()
		}
		if p := r.policy(); strings.Contains(p, "connect-src") != connects || !strings.Contains(p, want[0]) {
			t.Errorf("connects %v: %s", connects, p)
		}
		if p := r.permissions(); !strings.HasSuffix(p, want[1]) {
			t.Errorf("connects %v: %s", connects, p)
		}
	}
}
