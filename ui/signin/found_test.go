package signin

import (
	"net/http"
	"testing"

	"latchkey/idp"
)

// The way of the first owner: from the console's link, over a wrong form, to the
// door of the administration, with a second factor.
func TestFirstOwner(t *testing.T) {
	h := open(t)
	token, _, err := h.accounts.Founding().OwnerLink(t.Context(), idp.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	v := h.visit()
	v.get("/first/"+token).want(http.StatusOK, "/first/"+token)
	v.submit("found", "name", "Ada", "email", "ada", "new_password", "correct horse battery").want(http.StatusBadRequest, "/first/"+token)
	v.has("#email-wrong", "input[name=name][value=Ada]")
	if v.doc.Find("input[name=new_password][value]").Length() > 0 {
		t.Error("the password came back")
	}
	v.submit("found", "name", "Ada", "email", "ada@example.org", "new_password", "short").want(http.StatusBadRequest, "/first/"+token)
	v.has("#wrong")
	v.submit("found", "name", "Ada", "email", "ada@example.org", "new_password", "correct horse battery").want(http.StatusOK, "/login")
	v.has("input[name=login][value='ada@example.org']").submit("login", "login", "ada@example.org", "password", "correct horse battery")
	if v.at.Path != "/login/enrol" {
		t.Fatalf("no second factor was asked for: %s", v.at)
	}
	if v.get("/first/" + token); v.status != http.StatusGone {
		t.Errorf("the link works twice: %d", v.status)
	}
	u, err := h.accounts.Find(t.Context(), "ada@example.org")
	if err != nil || u.Role != idp.Owner {
		t.Errorf("%+v, %v", u, err)
	}
}
