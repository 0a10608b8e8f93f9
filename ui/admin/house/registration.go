package house

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// registration is whether strangers may make an account, and on which terms.
type registration struct{ *Pages }

type registrationView struct {
	admin.Head
	Version  int64
	Open     admin.Fields // the switch
	Whom     admin.Fields // domains, groups
	Where    admin.Fields // applications
	Terms    admin.Fields
	Everyone []Client // applications that everybody gets into
	May      bool     // change them
	NoMail   bool     // on, and nothing can be mailed
}

// clientField begins the name of the field of an application.
const clientField = "client."

func (r registration) show(c *page.Context, v admin.Visit) error {
	is, version, err := r.Settings.ReadRegistration(c.Context(), v.By)
	if err != nil {
		return err
	}
	view, err := r.view(c, v, is, version)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "registration.html", view)
}

func (r registration) view(c *page.Context, v admin.Visit, is settings.Registration, version int64) (registrationView, error) {
	clients, err := r.Clients(c.Context())
	out := registrationView{
		Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.settings"), URL: settingsPath}), Version: version, May: v.May(idp.EditHouse) && v.May(idp.EditPeople), NoMail: is.Open && r.Mail == nil,
	}
	field := func(f admin.Field) admin.Field {
		f.Label, f.Help = c.Words.T("admin.registration."+f.Name), c.Words.T("admin.registration."+f.Name+"_help")
		return f
	}
	lines := func(name string, all []string, mono bool) admin.Field {
		return field(admin.Field{Name: name, Type: "textarea", Rows: 3, Mono: mono, Value: strings.Join(all, "\n")})
	}
	out.Open = admin.Fields{field(admin.Field{Name: "open", Type: "checkbox", Value: ticked(is.Open)})}
	out.Whom = admin.Fields{lines("allowed", is.Allowed, true), lines("refused", is.Refused, true), lines("groups", is.Groups, false)}
	out.Terms = admin.Fields{
		field(admin.Field{Name: "terms", Type: "url", Value: is.Terms, Mono: true}), field(admin.Field{Name: "privacy", Type: "url", Value: is.Privacy, Mono: true}),
	}
	for _, id := range is.Clients { // unticked by whoever looks after this, not by whoever removed the application: with none it is offered always
		if !slices.ContainsFunc(clients, func(a Client) bool { return a.ID == id }) {
			clients = append(slices.Clip(clients), Client{ID: id, Name: string(id)})
		}
	}
	for _, a := range clients {
		if a.Everyone {
			out.Everyone = append(out.Everyone, a)
		}
		out.Where = append(out.Where, admin.Field{Name: clientField + string(a.ID), Type: "checkbox", Label: a.Name, Value: ticked(slices.Contains(is.Clients, a.ID))})
	}
	return out, err
}

func ticked(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// typed is what the form says.
func (r registration) typed(c *page.Context) settings.Registration {
	next := settings.Registration{
		Open: c.Form("open") != "", Allowed: words(c.Form("allowed")), Refused: words(c.Form("refused")),
		Groups: strings.Split(c.Form("groups"), "\n"), Terms: c.Form("terms"), Privacy: c.Form("privacy"),
	}
	for name := range c.R.PostForm {
		if id, is := strings.CutPrefix(name, clientField); is && c.Form(name) != "" {
			next.Clients = append(next.Clients, idp.ClientID(id))
		}
	}
	return next
}

// words are separated by anything that people put between domains.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) })
}

func (r registration) change(c *page.Context, v admin.Visit) error {
	version, bad := strconv.ParseInt(c.Form("version"), 10, 64)
	if bad != nil {
		return page.Malformed(bad)
	}
	next := r.typed(c)
	err := r.Settings.ChangeRegistration(c.Context(), v.By, version, next)
	if err == nil {
		return c.Redirect(registrationPath + "?done=settings")
	}
	view, fault := r.view(c, v, next, version)
	if fault != nil {
		return fault
	}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, idp.ErrSpent):
		_, view.Version, err = r.Settings.ReadRegistration(c.Context(), v.By)
		if err != nil {
			return err
		}
		status, view.Head = http.StatusConflict, view.Refused(c.Words.T("admin.changed_meanwhile"), c.Words.T("admin.changed_meanwhile_text"))
	case errors.Is(err, idp.ErrInvalid):
		for _, name := range settings.RegistrationFields(err) {
			text := c.Words.T("admin.registration." + name + "_wrong")
			view.Whom, view.Terms = view.Whom.Marked(name, text), view.Terms.Marked(name, text)
		}
		view.Head = view.Refused(c.Words.T("admin.refused"), "")
	default:
		return err
	}
	return c.Show(set, status, "registration.html", view)
}
