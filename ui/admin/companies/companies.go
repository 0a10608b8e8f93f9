// Package companies draws the part of the administration about customer companies:
// who belongs to them, and which main contacts look after their people.
//
// It decides nothing: idp/company does.
package companies

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Addresses.
const (
	listPath    = admin.Home + "/companies"
	companyPath = listPath + "/:company"
	memberPath  = companyPath + "/people/:member"
)

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Companies *company.Service
	Accounts  Finder
}

// Finder names a person by e-mail, login or id; package account has one.
type Finder interface {
	Find(ctx context.Context, who string) (idp.User, error)
}

// Sections lists the parts, in the order of the navigation.
func (p *Pages) Sections() []admin.Section {
	see, edit := idp.SeePeople, idp.EditPeople
	return []admin.Section{{Name: "companies", Path: listPath, Right: see, Group: "people", Routes: []admin.Route{
		admin.Get(listPath, see, p.list),
		admin.Post(listPath, edit, listPath, p.add),
		admin.Get(companyPath, see, p.show),
		admin.Post(companyPath+"/rename", edit, companyPath, p.rename),
		admin.Post(companyPath+"/put", edit, companyPath, p.put).Guarded(),
		admin.Post(memberPath+"/lead", edit, companyPath, p.lead).Guarded(),
		admin.Post(memberPath+"/take", edit, companyPath, p.take).Guarded(),
		admin.Get(companyPath+"/remove", edit, p.sure),
		admin.Post(companyPath+"/remove", edit, companyPath+"/remove", p.remove).Guarded(),
	}}}
}

// perPage is how many companies or members a page lists.
const perPage = 50

func addressOf(id string) string { return listPath + "/" + url.PathEscape(id) }

func idOf(c *page.Context) string { return c.R.PathValue("company") }

type companyRow struct{ URL, Name, Source, People, Leads string }

type listView struct {
	admin.Head
	Text  string
	Rows  []companyRow
	Empty *admin.Empty
	Add   admin.Field
	May   bool
	Pager admin.Pager
}

func (p *Pages) list(c *page.Context, v admin.Visit) error {
	view, err := p.listed(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "list.html", view)
}

func (p *Pages) listed(c *page.Context, v admin.Visit) (listView, error) {
	q := company.Query{Text: strings.TrimSpace(c.Query("q")), After: c.Query("after"), Limit: perPage + 1}
	all, err := p.Companies.List(c.Context(), v.By, q)
	return listOf(c, v, q, all), err
}

func listOf(c *page.Context, v admin.Visit, q company.Query, all []company.Listed) listView {
	view := listView{
		Head: v.Head(c), Text: q.Text, May: v.May(idp.EditPeople),
		Add: admin.Field{Name: "name", Label: c.Words.T("admin.companies.name"), Required: true, Auto: "off"},
	}
	if q.After != "" {
		view.Pager.First = listPath + "?" + url.Values{"q": {q.Text}}.Encode()
	}
	if len(all) > perPage {
		all = all[:perPage]
		view.Pager.Next = listPath + "?" + url.Values{"q": {q.Text}, "after": {all[perPage-1].ID}}.Encode()
	}
	for _, one := range all {
		view.Rows = append(view.Rows, companyRow{addressOf(one.ID), one.Name, one.Connection(), strconv.Itoa(one.People), strconv.Itoa(one.Leads)})
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.companies.none"), Text: c.Words.T("admin.companies.none_text")}
		if q.Text != "" {
			view.Empty = &admin.Empty{Title: c.Words.T("admin.companies.not_found")}
		}
	}
	return view
}

func (p *Pages) add(c *page.Context, v admin.Visit) error {
	is, err := p.Companies.Add(c.Context(), v.By, c.Form("name"))
	if err == nil {
		return c.Redirect(addressOf(is.ID) + "?done=added")
	} else if !errors.Is(err, idp.ErrInvalid) {
		return err
	}
	view, err := p.listed(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	view.Add.Value, view.Add.Error = c.Form("name"), c.Words.T("admin.companies.name_wrong")
	return c.Show(set, http.StatusBadRequest, "list.html", view)
}

type memberRow struct {
	ID, URL, Name, Email string
	Lead, Hand           bool
	Asked                bool // an invitation to an address that is somebody's elsewhere
	Off                  bool
	Factor               bool
}

type companyView struct {
	admin.Head
	ID, Name, Feed, URL string
	Rows                []memberRow
	Empty               *admin.Empty
	Who, Lead, Rename   admin.Field
	May                 bool
	Pager               admin.Pager
}

func (p *Pages) show(c *page.Context, v admin.Visit) error {
	view, err := p.one(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "company.html", view)
}

func (p *Pages) one(c *page.Context, v admin.Visit) (companyView, error) {
	is, err := p.Companies.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return companyView{}, err
	}
	q := company.MemberQuery{Company: is.ID, After: c.Query("after"), Limit: perPage + 1}
	all, err := p.Companies.Members(c.Context(), v.By, q)
	return companyOf(c, v, is, q, all), err
}

