package main

import (
	"latchkey/idp/password"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/passkey"
	"latchkey/mfa/temporary"
	"latchkey/mfa/totp"
)

// proofs are what people prove with who they are.
type proofs struct {
	engine  *mfa.Engine
	passkey *passkey.Factor // nil: the issuer has no name
	hasher  *password.Hasher
}

// newProofs registers every factor. Their order is that in which people are
// offered them.
func newProofs(m *messageSide, keys *passkey.Factor) *proofs {
	p, l := m.cfg.Passwords, m.cfg.Limits
	hasher := password.New(password.Params{Memory: p.MemoryKiB, Time: p.Time, Threads: p.Threads}, 0, 0)
	engine := &mfa.Engine{
		Credentials: m.db.Credentials, Challenges: m.db.Challenges, Limiter: m.db.Limiter, Atomic: m.db.Atomic, Now: m.now,
		Rules: mfa.Rules{PerChallenge: l.ChallengeTries, PerAccount: l.FactorTries, Per: l.LockFor, Streak: l.FactorStreak, TTL: signin.TTL},
	}
	engine.Register(totp.Factor{Issuer: m.cfg.Branding.Name, Now: m.now})
	if keys != nil {
		engine.Register(keys)
	}
	engine.Register(m.factors()...)
	engine.Register(backup.Factor{Hash: hasher.Key}, temporary.Factor{Hash: hasher.Key, Now: m.now})
	return &proofs{engine: engine, passkey: keys, hasher: hasher}
}
