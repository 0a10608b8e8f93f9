package oidc

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
)

// product is the name by which administrators know the house, whatever its brand
// is.
const product = "Latchkey"

// ofAdministrators are grants that need nobody's browser to come back to an
// address of the client: what keeps a stranger from what is meant for others. Who
// has the device grant can send people links of ours (RFC 8628 §5.4).
var ofAdministrators = []string{GrantDevice, grantClient}

func (d description) checkGrants() error {
	for _, g := range d.GrantTypes {
		if slices.Contains(ofAdministrators, g) {
			return invalid("grant_types", "%q is not given to clients that register themselves; an administrator can give it", g)
		}
	}
	return nil
}

// checkName judges a name by itself. People are asked by it whether they trust the
// client.
func checkName(name string) error {
	if strings.ContainsFunc(name, idp.Unseen) {
		return invalid("name", "must not hold characters that are not seen or turn the direction of text")
	}
	if strings.TrimSpace(name) != "" && idp.Looks(name) == "" {
		return invalid("name", "needs a letter or a digit")
	}
	return nil
}

// checkLikeness holds the name that a client gives itself against those of the
// house and of all that administrators have registered (X-05, P-29). Others that
// registered themselves may have the same: each copy of a program on people's
// devices is a client of its own, and all of them bear the notice.
func (r enroller) checkLikeness(ctx context.Context, name string, all []Client) error {
	if name == "" {
		return nil
	}
	looks := idp.Looks(name)
	taken := looks == idp.Looks(product)
	held := []ClientID{""} // the house
	for _, c := range all {
		if !c.ByItself() {
			held, taken = append(held, c.ID), taken || looks == idp.Looks(c.Title())
		}
	}
	for _, id := range held {
		if taken || r.called == nil {
			break
		}
		name, err := r.called(ctx, id)
		if err != nil {
			return err
		}
		taken = looks == idp.Looks(name)
	}
	if taken {
		return invalid("name", "looks like the name of the house, or of an application that an administrator registered")
	}
	return nil
}

// checkStranger checks what is asked of clients that register themselves, beyond
// the rules of all: none of their addresses is ours, so that nobody takes a link to
// one for ours, and no answer comes back to us (P-03); only an app on a device is
// sent answers in the clear (OpenID Connect Dynamic Client Registration 1.0 §2).
// Administrators' clients may listen on their own machine, for developers do; and
// so may all where this server itself is only on its own machine.
func (r enroller) checkStranger(c Client) error {
	at, err := url.Parse(r.Issuer)
	home := err == nil && loopback(at.Hostname())
	for field, all := range c.addresses() {
		for _, uri := range all {
			u, err := url.Parse(uri)
			if err != nil {
				continue // judged elsewhere
			}
			if ours(r.Issuer, u) {
				return invalid(field, "%q is at this server's own host", uri)
			}
			if field != "redirect_uris" && field != "post_logout_uris" || c.Type == Native || home {
				continue
			}
			if u.Scheme == "http" {
				return invalid(field, "%q must be https; http to the own machine is for application_type native", uri)
			}
			if u.Hostname() == "localhost" && slices.Contains(c.GrantTypes, grantImplicit) {
				return invalid(field, "%q must not be at localhost with the implicit grant", uri)
			}
		}
	}
	return nil
}

// addresses are all that a client names, by field.
func (c Client) addresses() map[string][]string {
	return map[string][]string{
		"redirect_uris": c.RedirectURIs, "post_logout_uris": c.PostLogoutURIs, "request_uris": c.RequestURIs, "backchannel_logout_uri": {c.BackchannelURI},
		"frontchannel_logout_uri": {c.FrontchannelURI}, "jwks_uri": {c.KeysURI}, "sector_identifier_uri": {c.SectorURI}, "initiate_login_uri": {c.InitiateURI},
		"client_uri": {c.HomeURI}, "logo_uri": {c.LogoURI}, "policy_uri": {c.PolicyURI}, "tos_uri": {c.TermsURI},
	}
}

// ours reports whether an address is at the issuer's host, at any port: cookies
// know none. Of a machine that is only its own, each port is another's.
func ours(issuer string, u *url.URL) bool {
	at, err := url.Parse(issuer)
	host := func(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }
	if err != nil || host(u) == "" || host(at) != host(u) {
		return false
	}
	return !loopback(host(at)) || net.JoinHostPort(host(at), at.Port()) == net.JoinHostPort(host(u), u.Port())
}
