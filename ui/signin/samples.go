package signin

import (
	"html/template"
	"time"

	"latchkey/idp"
	"latchkey/idp/password"
	"latchkey/mfa"
	"latchkey/ui/assets"
	"latchkey/ui/page"
)

// What the samples are about.
const (
	sampleSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" //nolint:gosec // of nobody
	sampleURI    = "otpauth://totp/Latchkey:camille.durand@example.com?secret=" + sampleSecret + "&issuer=Latchkey"
)

var (
	samplePerson = page.PersonOf(idp.User{Name: "Camille Durand", Login: "camille.durand@example.com"})
	sampleUntil  = time.Date(2027, time.March, 1, 9, 30, 0, 0, time.UTC)
	sampleCodes  = []string{"k7dmq-2xv9f", "p3rt8-ncbw5", "x9vkm-4hd2q", "b6wyt-7grk3", "h2jsf-9xmv8", "n5qzw-3kbr7", "d8gpj-6vnm4", "r4cfx-2wsp9", "v7tbn-8jdg3", "m9hxk-5rfc6"}
	sampleWays   = []way{{"passkey", "?method=passkey", false}, {"sms", "?method=sms", true}, {"backup", "?method=backup", false}}
)

// Samples is every page of this package with sample data.
func Samples() []page.Sample {
	var out []page.Sample
	for _, some := range [][]page.Sample{doorSamples(), factorSamples(), enrolSamples(), linkSamples()} {
		out = append(out, some...)
	}
	return out
}

// doorSamples is password, coming back and leaving.
func doorSamples() []page.Sample {
	return []page.Sample{
		page.Drawn("login", set, 200, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Client: "Atelier Martin", Passkey: page.Ceremony{Begin: passkeyBegin}, Asks: true, Register: "/register?flow=t"}
		}),
		page.Drawn("login-app", set, 200, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Client: "Atelier Martin", App: page.App{Name: "Atelier Martin", Logo: assets.URL("logo.svg"), Policy: "https://atelier.example/privacy", Terms: "https://atelier.example/terms", Itself: true}}
		}),
		page.Drawn("login-wrong", set, 401, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Login: samplePerson.Login, Wrong: true, Wait: 15}
		}),
		page.Drawn("login-silent", set, 401, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Login: samplePerson.Login, Wrong: true, Silent: true, Wait: 15}
		}),
		page.Drawn("login-again", set, 200, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Login: samplePerson.Login, Again: true}
		}),
		page.Drawn("login-chosen", set, 200, "login.html", func(*page.Context) any { return loginView{Ticket: "t", Login: samplePerson.Login, Chosen: true} }),
		page.Drawn("choose", set, 200, "choose.html", func(*page.Context) any { return chooseView{"t", "Atelier Martin", samplePerson} }),
		page.Drawn("forgot", set, 200, "forgot.html", func(*page.Context) any { return forgotView{} }),
		page.Drawn("forgot-sent", set, 200, "forgot.html", func(*page.Context) any { return forgotView{Sent: true} }),
		page.Drawn("renew", set, 200, "renew.html", func(*page.Context) any { return linkView{Action: "/recover/t", Person: samplePerson, Least: 15} }),
		page.Drawn("renew-short", set, 400, "renew.html", func(c *page.Context) any {
			title, text := page.PasswordProblem(c.Words, &password.ShortError{Least: 15})
			return linkView{Action: "/recover/t", Person: samplePerson, Least: 15, Error: &complaint{title, text}}
		}),
		page.Drawn("logout", set, 200, "logout.html", func(*page.Context) any { return leaveView{samplePerson} }),
		page.Drawn("signed-out", set, 200, "signed_out.html", func(*page.Context) any { return leftView{} }),
	}
}

