package rules

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type editor struct{ *Pages }

type editView struct {
	admin.Head
	Title, Action, Cancel string
	ID                    string
	Seen                  int
	AsFile                bool
	File                  admin.Field
	Lines                 []string // what is wrong with the file, line by line
	Sections              []section
	Theirs                []changeRow // of a conflict: what somebody else has written
	TheirsWho             string
	Templates             []templateCard
	Blank                 string // address of an empty form
}

// begin offers templates, or the form of one of them.
func (e editor) begin(c *page.Context, v admin.Visit) error {
	name := c.Query("template")
	if name == "" {
		head := v.Head(c, trail(c)...)
		return c.Show(set, http.StatusOK, "new.html", editView{Head: head, Templates: templates(c), Blank: newPath + "?template=blank"})
	}
	p := policy.Policy{Enabled: true}
	all := rulebook.Templates(c.Now())
	if i := slices.IndexFunc(all, func(t rulebook.Template) bool { return t.Name == name }); i >= 0 {
		p = all[i].Policy
	} else if name != "blank" {
		return idp.ErrNotFound
	}
	return e.draw(c, v, http.StatusOK, sheet{policy: p, asFile: c.Query("as") == "file"}.again(c, newPath))
}

// edit shows the draft, or what is in force as one that is to begin.
func (e editor) edit(c *page.Context, v admin.Visit) error {
	entry, err := e.Rules.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	s := sheet{entry: &entry, policy: entry.Policy, asFile: c.Query("as") == "file"}
	if entry.Draft != nil {
		s.policy, s.seen = entry.Draft.Policy, entry.Draft.Version
	}
	return e.draw(c, v, http.StatusOK, s.again(c, pathOf(entry.Policy.ID)+"/edit"))
}

// again is the sheet as it was typed, if it is the form for that path that is
// filled in again: as a form or as a file, and with as many rows.
func (s sheet) again(c *page.Context, path string) sheet {
	if !c.Forms.Refilled(path) {
		return s
	}
	if s.asFile = c.Form("as") == "file"; s.asFile {
		s.text = c.Form("file")
	} else {
		s.values = posted(c)
	}
	return s
}

// sheet is what the editor shows.
type sheet struct {
	entry  *rulebook.Entry // nil: a new policy
	policy policy.Policy
	values policy.Values // as typed; nil: those of the policy
	text   string        // as typed; empty: the policy's file
	asFile bool
	seen   int
	wrong  error
	theirs *rulebook.Draft
	gone   bool // published or thrown away meanwhile: what was typed begins a new draft
}

func (e editor) draw(c *page.Context, v admin.Visit, status int, s sheet) error {
	view := editView{AsFile: s.asFile, Seen: s.seen, Title: c.Words.T("admin.policies.new"), Action: newPath, Cancel: policiesPath, Head: v.Head(c, trail(c)...)}
	if s.entry != nil {
		id := s.entry.Policy.ID
		view.ID, view.Title, view.Action, view.Cancel = id, c.Words.T("admin.policies.edit_title", nameOf(*s.entry)), pathOf(id)+"/edit", pathOf(id)
		view.Head = v.Head(c, trail(c, *s.entry)...)
	}
	ms := mistakesOf(s.wrong)
	say, err := e.speaker(c.Context(), c)
	if err != nil {
		return err
	}
	if err := e.fill(c, v, &view, s, say, ms); err != nil {
		return err
	}
	if s.wrong != nil {
		view.Head = view.Refused(c.Words.T("admin.refused"), "")
	}
	if errors.Is(s.wrong, idp.ErrTaken) {
		view.Sections = named(view.Sections, c.Words.T("admin.policies.wrong.taken"))
		view.Lines = append(view.Lines, c.Words.T("admin.policies.wrong.taken"))
	}
	if s.gone {
		view.Head = view.Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.policies.draft_gone"))
	}
	if s.theirs != nil {
		view.Head = view.Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.policies.theirs_text"))
		view.TheirsWho = c.Words.T("admin.policies.theirs", s.theirs.Who, c.Words.DateTime(s.theirs.At))
		changes, err := rulebook.Diff(s.policy, s.theirs.Policy)
		if err != nil {
			return err
		}
		view.Theirs = say.changes(changes)
	}
	return c.Show(set, status, "edit.html", view)
}

