package settings

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/mfa/sms"
)

// Gateway is one through which text messages go. They are asked in their order.
type Gateway struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Type     string            `json:"type"` // one of sms.Types
	Prefixes []string          `json:"prefixes,omitempty"`
	Values   map[string]string `json:"values,omitempty"` // by setting
	// Own is the shape of the request where the type is open to one: method,
	// headers, form or json, status and receipt. Secrets belong into Values, to
	// which it refers by {token}: Own is shown.
	Own map[string]any `json:"own,omitempty"`
	Off bool           `json:"off,omitempty"`
}

// mostGateways keeps the list readable.
const mostGateways = 20

// Settings is the gateway as package sms takes it.
func (g Gateway) Settings() sms.Settings {
	out := sms.Settings{Name: g.Name, Type: g.Type, Prefixes: g.Prefixes, Values: map[string]any{}}
	for name, v := range g.Own {
		out.Values[name] = v
	}
	for name, v := range g.Values {
		if v != "" {
			out.Values[name] = v
		}
	}
	return out
}

// Gateways lists those in force with their credentials, for the program itself,
// and the version of the list.
func (s *Service) Gateways(ctx context.Context) ([]Gateway, int64, error) {
	var all []Gateway
	version, err := s.load(ctx, gatewaysDoc, &all)
	return all, version, err
}

// ListGateways lists them for somebody. Secrets are not shown, not even how
// long they are (SECURITY.md D-06): what is set is "set".
func (s *Service) ListGateways(ctx context.Context, by idp.Actor) ([]Gateway, error) {
	if err := by.May(idp.SeeHouse); err != nil {
		return nil, err
	}
	all, _, err := s.Gateways(ctx)
	for i := range all {
		for name, v := range all[i].Values {
			if sms.Secret(all[i].Type, name) && v != "" {
				all[i].Values[name] = "set"
			}
		}
	}
	return all, err
}

// PutGateway adds a gateway (without an id) or changes one, and returns its id. A
// secret that is left empty stays as it is, unless the address or the request
// changes (SECURITY.md D-06): what is shown of it can never be saved back. The type of a gateway stays. idp.ErrInvalid wraps an sms.Mistakes
// where package sms knows what is wrong; idp.ErrNotFound; idp.ErrSpent when
// somebody else changed the list at this moment.
func (s *Service) PutGateway(ctx context.Context, by idp.Actor, g Gateway) (string, error) {
	if err := by.May(idp.EditHouse); err != nil {
		return "", err
	}
	all, version, err := s.Gateways(ctx)
	if err != nil {
		return "", err
	}
	g.Name = strings.TrimSpace(g.Name)
	what := "gateway.change"
	at := slices.IndexFunc(all, func(o Gateway) bool { return o.ID == g.ID })
	switch {
	case g.ID == "" && len(all) >= mostGateways:
		return "", fmt.Errorf("%w: there are %d gateways already", idp.ErrInvalid, mostGateways)
	case g.ID == "":
		what, g.ID = "gateway.add", strings.ToLower(rand.Text()[:10])
		all = append(all, g)
	case at < 0:
		return "", fmt.Errorf("%w: no gateway %q", idp.ErrNotFound, g.ID)
	default:
		g.Type = all[at].Type
		var missing sms.Mistakes
		if g.Values, missing = kept(g, all[at], at); len(missing) > 0 {
			return "", errors.Join(idp.ErrInvalid, missing)
		}
		all[at] = g
	}
	if err := checkGateways(all); err != nil {
		return "", err
	}
	return g.ID, s.save(ctx, by, gatewaysDoc, version, all, what, g.recorded())
}

// kept is what was sent, with the secrets that were left empty as they are. They
// go where they went and in the same request, or are given again: else somebody
// who may not see a secret could have it sent to a server of theirs.
func kept(next, was Gateway, at int) (map[string]string, sms.Mistakes) {
	out, moved := map[string]string{}, moved(next, was)
	for name, v := range next.Values {
		out[name] = v
	}
	var ms sms.Mistakes
	for _, name := range slices.Sorted(maps.Keys(was.Values)) {
		switch v := was.Values[name]; {
		case v == "" || out[name] != "" || !sms.Secret(was.Type, name):
		case moved:
			ms = append(ms, sms.Mistake{Index: at, Gateway: next.Name, Setting: name, Allowed: "the secret again, because the address or the request changed,"})
		default:
			out[name] = v
		}
	}
	return out, ms
}

// moved reports whether requests go elsewhere than before, or look different. A
// secret address that is left empty stays.
func moved(next, was Gateway) bool {
	_, all, _ := sms.Describe(was.Type)
	for _, s := range all {
		if to := next.Values[s.Name]; s.URL && to != was.Values[s.Name] && (to != "" || !s.Secret) {
			return true
		}
	}
	if len(next.Own)+len(was.Own) == 0 {
		return false
	}
	// Numbers have another type in YAML than they have when they are read again.
	a, err := json.Marshal(next.Own)
	b, bad := json.Marshal(was.Own)
	return err != nil || bad != nil || !bytes.Equal(a, b)
}

// RemoveGateway forgets a gateway with its credentials.
func (s *Service) RemoveGateway(ctx context.Context, by idp.Actor, id string) error {
	return s.reorder(ctx, by, id, "gateway.remove", func(all []Gateway, at int) []Gateway { return slices.Delete(all, at, at+1) })
}

// FirstGateway puts a gateway before the others.
func (s *Service) FirstGateway(ctx context.Context, by idp.Actor, id string) error {
	return s.reorder(ctx, by, id, "gateway.first", func(all []Gateway, at int) []Gateway {
		g := all[at]
		return slices.Insert(slices.Delete(all, at, at+1), 0, g)
	})
}

func (s *Service) reorder(ctx context.Context, by idp.Actor, id, what string, do func([]Gateway, int) []Gateway) error {
	if err := by.May(idp.EditHouse); err != nil {
		return err
	}
	all, version, err := s.Gateways(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(o Gateway) bool { return o.ID == id })
	if at < 0 {
		return fmt.Errorf("%w: no gateway %q", idp.ErrNotFound, id)
	}
	g := all[at]
	return s.save(ctx, by, gatewaysDoc, version, do(all, at), what, g.recorded())
}

// checkGateways lets package sms judge. A gateway of type log would write codes
// into the log (SECURITY.md T-08).
func checkGateways(all []Gateway) error {
	var list []sms.Settings
	for _, g := range all {
		if g.Type == "log" {
			return fmt.Errorf("%w: type: log is only for the configuration of a server on a loopback address", idp.ErrInvalid)
		}
		list = append(list, g.Settings())
	}
	if _, err := sms.New(list, sms.Options{}); err != nil {
		return errors.Join(idp.ErrInvalid, err)
	}
	return nil
}

func (g Gateway) recorded() map[string]string {
	return map[string]string{
		"gateway": g.Name, "type": g.Type, "prefixes": strings.Join(g.Prefixes, " "), "off": strconv.FormatBool(g.Off),
	}
}
