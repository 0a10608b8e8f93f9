package odoo_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/ui/page/pagetest"
)

// Issue 6.6: an Odoo is connected by three forms. D-06: the key is never drawn,
// not even where something was wrong with the form.
func TestWizard(t *testing.T) {
	o := open(t, odootest.Options{Databases: []string{"erp", "other"}, NoOAuth: true})
	v := o.Enter(idp.Admin, "/admin/odoo").Has(".empty a[href='/admin/odoo/connect']")
	v.Get("/admin/odoo/connect").Has("form#odoo-address", "[aria-current=step]")
	v.Submit("odoo-address", "url", "http://127.0.0.1:1").Want(http.StatusBadRequest, "/admin/odoo/connect").Has("#e-url")
	v.Submit("odoo-address", "url", o.odoo.URL).Want(http.StatusOK, "/admin/odoo/connect").Has("form#odoo-login select[name=database] option[value=other]", "input[name=key][type=password]")
	// D-06: where the key goes is to be seen beside the field for it.
	if at := strings.TrimSpace(v.Doc.Find("main dl.def dd").Text()); at != o.odoo.URL {
		t.Errorf("the key goes to %q, and the page says %q", o.odoo.URL, at)
	}
	login := v.Doc
	v.Submit("odoo-login", "login", odootest.Login, "key", "a-wrong-api-key", "database", "erp").Want(http.StatusBadRequest, "/admin/odoo/connect/look").Has("#wrong")
	if strings.Contains(string(v.Body), "a-wrong-api-key") {
		t.Error("a key is drawn")
	}
	v.Doc = login
	v.Submit("odoo-login", "login", odootest.Login, "key", o.odoo.Key, "database", "erp", "name", "shop").Want(http.StatusOK, "/admin/odoo/connect/look").Has("form#odoo-connect", ".def").Says("18.0", "My Company")
	if strings.Contains(string(v.Body), o.odoo.Key) {
		t.Error("the key is drawn")
	}
	if all, err := o.DB.Connections.All(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("connected before it was asked for: %v %v", all, err)
	}
	// Somebody else's ticket is none.
	w := o.Enter(idp.Owner, "/admin/odoo/connect")
	w.Doc = v.Doc
	ticket := v.Doc.Find("input[name=ticket]").AttrOr("value", "")
	w.Get("/admin/odoo/connect")
	w.Doc.Find("form#odoo-address").SetAttr("action", "/admin/odoo/connect/do").AppendHtml(`<input type="hidden" name="ticket" value="` + ticket + `">`)
	w.Submit("odoo-address").Want(http.StatusGone, "/admin/odoo/connect/do")

	v = o.wait(v.Submit("odoo-connect")).Has("ol#steps li").HasNot("#problem", "#steps [lang=en]")
	if strings.Contains(string(v.Body), o.odoo.Key) {
		t.Error("the key is drawn")
	}
	c, err := o.DB.Connections.ByID(t.Context(), "shop")
	o.Must(err)
	if c.Key != o.odoo.Key || c.Provider == 0 || !c.Facts.Has("auth_oauth") {
		t.Errorf("%+v", c)
	}
	v.Follow("a#on").Want(http.StatusOK, "/admin/odoo/shop").Says("My Company")
	if strings.Contains(string(v.Body), o.odoo.Key) {
		t.Error("the key is drawn")
	}
	v.Get("/admin/odoo").Has("table#connections a[href='/admin/odoo/shop']")
	if es := o.Events("odoo.connect"); len(es) != 1 || es[0].Actor != o.Person(idp.Admin).ID {
		t.Errorf("%+v", es)
	}
}

// D-01: who only looks changes nothing, and who helps people sees none of it.
func TestRoles(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	o.Enter(idp.Auditor, "/admin/odoo/shop").Want(http.StatusOK, "/admin/odoo/shop").HasNot("form", "#disconnect", "#lock")
	o.Enter(idp.Auditor, "/admin/odoo/shop/log").Want(http.StatusOK, "/admin/odoo/shop/log").Has(".empty")
	for _, path := range []string{"/admin/odoo/connect", "/admin/odoo/shop/import", "/admin/odoo/shop/settings", "/admin/odoo/shop/lock", "/admin/odoo/shop/disconnect", "/admin/odoo/shop/portal"} {
		o.Enter(idp.Auditor, path).Want(http.StatusForbidden, path)
	}
	o.Enter(idp.HelpDesk, "/admin/odoo").Want(http.StatusForbidden, "/admin/odoo")
	o.Enter(idp.Admin, "/admin/odoo/nobody").Want(http.StatusNotFound, "/admin/odoo/nobody")
	o.Enter(idp.Admin, "/admin/odoo/job/nothing").Want(http.StatusNotFound, "/admin/odoo/job/nothing")
}

