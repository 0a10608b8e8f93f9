package house

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type setting struct{ *Pages }

type settingsView struct {
	admin.Head
	Version int64
	Fields  admin.Fields
	May     bool // change them
	Mail    mailView
}

func (s setting) show(c *page.Context, v admin.Visit) error {
	h, version, err := s.Settings.Read(c.Context(), v.By)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "settings.html", settingsView{v.Head(c), version, settingFields(c, h), v.May(idp.EditHouse), s.mailView(v)})
}

func settingFields(c *page.Context, h settings.House) admin.Fields {
	ticked := ""
	if h.SecondApprover {
		ticked = "yes"
	}
	assurance := admin.Field{
		Name: "assurance", Type: "select", Value: h.Assurance, Label: c.Words.T("admin.settings.assurance"), Help: c.Words.T("admin.settings.assurance_help"),
		Options: []admin.Option{
			{Value: idp.AAL2, Label: c.Words.T("admin.settings.assurance_second"), Chosen: h.Assurance == idp.AAL2},
			{Value: idp.PhishingResistant, Label: c.Words.T("admin.settings.assurance_resistant"), Chosen: h.Assurance == idp.PhishingResistant},
		},
	}
	return admin.Fields{
		assurance,
		{Name: "second_approver", Type: "checkbox", Value: ticked, Label: c.Words.T("admin.settings.approver"), Help: c.Words.T("admin.settings.approver_help")},
		{Name: "sessions", Type: "number", Min: "0", Max: strconv.Itoa(settings.MostSessions), Value: strconv.Itoa(h.Sessions),
			Label: c.Words.T("admin.settings.sessions"), Help: c.Words.T("admin.settings.sessions_help")},
	}
}

func (s setting) change(c *page.Context, v admin.Visit) error {
	version, bad := strconv.ParseInt(c.Form("version"), 10, 64)
	if bad != nil {
		return page.Malformed(bad)
	}
	sessions, wrong := strconv.Atoi(strings.TrimSpace(c.Form("sessions")))
	next := settings.House{Assurance: c.Form("assurance"), SecondApprover: c.Form("second_approver") != "", Sessions: sessions}
	if wrong != nil {
		next.Sessions = -1 // refused with the others
	}
	err := s.Settings.Change(c.Context(), v.By, version, next)
	if err == nil {
		return c.Redirect(settingsPath + "?done=settings")
	}
	view := settingsView{v.Head(c), version, settingFields(c, next).Filled(c), true, s.mailView(v)}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, idp.ErrSpent):
		_, view.Version, err = s.Settings.Read(c.Context(), v.By)
		if err != nil {
			return err
		}
		status, view.Head = http.StatusConflict, view.Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.changed_meanwhile_text"))
	case errors.Is(err, idp.ErrInvalid):
		if next.Sessions < 0 || next.Sessions > settings.MostSessions {
			view.Fields = view.Fields.Marked("sessions", c.Words.T("admin.settings.sessions_wrong", settings.MostSessions))
		}
		view.Head = view.Refused(c.Words.T("admin.refused"), "")
	default:
		return err
	}
	return c.Show(set, status, "settings.html", view)
}
