package mfa

import (
	"context"
	"crypto/rand"
	"time"
)

// ceremonies is the life of a challenge: begun with an end, found again by its
// owner alone, tried so many times, spent once. What is asked and what is right
// it does not know.
type ceremonies struct {
	challenges Challenges
	limiter    Limiter
	rules      Rules
	roster     *roster
	now        func() time.Time
}

// begin names a ceremony and gives it an end.
func (cs ceremonies) begin(c Challenge) Challenge {
	c.ID = ChallengeID(rand.Text())
	c.Expires = cs.now().Add(cs.rules.orDefault().TTL)
	return c
}

// over reports whether a ceremony has come to its end.
func (cs ceremonies) over(c Challenge) bool { return !cs.now().Before(c.Expires) }

// pending finds a ceremony under way, or fails with ErrExpired.
func (cs ceremonies) pending(ctx context.Context, s SubjectID, id ChallengeID, binding string) (Challenge, error) {
	c, err := cs.challenges.Get(ctx, id)
	if err != nil {
		return Challenge{}, err
	}
	// One error for all of these: whoever tries foreign challenges learns
	// nothing about them.
	if c.Subject != s || c.Binding != binding || cs.over(c) {
		return Challenge{}, ErrExpired
	}
	return c, nil
}

// half is pending for one half of the ceremonies, with the factor that judges it:
// an answer to an enrolment is no proof of a factor that is held.
func (cs ceremonies) half(ctx context.Context, s SubjectID, id ChallengeID, binding string, adding bool) (Challenge, Factor, error) {
	c, err := cs.pending(ctx, s, id, binding)
	if err != nil {
		return Challenge{}, nil, err
	}
	f, err := cs.roster.factor(c.Kind)
	if err != nil || c.Adding != adding {
		return Challenge{}, nil, ErrExpired
	}
	return c, f, nil
}

// most is how many tries a challenge has.
func (cs ceremonies) most(s Subject) int {
	most := cs.rules.orDefault().PerChallenge
	if s.Terms.Tries > 0 {
		return min(most, s.Terms.Tries)
	}
	return most
}

// count takes one try, before the answer is looked at: a right answer during a
// lock fares like a wrong one.
func (cs ceremonies) count(ctx context.Context, s Subject, c Challenge) error {
	if err := cs.challenges.Try(ctx, c.ID, cs.most(s)); err != nil {
		return err
	}
	return cs.limiter.Take(ctx, Budgets(c.Subject, c.Kind, cs.rules)...)
}

// settle ends ceremonies that went well together. The first of them was counted.
func (cs ceremonies) settle(ctx context.Context, first Challenge, more ...Challenge) error {
	for _, c := range more { // the same challenge twice fails here: one makes one credential
		if err := cs.challenges.Spend(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := cs.challenges.Spend(ctx, first.ID); err != nil {
		return err
	}
	return cs.limiter.Forgive(ctx, Budgets(first.Subject, first.Kind, cs.rules)...)
}
