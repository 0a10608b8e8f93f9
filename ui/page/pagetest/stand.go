package pagetest

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"latchkey/ui/page"
)

// Serve serves samples as the product would, with the same frame, headers and
// policy, each below the address that it returns.
func Serve(t *testing.T, samples func(*page.Site) []page.Sample) (base string, names []string) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	e := gin.New()
	srv := httptest.NewUnstartedServer(e)
	site, err := page.New(page.Config{Issuer: "http://" + srv.Listener.Addr().String(), CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	for _, one := range samples(site) {
		names = append(names, one.Name)
		e.GET("/sample/"+one.Name, site.Strangers(one.Draw))
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL + "/sample/", names
}

// Audit looks at samples in a browser; see [Inspect].
func Audit(t *testing.T, samples []page.Sample) {
	t.Helper()
	base, names := Serve(t, func(*page.Site) []page.Sample { return samples })
	Inspect(t, base, names)
}
