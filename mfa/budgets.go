package mfa

import "time"

// Rules bound how often people may try. Zero values get the defaults.
type Rules struct {
	PerChallenge int           // tries at one challenge, ever; default 5
	PerAccount   int           // tries of one person in Per; default 10
	Per          time.Duration // default 15 minutes
	Streak       int           // failures in a row with one kind of factor until it is stopped; default 100 (NIST SP 800-63B §3.2.2)
	TTL          time.Duration // life of a challenge; default 10 minutes
}

func (r Rules) orDefault() Rules {
	or := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	long := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	or(&r.PerChallenge, 5)
	or(&r.PerAccount, 10)
	or(&r.Streak, 100)
	long(&r.Per, 15*time.Minute)
	long(&r.TTL, 10*time.Minute)
	return r
}

// Budgets are what one try with a factor costs a person: one for all factors
// over all doors, so that changing the door or the factor wins no tries, and
// one for the kind, whose streak only a success with that kind ends. Passwords
// are counted under other keys: neither eats the other's tries.
func Budgets(s SubjectID, k Kind, r Rules) []Budget {
	r = r.orDefault()
	return []Budget{
		{Key: "mfa:" + string(s), Max: r.PerAccount, Per: r.Per},
		{Key: "mfa:" + string(s) + ":" + string(k), Max: r.PerAccount, Per: r.Per, Streak: r.Streak},
	}
}
