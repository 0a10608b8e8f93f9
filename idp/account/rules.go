package account

import (
	"context"
	"time"

	"latchkey/idp"
	"latchkey/idp/password"
	"latchkey/mfa/policy"
)

// PasswordRules say which passwords people may have.
type PasswordRules struct {
	policies Policies
	hasher   *password.Hasher
	least    int      // characters, where it can be the only factor
	words    []string // that are no passwords
	now      func() time.Time
}

// hash makes the stored form of a new password of a person, if it is acceptable.
func (r PasswordRules) hash(ctx context.Context, u idp.User, plain string) (string, error) {
	if err := r.Acceptable(ctx, u, plain); err != nil {
		return "", err
	}
	return r.hasher.Hash(ctx, plain)
}

// hashOf makes the stored form of a new person's password.
func (r PasswordRules) hashOf(ctx context.Context, u idp.User, in New) (string, error) {
	if in.Password == "" {
		return in.PasswordHash, nil
	}
	return r.hash(ctx, u, in.Password)
}

// Least is how many characters a person's new password must have: fewer
// where a second factor is held or demanded.
func (r PasswordRules) Least(ctx context.Context, u idp.User) (int, error) {
	const withFactor = 8
	ps, err := r.policies.InForce(ctx)
	if err != nil {
		return 0, err
	}
	d := policy.Decide(ps, policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(), Held: u.Factors, Now: r.now(),
	})
	if len(u.Factors) > 0 || d.Assurance != policy.None {
		return withFactor, nil
	}
	return max(withFactor, r.least), nil
}

// Acceptable says whether a person may have a new password (SECURITY.md A-01,
// A-04), or fails with idp.ErrInvalid and the reason.
func (r PasswordRules) Acceptable(ctx context.Context, u idp.User, plain string) error {
	least, err := r.Least(ctx, u)
	if err != nil {
		return err
	}
	return password.Acceptable(plain, least, append([]string{u.Name, u.Login, u.Email}, r.words...)...)
}
