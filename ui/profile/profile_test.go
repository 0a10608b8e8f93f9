package profile

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/picture"
	"latchkey/ui/message"
	"latchkey/ui/page/pagetest"
)

// S-06, S-09, X-01: the pages are there for whoever is signed in, in their
// language, and no browser keeps them.
func TestProfile(t *testing.T) {
	h := open(t)
	u := h.add("ada", secret)
	v := h.enter("ada", Home).Want(200, Home).Has("form#profile", "form#picture", "form#email-change", "a#own-apps", "[aria-current=page]#own-profile", "a#to-phones", "a#to-data")
	if got := v.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %s", got)
	}
	v.Submit("profile", "name", `Ada <b>"King"`, "given_name", "Ada", "family_name", "King", "locale", "fr", "zoneinfo", "Europe/Paris").Want(200, Home).Has("#done")
	v.Says("Votre profil").Has(`option[value="Europe/Paris"][selected]`, `option[value="fr"][selected]`).HasNot("b")
	if now := h.user(u.ID); now.Name != `Ada <b>"King"` || now.Locale != "fr" || now.Profile.Zoneinfo != "Europe/Paris" || now.Profile.FamilyName != "King" {
		t.Errorf("%+v", now)
	}
	v.Submit("profile", "name", strings.Repeat("x", 300), "zoneinfo", "Mars/Olympus", "locale", "").Want(400, Home)
	v.Has("#wrong", "#name[aria-invalid]", "#zoneinfo[aria-invalid]").HasNot("#locale[aria-invalid]", "#given-name[aria-invalid]")
	h.visit().Get(Home).Want(200, "/login")
	for _, path := range []string{"/my/apps", "/my/profile/data", "/my/apps/odoo"} {
		h.visit().Get(path).Want(200, "/login")
	}
	res, err := v.Client.PostForm(h.URL+Home, map[string][]string{"name": {"Eve"}})
	if v.Take(res, err); v.Status != 403 || h.user(u.ID).Name == "Eve" {
		t.Errorf("a forged form: %d", v.Status)
	}
}

// Fields that somebody else fills in can be read, not changed.
func TestFixedFields(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	h.self.Fed = func(idp.User) []account.Field {
		return []account.Field{account.FieldName, account.FieldZone, account.FieldPicture, account.FieldEmail}
	}
	v := h.enter("ada", Home).Want(200, Home).Has("#name[readonly]").HasNot("form#picture", "form#email-change", `option[value="Europe/Paris"]`)
	v.Submit("profile", "name", "Eve", "given_name", "Ada").Want(200, Home)
	if now := h.user(u.ID); now.Name != u.Name || now.Profile.GivenName != "Ada" {
		t.Errorf("%+v", now)
	}
}

// What was typed is there again when the session was over by the time it was
// sent, and nothing was changed; somebody else who signs in there sees none of it.
func TestNothingTypedIsLost(t *testing.T) {
	h := open(t)
	u, other := h.add("ada", secret), h.add("eve", secret)
	for _, login := range []string{"ada", "eve"} {
		v := h.enter("ada", Home)
		h.clock.Pass(13 * time.Hour)
		h.must(h.db.Sweep(t.Context(), h.clock.Now()))
		v.Submit("profile", "name", "Ada King", "given_name", "A <b>").Want(200, "/login")
		h.prove(v, login).Want(200, Home)
		if login == "eve" {
			v.HasNot("#kept", `#name[value="Ada King"]`)
			continue
		}
		v.Has("#kept", `#name[value="Ada King"]`, `#given-name[value="A <b>"]`)
		if now := h.user(u.ID); now.Name != u.Name {
			t.Errorf("changed to %q without being sent again", now.Name)
		}
		if v.Get(v.At.RequestURI()); v.Doc.Find("#kept").Length() > 0 {
			t.Error("it came back twice")
		}
	}
	if now := h.user(other.ID); now.Name != other.Name {
		t.Errorf("%+v", now)
	}
}

