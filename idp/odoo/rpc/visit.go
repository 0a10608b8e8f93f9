package rpc

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"
)

// maxPage is how much of a page is read, in bytes.
const maxPage = 2 << 20

// Seen is a page of Odoo's as a browser finds it.
type Seen struct {
	Status int
	URL    *url.URL // after redirects
	Body   string
	Date   time.Time // what the server's clock says; zero: it does not
}

// Visit reads a page as a stranger's browser does: with cookies, without
// signing in, following redirects on the same host only. It uses cfg.URL alone.
func Visit(ctx context.Context, cfg Config, path string) (Seen, error) {
	s, err := open(cfg)
	if err != nil {
		return Seen{}, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return Seen{}, err
	}
	browser := *s.wire.http
	browser.Jar = jar
	browser.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != s.wire.base.Host || r.URL.Scheme != s.wire.base.Scheme || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.wire.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(context.WithValue(ctx, plainKey{}, false), http.MethodGet, s.wire.address()+path, nil)
	if err != nil {
		return Seen{}, err
	}
	r.Header.Set("User-Agent", "Latchkey")
	resp, err := browser.Do(r)
	if err != nil {
		return Seen{}, s.wire.unreachable(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return Seen{}, s.wire.cutOff(err)
	}
	seen := Seen{Status: resp.StatusCode, URL: resp.Request.URL, Body: string(body)}
	if to, err := resp.Location(); err == nil {
		seen.URL = to // where it would have gone on
	}
	seen.Date, _ = http.ParseTime(resp.Header.Get("Date")) // one that cannot be read says nothing
	return seen, nil
}
