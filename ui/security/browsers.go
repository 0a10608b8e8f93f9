package security

import (
	"net/http"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

func browserOf(c *page.Context, agent string) string { return message.Browser(c.Words, agent) }

// browsers is the pages of where somebody is signed in, or was.
type browsers struct{ desk }

// devicesView is the page of the trusted browsers.
type devicesView struct {
	head
	Devices  []deviceView
	TrustFor int
}

type deviceView struct {
	ID, Name               string
	Address, Place         string
	Created, Used, Expires string
	Current                bool
}

func (d browsers) devices(c *page.Context, v visit) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "devices.html", devicesOf(c, headOf(c, v), o))
}

func devicesOf(c *page.Context, h head, o security.Overview) devicesView {
	view, zone := devicesView{head: h, TrustFor: o.TrustFor}, security.Zone(o.User)
	for _, t := range o.Devices {
		view.Devices = append(view.Devices, deviceView{
			ID: t.ID, Name: browserOf(c, t.Agent), Address: t.Address, Place: t.Place, Created: when(c, t.Created, zone),
			Used: when(c, t.Used, zone), Expires: day(c, t.Expires, zone), Current: t.ID == o.Current(),
		})
	}
	return view
}

func (d browsers) forget(c *page.Context, v visit) error {
	if err := d.Security.ForgetDevice(c.Context(), v.by, v.whose, c.Form("id")); err != nil {
		return err
	}
	return c.Redirect(v.base + "/devices?done=forgotten")
}

func (d browsers) forgetAll(c *page.Context, v visit) error {
	if err := d.Security.ForgetDevices(c.Context(), v.by, v.whose); err != nil {
		return err
	}
	return c.Redirect(v.base + "/devices?done=forgotten")
}

// sessionsView is the page of the signed-in browsers.
type sessionsView struct {
	head
	Sessions []sessionView
	// Elsewhere says that signing out everywhere also ends the sessions in Odoo.
	Elsewhere bool
}

type sessionView struct {
	ID, Name, Address string
	Created, Seen     string
	Current           bool
}

func (d browsers) sessions(c *page.Context, v visit) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	view := sessionsOf(c, headOf(c, v), o)
	if d.Elsewhere != nil {
		if view.Elsewhere, err = d.Elsewhere(c.Context()); err != nil {
			return err
		}
	}
	return c.Show(set, http.StatusOK, "sessions.html", view)
}

func sessionsOf(c *page.Context, h head, o security.Overview) sessionsView {
	view, zone := sessionsView{head: h}, security.Zone(o.User)
	for _, n := range o.Sessions {
		view.Sessions = append(view.Sessions, sessionView{
			ID: string(n.ID), Name: browserOf(c, n.Origin.Agent), Address: n.Origin.Address,
			Created: when(c, n.Created, zone), Seen: when(c, n.Seen, zone), Current: n.Current,
		})
	}
	return view
}

func (d browsers) endSession(c *page.Context, v visit) error {
	if err := d.Security.EndSession(c.Context(), v.by, v.whose, idp.SessionID(c.Form("id"))); err != nil {
		return err
	}
	return c.Redirect(v.base + "/sessions?done=ended")
}

func (d browsers) endOthers(c *page.Context, v visit) error {
	if err := d.Security.EndOtherSessions(c.Context(), v.by, v.whose); err != nil {
		return err
	}
	return c.Redirect(v.base + "/sessions?done=ended")
}

// perPage is how many lines of the history a page has.
const perPage = 25

// historyView is the page of the history.
type historyView struct {
	head
	Lines []lineView
	Older string // address; empty: that was all
	Later bool   // this is not the first page
}

func (d browsers) history(c *page.Context, v visit) error {
	before := cursorOf(c)
	lines, next, err := d.Security.History(c.Context(), v.by, v.whose, before, perPage)
	if err != nil {
		return err
	}
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	h := headOf(c, v)
	view := historyView{head: h, Lines: linesOf(c, lines, security.Zone(o.User), h.Own), Later: !before.At.IsZero()}
	if !next.At.IsZero() {
		view.Older = v.base + "/history?at=" + strconv.FormatInt(next.At.UnixMilli(), 10) + "&id=" + next.ID
	}
	return c.Show(set, http.StatusOK, "history.html", view)
}

// cursorOf reads where a page begins; what is no place is the beginning.
func cursorOf(c *page.Context) idp.Cursor {
	ms, err := strconv.ParseInt(c.Query("at"), 10, 64)
	if err != nil || ms <= 0 || ms > 1<<50 || len(c.Query("id")) > 64 {
		return idp.Cursor{}
	}
	return idp.Cursor{At: time.UnixMilli(ms), ID: c.Query("id")}
}

// notMe puts out whoever it was, and leads to a new password.
func (d browsers) notMe(c *page.Context, v visit) error {
	r, err := d.Security.NotMe(c.Context(), v.by, v.whose, c.Form("id"), c.Known())
	if err != nil {
		return err
	}
	renew(c, r)
	return c.Redirect(v.base + "/password?done=not_me")
}
