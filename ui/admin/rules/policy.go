package rules

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type one struct{ *Pages }

// valueRow is something that a policy says.
type valueRow struct {
	Label string
	Lines []string
}

// changeRow is something in which two policies differ.
type changeRow struct {
	Label         string
	Before, After []string
}

type policyView struct {
	admin.Head
	URL, Name, Sentence string
	On, New, May        bool
	Version             int
	Values              []valueRow
	Doubts              []string
	Draft               *draftView
}

// draftView is a draft as the page of its policy shows it.
type draftView struct {
	Sentence, Saved string
	Seen            int
	Changes         []changeRow
	Late            string // a version was published since it was begun
}

func (s speaker) changes(all []rulebook.Change) []changeRow {
	var out []changeRow
	for _, d := range all {
		out = append(out, changeRow{s.label(d.Key), s.value(d.Key, d.Before), s.value(d.Key, d.After)})
	}
	return out
}

func (s speaker) values(p policy.Policy) ([]valueRow, error) {
	all, err := rulebook.Diff(policy.Policy{}, p)
	var out []valueRow
	for _, d := range all {
		if d.Key != "name" && d.Key != "enabled" {
			out = append(out, valueRow{s.label(d.Key), s.value(d.Key, d.After)})
		}
	}
	return out, err
}

func (o one) show(c *page.Context, v admin.Visit) error {
	e, err := o.Rules.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	s, err := o.speaker(c.Context(), c)
	if err != nil {
		return err
	}
	shown := e.Policy
	if e.Draft != nil {
		shown = e.Draft.Policy
	}
	doubts, err := o.Rules.Doubts(c.Context(), v.By, shown)
	if err != nil {
		return err
	}
	view, err := policyOf(c, v, s, e, doubts)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "policy.html", view)
}

func policyOf(c *page.Context, v admin.Visit, s speaker, e rulebook.Entry, doubts []rulebook.Doubt) (policyView, error) {
	view := policyView{
		Head: v.Head(c, trail(c)...), URL: pathOf(e.Policy.ID), Name: nameOf(e), On: e.Policy.Enabled, New: e.New(), Version: e.Version, May: v.May(idp.EditRules),
		Doubts: s.doubts(doubts),
	}
	var err error
	if !e.New() {
		view.Sentence = s.sentence(e.Policy)
		if view.Values, err = s.values(e.Policy); err != nil {
			return view, err
		}
	}
	d := e.Draft
	if d == nil {
		return view, nil
	}
	changes, err := rulebook.Diff(e.Policy, d.Policy)
	view.Draft = &draftView{
		Sentence: s.sentence(d.Policy), Saved: c.Words.T("admin.policies.saved", d.Who, c.Words.DateTime(d.At)), Seen: d.Version, Changes: s.changes(changes),
	}
	if d.Base != e.Version {
		view.Draft.Late = c.Words.T("admin.policies.late", e.Version)
	}
	return view, err
}

// doubts are what somebody should know before a policy is in force.
func (s speaker) doubts(all []rulebook.Doubt) (out []string) {
	for _, d := range all {
		value := d.Value
		if d.Kind == rulebook.Past {
			value = s.day(policy.Date(value))
		}
		switch d.Kind {
		case rulebook.Unmeetable:
			out = append(out, s.T("admin.policies.doubt.unmeetable"))
			continue
		case rulebook.HardLock:
			out = append(out, s.T("admin.policies.doubt.lock"))
			continue
		}
		out = append(out, s.T(fmt.Sprintf("admin.policies.doubt.%s", d.Kind), value))
	}
	return out
}

// inForce is the entry of the path, if it is more than a draft.
func (o one) inForce(c *page.Context, v admin.Visit) (rulebook.Entry, error) {
	e, err := o.Rules.Get(c.Context(), v.By, idOf(c))
	if err == nil && e.New() {
		err = idp.ErrNotFound
	}
	return e, err
}

// means are those of a confirmed change.
func means(c *page.Context) rulebook.Means {
	seen, _ := strconv.Atoi(c.Form("seen"))
	return rulebook.Means{Reason: c.Form("reason"), Confirm: strings.TrimSpace(c.Form("confirm")), Seen: seen}
}

