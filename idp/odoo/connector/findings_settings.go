package connector

import (
	"context"

	"latchkey/idp/odoo/rpc"
)

// settings are those of an Odoo that hold for everybody in it.
type settings struct {
	r    *rpc.Client
	of   Connection
	rows []row // of providers
}

// ofSettings is a check of them.
func ofSettings(look func(settings, context.Context) ([]Finding, error)) examination {
	return func(p *patient, ctx context.Context) ([]Finding, error) {
		return look(settings{p.r, p.c, p.rows}, ctx)
	}
}

func (s settings) header(ctx context.Context) ([]Finding, error) {
	v, err := s.r.Param(ctx, "auth_oauth.authorization_header")
	if err != nil || v == "" || v == "False" {
		return nil, err
	}
	return []Finding{one("header_parameter", Advice, "nothing for Latchkey, which takes both ways; it holds for all providers of this Odoo")}, nil
}

func (s settings) signUp(context.Context) ([]Finding, error) {
	if !s.of.Facts.OpenSignup {
		return nil, nil
	}
	l := Advice
	if !s.of.Lock.At.IsZero() {
		l = Problem
	}
	where := "auth_signup.invitation_scope"
	if s.of.Facts.Has("website") {
		where = "website.auth_signup_uninvited"
	}
	return []Finding{one("sign_up", l, "`latchkey odoo lock` closes it; leave it open only for a shop that wants strangers", where)}, nil
}

func (s settings) reset(ctx context.Context) ([]Finding, error) {
	v, err := s.r.Param(ctx, paramReset)
	if err != nil || v != "True" {
		return nil, err
	}
	f := one("password_reset", Advice, "`latchkey odoo lock` switches it off")
	if s.of.Lock.At.IsZero() {
		return []Finding{f}, nil
	}
	f.Level, f.Cure = Problem, "`--fix` switches it off again"
	return fixed(f, func(ctx context.Context) error { return s.r.SetParam(ctx, paramReset, "False") }), nil
}

// others are rows beside ours. Odoo takes their tokens even when they are
// switched off.
func (s settings) others(ctx context.Context) (out []Finding, err error) {
	for _, w := range s.rows {
		if w.ID == s.of.Provider {
			continue
		}
		users, err := s.r.Count(ctx, "res.users", rpc.Domain{rpc.Is("oauth_provider_id", "=", w.ID)}, rpc.Page{Archived: true})
		if err != nil {
			return nil, err
		}
		const cure = "remove it in Odoo if nobody needs it"
		f := one("other_providers.on", Problem, cure, users, w.Name, w.ID, origin(string(w.Auth)))
		if !w.Enabled {
			f = one("other_providers.off", Problem, cure, users, w.Name, w.ID, origin(string(w.Auth)))
		}
		if w.Enabled || users > 0 {
			out = append(out, f)
			continue
		}
		f.Cure = "`--fix` removes it"
		out = append(out, fixed(f, func(ctx context.Context) error { return s.r.Unlink(ctx, "auth.oauth.provider", []int64{w.ID}) })...)
	}
	return out, nil
}

func (s settings) totpPolicy(ctx context.Context) ([]Finding, error) {
	v, err := s.r.Param(ctx, paramTOTP)
	if err != nil || v == "" || v == "False" {
		return nil, err
	}
	return fixed(one("totp_policy", Problem, "`--fix` clears it: policies of Latchkey decide", paramTOTP, v), func(ctx context.Context) error {
		return s.r.SetParam(ctx, paramTOTP, "")
	}), nil
}
