package connector

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// Way is the way that a person and their token go.
type Way struct {
	book   *Book
	issuer string
	probes Prober
	http   *http.Client // for our own issuer
}

// Validates asks a client's validation address about a token of nobody, as
// Odoo's server does, and says what is wrong; nothing when nothing is.
func (w *Way) Validates(ctx context.Context, c oidc.Client) (oidc.Note, error) {
	f, err := w.direct(ctx, c)
	return oidc.Note{Text: f.Evidence, Code: f.Says, Facts: f.Facts, Detail: f.Detail}, err
}

// walk goes the way that a person and their token go, without signing anybody
// in: Odoo's login page has our button with a good address in it, and Odoo's
// server finds our validation address.
func (w *Way) walk(ctx context.Context, c Connection, client oidc.Client) ([]Finding, error) {
	out, stock := w.button(ctx, c, client)
	direct, err := w.direct(ctx, client)
	if err != nil {
		return nil, err
	}
	if direct.Check != "" {
		return append(out, direct), nil // Odoo's server would not get any further
	}
	if !stock {
		return out, nil // it asks elsewhere, with what only a sign-in brings
	}
	through, err := w.through(ctx, c, client)
	if err != nil {
		return nil, err
	}
	if through.Check != "" {
		out = append(out, through)
	}
	return out, nil
}

var links = regexp.MustCompile(`href="([^"]+)"`)

// button looks at Odoo's login page as a browser does, at each address that
// Odoo has. It also says whether Odoo signs people in as its own module does,
// as far as can be seen; OCA's auth_oidc has other flows (ODOO.md §4).
func (w *Way) button(ctx context.Context, c Connection, client oidc.Client) (out []Finding, stock bool) {
	stock = true
	for _, at := range lookAt(c) {
		cfg := w.book.config(c)
		cfg.URL, cfg.Timeout = at, 15*time.Second
		page, err := rpc.Visit(ctx, cfg, "/web/login?"+url.Values{"db": {c.Database}, "local": {"1"}}.Encode())
		if err != nil && at != c.URL {
			continue // an address for browsers, which this server need not see
		}
		if err != nil {
			return append(out, failing("unreachable", err, "let this server reach Odoo at "+at)), stock
		}
		if q, found := w.link(page.Body, client); found && q.Get("response_type") != "token" {
			stock = false
		}
		if f, bad := w.judge(at, slices.Contains(c.Facts.Hosts, origin(at)), page, client); bad {
			out = append(out, f)
		}
	}
	return out, stock
}

// lookAt are the addresses whose login page is looked at.
func lookAt(c Connection) []string {
	out := []string{c.URL}
	for _, h := range c.Facts.Hosts {
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// judge reads a login page. What it says at an address that no browser uses,
// such as a name inside a network of servers, is not where people are sent.
func (w *Way) judge(at string, public bool, page rpc.Seen, client oidc.Client) (Finding, bool) {
	q, found := w.link(page.Body, client)
	if !found {
		return one("button", Problem, "`latchkey odoo doctor --fix` writes the provider row anew; if a module replaces the login page, its template must list the providers",
			at, page.Status), true
	}
	if asks := strings.Fields(q.Get("response_type")); !slices.Contains(client.ResponseTypes, strings.Join(slices.Sorted(slices.Values(asks)), " ")) {
		return one("flow", Problem, "choose another flow in Odoo's provider row (the code flow is best), or allow this one: `latchkey client update "+string(client.ID)+" --response-type …`",
			at, q.Get("response_type")), true
	}
	seen := q.Get("redirect_uri")
	if !public || slices.Contains(client.RedirectURIs, seen) {
		return Finding{}, false
	}
	f := one("redirect_uri", Problem, "`latchkey client update "+string(client.ID)+" --redirect-uri …` if this is a right address of Odoo", at, seen)
	want, is := origin(at), origin(seen)
	if strings.HasPrefix(want, "https://") && strings.HasPrefix(is, "http://") || host(want) != host(is) {
		f.Check = "proxy_mode"
		f.Cure = "set proxy_mode = True in Odoo's configuration, and let the proxy in front of it send X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-For"
	}
	return f, true
}

func host(o string) string {
	_, h, _ := strings.Cut(o, "://")
	return h
}

// link finds our button on a page.
func (w *Way) link(page string, client oidc.Client) (url.Values, bool) {
	for _, m := range links.FindAllStringSubmatch(page, -1) {
		to, err := url.Parse(html.UnescapeString(m[1]))
		if err != nil || !strings.HasPrefix(to.String(), w.issuer+oidc.PathAuthorize) {
			continue
		}
		if q := to.Query(); q.Get("client_id") == string(client.ID) {
			return q, true
		}
	}
	return nil, false
}

// direct asks our own validation address, over the network, as Odoo does.
func (w *Way) direct(ctx context.Context, client oidc.Client) (Finding, error) {
	token, err := w.probes.Probe(ctx, client)
	if err != nil {
		return Finding{}, err
	}
	at := validation(w.issuer, Connection{}, client)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // as long as Odoo waits
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"?"+url.Values{"access_token": {token}}.Encode(), nil)
	if err != nil {
		return Finding{}, err
	}
	resp, err := w.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address holds secrets
		}
		return one("issuer.silent", Problem, "start `latchkey serve`, and let "+w.issuer+" lead to it", w.issuer).because(err.Error()), nil
	}
	defer resp.Body.Close()
	var said struct{ Error string }
	if json.NewDecoder(io.LimitReader(resp.Body, 4<<10)).Decode(&said) != nil || said.Error != "latchkey_probe" {
		return one("issuer.other", Problem, "the server that answers there must be this one, with the same database", w.issuer, resp.StatusCode), nil
	}
	return Finding{}, nil
}

// through lets Odoo's own server ask, as it does at the end of a sign-in. The
// answer is an error to it, so nobody is signed in and no user is made.
func (w *Way) through(ctx context.Context, c Connection, client oidc.Client) (Finding, error) {
	token, err := w.probes.Probe(ctx, client)
	if err != nil {
		return Finding{}, err
	}
	state, err := json.Marshal(map[string]any{"d": c.Database, "p": c.Provider, "r": url.QueryEscape(c.URL + "/web")})
	if err != nil {
		return Finding{}, err
	}
	asked := origin(validation(w.issuer, c, client))
	cure := "let Odoo's server reach " + asked + " (name, firewall, certificate), or connect again with the address at which it does (--reach)"
	page, err := rpc.Visit(ctx, w.book.config(c), Callback+"?"+url.Values{"access_token": {token}, "state": {string(state)}}.Encode())
	if err != nil {
		return failing("validation", err, cure), nil
	}
	arrived, err := w.probes.Arrived(ctx, client, token)
	if err != nil || arrived {
		return Finding{}, err
	}
	return one("validation", Problem, cure, asked, page.Status, page.URL.Query().Encode()), nil
}
