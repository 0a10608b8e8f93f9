package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/rpc"
)

// Endings tells connected Odoos that a person's sessions are at an end; it is
// the [mail.Transport] of the channel mail.Odoo. The store writes a message for
// each connection in the very transaction that ends what the person has here
// (a new password, a reset, "it was not me", disabling), so an Odoo that is down
// hears of it later, and nothing is lost without a word.
type Endings struct {
	*Service

	mu   sync.Mutex
	open map[string]opened
}

// opened is a client that is kept for a while: a new one costs a sign-in, and
// half of a company may be disabled at once.
type opened struct {
	of    Connection
	r     *rpc.Client
	until time.Time
}

// keepOpen is how long a client is kept.
const keepOpen = time.Minute

var _ mail.Transport = (*Endings)(nil)

// ParseEnding reads the recipient of a message: which connection, and whom.
func ParseEnding(to string) (connection string, user idp.UserID, err error) {
	c, u, ok := strings.Cut(to, " ")
	if !ok || c == "" || u == "" {
		return "", "", fmt.Errorf("%w: recipient %q", idp.ErrInvalid, to)
	}
	return c, idp.UserID(u), nil
}

// Send ends the sessions of one person in one Odoo. A connection that is gone
// has nobody to tell.
func (e *Endings) Send(ctx context.Context, m mail.Message) error {
	id, user, err := ParseEnding(m.To)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrFinal, err)
	}
	c, err := e.Connections.ByID(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	r, err := e.client(ctx, c)
	if err != nil {
		return err
	}
	if _, err := endThere(ctx, r, c, user); err != nil {
		e.mu.Lock()
		delete(e.open, c.ID)
		e.mu.Unlock()
		return errors.Join(err, e.Connections.Heard(ctx, c.ID, e.Now(), err))
	}
	return nil
}

func (e *Endings) client(ctx context.Context, c Connection) (*rpc.Client, error) {
	e.mu.Lock()
	o, ok := e.open[c.ID]
	e.mu.Unlock()
	if ok && o.of.Key == c.Key && o.of.URL == c.URL && o.of.Login == c.Login && o.of.Database == c.Database && e.Now().Before(o.until) {
		return o.r, nil
	}
	r, err := e.Dial(ctx, c)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		e.open = map[string]opened{}
	}
	e.open[c.ID] = opened{of: c, r: r, until: e.Now().Add(keepOpen)}
	return r, nil
}

// endThere ends all sessions of a person in an Odoo: the token that it keeps is
// part of each (ODOO.md §2). It returns how many users of Odoo it found.
func endThere(ctx context.Context, r *rpc.Client, c Connection, user idp.UserID) (int, error) {
	who := rpc.Domain{rpc.Is("oauth_provider_id", "=", c.Provider), rpc.Is("oauth_uid", "=", string(user))}
	found, err := r.Search(ctx, "res.users", who, rpc.Page{Archived: true})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	if r.Version().Series < 19 {
		return len(found), r.Write(ctx, "res.users", found, rpc.Args{"oauth_access_token": false}, nil)
	}
	for _, id := range found {
		if err := r.Call(ctx, "res.users", "remove_oauth_access_token", []int64{id}, nil, nil); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
