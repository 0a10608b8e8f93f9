package connector

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// Bounds of what is taken for a way in past us.
const (
	// pastSlack is what may lie between our answer and the moment that Odoo notes:
	// a token is good for a minute, Odoo waits ten seconds for us, and the clocks
	// may be half a minute apart before the doctor says so.
	pastSlack = 2 * time.Minute
	// pastBack is how far back is judged. Events are kept for 90 days at least;
	// before that, a sign-in through here may be forgotten.
	pastBack = 60 * 24 * time.Hour
)

// passers finds who came into an Odoo past us, though their password was replaced.
//
// Odoo tells nobody when a password was set: write_date changes with each sign-in
// and each change of the person, and the hash is never shown. But it says when
// somebody signed in last, by whatever means (login_date, in UTC), and we know
// when we let them in. An administrator of Odoo who sends password instructions
// gives a way in that is seen when it is used, not before. A sign-in past us that
// is followed by one through us before anybody looks is not seen. A passkey of
// Odoo's, and a program with an API key, look like a password.
type passers struct {
	book    *Book
	journal Journal
	of      Connection
	locked  lockedAt
}

// among returns those of the users who came in past us. Only who is locked is
// judged.
func (p passers) among(ctx context.Context, all []odooUser) (out []odooUser, err error) {
	since := p.book.now().Add(-pastBack)
	var doubtful []odooUser
	for _, u := range all {
		if came := u.Came.Time; p.locked.has(u.ID) && came.After(since) && came.After(p.locked.at(u.ID).Add(pastSlack)) {
			doubtful = append(doubtful, u)
		}
	}
	const portion = 500
	for some := range slices.Chunk(doubtful, portion) {
		who := make([]idp.UserID, len(some))
		for i, u := range some {
			who[i] = idp.UserID(u.UID)
		}
		through, err := p.journal.Entered(ctx, p.of.Client, who, since)
		if err != nil {
			return out, err
		}
		for _, u := range some {
			if u.Came.After(through[idp.UserID(u.UID)].Add(pastSlack)) {
				out = append(out, u)
			}
		}
	}
	return out, nil
}

// pastState is the name under which is kept who was told of, with the sign-in.
const pastState = "past"

// tell leaves an event about each sign-in past us, once.
func (p passers) tell(ctx context.Context, past []odooUser) error {
	raw, err := p.book.connections.State(ctx, p.of.ID, pastState)
	if err != nil {
		return err
	}
	told, now := lockedAt{}, lockedAt{}
	if raw != "" {
		if err := json.Unmarshal([]byte(raw), &told); err != nil {
			return err
		}
	}
	var news []odooUser
	for _, u := range past {
		now[u.ID] = u.Came.Unix()
		if told[u.ID] != now[u.ID] {
			news = append(news, u)
		}
	}
	if len(news) == 0 {
		return nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return p.book.atomic(ctx, func(ctx context.Context) error {
		for _, u := range news {
			err := p.book.log.Append(ctx, idp.Event{
				ID: rand.Text(), At: p.book.now(), What: "odoo.past", User: idp.UserID(u.UID), Client: p.of.Client, Result: "ok",
				Detail: map[string]string{"connection": p.of.ID, "login": u.Login, "odoo_id": strconv.FormatInt(u.ID, 10), "signed_in": u.Came.UTC().Format(time.RFC3339)},
			})
			if err != nil {
				return err
			}
		}
		return p.book.connections.SetState(ctx, p.of.ID, pastState, string(text))
	})
}

// keyed are those of the users who have an API key or a passkey of Odoo's: a
// program that signs in with the one, and a person with the other, look like
// somebody with a password.
func keyed(ctx context.Context, r *rpc.Client, f Facts, all []odooUser) (map[int64]bool, error) {
	out := map[int64]bool{}
	if len(all) == 0 {
		return out, nil
	}
	ids := make([]int64, len(all))
	for i, u := range all {
		ids[i] = u.ID
	}
	keys, err := keyList{r: r}.read(ctx, rpc.Domain{rpc.Is("user_id", "in", ids)})
	for _, k := range keys {
		out[k.User.ID] = true
	}
	if err != nil || !f.Has("auth_passkey") {
		return out, err
	}
	var passkeys []struct {
		Owner rpc.Ref `json:"create_uid"`
	}
	err = r.SearchRead(ctx, "auth.passkey.key", rpc.Domain{rpc.Is("create_uid", "in", ids)}, []string{"create_uid"}, rpc.Page{Limit: 1000}, &passkeys)
	for _, k := range passkeys {
		out[k.Owner.ID] = true
	}
	return out, err
}
