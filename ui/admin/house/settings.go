package house

import (
	"cmp"
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
	Self    admin.Fields // of applications that register themselves
	Open    bool         // anybody may register one
	May     bool         // change them
	Mail    mailView
}

func (s setting) show(c *page.Context, v admin.Visit) error {
	h, version, err := s.Settings.Read(c.Context(), v.By)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "settings.html", s.view(c, v, h, version))
}

func (s setting) view(c *page.Context, v admin.Visit, h settings.House, version int64) settingsView {
	return settingsView{
		Head: v.Head(c), Version: version, Fields: settingFields(c, h), Self: selfFields(c, h), Open: h.SelfClients == settings.SelfOpen,
		May: v.May(idp.EditHouse), Mail: s.mailView(v),
	}
}

// selfOff is settings.SelfOff in a form.
const selfOff = "off"

// selfFields say whether applications may register themselves.
func selfFields(c *page.Context, h settings.House) admin.Fields {
	mode := admin.Select(c, "self_clients", c.Words.T("admin.settings.self_clients"), "admin.settings.self_clients_%s", cmp.Or(h.SelfClients, selfOff),
		selfOff, settings.SelfToken, settings.SelfOpen)
	mode.Help = c.Words.T("admin.settings.self_clients_help")
	return admin.Fields{mode, {
		Name: "self_clients_most", Type: "number", Min: "1", Max: strconv.Itoa(settings.MostSelfClients), Value: strconv.Itoa(h.MostSelfClients()),
		Label: c.Words.T("admin.settings.self_most"), Help: c.Words.T("admin.settings.self_most_help"),
	}}
}

// number reads a field; what is none is refused with the other mistakes.
func number(c *page.Context, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(c.Form(name)))
	if err != nil {
		return -1
	}
	return n
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
	next := settings.House{
		Assurance: c.Form("assurance"), SecondApprover: c.Form("second_approver") != "", Sessions: number(c, "sessions"),
		SelfClients: strings.TrimPrefix(c.Form("self_clients"), selfOff), SelfClientsMost: number(c, "self_clients_most"),
	}
	err := s.Settings.Change(c.Context(), v.By, version, next)
	if err == nil {
		return c.Redirect(settingsPath + "?done=settings")
	}
	view := s.view(c, v, next, version)
	view.Fields, view.Self = view.Fields.Filled(c), view.Self.Filled(c)
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
		if next.SelfClientsMost < 0 || next.SelfClientsMost > settings.MostSelfClients {
			view.Self = view.Self.Marked("self_clients_most", c.Words.T("admin.settings.sessions_wrong", settings.MostSelfClients))
		}
		view.Head = view.Refused(c.Words.T("admin.refused"), "")
	default:
		return err
	}
	return c.Show(set, status, "settings.html", view)
}