// fill draws the form, or the file.
func (e editor) fill(c *page.Context, v admin.Visit, view *editView, s sheet, say speaker, ms policy.Mistakes) (err error) {
	if s.asFile {
		text := s.text
		if text == "" {
			b, err := policy.Format([]policy.Policy{s.policy})
			if err != nil {
				return err
			}
			text = string(b)
		}
		view.File = admin.Field{Name: "file", Label: c.Words.T("admin.policies.file"), Help: c.Words.T("admin.policies.file_help"), Type: "textarea", Value: text, Mono: true, Rows: 24}
		for _, m := range ms {
			view.Lines = append(view.Lines, m.String())
		}
		if s.wrong != nil && len(ms) == 0 && !errors.Is(s.wrong, idp.ErrTaken) {
			view.Lines = append(view.Lines, c.Words.T("admin.policies.wrong.one"))
		}
		return nil
	}
	values := s.values
	if values == nil {
		if values, err = policy.ValuesOf(s.policy); err != nil {
			return err
		}
	}
	k, err := e.known(c.Context(), v.By)
	view.Sections = former{say}.sections(values, ms, k)
	return err
}

// named puts what is wrong beside the name.
func named(all []section, text string) []section {
	for i := range all {
		for j := range all[i].Inputs {
			if all[i].Inputs[j].Name == "name" {
				all[i].Inputs[j].Field.Error = text
			}
		}
	}
	return all
}

// save keeps a draft, or shows what was typed the other way: as a form, or as a
// file.
func (e editor) save(c *page.Context, v admin.Visit) error {
	s := sheet{asFile: c.Form("as") == "file"}
	s.seen, _ = strconv.Atoi(c.Form("seen"))
	id := idOf(c)
	if id != "" {
		entry, err := e.Rules.Get(c.Context(), v.By, id)
		if err != nil {
			return err
		}
		s.entry = &entry
	}
	var err error
	if s.asFile {
		s.text = c.Form("file")
		s.policy, err = rulebook.Read(s.text)
	} else {
		s.values = posted(c)
		s.policy, err = s.values.Policy()
	}
	if err != nil {
		s.wrong = err
		return e.draw(c, v, http.StatusBadRequest, s)
	}
	s.policy.ID = id
	if c.Form("show") != "" {
		s.asFile, s.values, s.text = c.Form("show") == "file", nil, ""
		return e.draw(c, v, http.StatusOK, s)
	}
	d, err := e.Rules.SaveDraft(c.Context(), v.By, s.policy, s.seen)
	var conflict *rulebook.ConflictError
	switch {
	case err == nil:
		return c.Redirect(pathOf(d.Policy.ID) + "?done=draft")
	case errors.As(err, &conflict):
		s.seen, s.theirs = 0, conflict.Draft
		if s.gone = s.theirs == nil; !s.gone {
			s.seen = s.theirs.Version
		}
		return e.draw(c, v, http.StatusConflict, s)
	case errors.Is(err, idp.ErrTaken), errors.Is(err, policy.ErrInvalid):
		s.wrong = err
		return e.draw(c, v, http.StatusBadRequest, s)
	}
	return err
}

// rebase lets the draft go on from what was published meanwhile.
func (e editor) rebase(c *page.Context, v admin.Visit) error {
	seen, _ := strconv.Atoi(c.Form("seen"))
	err := e.Rules.Rebase(c.Context(), v.By, idOf(c), seen)
	if errors.Is(err, idp.ErrSpent) {
		return c.Redirect(pathOf(idOf(c)) + "?done=conflict")
	} else if err != nil {
		return err
	}
	return c.Redirect(pathOf(idOf(c)) + "?done=rebased")
}

func (e editor) sure(c *page.Context, v admin.Visit) error {
	entry, err := e.Rules.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	if entry.Draft == nil {
		return idp.ErrNotFound
	}
	return c.Show(set, http.StatusOK, "sure.html", sureView{v.Head(c, trail(c, entry)...), admin.Confirm{
		ID: "draft-drop", Title: c.Words.T("admin.policies.drop_title", entry.Draft.Policy.Name), Text: []string{c.Words.T("admin.policies.drop_text", entry.Draft.Who)},
		Action: pathOf(idOf(c)) + "/drop", Button: c.Words.T("admin.policies.drop"), Danger: true, Cancel: pathOf(idOf(c)),
		Hidden: []admin.Hidden{{Name: "seen", Value: strconv.Itoa(entry.Draft.Version)}},
	}})
}

func (e editor) drop(c *page.Context, v admin.Visit) error {
	entry, err := e.Rules.Get(c.Context(), v.By, idOf(c))
	if err != nil {
		return err
	}
	seen, _ := strconv.Atoi(c.Form("seen"))
	err = e.Rules.DropDraft(c.Context(), v.By, idOf(c), seen)
	if errors.Is(err, idp.ErrSpent) {
		return c.Redirect(pathOf(idOf(c)) + "?done=conflict")
	} else if err != nil {
		return err
	}
	if entry.New() {
		return c.Redirect(policiesPath + "?done=dropped")
	}
	return c.Redirect(pathOf(idOf(c)) + "?done=dropped")
}

type sureView struct {
	admin.Head
	Confirm admin.Confirm
}
