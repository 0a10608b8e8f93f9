package page

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

// portion is how long one portion of a download may take. The server's limit on
// the time of an answer counts anew with each: a long list takes long.
const portion = time.Minute

// Download answers with a file for saving, which the handler then writes. What
// goes wrong after that must cut the line: half a file must not look whole.
func (c *Context) Download(name, kind string) io.Writer {
	h := c.W.Header()
	c.site.pageHeaders(h, &c.reach)
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	return &download{w: c.W}
}

type download struct {
	w     http.ResponseWriter
	until time.Time
}

func (d *download) Write(b []byte) (int, error) {
	if now := time.Now(); now.After(d.until) { // the connection's clock, which no test moves
		d.until = now.Add(portion / 2)
		err := http.NewResponseController(d.w).SetWriteDeadline(now.Add(portion))
		if err != nil && !errors.Is(err, http.ErrNotSupported) { // as a server of tests
			return 0, err
		}
	}
	return d.w.Write(b)
}
