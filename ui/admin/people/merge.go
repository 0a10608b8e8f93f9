package people

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"latchkey/idp"
	"latchkey/idp/people"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// merges is the pages on which two accounts become one.
type merges struct{ *Pages }

// mergeView is the page on which two accounts become one.
type mergeView struct {
	admin.Head
	Title  string
	URL    string
	With   admin.Field // the other account, to be named
	Found  []personView
	Merged *mergedView // nil: the other one is not chosen yet
}

type mergedView struct {
	Keep, Gone     page.Person
	KeepID, GoneID string
	Facts          []fact
	Fields         admin.Fields
}

// mergedWith is the page on which the other account is chosen already.
func mergedWith(c *page.Context) string {
	return urlOf(idp.UserID(c.R.PathValue("user"))) + "/merge?with=" + url.QueryEscape(c.Form("with"))
}

func (p merges) mergePage(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.EditPeople)
	if err != nil {
		return err
	}
	return p.showMerge(c, v, http.StatusOK, u, v.Head(c, crumb(c, u)...), idp.UserID(c.Query("with")))
}

// showMerge looks for the other account, or shows what would happen to it.
func (p merges) showMerge(c *page.Context, v admin.Visit, status int, keep idp.User, h admin.Head, other idp.UserID) error {
	view := mergeView{
		Head: h, Title: c.Words.T("admin.users.merge_title", page.PersonOf(keep).Name), URL: urlOf(keep.ID) + "/merge",
		With: admin.Field{Name: "q", Label: c.Words.T("admin.users.merge_with"), Type: "search", Value: c.Query("q"), Help: c.Words.T("admin.users.search_help"), Auto: "off"},
	}
	if view.With.Value == "" {
		view.With.Value = keep.Name
	}
	if other == "" {
		found, err := p.Directory.Search(c.Context(), v.By, people.Query{Filter: people.Filter{Text: view.With.Value}, Limit: 20})
		if err != nil {
			return err
		}
		for _, e := range found.People {
			if e.User.ID != keep.ID && v.By.MayTouch(idp.EditPeople, e.User) == nil {
				one := personOf(c, v, e, false)
				one.URL = view.URL + "?with=" + one.ID
				view.Found = append(view.Found, one)
			}
		}
		return c.Show(set, status, "merge.html", view)
	}
	m, err := p.Merging.Preview(c.Context(), v.By, people.Merge{Keep: keep.ID, Gone: other})
	if said := troubleOf(c, err); said != "" {
		view.Head = h.Refused(c.Words.T("admin.users.refused"), said)
		return c.Show(set, http.StatusConflict, "merge.html", view)
	} else if err != nil {
		return err
	}
	view.Merged = mergedOf(c, m)
	c.Here(view.URL + "?with=" + string(other))
	return c.Show(set, status, "merge.html", view)
}

func mergedOf(c *page.Context, m people.Merged) *mergedView {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	list := func(n int, names []string) string {
		if n == 0 {
			return c.Words.T("security.none")
		}
		return strings.Join(names, ", ")
	}
	var ties, stuck, consents []string
	for _, x := range m.Ties {
		ties = append(ties, x.Connection+": "+x.Login)
	}
	for _, x := range m.Stuck {
		stuck = append(stuck, x.Connection+": "+x.Login)
	}
	for _, x := range m.Consents {
		consents = append(consents, string(x))
	}
	out := &mergedView{Keep: page.PersonOf(m.Keep), Gone: page.PersonOf(m.Gone), KeepID: string(m.Keep.ID), GoneID: string(m.Gone.ID)}
	out.Facts = []fact{
		{Name: t("merge_groups"), Value: list(len(m.Groups), m.Groups)}, {Name: t("merge_ties"), Value: list(len(ties), ties)},
		{Name: t("merge_consents"), Value: list(len(consents), consents)}, {Name: t("merge_factors"), Value: fmt.Sprint(m.Factors)},
	}
	if len(stuck) > 0 {
		out.Facts = append(out.Facts, fact{Name: t("merge_stuck"), Value: strings.Join(stuck, ", ")})
	}
	if m.KindDiffer {
		out.Facts = append(out.Facts, fact{Name: t("kind"), Value: t("merge_kinds")})
	}
	if m.Gone.Role != "" {
		out.Facts = append(out.Facts, fact{Name: t("role"), Value: c.Words.T("admin.users.merge_role", roleName(c, m.Gone.Role))})
	}
	out.Fields = admin.Fields{admin.Select(c, "then", t("merge_then"), "admin.users.merge_%s", "disable", "disable", "remove")}
	return out
}

func (p merges) merge(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.EditPeople)
	if err != nil {
		return err
	}
	gone := idp.UserID(c.Form("with"))
	_, err = p.Merging.Do(c.Context(), v.By, people.Merge{Keep: u.ID, Gone: gone, Remove: c.Form("then") == "remove"})
	if said := troubleOf(c, err); said != "" && !errors.Is(err, idp.ErrDenied) {
		return p.showMerge(c, v, http.StatusConflict, u, v.Head(c, crumb(c, u)...).Refused(c.Words.T("admin.users.refused"), said), "")
	} else if err != nil {
		return err
	}
	return c.Redirect(urlOf(u.ID) + "?done=merge")
}
