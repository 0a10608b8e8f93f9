package message

import (
	"context"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/power"
)

// watched are samples of what the daily examination of an Odoo tells.
func (s Sampler) watched() []Sample {
	atelier := connector.Connection{ID: "atelier", Facts: connector.Facts{Company: connector.Company{Name: "Atelier Martin"}}}
	sample := func(name string, n connector.News) Sample {
		return s.told(name, func(ctx context.Context, to *Notices, u idp.User) error {
			m, err := Administrators{Notices: to}.composeWatched(u, atelier, n)
			return errors.Join(err, to.Outbox.Put(ctx, m))
		})
	}
	return []Sample{
		sample("admin-odoo-watch", connector.News{
			New: []connector.Finding{
				{Check: "key_expiry", Level: connector.Problem, Said: connector.Said{Says: "key_expiry", Facts: []string{"Latchkey", "admin", s.Now().AddDate(0, 0, 9).Format(time.DateOnly)}}},
				{Check: "hosts", Level: connector.Problem, Said: connector.Said{Says: "hosts", Facts: []string{"https://shop.example.com"}}},
				{Check: "sign_up", Level: connector.Advice, Said: connector.Said{Says: "sign_up", Facts: []string{"auth_signup.invitation_scope"}}},
			},
			Gone: []connector.Kept{{Check: "other_providers", About: "Sesame"}},
			Sync: &connector.SyncState{Why: &connector.Reason{Kind: "unreachable"}}, SyncSince: s.Now().Add(-3 * time.Hour),
		}),
		sample("admin-odoo-watch-gone", connector.News{Gone: []connector.Kept{{Check: "unreachable"}}, SyncWell: true}),
	}
}

// powerful are samples of what owners are told.
func (s Sampler) powerful() (out []Sample) {
	for _, c := range []power.Change{
		{Kind: power.Role, Event: "user.update", About: "a", Role: idp.Owner, Before: idp.HelpDesk},
		{Kind: power.Program, Event: "token.make", Name: "ERP", Parts: []string{"people:write", "roles:write"}},
		{Kind: power.Policy, Event: "policy.publish", Name: "Comptabilité", Parts: []string{"whom", "what.assurance", "what.trusted_devices.days"}},
		{Kind: power.Guard, Event: "settings.change", Parts: []string{"second_approver", "assurance"}},
		{Kind: power.Keys, Event: "key.revoke", Name: "es256-2026-07"},
		{Kind: power.Keyring, Event: "keyring.rotate", Name: "2417"},
		{Kind: power.Host, Event: "user.invite", About: "a"},
	} {
		out = append(out, s.told("owner-"+string(c.Kind), func(ctx context.Context, n *Notices, u idp.User) error {
			c := c // samples may be written at the same time
			c.At, c.By, c.Doer, c.Whom, c.Origin = s.Now(), "o", "robin.weber@example.com", "amelie.petit@example.com", s.origin()
			if c.Kind == power.Host || c.Kind == power.Keyring {
				c.By, c.Origin = "", idp.Origin{Agent: "command line, root"}
			}
			return Owners{n}.Changed(ctx, u, &c)
		}))
	}
	return out
}