// factorSamples is the second factor.
func factorSamples() []page.Sample {
	return []page.Sample{
		page.Drawn("factor", set, 200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: sampleWays, Again: "/"}
		}),
		page.Drawn("factor-wrong", set, 401, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: sampleWays, Again: "/",
				Error: &complaint{c.Words.T("factor.wrong_title"), c.Words.T("factor.totp.wrong")}}
		}),
		page.Drawn("factor-shape", set, 400, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: sampleWays, Again: "/", Error: shapeOf(c, mfa.Prompt{Shape: mfa.ShapeCode, Digits: 6})}
		}),
		page.Drawn("factor-locked", set, 429, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: sampleWays, Again: "/", Locked: true,
				Error: lockOf(c, &mfa.LockedError{Until: time.Now().Add(9 * time.Minute)})}
		}),
		page.Drawn("factor-backup", set, 200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "backup", Shape: mfa.ShapeWord, Ways: []way{{"totp", "?method=totp", false}}, Again: "/"}
		}),
		page.Drawn("factor-trust", set, 200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: sampleWays, Again: "/", Lost: "/", TrustDays: 30}
		}),
		page.Drawn("factor-sms", set, 200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "sms", Shape: mfa.ShapeCode, Digits: 6, SentTo: "+33 •• •• •• 78", Wait: 30, Ways: sampleWays, Again: "/", Lost: "/"}
		}),
		page.Drawn("factor-email-send", set, 200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "email", Unsent: true, Ways: sampleWays, Again: "/", Lost: "/"}
		}),
		page.Drawn("factor-sms-failed", set, 503, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "sms", Unsent: true, Ways: sampleWays, Again: "/", Lost: "/", Error: limitOf(c, &mfa.LockedError{})}
		}),
		page.Drawn("factor-passkey", set, 200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "passkey", Shape: mfa.ShapeKey, Ways: sampleWays, Again: "/", Lost: "/"}
		}),
		page.Drawn("lost", set, 200, "lost.html", func(*page.Context) any { return lostView{"t", sampleWays, "/"} }),
		page.Drawn("offer", set, 200, "offer.html", func(*page.Context) any {
			return offerView{Ticket: "t", Deadline: time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC), Days: 9, Enrol: "/"}
		}),
		page.Drawn("offer-passkey", set, 200, "offer.html", func(*page.Context) any { return offerView{Ticket: "t", Enrol: "/", Passkey: true} }),
	}
}

// enrolSamples is setting one up.
func enrolSamples() []page.Sample {
	return []page.Sample{
		{Name: "enrol-scan", Draw: func(c *page.Context) error {
			q, err := drawQR(sampleURI, c.Words.T("enrol.scan_alt"))
			if err != nil {
				return err
			}
			return c.Show(set, 200, "enrol_scan.html", scanView{track: track{1, "totp", true}, Client: "Atelier Martin", Others: []way{{Kind: "passkey", URL: "/"}, {Kind: "sms", URL: "/"}}, Anew: c.Query("anew") != "",
				SVG: q.svg, PNG: q.png, URI: template.URL(sampleURI), Groups: grouped(sampleSecret), Next: "/"}) //nolint:gosec // our own sample
		}},
		{Name: "enrol-codes", Draw: func(c *page.Context) error {
			c.Script()
			return c.Show(set, 200, "enrol_codes.html", codesView{track: track{2, "totp", true}, Ticket: "t", Shown: sampleCodes, Download: "/", Previous: "/", FileName: "codes.txt", Account: samplePerson.Login, Made: time.Date(2026, time.October, 1, 9, 0, 0, 0, time.UTC)})
		}},
		page.Drawn("enrol-codes-missing", set, 400, "enrol_codes.html", func(*page.Context) any {
			return codesView{track: track{2, "totp", true}, Ticket: "t", Shown: sampleCodes, Missing: true, Download: "/", Previous: "/", FileName: "codes.txt", Account: samplePerson.Login, Made: time.Date(2026, time.October, 1, 9, 0, 0, 0, time.UTC)}
		}),
		page.Drawn("enrol-confirm", set, 200, "enrol_confirm.html", func(*page.Context) any {
			return confirmView{track: track{3, "totp", true}, Ticket: "t", Digits: 6, Previous: "/"}
		}),
		page.Drawn("enrol-confirm-wrong", set, 401, "enrol_confirm.html", func(c *page.Context) any {
			return confirmView{track: track{3, "totp", true}, Ticket: "t", Digits: 6, Previous: "/", Error: &complaint{c.Words.T("factor.wrong_title"), c.Words.T("enrol.confirm_wrong")}}
		}),
		page.Drawn("enrol-sms", set, 200, "enrol_send.html", func(*page.Context) any {
			return sendView{track: track{1, "sms", false}, Ticket: "t", Others: []way{{Kind: "totp", URL: "/"}, {Kind: "passkey", URL: "/"}}}
		}),
		page.Drawn("enrol-email", set, 200, "enrol_send.html", func(*page.Context) any {
			return sendView{track: track{1, "email", false}, Ticket: "t", Email: samplePerson.Login}
		}),
		page.Drawn("enrol-sms-confirm", set, 200, "enrol_confirm.html", func(*page.Context) any {
			return confirmView{track: track{3, "sms", true}, Ticket: "t", Digits: 6, SentTo: "+33 •• •• •• 78", Wait: 20}
		}),
		page.Drawn("enrol-passkey", set, 200, "enrol_confirm.html", func(*page.Context) any {
			return confirmView{track: track{3, "passkey", false}, Ticket: "t", Others: []way{{Kind: "totp", URL: "/"}}}
		}),
	}
}

