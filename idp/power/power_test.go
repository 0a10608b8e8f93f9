package power_test

import (
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/power"
)

// D-07, M-10: what an event changes in the power of the house.
func TestOf(t *testing.T) {
	at := time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC)
	shell := idp.Origin{Agent: "command line, root"}
	type detail = map[string]string
	for name, c := range map[string]struct {
		e    idp.Event
		kind power.Kind // empty: none
		more func(power.Change) bool
	}{
		"a sign-in":             {e: idp.Event{What: "signin"}},
		"a role":                {idp.Event{What: "user.update", Detail: detail{"role.before": "", "role.after": "helpdesk"}}, power.Role, func(c power.Change) bool { return c.Role == idp.HelpDesk && c.Before == "" }},
		"a higher role":         {idp.Event{What: "user.update", Detail: detail{"role.before": "admin", "role.after": "owner"}}, power.Role, func(c power.Change) bool { return c.Role == idp.Owner && c.Before == idp.Admin }},
		"a lower role":          {e: idp.Event{What: "user.update", Detail: detail{"role.before": "owner", "role.after": "admin"}}},
		"a role taken":          {e: idp.Event{What: "user.update", Detail: detail{"role.before": "owner", "role.after": ""}}},
		"a role not known here": {idp.Event{What: "user.update", Detail: detail{"role.before": "owner", "role.after": "emperor"}}, power.Role, nil},
		"refused":               {e: idp.Event{What: "user.update", Result: "denied", Detail: detail{"role.before": "", "role.after": "owner"}}},
		"somebody with a role":  {idp.Event{What: "user.add", Detail: detail{"role": "admin"}}, power.Role, func(c power.Change) bool { return c.Role == idp.Admin }},
		"somebody":              {e: idp.Event{What: "user.add", Detail: detail{"role": ""}}},
		"a name":                {e: idp.Event{What: "user.update", Detail: detail{"fields": "name"}}},
		"a token that writes":   {idp.Event{What: "token.make", Detail: detail{"name": "ERP", "scopes": "people:read people:help roles:write"}}, power.Program, func(c power.Change) bool { return c.Name == "ERP" && len(c.Parts) == 2 }},
		"a token that reads":    {e: idp.Event{What: "token.make", Detail: detail{"scopes": "people:read audit:read"}}},
		"a service that writes": {idp.Event{What: "client.update", Client: "erp", Detail: detail{"scopes.before": "openid people:write", "scopes.after": "openid people:write odoo:write"}}, power.Program, func(c power.Change) bool { return c.Name == "erp" && len(c.Parts) == 1 && c.Parts[0] == "odoo:write" }},
		"a service that did":    {e: idp.Event{What: "client.update", Detail: detail{"scopes.before": "people:write odoo:write", "scopes.after": "people:write"}}},
		"a service let in":      {idp.Event{What: "client.enable", Client: "erp", Detail: detail{"scopes": "openid people:read people:write"}}, power.Program, func(c power.Change) bool { return c.Name == "erp" && len(c.Parts) == 1 }},
		"its new secret":        {idp.Event{What: "client.rotate", Client: "erp", Detail: detail{"scopes": "odoo:write"}}, power.Program, func(c power.Change) bool { return c.Name == "erp" && len(c.Parts) == 1 }},
		"an application let in": {e: idp.Event{What: "client.enable", Client: "wiki", Detail: detail{"scopes": "openid people:read"}}},
		"an application":        {e: idp.Event{What: "client.add", Detail: detail{"scopes.before": "", "scopes.after": "openid email"}}},
		"a policy demands less": {idp.Event{What: "policy.publish", Detail: detail{"policy": "staff", "weaker": "whom what.assurance"}}, power.Policy, func(c power.Change) bool { return c.Name == "staff" && len(c.Parts) == 2 }},
		"a policy demands more": {e: idp.Event{What: "policy.publish", Detail: detail{"policy": "staff"}}},
		"no second approver":    {idp.Event{What: "settings.change", Detail: detail{"second_approver.before": "true", "second_approver.after": "false"}}, power.Guard, nil},
		"a second approver":     {e: idp.Event{What: "settings.change", Detail: detail{"second_approver.before": "false", "second_approver.after": "true"}}},
		"no passkey demanded":   {idp.Event{What: "settings.change", Detail: detail{"assurance.before": idp.PhishingResistant, "assurance.after": idp.AAL2}}, power.Guard, nil},
		"sessions":              {e: idp.Event{What: "settings.change", Detail: detail{"sessions.before": "3", "sessions.after": "0"}}},
		"our words":             {idp.Event{What: "message.change", Detail: detail{"message": "power_guard"}}, power.Guard, func(c power.Change) bool { return len(c.Parts) == 1 }},
		"other words":           {e: idp.Event{What: "message.change", Detail: detail{"message": "invite"}}},
		"a key withdrawn":       {idp.Event{What: "key.revoke", Detail: detail{"kid": "k"}}, power.Keys, func(c power.Change) bool { return c.Name == "k" }},
		"keys rotated":          {e: idp.Event{What: "key.rotate"}},
		"the keyring":           {idp.Event{What: "keyring.rotate", Origin: shell, Detail: detail{"key": "7"}}, power.Keyring, func(c power.Change) bool { return c.Name == "7" && c.ByHost() }},
		"a copy with the keys":  {idp.Event{What: "backup.make", Origin: shell, Detail: detail{"keyring": "true"}}, power.Host, func(c power.Change) bool { return c.ByHost() }},
		"a copy":                {e: idp.Event{What: "backup.make", Origin: shell, Detail: detail{"keyring": "false"}}},
		"a copy put back":       {idp.Event{What: "backup.restore", Origin: shell}, power.Host, func(c power.Change) bool { return c.ByHost() }},
		"a link to own":         {idp.Event{What: "owner.offer", Origin: shell}, power.Host, func(c power.Change) bool { return c.ByHost() }},
		"a link at a start":     {e: idp.Event{What: "owner.offer"}},
		"a code on the host":    {idp.Event{What: "factor.temporary", User: "u", Origin: shell}, power.Host, nil},
		"a code by a person":    {e: idp.Event{What: "factor.temporary", User: "u", Actor: "a", Origin: idp.Origin{Agent: "command line, root"}}},
		"an address by host":    {idp.Event{What: "user.update", User: "u", Origin: shell, Detail: detail{"fields": "email verified"}}, power.Host, nil},
		"a name by host":        {e: idp.Event{What: "user.update", User: "u", Origin: shell, Detail: detail{"fields": "name"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.e.At = at
			if c.e.Result == "" {
				c.e.Result = "ok"
			}
			got, is := power.Of(c.e)
			if is != (c.kind != "") || is && got.Kind != c.kind {
				t.Fatalf("%+v, %v", got, is)
			}
			if is && (got.Event != c.e.What || !got.At.Equal(at) || got.About != c.e.User) {
				t.Errorf("%+v", got)
			}
			if c.more != nil && !c.more(got) {
				t.Errorf("%+v", got)
			}
		})
	}
}
