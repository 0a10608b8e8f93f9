package export

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
)

// read gathers everything but the events. Lists that are empty are written as
// such: nothing is a finding, too.
func (s *Service) read(ctx context.Context, u idp.User) (Account, error) {
	a := Account{
		Format: Format, Made: s.Now().UTC().Truncate(time.Second), Groups: append([]string{}, u.Groups...),
		Factors: []Factor{}, Devices: []Device{}, Sessions: []Session{}, Applications: []Application{}, Deadlines: []Deadline{},
		Profile: Profile{
			ID: string(u.ID), Login: u.Login, Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
			Kind: string(u.Kind), Role: string(u.Role), Locale: u.Locale, Claims: u.Profile, HasPassword: u.Password != "",
			Created: u.Created.UTC(), Updated: u.Updated.UTC(),
		},
	}
	for _, p := range slices.Sorted(maps.Keys(u.Graces)) {
		a.Deadlines = append(a.Deadlines, Deadline{p, u.Graces[p].UTC()})
	}
	var err error
	if a.Profile.Picture, err = s.Self.Pictures.Of(ctx, u.ID); err != nil && !errors.Is(err, idp.ErrNotFound) {
		return a, err
	}
	for _, add := range []func(context.Context, idp.User, *Account) error{s.factors, s.devices, s.sessions, s.applications} {
		if err := add(ctx, u, &a); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (s *Service) factors(ctx context.Context, u idp.User, a *Account) error {
	held, err := s.Factors.Held(ctx, mfa.SubjectID(u.ID))
	for _, c := range held {
		f := Factor{Kind: string(c.Kind), Label: c.Label, Created: c.Created.UTC(), Used: some(c.Used), Expires: some(c.Expires)}
		if c.Kind == backup.Kind {
			f.Left = backup.Left(c)
		}
		a.Factors = append(a.Factors, f)
	}
	return err
}

func (s *Service) devices(ctx context.Context, u idp.User, a *Account) error {
	all, err := s.Devices.Of(ctx, mfa.SubjectID(u.ID))
	for _, d := range all {
		a.Devices = append(a.Devices, Device{d.Agent, d.Address, d.Place, d.Created.UTC(), d.Used.UTC(), d.Expires.UTC()})
	}
	return err
}

func (s *Service) sessions(ctx context.Context, u idp.User, a *Account) error {
	all, err := s.Sessions.Of(ctx, u.ID)
	for _, n := range all {
		a.Sessions = append(a.Sessions, Session{
			n.Origin.Agent, n.Origin.Address, n.Created.UTC(), n.Seen.UTC(), n.Expires.UTC(), append([]string{}, idp.AMR(n.Proofs)...),
		})
	}
	return err
}

func (s *Service) applications(ctx context.Context, u idp.User, a *Account) error {
	all, err := s.Apps.Of(ctx, u)
	for _, app := range all {
		out := Application{ID: string(app.Client.ID), Name: app.Client.Title(), Open: app.Open, Used: some(app.Used)}
		if app.Consent != nil {
			out.Allowed, out.AllowedAt = app.Consent.Scopes, some(app.Consent.At)
		}
		a.Applications = append(a.Applications, out)
	}
	return err
}

// some is a moment, or nil for none.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
