package rulebook_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/rulebook"
	"latchkey/idp/signin"
	"latchkey/mfa"
)

// What keeps somebody out beside policy is said: who has no password and no
// passkey, whose invitation waits or is over, who is disabled or locked.
func TestWhatKeepsOut(t *testing.T) {
	each(t, func(h *house) {
		ctx, now := h.t.Context(), h.clock.Now()
		u, err := h.accounts.Add(ctx, host, account.New{Login: "newcomer", Name: "New"})
		h.must(err)
		day := 24 * time.Hour
		ask := func(who idp.User, st rulebook.Standing, at time.Time) (rulebook.Answer, []rulebook.ObstacleKind) {
			h.t.Helper()
			h.stand[who.ID] = st
			a, err := h.WhatIf(ctx, h.owner, rulebook.Question{Who: string(who.ID), At: at})
			h.must(err)
			var out []rulebook.ObstacleKind
			for _, o := range a.Obstacles {
				out = append(out, o.What)
			}
			return a, out
		}
		want := func(got []rulebook.ObstacleKind, want ...rulebook.ObstacleKind) {
			h.t.Helper()
			if !slices.Equal(got, want) {
				h.t.Errorf("%v, want %v", got, want)
			}
		}
		_, got := ask(u, rulebook.Standing{}, time.Time{})
		want(got, rulebook.ObstacleNoPassword)
		invited := rulebook.Standing{Invited: now.Add(-day), Until: now.Add(day)}
		a, got := ask(u, invited, time.Time{})
		if want(got, rulebook.ObstacleInvited); !a.Obstacles[0].Since.Equal(invited.Invited) || !a.Obstacles[0].Until.Equal(invited.Until) {
			h.t.Errorf("%+v", a.Obstacles)
		}
		_, got = ask(u, invited, now.Add(2*day)) // on a day when it is over
		want(got, rulebook.ObstacleOver)
		_, got = ask(u, rulebook.Standing{Invited: now.Add(-9 * day)}, time.Time{})
		want(got, rulebook.ObstacleOver)
		// Their old system's password is tried, so nothing lacks.
		_, got = ask(u, rulebook.Standing{Invited: now.Add(-9 * day), Elsewhere: true}, time.Time{})
		want(got)

		// A lock holds until it ends; one of the password is none for who has none.
		locks := []rulebook.Lock{{What: "password", Until: now.Add(time.Hour)}, {What: "factor", Method: "totp"}, {What: "sending"}}
		bob := h.add("bob", "", "totp")
		a, got = ask(bob, rulebook.Standing{Locks: locks}, time.Time{})
		if want(got, rulebook.ObstaclePassword, rulebook.ObstacleFactor); a.Obstacles[1].Method != "totp" || !a.Obstacles[1].Until.IsZero() {
			h.t.Errorf("%+v", a.Obstacles)
		}
		_, got = ask(bob, rulebook.Standing{Locks: locks}, now.Add(2*time.Hour))
		want(got, rulebook.ObstacleFactor)
		h.must(h.accounts.Disable(ctx, host, bob.ID))
		a, got = ask(bob, rulebook.Standing{}, time.Time{})
		if want(got, rulebook.ObstacleDisabled); !a.Disabled {
			h.t.Error("not disabled")
		}

		// A passkey is a first step of its own, and stands for both.
		keyed, err := h.accounts.Add(ctx, host, account.New{Login: "keyed", Name: "Keyed"})
		h.must(err)
		h.must(h.db.Credentials.Save(ctx, mfa.Credential{ID: "k", Subject: mfa.SubjectID(keyed.ID), Kind: idp.Passkey}))
		h.published(second("everybody", everyone))
		a, got = ask(keyed, rulebook.Standing{Locks: locks[:1]}, time.Time{})
		if want(got); a.Signin.First != idp.Passkey || !slices.Equal(a.Signin.Steps, []signin.Step{signin.AskPassword, signin.Done}) {
			h.t.Errorf("%+v", a.Signin)
		}
	})
}
