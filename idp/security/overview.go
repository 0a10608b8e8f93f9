package security

import (
	"context"
	"maps"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/trust"
)

// Factor is what may be seen of a credential: never its secret (SECURITY.md M-12).
type Factor struct {
	ID      mfa.CredentialID
	Kind    mfa.Kind
	Label   string
	Created time.Time
	Used    time.Time // zero: never
	Left    int       // of backup codes
}

// Session is a signed-in browser.
type Session struct {
	idp.Session
	Current bool // the one in which is looked
}

// Overview is everything that the page shows.
type Overview struct {
	User     idp.User
	Own      bool
	On       bool // two-step verification
	Factors  []Factor
	Devices  []trust.Device
	Sessions []Session
	Recent   []Line     // the last sign-ins
	Banner   *Banner    // nil: nothing to say
	Addable  []mfa.Kind // what policy lets people add
	Refused  []string   // the policies for which it cannot be turned off
	Password bool       // there is one
	TrustFor int        // days for which a browser may be trusted
	NoCodes  bool       // a factor, and no backup codes left to fall back on
}

// Held lists the factors of a kind.
func (o Overview) Held(k mfa.Kind) []Factor {
	var out []Factor
	for _, f := range o.Factors {
		if f.Kind == k {
			out = append(out, f)
		}
	}
	return out
}

// CodesLeft counts the backup codes.
func (o Overview) CodesLeft() int {
	n := 0
	for _, f := range o.Held(backup.Kind) {
		n += f.Left
	}
	return n
}

// Current is the device of the session in which is looked, if one helped.
func (o Overview) Current() string {
	for _, n := range o.Sessions {
		if n.Current {
			return n.Device
		}
	}
	return ""
}

// recent is how many sign-ins the overview shows (SECURITY.md D-12).
const recent = 10

// Overview reads how an account is protected.
func (s *Service) Overview(ctx context.Context, by idp.Actor, whose idp.UserID) (Overview, error) {
	p, err := s.reach(ctx, by, whose, Look)
	if err != nil {
		return Overview{}, err
	}
	held, err := s.Factors.Held(ctx, mfa.SubjectID(whose))
	if err != nil {
		return Overview{}, err
	}
	devices, err := s.Devices.Of(ctx, mfa.SubjectID(whose))
	if err != nil {
		return Overview{}, err
	}
	sessions, err := s.Sessions.Of(ctx, whose)
	if err != nil {
		return Overview{}, err
	}
	last, _, err := lines(ctx, s.Log, p, signins, idp.Cursor{}, recent)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{
		User: p.User, Own: p.own(), On: len(p.Factors) > 0, Devices: devices, Recent: last, Banner: bannerOf(p),
		Addable: offer(s.Factors.Kinds(), p), Password: p.Password != "", TrustFor: p.here.TrustDays,
	}
	for _, c := range held {
		f := Factor{ID: c.ID, Kind: c.Kind, Label: c.Label, Created: c.Created, Used: c.Used}
		if c.Kind == backup.Kind {
			f.Left = backup.Left(c)
		}
		o.Factors = append(o.Factors, f)
	}
	for _, n := range sessions {
		if n.Epoch == p.Epoch {
			o.Sessions = append(o.Sessions, Session{n, n.ID == by.Session})
		}
	}
	if p.anywhere.Lacks(nil) {
		o.Refused = refusal(p.anywhere).(*RefusedError).Policies
	}
	o.NoCodes = o.On && o.CodesLeft() == 0 && slices.Contains(o.Addable, backup.Kind)
	return o, nil
}

// offer lists the kinds that somebody may add.
func offer(offered []mfa.Kind, p person) []mfa.Kind {
	return slices.DeleteFunc(slices.Clone(offered), func(k mfa.Kind) bool { return addable(offered, p, k) != nil })
}

// Level is how much a banner presses.
type Level string

const (
	Recommended Level = "info"
	Deadline    Level = "warning"
	Overdue     Level = "danger"
)

// Banner says what policy wants of the person, beyond what they have.
type Banner struct {
	Level Level
	At    time.Time // of a Deadline
	Days  int       // until then, in whole days of the person's calendar
	Own   []map[string]string
}

// bannerOf compares what is held with what any door asks, now and later.
func bannerOf(p person) *Banner {
	b := &Banner{Own: texts(p.anywhere)}
	turn, ahead := p.standing.Turn()
	switch {
	case p.standing.Now.State.Blocked():
		b.Level = Overdue
	case ahead:
		zone := Zone(p.User)
		b.Level, b.At, b.Days = Deadline, turn.At, days(p.anywhere.At.In(zone), turn.At.In(zone))
	case len(p.Factors) == 0:
		b.Level = Recommended
	default:
		return nil
	}
	return b
}

func texts(d policy.Decision) []map[string]string {
	var out []map[string]string
	for _, b := range d.Banners {
		if !slices.ContainsFunc(out, func(o map[string]string) bool { return maps.Equal(o, b.Text) }) {
			out = append(out, b.Text)
		}
	}
	return out
}

// days counts the midnights between two moments of one zone.
func days(from, to time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// Zone is the time zone of a person, or UTC: an unknown one costs a shift of
// the time, which is named beside it.
func Zone(u idp.User) *time.Location {
	zone, err := time.LoadLocation(u.Profile.Zoneinfo)
	if err != nil {
		return time.UTC
	}
	return zone
}
