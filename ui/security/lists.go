package security

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/mfa/totp"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// shelf is the pages of what somebody holds.
type shelf struct{ desk }

// list is a page of the factors of some kinds.
type list struct {
	name  string // of its words
	path  string
	kinds []mfa.Kind
}

var lists = []list{
	{"totp", "/totp", []mfa.Kind{totp.Kind}},
	{"passkeys", "/passkeys", []mfa.Kind{idp.Passkey}},
	{"phones", "/phones", []mfa.Kind{code.SMS, code.Email}},
}

// act is what the page is for. People's own adds; others only look.
func (l list) act(d desk) security.Act {
	if d.base == Home {
		return security.AddFactor
	}
	return security.Look
}

func listAt(path string) list {
	for _, l := range lists {
		if l.path == path {
			return l
		}
	}
	return lists[0]
}

// listView is the page of a list.
type listView struct {
	head
	Name  string
	Items []itemView
	Add   map[string]bool // by kind: what can be added
	Phone string          // as typed
	Email string
	// Closed: policy wants nothing of this kind, and people may wonder where to
	// change their number.
	Closed bool
	// Passkey says where the ceremony that makes one begins.
	Passkey page.Ceremony
}

type itemView struct {
	ID, Kind, Name string
	Added, Used    string
	Last           bool
}

func (d shelf) list(l list) handler {
	return func(c *page.Context, v visit) error {
		o, err := d.Security.Overview(c.Context(), v.by, v.whose)
		if err != nil {
			return err
		}
		if h := headOf(c, v); l.name == "totp" && h.Own && len(o.Held(totp.Kind)) == 0 && h.Done == "" && slices.Contains(o.Addable, totp.Kind) {
			return wizard(d).startScan(c, v, c.Query("anew") != "")
		}
		return showList(c, http.StatusOK, l, o, headOf(c, v), "")
	}
}

// showList allows the script that a passkey needs.
func showList(c *page.Context, status int, l list, o security.Overview, h head, phone string) error {
	if l.name == "passkeys" {
		c.Script()
		c.Connect()
	}
	return c.Show(set, status, "list.html", listOf(c, l, o, h, phone))
}

func listOf(c *page.Context, l list, o security.Overview, h head, phone string) listView {
	view := listView{head: h, Name: l.name, Add: map[string]bool{}, Phone: phone}
	lasting := 0
	for _, other := range lists {
		for _, k := range other.kinds {
			lasting += len(o.Held(k))
		}
	}
	zone := security.Zone(o.User)
	for _, k := range l.kinds {
		view.Add[string(k)] = h.Own && slices.Contains(o.Addable, k)
		for _, f := range o.Held(k) {
			view.Items = append(view.Items, itemView{
				ID: string(f.ID), Kind: string(k), Name: nameOf(c, k, f.Label), Added: day(c, f.Created, zone), Used: when(c, f.Used, zone), Last: h.Own && lasting == 1,
			})
			if k == code.Email {
				view.Add[string(k)] = false
			}
		}
	}
	if view.Add[string(idp.Passkey)] {
		view.Passkey = page.Ceremony{Begin: h.Base + "/passkeys/begin", Finish: h.Base + "/passkeys/finish"}
	}
	view.Email = o.User.Email
	if view.Email == "" {
		view.Add[string(code.Email)] = false
	}
	view.Closed = h.Own && l.name == "phones" && !view.Add[string(code.SMS)] && len(o.Held(code.SMS)) == 0
	tellApart(view.Items)
	return view
}

// tellApart numbers those that have one name.
func tellApart(items []itemView) {
	same := map[string]int{}
	for _, i := range items {
		same[i.Name]++
	}
	seen := map[string]int{}
	for n := range items {
		name := items[n].Name
		if seen[name]++; same[name] > 1 {
			items[n].Name = fmt.Sprintf("%s %d", name, seen[name])
		}
	}
}

func day(c *page.Context, at time.Time, zone *time.Location) string {
	return c.Words.Date(at.In(zone))
}

// again draws the list under a form that was refused.
func (d shelf) again(c *page.Context, v visit, l list, status int, wrong *pages.Complaint, phone string) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	c.Here(v.base + l.path)
	h := headOf(c, v)
	h.Error = wrong
	return showList(c, status, l, o, h, phone)
}

// remove takes a factor away. The last one goes on the page that turns two-step
// verification off, with the password.
func (d shelf) remove(c *page.Context, v visit) error {
	l := listAt(d.from(c, ""))
	err := d.Security.RemoveFactor(c.Context(), v.by, v.whose, mfa.CredentialID(c.Form("id")), c.Form("end_others") != "")
	switch {
	case errors.Is(err, security.ErrLast) && v.by.User == v.whose:
		return c.Redirect(v.base + "/disable?last=1")
	case errors.Is(err, security.ErrPolicy):
		return d.again(c, v, l, http.StatusForbidden, refusedOf(c, err), "")
	case err != nil:
		return err
	}
	return c.Redirect(v.base + l.path + "?done=removed")
}

func (d shelf) rename(c *page.Context, v visit) error {
	l := listAt(d.from(c, ""))
	if err := d.Security.RenameFactor(c.Context(), v.by, v.whose, mfa.CredentialID(c.Form("id")), c.Form("label")); err != nil {
		return err
	}
	return c.Redirect(v.base + l.path + "?done=renamed")
}
