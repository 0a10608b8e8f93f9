package records

import (
	"net/http"
	"net/url"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

var sampleTime = time.Date(2026, time.October, 14, 9, 24, 5, 123e6, time.UTC)

// sampleRows are events of every kind that looks different.
func sampleRows(c *page.Context) []rowView {
	person := func(name string) personView {
		if name == "" {
			return personView{}
		}
		return personView{Name: name, URL: "/admin/users"}
	}
	row := func(what, result, who, whom, client, address string) rowView {
		return rowView{
			URL: auditPath, When: c.Words.DateTime(sampleTime), What: whatOf(c, what), Code: what, Result: resultOf(c, result), Chip: chipOf(result),
			Who: person(who), Whom: person(whom), Client: client, Address: address,
		}
	}
	const ada, camille = "Ada King", "Camille Durand de la Rochefoucauld"
	return []rowView{
		row("signin", "ok", camille, camille, "odoo", "2001:db8:85a3::8a2e:370:7334"), row("signin.password", "wrong", "", camille, "", "203.0.113.7"),
		row("factor.reset", "ok", ada, camille, "", "198.51.100.4"), row("admin.visit", "denied", camille, "", "", "203.0.113.7"),
		row("policy.publish", "ok", ada, "", "", "198.51.100.4"), row("something.new", "odd", "", "", "intranet-of-the-other-house", ""),
	}
}

func sampleStatus(broken *audit.Break) audit.Status {
	hash := audit.Genesis()
	return audit.Status{
		Head: audit.Head{Seq: 1_204_512}, Waiting: 3, Last: audit.Checkpoint{Seq: 1_204_500, At: sampleTime, Hash: hash}, Cut: audit.Checkpoint{Seq: 200_000, At: sampleTime},
		Verified: &audit.Report{At: sampleTime, Rows: 1_004_512, Whole: true, Broken: broken},
		Targets: []audit.Delivery{
			{Name: "webhook", Good: sampleTime, Begun: true},
			{Name: "syslog", Good: sampleTime, Begun: true, Failures: 7, Failure: "dial tcp: lookup siem.example.org: no such host", Behind: 4211},
			{Name: "collector", Good: sampleTime, Begun: true, Failures: 2, Failure: "it answered with status 503", Status: http.StatusServiceUnavailable, Behind: 12},
		},
	}
}

// auditSamples is these pages with sample data.
func (p *Pages) auditSamples() []page.Sample {
	visit := func(c *page.Context) admin.Visit { return admin.Sample(c, "audit", p.Sections()) }
	list := func(c *page.Context, f filters) eventsView {
		v := eventsView{Head: visit(c).Head(c), Fields: fieldsOf(c, f), Some: len(f.Values) > 0, Chain: chainPath, Export: auditPath + "/export", Quick: quick(c)}
		v.page(c, visit(c), f, audit.Page{})
		return v
	}
	chain := func(c *page.Context, st audit.Status) chainView {
		v := chainOf(c, visit(c), st, []audit.Checkpoint{{Seq: 1_204_500, At: sampleTime, Count: 1000, Hash: audit.Genesis()}, {Seq: 1_203_500, At: sampleTime, Count: 231, Hash: audit.Genesis()}})
		v.Key, v.KeyID = "ed25519:HEyB10W5nv4Y6nMbONlXuMfXTFFzbr7s/Y6WgymaEKk=", "8a1f3d147b89456d"
		return v
	}
	return []page.Sample{
		page.Drawn("audit", set, http.StatusOK, "audit_list.html", func(c *page.Context) any {
			v := list(c, filters{})
			v.Rows, v.Pager.Next = sampleRows(c), auditPath
			return v
		}),
		page.Drawn("audit-wrong", set, http.StatusBadRequest, "audit_list.html", func(c *page.Context) any {
			v := list(c, filters{url.Values{"what": {"Factor add"}, "user": {"nobody"}}})
			markWrong(c, v.Fields, wrongField{"user", errNobody})
			markWrong(c, v.Fields, idp.ErrInvalid)
			return v
		}),
		page.Drawn("audit-looked", set, http.StatusOK, "audit_list.html", func(c *page.Context) any {
			v := list(c, filters{url.Values{"client": {"odoo"}, "result": {"denied"}}})
			v.Looked, v.Pager.Next = c.Words.T("admin.audit.looked", c.Words.DateTime(sampleTime)), auditPath
			v.Warning = brokenOf(c, &audit.Break{Kind: audit.Edited, Seq: 771_023})
			return v
		}),
		page.Drawn("audit-event", set, http.StatusOK, "audit_event.html", func(c *page.Context) any {
			e := audit.Entry{Seq: 771_023, Hash: audit.Genesis(), MAC: []byte{1}, Event: idp.Event{
				ID: "M4MBQ2N7FVQNHP56CXLCS7V7CG", At: sampleTime, What: "user.update", User: "u2", Actor: "u1", Client: "odoo", Session: "s1", Method: "totp", Result: "ok",
				Origin: idp.Origin{Address: "198.51.100.4", Agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", Request: "HY5HUICN4LCJ2HJUFEXML2PTIF"},
				Detail: map[string]string{"email.before": "camille@example.com", "email.after": "camille.durand@example.com", "phone.before": "", "phone.after": "+33612345678", "reason": "moved house"},
			}}
			return eventOf(c, visit(c), e, audit.Placed, map[idp.UserID]string{"u1": "Ada King", "u2": "Camille Durand"})
		}),
		page.Drawn("audit-chain", set, http.StatusOK, "audit_chain.html", func(c *page.Context) any { return chain(c, sampleStatus(nil)) }),
		page.Drawn("audit-chain-broken", set, http.StatusOK, "audit_chain.html", func(c *page.Context) any {
			st := sampleStatus(&audit.Break{Kind: audit.Edited, Seq: 771_023, Says: audit.Sentences["changed"], Code: "changed"})
			st.Targets = nil
			return chain(c, st)
		}),
	}
}
