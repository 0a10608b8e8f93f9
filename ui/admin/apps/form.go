package apps

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

// forms make an application and change it.
type forms struct {
	clients *oidc.Registrar
	told    handout
}

// chooseView is the page on which a type is chosen.
type chooseView struct {
	admin.Head
	Types []typeView
}

type typeView struct{ Type, Title, Text, URL string }

func (f forms) choose(c *page.Context, v admin.Visit) error {
	view := chooseView{Head: v.Head(c, crumbs(c)...)}
	for _, t := range types {
		view.Types = append(view.Types, typeView{
			Type: string(t), Title: typeName(c, t), Text: c.Words.T(fmt.Sprintf("admin.clients.type_text.%s", string(t))), URL: Clients + "/new/" + string(t),
		})
	}
	return c.Show(set, http.StatusOK, "choose.html", view)
}

// formView is the form of an application, new or not.
type formView struct {
	admin.Head
	Title, Text, Action, Button, Cancel string
	Version                             int64
	Fields, More                        admin.Fields
	Open                                bool // More is open: something in it is wrong
	Odoo                                bool // there is a better way
	Freezes                             bool // it will no longer change itself
}

// kindOf is the type in the address.
func kindOf(c *page.Context) (oidc.Type, error) {
	t := oidc.Type(c.R.PathValue("type"))
	if !slices.Contains(types, t) {
		return "", idp.ErrNotFound
	}
	return t, nil
}

func (f forms) blank(c *page.Context, v admin.Visit) error {
	t, err := kindOf(c)
	if err != nil {
		return err
	}
	return drawForm(c, http.StatusOK, newForm(c, v, oidc.Client{Type: t}))
}

func drawForm(c *page.Context, status int, view formView) error {
	return c.Show(set, status, "form.html", view)
}

// newForm is the form of a client that is not there yet; with nothing typed the
// defaults of its type are shown as help.
func newForm(c *page.Context, v admin.Visit, cl oidc.Client) formView {
	f := formView{
		Head: v.Head(c, append(crumbs(c), admin.Crumb{Title: c.Words.T("admin.clients.add"), URL: Clients + "/new"})...), Title: typeName(c, cl.Type), Text: c.Words.T(fmt.Sprintf("admin.clients.type_text.%s", string(cl.Type))),
		Action: Clients + "/new/" + string(cl.Type), Button: c.Words.T("admin.clients.add"), Cancel: Clients, Odoo: cl.Type == oidc.Odoo,
	}
	f.Fields, f.More = fieldsOf(c, cl)
	f.More = append(admin.Fields{label(c, admin.Field{Name: "id", Mono: true})}, f.More...)
	return f
}

// label adds the words of a field: admin.clients.field.NAME and, if there is
// one, admin.clients.help.NAME.
func label(c *page.Context, f admin.Field) admin.Field {
	f.Label = c.Words.T(fmt.Sprintf("admin.clients.field.%s", f.Name))
	if help := fmt.Sprintf("admin.clients.help.%s", f.Name); c.Words.Has(help) {
		f.Help = c.Words.T(help)
	}
	return f
}

// fieldsOf are the fields of a type: those that everybody needs, and the rest.
func fieldsOf(c *page.Context, cl oidc.Client) (main, more admin.Fields) {
	lines := func(name string, values []string, rows int) admin.Field {
		return label(c, admin.Field{Name: name, Type: "textarea", Value: strings.Join(values, "\n"), Mono: true, Rows: rows})
	}
	tick := func(name string, on bool) admin.Field {
		f := label(c, admin.Field{Name: name, Type: "checkbox"})
		if on {
			f.Value = "yes"
		}
		return f
	}
	pick := func(name, words, value string, of ...string) admin.Field {
		return label(c, choice(c, name, words, value, of...))
	}
	main = admin.Fields{label(c, admin.Field{Name: "name", Value: cl.Name, Required: true})}
	people := cl.Type != oidc.Service
	if people {
		redirect := lines("redirect_uris", cl.RedirectURIs, 3)
		redirect.Required = cl.Type != oidc.Native // one may be for devices alone
		main = append(main, redirect, lines("post_logout_uris", cl.PostLogoutURIs, 2))
	}
	if ways := methods[cl.Type]; len(ways) > 1 {
		main = append(main, pick("auth_method", "admin.clients.auth.%s", cmp.Or(cl.AuthMethod, ways[0]), ways...))
	}
	if cl.Type == oidc.Web || cl.Type == oidc.Service {
		main = append(main, label(c, admin.Field{Name: "jwks", Type: "textarea", Value: keySet(cl.Keys), Mono: true, Rows: 3}), keysAddress(c, cl))
	}
	if people {
		main = append(main, lines("groups", cl.Groups, 2))
	}
	if cl.Type == oidc.Odoo {
		more = append(more, pick("sessions", "admin.clients.sessions.%s", cmp.Or(cl.Sessions, oidc.SessionsMulti), oidc.SessionsMulti, oidc.SessionsSingle),
			pick("validations", "admin.clients.validations.%s", map[bool]string{true: "two", false: "one"}[cl.Validations == 2], "one", "two"))
	} else if people {
		main = append(main, tick("trusted", cl.Trusted))
	}
	if people {
		more = append(more, tick("choose", cl.Choose))
	}
	more = append(more, lines("scopes", cl.Scopes, 2))
	if people {
		more = append(more, plain(c, "id_token_alg", cmp.Or(cl.IDTokenAlg, "RS256"), oidc.Algs))
	}
	if cl.Type == oidc.Web || cl.Type == oidc.SPA {
		more = append(more, lines("response_types", cl.ResponseTypes, 2))
	}
	if cl.Type == oidc.Web || cl.Type == oidc.Native {
		more = append(more, lines("grant_types", cl.GrantTypes, 3))
	}
	return main, slices.Concat(more, front(c, cl, tick), requests(c, cl, tick, lines), detailFields(c, cl))
}

