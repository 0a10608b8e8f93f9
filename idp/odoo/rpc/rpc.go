// Package rpc speaks to an Odoo that an administrator named: XML-RPC with Odoo
// 16 to 18, JSON-2 from 19 on. Which one is found out by asking the server.
//
// It owns the two protocols, the guard around the calls (time-outs, sizes, no
// redirects, encryption beyond the own network) and the errors, each of which
// says what to do. It knows nothing of what is read or written, and never puts
// a key or a password into an error.
package rpc

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors that a caller can act on. The text of each says what to do.
var (
	ErrUnreachable = errors.New("Odoo cannot be reached") //nolint:staticcheck // a name
	ErrNotOdoo     = errors.New("what answers there is not Odoo")
	ErrNoDatabase  = errors.New("Odoo has no such database")                                //nolint:staticcheck // a name
	ErrWrongKey    = errors.New("Odoo refuses the login and its API key or password")       //nolint:staticcheck // a name
	ErrDenied      = errors.New("Odoo does not allow this to the login that Latchkey uses") //nolint:staticcheck // a name
	ErrNotFound    = errors.New("Odoo does not have this")                                  //nolint:staticcheck // a name
	ErrFault       = errors.New("Odoo reports an error")                                    //nolint:staticcheck // a name
	ErrOld         = errors.New("this version of Odoo is not supported: 16 to 19 are")
)

// Config says which Odoo, and as whom.
type Config struct {
	URL      string // such as https://erp.example.org, without a path
	Database string
	Login    string
	Key      string // an API key, or a password
	// Timeout is for one call, in all; default 30 s.
	Timeout time.Duration
	// MaxAnswer is the size of the largest answer in bytes; default 32 MiB.
	MaxAnswer int64
	// Roots vouch for the server; nil: those of the system.
	Roots *x509.CertPool
}

// Protocol is how an Odoo is spoken to.
type Protocol string

// The two protocols.
const (
	XMLRPC Protocol = "XML-RPC"
	JSON2  Protocol = "JSON-2"
)

// Version is what an Odoo says about itself.
type Version struct {
	Series     int    // 16, 17, 18, 19
	Full       string // such as 18.0 or saas~18.3+e
	Enterprise bool
	Online     bool // one of Odoo's own rolling releases, which only Odoo Online runs
}

// GroupsField is the name of the groups of res.users (ODOO.md §3).
func (v Version) GroupsField() string {
	if v.Series >= 19 {
		return "group_ids"
	}
	return "groups_id"
}

// Args are the named arguments of a method.
type Args map[string]any

// Client is signed in to one database. It is safe for concurrent use.
type Client struct {
	cfg      Config
	http     *http.Client
	base     *url.URL
	version  Version
	protocol Protocol
	uid      int64
}

// Version is what the server said when it was dialled.
func (c *Client) Version() Version { return c.version }

// Protocol is the one in use.
func (c *Client) Protocol() Protocol { return c.protocol }

// UID is the res.users id of the login.
func (c *Client) UID() int64 { return c.uid }

// URL is the address of Odoo, without a slash at its end.
func (c *Client) URL() string { return strings.TrimSuffix(c.base.String(), "/") }

// Dial asks the server for its version, chooses the protocol and signs in.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := open(cfg)
	if err != nil {
		return nil, err
	}
	if c.version, err = c.ask(ctx); err != nil {
		return nil, err
	}
	if c.version.Series < 16 {
		return nil, fmt.Errorf("%w: it is %s", ErrOld, c.version.Full)
	}
	if c.version.Series >= 19 {
		// JSON-2 takes API keys only; who gave a password is served by
		// XML-RPC as long as Odoo has it.
		err := c.enterJSON(ctx)
		if err == nil || !errors.Is(err, ErrWrongKey) {
			return c, err
		}
	}
	return c, c.enterXML(ctx)
}

func open(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	switch {
	case err != nil || base.Hostname() == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("%w: %q is not an address such as https://erp.example.org", ErrNotOdoo, cfg.URL)
	case strings.Trim(base.Path, "/") != "":
		return nil, fmt.Errorf("%w: the address of Odoo has no path; try %s://%s", ErrNotOdoo, base.Scheme, base.Host)
	}
	base.Path = ""
	cfg.Timeout, cfg.MaxAnswer = cmp.Or(cfg.Timeout, 30*time.Second), cmp.Or(cfg.MaxAnswer, 32<<20)
	return &Client{cfg: cfg, base: base, http: guarded(cfg)}, nil
}

