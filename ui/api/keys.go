package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// Key is a key that signs tokens; never its private part.
type Key struct {
	ID      string        `json:"id" doc:"kid"`
	Alg     string        `json:"alg"`
	State   oidc.KeyState `json:"state" enum:"next,current,retired"`
	Created time.Time     `json:"created"`
	Changed time.Time     `json:"changed" doc:"When it came into its state."`
	Until   *time.Time    `json:"until,omitempty" doc:"When it leaves its state by itself."`
}

func viewKey(k oidc.KeyFacts) Key {
	return Key{k.ID, k.Alg, k.State, k.Created.UTC(), k.Changed.UTC(), moment(k.Until)}
}

// keysAPI are the operations about signing keys.
type keysAPI struct{ *API }

func (a keysAPI) routes() {
	add(a.API, operation{id: "list-keys", method: http.MethodGet, path: "/keys", tag: "keys", right: idp.SeeKeys, summary: "List signing keys",
		about: "A key is published as next, signs as current, and still verifies when it is retired."}, a.listKeys)
	add(a.API, operation{id: "rotate-keys", method: http.MethodPost, path: "/keys/rotate", tag: "keys", right: idp.RotateKeys,
		summary: "Let the keys that are published ahead take over", about: "No application notices."},
		func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Key]], error) {
			if err := a.Keys.Rotate(ctx, by); err != nil {
				return nil, err
			}
			return a.keysNow(ctx, by)
		})
	add(a.API, operation{id: "revoke-key", method: http.MethodPost, path: "/keys/{key}/revoke", tag: "keys", right: idp.RotateKeys,
		summary: "Withdraw a key that others may have", about: "Tokens that it has signed are refused as soon as applications ask for the keys again."},
		func(ctx context.Context, by idp.Actor, in *struct {
			Key string `path:"key" maxLength:"64"`
		}) (*none, error) {
			return done(a.Keys.Revoke(ctx, by, in.Key))
		})
}

func (a keysAPI) listKeys(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Key]], error) {
	return a.keysNow(ctx, by)
}

// keysNow lists them without asking for keys:read again: who rotates sees.
func (a keysAPI) keysNow(ctx context.Context, by idp.Actor) (*body[Items[Key]], error) {
	all, err := a.Keys.List(ctx, by)
	return answer(Items[Key]{each(all, viewKey)}, err)
}
