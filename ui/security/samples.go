package security

import (
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/mfa/trust"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// What the samples are about.
const (
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// sampleOf is an account with one of everything.
func sampleOf() security.Overview {
	at := func(day, hour int) time.Time { return time.Date(2026, time.October, day, hour, 24, 0, 0, time.UTC) }
	u := idp.User{ID: "u", Name: "Camille Durand", Login: "camille.durand@example.com", Email: "camille.durand@example.com"}
	u.Profile.Zoneinfo = "Europe/Paris"
	line := func(id, what, result string, k mfa.Kind, agent string, other bool) security.Line {
		return security.Line{Event: idp.Event{ID: id, At: at(14, 9), What: what, Result: result, Method: k, Origin: idp.Origin{Address: "2001:db8:85a3::8a2e:370:7334", Agent: agent}}, Other: other}
	}
	o := security.Overview{
		User: u, Own: true, On: true, Password: true, TrustFor: 30, Addable: []mfa.Kind{"totp", "passkey", "sms", "email", "backup"},
		Factors: []security.Factor{
			{ID: "f1", Kind: "totp", Label: "Pixel 8", Created: at(1, 9), Used: at(14, 9)},
			{ID: "f2", Kind: "totp", Created: at(2, 9)},
			{ID: "f3", Kind: "passkey", Label: "iCloud-Schlüsselbundverwaltungsdienst der Buchhaltung", Created: at(3, 9), Used: at(13, 18)},
			{ID: "f4", Kind: "sms", Label: "+33 •• •• •• 78", Created: at(4, 9)},
			{ID: "f5", Kind: "backup", Created: at(1, 9), Left: 9},
		},
		Devices: []trust.Device{
			{ID: "d1", Agent: iphone, Address: "203.0.113.7", Place: "Lyon, France", Created: at(1, 9), Used: at(14, 9), Expires: at(31, 9)},
			{ID: "d2", Agent: firefox, Address: "2001:db8:85a3::8a2e:370:7334", Created: at(2, 9), Used: at(12, 9), Expires: at(30, 9)},
		},
		Recent: []security.Line{
			line("l1", "signin", "ok", "totp", iphone, false), line("l2", "signin.password", "wrong", "pwd", firefox, false),
			line("l3", "signin.factor", "locked", "totp", "", false), line("l4", "factor.reset", "ok", "", "", true),
		},
	}
	for i, agent := range []string{iphone, firefox} {
		o.Sessions = append(o.Sessions, security.Session{Current: i == 0, Session: idp.Session{
			ID: idp.SessionID(rune('a' + i)), Device: []string{"d1", ""}[i], Created: at(14, 8), Seen: at(14, 9), Origin: idp.Origin{Address: "203.0.113.7", Agent: agent},
		}})
	}
	return o
}

const (
	sampleSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" //nolint:gosec // of nobody
	sampleURI    = "otpauth://totp/Latchkey:camille.durand@example.com?secret=" + sampleSecret + "&issuer=Latchkey"
)

var (
	sampleDay   = time.Date(2026, time.October, 1, 9, 24, 0, 0, time.UTC)
	sampleHead  = head{Base: Home, Own: true}
	sampleCodes = []string{"k7dmq-2xv9f", "p3rt8-ncbw5", "x9vkm-4hd2q", "b6wyt-7grk3", "h2jsf-9xmv8", "n5qzw-3kbr7", "d8gpj-6vnm4", "r4cfx-2wsp9", "v7tbn-8jdg3", "m9hxk-5rfc6"}
)

func samplePlain(*page.Context) head { return sampleHead }

func sampleDone(c *page.Context, what string) head {
	return head{Base: Home, Own: true, Done: c.Words.T("security.done." + what)}
}

func sampleWrong(c *page.Context) head {
	return head{Base: Home, Own: true, Error: &pages.Complaint{Title: c.Words.T("factor.wrong_title"), Text: c.Words.T("enrol.confirm_wrong")}}
}

// Two changes of the account with one of everything: none, and nothing set up.
func sampleSame(*security.Overview)   {}
func sampleBare(o *security.Overview) { o.Factors, o.On, o.Devices = nil, false, nil }

func sampleOverview(name string, change func(*security.Overview)) page.Sample {
	return page.Drawn(name, set, 200, "overview.html", func(c *page.Context) any {
		o := sampleOf()
		change(&o)
		return overviewOf(c, sampleHead, o)
	})
}

func sampleList(name string, n int, h func(*page.Context) head, change func(*security.Overview)) page.Sample {
	return page.Drawn(name, set, 200, "list.html", func(c *page.Context) any {
		o := sampleOf()
		change(&o)
		return listOf(c, lists[n], o, h(c), "")
	})
}

// Samples is every page of this package with sample data.
func Samples() []page.Sample {
	var out []page.Sample
	for _, some := range [][]page.Sample{heldSamples(), wizardSamples(), otherSamples()} {
		out = append(out, some...)
	}
	return out
}

// heldSamples is the overview and the lists of what somebody has.
func heldSamples() []page.Sample {
	return []page.Sample{
		sampleOverview("overview", sampleSame),
		sampleOverview("overview-info", func(o *security.Overview) {
			sampleBare(o)
			o.Banner = &security.Banner{Level: security.Recommended, Own: []map[string]string{{"en": "Ask the help desk for a key.", "fr": "Demandez une clé au support."}}}
		}),
		sampleOverview("overview-warning", func(o *security.Overview) {
			sampleBare(o)
			o.Banner = &security.Banner{Level: security.Deadline, Days: 10, At: time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)}
		}),
		sampleOverview("overview-danger", func(o *security.Overview) {
			o.NoCodes = true
			o.Banner = &security.Banner{Level: security.Overdue}
			o.Factors = o.Factors[:1]
		}),
		sampleOverview("overview-few", func(o *security.Overview) { o.Factors[4].Left = 2 }),
		sampleOverview("overview-lost", func(o *security.Overview) {
			o.Sessions[0].Proofs = []idp.Proof{{Kind: "backup", At: o.Sessions[0].Created}}
		}),
		page.Drawn("overview-helping", set, 200, "overview.html", func(c *page.Context) any {
			return overviewOf(c, head{Base: "/admin/users/u/security"}, sampleOf())
		}),
		sampleList("totp", 0, func(c *page.Context) head { return sampleDone(c, "totp") }, sampleSame),
		sampleList("passkeys", 1, samplePlain, sampleSame),
		sampleList("passkeys-none", 1, samplePlain, sampleBare),
		sampleList("phones", 2, samplePlain, sampleSame),
		sampleList("phones-closed", 2, samplePlain, func(o *security.Overview) { o.Factors, o.Addable = o.Factors[:1], o.Addable[:1] }),
		sampleList("phones-wrong", 2, sampleWrong, sampleBare),
		sampleList("totp-last", 0, samplePlain, func(o *security.Overview) { o.Factors = o.Factors[:1] }),
		sampleList("totp-too-late", 0, func(*page.Context) head { return head{Base: Home, Own: true, Again: true} }, sampleSame),
	}
}

// wizardSamples is setting something up.
func wizardSamples() []page.Sample {
	return []page.Sample{
		{Name: "scan", Draw: func(c *page.Context) error {
			s, err := pages.ScanOf(c, mfa.Prompt{URI: sampleURI, Secret: sampleSecret})
			if err != nil {
				return err
			}
			return c.Show(set, 200, "scan.html", scanView{head: sampleHead, Track: pages.Track{At: 1, Kind: "totp", Codes: true}, Scan: s, Next: "/"})
		}},
		page.Drawn("codes", set, 200, "codes.html", func(*page.Context) any {
			return codesView{head: sampleHead, Track: pages.Track{At: 2, Kind: "totp", Codes: true}, Ticket: "t", Shown: sampleCodes, Action: "/", Download: "/", Previous: "/", FileName: "codes.txt", Account: "camille.durand@example.com", Made: sampleDay}
		}),
		page.Drawn("codes-new-missing", set, 400, "codes.html", func(*page.Context) any {
			return codesView{head: sampleHead, New: true, Missing: true, Ticket: "t", Shown: sampleCodes, Action: "/", Download: "/", Previous: "/", FileName: "codes.txt", Account: "camille.durand@example.com", Made: sampleDay}
		}),
		page.Drawn("confirm", set, 200, "confirm.html", func(*page.Context) any {
			return confirmView{head: sampleHead, Track: pages.Track{At: 3, Kind: "totp", Codes: true}, Ticket: "t", Digits: 6, Previous: "/"}
		}),
		page.Drawn("confirm-sms-wrong", set, 401, "confirm.html", func(c *page.Context) any {
			return confirmView{head: sampleWrong(c), Track: pages.Track{At: 3, Kind: "sms"}, Ticket: "t", Digits: 6, SentTo: "+33 •• •• •• 78", Wait: 24}
		}),
		page.Drawn("backup", set, 200, "backup.html", func(c *page.Context) any {
			return backupView{head: sampleDone(c, "codes"), Left: 10, Since: c.Words.Date(sampleDay), May: true}
		}),
		page.Drawn("backup-first", set, 200, "backup.html", func(c *page.Context) any { return backupView{head: sampleDone(c, "passkey"), May: true, First: true} }),
	}
}

// otherSamples is devices, sessions, history, password, and turning it off.
func otherSamples() []page.Sample {
	return []page.Sample{
		page.Drawn("devices", set, 200, "devices.html", func(c *page.Context) any { return devicesOf(c, sampleHead, sampleOf()) }),
		page.Drawn("devices-none", set, 200, "devices.html", func(c *page.Context) any { return devicesView{head: sampleHead, TrustFor: 30} }),
		page.Drawn("sessions", set, 200, "sessions.html", func(c *page.Context) any { return sessionsOf(c, sampleHead, sampleOf()) }),
		page.Drawn("history", set, 200, "history.html", func(c *page.Context) any {
			return historyView{head: sampleHead, Lines: linesOf(c, sampleOf().Recent, security.Zone(sampleOf().User), true), Older: "/", Later: true}
		}),
		page.Drawn("password", set, 200, "password.html", func(c *page.Context) any { return passwordView{head: sampleDone(c, "not_me"), Has: true, Least: 15} }),
		page.Drawn("password-wrong", set, 401, "password.html", func(c *page.Context) any {
			return passwordView{head: head{Base: Home, Own: true, Error: wrongPassword(c)}, Has: true, Least: 15, Current: true}
		}),
		page.Drawn("disable", set, 200, "disable.html", func(*page.Context) any { return disableView{head: sampleHead, On: true, Has: true, Last: true} }),
		page.Drawn("disable-refused", set, 200, "disable.html", func(c *page.Context) any {
			return disableView{head: sampleHead, On: true, Has: true, Refused: refusedOf(c, &security.RefusedError{Policies: []string{"portal-needs-second-factor"}})}
		}),
	}
}
