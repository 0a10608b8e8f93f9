package rules

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	cells "latchkey/idp/sheet"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type publishing struct{ *Pages }

type previewView struct {
	admin.Head
	URL, Name, Sentence string
	Draft, May          bool
	outlookView
	Who     admin.Field
	Person  *personView
	Publish string
}

// personView is where one person stands, before and after.
type personView struct {
	Name          string
	Before, After []hitRow
}

func (b publishing) preview(c *page.Context, v admin.Visit) error {
	e, err := b.Rules.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	s, err := b.speaker(c.Context(), c)
	if err != nil {
		return err
	}
	o, err := b.Rules.Outlook(c.Context(), v.By, idOf(c), false)
	if err != nil {
		return err
	}
	view := previewOf(c, v, s, e, o)
	status := http.StatusOK
	if who := strings.TrimSpace(c.Query("user")); who != "" {
		view.Who.Value = who
		before, after, err := b.Rules.Look(c.Context(), v.By, idOf(c), who)
		switch {
		case errors.Is(err, idp.ErrNotFound):
			view.Who.Error, status = c.Words.T("admin.policies.wrong.user"), http.StatusBadRequest
		case err != nil:
			return err
		default:
			view.Person = &personView{Name: called(after.User), Before: standings{s}.of(before), After: standings{s}.of(after)}
		}
	}
	return c.Show(set, status, "preview.html", view)
}

func previewOf(c *page.Context, v admin.Visit, s speaker, e rulebook.Entry, o rulebook.Outlook) previewView {
	p := e.Policy
	if e.Draft != nil {
		p = e.Draft.Policy
	}
	view := previewView{
		Head: v.Head(c, trail(c, e)...), URL: pathOf(p.ID), Name: p.Name, Sentence: s.sentence(p), Draft: e.Draft != nil, May: v.May(idp.EditRules),
		outlookView: standings{s}.outlook(c, o, p.ID), Who: admin.Field{Name: "user", Label: c.Words.T("admin.policies.except_user"), Mono: true, Required: true},
	}
	view.Same = view.Same && view.Draft // what is in force changes nothing by itself
	return view
}

// again looks at everybody anew.
func (b publishing) again(c *page.Context, v admin.Visit) error {
	if _, err := b.Rules.Outlook(c.Context(), v.By, idOf(c), true); err != nil {
		return err
	}
	return c.Redirect(pathOf(idOf(c)) + "/preview")
}

// csv streams everybody whom the draft would block. What could be read as a
// formula is not (SECURITY.md D-11).
func (b publishing) csv(c *page.Context, v admin.Visit) error {
	e, err := b.Rules.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	var w *csv.Writer
	head := []string{"user", "id", "state", "from", "because_of_the_change", "can_set_up", "why"}
	open := func() error {
		w = csv.NewWriter(c.Download("preview-"+e.Policy.ID+".csv", "text/csv; charset=utf-8"))
		return w.Write(head)
	}
	err = b.Rules.Hits(c.Context(), v.By, idOf(c), func(h posture.Hit) error {
		if w == nil {
			if err := open(); err != nil {
				return err
			}
		}
		var why []string
		for _, r := range h.Reasons {
			why = append(why, r.Policy+": "+r.Dimension+" "+r.Value)
		}
		return w.Write(cells.Cells([]string{h.Name, string(h.User), string(h.State), string(h.Day), strconv.FormatBool(h.New), strings.Join(kinds(h.SetUp), " "), strings.Join(why, "; ")}))
	})
	switch {
	case err != nil && w == nil:
		return err
	case err != nil:
		panic(http.ErrAbortHandler) // half a file must not look whole
	case w == nil:
		if err := open(); err != nil {
			return err
		}
	}
	w.Flush()
	return nil // the reader may have gone away
}

type publishView struct {
	admin.Head
	URL, Name, Sentence string
	Seen                int
	Changes             []changeRow
	Doubts              []string
	outlookView
	Reason  admin.Field
	Lockout *lockedOut
}

func (b publishing) show(c *page.Context, v admin.Visit) error {
	view, err := b.view(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "publish.html", view)
}

func (b publishing) view(c *page.Context, v admin.Visit) (publishView, error) {
	e, err := b.Rules.Get(c.Context(), v.By, idOf(c))
	if err == nil && e.Draft == nil {
		err = idp.ErrNotFound
	}
	if err != nil {
		return publishView{}, err
	}
	s, err := b.speaker(c.Context(), c)
	if err != nil {
		return publishView{}, err
	}
	o, err := b.Rules.Outlook(c.Context(), v.By, idOf(c), false)
	if err != nil {
		return publishView{}, err
	}
	doubts, err := b.Rules.Doubts(c.Context(), v.By, e.Draft.Policy)
	if err != nil {
		return publishView{}, err
	}
	risk, err := b.Rules.Lockout(c.Context(), v.By, idOf(c))
	if err != nil {
		return publishView{}, err
	}
	return publishOf(c, v, s, e, o, doubts, risk)
}

func publishOf(c *page.Context, v admin.Visit, s speaker, e rulebook.Entry, o rulebook.Outlook, doubts []rulebook.Doubt, risk *rulebook.LockoutError) (publishView, error) {
	d := e.Draft
	changes, err := rulebook.Diff(e.Policy, d.Policy)
	view := publishView{
		Head: v.Head(c, trail(c, e)...), URL: pathOf(d.Policy.ID), Name: d.Policy.Name, Sentence: s.sentence(d.Policy), Seen: d.Version,
		Doubts: s.doubts(doubts), outlookView: standings{s}.outlook(c, o, d.Policy.ID), Reason: reasonField(c),
	}
	if !e.New() {
		view.Changes = s.changes(changes)
	}
	if risk != nil {
		l := lockoutOf(c, risk)
		view.Lockout = &l
	}
	return view, err
}

func (b publishing) publish(c *page.Context, v admin.Visit) error {
	_, err := b.Rules.Publish(c.Context(), v.By, idOf(c), means(c))
	if err == nil {
		return c.Redirect(pathOf(idOf(c)) + "?done=published")
	}
	var lockout *rulebook.LockoutError
	var conflict *rulebook.ConflictError
	var field *rulebook.FieldError
	status, title, text := http.StatusConflict, "", ""
	switch {
	case errors.As(err, &conflict) && conflict.Draft == nil && conflict.Published == nil:
		return c.Redirect(pathOf(idOf(c)) + "?done=conflict")
	case errors.As(err, &conflict):
		title, text = c.Words.T("admin.changed_meanwhile"), meanwhile(c, conflict)
	case errors.As(err, &lockout):
		title, text = c.Words.T("admin.policies.lockout"), c.Words.T("admin.policies.lockout_refused")
	case errors.Is(err, idp.ErrTaken):
		title, text = c.Words.T("admin.refused"), c.Words.T("admin.policies.wrong.taken")
	case errors.As(err, &field):
		status, title, text = http.StatusBadRequest, c.Words.T("admin.refused"), c.Words.T(fmt.Sprintf("admin.policies.wrong.%s", field.Field))
	default:
		return err
	}
	view, err := b.view(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(title, text)
	view.Reason.Value = c.Form("reason")
	return c.Show(set, status, "publish.html", view)
}
