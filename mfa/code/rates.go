package code

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/mfa"
)

// Rates bound how much is sent (SECURITY.md B-11, §1.1). Zero values get the
// defaults.
type Rates struct {
	Pause           time.Duration // between two codes of one kind to one person; default 30 s
	PersonHour      int           // codes of one kind to one person; default 5
	PersonDay       int           // default 20
	AddressHour     int           // codes to one address, whoever asks; default 5
	AddressDay      int           // default 10
	NetworkHour     int           // codes asked for from one network that nobody has typed; default 20
	CountryDay      int           // SMS to one country; default: as many as Daily
	Daily           int           // SMS to everybody; default 1000
	UnconfirmedHour int           // SMS to one country that nobody has typed; default 50
	UnconfirmedDay  int           // default 150
}

func (r Rates) orDefault() Rates {
	or := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	if r.Pause <= 0 {
		r.Pause = 30 * time.Second
	}
	or(&r.PersonHour, 5)
	or(&r.PersonDay, 20)
	or(&r.AddressHour, 5)
	or(&r.AddressDay, 10)
	or(&r.NetworkHour, 20)
	or(&r.Daily, 1000)
	or(&r.CountryDay, r.Daily)
	or(&r.UnconfirmedHour, 50)
	or(&r.UnconfirmedDay, 3*r.UnconfirmedHour)
	return r
}

// Reason says why sending has been stopped.
type Reason string

const (
	// Pumping: many SMS to one country and few codes that come back. Somebody
	// may earn by having them sent.
	Pumping Reason = "pumping"
	// CountryFull and DayFull: as many SMS as may be sent in a day were.
	CountryFull Reason = "country"
	DayFull     Reason = "day"
)

// Halt is news of sending that has been stopped.
type Halt struct {
	Reason  Reason
	Country string // such as "+33 FR"; empty for DayFull
	Until   time.Time
}

// The keys of the house's own budgets. What follows the colon is the country.
const (
	keyDay         = "send-day"
	keyCountry     = "send-country:"
	keyUnconfirmed = "send-unconfirmed:"
)

// meter counts what a channel sends and says when it is too much. Limits of one
// person are theirs to wait for; limits of the house stop a channel, and the
// house hears of it.
type meter struct {
	channel channel
	rates   Rates // with the defaults filled in
	limiter mfa.Limiter
	alarm   func(ctx context.Context, h Halt) error // may be nil
}

// pause is the budget that keeps two codes apart.
func (m meter) pause(s mfa.Subject) mfa.Budget {
	return mfa.Budget{Key: m.person(s) + ":pause", Max: 1, Per: m.rates.Pause}
}

func (m meter) person(s mfa.Subject) string {
	return "send:" + string(s.ID) + ":" + string(m.channel.kind)
}

// unconfirmed are the budgets of codes that nobody has typed: a right code
// gives back what its sending took. Many people who sign in use up little of
// them; somebody who only has codes sent uses them up.
func (m meter) unconfirmed(s mfa.Subject, country string) []mfa.Budget {
	var out []mfa.Budget
	if s.Network != "" {
		out = append(out, mfa.Budget{Key: "send-network:" + string(m.channel.kind) + ":" + s.Network, Max: m.rates.NetworkHour, Per: time.Hour, Shared: true})
	}
	if m.channel.kind == SMS {
		out = append(out,
			mfa.Budget{Key: keyUnconfirmed + country + ":hour", Max: m.rates.UnconfirmedHour, Per: time.Hour, Shared: true},
			mfa.Budget{Key: keyUnconfirmed + country + ":day", Max: m.rates.UnconfirmedDay, Per: 24 * time.Hour, Shared: true})
	}
	return out
}

