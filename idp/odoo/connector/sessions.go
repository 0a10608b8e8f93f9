package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	book  *Book
	lines *lines
}

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
	c, err := e.book.connections.ByID(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	r, err := e.lines.client(ctx, c)
	if err != nil {
		return err
	}
	if _, err := endThere(ctx, r, c, user); err != nil {
		e.lines.hangUp(c)
		return errors.Join(err, e.book.connections.Heard(ctx, c.ID, e.book.now(), err))
	}
	return nil
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
