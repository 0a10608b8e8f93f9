package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// P-04, T-01, T-09, W-01, M-03, C-01: of twenty that do the same at once one
// wins, the others are told so, and nothing of theirs stays.
func TestOneWinner(t *testing.T) {
	later := time.Now().Add(time.Hour)
	for _, race := range []struct {
		name string
		lost error
		set  func(ctx context.Context, db *store.DB, n string) error
		run  func(ctx context.Context, db *store.DB, n string, i int) error
	}{
		{"Grants.Spend", idp.ErrSpent,
			func(ctx context.Context, db *store.DB, n string) error {
				return db.Grants.Put(ctx, oidc.Grant{Kind: "code", Signature: n, Expires: later})
			},
			func(ctx context.Context, db *store.DB, n string, i int) error {
				return db.Grants.Spend(ctx, "code", n, oidc.Grant{Kind: "access", Signature: fmt.Sprint(n, i), Expires: later})
			}},
		{"Odoo Fire", idp.ErrSpent,
			func(ctx context.Context, db *store.DB, n string) error {
				return db.OdooTokens.Arm(ctx, oidc.Grant{Signature: n, Client: "c", Expires: later}, 1, later)
			},
			func(ctx context.Context, db *store.DB, n string, _ int) error {
				_, err := db.OdooTokens.Fire(ctx, n, "c")
				return err
			}},
		{"Credentials.Save", mfa.ErrConflict,
			func(ctx context.Context, db *store.DB, n string) error {
				return db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(n), Subject: "ann"})
			},
			func(ctx context.Context, db *store.DB, n string, _ int) error {
				return db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(n), Subject: "ann", Version: 1})
			}},
		{"Challenges.Spend", mfa.ErrExpired,
			func(ctx context.Context, db *store.DB, n string) error {
				return db.Challenges.Put(ctx, mfa.Challenge{ID: mfa.ChallengeID(n), Expires: later})
			},
			func(ctx context.Context, db *store.DB, n string, _ int) error {
				return db.Challenges.Spend(ctx, mfa.ChallengeID(n))
			}},
		{"Flows.End", idp.ErrSpent,
			func(ctx context.Context, db *store.DB, n string) error {
				return db.Flows.Put(ctx, signin.Flow{ID: n, User: "ann", Expires: later})
			},
			func(ctx context.Context, db *store.DB, n string, i int) error {
				return db.Atomic(ctx, func(ctx context.Context) error {
					s := idp.Session{ID: idp.SessionID(fmt.Sprint(n, i)), Hash: fmt.Sprint(n, i), User: "ann", Expires: later}
					return errors.Join(db.Sessions.Open(ctx, s), db.Flows.End(ctx, n))
				})
			}},
		{"Users.SetPassword", idp.ErrSpent,
			func(ctx context.Context, db *store.DB, n string) error {
				u := idp.User{ID: idp.UserID(n), Password: "old"}
				return db.Users.Add(ctx, u, nil)
			},
			func(ctx context.Context, db *store.DB, n string, i int) error {
				return db.Users.SetPassword(ctx, idp.UserID(n), "old", fmt.Sprint("new", i))
			}},
		{"Users.Add", idp.ErrTaken,
			func(context.Context, *store.DB, string) error { return nil },
			func(ctx context.Context, db *store.DB, n string, i int) error {
				u := idp.User{ID: idp.UserID(fmt.Sprint(n, "-", i))}
				return db.Users.Add(ctx, u, ids(n, n, fmt.Sprint(n, i), "look"+n))
			}},
		{"Keys.Add", idp.ErrTaken,
			func(ctx context.Context, db *store.DB, _ string) error {
				all, err := db.Keys.All(ctx)
				for _, k := range all {
					err = errors.Join(err, db.Keys.Remove(ctx, k.ID))
				}
				return err
			},
			func(ctx context.Context, db *store.DB, n string, i int) error {
				return db.Keys.Add(ctx, oidc.Key{ID: fmt.Sprint(n, i), Alg: "ES256", State: oidc.Current})
			}},
		{"Keys.Move", idp.ErrSpent,
			func(ctx context.Context, db *store.DB, n string) error {
				return db.Keys.Add(ctx, oidc.Key{ID: n, Alg: n, State: oidc.Next})
			},
			func(ctx context.Context, db *store.DB, n string, _ int) error {
				return db.Keys.Move(ctx, n, oidc.Next, oidc.Current, later)
			}},
	} {
		t.Run(race.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := t.Context()
				person(t, db, "ann")
				for round := range 5 {
					n := fmt.Sprint("r", round)
					must(t, race.set(ctx, db, n))
					var won atomic.Int64
					parallel(t, 20, func(i int) error {
						err := race.run(ctx, db, n, i)
						if err == nil {
							won.Add(1)
						} else if !errors.Is(err, race.lost) {
							return err
						}
						return nil
					})
					if won.Load() != 1 {
						t.Fatalf("%d winners", won.Load())
					}
				}
				check(t, db)
			})
		})
	}
}

// check counts what the losers could have left behind.
func check(t *testing.T, db *store.DB) {
	ctx := t.Context()
	all, err := db.Sessions.Of(ctx, "ann")
	must(t, err)
	tokens := 0
	for round := range 5 {
		for i := range 20 {
			if _, _, err := db.Grants.Get(ctx, "access", fmt.Sprint("r", round, i)); err == nil {
				tokens++
			}
		}
	}
	people, err := db.Users.List(ctx, idp.UserQuery{})
	must(t, err)
	if len(all) > 5 || tokens > 5 || len(people) > 6 {
		t.Errorf("%d sessions, %d tokens, %d people after 5 rounds", len(all), tokens, len(people))
	}
}

// B-03, B-04: parallel tries at a challenge all count.
func TestTriesCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		must(t, db.Challenges.Put(t.Context(), mfa.Challenge{ID: "c", Expires: time.Now().Add(time.Hour)}))
		var passed atomic.Int64
		parallel(t, 12, func(int) error {
			err := db.Challenges.Try(t.Context(), "c", 5)
			if err == nil {
				passed.Add(1)
			} else if !errors.Is(err, mfa.ErrExpired) {
				return err
			}
			return nil
		})
		if passed.Load() != 5 {
			t.Errorf("%d of 12 passed, want 5", passed.Load())
		}
	})
}

// Reliability: thirty-two at once that touch the same rows get no error.
func TestThirtyTwoAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		shared := mfa.Budget{Key: "house", Max: 1e6, Per: time.Minute, Shared: true}
		parallel(t, 32, func(i int) error {
			own := mfa.Budget{Key: fmt.Sprint("own", i%4), Max: 1e6, Per: time.Minute}
			for round := range 10 {
				n := fmt.Sprint(i, "-", round)
				if err := db.Limiter.Take(ctx, own, shared); err != nil {
					return err
				}
				err := db.Atomic(ctx, func(ctx context.Context) error {
					s := idp.Session{ID: idp.SessionID(n), Hash: n, User: "ann", Expires: time.Now().Add(time.Hour)}
					return errors.Join(db.Sessions.Open(ctx, s), db.Limiter.Forgive(ctx, shared, own),
						db.Log.Append(ctx, idp.Event{ID: n, At: time.Now()}))
				})
				if err != nil {
					return err
				}
				if _, _, err := db.Sessions.ByHash(ctx, n); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
