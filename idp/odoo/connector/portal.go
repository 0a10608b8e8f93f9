package connector

import (
	"context"
	_ "embed" // for the script
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// The marks around the snippet: what is between them is ours, what is around
// them is not touched.
const (
	snippetBegin = "<!-- latchkey:begin -->"
	snippetEnd   = "<!-- latchkey:end -->"
)

var snippetOf = regexp.MustCompile(`(?s)\n?` + snippetBegin + `.*?` + snippetEnd + `\n?`)

// script goes into the head of Odoo's website.
//
//go:embed portal.js
var script string

// Portal says what is on the websites of an Odoo.
type Portal struct {
	Snippet  string   `json:"snippet"`
	Websites []string `json:"websites"` // of Odoo; none: the module is not installed
	Written  []string `json:"written"`  // those that have the snippet as it should be
	Old      []string `json:"old"`      // those that have another one
	Rules    string   `json:"rules"`    // for a reverse proxy, where there is no website
}

// Websites writes to the websites of an Odoo.
type Websites struct {
	book   *Book
	issuer string
	say    func(lang, key string, args ...any) string
}

// Snippet is what goes into the head of Odoo's website: to us from the login
// page, out through us, and a tile to our security page.
func (w *Websites) Snippet(c Connection) (string, error) {
	texts := map[string]any{}
	for _, lang := range w.spoken(c.Facts) {
		texts[lang] = map[string]string{"title": w.say(lang, "tile"), "text": w.say(lang, "tile_text")}
	}
	data, err := json.Marshal(map[string]any{ // escapes < and >, so that nothing ends the script
		"authorize": w.issuer + oidc.PathAuthorize, "client": c.Client, "logout": w.issuer + oidc.PathLogout,
		"security": w.issuer + "/my/security", "texts": texts,
	})
	if err != nil {
		return "", err
	}
	return snippetBegin + "\n<script>\n(" + strings.TrimSpace(script) + ")(" + string(data) + ");\n</script>\n" + snippetEnd, nil
}

// spoken are the languages of an Odoo that we have words for, such as "fr", and
// English, in which the script finds what it has no other words for.
func (w *Websites) spoken(f Facts) []string {
	out := []string{"en"}
	for _, code := range f.Languages {
		lang, _, _ := strings.Cut(strings.ReplaceAll(code, "@", "_"), "_") // fr_BE, sr@latin
		if !slices.Contains(out, lang) && w.say(lang, "tile") != w.say("en", "tile") {
			out = append(out, lang)
		}
	}
	return out
}

// ShowPortal reads what is there and changes nothing.
func (w *Websites) ShowPortal(ctx context.Context, by idp.Actor, id string) (Portal, error) {
	if err := may(by); err != nil {
		return Portal{}, err
	}
	c, r, err := w.book.reach(ctx, id)
	if err != nil {
		return Portal{}, err
	}
	p := Portal{Rules: w.rules(c)}
	if p.Snippet, err = w.Snippet(c); err != nil {
		return p, err
	}
	all, err := sites(ctx, r, c.Facts)
	for _, one := range all {
		p.Websites = append(p.Websites, one.Name)
		switch found := snippetOf.FindString(string(one.Head)); {
		case strings.TrimSpace(found) == p.Snippet:
			p.Written = append(p.Written, one.Name)
		case found != "":
			p.Old = append(p.Old, one.Name)
		}
	}
	return p, err
}

// InstallPortal writes the snippet to all websites, and says to how many that
// did not have it.
func (w *Websites) InstallPortal(ctx context.Context, by idp.Actor, id string) (int, error) {
	return w.write(ctx, by, id, w.Snippet)
}

// RemovePortal takes the snippet away.
func (w *Websites) RemovePortal(ctx context.Context, by idp.Actor, id string) (int, error) {
	return w.write(ctx, by, id, func(Connection) (string, error) { return "", nil })
}

func (w *Websites) write(ctx context.Context, by idp.Actor, id string, text func(Connection) (string, error)) (int, error) {
	if err := may(by); err != nil {
		return 0, err
	}
	c, r, err := w.book.reach(ctx, id)
	if err != nil {
		return 0, err
	}
	if !c.Facts.Has("website") {
		return 0, refuse("refused.website", idp.ErrInvalid)
	}
	snippet, err := text(c)
	if err != nil {
		return 0, err
	}
	n, err := putSnippet(ctx, r, c, snippet, false)
	if err != nil || n == 0 {
		return n, err
	}
	what := "odoo.portal.install"
	if snippet == "" {
		what = "odoo.portal.remove"
	}
	return n, w.book.note(ctx, by, what, c, nil)
}

// putSnippet puts a snippet, or nothing, in the place of ours on each website.
func putSnippet(ctx context.Context, r *rpc.Client, c Connection, snippet string, dry bool) (changed int, err error) {
	all, err := sites(ctx, r, c.Facts)
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		rest := snippetOf.ReplaceAllLiteralString(string(one.Head), "")
		next := rest
		if snippet != "" {
			next = strings.TrimRight(rest, "\n") + "\n" + snippet + "\n"
		}
		if strings.TrimSpace(next) == strings.TrimSpace(string(one.Head)) {
			continue
		}
		if changed++; dry {
			continue
		}
		if err := r.Write(ctx, "website", []int64{one.ID}, rpc.Args{"custom_code_head": next}, nil); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// rules are what a reverse proxy in front of Odoo can do where no snippet can
// be written: the login page leads straight to us. The address is the one that
// is behind Odoo's own button.
func (w *Websites) rules(c Connection) string {
	base := c.Facts.Base
	if base == "" {
		base = origin(c.URL)
	}
	state := fmt.Sprintf(`{"d": %q, "p": %d, "r": %q}`, c.Database, c.Provider, url.QueryEscape(base+"/web"))
	to := w.issuer + oidc.PathAuthorize + "?" + url.Values{
		"response_type": {"token"}, "client_id": {string(c.Client)}, "redirect_uri": {base + Callback}, "scope": {scope}, "state": {state},
	}.Encode()
	return `# nginx, in the server block of Odoo; /web/login?local=1 still shows Odoo's own form
set $latchkey "$request_method:$arg_local$arg_oauth_error$arg_redirect";
location = /web/login {
    if ($latchkey = "GET:") { return 303 "` + to + `"; }
    proxy_pass http://odoo; # as for the rest of Odoo
}

# Caddy, in the site of Odoo
@latchkey {
    method GET
    path /web/login
    not query local=*
    not query oauth_error=*
    not query redirect=*
}
redir @latchkey "` + to + `" 303
`
}
