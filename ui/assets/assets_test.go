package assets

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, url, accept string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	if accept != "" {
		r.Header.Set("Accept-Encoding", accept)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestServed(t *testing.T) {
	shape := regexp.MustCompile(`^/assets/[a-z]+\.[0-9a-f]{16}\.(css|js|svg)$`)
	byName, _ := all()
	for name, a := range byName {
		if !shape.MatchString(URL(name)) {
			t.Errorf("%s is at %s", name, URL(name))
		}
		res := get(t, "GET", URL(name), "br, gzip;q=0.8")
		if res.StatusCode != 200 || res.Header.Get("Content-Encoding") != "gzip" && len(a.zipped()) < len(a.plain) {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
		}
		body, _ := io.ReadAll(res.Body)
		if res.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			body, _ = io.ReadAll(z)
		}
		if !bytes.Equal(body, a.plain) {
			t.Errorf("%s arrives changed", name)
		}
		if got := res.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
	}
}

func TestPlain(t *testing.T) {
	for _, accept := range []string{"", "identity", "gzip;q=0", "br"} {
		if res := get(t, "GET", URL("style.css"), accept); res.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q got %q", accept, res.Header.Get("Content-Encoding"))
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		method, url string
		want        int
	}{
		{"GET", "/assets/style.css", 404},
		{"GET", "/assets/style.0000000000000000.css", 404},
		{"GET", "/assets/../assets.go", 404},
		{"POST", URL("style.css"), 405},
	} {
		if res := get(t, c.method, c.url, ""); res.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.url, res.StatusCode, c.want)
		}
	}
}

// nothing is fetched from anybody else, and no style or script reaches
// out by itself.
func TestNoThirdParty(t *testing.T) {
	fetch := regexp.MustCompile(`(?i)(url\(|@import|src=|fetch\(|import\()\s*["']?(https?:)?//`)
	byName, _ := all()
	for name, a := range byName {
		if m := fetch.Find(a.plain); m != nil {
			t.Errorf("%s fetches: %s", name, m)
		}
	}
	if !strings.Contains(string(byName["bootstrap.css"].plain), "Licensed under MIT") {
		t.Error("Bootstrap lost its licence")
	}
}

// Every style serves both directions of writing: it knows where a line starts
// and ends, and nothing of left and right but where a picture stands in the
// ground, which style.css says for both.
func TestBothDirections(t *testing.T) {
	sided := regexp.MustCompile(`(?m:[{;]|^)\s*(?:[a-z-]*(?:left|right)[a-z-]*\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right))`)
	for name, a := range first(all()) {
		if strings.HasSuffix(name, ".css") {
			for _, m := range sided.FindAll(a.plain, -1) {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func first(names, _ map[string]*asset) map[string]*asset { return names }