func reasonField(c *page.Context) admin.Field {
	return admin.Field{Name: "reason", Label: c.Words.T("admin.policies.reason_label"), Help: c.Words.T("admin.policies.reason_help")}
}

// confirmed ends a change of what is in force: back to the policy, or the same
// question once more with what is wrong.
func (p *Pages) confirmed(c *page.Context, err error, done string, again func() (sureView, error)) error {
	if err == nil {
		return c.Redirect(done)
	}
	status := http.StatusBadRequest
	var lockout *rulebook.LockoutError
	var conflict *rulebook.ConflictError
	var field *rulebook.FieldError
	if !errors.As(err, &lockout) && !errors.As(err, &conflict) && !errors.As(err, &field) {
		return err
	}
	view, bad := again()
	if bad != nil {
		return bad
	}
	view.Confirm.Fields = view.Confirm.Fields.Filled(c)
	switch {
	case lockout != nil:
		status = http.StatusConflict
		l := lockoutOf(c, lockout)
		view.Head = view.Refused(l.Title, l.Text)
		view.Confirm.Fields = append(view.Confirm.Fields, l.Field)
	case conflict != nil:
		status = http.StatusConflict
		view.Head = view.Refused(c.Words.T("admin.changed_meanwhile"), meanwhile(c, conflict))
	default:
		text := c.Words.T(fmt.Sprintf("admin.policies.wrong.%s", field.Field))
		view.Head = view.Refused(c.Words.T("admin.refused"), "")
		if !slices.ContainsFunc(view.Confirm.Fields, func(f admin.Field) bool { return f.Name == field.Field }) {
			view.Head = view.Refused(c.Words.T("admin.refused"), text)
		}
		view.Confirm.Fields = view.Confirm.Fields.Marked(field.Field, text)
	}
	return c.Show(set, status, "sure.html", view)
}

// meanwhile says who was quicker.
func meanwhile(c *page.Context, e *rulebook.ConflictError) string {
	switch {
	case e.Published != nil:
		return c.Words.T("admin.policies.published_meanwhile", e.Published.Number, e.Published.Who, c.Words.DateTime(e.Published.At))
	case e.Draft != nil:
		return c.Words.T("admin.policies.theirs", e.Draft.Who, c.Words.DateTime(e.Draft.At))
	}
	return c.Words.T("admin.policies.draft_gone")
}

// lockedOut is the warning that somebody would lock themselves out, with the
// field for the word that confirms.
type lockedOut struct {
	Title, Text string
	People      []string
	Field       admin.Field
}

func lockoutOf(c *page.Context, e *rulebook.LockoutError) lockedOut {
	out := lockedOut{Title: c.Words.T("admin.policies.lockout")}
	var who []string
	if e.Self {
		who = append(who, c.Words.T("admin.policies.lockout_self"))
	}
	switch {
	case e.Staff:
		who = append(who, c.Words.T("admin.policies.lockout_staff"))
	case e.Owners:
		who = append(who, c.Words.T("admin.policies.lockout_owners"))
	}
	out.Text = strings.Join(append(who, c.Words.T("admin.policies.lockout_way")), " ")
	for _, u := range e.People {
		out.People = append(out.People, called(u))
	}
	out.Field = admin.Field{Name: "confirm", Label: c.Words.T("admin.policies.lockout_label", e.Word), Required: true, Mono: true}
	return out
}

// called is how lists name a person.
func called(u idp.User) string {
	if u.Email != "" {
		return u.Email
	}
	return u.Login
}

