package protocol

import (
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

type deviceView struct {
	Action, Code string
	Wrong        bool
}

// Device asks for the code that a device shows. A wrong one is shown again, to
// be compared.
func (p Pages) Device(w http.ResponseWriter, r *http.Request, v oidc.DeviceView) {
	c := p.Site.From(w, r)
	status := http.StatusOK
	if v.Wrong {
		status = http.StatusBadRequest
		c.Here(v.Action)
	}
	show(c, status, "device.html", deviceView(v))
}

type deviceConfirmView struct {
	Client string
	Person page.Person
	Scopes []string
	Code   string
	Facts  []field
	Action string
	Hidden []field
	App    page.App
}

// DeviceConfirm asks whether that device may. Where it is, and what it is,
// stand there so that a person can tell a device of somebody else (RFC 8628
// §5.4).
func (p Pages) DeviceConfirm(w http.ResponseWriter, r *http.Request, v oidc.DeviceConfirmView) {
	c := p.Site.From(w, r)
	c.Dress(v.Client.ID)
	c.For(v.User)
	view := deviceConfirmView{
		Client: nameOf(v.Client), Person: page.PersonOf(v.User), Scopes: page.Scopes(c.Words, v.Scopes), Code: v.Code, Action: v.Action, Hidden: hidden(v.Hidden), App: page.AppOf(v.Client),
	}
	for _, f := range []field{
		// Of what the device says itself only names that we know: it could
		// write to the person otherwise.
		{"device", message.Browser(c.Words, v.From.Agent)}, {"address", v.From.Address}, {"place", v.Place}, {"when", c.Words.DateTime(v.At.In(zoneOf(v.User)))},
	} {
		if f.Value != "" {
			view.Facts = append(view.Facts, f)
		}
	}
	show(c, http.StatusOK, "device_confirm.html", view)
}

func zoneOf(u idp.User) *time.Location {
	z, err := time.LoadLocation(u.Profile.Zoneinfo)
	if err != nil {
		return time.UTC // it is named beside the time
	}
	return z
}

type deviceDoneView struct {
	Client  string
	Allowed bool
}

// DeviceDone says that it is decided.
func (p Pages) DeviceDone(w http.ResponseWriter, r *http.Request, v oidc.DeviceDoneView) {
	c := p.Site.From(w, r)
	c.Dress(v.Client.ID)
	c.For(v.User)
	show(c, http.StatusOK, "device_done.html", deviceDoneView{nameOf(v.Client), v.Allowed})
}
