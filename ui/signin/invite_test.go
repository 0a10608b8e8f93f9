package signin

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
)

// invitations draws the pages of this file's handlers with sample data.
func invitations() map[string]page.Handler {
	person := page.PersonOf(idp.User{Name: "Camille Durand", Login: "camille.durand@example.com"})
	until := time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	show := func(status int, name string, view func(*page.Context) any) page.Handler {
		return func(c *page.Context) error {
			c.Script()
			return c.Show(set, status, name, view(c))
		}
	}
	return map[string]page.Handler{
		"invite": show(200, "invite.html", func(*page.Context) any {
			return inviteView{Action: "/", Person: person, Login: person.Login, Client: "Atelier Martin", Least: 8, Until: until}
		}),
		"invite-wrong": show(400, "invite.html", func(c *page.Context) any {
			return inviteView{Action: "/", Person: person, Login: person.Login, Least: 15, Until: until,
				Error: &complaint{c.Words.N("password.short_title", 15), c.Words.T("password.short")}}
		}),
		"verify": show(200, "verify.html", func(*page.Context) any {
			return addressView{Action: "/", Address: person.Login, Person: &person, Until: until}
		}),
		"verify-stranger": show(200, "verify.html", func(*page.Context) any {
			return addressView{Action: "/", Address: "camille.de.la.fontaine-beaumarchais@example.com", Change: true, Until: until}
		}),
		"login-chosen": show(200, "login.html", func(*page.Context) any { return loginView{Ticket: "t", Login: person.Login, Chosen: true} }),
	}
}

func serveInvitations(t *testing.T) (base string, names []string) {
	t.Helper()
	gin.SetMode(gin.TestMode)
	e := gin.New()
	srv := httptest.NewUnstartedServer(e)
	site, err := page.New(page.Config{Issuer: "http://" + srv.Listener.Addr().String(), CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	for name, h := range invitations() {
		names = append(names, name)
		e.GET("/sample/"+name, site.Strangers(h))
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL + "/sample", names
}

// the pages in a browser.
func TestInvitationsInBrowser(t *testing.T) {
	base, names := serveInvitations(t)
	pagetest.Audit(t, base, names)
}

// the page says while one types whether the password is long enough, and
// where the script may not run it says so before.
func TestLengthIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	base, _ := serveInvitations(t)
	ctx := pagetest.Chrome(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"/invite?lang=en")); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{"seven c": "Too short yet", "eight ch": "Long enough"} {
		said, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => { const f = document.querySelector("#new-password"); f.value = "`+typed+`";
			f.dispatchEvent(new Event("input")); return document.querySelector("#password-count").textContent; })()`))
		if err != nil || strings.TrimSpace(said) != want {
			t.Errorf("%q: %q, %v", typed, said, err)
		}
	}
}
