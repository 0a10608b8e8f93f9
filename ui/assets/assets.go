// Package assets holds the styles, the script and the pictures of the pages.
// Each has an address that carries the hash of its content, so that browsers
// may keep it for ever and an upgrade never shows old styles under new pages.
//
// It serves what is embedded in the binary and nothing else: no folder of the
// host, nothing from third parties.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed files
var files embed.FS

// Prefix is where [Handler] expects to be mounted.
const Prefix = "/assets/"

// Age is how long a browser may keep an asset, in seconds: a year.
const Age = 365 * 24 * 60 * 60

type asset struct {
	url    string
	kind   string
	plain  []byte
	zipped func() []byte // made when somebody first asks for it
}

// all reads the assets when the first page is drawn, so that a start and a
// command do without them.
var all = sync.OnceValues(load)

func load() (names, urls map[string]*asset) {
	entries, err := files.ReadDir("files")
	if err != nil {
		panic(err) // embedded
	}
	names, urls = map[string]*asset{}, map[string]*asset{}
	for _, e := range entries {
		b, err := files.ReadFile("files/" + e.Name())
		if err != nil {
			panic(err) // embedded
		}
		a := newAsset(e.Name(), b)
		names[e.Name()], urls[a.url] = a, a
	}
	return names, urls
}

func newAsset(name string, content []byte) *asset {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
	return &asset{url: url, kind: kindOf(ext), plain: content, zipped: sync.OnceValue(func() []byte { return zip(content) })}
}

func zip(content []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // fails for unknown levels only
	if _, err := w.Write(content); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return bytes.Clone(out.Bytes()) // of its own length
}

// kindOf does not ask the host's tables, which may call a script anything.
func kindOf(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(ext)
}

// URL is the address of an asset by the name of its file. It panics for an
// unknown name: that is a slip in a template, which a test finds.
func URL(name string) string {
	byName, _ := all()
	a, ok := byName[name]
	if !ok {
		panic(fmt.Sprintf("assets: no %s", name))
	}
	return a.url
}

// Handler serves the addresses that [URL] gives and 404 for all others.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, byURL := all()
		a, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		serve(w, r, a)
	})
}

func serve(w http.ResponseWriter, r *http.Request, a *asset) {
	body := a.plain
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	if zips(r.Header.Get("Accept-Encoding")) && len(a.zipped()) < len(a.plain) {
		h.Set("Content-Encoding", "gzip")
		body = a.zipped()
	}
	h.Set("Content-Type", a.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(Age)+", immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// An SVG opened by its own address is a document: let it do nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // a client that hung up is not an error of ours
}

// zips reports whether an Accept-Encoding header takes gzip (RFC 9110 §12.5.3).
func zips(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if c := strings.TrimSpace(coding); !strings.EqualFold(c, "gzip") && c != "*" {
			continue
		}
		q, has := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		if !has {
			return true
		}
		n, err := strconv.ParseFloat(q, 64)
		return err == nil && n > 0
	}
	return false
}
