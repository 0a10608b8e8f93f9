package signin

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/mfa"
	"latchkey/ui/page"
	"latchkey/ui/protocol"
)

// samples draws every page with sample data, to look at and to measure.
func samples(t *testing.T) map[string]page.Handler {
	t.Helper()
	show := func(status int, name string, view func(*page.Context) any) page.Handler {
		return func(c *page.Context) error {
			c.Script()
			return c.Show(set, status, name, view(c))
		}
	}
	fail := func(err error) page.Handler { return func(*page.Context) error { return err } }
	const uri = "otpauth://totp/Latchkey:camille.durand@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Latchkey"
	person := page.PersonOf(idp.User{Name: "Camille Durand", Login: "camille.durand@example.com"})
	scan, keep, last := track{1, "totp", true}, track{2, "totp", true}, track{3, "totp", true}
	codes := []string{"k7dmq-2xv9f", "p3rt8-ncbw5", "x9vkm-4hd2q", "b6wyt-7grk3", "h2jsf-9xmv8", "n5qzw-3kbr7", "d8gpj-6vnm4", "r4cfx-2wsp9", "v7tbn-8jdg3", "m9hxk-5rfc6"}
	others := []way{{"passkey", "?method=passkey", false}, {"sms", "?method=sms", true}, {"backup", "?method=backup", false}}
	return map[string]page.Handler{
		"login": show(200, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Client: "Atelier Martin", Passkey: page.Ceremony{Begin: passkeyBegin}}
		}),
		"login-wrong": show(401, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Login: "camille.durand@example.com", Wrong: true, Wait: 15}
		}),
		"choose": show(200, "choose.html", func(*page.Context) any { return chooseView{"t", "Atelier Martin", person} }),
		"factor": show(200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: others, Again: "/"}
		}),
		"factor-wrong": show(401, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: others, Again: "/",
				Error: &complaint{c.Words.T("factor.wrong_title"), c.Words.T("factor.totp.wrong")}}
		}),
		"factor-shape": show(400, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: others, Again: "/", Error: shapeOf(c, mfa.Prompt{Shape: mfa.ShapeCode, Digits: 6})}
		}),
		"factor-locked": show(429, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: others, Again: "/", Locked: true,
				Error: lockOf(c, &mfa.LockedError{Until: time.Now().Add(9 * time.Minute)})}
		}),
		"factor-backup": show(200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "backup", Shape: mfa.ShapeWord, Ways: []way{{"totp", "?method=totp", false}}, Again: "/"}
		}),
		"enrol-scan": func(c *page.Context) error {
			q, err := drawQR(uri, c.Words.T("enrol.scan_alt"))
			if err != nil {
				return err
			}
			return c.Show(set, 200, "enrol_scan.html", scanView{track: scan, Client: "Atelier Martin", Others: []way{{Kind: "passkey", URL: "/"}, {Kind: "sms", URL: "/"}}, Anew: c.Query("anew") != "",
				SVG: q.svg, PNG: q.png, URI: template.URL(uri), Groups: grouped("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), Next: "/"})
		},
		"enrol-codes": func(c *page.Context) error {
			c.Script()
			return c.Show(set, 200, "enrol_codes.html", codesView{track: keep, Ticket: "t", Shown: codes, Download: "/", Previous: "/", FileName: "codes.txt"})
		},
		"enrol-codes-missing": show(400, "enrol_codes.html", func(*page.Context) any {
			return codesView{track: keep, Ticket: "t", Shown: codes, Missing: true, Download: "/", Previous: "/", FileName: "codes.txt"}
		}),
		"enrol-confirm": show(200, "enrol_confirm.html", func(*page.Context) any { return confirmView{track: last, Ticket: "t", Digits: 6, Previous: "/"} }),
		"enrol-confirm-wrong": show(401, "enrol_confirm.html", func(c *page.Context) any {
			return confirmView{track: last, Ticket: "t", Digits: 6, Previous: "/", Error: &complaint{c.Words.T("factor.wrong_title"), c.Words.T("enrol.confirm_wrong")}}
		}),
		"factor-trust": show(200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "totp", Shape: mfa.ShapeCode, Digits: 6, Ways: others, Again: "/", Lost: "/", TrustDays: 30}
		}),
		"factor-sms": show(200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "sms", Shape: mfa.ShapeCode, Digits: 6, SentTo: "+33 •• •• •• 78", Wait: 30, Ways: others, Again: "/", Lost: "/"}
		}),
		"factor-email-send": show(200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "email", Unsent: true, Ways: others, Again: "/", Lost: "/"}
		}),
		"factor-sms-failed": show(503, "factor.html", func(c *page.Context) any {
			return factorView{Ticket: "t", Kind: "sms", Unsent: true, Ways: others, Again: "/", Lost: "/", Error: limitOf(c, &mfa.LockedError{})}
		}),
		"factor-passkey": show(200, "factor.html", func(*page.Context) any {
			return factorView{Ticket: "t", Kind: "passkey", Shape: mfa.ShapeKey, Ways: others, Again: "/", Lost: "/"}
		}),
		"lost": show(200, "lost.html", func(*page.Context) any { return lostView{"t", others, "/"} }),
		"offer": show(200, "offer.html", func(*page.Context) any {
			return offerView{"t", time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC), 9, "/"}
		}),
		"enrol-sms": show(200, "enrol_send.html", func(*page.Context) any {
			return sendView{track: track{1, "sms", false}, Ticket: "t", Others: []way{{Kind: "totp", URL: "/"}, {Kind: "passkey", URL: "/"}}}
		}),
		"enrol-email": show(200, "enrol_send.html", func(*page.Context) any {
			return sendView{track: track{1, "email", false}, Ticket: "t", Email: "camille.durand@example.com"}
		}),
		"enrol-sms-confirm": show(200, "enrol_confirm.html", func(*page.Context) any {
			return confirmView{track: track{3, "sms", true}, Ticket: "t", Digits: 6, SentTo: "+33 •• •• •• 78", Wait: 20}
		}),
		"enrol-passkey": show(200, "enrol_confirm.html", func(*page.Context) any {
			return confirmView{track: track{3, "passkey", false}, Ticket: "t", Others: []way{{Kind: "totp", URL: "/"}}}
		}),
		"login-again": show(200, "login.html", func(*page.Context) any {
			return loginView{Ticket: "t", Login: "camille.durand@example.com", Again: true}
		}),
		"invited": show(200, "invited.html", func(*page.Context) any {
			return linkView{Action: "/enrol/t", Method: "totp", Person: person, Until: time.Date(2027, time.March, 1, 9, 30, 0, 0, time.UTC)}
		}),
		"not-me":      show(200, "not_me.html", func(*page.Context) any { return linkView{Action: "/not-me/t", Person: person} }),
		"taken-back":  show(200, "taken_back.html", func(*page.Context) any { return linkView{Sent: true, Gone: "totp"} }),
		"forgot":      show(200, "forgot.html", func(*page.Context) any { return forgotView{} }),
		"forgot-sent": show(200, "forgot.html", func(*page.Context) any { return forgotView{Sent: true} }),
		"renew":       show(200, "renew.html", func(*page.Context) any { return linkView{Action: "/recover/t", Person: person} }),
		"renew-short": show(400, "renew.html", func(c *page.Context) any {
			title, text := page.PasswordProblem(c.Words, &password.ShortError{Least: 15})
			return linkView{Action: "/recover/t", Person: person, Error: &complaint{title, text}}
		}),
		"renewed":        show(200, "renewed.html", func(*page.Context) any { return nil }),
		"logout":         show(200, "logout.html", func(*page.Context) any { return leaveView{person} }),
		"signed-out":     show(200, "signed_out.html", func(*page.Context) any { return leftView{} }),
		"error-forged":   fail(idp.ErrForged),
		"error-internal": fail(errors.New("disk on fire")),
		"error-busy":     fail(idp.ErrBusy),
		"error-expired":  fail(idp.ErrExpired),
	}
}