// M-05, E-10, E-09: another address takes a recent proof, a click on the link
// that was mailed to it, and a session of the very person.
func TestEmailChange(t *testing.T) {
	h := open(t)
	u := h.add("ada", secret, func(in *account.New) { in.Login = "" })
	v := h.enter("ada@example.com", Home)
	h.clock.Pass(6 * time.Minute)
	v.Submit("email-change", "email", "king@example.com").Want(200, "/login").Has("form#reauthenticate")
	h.prove(v, "").Want(200, Home).Has("#kept", `#email[value="king@example.com"]`).HasNot("#again")
	v.Submit("email-change", "email", "nonsense").Want(400, Home+"/email").Has("#wrong", "#email[aria-invalid]")
	v.Submit("email-change", "email", "ADA@example.com").Want(400, Home+"/email")
	v.Submit("email-change", "email", "king@example.com").Want(200, Home).Has("#done")
	v.Submit("email-change", "email", "king@example.com").Want(429, Home+"/email").Has("#wrong").Says("in 1 minute")
	path := h.link("verify")
	for range 2 { // a scanner looks
		h.visit().Get(path).Want(200, path).Says("king@example.com", "First sign in").HasNot(".person")
	}
	if h.user(u.ID).Email != u.Email {
		t.Fatal("looking changed the address")
	}
	// A stranger to whom the address belongs gets no account.
	h.add("eve", "")
	eve := h.enter("eve", Home)
	eve.Get(path).Submit("verify").Want(200, "/login")
	if h.user(u.ID).Email != u.Email {
		t.Fatal("somebody else changed the address")
	}
	// On another device the person signs in first.
	other := h.visit().Get(path).Submit("verify").Want(200, "/login")
	h.prove(other, "ada@example.com").Want(200, path).Has(".person").Submit("verify").Want(200, Home).Has("#done").Says("king@example.com")
	if now := h.user(u.ID); now.Email != "king@example.com" || now.Login != "king@example.com" || !now.EmailVerified {
		t.Errorf("%+v", now)
	}
	h.visit().Get(path).Want(410, path)
	h.visit().Get("/verify/nonsense").Want(410, "/verify/nonsense")
}

// E-01: whoever has the address, the page is the same.
func TestEmailTaken(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	h.add("bob", "")
	v := h.enter("ada", Home)
	var said []string
	for _, address := range []string{"free@example.com", "bob@example.com"} {
		v.Submit("email-change", "email", address).Want(200, Home)
		said = append(said, v.At.String()+v.Doc.Find("main").Text())
		h.clock.Pass(time.Minute)
	}
	if said[0] != said[1] {
		t.Errorf("the answer tells who exists:\n%s\n%s", said[0], said[1])
	}
}

// E-09: the address on the account is confirmed by a link to it.
func TestConfirmEmail(t *testing.T) {
	h := open(t)
	u := h.add("ada", "", func(in *account.New) { in.Verified = false })
	v := h.enter("ada", Home).Has("form#email-confirm", "#email-state.state-off")
	v.Submit("email-confirm").Want(200, Home).Has("#done")
	v.Submit("email-confirm").Want(429, Home+"/email/confirm")
	v.Get(h.link("verify")).Submit("verify").Want(200, Home).Has("#done", "#email-state.state-on").HasNot("form#email-confirm")
	if !h.user(u.ID).EmailVerified {
		t.Error("not confirmed")
	}
}

