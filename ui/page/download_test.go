package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/ui/page"
)

// A download may take longer than the server gives an answer.
func TestDownloadOutlastsTheServer(t *testing.T) {
	e := gin.New()
	srv := httptest.NewUnstartedServer(e)
	site, err := page.New(page.Config{Issuer: "http://" + srv.Listener.Addr().String(), CSRFKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	e.GET("/list", site.Strangers(func(c *page.Context) error {
		w := c.Download("list.csv", "text/csv")
		for range 3 {
			if _, err := io.WriteString(w, strings.Repeat("a", 64<<10)); err != nil {
				return err
			}
			time.Sleep(200 * time.Millisecond)
		}
		return nil
	}))
	srv.Config.WriteTimeout = 300 * time.Millisecond
	srv.Start()
	defer srv.Close()
	res, err := http.Get(srv.URL + "/list")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || len(body) != 3*64<<10 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