// The doctor says what is wrong, and one finding can be put right alone.
func TestDoctor(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	c, err := o.DB.Connections.ByID(t.Context(), "shop")
	o.Must(err)
	o.odoo.Set("auth.oauth.provider", c.Provider, odootest.Record{"enabled": false})
	v := o.wait(o.Enter(idp.Admin, "/admin/odoo/shop").Submit("doctor")).Has("#findings .chip-bad", "form#cure-provider_row")
	v = o.wait(v.Submit("cure-provider_row")).Has("#findings .chip-good").HasNot("#findings li:has(.chip-good) form")
	if good := v.Doc.Find("#findings li:has(.chip-good)"); good.Find("p").Length() != 2*good.Length() { // what it was; no cure any more
		t.Errorf("%s", v.Doc.Find("#findings").Text())
	}
	if o.odoo.Get("auth.oauth.provider", c.Provider)["enabled"] != true {
		t.Error("it was not put right")
	}
	if es := o.Events("odoo.fix"); len(es) != 1 || es[0].Detail["check"] != "provider_row" {
		t.Errorf("%+v", es)
	}
	v.Get("/admin/odoo/shop").Has("#work li")
	o.odoo.Break(down...)
	o.wait(o.Enter(idp.Admin, "/admin/odoo/shop").Submit("doctor")).Has("#findings .chip-bad").Says("cannot be reached")
}

