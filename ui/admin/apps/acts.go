package apps

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// about is the client of an act with the words of the page that asks.
func (p *Pages) about(c *page.Context, v admin.Visit) (oidc.Client, admin.Head, error) {
	cl, err := p.Clients.Get(c.Context(), v.By, id(c))
	return cl, v.Head(c, crumbs(c, cl)...), err
}

func (p *Pages) askRotate(c *page.Context, v admin.Visit) error {
	cl, head, err := p.about(c, v)
	if err != nil {
		return err
	}
	return confirm(c, head, http.StatusOK, rotation(c, cl))
}

// rotation asks which secret is replaced, and how long the old one stays good.
func rotation(c *page.Context, cl oidc.Client) admin.Confirm {
	f := admin.Confirm{
		ID: "client-rotate", Title: c.Words.T("admin.clients.rotate_title", cl.Title()), Action: address(cl.ID, "rotate"), Button: c.Words.T("admin.clients.rotate"), Cancel: address(cl.ID),
		Text: []string{c.Words.T("admin.clients.rotate_text")},
	}
	if cl.Type == oidc.Odoo {
		f.Text = append(f.Text, c.Words.T("admin.clients.rotate_odoo"))
	}
	if cl.Type == oidc.Odoo && cl.HasSecret() {
		f.Fields = append(f.Fields, label(c, choice(c, "what", "admin.clients.proof.%s", "validation", "validation", "secret")))
	}
	f.Fields = append(f.Fields, label(c, admin.Field{Name: "overlap", Type: "number", Value: "7", Min: "0", Max: "30", Required: true}))
	return f
}

func (p *Pages) rotate(c *page.Context, v admin.Visit) error {
	cl, head, err := p.about(c, v)
	if err != nil {
		return err
	}
	overlap, ok := overlapDays(c)
	if !ok {
		f := rotation(c, cl)
		f.Fields = f.Fields.Filled(c).Marked("overlap", c.Words.T("admin.clients.wrong.overlap"))
		return confirm(c, head, http.StatusBadRequest, f)
	}
	made, err := p.Clients.Rotate(c.Context(), v.By, cl.ID, oidc.RotateOrder{Validation: c.Form("what") == string(oidc.ProofValidation), Overlap: overlap})
	if errors.Is(err, oidc.ErrChanged) {
		return confirm(c, head.Refused(c.Words.T("admin.clients.changed"), c.Words.T("admin.clients.changed_text")), http.StatusConflict, rotation(c, cl))
	} else if err != nil {
		return err
	}
	if made.Secret != "" {
		made.Client.ValidationSecret = "" // it stayed, and is not shown again
	}
	return p.once(c, v, made, "rotated")
}

func (p *Pages) askEnd(c *page.Context, v admin.Visit) error {
	cl, head, err := p.about(c, v)
	if err != nil {
		return err
	}
	what, former := oidc.ProofSecret, cl.FormerSecret
	if c.Query("what") == string(oidc.ProofValidation) {
		what, former = oidc.ProofValidation, cl.FormerValidation
	}
	if former == nil {
		return idp.ErrNotFound
	}
	usage, err := p.Clients.Usage(c.Context(), v.By, cl.ID)
	if err != nil {
		return err
	}
	return confirm(c, head, http.StatusOK, admin.Confirm{
		ID: "client-end", Title: c.Words.T("admin.clients.end_title"), Action: address(cl.ID, "end"), Button: c.Words.T("admin.clients.end"), Cancel: address(cl.ID), Danger: true,
		Hidden: []admin.Hidden{{Name: "what", Value: string(what)}},
		Text:   []string{c.Words.T("admin.clients.end_text"), c.Words.T("admin.clients.end_used", day(c, v, usage.At(what, former.Serial)))},
	})
}

func (p *Pages) end(c *page.Context, v admin.Visit) error {
	if err := p.Clients.EndFormer(c.Context(), v.By, id(c), oidc.Proof(c.Form("what"))); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=ended")
}

func (p *Pages) askDisable(c *page.Context, v admin.Visit) error {
	return p.sure(c, v, "disable")
}

func (p *Pages) askRemove(c *page.Context, v admin.Visit) error {
	return p.sure(c, v, "remove")
}

// sure asks before something that people will notice, and says how many.
func (p *Pages) sure(c *page.Context, v admin.Visit, act string) error {
	cl, head, err := p.about(c, v)
	if err != nil {
		return err
	}
	usage, err := p.Clients.Usage(c.Context(), v.By, cl.ID)
	if err != nil {
		return err
	}
	f := admin.Confirm{
		ID: "client-" + act, Title: c.Words.T(fmt.Sprintf("admin.clients.%s_title", act), cl.Title()), Action: address(cl.ID, act), Cancel: address(cl.ID), Danger: true,
		Button: c.Words.T(fmt.Sprintf("admin.clients.%s", act)), Text: []string{c.Words.T(fmt.Sprintf("admin.clients.%s_text", act))},
	}
	if cl.Type != oidc.Service {
		f.Text = append(f.Text, c.Words.N("admin.clients.people", usage.People))
	}
	return confirm(c, head, http.StatusOK, f)
}

func (p *Pages) disable(c *page.Context, v admin.Visit) error {
	if err := p.Clients.Disable(c.Context(), v.By, id(c)); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=disabled")
}

func (p *Pages) enable(c *page.Context, v admin.Visit) error {
	if err := p.Clients.Enable(c.Context(), v.By, id(c)); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=enabled")
}

func (p *Pages) remove(c *page.Context, v admin.Visit) error {
	if err := p.Clients.Remove(c.Context(), v.By, id(c)); err != nil {
		return err
	}
	return c.Redirect(Clients + "?done=removed")
}

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

func (p *Pages) keys(c *page.Context, v admin.Visit) error {
	all, err := p.Keys.List(c.Context(), v.By)
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

func (p *Pages) askRotateKeys(c *page.Context, v admin.Visit) error {
	return confirm(c, v.Head(c, keyTrail(c)), http.StatusOK, admin.Confirm{
		ID: "key-rotate", Title: c.Words.T("admin.keys.rotate_title"), Action: Keys + "/rotate", Button: c.Words.T("admin.keys.rotate"), Cancel: Keys,
		Text: []string{c.Words.T("admin.keys.rotate_text"), c.Words.T("admin.keys.rotate_when", strconv.Itoa(int(oidc.RotateEvery.Hours()/24)))},
	})
}

func (p *Pages) rotateKeys(c *page.Context, v admin.Visit) error {
	if err := p.Keys.Rotate(c.Context(), v.By); err != nil {
		return err
	}
	return c.Redirect(Keys + "?done=rotated")
}

func (p *Pages) askRevoke(c *page.Context, v admin.Visit) error {
	all, err := p.Keys.List(c.Context(), v.By)
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

func (p *Pages) revoke(c *page.Context, v admin.Visit) error {
	if err := p.Keys.Revoke(c.Context(), v.By, c.R.PathValue("key")); err != nil {
		return err
	}
	return c.Redirect(Keys + "?done=revoked")
}