// front are the fields of a client that hears of the end of a session.
func front(c *page.Context, cl oidc.Client, tick func(string, bool) admin.Field) (out admin.Fields) {
	if cl.Type != oidc.Web && cl.Type != oidc.SPA {
		return nil
	}
	if cl.Type == oidc.Web {
		out = append(out, label(c, admin.Field{Name: "backchannel_logout_uri", Type: "url", Value: cl.BackchannelURI, Mono: true}))
	}
	return append(out, label(c, admin.Field{Name: "frontchannel_logout_uri", Type: "url", Value: cl.FrontchannelURI, Mono: true}), tick("frontchannel_plain", cl.FrontchannelPlain))
}

// methods are how a client of each type may prove who it is; the first is usual.
var methods = map[oidc.Type][]string{
	oidc.Odoo:    {oidc.AuthNone, oidc.AuthBasic, oidc.AuthPost},
	oidc.Web:     {oidc.AuthBasic, oidc.AuthPost, oidc.AuthKey},
	oidc.Service: {oidc.AuthBasic, oidc.AuthPost, oidc.AuthKey},
	oidc.SPA:     {oidc.AuthNone},
	oidc.Native:  {oidc.AuthNone},
}

// choice is [admin.Select] without its label.
func choice(c *page.Context, name, words, value string, of ...string) admin.Field {
	return admin.Select(c, name, "", words, value, of...)
}

// plain is a select of names that are the same in every language.
func plain(c *page.Context, name, value string, of []string) admin.Field {
	f := label(c, admin.Field{Name: name, Type: "select", Value: value})
	for _, o := range of {
		f.Options = append(f.Options, admin.Option{Value: o, Label: o, Chosen: o == value})
	}
	return f
}

func keySet(keys []jose.JSONWebKey) string {
	if len(keys) == 0 {
		return ""
	}
	raw, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: keys}, "", "  ")
	if err != nil {
		return ""
	}
	return string(raw)
}

// typed reads the form into a client. What its type has no field for stays.
func typed(c *page.Context, cl oidc.Client) (oidc.Client, error) {
	lines := func(name string) []string { return strings.Fields(c.Form(name)) }
	has := func(name string) bool { _, there := c.R.PostForm[name]; return there }
	cl.Name = strings.TrimSpace(c.Form("name"))
	for name, to := range map[string]*[]string{
		"redirect_uris": &cl.RedirectURIs, "post_logout_uris": &cl.PostLogoutURIs, "scopes": &cl.Scopes, "grant_types": &cl.GrantTypes,
		"request_uris": &cl.RequestURIs,
	} {
		if has(name) {
			*to = lines(name)
		}
	}
	cl.GrantTypes = oidc.FullGrants(cl.GrantTypes)
	for name, to := range map[string]*[]string{"groups": &cl.Groups, "response_types": &cl.ResponseTypes} { // names with spaces in them
		if has(name) {
			*to = split(c.Form(name))
		}
	}
	for name, to := range map[string]*string{
		"auth_method": &cl.AuthMethod, "id_token_alg": &cl.IDTokenAlg, "sessions": &cl.Sessions,
		"backchannel_logout_uri": &cl.BackchannelURI, "frontchannel_logout_uri": &cl.FrontchannelURI, "request_object_signing_alg": &cl.RequestAlg,
	} {
		if has(name) {
			*to = strings.TrimSpace(c.Form(name))
		}
	}
	if cl.Type != oidc.Odoo {
		cl.Trusted = c.Form("trusted") != ""
	} else if has("validations") {
		cl.Validations = map[string]int{"one": 1, "two": 2}[c.Form("validations")]
	}
	cl.Choose, cl.FrontchannelPlain, cl.RequirePushed = c.Form("choose") != "", c.Form("frontchannel_plain") != "", c.Form("require_pushed") != ""
	typedDetails(c, &cl)
	var err error
	if set := strings.TrimSpace(c.Form("jwks")); set != "" {
		cl.Keys, err = oidc.ParseKeys([]byte(set))
	} else if has("jwks") {
		cl.Keys = nil
	}
	return cl, err
}

