package admin_test

import (
	"embed"
	"io/fs"
	"net/http"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/page"
)

//go:embed testdata/*.html
var files embed.FS

type view struct {
	admin.Head
	Confirm admin.Confirm
	Fields  admin.Fields
	Pager   admin.Pager
}

// sections is a small part: a page, and an action on it that must be fresh.
func sections(*admintest.House) []admin.Section {
	set := page.Parse(page.Join(inside(files), admin.Pieces), "_*.html", "[a-z]*.html")
	show := func(c *page.Context, v admin.Visit) error {
		return c.Show(set, http.StatusOK, "thing.html", view{Head: v.Head(c), Confirm: admin.Confirm{ID: "act", Title: "Sure?", Action: "/admin/things/act", Button: "Do it", Cancel: admin.Home}})
	}
	act := func(c *page.Context, _ admin.Visit) error { return c.Redirect("/admin/things?done=nothing") }
	return []admin.Section{{
		Name: "users", Path: "/admin/things", Right: idp.SeePeople, Group: "people", Routes: []admin.Route{
			admin.Get("/admin/things", idp.SeePeople, show),
			admin.Post("/admin/things/act", idp.EditPeople, "/admin/things", act).Guarded(),
			admin.Get("/admin/secrets", idp.RotateKeys, show).Guarded(),
		},
	}}
}

// D-03: the second factor is demanded whatever policy says; D-01: the right is.
func TestWayIn(t *testing.T) {
	h := admintest.Open(t, sections)
	for role, want := range map[idp.Role]int{"": 403, idp.HelpDesk: 200, idp.Auditor: 200, idp.Admin: 200, idp.Owner: 200} {
		if v := h.Enter(role, "/admin/things"); v.Status != want {
			t.Errorf("%q: %d", role, v.Status)
		}
	}
	if es := h.Events("admin.visit"); len(es) != 1 || es[0].Result != "denied" || es[0].Actor != h.Person("").ID || es[0].Detail["right"] != "people:read" {
		t.Errorf("%+v", es)
	}
	// Nobody is signed in, and somebody who proved a password alone.
	v := h.Enter(idp.Admin, "/admin/things")
	v.Client.Jar = nil
	if v.Get("/admin/things"); v.At.Path != "/login" {
		t.Errorf("a stranger is at %s", v.At)
	}
	h.Clock.Pass(6 * time.Minute)
	v = h.Enter(idp.Auditor, "/admin/things")
	v.Has("form#act", "nav#admin-nav [aria-current]").Submit("act").Want(http.StatusForbidden, "/admin/things/act")
	v = h.Enter(idp.Admin, "/admin/things")
	v.Submit("act").Want(http.StatusOK, "/admin/things")
	h.Clock.Pass(6 * time.Minute)
	v.Get("/admin/things").Want(http.StatusOK, "/admin/things") // to look, the session does
	v.Submit("act").Want(http.StatusOK, "/login")               // to act, it must prove again
	if v.Get("/admin/secrets"); v.At.Path != "/login" {
		t.Errorf("an old proof opens a guarded page: %s", v.At)
	}
}

// A second factor that is a trusted browser, or none, does not open the desk.
func TestSecondFactor(t *testing.T) {
	h := admintest.Open(t, sections)
	u := h.Add("bare", func(in *account.New) { in.Role = idp.Admin })
	w := h.EnterBare(u, "/admin/things")
	if w.At.Path == "/admin/things" {
		t.Errorf("a password alone opens the administration")
	}
}

func inside(f embed.FS) fs.FS {
	in, err := fs.Sub(f, "testdata")
	if err != nil {
		panic(err)
	}
	return in
}
