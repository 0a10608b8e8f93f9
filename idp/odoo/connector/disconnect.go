package connector

import (
	"context"
	"errors"
	"fmt"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// Disconnect takes back what Connect made: the snippet on websites, the
// provider row with the links that hang on it, the client with its tokens, and
// the connection with its key. An Odoo that cannot be reached keeps its part
// only if force says so.
func (s *Setup) Disconnect(ctx context.Context, by idp.Actor, id string, dry, force bool) (did []Note, err error) {
	if err := errors.Join(may(by), by.May(idp.EditClients)); err != nil { // its application goes, too
		return nil, err
	}
	c, err := s.book.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := s.book.dial(ctx, c)
	switch {
	case err == nil:
		did, err = takeBack(ctx, r, c, dry)
		if err != nil {
			return did, err
		}
	case force:
		did = append(did, say("back.stays", c.Provider).because(err.Error()))
	default:
		return nil, fmt.Errorf("%w; with --force Odoo keeps its part", err)
	}
	did = append(did, say("back.client", c.Client), say("back.connection", c.ID))
	if dry {
		return did, nil
	}
	return did, s.book.atomic(ctx, func(ctx context.Context) error {
		gone := s.clients.Remove(ctx, c.Client)
		return errors.Join(gone, s.book.connections.Remove(ctx, c.ID), s.book.note(ctx, by, "client.remove", c, nil), s.book.note(ctx, by, "odoo.disconnect", c, nil))
	})
}

// takeBack removes our traces from an Odoo. People's local passwords cannot be
// brought back; Odoo's own reset is switched on again for them.
func takeBack(ctx context.Context, r *rpc.Client, c Connection, dry bool) (did []Note, err error) {
	if !c.Lock.At.IsZero() {
		did = append(did, say("back.reset"))
		if !dry {
			if err := restore(ctx, r, c); err != nil {
				return did, err
			}
		}
	}
	changed, err := putSnippet(ctx, r, c, "", dry)
	if err != nil {
		return did, err
	}
	if changed > 0 {
		did = append(did, say("back.snippet", changed))
	}
	users, err := r.Search(ctx, "res.users", linked(c), rpc.Page{Archived: true})
	if err != nil {
		return did, err
	}
	did = append(did, say("back.links", len(users)), say("back.row", c.Provider))
	if dry || c.Provider == 0 {
		return did, nil
	}
	for i := 0; i < len(users); i += 500 {
		some := users[i:min(i+500, len(users))]
		if err := r.Write(ctx, "res.users", some, rpc.Args{"oauth_provider_id": false, "oauth_uid": false}, nil); err != nil {
			return did, err
		}
	}
	here, err := r.Search(ctx, "auth.oauth.provider", rpc.Domain{rpc.Is("id", "=", c.Provider)}, rpc.Page{})
	if err != nil || len(here) == 0 {
		return did, err
	}
	return did, r.Unlink(ctx, "auth.oauth.provider", here)
}