// upload sends a file with the form of the page.
func upload(t *testing.T, v *pagetest.Visitor, file []byte, fields ...string) *pagetest.Visitor {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	token, _ := v.Doc.Find("form#picture input[name=csrf]").Attr("value")
	for i, f := range append([]string{"csrf", token}, fields...) {
		if i%2 == 1 {
			continue
		}
		if err := w.WriteField(f, append([]string{"csrf", token}, fields...)[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("picture", "../../etc/passwd.svg")
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return v.Take(v.Client.Post(v.Base+"/my/profile/picture", w.FormDataContentType(), &body))
}

func pngOf(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// a picture is taken from our form only, drawn anew, and served as
// nothing but a picture.
func TestPicture(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	v := h.enter("ada", Home).HasNot("form#picture-remove")
	upload(t, v, []byte("<svg/>")).Want(400, "/my/profile/picture").Has("#wrong", "#picture-file[aria-invalid]")
	v.Get(Home)
	upload(t, v, make([]byte, picture.MostBytes+page64)).Want(413, "/my/profile/picture")
	upload(t, v.Get(Home), pngOf(t), "csrf2", "x").Want(200, Home).Has("#done", "form#picture-remove", ".portrait img")
	claim := h.user(u.ID).Profile.Picture
	for _, address := range []string{h.URL + "/my/picture", claim, claim + ".png"} {
		res, err := v.Client.Get(address)
		h.must(err)
		cfg, err := png.DecodeConfig(res.Body)
		_ = res.Body.Close()
		if err != nil || cfg.Width != picture.Side || res.Header.Get("Content-Type") != "image/png" || res.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v, %v", address, res.Header, err)
		}
	}
	stranger := h.visit()
	if res, err := stranger.Client.Get(claim); err != nil || res.StatusCode != 200 {
		t.Errorf("the claim: %v, %v", res, err)
	}
	stranger.Get("/my/picture").Want(404, "/my/picture")
	stranger.Get("/picture/nonsense").Want(404, "/picture/nonsense")
	v.Submit("picture-remove").Want(200, Home).Has("#done").HasNot(".portrait img")
	stranger.Get(strings.TrimPrefix(claim, h.URL)).Want(404, strings.TrimPrefix(claim, h.URL))
	// Without our token, and with a field twice.
	res, err := v.Client.Post(h.URL+"/my/profile/picture", "multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a\"\r\n\r\nx\r\n--x--\r\n"))
	v.Take(res, err).Want(403, "/my/profile/picture")
	upload(t, v.Get(Home), pngOf(t), "picture", "x").Want(400, "/my/profile/picture")
	res, err = v.Client.Post(h.URL+Home, "multipart/form-data; boundary=x", strings.NewReader("--x--\r\n"))
	v.Take(res, err).Want(400, Home) // no other form takes files
	if h.user(u.ID).Profile.Picture != "" {
		t.Error("a refused picture was kept")
	}
}

// page64 is more than a form may weigh beside its file.
const page64 = 65 << 10

// The applications are those that are open to the person, each with the address
// of its own sign-in.
func TestApps(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	v := h.enter("ada", Apps).Want(200, Apps).Has("#none", "#none-used", "#none-allowed")
	h.client(oidc.Client{ID: "odoo", Name: "Atelier Odoo", Type: oidc.Odoo, RedirectURIs: []string{"https://odoo.example.com/auth_oauth/signin"}})
	h.client(oidc.Client{ID: "wiki", Name: "Wiki", Type: oidc.Web, RedirectURIs: []string{"https://wiki.example.com/cb"}})
	h.client(oidc.Client{ID: "shut", Type: oidc.Web, RedirectURIs: []string{"https://shut.example.com/cb"}, Disabled: true})
	h.client(oidc.Client{ID: "others", Type: oidc.Web, RedirectURIs: []string{"https://others.example.com/cb"}, Groups: []string{"accounting"}})
	h.client(oidc.Client{ID: "robot", Type: oidc.Service, RedirectURIs: []string{"https://robot.example.com/cb"}})
	h.client(oidc.Client{ID: "phone", Type: oidc.Native, RedirectURIs: []string{"http://127.0.0.1/cb"}})
	h.client(oidc.Client{ID: "scheme", Type: oidc.Web, RedirectURIs: []string{"javascript:alert(1)"}})
	v.Get(Apps).Has(`a#app-odoo[href="https://odoo.example.com/web/login?redirect=/my"]`, `a#app-wiki[href="https://wiki.example.com/"]`)
	if n := v.Doc.Find("a.tile").Length(); n != 2 {
		t.Errorf("%d tiles", n)
	}
	for _, id := range []string{"shut", "others", "robot", "phone", "scheme", "nothing"} {
		v.Get(Apps+"/"+id).Want(404, Apps+"/"+id)
	}
	v.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if v.Get(Apps + "/wiki"); v.Status != 303 || v.Header.Get("Location") != "https://wiki.example.com/" {
		t.Errorf("%d to %s", v.Status, v.Header.Get("Location"))
	}
	v.Client.CheckRedirect = nil
	h.must(h.db.Log.Append(t.Context(), idp.Event{ID: "1", At: h.clock.Now(), What: "token.issue", User: u.ID, Actor: u.ID, Client: "shut", Result: "ok"}))
	h.must(h.db.Log.Append(t.Context(), idp.Event{ID: "2", At: h.clock.Now(), What: "signin", User: u.ID, Actor: u.ID, Client: "odoo", Result: "wrong"}))
	v.Get(Apps).Has("#used-shut").HasNot("#used-odoo", "#none-used")
}

// P-32: what was allowed is taken back with the tokens that came of it, and those
// of others stay.
func TestWithdraw(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	u, bob := h.add("ada", ""), h.add("bob", "")
	h.client(oidc.Client{ID: "third", Name: "Third & Sons", Type: oidc.Web, RedirectURIs: []string{"https://third.example.com/cb"}})
	for i, who := range []idp.UserID{u.ID, bob.ID} {
		h.must(h.db.Consents.Give(ctx, who, "third", []string{"openid", "email"}, h.clock.Now()))
		for _, kind := range []string{oidc.KindAccess, oidc.KindRefresh, oidc.KindCode} {
			h.must(h.db.Grants.Put(ctx, oidc.Grant{Kind: kind, Signature: kind + string(rune('0'+i)), Client: "third", User: who, Expires: h.clock.Now().Add(time.Hour)}))
		}
	}
	v := h.enter("ada", Apps).Has("#consent-third .scopes").Says("Third & Sons", "See your email address")
	v.Submit("consent-withdraw-third").Want(200, Apps).Has("#done", "#none-allowed")
	for _, kind := range []string{oidc.KindAccess, oidc.KindRefresh, oidc.KindCode} {
		for i, spent := range []bool{true, false} {
			if g, _, err := h.db.Grants.Get(ctx, kind, kind+string(rune('0'+i))); err != nil || g.Spent != spent {
				t.Errorf("%s of %d: %+v, %v", kind, i, g, err)
			}
		}
	}
	if left, err := h.db.Consents.Of(ctx, bob.ID, "third"); err != nil || len(left) != 2 {
		t.Errorf("bob's: %v, %v", left, err)
	}
}

// M-05, M-12: a copy of one's data takes a recent proof, has everything, no
// secret, and nothing about anybody else; the person is told.
func TestExport(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	u := h.add("ada", secret, func(in *account.New) { in.Groups, in.Phone = []string{"customers"}, "+33612345678" })
	h.client(oidc.Client{ID: "third", Name: "Third", Type: oidc.Web, RedirectURIs: []string{"https://third.example.com/cb"}})
	h.must(h.db.Consents.Give(ctx, u.ID, "third", []string{"email"}, h.clock.Now()))
	for _, e := range []idp.Event{
		{ID: "a1", What: "factor.temporary", User: u.ID, Actor: "boss", Origin: idp.Origin{Address: "198.51.100.9"}, Result: "ok", Detail: map[string]string{"reason": "seems confused"}},
		{ID: "a2", What: "signin.password", User: u.ID, Origin: idp.Origin{Address: "203.0.113.5"}, Result: "wrong"},
		{ID: "a3", What: "signin.password", User: "somebody", Actor: u.ID, Origin: idp.Origin{Address: "203.0.113.6"}, Result: "wrong"},
	} {
		e.At = h.clock.Now()
		h.must(h.db.Log.Append(ctx, e))
	}
	v := h.enter("ada", data).Want(200, data).Has("form#data-export").HasNot("form#account-close")
	h.clock.Pass(6 * time.Minute)
	v.Submit("data-export").Want(200, "/login")
	h.prove(v, "").Want(200, data).Has("#kept").Submit("data-export").Want(200, data)
	if got := v.Header.Get("Content-Disposition"); v.Header.Get("Content-Type") != "application/json" || got != "attachment; filename=my-account.json" {
		t.Errorf("%s, %s", v.Header.Get("Content-Type"), got)
	}
	var out struct {
		Format  string
		Profile struct{ ID, Login, Email, Phone string }
		Groups  []string
		Factors []map[string]any
		Apps    []struct {
			ID      string   `json:"client_id"`
			Allowed []string `json:"allowed_scopes"`
		} `json:"applications"`
		Sessions []map[string]any
		Events   []struct {
			Event, By, IP string
			Detail        map[string]string
		}
	}
	if err := json.Unmarshal(v.Body, &out); err != nil {
		t.Fatalf("%v in %s", err, v.Body)
	}
	if out.Format == "" || out.Profile.ID != string(u.ID) || out.Profile.Phone != "+33612345678" || len(out.Groups) != 1 || len(out.Factors) != 1 ||
		len(out.Sessions) == 0 || len(out.Apps) != 1 || len(out.Apps[0].Allowed) != 1 || len(out.Events) < 5 {
		t.Errorf("%s", v.Body)
	}
	by := map[string]string{}
	for _, e := range out.Events {
		by[e.IP+e.Event] = e.By
	}
	if by["factor.temporary"] != "house" || by["203.0.113.5signin.password"] != "unknown" || by["127.0.0.1signin"] != "you" || by["127.0.0.1data.export"] != "you" {
		t.Errorf("%v", by)
	}
	for _, no := range []string{secret, "argon2", h.user(u.ID).Password, "198.51.100.9", "seems confused", "203.0.113.6", "boss"} {
		if bytes.Contains(v.Body, []byte(no)) {
			t.Errorf("the copy has %q", no)
		}
	}
	all, err := h.db.Outbox().Newest(ctx, 1)
	if h.must(err); !strings.Contains(all[0].Subject, "copy of your data") {
		t.Errorf("told: %s", all[0].Subject)
	}
}

// A wish to leave can be said where the house wants to hear it.
func TestAskClosing(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	h.self.Desk = message.Desk{Notices: h.notices, Admin: "desk@example.org"}
	v := h.enter("ada", data).Has("form#account-close")
	v.Submit("account-close").Want(200, data).Has("#done")
	v.Submit("account-close").Want(429, data+"/close").Has("#wrong")
	if h.user(u.ID).Disabled {
		t.Error("closed")
	}
}

// Every zone of the list is one, each once, and an older name stays chosen.
func TestZones(t *testing.T) {
	seen := map[string]bool{}
	for _, z := range zoneList {
		if _, err := time.LoadLocation(z); err != nil || seen[z] {
			t.Errorf("%s: %v", z, err)
		}
		seen[z] = true
	}
	if len(seen) < 400 {
		t.Errorf("%d zones", len(seen))
	}
	h := open(t)
	u := h.add("ada", "")
	u.Profile.Zoneinfo = "Asia/Calcutta"
	h.must(h.db.Users.SetProfile(t.Context(), u))
	v := h.enter("ada", Home).Has(`option[value="Asia/Calcutta"][selected]`, `optgroup[label="Europe"] option[value="Europe/Paris"]`)
	if n := v.Doc.Find("#zoneinfo option[selected]").Length(); n != 1 {
		t.Errorf("%d are chosen", n)
	}
}
