package oidc

import "time"

// Former is a secret whose place another has taken. It stays good for a while,
// so that nobody has to change both sides at the same moment.
type Former struct {
	Value  string    `json:"value"` // hex SHA-256 of a client secret; the secret part of a validation address
	Serial int       `json:"serial,omitempty"`
	Until  time.Time `json:"until"`
}

// Good reports whether it counts at a moment.
func (f *Former) Good(now time.Time) bool { return f != nil && now.Before(f.Until) }

// is compares in the same time, whether there is one or not.
func (f *Former) is(value string, now time.Time) bool {
	want := ""
	if f != nil {
		want = f.Value
	}
	same := equal(value, want)
	return same && want != "" && f.Good(now)
}

// Overlap is how long a secret outlives its successor's making.
const (
	Overlap     = 7 * 24 * time.Hour // where nobody says otherwise
	OverlapMost = 30 * 24 * time.Hour
)

func former(value string, serial int, overlap time.Duration, now time.Time) *Former {
	if overlap <= 0 || value == "" {
		return nil
	}
	return &Former{Value: value, Serial: serial, Until: now.Add(overlap)}
}

func checkOverlap(d time.Duration) error {
	if d < 0 || d > OverlapMost {
		return invalid("overlap", "must be 0 to %d days", int(OverlapMost.Hours()/24))
	}
	return nil
}

// HasSecret reports whether a client proves itself by a secret.
func (c Client) HasSecret() bool { return c.AuthMethod != AuthNone && c.AuthMethod != AuthKey }

// rotateSecret gives a client a new secret. It fails with idp.ErrInvalid for a
// client that has none.
func rotateSecret(c Client, overlap time.Duration, now time.Time) (Client, string, error) {
	if !c.HasSecret() {
		return Client{}, "", invalid("secret", "client %s has none", c.ID)
	}
	secret := newSecret()
	c.FormerSecret = former(c.Secret, c.SecretSerial, overlap, now)
	c.Secret, c.SecretSerial, c.SecretMade = hashSecret(secret), c.SecretSerial+1, now
	return c, secret, nil
}

// rotateValidation gives an Odoo client a new validation address. It fails
// with idp.ErrInvalid for other clients.
func rotateValidation(c Client, overlap time.Duration, now time.Time) (Client, error) {
	if c.Type != Odoo {
		return Client{}, invalid("validation_secret", "client %s is not of type odoo", c.ID)
	}
	c.FormerValidation = former(c.ValidationSecret, c.ValidationSerial, overlap, now)
	c.ValidationSecret, c.ValidationSerial, c.ValidationMade = newSecret(), c.ValidationSerial+1, now
	return c, nil
}

// Validates reports whether a value is the secret part of an Odoo's validation
// address, or of the one before while it is good, and which of them. Both are
// compared in any case (C-05).
func (c Client) Validates(value string, now time.Time) (serial int, ok bool) {
	right, former := equal(value, c.ValidationSecret), c.FormerValidation.is(value, now)
	switch {
	case right && c.ValidationSecret != "":
		return c.ValidationSerial, true
	case former:
		return c.FormerValidation.Serial, true
	}
	return 0, false
}
