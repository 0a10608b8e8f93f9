package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
)

// In a real browser an invitation leads to a first password, through the sign-in,
// and to the application on its own origin, with scripts and without (the page's
// form-action must not bar the way, X-03). The profile takes a picture there.
func TestInvitationInChromium(t *testing.T) {
	t.Parallel()
	b := tab{t, shell(t, "en"), "en"}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<h1 id="there">Odoo</h1>`)
	}))
	defer app.Close()
	w := newWorld(t, "sqlite")
	w.client(oidc.Input{ID: "odoo", Type: oidc.Odoo, Name: "Atelier", RedirectURIs: []string{app.URL + "/auth_oauth/signin"}})
	file := filepath.Join(t.TempDir(), "face.png")
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, script := range []bool{true, false} {
		login := fmt.Sprintf("script-%t@example.org", script)
		u := w.user(login, func(in *account.New) { in.Password = "" })
		made, err := w.people.help.Invitations().Invite(t.Context(), idp.Actor{Host: true}, u.ID, account.Invite{Client: "odoo", ByHand: true})
		if err != nil {
			t.Fatal(err)
		}
		b.noScript(!script)
		b.do(chromedp.Navigate(idp.LinkInvite.Address(w.url, made.Token)), chromedp.SendKeys(chromedp.CSS("form#invite input[name=new_password]"), rightPassword))
		b.follow("form#invite #submit")
		b.see("#chosen", "")
		b.do(chromedp.SendKeys(chromedp.CSS("form#login input[name=password]"), rightPassword))
		b.follow("form#login #submit")
		b.see("#there", "")
		b.do(chromedp.Navigate(w.url+"/my/profile"), chromedp.SetUploadFiles(chromedp.CSS("#picture-file"), []string{file}))
		b.follow("button[form=picture]")
		b.see("#done", "")
		b.see(".portrait img", "")
		b.follow("#own-apps")
		b.see("#app-odoo", "")
		if now, err := w.db.Users.ByID(t.Context(), u.ID); err != nil || now.Profile.Picture == "" {
			t.Errorf("%+v, %v", now, err)
		}
		b.do(chromedp.Navigate(w.url + "/logout"))
		b.follow("form#logout button")
		b.see("h1", "")
	}
}
