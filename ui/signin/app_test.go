package signin

import (
	"testing"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// P-28: the sign-in page shows what an application says of itself, and its picture
// from us: its own server hears of nobody who has not gone there.
func TestLoginShowsApp(t *testing.T) {
	h := open(t)
	h.plain("ada", "")
	c := oidc.Client{ID: "photos", Name: "Photos", Type: oidc.Web, Details: oidc.Details{
		Logo: []byte("png"), LogoURI: "https://photos.example/logo", PolicyURI: "https://photos.example/policy", TermsURI: "https://photos.example/terms",
	}}
	if err := h.db.Clients.Add(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.ask.Need = idp.Need{Client: c.ID}
	v := h.visit().get("/app").want(200, "/login")
	v.has(".app-logo img[src^='/oauth2/logo/photos?v=']").has("#app-links a[href='https://photos.example/policy'][rel~=noreferrer]").has("#app-links a[href='https://photos.example/terms']")
	if n := v.doc.Find("img[src^='http']").Length(); n > 0 {
		t.Errorf("%d pictures of others", n)
	}
	v.hasNot("#itself")
	// P-29: beside the password stands that nobody has looked at a stranger's name.
	c.ID, c.Self = "stranger", &oidc.Self{}
	if err := h.db.Clients.Add(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.ask.Need = idp.Need{Client: c.ID}
	v.get("/app").want(200, "/login").has("#itself")
	h.ask.Need = idp.Need{Client: "gone"} // removed meanwhile
	if v.get("/app").want(200, "/login"); v.doc.Find(".app-logo, #app-links").Length() > 0 {
		t.Error("something is said of an application that is not there")
	}
}