// linkSamples is where the links in mails lead.
func linkSamples() []page.Sample {
	return []page.Sample{
		page.Drawn("invited", set, 200, "invited.html", func(*page.Context) any {
			return linkView{Action: "/enrol/t", Method: "totp", Person: samplePerson, Until: sampleUntil}
		}),
		page.Drawn("not-me", set, 200, "not_me.html", func(*page.Context) any { return linkView{Action: "/not-me/t", Person: samplePerson} }),
		page.Drawn("taken-back", set, 200, "taken_back.html", func(*page.Context) any { return linkView{Sent: true, Gone: "totp"} }),
		page.Drawn("invite", set, 200, "invite.html", func(*page.Context) any {
			return inviteView{Action: "/", Person: samplePerson, Login: samplePerson.Login, Client: "Atelier Martin", Least: 8, Until: sampleUntil}
		}),
		page.Drawn("found", set, 200, "found.html", func(*page.Context) any { return foundView{Action: "/", Least: 15} }),
		page.Drawn("found-wrong", set, 400, "found.html", func(c *page.Context) any {
			return foundView{Action: "/", Least: 15, Name: "Ada King", Email: "ada", Wrong: map[string]string{"email": c.Words.T("found.email_wrong"), "password": c.Words.T("found.password_none")}}
		}),
		page.Drawn("register", set, 200, "register.html", func(*page.Context) any {
			return registerView{ClientName: "Atelier Martin", Ticket: "t", SignIn: "/login", Terms: "https://www.example.org/terms", Privacy: "https://www.example.org/privacy"}
		}),
		page.Drawn("register-wrong", set, 400, "register.html", func(c *page.Context) any {
			return registerView{Email: "camille", SignIn: "/login", Wrong: map[string]string{"email": c.Words.T("found.email_wrong"), "name": c.Words.T("found.name_wrong")}}
		}),
		page.Drawn("register-sent", set, 200, "register.html", func(*page.Context) any { return registerView{Sent: true, SignIn: "/login"} }),
		page.Drawn("registered", set, 200, "registered.html", func(*page.Context) any {
			return makeView{Action: "/", Person: samplePerson, Login: samplePerson.Login, Least: 15, Until: sampleUntil, Terms: "https://www.example.org/terms", Privacy: "https://www.example.org/privacy"}
		}),
		page.Drawn("registered-wrong", set, 400, "registered.html", func(c *page.Context) any {
			return makeView{Action: "/", Person: samplePerson, Login: samplePerson.Login, Least: 15, Until: sampleUntil, Terms: "https://www.example.org/terms", Disagreed: true,
				Error: &complaint{c.Words.N("password.short_title", 15), c.Words.T("password.short")}}
		}),
		page.Drawn("login-made", set, 200, "login.html", func(*page.Context) any { return loginView{Ticket: "t", Login: samplePerson.Login, Made: true} }),
		page.Drawn("invite-wrong", set, 400, "invite.html", func(c *page.Context) any {
			return inviteView{Action: "/", Person: samplePerson, Login: samplePerson.Login, Least: 15, Until: sampleUntil,
				Error: &complaint{c.Words.N("password.short_title", 15), c.Words.T("password.short")}}
		}),
		page.Drawn("verify", set, 200, "verify.html", func(*page.Context) any {
			return addressView{Action: "/", Address: samplePerson.Login, Person: &samplePerson, Until: sampleUntil}
		}),
		page.Drawn("verify-stranger", set, 200, "verify.html", func(*page.Context) any {
			return addressView{Action: "/", Address: "camille.de.la.fontaine-beaumarchais@example.com", Change: true, Until: sampleUntil}
		}),
	}
}