func companyOf(c *page.Context, v admin.Visit, is company.Company, q company.MemberQuery, all []company.Member) companyView {
	view := companyView{
		Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.companies"), URL: listPath}), ID: is.ID, Name: is.Name, Feed: is.Connection(), URL: addressOf(is.ID),
		May:    v.May(idp.EditPeople),
		Who:    admin.Field{Name: "who", Label: c.Words.T("admin.companies.who"), Help: c.Words.T("admin.companies.who_help"), Required: true, Auto: "off"},
		Lead:   admin.Field{Name: "lead", Type: "checkbox", Label: c.Words.T("admin.companies.as_lead"), Help: c.Words.T("admin.companies.lead_help")},
		Rename: admin.Field{Name: "name", Label: c.Words.T("admin.companies.name"), Value: is.Name, Required: true, Auto: "off"},
	}
	if q.After != "" {
		view.Pager.First = view.URL
	}
	if len(all) > perPage {
		all = all[:perPage]
		view.Pager.Next = view.URL + "?" + url.Values{"after": {all[perPage-1].ID}}.Encode()
	}
	for _, m := range all {
		row := memberRow{ID: m.ID, Name: m.User.Name, Email: m.User.Email, Lead: m.Lead, Hand: m.Hand, Off: m.User.Disabled, Factor: m.Factor}
		if row.URL = admin.Home + "/users/" + string(m.User.ID); m.User.ID == "" {
			row.URL, row.Name, row.Email, row.Asked = "", m.Name, m.Email, true
		}
		view.Rows = append(view.Rows, row)
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.companies.nobody"), Text: c.Words.T("admin.companies.nobody_text")}
	}
	return view
}

func (p *Pages) rename(c *page.Context, v admin.Visit) error {
	err := p.Companies.Rename(c.Context(), v.By, idOf(c), c.Form("name"))
	if !errors.Is(err, idp.ErrInvalid) {
		return p.ended(c, err, "renamed")
	}
	return p.refused(c, v, func(view *companyView) {
		view.Rename.Value, view.Rename.Error = c.Form("name"), c.Words.T("admin.companies.name_wrong")
	})
}

func (p *Pages) put(c *page.Context, v admin.Visit) error {
	u, err := p.Accounts.Find(c.Context(), strings.TrimSpace(c.Form("who")))
	word := "who_unknown"
	if err == nil {
		err, word = p.Companies.Put(c.Context(), v.By, idOf(c), u.ID, c.Form("lead") != ""), "who_wrong"
	}
	if word == "who_unknown" && !errors.Is(err, idp.ErrNotFound) || word == "who_wrong" && !errors.Is(err, idp.ErrInvalid) {
		return p.ended(c, err, "put")
	}
	return p.refused(c, v, func(view *companyView) {
		view.Who.Value, view.Lead.Value, view.Who.Error = c.Form("who"), c.Form("lead"), c.Words.T(fmt.Sprintf("admin.companies.%s", word))
	})
}

// refused draws the page of the company again.
func (p *Pages) refused(c *page.Context, v admin.Visit, mark func(*companyView)) error {
	view, err := p.one(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	mark(&view)
	return c.Show(set, http.StatusBadRequest, "company.html", view)
}

func (p *Pages) lead(c *page.Context, v admin.Visit) error {
	m, err := p.Companies.Member(c.Context(), v.By, idOf(c), c.R.PathValue("member"))
	if err == nil {
		err = p.Companies.Put(c.Context(), v.By, idOf(c), m.User.ID, c.Form("lead") != "")
	}
	return p.ended(c, err, "lead")
}

func (p *Pages) take(c *page.Context, v admin.Visit) error {
	return p.ended(c, p.Companies.Take(c.Context(), v.By, idOf(c), c.R.PathValue("member")), "taken")
}

// ended leads back to the company.
func (p *Pages) ended(c *page.Context, err error, done string) error {
	if err != nil {
		return err
	}
	return c.Redirect(addressOf(idOf(c)) + "?done=" + done)
}

type sureView struct {
	admin.Head
	Confirm admin.Confirm
}

func (p *Pages) sure(c *page.Context, v admin.Visit) error {
	is, err := p.Companies.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", sureOf(c, v, is))
}

func sureOf(c *page.Context, v admin.Visit, is company.Company) sureView {
	out := admin.Confirm{
		ID: "company-remove", Title: c.Words.T("admin.companies.remove_title", is.Name), Text: []string{c.Words.T("admin.companies.remove_text")},
		Action: addressOf(is.ID) + "/remove", Button: c.Words.T("admin.remove"), Danger: true, Cancel: addressOf(is.ID),
	}
	if feed := is.Connection(); feed != "" {
		out.Text = append(out.Text, c.Words.T("admin.companies.remove_fed", feed))
	}
	return sureView{v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.companies"), URL: listPath}, admin.Crumb{Title: is.Name, URL: addressOf(is.ID)}), out}
}

func (p *Pages) remove(c *page.Context, v admin.Visit) error {
	if err := p.Companies.Remove(c.Context(), v.By, idOf(c)); err != nil {
		return err
	}
	return c.Redirect(listPath + "?done=removed")
}
