package security

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/mfa/trust"
	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
	pages "latchkey/ui/signin"
)

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

// samples draws every page with sample data, to look at and to measure.
func samples() map[string]page.Handler {
	own := head{Base: Home, Own: true}
	done := func(c *page.Context, what string) head {
		return head{Base: Home, Own: true, Done: c.Words.T("security.done." + what)}
	}
	wrong := func(c *page.Context) head {
		return head{Base: Home, Own: true, Error: &pages.Complaint{Title: c.Words.T("factor.wrong_title"), Text: c.Words.T("enrol.confirm_wrong")}}
	}
	show := func(status int, name string, view func(*page.Context) any) page.Handler {
		return func(c *page.Context) error {
			c.Script()
			return c.Show(set, status, name, view(c))
		}
	}
	overview := func(change func(*security.Overview)) page.Handler {
		return show(200, "overview.html", func(c *page.Context) any {
			o := sampleOf()
			change(&o)
			return overviewOf(c, own, o)
		})
	}
	listing := func(n int, h func(*page.Context) head, change func(*security.Overview)) page.Handler {
		return show(200, "list.html", func(c *page.Context) any {
			o := sampleOf()
			change(&o)
			return listOf(c, lists[n], o, h(c), "")
		})
	}
	plain := func(*page.Context) head { return own }
	same := func(*security.Overview) {}
	bare := func(o *security.Overview) { o.Factors, o.On, o.Devices = nil, false, nil }
	codes := []string{"k7dmq-2xv9f", "p3rt8-ncbw5", "x9vkm-4hd2q", "b6wyt-7grk3", "h2jsf-9xmv8", "n5qzw-3kbr7", "d8gpj-6vnm4", "r4cfx-2wsp9", "v7tbn-8jdg3", "m9hxk-5rfc6"}
	const uri = "otpauth://totp/Latchkey:camille.durand@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Latchkey"
	zone := security.Zone(sampleOf().User)
	return map[string]page.Handler{
		"overview": overview(same),
		"overview-info": overview(func(o *security.Overview) {
			bare(o)
			o.Banner = &security.Banner{Level: security.Recommended, Own: []map[string]string{{"en": "Ask the help desk for a key.", "fr": "Demandez une clé au support."}}}
		}),
		"overview-warning": overview(func(o *security.Overview) {
			bare(o)
			o.Banner = &security.Banner{Level: security.Deadline, Days: 10, At: time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)}
		}),
		"overview-danger": overview(func(o *security.Overview) {
			o.NoCodes = true
			o.Banner = &security.Banner{Level: security.Overdue}
			o.Factors = o.Factors[:1]
		}),
		"overview-few": overview(func(o *security.Overview) { o.Factors[4].Left = 2 }),
		"overview-helping": show(200, "overview.html", func(c *page.Context) any {
			return overviewOf(c, head{Base: "/admin/users/u/security"}, sampleOf())
		}),
		"totp":          listing(0, func(c *page.Context) head { return done(c, "totp") }, same),
		"passkeys":      listing(1, plain, same),
		"passkeys-none": listing(1, plain, bare),
		"phones":        listing(2, plain, same),
		"phones-wrong":  listing(2, wrong, bare),
		"totp-last":     listing(0, plain, func(o *security.Overview) { o.Factors = o.Factors[:1] }),
		"totp-too-late": listing(0, func(*page.Context) head { return head{Base: Home, Own: true, Again: true} }, same),
		"scan": func(c *page.Context) error {
			s, err := pages.ScanOf(c, mfa.Prompt{URI: uri, Secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"})
			if err != nil {
				return err
			}
			return c.Show(set, 200, "scan.html", scanView{head: own, Track: pages.Track{At: 1, Kind: "totp", Codes: true}, Scan: s, Next: "/"})
		},
		"codes": show(200, "codes.html", func(*page.Context) any {
			return codesView{head: own, Track: pages.Track{At: 2, Kind: "totp", Codes: true}, Ticket: "t", Shown: codes, Action: "/", Download: "/", Previous: "/", FileName: "codes.txt"}
		}),
		"codes-new-missing": show(400, "codes.html", func(*page.Context) any {
			return codesView{head: own, New: true, Missing: true, Ticket: "t", Shown: codes, Action: "/", Download: "/", Previous: "/", FileName: "codes.txt"}
		}),
		"confirm": show(200, "confirm.html", func(*page.Context) any {
			return confirmView{head: own, Track: pages.Track{At: 3, Kind: "totp", Codes: true}, Ticket: "t", Digits: 6, Previous: "/"}
		}),
		"confirm-sms-wrong": show(401, "confirm.html", func(c *page.Context) any {
			return confirmView{head: wrong(c), Track: pages.Track{At: 3, Kind: "sms"}, Ticket: "t", Digits: 6, SentTo: "+33 •• •• •• 78", Wait: 24}
		}),
		"backup": show(200, "backup.html", func(c *page.Context) any {
			return backupView{head: done(c, "codes"), Left: 10, Since: "1 October 2026", May: true}
		}),
		"backup-first": show(200, "backup.html", func(c *page.Context) any { return backupView{head: done(c, "passkey"), May: true, First: true} }),
		"devices":      show(200, "devices.html", func(c *page.Context) any { return devicesOf(c, own, sampleOf()) }),
		"devices-none": show(200, "devices.html", func(c *page.Context) any { return devicesView{head: own, TrustFor: 30} }),
		"sessions":     show(200, "sessions.html", func(c *page.Context) any { return sessionsOf(c, own, sampleOf()) }),
		"history": show(200, "history.html", func(c *page.Context) any {
			return historyView{head: own, Lines: linesOf(c, sampleOf().Recent, zone, true), Older: "/", Later: true}
		}),
		"password": show(200, "password.html", func(c *page.Context) any { return passwordView{head: done(c, "not_me"), Has: true} }),
		"password-wrong": show(401, "password.html", func(c *page.Context) any {
			return passwordView{head: head{Base: Home, Own: true, Error: wrongPassword(c)}, Has: true, Current: true}
		}),
		"disable": show(200, "disable.html", func(*page.Context) any { return disableView{head: own, On: true, Has: true, Last: true} }),
		"disable-refused": show(200, "disable.html", func(c *page.Context) any {
			return disableView{head: own, On: true, Has: true, Refused: refusedOf(c, &security.RefusedError{Policies: []string{"portal-needs-second-factor"}})}
		}),
	}
}

// every page with sample data, and everything unfolded that can be.
func TestPagesInBrowser(t *testing.T) {
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
	for name, h := range samples() {
		names = append(names, name)
		e.GET("/sample/"+name, site.Strangers(h))
	}
	srv.Start()
	t.Cleanup(srv.Close)
	pagetest.Audit(t, srv.URL+"/sample", names)
}
