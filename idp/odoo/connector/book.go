package connector

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// Book is which connections there are, the way to their Odoos and the log of what
// is done with them: what every use case needs, and no more.
type Book struct {
	connections Connections
	log         idp.Log
	atomic      idp.Atomic
	now         func() time.Time
	roots       *x509.CertPool
}

// Find returns the connection of an id; "" is the only one there is.
func (b *Book) Find(ctx context.Context, id string) (Connection, error) {
	if id != "" {
		c, err := b.connections.ByID(ctx, id)
		if errors.Is(err, idp.ErrNotFound) {
			err = fmt.Errorf("%w: there is no connection %q; `latchkey odoo list` prints them", idp.ErrNotFound, id)
		}
		return c, err
	}
	all, err := b.connections.All(ctx)
	switch {
	case err != nil:
		return Connection{}, err
	case len(all) == 0:
		return Connection{}, fmt.Errorf("%w: no Odoo is connected yet; `latchkey odoo connect` does it", idp.ErrNotFound)
	case len(all) > 1:
		return Connection{}, fmt.Errorf("%w: there are several connections: name one of %s", idp.ErrInvalid, strings.Join(ids(all), ", "))
	}
	return all[0], nil
}

func ids(all []Connection) (out []string) {
	for _, c := range all {
		out = append(out, c.ID)
	}
	return out
}

// dial signs in to a connection's Odoo and notes how that went.
func (b *Book) dial(ctx context.Context, c Connection) (*rpc.Client, error) {
	r, err := rpc.Dial(ctx, b.config(c))
	if c.ID == "" {
		return r, err
	}
	return r, errors.Join(err, b.connections.Heard(ctx, c.ID, b.now(), err))
}

func (b *Book) config(c Connection) rpc.Config {
	return rpc.Config{URL: c.URL, Database: c.Database, Login: c.Login, Key: c.Key, Roots: b.roots}
}

// reach is Find and dial.
func (b *Book) reach(ctx context.Context, id string) (Connection, *rpc.Client, error) {
	c, err := b.Find(ctx, id)
	if err != nil {
		return c, nil, err
	}
	r, err := b.dial(ctx, c)
	return c, r, err
}

// learn keeps what work with a connection has found out, in the connection as it
// is by now: the work takes minutes, and an administrator may have changed its
// settings or taken back its lock meanwhile. It returns what is kept.
func (b *Book) learn(ctx context.Context, id string, set func(*Connection)) (Connection, error) {
	c, err := b.connections.ByID(ctx, id)
	if err != nil {
		return c, err
	}
	set(&c)
	return c, b.connections.Save(ctx, c)
}

// note leaves an event in the log.
func (b *Book) note(ctx context.Context, by idp.Actor, what string, c Connection, detail map[string]string) error {
	all := map[string]string{"connection": c.ID}
	for k, v := range detail {
		all[k] = v
	}
	return b.log.Append(ctx, idp.Event{
		ID: rand.Text(), At: b.now(), What: what, Actor: by.User, Client: c.Client, Origin: by.Origin, Result: "ok", Detail: all,
	})
}