// split reads lines.
func split(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func (f forms) add(c *page.Context, v admin.Visit) error {
	t, err := kindOf(c)
	if err != nil {
		return err
	}
	cl, wrong := typed(c, oidc.Client{Type: t})
	var made oidc.Registered
	if wrong == nil {
		made, wrong = f.clients.Add(c.Context(), v.By, oidc.Input{
			ID: oidc.ClientID(strings.TrimSpace(c.Form("id"))), Name: cl.Name, Type: t, RedirectURIs: cl.RedirectURIs, PostLogoutURIs: cl.PostLogoutURIs, GrantTypes: cl.GrantTypes,
			ResponseTypes: cl.ResponseTypes, Scopes: cl.Scopes, AuthMethod: cl.AuthMethod, IDTokenAlg: cl.IDTokenAlg, Keys: cl.Keys, BackchannelURI: cl.BackchannelURI,
			FrontchannelURI: cl.FrontchannelURI, FrontchannelPlain: cl.FrontchannelPlain, Trusted: cl.Trusted, Groups: cl.Groups, Choose: cl.Choose, Sessions: cl.Sessions, Validations: cl.Validations,
			Requests: cl.Requests, Details: cl.Details,
		})
	}
	if wrong != nil {
		return again(c, newForm(c, v, cl), wrong)
	}
	return f.told.once(c, v, made, "made")
}

// again draws a form with what was typed and what is wrong with it.
func again(c *page.Context, view formView, wrong error) error {
	status := http.StatusBadRequest
	fields, more := view.Fields.Filled(c), view.More.Filled(c)
	switch {
	case errors.Is(wrong, idp.ErrTaken):
		status, more, view.Open = http.StatusConflict, more.Marked("id", c.Words.T("admin.clients.wrong.taken")), true
	case errors.Is(wrong, oidc.ErrChanged):
		status = http.StatusConflict
		view.Fields, view.More = fields, more
		view.Head = view.Refused(c.Words.T("admin.clients.changed"), c.Words.T("admin.clients.changed_text"))
		return drawForm(c, status, view)
	case !errors.Is(wrong, idp.ErrInvalid):
		return wrong
	}
	for _, text := range admin.Wrong(wrong) {
		name, detail, _ := strings.Cut(text, ": ")
		name, _, _ = strings.Cut(name, ",")
		if name == "frontchannel_logout_session_required" {
			name = "frontchannel_plain"
		}
		sentence := c.Words.T("admin.clients.wrong.other")
		if key := fmt.Sprintf("admin.clients.wrong.%s", name); c.Words.Has(key) {
			sentence = c.Words.T(key)
		}
		view.Open = view.Open || slices.ContainsFunc(more, func(f admin.Field) bool { return f.Name == name })
		sentence += particular(c, detail)
		fields, more = fields.Marked(name, sentence), more.Marked(name, sentence)
	}
	view.Fields, view.More = fields, more
	view.Head = view.Refused(c.Words.T("admin.clients.refused"), c.Words.T("admin.clients.refused_text"))
	return drawForm(c, status, view)
}

var quoted = regexp.MustCompile(`"[^"]+"`)

// particular is what a mistake has beyond its sentence: the English of it for who
// reads English, for others the value that is meant.
func particular(c *page.Context, detail string) string {
	if c.Words.Lang() != locale.Fallback {
		detail = quoted.FindString(detail)
	}
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}

func editForm(c *page.Context, v admin.Visit, cl oidc.Client) formView {
	f := formView{
		Head: v.Head(c, crumbs(c, cl)...), Title: c.Words.T("admin.clients.edit_title", cl.Title()), Text: typeName(c, cl.Type),
		Action: address(cl.ID, "edit"), Button: c.Words.T("admin.clients.save"), Cancel: address(cl.ID), Version: cl.Version,
		Freezes: cl.ByItself() && !cl.Self.Frozen,
	}
	f.Fields, f.More = fieldsOf(c, cl)
	return f
}

func (f forms) edit(c *page.Context, v admin.Visit) error {
	cl, err := f.clients.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	return drawForm(c, http.StatusOK, editForm(c, v, cl))
}

func (f forms) update(c *page.Context, v admin.Visit) error {
	cl, err := f.clients.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	next, wrong := typed(c, cl)
	if next.Version, err = strconv.ParseInt(c.Form("version"), 10, 64); err != nil || next.Version == 0 {
		next.Version = -1 // nobody's
	}
	var made oidc.Registered
	if wrong == nil {
		made, wrong = f.clients.Update(c.Context(), v.By, next)
	}
	if wrong != nil {
		view := editForm(c, v, cl)
		return again(c, view, wrong)
	}
	if made.Secret != "" {
		return f.told.once(c, v, made, "needs_secret")
	}
	return c.Redirect(address(cl.ID) + "?done=saved")
}