// sampleSite serves the samples and those of the protocol's pages below /sample/.
func sampleSite(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	e := gin.New()
	srv := httptest.NewUnstartedServer(e)
	site, err := page.New(page.Config{
		Issuer: "http://" + srv.Listener.Addr().String(), CSRFKey: make([]byte, 32), Name: "Latchkey", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	var names []string
	for name, h := range samples(t) {
		names = append(names, name)
		e.GET("/sample/"+name, site.Strangers(h))
	}
	pages := protocol.Pages{Site: site}
	client := oidc.Client{ID: "photos", Name: "Photo Prints", PostLogoutURIs: []string{"https://photos.example.org/bye"}}
	user := idp.User{ID: "u", Name: "Camille Durand", Login: "camille.durand@example.com"}
	for name, h := range map[string]http.HandlerFunc{
		"consent": func(w http.ResponseWriter, r *http.Request) {
			pages.Consent(w, r, oidc.ConsentView{Client: client, User: user, Scopes: []string{"openid", "profile", "email", "offline_access", "invoices.read"},
				Action: "/oauth2/consent", Hidden: map[string]string{"request": "r"}, Redirect: "https://photos.example.org/cb"})
		},
		"oidc-logout": func(w http.ResponseWriter, r *http.Request) {
			pages.Logout(w, r, oidc.LogoutView{User: user, Client: client, Action: "/oauth2/logout", Hidden: map[string]string{"state": "s"}})
		},
		"logged-out": func(w http.ResponseWriter, r *http.Request) {
			pages.LoggedOut(w, r, oidc.LoggedOutView{Client: client, Back: "https://photos.example.org/bye"})
		},
		"error-client": func(w http.ResponseWriter, r *http.Request) {
			pages.Error(w, r, oidc.Problem{Status: 400, Key: "redirect_uri", Detail: map[string]string{"redirect_uri": "http://odoo.example.com/auth_oauth/signin"}})
		},
	} {
		names = append(names, name)
		e.GET("/sample/"+name, gin.WrapF(h))
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, names
}
