// Package sms hands text messages to gateways: Twilio, Vonage, OVHcloud,
// Amazon SNS, or any that takes an HTTP request.
//
// What a gateway wants and how it answers is data, one file each in gateways;
// a new gateway is a new file. The package knows nothing of codes, of people
// and of what a text says, and it keeps no message: whoever wants one sent
// again calls again.
package sms

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What can go wrong. Any other error may be gone when the message is tried
// again.
var (
	// ErrRefused means that every gateway that could be asked has said no to
	// this very message, such as for a number that does not exist.
	ErrRefused = errors.New("sms: refused")
	// ErrUncertain means that a gateway may have taken the message: it broke
	// off after it had all of it. Trying again could send it twice.
	ErrUncertain = errors.New("sms: the gateway may have taken the message")
	// ErrNoGateway means that no gateway is for this number.
	ErrNoGateway = errors.New("sms: no gateway for this number")
	// ErrResting means that every gateway for this number has failed again and
	// again, and is left alone for a while.
	ErrResting = errors.New("sms: every gateway failed lately and is left alone for a while")
)

// errSlow is a gateway that did not answer in time.
var errSlow = errors.New("did not answer in time")

// Message is one text to one number.
type Message struct {
	ID   string // the same at every try, so that a gateway that looks at it can tell a copy
	To   string // E.164
	Text string
}

// Receipt says who took a message and what they call it.
type Receipt struct {
	Gateway string // its name in the configuration
	ID      string // empty: the gateway told none
}

// Options are what all gateways share.
type Options struct {
	// Timeout is how long one gateway may take; default 3 s. The last one that
	// is tried may take three times as long, as there is nobody to turn to.
	Timeout time.Duration
	Now     func() time.Time
	Roots   *x509.CertPool // who vouches for gateways; nil: the system's
	Log     *slog.Logger   // for the gateway of type log; default slog.Default()
	// Watch sees the calls to gateways; nil: nobody.
	Watch func(http.RoundTripper) http.RoundTripper
}

// Router sends texts by the first gateway that takes them. It is safe for
// concurrent use.
type Router struct {
	gateways []*gateway
	options  Options
}

// New checks the settings of gateways, which are tried in their order. The
// error is a [Mistakes] with every mistake there is.
func New(list []Settings, o Options) (*Router, error) {
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r, own := &Router{options: o}, newClient(o.Roots)
	if o.Watch != nil {
		own.Transport = o.Watch(own.Transport)
	}
	var ms Mistakes
	for i, s := range list {
		g, wrong := newGateway(s)
		for _, m := range wrong {
			m.Index, m.Gateway = i, s.Name
			ms = append(ms, m)
		}
		if slices.ContainsFunc(list[:i], func(other Settings) bool { return other.Name == s.Name }) {
			ms = append(ms, Mistake{Index: i, Gateway: s.Name, Setting: "name", Value: s.Name, Allowed: "a name that no other gateway has"})
		}
		if g != nil {
			g.client = cmp.Or(s.Client, own)
		}
		r.gateways = append(r.gateways, g)
	}
	if len(ms) > 0 {
		return nil, ms
	}
	return r, nil
}

// Send hands a text to the gateways for its number until one takes it.
//
// The next gateway is asked when one could not be reached, said no, or did not
// answer in time. The last is a choice: a gateway that hangs may have taken
// the message and then it arrives twice, but somebody waits for a code, and
// gateways that hang seldom deliver. One that breaks off after it had the
// whole message is another matter, and ends it with ErrUncertain.
func (r *Router) Send(ctx context.Context, m Message) (Receipt, error) {
	route := r.route(m.To)
	if len(route) == 0 {
		return Receipt{}, ErrNoGateway
	}
	var failures []error
	refused, asked := true, 0
	for i, g := range route {
		if !g.breaker.enter(r.options.Now()) {
			failures = append(failures, fmt.Errorf("%s: left alone for a while", g.name))
			refused = false
			continue
		}
		asked++
		patience := r.options.Timeout
		if i == len(route)-1 {
			patience *= 3
		}
		id, err := r.ask(ctx, g, m, patience)
		g.breaker.leave(r.options.Now(), isSick(err))
		if err == nil {
			return Receipt{Gateway: g.name, ID: id}, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", g.name, err))
		if errors.Is(err, ErrUncertain) || ctx.Err() != nil {
			return Receipt{}, errors.Join(failures...)
		}
		refused = refused && errors.Is(err, ErrRefused)
	}
	err := errors.Join(failures...)
	switch {
	case asked == 0:
		return Receipt{}, ErrResting
	case !refused: // somebody may yet take it
		return Receipt{}, hide(err, ErrRefused)
	}
	return Receipt{}, err
}

// route lists the gateways for a number: those with the longest prefix first,
// and those of one length in the order of the configuration.
func (r *Router) route(number string) []*gateway {
	var out []*gateway
	for _, g := range r.gateways {
		if g.fits(number) >= 0 {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b *gateway) int { return cmp.Compare(b.fits(number), a.fits(number)) })
	return out
}

// hide keeps the words of an error and forgets that it is a certain other one.
func hide(err, which error) error {
	if errors.Is(err, which) {
		return errors.New(err.Error())
	}
	return err
}

// ask hands a text to one gateway, in limited time.
func (r *Router) ask(ctx context.Context, g *gateway, m Message, patience time.Duration) (id string, err error) {
	if g.spec.Log {
		r.options.Log.InfoContext(ctx, "text message", "to", m.To, "text", m.Text)
		return "", nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	req, err := g.request(ctx, m, r.options.Now())
	if err != nil {
		return "", err
	}
	id, err = r.exchange(req, g)
	return id, discreet(err, m)
}

// discreet keeps the message out of what is said of it: gateways repeat it in
// their refusals, failures are logged, and a code must not be (SECURITY.md
// T-08).
func discreet(err error, m Message) error {
	if err == nil {
		return nil
	}
	words := strings.NewReplacer(append(digitsOf(m.Text), m.Text, "…", m.To, "…", strings.TrimPrefix(m.To, "+"), "…")...).Replace(err.Error())
	return told{words, err}
}

// digitsOf lists runs of digits that could be a code, each with what stands
// for it.
func digitsOf(text string) (pairs []string) {
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(run) >= 4 {
			pairs = append(pairs, run, "…")
		}
	}
	return pairs
}

// told is an error in other words.
type told struct {
	words string
	error
}

func (t told) Error() string { return t.words }
func (t told) Unwrap() error { return t.error }