// budgets are what one code costs.
func (m meter) budgets(s mfa.Subject, to, country string, adding bool) []mfa.Budget {
	sum := sha256.Sum256([]byte(strings.ToLower(to))) // addresses are nobody's business in a table of counters
	address := "send-to:" + string(m.channel.kind) + ":" + hex.EncodeToString(sum[:16])
	if adding { // whoever adds somebody else's address must not use up what its owner signs in with (B-09)
		address += ":adding"
	}
	out := []mfa.Budget{
		m.pause(s),
		{Key: m.person(s) + ":hour", Max: m.rates.PersonHour, Per: time.Hour},
		{Key: m.person(s) + ":day", Max: m.rates.PersonDay, Per: 24 * time.Hour},
		{Key: address + ":hour", Max: m.rates.AddressHour, Per: time.Hour},
		{Key: address + ":day", Max: m.rates.AddressDay, Per: 24 * time.Hour},
	}
	if m.channel.kind == SMS {
		out = append(out, m.day(country)...)
	}
	return append(out, m.unconfirmed(s, country)...)
}

func (m meter) day(country string) []mfa.Budget {
	out := []mfa.Budget{{Key: keyDay, Max: m.rates.Daily, Per: 24 * time.Hour, Shared: true}}
	if m.rates.CountryDay < m.rates.Daily {
		out = append(out, mfa.Budget{Key: keyCountry + country, Max: m.rates.CountryDay, Per: 24 * time.Hour, Shared: true})
	}
	return out
}

// take uses one of each budget, or none. A limit of the person's own is the
// [*mfa.LockedError] that says until when; one of the house's is
// mfa.ErrUnsent: waiting would not help them, another method does.
func (m meter) take(ctx context.Context, s mfa.Subject, to string, adding bool) error {
	country, err := m.channel.country(to)
	if err != nil {
		return err
	}
	err = m.limiter.Take(ctx, m.budgets(s, to, country, adding)...)
	var locked *mfa.LockedError
	if !errors.As(err, &locked) {
		return err
	}
	h := Halt{Until: locked.Until, Country: country}
	switch {
	case locked.Key == keyDay:
		h.Reason, h.Country = DayFull, ""
	case strings.HasPrefix(locked.Key, keyCountry):
		h.Reason = CountryFull
	case strings.HasPrefix(locked.Key, keyUnconfirmed):
		h.Reason = Pumping
	default:
		return err
	}
	return errors.Join(fmt.Errorf("%w: %w", mfa.ErrUnsent, stopped{h}), m.ring(ctx, h))
}

// stopped keeps the lock out of the error: callers take a lock for one that
// the person can wait for.
type stopped struct{ Halt }

func (s stopped) Error() string {
	return fmt.Sprintf("code: sending is stopped (%s %s) until %s", s.Reason, s.Country, s.Until.Format(time.RFC3339))
}

// ring tells the house, once a day for each reason and country: the budget of
// one that is taken for it holds over all instances.
func (m meter) ring(ctx context.Context, h Halt) error {
	if m.alarm == nil {
		return nil
	}
	err := m.limiter.Take(ctx, mfa.Budget{Key: "send-alarm:" + string(h.Reason) + ":" + h.Country, Max: 1, Per: 24 * time.Hour})
	if errors.Is(err, mfa.ErrLocked) {
		return nil
	} else if err != nil {
		return err
	}
	return m.alarm(ctx, h)
}

// giveBack follows a right code: the person need not wait for the next one,
// and the shared budgets get one back. Several right answers can arrive at
// once, or one again before its challenge is spent; only the first of them
// gives back, or one phone could make up for many numbers.
func (m meter) giveBack(ctx context.Context, s mfa.Subject, st state) error {
	country, err := m.channel.country(st.To)
	if err != nil && !errors.Is(err, ErrCountry) { // the list of countries may have changed since
		return err
	}
	once := mfa.Budget{Key: "send-done:" + hex.EncodeToString(st.Salt), Max: 1, Per: mostValid + skew}
	if err := m.limiter.Take(ctx, once); errors.Is(err, mfa.ErrLocked) {
		return nil
	} else if err != nil {
		return err
	}
	s.Network = st.Network
	return m.limiter.Forgive(ctx, append(m.unconfirmed(s, country), m.pause(s))...)
}
