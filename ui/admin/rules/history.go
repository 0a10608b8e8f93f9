package rules

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type versions struct{ *Pages }

// perPage is how many versions a page lists.
const perPage = 50

type versionRow struct {
	URL, Act, When, Who, Reason string
	Number                      int
	Current                     bool
}

type historyView struct {
	admin.Head
	Name  string
	Rows  []versionRow
	Pager admin.Pager
}

type versionView struct {
	admin.Head
	Name, Sentence, Body string
	Row                  versionRow
	Against              int
	Others               []versionRow
	Title                string
	Changes              []changeRow
	Same, May            bool
	Rollback             string
}

func rowOf(c *page.Context, v rulebook.Version) versionRow {
	act := c.Words.T(fmt.Sprintf("admin.policies.act.%s", v.Act))
	if v.Source > 0 {
		act += " (" + strconv.Itoa(v.Source) + ")"
	}
	who := v.Who
	if who == "" {
		who = "–"
	}
	return versionRow{URL: pathOf(v.Policy) + "/history/" + strconv.Itoa(v.Number), Act: act, When: c.Words.DateTime(v.At), Who: who, Reason: v.Reason, Number: v.Number}
}

func (h versions) list(c *page.Context, v admin.Visit) error {
	before, _ := strconv.Atoi(c.Query("before"))
	vs, err := h.Rules.History(c.Context(), v.By, idOf(c), before, perPage+1)
	if err != nil {
		return err
	}
	crumbs, name, err := h.crumbs(c, v, vs)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "history.html", historyOf(c, v, crumbs, name, vs, before))
}

// crumbs lead back to the policy, if it is there: one that was removed has its
// history alone, and one that never was is not found.
func (h versions) crumbs(c *page.Context, v admin.Visit, vs []rulebook.Version) ([]admin.Crumb, string, error) {
	e, err := h.Rules.Get(c.Context(), v.By, idOf(c))
	switch {
	case err == nil:
		return trail(c, e), nameOf(e), nil
	case errors.Is(err, idp.ErrNotFound) && len(vs) > 0:
		return trail(c), vs[0].Name, nil
	}
	return nil, "", err
}

func historyOf(c *page.Context, v admin.Visit, crumbs []admin.Crumb, name string, vs []rulebook.Version, before int) historyView {
	view := historyView{Head: v.Head(c, crumbs...), Name: name}
	path := pathOf(idOf(c)) + "/history"
	if before > 0 {
		view.Pager.First = path
	}
	if len(vs) > perPage {
		vs = vs[:perPage]
		view.Pager.Next = path + "?before=" + strconv.Itoa(vs[perPage-1].Number)
	}
	for i, one := range vs {
		row := rowOf(c, one)
		row.Current = before == 0 && i == 0 && one.Act != rulebook.Removed
		view.Rows = append(view.Rows, row)
	}
	return view
}

// back leads from a version to the history that it is of.
func back(c *page.Context, name, id string) []admin.Crumb {
	return append(trail(c), admin.Crumb{Title: c.Words.T("admin.policies.history_title", name), URL: pathOf(id) + "/history"})
}

// version is the one of the path.
func (h versions) version(c *page.Context, v admin.Visit) (rulebook.Version, error) {
	n, err := strconv.Atoi(c.R.PathValue("version"))
	if err != nil {
		return rulebook.Version{}, idp.ErrNotFound
	}
	return h.Rules.Version(c.Context(), v.By, idOf(c), n)
}

func (h versions) show(c *page.Context, v admin.Visit) error {
	one, err := h.version(c, v)
	if err != nil {
		return err
	}
	vs, err := h.Rules.History(c.Context(), v.By, idOf(c), 0, perPage)
	if err != nil {
		return err
	}
	against, _ := strconv.Atoi(c.Query("against"))
	if against == 0 {
		against = one.Number - 1
	}
	var other rulebook.Version
	if against > 0 {
		if other, err = h.Rules.Version(c.Context(), v.By, idOf(c), against); err != nil {
			return err
		}
	}
	s, err := h.speaker(c.Context(), c)
	if err != nil {
		return err
	}
	view, err := versionOf(c, v, s, one, other, vs)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "version.html", view)
}

func versionOf(c *page.Context, v admin.Visit, s speaker, one, other rulebook.Version, all []rulebook.Version) (versionView, error) {
	id := one.Policy
	view := versionView{
		Head: v.Head(c, back(c, one.Name, id)...),
		Name: one.Name, Body: one.Body, Row: rowOf(c, one), Against: other.Number,
	}
	is, err := one.Read()
	if err != nil {
		return view, nil //nolint:nilerr // an old file that is no longer one is shown as it is
	}
	view.Sentence = s.sentence(is)
	latest := len(all) == 0 || all[0].Number == one.Number
	if v.May(idp.EditRules) && (!latest || one.Act == rulebook.Removed) {
		view.Rollback = view.Row.URL + "/rollback"
	}
	for _, o := range all {
		if o.Number != one.Number {
			view.Others = append(view.Others, rowOf(c, o))
		}
	}
	if other.Number == 0 {
		return view, nil
	}
	was, err := other.Read()
	if err != nil {
		return view, nil //nolint:nilerr // as above
	}
	changes, err := rulebook.Diff(was, is)
	view.Changes, view.Same = s.changes(changes), len(changes) == 0
	return view, err
}

func (h versions) sure(c *page.Context, v admin.Visit) error {
	view, err := h.rolling(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", view)
}

func (h versions) rolling(c *page.Context, v admin.Visit) (sureView, error) {
	one, err := h.version(c, v)
	if err != nil {
		return sureView{}, err
	}
	last := 0
	if vs, err := h.Rules.History(c.Context(), v.By, idOf(c), 0, 1); err != nil {
		return sureView{}, err
	} else if len(vs) > 0 {
		last = vs[0].Number
	}
	s, err := h.speaker(c.Context(), c)
	if err != nil {
		return sureView{}, err
	}
	is, err := one.Read()
	if err != nil && !errors.Is(err, policy.ErrInvalid) {
		return sureView{}, err
	}
	url := pathOf(one.Policy) + "/history/" + strconv.Itoa(one.Number)
	return sureView{v.Head(c, back(c, one.Name, one.Policy)...), admin.Confirm{
		ID: "policy-rollback", Title: c.Words.T("admin.policies.rollback_title", one.Name, one.Number),
		Text:   []string{c.Words.T("admin.policies.rollback_text"), s.sentence(is)},
		Action: url + "/rollback", Button: c.Words.T("admin.policies.rollback"), Cancel: url,
		Hidden: []admin.Hidden{{Name: "seen", Value: strconv.Itoa(last)}}, Fields: admin.Fields{reasonField(c)},
	}}, nil
}

func (h versions) rollback(c *page.Context, v admin.Visit) error {
	one, err := h.version(c, v)
	if err == nil {
		_, err = h.Rules.Rollback(c.Context(), v.By, idOf(c), one.Number, means(c))
	}
	if errors.Is(err, idp.ErrTaken) {
		err = &rulebook.FieldError{Field: "taken"}
	}
	return h.confirmed(c, err, pathOf(idOf(c))+"?done=rolled_back", func() (sureView, error) { return h.rolling(c, v) })
}
