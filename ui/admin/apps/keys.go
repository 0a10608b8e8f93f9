package apps

import (
	"fmt"
	"net/http"
	"strconv"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// keyPages are the pages of the keys that sign what applications are told.
type keyPages struct{ keys *oidc.Custodian }

// keysView is the page of the signing keys.
type keysView struct {
	admin.Head
	Rows []keyRow
	May  bool
}

type keyRow struct {
	ID, Alg, State, Chip, Since, Age, Until, Revoke string
}

var keyChips = map[oidc.KeyState]string{oidc.Current: "chip-good", oidc.Next: "", oidc.Retired: "chip-warn"}

func (k keyPages) list(c *page.Context, v admin.Visit) error {
	all, err := k.keys.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "keys.html", keysOf(c, v, all))
}

func keysOf(c *page.Context, v admin.Visit, all []oidc.KeyFacts) keysView {
	view := keysView{Head: v.Head(c), May: v.May(idp.RotateKeys)}
	for _, k := range all {
		days := int(c.Now().Sub(k.Created).Hours() / 24)
		view.Rows = append(view.Rows, keyRow{
			ID: k.ID, Alg: k.Alg, State: c.Words.T(fmt.Sprintf("admin.keys.state.%s", string(k.State))), Chip: keyChips[k.State], Since: day(c, v, k.Changed),
			Age: c.Words.N("admin.keys.days", days), Until: c.Words.T(fmt.Sprintf("admin.keys.until.%s", string(k.State)), day(c, v, k.Until)), Revoke: Keys + "/revoke/" + k.ID,
		})
	}
	return view
}

func keyTrail(c *page.Context) admin.Crumb {
	return admin.Crumb{Title: c.Words.T("admin.nav.keys"), URL: Keys}
}

func (k keyPages) askRotate(c *page.Context, v admin.Visit) error {
	return confirm(c, v.Head(c, keyTrail(c)), http.StatusOK, admin.Confirm{
		ID: "key-rotate", Title: c.Words.T("admin.keys.rotate_title"), Action: Keys + "/rotate", Button: c.Words.T("admin.keys.rotate"), Cancel: Keys,
		Text: []string{c.Words.T("admin.keys.rotate_text"), c.Words.T("admin.keys.rotate_when", strconv.Itoa(int(oidc.RotateEvery.Hours()/24)))},
	})
}

func (k keyPages) rotate(c *page.Context, v admin.Visit) error {
	if err := k.keys.Rotate(c.Context(), v.By); err != nil {
		return err
	}
	return c.Redirect(Keys + "?done=rotated")
}

func (k keyPages) askRevoke(c *page.Context, v admin.Visit) error {
	all, err := k.keys.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == c.R.PathValue("key") {
			return confirm(c, v.Head(c, keyTrail(c)), http.StatusOK, admin.Confirm{
				ID: "key-revoke", Title: c.Words.T("admin.keys.revoke_title", k.ID), Action: Keys + "/revoke/" + k.ID, Button: c.Words.T("admin.keys.revoke"), Cancel: Keys, Danger: true,
				Text: []string{c.Words.T(fmt.Sprintf("admin.keys.revoke_text.%s", string(k.State))), c.Words.T("admin.keys.revoke_also")},
			})
		}
	}
	return idp.ErrNotFound
}

func (k keyPages) revoke(c *page.Context, v admin.Visit) error {
	if err := k.keys.Revoke(c.Context(), v.By, c.R.PathValue("key")); err != nil {
		return err
	}
	return c.Redirect(Keys + "?done=revoked")
}
