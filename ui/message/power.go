package message

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/power"
	"latchkey/ui/locale"
)

// Owners writes to the people who own the house of changes of the power in it.
type Owners struct{ Notices *Notices }

var _ power.Teller = Owners{}

// Changed tells one owner, once a minute of the same that the same one does. It
// joins the Atomic in ctx.
func (o Owners) Changed(ctx context.Context, to idp.User, c *power.Change) error {
	// Neither a harmless change before, nor what somebody else does, hides one: only
	// the same done to the same does, and many roles at once are one mail. The name
	// comes last, as people choose it.
	topic := []string{string(c.Kind), string(c.By), string(c.Role), c.Event, string(to.ID), strings.Join(c.Parts, " ")}
	if c.By == "" {
		topic = append(topic, c.Origin.Agent) // the account of the shell
	}
	if c.Kind == power.Host {
		topic = append(topic, string(c.About))
	}
	m, err := o.composeChanged(to, c)
	if err != nil {
		return err
	}
	m.Topic, m.Quiet = strings.Join(append(topic, c.Name), ":"), power.Quiet
	return o.Notices.Outbox.Put(ctx, m)
}

// composeChanged writes the mail without sending it.
func (o Owners) composeChanged(to idp.User, c *power.Change) (mail.Message, error) {
	p := locale.For([]string{to.Locale}, "")
	n := o.Notices
	head, w := n.masthead(p), says{p, n.Texts, string(c.Kind)}
	return n.draw(to, view{
		Printer: p, masthead: head, Subject: w.part("subject", head.Brand), Hello: p.T("mail.hello", line(to.Name)),
		What: w.part("text", head.Brand), Next: w.part("next"), Facts: powerFacts(p, zone(to), c),
		Link:   strings.TrimRight(n.Issuer, "/") + "/admin/audit?" + url.Values{"what": {c.Event}}.Encode(),
		Review: p.T("mail.power.go"), Why: p.T("mail.power.why", head.Brand),
	})
}

// powerFacts are what changed, who did it, when, and from where.
func powerFacts(p locale.Printer, zone *time.Location, c *power.Change) (out []fact) {
	if c.About != "" && c.Kind != power.Program {
		out = append(out, fact{p.T("mail.account"), line(cmp.Or(c.Whom, string(c.About)))})
	}
	if c.Name != "" {
		out = append(out, fact{p.T("admin.tokens.name"), line(c.Name)})
	}
	switch c.Kind {
	case power.Role:
		if c.Event == "user.enable" {
			out = append(out, fact{p.T("admin.audit.field.what"), eventName(p, c.Event)})
		}
		out = append(out, fact{p.T("admin.evidence.role"), roleName(p, c.Role)})
		if c.Before != "" {
			out = append(out, fact{p.T("admin.audit.change_before"), roleName(p, c.Before)})
		}
	case power.Program:
		if c.Event == "client.enable" || c.Event == "client.rotate" {
			out = append(out, fact{p.T("admin.audit.field.what"), eventName(p, c.Event)})
		}
		out = append(out, fact{p.T("admin.tokens.may"), parted(p, "admin.tokens.right.", ":", c.Parts)})
	case power.Policy:
		out = append(out, fact{p.T("mail.power.weaker"), policyParts(p, c)})
	case power.Guard:
		out = append(out, fact{p.T("mail.power.weaker"), guardParts(p, c.Parts)})
	case power.Host, power.Keyring:
		out = append(out, fact{p.T("admin.audit.field.what"), eventName(p, c.Event)})
	}
	out = append(out, fact{p.T("admin.audit.field.actor"), doer(p, c)}, fact{p.T("mail.when"), p.DateTime(c.At.In(zone))})
	if c.By == "" { // its "browser" is the name of who has the shell, which stands above
		return out
	}
	return append(out, origin(p, c.Origin)...)
}

// doer is who did it.
func doer(p locale.Printer, c *power.Change) string {
	switch {
	case c.By != "":
		return line(cmp.Or(c.Doer, string(c.By)))
	case c.ByHost():
		_, shell, _ := strings.Cut(c.Origin.Agent, ", ")
		if shell != "" {
			shell = " (" + line(shell) + ")"
		}
		return p.T("admin.audit.host") + shell
	}
	return p.T("admin.audit.house")
}

// eventName is what an event is called on the log's pages.
func eventName(p locale.Printer, event string) string {
	for _, key := range []string{"event." + event, "security.event." + event} {
		if p.Has(key) {
			return p.T(key)
		}
	}
	return event
}

func roleName(p locale.Printer, r idp.Role) string {
	if key := "admin.role." + string(r); p.Has(key) {
		return p.T(key)
	}
	return line(string(r))
}

// parted says each part by a key, or by its own name where there is none.
func parted(p locale.Printer, prefix, cut string, parts []string) string {
	var out []string
	for _, part := range parts {
		said := part
		if key := prefix + strings.ReplaceAll(part, cut, "_"); p.Has(key) {
			said = p.T(key)
		}
		if !slices.Contains(out, said) {
			out = append(out, said)
		}
	}
	return strings.Join(out, " · ")
}

// policyParts are the fields of a policy that demand less, as its form calls them.
func policyParts(p locale.Printer, c *power.Change) string {
	if slices.Equal(c.Parts, []string{"enabled"}) {
		if c.Event == "policy.remove" {
			return p.T("mail.power.removed")
		}
		return p.T("mail.power.off")
	}
	parts := slices.Clone(c.Parts)
	if at := slices.Index(parts, "whom"); at >= 0 {
		parts[at] = p.T("mail.power.whom")
	}
	return parted(p, "admin.policies.field.", ".", parts)
}

// guardKeys are settings, as their form calls them.
var guardKeys = map[string]string{
	"second_approver": "admin.settings.approver", "assurance": "admin.settings.assurance", "messages": "mail.power.reworded",
}

func guardParts(p locale.Printer, parts []string) string {
	var out []string
	for _, part := range parts {
		out = append(out, p.T(guardKeys[part]))
	}
	return strings.Join(out, " · ")
}
