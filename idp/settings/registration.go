package settings

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
)

// Registration says whether strangers may make an account of their own, and on
// which terms; the zero value is that they may not. Whoever does is a portal
// customer without a role, always.
type Registration struct {
	Open bool `json:"open"`
	// Allowed are the only mail domains that will do; none: all but Refused. A
	// domain stands for those below it, too.
	Allowed []string `json:"allowed,omitempty"`
	Refused []string `json:"refused,omitempty"`
	// Groups are those that a new person is put into.
	Groups []string `json:"groups,omitempty"`
	// Clients are the applications on the way to which it is offered; none: always.
	Clients []idp.ClientID `json:"clients,omitempty"`
	// Terms and Privacy are https addresses of what people agree to; empty: nothing.
	Terms   string `json:"terms,omitempty"`
	Privacy string `json:"privacy,omitempty"`
}

// The most of each list, and of an address in bytes.
const (
	mostListed  = 200
	mostGroups  = 20
	mostAddress = 500
)

// For reports whether an account is offered on the way to a client; empty: to
// nowhere in particular.
func (r Registration) For(client idp.ClientID) bool {
	return r.Open && (len(r.Clients) == 0 || slices.Contains(r.Clients, client))
}

// Admits reports whether an address may have an account. Domains are compared as
// mail has them (RFC 5890 A-labels): one in other letters, which could be another
// in disguise, may not.
func (r Registration) Admits(address string) bool {
	address = strings.ToLower(strings.TrimSpace(address))
	_, domain, _ := strings.Cut(address, "@")
	if !r.Open || !idp.PlainAddress(address) {
		return false
	}
	within := func(d string) bool { return domain == d || strings.HasSuffix(domain, "."+d) }
	return (len(r.Allowed) == 0 || slices.ContainsFunc(r.Allowed, within)) && !slices.ContainsFunc(r.Refused, within)
}

// Registration is what is in force, for the program itself.
func (s *Service) Registration(ctx context.Context) (Registration, error) {
	var r Registration
	_, err := s.load(ctx, registrationDoc, &r)
	return r, err
}

// ReadRegistration is Registration for somebody, with the version that
// ChangeRegistration wants back.
func (s *Service) ReadRegistration(ctx context.Context, by idp.Actor) (r Registration, version int64, err error) {
	if err := by.May(idp.SeeHouse); err != nil {
		return r, 0, err
	}
	version, err = s.load(ctx, registrationDoc, &r)
	return r, version, err
}

// ChangeRegistration replaces it, if it still is of that version (idp.ErrSpent).
// idp.ErrInvalid with every mistake, see [RegistrationFields]. While people make
// accounts by it, or would from now on, and for the groups that they are put into,
// it takes the right to make people oneself (SECURITY.md D-02).
func (s *Service) ChangeRegistration(ctx context.Context, by idp.Actor, version int64, next Registration) error {
	if err := by.May(idp.EditHouse); err != nil {
		return err
	}
	next = next.tidy()
	if err := errors.Join(next.check(), s.fedGroups(ctx, next.Groups)); err != nil {
		return err
	}
	var was Registration
	now, err := s.load(ctx, registrationDoc, &was)
	if err != nil {
		return err
	}
	if now != version {
		return fmt.Errorf("%w: the settings have changed meanwhile", idp.ErrSpent)
	}
	if was.Open || next.Open || !slices.Equal(was.Groups, next.Groups) {
		if err := by.May(idp.EditPeople); err != nil {
			return err
		}
	}
	return s.save(ctx, by, registrationDoc, version, next, "registration.change", idp.Diff(was.recorded(), next.recorded()))
}

// fedGroups refuses groups that something else fills: who is put there by hand
// would be taken out again.
func (s *Service) fedGroups(ctx context.Context, groups []string) error {
	var errs []error
	for _, g := range groups {
		if s.Fed == nil {
			break
		}
		feed, fed, err := s.Fed(ctx, g)
		if err == nil && fed {
			err = badField("groups", g, "it is filled by "+feed)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tidy is the one form of what was typed.
func (r Registration) tidy() Registration {
	list := func(all []string, form func(string) string) []string {
		var out []string
		for _, s := range all {
			if s = form(strings.TrimSpace(s)); s != "" {
				out = append(out, s)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	domain := func(s string) string { return idp.Canonical(strings.TrimPrefix(s, "@")) }
	same := func(s string) string { return s }
	r.Allowed, r.Refused, r.Groups = list(r.Allowed, domain), list(r.Refused, domain), list(r.Groups, same)
	slices.Sort(r.Clients)
	r.Clients = slices.Compact(r.Clients)
	r.Terms, r.Privacy = strings.TrimSpace(r.Terms), strings.TrimSpace(r.Privacy)
	return r
}

func (r Registration) check() error {
	errs := []error{checkDomains("allowed", r.Allowed), checkDomains("refused", r.Refused), checkAddress("terms", r.Terms), checkAddress("privacy", r.Privacy)}
	for _, g := range r.Groups {
		if len(g) > 128 || strings.ContainsFunc(g, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			errs = append(errs, badField("groups", g, "at most 128 bytes without control characters are allowed"))
		}
	}
	if max(len(r.Allowed), len(r.Refused), len(r.Clients)) > mostListed || len(r.Groups) > mostGroups {
		errs = append(errs, fmt.Errorf("%w: at most %d domains and applications and %d groups are allowed", idp.ErrInvalid, mostListed, mostGroups))
	}
	return errors.Join(errs...)
}

func checkDomains(field string, all []string) error {
	for _, d := range all {
		if !idp.IsDomain(d) {
			return badField(field, d, "a domain such as example.org is expected")
		}
	}
	return nil
}

func checkAddress(field, address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(address) > mostAddress {
		return badField(field, address, "an address that begins with https:// is expected")
	}
	return nil
}

// fieldError is an idp.ErrInvalid about one field.
type fieldError struct{ field, value, want string }

func badField(field, value, want string) error { return &fieldError{field, value, want} }

func (e *fieldError) Error() string {
	return fmt.Sprintf("%v: %s: %q: %s", idp.ErrInvalid, e.field, e.value, e.want)
}

func (e *fieldError) Unwrap() error { return idp.ErrInvalid }

// RegistrationFields names the fields that an error of ChangeRegistration is
// about, by their names in JSON.
func RegistrationFields(err error) (out []string) {
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // the tree itself is walked
		case *fieldError:
			out = append(out, e.field)
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
		}
	}
	walk(err)
	return out
}

func (r Registration) recorded() map[string]string {
	clients := make([]string, len(r.Clients))
	for i, c := range r.Clients {
		clients[i] = string(c)
	}
	open := "off"
	if r.Open {
		open = "open"
	}
	return map[string]string{
		"registration": open, "allowed": strings.Join(r.Allowed, " "), "refused": strings.Join(r.Refused, " "), "groups": strings.Join(r.Groups, "|"),
		"clients": strings.Join(clients, " "), "terms": r.Terms, "privacy": r.Privacy,
	}
}
