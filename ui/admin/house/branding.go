package house

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/picture"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type branding struct{ *Pages }

type brandingView struct {
	admin.Head
	Title, At string // At is the address for forms
	Client    bool   // not the house
	May, Set  bool   // change it; something is set
	Form      brandForm
	Logos     []logoField
	Preview   preview
	Both      string // style sheet of the preview
	Others    []otherBrand
	Choices   []Client // applications without looks of their own
}

type otherBrand struct{ Name, ID, URL string }

// whose is the client of the path; none: the house. Its name is the title.
func (b branding) whose(c *page.Context) (idp.ClientID, string, error) {
	id := c.R.PathValue("client")
	if id == "" || id == theHouse {
		return "", c.Words.T("admin.nav.branding"), nil
	}
	all, err := b.Clients(c.Context())
	if err != nil {
		return "", "", err
	}
	i := slices.IndexFunc(all, func(o Client) bool { return string(o.ID) == id })
	if i < 0 {
		return "", "", idp.ErrNotFound
	}
	return all[i].ID, all[i].Name, nil
}

// addressOf is where the forms of a brand lead to.
func addressOf(id idp.ClientID) string {
	if id == "" {
		return brandingPath + "/" + theHouse
	}
	return brandingPath + "/" + url.PathEscape(string(id))
}

func (b branding) show(c *page.Context, v admin.Visit) error {
	if id := c.Query("client"); id != "" {
		return c.Redirect(addressOf(idp.ClientID(id)))
	}
	id, title, err := b.whose(c)
	if err != nil {
		return err
	}
	own, err := b.Brands.Get(c.Context(), v.By, id)
	if err != nil {
		return err
	}
	view, err := b.view(c, v, id, title, own)
	if err != nil {
		return err
	}
	if c.Forms.Refilled(view.At) || c.Forms.Refilled(view.At+"/preview") { // more links than are kept have fields of their own
		next := readBrand(c, b.Brands.Languages)
		next.Logo, next.LogoDark = own.Logo, own.LogoDark
		own = next
	}
	view.Form = formOf(c, own, b.Brands.Languages)
	return b.draw(c, http.StatusOK, view, own)
}

// view is everything but the form, around what is set.
func (b branding) view(c *page.Context, v admin.Visit, id idp.ClientID, title string, own brand.Brand) (brandingView, error) {
	view := brandingView{Title: title, At: addressOf(id), Client: id != "", May: v.May(idp.EditHouse), Set: !own.Empty(), Logos: logoFields(c, own)}
	if id != "" {
		view.Head = v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.branding"), URL: brandingPath})
		return view, nil
	}
	view.Head = v.Head(c)
	return view, b.list(c, v, &view)
}

// list is the applications, those that look different and the others.
func (b branding) list(c *page.Context, v admin.Visit, view *brandingView) error {
	ids, err := b.Brands.Branded(c.Context(), v.By)
	if err != nil {
		return err
	}
	all, err := b.Clients(c.Context())
	if err != nil {
		return err
	}
	for _, o := range all {
		if slices.Contains(ids, o.ID) {
			view.Others = append(view.Others, otherBrand{o.Name, string(o.ID), addressOf(o.ID)})
		} else {
			view.Choices = append(view.Choices, o)
		}
	}
	return nil
}

// draw shows a brand as it is typed, with what lies below.
func (b branding) draw(c *page.Context, status int, view brandingView, typed brand.Brand) error {
	below := b.Brands.Default
	if view.Client {
		var err error
		if below, err = b.Brands.Look(c.Context(), ""); err != nil {
			return err
		}
	}
	if warnings, err := b.Brands.Check(typed); err == nil {
		view.Form.warn(c, warnings)
	} else {
		typed.Colours = brand.Colours{} // of wrong ones there is nothing to show
	}
	looks := typed.Over(below)
	view.Preview, view.Both = previewOf(c, looks), page.Both(looks.Colours)
	return c.Show(set, status, "branding.html", view)
}

// typed is the brand of the path with the form over it.
func (b branding) typed(c *page.Context, v admin.Visit) (idp.ClientID, brandingView, brand.Brand, error) {
	id, title, err := b.whose(c)
	if err != nil {
		return id, brandingView{}, brand.Brand{}, err
	}
	own, err := b.Brands.Get(c.Context(), v.By, id)
	if err != nil {
		return id, brandingView{}, own, err
	}
	view, err := b.view(c, v, id, title, own)
	next := readBrand(c, b.Brands.Languages)
	next.Logo, next.LogoDark = own.Logo, own.LogoDark
	return id, view, next, err
}

