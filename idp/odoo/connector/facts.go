package connector

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp/odoo/rpc"
)

// interesting are the modules of Odoo that change what Latchkey does.
var interesting = []string{
	"auth_oauth", "auth_signup", "auth_totp", "auth_totp_mail", "auth_totp_mail_enforce", "auth_passkey", "auth_oidc", "auth_timeout", "website", "portal", "web_enterprise",
}

// maxLogo is the largest logo that is kept, in bytes of base64.
const maxLogo = 64 << 10

// read reads the facts of an Odoo. The first question is one that only an
// administrator of the whole Odoo may ask.
func read(ctx context.Context, r *rpc.Client, c Connection) (Facts, error) {
	f := Facts{Version: r.Version(), Protocol: r.Protocol(), Before: c.Facts.Before}
	base, err := r.Param(ctx, "web.base.url")
	if errors.Is(err, rpc.ErrDenied) {
		return f, refuse("refused.rights", rpc.ErrDenied, c.Login)
	} else if err != nil {
		return f, err
	}
	f.Base = origin(base)
	if f.UUID, err = r.Param(ctx, "database.uuid"); err != nil {
		return f, err
	}
	var modules []struct{ Name string }
	where := rpc.Domain{rpc.Is("state", "=", "installed"), rpc.Is("name", "in", interesting)}
	if err := r.SearchRead(ctx, "ir.module.module", where, []string{"name"}, rpc.Page{Order: "name"}, &modules); err != nil {
		return f, err
	}
	for _, m := range modules {
		f.Modules = append(f.Modules, m.Name)
	}
	var langs []struct{ Code string }
	if err := r.SearchRead(ctx, "res.lang", rpc.Domain{rpc.Is("active", "=", true)}, []string{"code"}, rpc.Page{}, &langs); err != nil {
		return f, err
	}
	for _, l := range langs {
		f.Languages = append(f.Languages, l.Code)
	}
	if f.OpenSignup, err = openSignup(ctx, r, f); err != nil {
		return f, err
	}
	if f.Hosts, err = hosts(ctx, r, f, c.URL); err != nil {
		return f, err
	}
	if f.Company, err = company(ctx, r); err != nil {
		return f, err
	}
	return f, f.count(ctx, r, c)
}

// count counts the people of an Odoo.
func (f *Facts) count(ctx context.Context, r *rpc.Client, c Connection) (err error) {
	if f.Users, err = r.Count(ctx, "res.users", nil, rpc.Page{}); err != nil || c.Provider == 0 || !f.Has("auth_oauth") {
		return err
	}
	f.Linked, err = r.Count(ctx, "res.users", linked(c), rpc.Page{})
	return err
}

// linked selects the users who come in through us.
func linked(c Connection) rpc.Domain {
	return rpc.Domain{rpc.Is("oauth_provider_id", "=", c.Provider), rpc.Is("oauth_uid", "!=", false)}
}

type site struct {
	ID       int64
	Name     string
	Domain   rpc.Text
	Uninvite rpc.Text `json:"auth_signup_uninvited"`
	Head     rpc.Text `json:"custom_code_head"`
}

// sites reads the websites of an Odoo that has the module.
func sites(ctx context.Context, r *rpc.Client, f Facts) (all []site, err error) {
	if !f.Has("website") {
		return nil, nil
	}
	return all, r.SearchRead(ctx, "website", nil, []string{"name", "domain", "auth_signup_uninvited", "custom_code_head"}, rpc.Page{Order: "id"}, &all)
}

// openSignup says whether strangers may make users. With websites, each decides
// for itself, and Odoo's general setting means nothing (ODOO.md §1).
func openSignup(ctx context.Context, r *rpc.Client, f Facts) (bool, error) {
	all, err := sites(ctx, r, f)
	if err != nil {
		return false, err
	}
	for _, s := range all {
		if s.Uninvite == "b2c" {
			return true, nil
		}
	}
	if len(all) > 0 {
		return false, nil
	}
	scope, err := r.Param(ctx, "auth_signup.invitation_scope")
	return scope == "b2c", err
}

// signUpNow is openSignup for work that brings people in. What cannot be read, for
// the websites are gone since the last look, is taken for open: then an address is
// nobody's until it is proven.
func signUpNow(ctx context.Context, r *rpc.Client, f Facts) (bool, error) {
	open, err := openSignup(ctx, r, f)
	if refused(err) || errors.Is(err, rpc.ErrNotFound) {
		return true, nil
	}
	return open, err
}

// hosts are the addresses at which browsers may find an Odoo. The one that we
// use is among them unless it is a plain name inside a network of servers.
func hosts(ctx context.Context, r *rpc.Client, f Facts, named string) ([]string, error) {
	var out []string
	add := func(o string) {
		if o != "" && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	add(f.Base)
	all, err := sites(ctx, r, f)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		d := string(s.Domain)
		if d != "" && !strings.Contains(d, "://") {
			d = "https://" + d
		}
		add(origin(d))
	}
	if own := origin(named); strings.HasPrefix(own, "https://") || own == f.Base || local(own) {
		add(own)
	}
	return out, nil
}

// origin is the scheme and host of an address, or "".
func origin(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

func local(o string) bool {
	u, err := url.Parse(o)
	return err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
}

// company reads how the first company looks, as far as this Odoo has the
// fields.
func company(ctx context.Context, r *rpc.Client) (Company, error) {
	have, err := r.Fields(ctx, "res.company")
	if err != nil {
		return Company{}, err
	}
	fields := []string{"name"}
	for _, f := range []string{"primary_color", "secondary_color", "logo_web", "uses_default_logo"} {
		if have[f] {
			fields = append(fields, f)
		}
	}
	var all []struct {
		Name      string
		Primary   rpc.Text `json:"primary_color"`
		Secondary rpc.Text `json:"secondary_color"`
		Logo      rpc.Text `json:"logo_web"`
		Stock     bool     `json:"uses_default_logo"`
	}
	if err := r.SearchRead(ctx, "res.company", nil, fields, rpc.Page{Order: "id", Limit: 1}, &all); err != nil || len(all) == 0 {
		return Company{}, err
	}
	c := Company{Name: all[0].Name, Primary: string(all[0].Primary), Secondary: string(all[0].Secondary), Logo: string(all[0].Logo)}
	if all[0].Stock || len(c.Logo) > maxLogo { // "Your logo" is nobody's
		c.Logo = ""
	}
	return c, nil
}
