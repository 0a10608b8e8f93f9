package page

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/ui/locale"
)

// Context is one request and the answer to it.
type Context struct {
	W     http.ResponseWriter
	R     *http.Request
	Words locale.Printer
	Forms Forms

	cookies
	reach

	site   *Site
	here   string       // address of this page, for the language switch; empty: none
	client idp.ClientID // whose looks the page has; empty: the house's
	member idp.UserID   // whose own page it is; empty: nobody's, or not known
	wishes []string     // languages that the account and the request ask for
}

// arrival is what gin knows of a request and net/http does not.
type arrival struct {
	address string // by the trusted proxies
	route   string // the pattern, for the log: addresses carry tickets and tokens
	id      string // under which the request is in the logs, and on its error page
}

type arrivalKey struct{}

func arrived(r *http.Request, a arrival) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), arrivalKey{}, a))
}

func arrivalOf(r *http.Request) arrival {
	if a, ok := r.Context().Value(arrivalKey{}).(arrival); ok {
		return a
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return arrival{address: host}
}

// From makes a context for a plain net/http handler. Forms on its pages are
// bound to the session.
func (s *Site) From(w http.ResponseWriter, r *http.Request) *Context {
	c := &Context{W: w, R: r, site: s, cookies: cookies{s, w, r}}
	c.Forms = Forms{cookies: &c.cookies, bound: true}
	if r.Method == http.MethodGet {
		c.here = r.URL.RequestURI()
	}
	c.Speak()
	return c
}

// Speak adds wishes for a language, the strongest first: the account's, then
// the application's ui_locales. What the reader chose on the switch wins, and
// what the browser says comes last.
func (c *Context) Speak(wishes ...string) {
	c.wishes = append(c.wishes, wishes...)
	choices := append([]string{c.cookie(langCookie)}, c.wishes...)
	c.Words = locale.For(choices, c.R.Header.Get("Accept-Language"))
}

// For says whose own page it is, who came through the gate: it speaks their
// language and shows the way to what is theirs.
func (c *Context) For(u idp.User) {
	c.member = u.ID
	c.Forms.Sits(u.ID)
	c.Speak(u.Locale)
}

// Now is the site's clock.
func (c *Context) Now() time.Time { return c.site.now() }

// Context is the request's.
func (c *Context) Context() context.Context { return c.R.Context() }

// Origin says where the request came from. Addresses come from the trusted
// proxies only (SECURITY.md B-10); the agent is cut to 256 bytes.
func (c *Context) Origin() idp.Origin {
	const longest = 256
	agent := c.R.UserAgent()
	if len(agent) > longest {
		agent = agent[:longest]
	}
	at := arrivalOf(c.R)
	return idp.Origin{Address: at.address, Agent: strings.ToValidUTF8(agent, ""), Request: at.id}
}

// Here sets the address of the page for the language switch, when it is not
// the request's own: an answer to a POST is shown under another page's address.
func (c *Context) Here(address string) { c.here = address }

// Form is a field of the posted form.
func (c *Context) Form(name string) string { return c.R.PostForm.Get(name) }

// Query is a parameter of the address.
func (c *Context) Query(name string) string { return c.R.URL.Query().Get(name) }

// Redirect goes on to a path of ours by 303, so that reloading does not post
// again and no password travels on (RFC 9700 §4.12). Anything that is not such
// a path is refused (SECURITY.md X-07).
func (c *Context) Redirect(to string) error {
	if !local(to) {
		return fmt.Errorf("page: %q is not an address of ours", to)
	}
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.Header().Set("Location", to)
	c.W.WriteHeader(http.StatusSeeOther)
	return nil
}

// Leave goes on to another site, by an address of it that somebody registered
// with us and no request has named (SECURITY.md X-07).
func (c *Context) Leave(to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("page: %q is not an address on the web", to)
	}
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.Header().Set("Location", to)
	c.W.WriteHeader(http.StatusSeeOther)
	return nil
}

// local reports whether a reference stays on this origin. Browsers read
// "//host" and "/\host" as other hosts, and drop tabs and line feeds first.
func local(to string) bool {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\t\r\n\x00") {
		return false
	}
	u, err := url.Parse(to)
	return err == nil && u.Host == "" && u.Scheme == ""
}

// Attach answers with a text file for saving. The name is one of the
// catalogue's.
func (c *Context) Attach(name, text string) error {
	_, _ = io.WriteString(c.Download(name, "text/plain; charset=utf-8"), text) // the reader may have gone away
	return nil
}