// upload sends a form with a file.
func upload(t *testing.T, v *pagetest.Visitor, form, file string, fields ...string) *pagetest.Visitor {
	t.Helper()
	f := v.Doc.Find("form#" + form)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	values := map[string]string{"csrf": f.Find("input[name=csrf]").AttrOr("value", "")}
	for i := 0; i+1 < len(fields); i += 2 {
		values[fields[i]] = fields[i+1]
	}
	for name, value := range values {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if file != "" {
		part, err := w.CreateFormFile("file", "users.csv")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return v.Take(v.Client.Post(v.Base+f.AttrOr("action", ""), w.FormDataContentType(), &body))
}

// A dry run changes nothing and shows what there is to decide; then people come
// in, behind the page.
func TestImport(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	o.odoo.AddUser("pia@example.org", "Pia", "pia@example.org", true)
	o.odoo.AddUser("one", "One", "same@example.org", true)
	o.odoo.AddUser("two", "Two", "same@example.org", true)
	v := o.Enter(idp.Admin, "/admin/odoo/shop/import").Has("form#import select[name=on_same_email]", "input[name=dsn][type=password]")
	v = o.wait(upload(t, v, "import", "", "from", "rpc", "only", "all", "act", "dry")).Has("form#import-run select[name=on_same_email]", "#classes").Says("same@example.org")
	if _, err := o.Accounts.Find(t.Context(), "pia@example.org"); err == nil {
		t.Fatal("a dry run brought somebody in")
	}
	v = o.wait(upload(t, v, "import-run", "", "from", "rpc", "only", "all", "on_same_email", "without-email", "on_no_email", "import", "sync", "yes", "act", "run")).Has("#sums")
	for _, who := range []string{"pia@example.org", "one", "two"} {
		if _, err := o.Accounts.Find(t.Context(), who); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	c, err := o.DB.Connections.ByID(t.Context(), "shop")
	o.Must(err)
	if !c.Settings.Sync || c.Settings.Import.On[connector.SameEmail] != connector.WithoutEmail || c.Key == "" {
		t.Errorf("%+v", c.Settings)
	}
	// What is wrong with the form is said on it.
	v.Get("/admin/odoo/shop/import")
	upload(t, v, "import", "", "from", "sql").Want(http.StatusBadRequest, "/admin/odoo/shop/import").Has("#wrong", "form#import")
	v.Get("/admin/odoo/shop/import")
	upload(t, v, "import", "", "from", "csv").Want(http.StatusBadRequest, "/admin/odoo/shop/import")
	v.Get("/admin/odoo/shop/import")
	v = o.wait(upload(t, v, "import", "login,name,email,groups_id\nzoe@example.org,Zoe,zoe@example.org,Portal\n", "from", "csv", "act", "dry"))
	v.Has("#sums")
	// A person brought in is linked by a preview and a click.
	v.Get("/admin/odoo/shop/link")
	v = o.wait(v.Submit("link")).Has("form#link-run", "#sums")
	o.wait(v.Submit("link-run")).Has("#sums")
	if len(o.Events("odoo.link")) == 0 {
		t.Error("nobody was linked")
	}
}

// The log has a line for each run that did something or failed.
func TestSyncLog(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	o.odoo.AddUser("pia@example.org", "Pia", "pia@example.org", true)
	v := o.wait(o.Enter(idp.Admin, "/admin/odoo/shop").Submit("sync-look")).Says("pia@example.org")
	v.Get("/admin/odoo/shop/log").Has(".empty")
	o.wait(v.Get("/admin/odoo/shop").Submit("sync-now"))
	v.Get("/admin/odoo/shop/log").Has("#runs tbody tr").Says("1 added")
	o.Clock.Pass(time.Second)
	o.odoo.Break(down...)
	o.wait(v.Get("/admin/odoo/shop").Submit("sync-now")).Has("#problem").Says("502 Bad Gateway").HasNot("#problem [lang=en]")
	v.Get(v.At.Path+"?lang=de").Has("#problem").Says("Odoo ist nicht erreichbar", "antwortet mit „502 Bad Gateway“")
	v.Get("/admin/odoo/shop/log")
	if n := v.Doc.Find("#runs tbody tr").Length(); n != 2 {
		t.Errorf("%d lines", n)
	}
	v.Get("/admin/odoo/shop").Has("#ill").HasNot("#ill [lang=en]").Says("antwortet mit")
}

// Locking shows whom first, then asks once more.
func TestLock(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	c, err := o.DB.Connections.ByID(t.Context(), "shop")
	o.Must(err)
	u := o.Add("pia")
	id := o.odoo.AddUser("pia@example.com", "Pia", "pia@example.com", true)
	o.odoo.Set("res.users", id, odootest.Record{"oauth_provider_id": c.Provider, "oauth_uid": string(u.ID), "password": "Old-Password"})
	v := o.Enter(idp.Admin, "/admin/odoo/shop/lock").Has("form#lock textarea[name=except]")
	v = o.wait(v.Submit("lock", "except", "nobody-there")).Has("#problem").HasNot("#problem [lang=en]").Says("Odoo has no active user “nobody-there”.")
	v.Get("/admin/odoo/shop/lock")
	v = o.wait(v.Submit("lock")).Has("form#lock-run").Says("pia@example.com")
	if o.odoo.Get("res.users", id)["password"] != "Old-Password" {
		t.Fatal("a preview changed a password")
	}
	v = o.wait(v.Submit("lock-run"))
	if o.odoo.Get("res.users", id)["password"] == "Old-Password" {
		t.Error("the password is what it was")
	}
	v.Has("h1")
	v.Get("/admin/odoo/shop/lock")
	v = o.wait(v.Submit("lock")).Says("Had one before").HasNot("form#lock-run [name=again]")
	v.Get("/admin/odoo/shop/lock")
	v = o.wait(v.Submit("lock", "again", "yes")).Has("form#lock-run [name=again][value=yes]").Says("Security Control")
	v.Get("/admin/odoo/shop").Has("a#unlock")
	v.Get("/admin/odoo/shop/unlock").Has("form#unlock").Submit("unlock").Want(http.StatusOK, "/admin/odoo/shop").Has("#done").HasNot("a#unlock")
	for _, what := range []string{"odoo.lock", "odoo.unlock"} {
		if len(o.Events(what)) != 1 {
			t.Errorf("no event %s", what)
		}
	}
}

func TestSettingsEndPortal(t *testing.T) {
	o := open(t, odootest.Options{Website: true})
	o.connected()
	v := o.Enter(idp.Admin, "/admin/odoo/shop/settings").Submit("odoo-settings", "archive", "yes", "keep_locked", "yes", "invite", "yes").Want(http.StatusOK, "/admin/odoo/shop").Has("#done")
	c, err := o.DB.Connections.ByID(t.Context(), "shop")
	o.Must(err)
	if !c.Settings.Archive || !c.Settings.KeepLocked || !c.Settings.Invite || c.Settings.Sync || c.Key == "" {
		t.Errorf("%+v", c)
	}
	if es := o.Events("odoo.settings"); len(es) != 1 || es[0].Detail["archive.after"] != "true" {
		t.Errorf("%+v", es)
	}
	o.Add("pia")
	v.Submit("end", "who", "pia").Want(http.StatusOK, "/admin/odoo/shop").Has("#done")
	if len(o.Events("session.end_all")) != 1 {
		t.Error("no sessions were ended")
	}
	v.Submit("end", "who", "not-there").Want(http.StatusNotFound, "/admin/odoo/shop/end")
	v.Get("/admin/odoo/shop/portal").Has("form#portal-install").HasNot("form#portal-remove").Submit("portal-install").Want(http.StatusOK, "/admin/odoo/shop/portal").Has("form#portal-remove", "#done")
	v.Submit("portal-remove").Want(http.StatusOK, "/admin/odoo/shop/portal").Has("form#portal-install")
}

// Disconnecting says what is taken back, and of an Odoo that is down asks whether
// its part may stay.
func TestDisconnect(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	v := o.Enter(idp.Admin, "/admin/odoo/shop/disconnect").Has("form#disconnect", ".named li").HasNot("#f-leave", ".named [lang=en]")
	o.odoo.Break(down...)
	v.Submit("disconnect").Want(http.StatusBadGateway, "/admin/odoo/shop/disconnect").Has("#f-leave", "#wrong")
	v.Submit("disconnect", "leave", "yes").Want(http.StatusOK, "/admin/odoo").Has("#done")
	if all, err := o.DB.Connections.All(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
}

// Several users who may be one person: the administrators get a mail, once a day,
// and the connection's page shows the case until it is closed.
func TestSeveral(t *testing.T) {
	o := open(t, odootest.Options{})
	o.connected()
	admin := o.Person(idp.Admin)
	o.Person(idp.HelpDesk)
	u := o.Add("pia", func(in *account.New) { in.Name = "Pia" })
	o.odoo.AddUser("pia1", "Pia", u.Email, true)
	o.odoo.AddUser("pia2", "Pia", u.Email, true)
	mails := func() (n int) {
		all, err := o.DB.Outbox().Newest(t.Context(), 100)
		o.Must(err)
		for _, m := range all {
			if m.Channel == mail.Mail && strings.Contains(m.Subject, "pia") && m.To == admin.Email {
				n++
				if !strings.Contains(m.Text, "pia1") || !strings.Contains(m.Text, "/admin/odoo/shop") {
					t.Errorf("%s", m.Text)
				}
			} else if strings.Contains(m.Subject, "Odoo") {
				t.Errorf("to %s: %s", m.To, m.Subject)
			}
		}
		return n
	}
	for range 2 {
		if err := o.use.Arrivals.Arriving(t.Context(), "shop", u, idp.Origin{}); err == nil {
			t.Fatal("somebody guessed")
		}
	}
	if n := mails(); n != 1 {
		t.Errorf("%d mails", n)
	}
	v := o.Enter(idp.Admin, "/admin/odoo/shop").Has("#cases li").Says("Pia", "pia1")
	o.Enter(idp.Auditor, "/admin/odoo/shop").Has("#cases").HasNot("#cases form")
	v.Submit("case-"+string(u.ID)).Want(http.StatusOK, "/admin/odoo/shop").HasNot("#cases")
	o.Clock.Pass(25 * time.Hour)
	if err := o.use.Arrivals.Arriving(t.Context(), "shop", u, idp.Origin{}); err == nil {
		t.Fatal("somebody guessed")
	}
	if n := mails(); n != 2 {
		t.Errorf("%d mails after a day", n)
	}
}