func (o one) sureSwitch(c *page.Context, v admin.Visit) error {
	view, _, err := o.switching(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", view)
}

func (o one) switching(c *page.Context, v admin.Visit) (sureView, rulebook.Entry, error) {
	e, err := o.inForce(c, v)
	if err != nil {
		return sureView{}, e, err
	}
	way := "on"
	if e.Policy.Enabled {
		way = "off"
	}
	return sureView{v.Head(c, trail(c, e)...), admin.Confirm{
		ID: "policy-switch", Title: c.Words.T(fmt.Sprintf("admin.policies.switch_title_%s", way), e.Policy.Name), Text: []string{c.Words.T(fmt.Sprintf("admin.policies.switch_text_%s", way))},
		Action: pathOf(idOf(c)) + "/switch", Button: c.Words.T(fmt.Sprintf("admin.policies.switch_%s", way)), Danger: way == "off", Cancel: pathOf(idOf(c)),
		Hidden: []admin.Hidden{{Name: "to", Value: way}, {Name: "seen", Value: strconv.Itoa(e.Version)}}, Fields: admin.Fields{reasonField(c)},
	}}, e, nil
}

func (o one) turn(c *page.Context, v admin.Visit) error {
	_, err := o.Rules.Switch(c.Context(), v.By, idOf(c), c.Form("to") == "on", means(c))
	return o.confirmed(c, err, pathOf(idOf(c))+"?done=switched", func() (sureView, error) {
		view, _, err := o.switching(c, v)
		return view, err
	})
}

func (o one) sureRemove(c *page.Context, v admin.Visit) error {
	view, err := o.removing(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", view)
}

func (o one) removing(c *page.Context, v admin.Visit) (sureView, error) {
	e, err := o.inForce(c, v)
	if err != nil {
		return sureView{}, err
	}
	text := []string{c.Words.T("admin.policies.remove_text")}
	if n, counted := o.counted(c, v, e.Policy.ID); counted {
		text = append(text, c.Words.N("admin.policies.remove_people", n))
	}
	return sureView{v.Head(c, trail(c, e)...), admin.Confirm{
		ID: "policy-remove", Title: c.Words.T("admin.policies.remove_title", e.Policy.Name), Text: text,
		Action: pathOf(idOf(c)) + "/remove", Button: c.Words.T("admin.remove"), Danger: true, Cancel: pathOf(idOf(c)),
		Hidden: []admin.Hidden{{Name: "seen", Value: strconv.Itoa(e.Version)}}, Fields: admin.Fields{reasonField(c)},
	}}, nil
}

// counted is for how many people a policy is, if that is known.
func (p *Pages) counted(c *page.Context, v admin.Visit, id string) (int, bool) {
	covered, err := p.Rules.Coverage(c.Context(), v.By, false)
	n, there := covered.By[id]
	return n.People, err == nil && there
}

func (o one) remove(c *page.Context, v admin.Visit) error {
	err := o.Rules.Remove(c.Context(), v.By, idOf(c), means(c))
	return o.confirmed(c, err, policiesPath+"?done=removed", func() (sureView, error) { return o.removing(c, v) })
}

func (o one) sureExempt(c *page.Context, v admin.Visit) error {
	view, err := o.exempting(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", view)
}

func (o one) exempting(c *page.Context, v admin.Visit) (sureView, error) {
	e, err := o.inForce(c, v)
	if err != nil {
		return sureView{}, err
	}
	const usual = 7 // days
	today := c.Now().UTC()
	reason := reasonField(c)
	reason.Required = true
	return sureView{v.Head(c, trail(c, e)...), admin.Confirm{
		ID: "policy-exempt", Title: c.Words.T("admin.policies.exempt_title", e.Policy.Name), Text: []string{c.Words.T("admin.policies.exempt_text")},
		Action: pathOf(idOf(c)) + "/exempt", Button: c.Words.T("admin.policies.exempt"), Cancel: pathOf(idOf(c)),
		Hidden: []admin.Hidden{{Name: "seen", Value: strconv.Itoa(e.Version)}},
		Fields: admin.Fields{
			{Name: "user", Label: c.Words.T("admin.policies.except_user"), Value: c.Query("user"), Required: true, Mono: true},
			{Name: "until", Label: c.Words.T("admin.policies.except_until"), Type: "date", Value: today.AddDate(0, 0, usual).Format(time.DateOnly), Min: today.Format(time.DateOnly), Max: today.AddDate(1, 0, 0).Format(time.DateOnly), Required: true},
			reason,
		},
	}}, nil
}

func (o one) exempt(c *page.Context, v admin.Visit) error {
	_, err := o.Rules.Exempt(c.Context(), v.By, idOf(c), c.Form("user"), policy.Date(c.Form("until")), means(c))
	return o.confirmed(c, err, pathOf(idOf(c))+"?done=exempted", func() (sureView, error) { return o.exempting(c, v) })
}
