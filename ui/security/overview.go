package security

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/mfa/backup"
	"latchkey/mfa/totp"
	"latchkey/ui/page"
)

// overviewView is the page at a glance.
type overviewView struct {
	head
	Person  page.Person
	On      bool
	NoCodes bool
	Few     int  // backup codes left, when that is few; 0: enough, or none
	Lost    bool // they came in by a backup code
	Banner  *bannerView
	Factors []link
	Places  []link
	Lines   []lineView
}

// link is a card's row that leads on.
type link struct {
	Icon, URL    string
	Title, State string
	Warn         bool
}

type bannerView struct {
	Level       string
	Title, Text string
	Own         []string // the policies' words
	URL         string   // where to set something up
}

// fewCodes is from when on the page warns.
const fewCodes = 3

func (d shelf) overview(c *page.Context, v visit) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "overview.html", overviewOf(c, headOf(c, v), o))
}

func overviewOf(c *page.Context, h head, o security.Overview) overviewView {
	view := overviewView{
		head: h, Person: page.PersonOf(o.User), On: o.On, NoCodes: o.NoCodes,
		Banner: bannerOf(c, h.Base, o),
	}
	if n := o.CodesLeft(); n > 0 && n <= fewCodes {
		view.Few = n
	}
	view.Lost = h.Own && byBackup(o)
	zone := security.Zone(o.User)
	view.Lines = linesOf(c, o.Recent, zone, h.Own)
	view.Factors = factorLinks(c, h, o)
	view.Places = []link{
		{Icon: "device", URL: h.Base + "/devices", Title: c.Words.T("security.devices"), State: counted(c, "security.devices_count", len(o.Devices))},
		{Icon: "session", URL: h.Base + "/sessions", Title: c.Words.T("security.sessions"), State: counted(c, "security.sessions_count", len(o.Sessions))},
	}
	if h.Own {
		view.Places = append(view.Places, link{Icon: "password", URL: h.Base + "/password", Title: c.Words.T("security.password"), State: passwordState(c, o)})
	}
	return view
}

// byBackup reports whether whoever looks had a backup code in the place of the app
// that they hold, and has set up nothing since: they may have lost their phone.
func byBackup(o security.Overview) bool {
	for _, n := range o.Sessions {
		i := slices.IndexFunc(n.Proofs, func(p idp.Proof) bool { return p.Kind == backup.Kind })
		if !n.Current || i < 0 || !slices.Contains(o.Addable, totp.Kind) || len(o.Held(totp.Kind)) == 0 {
			continue
		}
		return !slices.ContainsFunc(o.Factors, func(f security.Factor) bool { return f.Created.After(n.Proofs[i].At) })
	}
	return false
}

func passwordState(c *page.Context, o security.Overview) string {
	if o.Password {
		return c.Words.T("security.password_set")
	}
	return c.Words.T("security.password_none")
}

// factorLinks are the kinds of factor, with how many of each there are.
func factorLinks(c *page.Context, h head, o security.Overview) []link {
	var out []link
	for _, l := range lists {
		n, can := 0, false
		for _, k := range l.kinds {
			n += len(o.Held(k))
			can = can || slices.Contains(o.Addable, k)
		}
		if n == 0 && !can {
			continue // policy does not want it
		}
		row := link{Icon: l.name, URL: h.Base + l.path, Title: c.Words.T("security." + l.name), State: c.Words.T("security.not_set_up")}
		if n > 0 {
			row.State = c.Words.N("security."+l.name+"_count", n)
		}
		out = append(out, row)
	}
	if slices.Contains(o.Addable, backup.Kind) || len(o.Held(backup.Kind)) > 0 {
		n := o.CodesLeft()
		out = append(out, link{
			Icon: "backup", URL: h.Base + "/backup-codes", Title: c.Words.T("factor.backup.name"), State: codesState(c, n), Warn: n <= fewCodes,
		})
	}
	return out
}

func codesState(c *page.Context, n int) string {
	if n == 0 {
		return c.Words.T("security.codes_gone")
	}
	return c.Words.N("security.codes_left", n)
}

// counted says how many there are, and "none" for none.
func counted(c *page.Context, key string, n int) string {
	if n == 0 {
		return c.Words.T("security.none")
	}
	return c.Words.N(key, n)
}

// bannerOf words what policy wants.
func bannerOf(c *page.Context, base string, o security.Overview) *bannerView {
	b := o.Banner
	if b == nil {
		return nil
	}
	out := &bannerView{Level: string(b.Level), Title: c.Words.T("security.banner." + string(b.Level) + "_title")}
	switch b.Level {
	case security.Deadline:
		out.Text = c.Words.N("security.banner.warning_text", b.Days, c.Words.Date(b.At.In(security.Zone(o.User))))
		if b.Days <= 0 {
			out.Text = c.Words.T("security.banner.today_text", c.Words.DateTime(b.At.In(security.Zone(o.User))))
		}
	default:
		out.Text = c.Words.T("security.banner." + string(b.Level) + "_text")
	}
	for _, texts := range b.Own {
		if s := inLanguage(texts, c.Words.Lang()); s != "" {
			out.Own = append(out.Own, s)
		}
	}
	for _, l := range lists { // the first that can be set up
		for _, k := range l.kinds {
			if out.URL == "" && slices.Contains(o.Addable, k) {
				out.URL = base + l.path
			}
		}
	}
	return out
}

// inLanguage picks a policy's words: in the reader's language, in its parent, in
// English, or in none.
func inLanguage(texts map[string]string, lang string) string {
	parent, _, _ := strings.Cut(lang, "-")
	for _, l := range []string{lang, parent, "en"} {
		if s := texts[l]; s != "" {
			return s
		}
	}
	return ""
}

// lineView is one line of the history.
type lineView struct {
	ID      string
	When    string
	What    string
	Method  string
	Browser string
	Address string
	Result  string
	Good    bool
	NotMe   bool // it can be disowned
}

// refusals are results that have words of their own.
var refusals = []string{"wrong", "locked", "expired", "refused", "denied", "disabled"}

func linesOf(c *page.Context, ls []security.Line, zone *time.Location, own bool) []lineView {
	var out []lineView
	for _, l := range ls {
		v := lineView{ID: l.ID, When: when(c, l.At, zone), What: whatOf(c, l.What), Address: l.Origin.Address, Good: l.Result == "ok"}
		if name := "factor." + string(l.Method) + ".name"; l.Method != "" && c.Words.Has(name) {
			v.Method = c.Words.T(name)
		} else if l.Method == idp.Password {
			v.Method = c.Words.T("security.password")
		}
		if l.Origin.Agent != "" {
			v.Browser = browserOf(c, l.Origin.Agent)
		}
		v.Result = resultOf(c, l)
		v.NotMe = own && !l.Other && l.What != "user.not_me" && l.What != "odoo.device" // came before us
		out = append(out, v)
	}
	return out
}

func whatOf(c *page.Context, what string) string {
	key := "security.event." + strings.ReplaceAll(what, "-", "_")
	if !c.Words.Has(key) {
		return c.Words.T("security.event.other")
	}
	return c.Words.T(key)
}

func resultOf(c *page.Context, l security.Line) string {
	switch {
	case l.Other && l.Result == "ok":
		return c.Words.T("security.result.other")
	case l.Result == "ok":
		return c.Words.T("security.result.ok")
	}
	for _, r := range refusals {
		if r == l.Result {
			return c.Words.T("security.result." + r)
		}
	}
	return c.Words.T("security.result.failed")
}
