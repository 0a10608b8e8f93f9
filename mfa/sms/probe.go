package sms

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Probe is what a look at a gateway found.
type Probe struct {
	Gateway string
	Err     error
}

// Probe connects to every gateway, as Send does, and sends no message: it asks
// for nothing but the headers of the front page, and takes any answer.
func (r *Router) Probe(ctx context.Context) []Probe {
	var out []Probe
	for _, g := range r.gateways {
		out = append(out, Probe{g.name, r.probe(ctx, g)})
	}
	return out
}

func (r *Router) probe(ctx context.Context, g *gateway) error {
	if g.spec.Log {
		return nil
	}
	u, err := url.Parse(g.address(nil))
	if err != nil {
		return errors.New("its address cannot be read") // the error would repeat it
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.options.Timeout+2*time.Second, errSlow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return err
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return lost(ctx, err, false)
	}
	return resp.Body.Close()
}
