// Package rpc speaks to an Odoo that an administrator named: XML-RPC with Odoo
// 16 to 18, JSON-2 from 19 on. Which one is found out by asking the server.
//
// It owns the two protocols, the guard around the calls (time-outs, sizes, no
// redirects, encryption beyond the own network) and the errors, each of which
// says what to do. It knows nothing of what is read or written, and never puts
// a key or a password into an error.
package rpc

import (
	"context"
	"crypto/x509"
	"errors"
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
	server   *server
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
func (c *Client) URL() string { return c.server.wire.address() }

// Dial asks the server for its version, chooses the protocol and signs in.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	s, err := open(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{server: s}
	if c.version, err = s.ask(ctx); err != nil {
		return nil, err
	}
	if c.version.Series < 16 {
		return nil, says(ErrOld, "reach.old", c.version.Full)
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

// enterXML signs in as programs do: without the second factor, which is why
// somebody with Odoo's own needs an API key.
func (c *Client) enterXML(ctx context.Context) error {
	uid, err := c.server.authenticate(ctx, c.server.cfg.Login, c.server.cfg.Key)
	if err != nil {
		return err
	}
	c.uid, c.protocol = uid, XMLRPC
	return nil
}

func (c *Client) enterJSON(ctx context.Context) error {
	var me struct{ UID int64 }
	if err := c.server.json(ctx, "res.users", "context_get", Args{}, &me, true); err != nil {
		return err
	}
	c.uid, c.protocol = me.UID, JSON2
	return nil
}