// enterXML signs in as programs do: without the second factor, which is why
// somebody with Odoo's own needs an API key.
func (c *Client) enterXML(ctx context.Context) error {
	uid, err := c.authenticate(ctx, c.cfg.Login, c.cfg.Key)
	if err != nil {
		return err
	}
	c.uid, c.protocol = uid, XMLRPC
	return nil
}

func (c *Client) authenticate(ctx context.Context, login, password string) (int64, error) {
	var answer json.RawMessage
	err := c.xml(ctx, "/xmlrpc/2/common", "authenticate", []any{c.cfg.Database, login, password, map[string]any{}}, &answer, true)
	if errors.Is(err, ErrDenied) {
		return 0, ErrWrongKey
	} else if err != nil {
		return 0, err
	}
	uid, err := strconv.ParseInt(string(answer), 10, 64)
	if err != nil || uid == 0 { // false
		return 0, ErrWrongKey
	}
	return uid, nil
}

func (c *Client) enterJSON(ctx context.Context) error {
	var me struct{ UID int64 }
	if err := c.json(ctx, "res.users", "context_get", Args{}, &me, true); err != nil {
		return err
	}
	c.uid, c.protocol = me.UID, JSON2
	return nil
}

// CheckPassword asks Odoo whether a password is somebody's, as Odoo's own
// programs would sign in with it. It returns their res.users id, or fails with
// [ErrWrongKey]. It uses cfg.URL and cfg.Database only. Somebody with Odoo's
// own second factor is always refused here.
func CheckPassword(ctx context.Context, cfg Config, login, password string) (int64, error) {
	c, err := open(cfg)
	if err != nil {
		return 0, err
	}
	return c.authenticate(ctx, login, password)
}

// Ask reads the version without signing in.
func Ask(ctx context.Context, cfg Config) (Version, error) {
	c, err := open(cfg)
	if err != nil {
		return Version{}, err
	}
	return c.ask(ctx)
}

// Databases lists the databases of the server. Many servers keep the list to
// themselves: [ErrDenied].
func Databases(ctx context.Context, cfg Config) ([]string, error) {
	c, err := open(cfg)
	if err != nil {
		return nil, err
	}
	var out []string
	err = c.xml(ctx, "/xmlrpc/2/db", "list", nil, &out, true)
	return out, err
}

// ask prefers what all versions answer to: an old Odoo with a website would
// draw a whole page to say that it has no /web/version.
func (c *Client) ask(ctx context.Context) (Version, error) {
	var said struct {
		ServerVersion string `json:"server_version"`
		ServerInfo    []any  `json:"server_version_info"`
		Version       string `json:"version"`
		Info          []any  `json:"version_info"`
	}
	err := c.xml(ctx, "/xmlrpc/2/common", "version", nil, &said, true)
	if errors.Is(err, ErrNotOdoo) || errors.Is(err, ErrNotFound) {
		if c.get(ctx, "/web/version", &said) != nil {
			return Version{}, err
		}
	} else if err != nil {
		return Version{}, err
	}
	v, ok := parseVersion(cmp.Or(said.ServerVersion, said.Version), append(said.ServerInfo, said.Info...))
	if !ok {
		return v, fmt.Errorf("%w: it says no version", ErrNotOdoo)
	}
	return v, nil
}

func parseVersion(full string, info []any) (Version, bool) {
	v := Version{Full: full, Online: strings.HasPrefix(full, "saas"), Enterprise: strings.Contains(full, "+e")}
	if len(info) > 5 && info[5] == "e" {
		v.Enterprise = true
	}
	series := strings.TrimLeft(full, "sa~-")
	if len(info) > 0 {
		series = strings.TrimLeft(fmt.Sprint(info[0]), "sa~-")
	}
	series, _, _ = strings.Cut(series, ".")
	n, err := strconv.Atoi(series)
	v.Series = n
	return v, err == nil
}
