package apps

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// secretPages renew what an application proves itself with, and end what was
// renewed.
type secretPages struct {
	clients *oidc.Registrar
	told    handout
}

func (s secretPages) askRotate(c *page.Context, v admin.Visit) error {
	cl, head, err := about(c, v, s.clients)
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

func (s secretPages) rotate(c *page.Context, v admin.Visit) error {
	cl, head, err := about(c, v, s.clients)
	if err != nil {
		return err
	}
	overlap, ok := overlapDays(c)
	if !ok {
		f := rotation(c, cl)
		f.Fields = f.Fields.Filled(c).Marked("overlap", c.Words.T("admin.clients.wrong.overlap"))
		return confirm(c, head, http.StatusBadRequest, f)
	}
	made, err := s.clients.Rotate(c.Context(), v.By, cl.ID, oidc.RotateOrder{Validation: c.Form("what") == string(oidc.ProofValidation), Overlap: overlap})
	if errors.Is(err, oidc.ErrChanged) {
		return confirm(c, head.Refused(c.Words.T("admin.clients.changed"), c.Words.T("admin.clients.changed_text")), http.StatusConflict, rotation(c, cl))
	} else if err != nil {
		return err
	}
	if made.Secret != "" {
		made.Client.ValidationSecret = "" // it stayed, and is not shown again
	}
	return s.told.once(c, v, made, "rotated")
}

// overlapDays reads how long the old secret stays good.
func overlapDays(c *page.Context) (time.Duration, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(c.Form("overlap")))
	if err != nil || n < 0 || n > int(oidc.OverlapMost.Hours()/24) {
		return 0, false
	}
	return time.Duration(n) * 24 * time.Hour, true
}

func (s secretPages) askEnd(c *page.Context, v admin.Visit) error {
	cl, head, err := about(c, v, s.clients)
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
	usage, err := s.clients.Usage(c.Context(), v.By, cl.ID)
	if err != nil {
		return err
	}
	return confirm(c, head, http.StatusOK, admin.Confirm{
		ID: "client-end", Title: c.Words.T("admin.clients.end_title"), Action: address(cl.ID, "end"), Button: c.Words.T("admin.clients.end"), Cancel: address(cl.ID), Danger: true,
		Hidden: []admin.Hidden{{Name: "what", Value: string(what)}},
		Text:   []string{c.Words.T("admin.clients.end_text"), c.Words.T("admin.clients.end_used", day(c, v, usage.At(what, former.Serial)))},
	})
}

func (s secretPages) end(c *page.Context, v admin.Visit) error {
	if err := s.clients.EndFormer(c.Context(), v.By, id(c), oidc.Proof(c.Form("what"))); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=ended")
}