func (b branding) change(c *page.Context, v admin.Visit) error {
	id, view, next, err := b.typed(c, v)
	if err != nil {
		return err
	}
	if _, err = b.Brands.Set(c.Context(), v.By, id, next); err == nil {
		return c.Redirect(back(id) + "?done=saved")
	} else if !errors.Is(err, idp.ErrInvalid) {
		return err
	}
	view.Form = formOf(c, next, b.Brands.Languages)
	view.Form.mark(c, next, err)
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	return b.draw(c, http.StatusBadRequest, view, next)
}

// back is the page of a brand.
func back(id idp.ClientID) string {
	if id == "" {
		return brandingPath
	}
	return addressOf(id)
}

// preview draws what is typed and sets nothing.
func (b branding) preview(c *page.Context, v admin.Visit) error {
	_, view, next, err := b.typed(c, v)
	if err != nil {
		return err
	}
	view.Form = formOf(c, next, b.Brands.Languages)
	status := http.StatusOK
	if _, err := b.Brands.Check(next); errors.Is(err, idp.ErrInvalid) {
		view.Form.mark(c, next, err)
		status, view.Head = http.StatusBadRequest, view.Refused(c.Words.T("admin.refused"), "")
	} else {
		view.Done = c.Words.T("admin.branding.previewed")
	}
	return b.draw(c, status, view, next)
}

// logo puts one of the two logos into its place, or takes it away.
func (b branding) logo(c *page.Context, v admin.Visit) error {
	id, title, err := b.whose(c)
	if err != nil {
		return err
	}
	dark := c.Form("dark") != ""
	if c.Form("remove") != "" {
		if err := b.Brands.RemoveLogo(c.Context(), v.By, id, dark); err != nil {
			return err
		}
		return c.Redirect(back(id) + "?done=logo_removed")
	}
	file, err := c.File("logo")
	if err != nil {
		return err
	}
	if err = b.Brands.SetLogo(c.Context(), v.By, id, dark, file); err == nil {
		return c.Redirect(back(id) + "?done=logo")
	} else if !errors.Is(err, idp.ErrInvalid) {
		return err
	}
	own, failed := b.Brands.Get(c.Context(), v.By, id)
	if failed != nil {
		return failed
	}
	view, failed := b.view(c, v, id, title, own)
	if failed != nil {
		return failed
	}
	why := c.Words.T("admin.branding.logo_format")
	if len(file) == 0 {
		why = c.Words.T("admin.branding.logo_none")
	} else if errors.Is(err, picture.ErrLarge) {
		why = c.Words.T("admin.branding.logo_large")
	}
	for i := range view.Logos {
		if view.Logos[i].Dark == dark {
			view.Logos[i].Field.Error = why
		}
	}
	view.Form, view.Head = formOf(c, own, b.Brands.Languages), view.Refused(c.Words.T("admin.refused"), "")
	return b.draw(c, http.StatusBadRequest, view, own)
}

func (b branding) sure(c *page.Context, v admin.Visit) error {
	id, title, err := b.whose(c)
	if err != nil {
		return err
	}
	confirm := admin.Confirm{
		ID: "brand-reset", Title: c.Words.T("admin.branding.reset_title"), Text: []string{c.Words.T("admin.branding.reset_text")},
		Action: addressOf(id) + "/reset", Button: c.Words.T("admin.branding.reset"), Danger: true, Cancel: back(id),
	}
	if id != "" {
		confirm.Title, confirm.Text = c.Words.T("admin.branding.reset_client_title", title), []string{c.Words.T("admin.branding.reset_client_text")}
	}
	return c.Show(set, http.StatusOK, "sure.html", sureView{v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.branding"), URL: brandingPath}), confirm})
}

func (b branding) reset(c *page.Context, v admin.Visit) error {
	id, _, err := b.whose(c)
	if err != nil {
		return err
	}
	if err := b.Brands.Reset(c.Context(), v.By, id); err != nil {
		return err
	}
	return c.Redirect(back(id) + "?done=reset")
}
