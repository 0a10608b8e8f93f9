package house

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/mfa"
	"latchkey/mfa/sms"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type gateways struct{ *Pages }

type gatewayRow struct {
	ID, Name, Title, Prefixes string
	Off                       bool
}

type gatewaysView struct {
	admin.Head
	Rows  []gatewayRow
	Types []gatewayRow // that can be added
	Empty *admin.Empty
	To    string // the number of a test, as typed
	May   bool
}

func (g gateways) list(c *page.Context, v admin.Visit) error {
	view, err := g.view(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "gateways.html", view)
}

func (g gateways) view(c *page.Context, v admin.Visit) (gatewaysView, error) {
	all, err := g.Settings.ListGateways(c.Context(), v.By)
	if err != nil {
		return gatewaysView{}, err
	}
	view := gatewaysView{Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.settings"), URL: settingsPath}), May: v.May(idp.EditHouse)}
	for _, o := range all {
		title, _, _ := sms.Describe(o.Type)
		view.Rows = append(view.Rows, gatewayRow{o.ID, o.Name, title, strings.Join(o.Prefixes, " "), o.Off})
	}
	for _, t := range sms.Types() {
		if title, _, _ := sms.Describe(t); t != "log" { // it would write codes into the log (T-08)
			view.Types = append(view.Types, gatewayRow{ID: t, Title: title})
		}
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.gateway.none"), Text: c.Words.T("admin.gateway.none_text")}
	}
	return view, nil
}

type gatewayView struct {
	admin.Head
	ID, Type, Title string
	Fields          admin.Fields
	May             bool
}

// fields are those of every gateway and those of its type. What is secret is
// never sent to the page.
func gatewayFields(c *page.Context, o settings.Gateway) admin.Fields {
	off := ""
	if o.Off {
		off = "yes"
	}
	out := admin.Fields{
		{Name: "name", Label: c.Words.T("admin.gateway.name"), Value: o.Name, Required: true},
		{Name: "prefixes", Label: c.Words.T("admin.gateway.prefixes"), Help: c.Words.T("admin.gateway.prefixes_help"), Value: strings.Join(o.Prefixes, " "), Mono: true},
	}
	_, all, _ := sms.Describe(o.Type)
	for _, s := range all {
		f := admin.Field{Name: "v." + s.Name, Label: c.Words.T("admin.gateway.field." + s.Name), Value: o.Values[s.Name], Mono: true, Required: !s.Optional}
		if s.Secret {
			f.Type, f.Value, f.Auto, f.Required = "password", "", "off", f.Required && o.Values[s.Name] == ""
			if o.Values[s.Name] != "" {
				f.Help = c.Words.T("admin.gateway.secret_kept")
			}
		} else if s.Default != "" {
			f.Help = c.Words.T("admin.gateway.default", s.Default)
		}
		out = append(out, f)
	}
	return append(out, admin.Field{Name: "off", Type: "checkbox", Value: off, Label: c.Words.T("admin.gateway.off"), Help: c.Words.T("admin.gateway.off_help")})
}

func (g gateways) add(c *page.Context, v admin.Visit) error {
	kind := c.Query("type")
	title, _, known := sms.Describe(kind)
	if !known || kind == "log" {
		return idp.ErrNotFound
	}
	return c.Show(set, http.StatusOK, "gateway.html", g.page(c, v, settings.Gateway{Name: title, Type: kind}))
}

// blank is the page of the form for a new gateway.
func (g gateways) blank(c *page.Context) string {
	return gatewaysPath + "/new?type=" + url.QueryEscape(c.Form("type"))
}

func (g gateways) page(c *page.Context, v admin.Visit, o settings.Gateway) gatewayView {
	title, _, _ := sms.Describe(o.Type)
	return gatewayView{
		Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.settings"), URL: settingsPath}, admin.Crumb{Title: c.Words.T("admin.gateway.title"), URL: gatewaysPath}),
		ID:   o.ID, Type: o.Type, Title: title, Fields: gatewayFields(c, o), May: v.May(idp.EditHouse),
	}
}

// find is the gateway of the path, without its secrets.
func (g gateways) find(c *page.Context, v admin.Visit) (settings.Gateway, error) {
	all, err := g.Settings.ListGateways(c.Context(), v.By)
	if err != nil {
		return settings.Gateway{}, err
	}
	i := slices.IndexFunc(all, func(o settings.Gateway) bool { return o.ID == c.R.PathValue("gateway") })
	if i < 0 {
		return settings.Gateway{}, idp.ErrNotFound
	}
	return all[i], nil
}

func (g gateways) edit(c *page.Context, v admin.Visit) error {
	o, err := g.find(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "gateway.html", g.page(c, v, o))
}

// put adds a gateway, or changes the one of the path.
func (g gateways) put(c *page.Context, v admin.Visit) error {
	o := settings.Gateway{Type: c.Form("type")}
	if c.R.PathValue("gateway") != "" {
		was, err := g.find(c, v)
		if err != nil {
			return err
		}
		o = was // its Own stays
	}
	_, all, known := sms.Describe(o.Type)
	if !known {
		return idp.ErrNotFound
	}
	shown := o
	o.Name, o.Prefixes, o.Off, o.Values = c.Form("name"), strings.Fields(strings.ReplaceAll(c.Form("prefixes"), ",", " ")), c.Form("off") != "", map[string]string{}
	for _, s := range all {
		o.Values[s.Name] = strings.TrimSpace(c.Form("v." + s.Name))
	}
	_, err := g.Settings.PutGateway(c.Context(), v.By, o)
	if err == nil {
		return c.Redirect(gatewaysPath + "?done=gateway")
	}
	view := g.page(c, v, shown)
	view.Fields = view.Fields.Filled(c)
	if errors.Is(err, idp.ErrSpent) {
		view.Head = view.Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.changed_meanwhile_text"))
		return c.Show(set, http.StatusConflict, "gateway.html", view)
	} else if !errors.Is(err, idp.ErrInvalid) {
		return err
	}
	view.Head, view.Fields = view.Refused(c.Words.T("admin.refused"), ""), judged(c, view.Fields, o, err)
	return c.Show(set, http.StatusBadRequest, "gateway.html", view)
}

// judged puts what package sms says beside the fields. What it expects is in
// English, the language of the gateways' own consoles.
func judged(c *page.Context, fields admin.Fields, o settings.Gateway, err error) admin.Fields {
	var ms sms.Mistakes
	if !errors.As(err, &ms) {
		return fields
	}
	for _, m := range ms {
		if m.Gateway != o.Name {
			continue
		}
		name := "v." + m.Setting
		if m.Setting == "name" || m.Setting == "prefixes" {
			name = m.Setting
		}
		fields = fields.Marked(name, c.Words.T("admin.gateway.expected", m.Allowed))
	}
	return fields
}

func (g gateways) first(c *page.Context, v admin.Visit) error {
	if err := g.Settings.FirstGateway(c.Context(), v.By, c.R.PathValue("gateway")); err != nil {
		return err
	}
	return c.Redirect(gatewaysPath + "?done=gateway_first")
}

type sureView struct {
	admin.Head
	Confirm admin.Confirm
}

func (g gateways) sure(c *page.Context, v admin.Visit) error {
	o, err := g.find(c, v)
	if err != nil {
		return err
	}
	at := gatewaysPath + "/" + url.PathEscape(o.ID)
	return c.Show(set, http.StatusOK, "sure.html", sureView{v.Head(c), admin.Confirm{
		ID: "gateway-remove", Title: c.Words.T("admin.gateway.remove_title", o.Name), Text: []string{c.Words.T("admin.gateway.remove_text")},
		Action: at + "/remove", Button: c.Words.T("admin.remove"), Danger: true, Cancel: at,
	}})
}

func (g gateways) remove(c *page.Context, v admin.Visit) error {
	if err := g.Settings.RemoveGateway(c.Context(), v.By, c.R.PathValue("gateway")); err != nil {
		return err
	}
	return c.Redirect(gatewaysPath + "?done=gateway_removed")
}

// test sends a text now and says which gateway took it.
func (g gateways) test(c *page.Context, v admin.Visit) error {
	view, err := g.view(c, v)
	if err != nil {
		return err
	}
	view.To = strings.TrimSpace(c.Form("to"))
	to, err := idp.ReadPhone(view.To, v.User)
	if err != nil {
		view.Head = view.Refused(c.Words.T("admin.gateway.number_wrong"), "")
		return c.Show(set, http.StatusBadRequest, "gateways.html", view)
	}
	got, err := g.Settings.Test(c.Context(), v.By, g.Texts, to, c.Words.T("admin.gateway.test_text", g.Brand(c.Context())))
	if notTried(err) {
		return err
	} else if err != nil {
		view.Head = view.Refused(c.Words.T("admin.gateway.test_failed"), err.Error())
		return c.Show(set, http.StatusBadGateway, "gateways.html", view)
	}
	view.Done = c.Words.T("admin.gateway.test_done", got.Gateway)
	return c.Show(set, http.StatusOK, "gateways.html", view)
}

// notTried reports whether a test was refused before anything was sent.
func notTried(err error) bool {
	denied, locked := (*idp.DeniedError)(nil), (*mfa.LockedError)(nil)
	return errors.As(err, &denied) || errors.As(err, &locked)
}
