package rulebook

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/mfa/policy"
)

// note leaves a line in the log about a policy (SECURITY.md D-07).
func (s *Config) note(ctx context.Context, by idp.Actor, act string, about policy.Policy, was, is policy.Policy, more map[string]string) error {
	changes, err := Diff(was, is)
	if err != nil {
		return err
	}
	detail := map[string]string{"policy": about.Name, "id": about.ID}
	for _, c := range changes {
		if names, ok := naming[c.Key]; ok {
			// The log is for ever, and names of people are not; the versions have them.
			detail[c.Key+".changed"] = strconv.Itoa(differing(names(was), names(is)))
			continue
		}
		detail[c.Key+".before"], detail[c.Key+".after"] = short(c.Before), short(c.After)
	}
	for k, v := range more {
		if v != "" {
			detail[k] = short(v)
		}
	}
	return s.event(ctx, by, "policy."+act, "ok", detail)
}

// naming are the fields of a policy that name people.
var naming = map[string]func(policy.Policy) []string{
	"whom.users": func(p policy.Policy) []string { return p.Whom.Users },
	"whom.except": func(p policy.Policy) (out []string) {
		for _, e := range p.Whom.Except {
			out = append(out, e.User+" "+string(e.Until))
		}
		return out
	},
}

// differing counts the people who are named in one way before and in another, or
// not at all, after.
func differing(was, is []string) int {
	who := map[string]bool{}
	for _, pair := range [][2][]string{{was, is}, {is, was}} {
		for _, entry := range pair[0] {
			if !slices.Contains(pair[1], entry) {
				name, _, _ := strings.Cut(entry, " ")
				who[name] = true
			}
		}
	}
	return len(who)
}

func (s *Config) event(ctx context.Context, by idp.Actor, what, result string, detail map[string]string) error {
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: result, Detail: detail,
	})
}

// short keeps a line of the log a line.
func short(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// may asks for the right to change policies. Whoever has not got it leaves a
// line (SECURITY.md D-01, D-07).
func (s *Config) may(ctx context.Context, by idp.Actor, what, id string) error {
	err := by.May(idp.EditRules)
	if err == nil || by.User == "" {
		return err
	}
	return errors.Join(err, s.event(ctx, by, "policy."+what, "denied", map[string]string{"id": id}))
}

// who is what an actor is called, for those who read it years later.
func (s *Config) who(ctx context.Context, by idp.Actor) (string, error) {
	if by.User == "" {
		return by.Origin.Agent, nil
	}
	u, err := s.People.ByID(ctx, by.User)
	if errors.Is(err, idp.ErrNotFound) {
		return string(by.User), nil
	} else if err != nil {
		return "", err
	}
	name := u.Email
	if name == "" {
		name = u.Login
	}
	if u.Name == "" || u.Name == name {
		return name, nil
	}
	return u.Name + " (" + name + ")", nil
}
