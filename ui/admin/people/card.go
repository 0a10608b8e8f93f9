package people

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/people"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

// cards is the pages about one person.
type cards struct{ *Pages }

// cardView is everything about a person.
type cardView struct {
	admin.Head
	URL     string
	Person  page.Person
	Chips   []cell
	Facts   []fact
	Groups  []string
	Company []link
	Notices []notice
	State   string // what a sign-in leads to
	Turn    string // what a deadline will change
	Factors, Devices, Sessions, SignIns, Applies,
	Locks, Letters, Ties, Apps grid
	Places []link // what may be done
	Ends   []link // what ends something
	Data   bool   // their data may be handed out
}

type fact struct{ Name, Value, State string }

type link struct {
	URL, Text string
	Danger    bool
}

type notice struct{ Text, URL, Do string }

// noMail says that what is sent waits for a mail server, and where one reads how
// to set it up, if the visitor may look there.
func (p *Pages) noMail(c *page.Context, v admin.Visit) notice {
	n := notice{Text: c.Words.T("admin.users.no_mail")}
	if v.May(idp.SeeHouse) {
		n.URL, n.Do = admin.Home+"/settings#mail", c.Words.T("admin.nav.settings")
	}
	return n
}

func (p cards) card(c *page.Context, v admin.Visit) error {
	k, err := p.Cards.About(c.Context(), v.By, idp.UserID(c.R.PathValue("user")))
	if err != nil {
		return err
	}
	view := p.cardOf(c, v, k)
	if view.Company, err = p.companies(c, v, k.User.ID); err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "card.html", view)
}

func (p cards) cardOf(c *page.Context, v admin.Visit, k people.Card) cardView {
	u := k.User
	locked := false
	for _, l := range k.Locks {
		locked = locked || l.What != "sending"
	}
	view := cardView{
		Head: v.Head(c, crumb(c)...), URL: urlOf(u.ID), Person: page.PersonOf(u), Groups: u.Groups, Chips: chips(c, k.Entry, locked),
		Facts: factsOf(c, v, k), Data: p.Data != nil && v.By.MayTouch(idp.EditPeople, u) == nil,
	}
	view.State = c.Words.T(standingOf(k))
	if t, ahead := k.Standing.Turn(); ahead {
		view.Turn = c.Words.T("admin.users.turn", c.Words.Date(t.At.In(zone(v))), c.Words.T(fmt.Sprintf("admin.users.standing.%s", string(t.State))))
	}
	protectionOf(c, v, k, &view)
	view.Applies = appliesOf(c, v, k)
	troublesOf(c, v, k, &view)
	elsewhereOf(c, v, k, &view)
	if p.NoMail && len(view.Letters.Rows) > 0 {
		view.Notices = append(view.Notices, p.noMail(c, v))
	}
	p.doings(c, v, k, &view)
	return view
}

// standingOf is the word for whether somebody gets in. Policies ask what comes
// after the password: they do not know that an account is disabled, or that
// nobody has chosen a password for it yet.
func standingOf(k people.Card) string {
	passkey := slices.ContainsFunc(k.Factors, func(f people.Factor) bool { return f.Kind == "passkey" })
	switch {
	case k.User.Disabled:
		return "admin.users.standing.disabled"
	case k.User.Password == "" && !passkey:
		return "admin.users.standing.no_password"
	}
	return fmt.Sprintf("admin.users.standing.%s", string(k.Standing.Now.State))
}

func factsOf(c *page.Context, v admin.Visit, k people.Card) []fact {
	u := k.User
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	known := func(value string, is bool) string {
		switch {
		case value == "":
			return ""
		case is:
			return t("known")
		}
		return t("unknown")
	}
	password := t("no_password")
	if u.Password != "" {
		password = t("has_password")
	}
	never := when(c, v, k.SignedIn)
	if never == "" {
		never = t("never_in")
	}
	out := []fact{
		{t("name"), u.Name, ""}, {t("login"), u.Login, ""}, {t("email"), u.Email, known(u.Email, u.EmailVerified)}, {t("phone"), u.Phone, known(u.Phone, u.PhoneVerified)},
		{t("kind"), t("kind_" + string(u.Kind)), ""}, {t("role"), roleName(c, u.Role), ""}, {t("locale"), u.Locale, ""}, {t("zone"), u.Profile.Zoneinfo, ""},
		{t("password"), password, ""}, {t("signed_in"), never, ""}, {t("invited"), when(c, v, k.Invited), ""}, {t("registered"), when(c, v, k.Registered), ""}, {t("created"), when(c, v, u.Created), ""}, {t("id"), string(u.ID), ""},
	}
	kept := out[:0]
	for _, f := range out {
		if f.Value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func roleName(c *page.Context, r idp.Role) string {
	if r == "" {
		return c.Words.T("admin.users.role_none")
	}
	return c.Words.T(fmt.Sprintf("admin.users.role_%s", string(r)))
}

// protectionOf is what they prove who they are with, and where they did.
func protectionOf(c *page.Context, v admin.Visit, k people.Card, view *cardView) {
	view.Factors = heads(c, "factor", "added", "used", "left")
	for _, f := range k.Factors {
		name, left := c.Words.T("factor."+string(f.Kind)+".name"), ""
		if f.Kind == "backup" || f.Kind == "temporary" {
			left = fmt.Sprint(f.Left)
		}
		until := ""
		if !f.Expires.IsZero() {
			until = c.Words.T("admin.users.until", when(c, v, f.Expires))
		}
		view.Factors.row(cell{Text: name, Small: f.Label + until}, cell{Text: when(c, v, f.Created)}, cell{Text: when(c, v, f.Used)}, cell{Text: left})
	}
	view.Devices = heads(c, "device", "address", "used", "ends")
	for _, d := range k.Devices {
		view.Devices.row(cell{Text: message.Browser(c.Words, d.Agent), Small: d.Place}, cell{Text: d.Address}, cell{Text: when(c, v, d.Used)}, cell{Text: when(c, v, d.Expires)})
	}
	view.Sessions = heads(c, "device", "address", "since", "seen")
	for _, s := range k.Sessions {
		view.Sessions.row(cell{Text: message.Browser(c.Words, s.Origin.Agent)}, cell{Text: s.Origin.Address}, cell{Text: when(c, v, s.Created)}, cell{Text: when(c, v, s.Seen)})
	}
	view.SignIns = heads(c, "when", "result", "factor", "device", "address")
	for _, e := range k.SignIns {
		method := ""
		if e.Method != "" && c.Words.Has("factor."+string(e.Method)+".name") {
			method = c.Words.T("factor." + string(e.Method) + ".name")
		}
		view.SignIns.row(cell{Text: when(c, v, e.At)}, resultOf(c, e), cell{Text: method}, cell{Text: message.Browser(c.Words, e.Origin.Agent)}, cell{Text: e.Origin.Address})
	}
}

func resultOf(c *page.Context, e idp.Event) cell {
	if e.Result == "ok" {
		return cell{Text: c.Words.T("security.result.ok"), Chip: "good"}
	}
	key := "security.result." + e.Result
	if !c.Words.Has(key) {
		key = "security.result.failed"
	}
	return cell{Text: c.Words.T(key), Chip: "bad"}
}

// appliesOf is the policies that concern somebody, and what each decides.
func appliesOf(c *page.Context, v admin.Visit, k people.Card) grid {
	g := heads(c, "policy", "decides", "next_change")
	for _, a := range k.Applies {
		does := cell{Text: reasonsOf(c, a.Reasons)}
		if a.Exempt {
			does = cell{Text: c.Words.T("admin.users.exempt"), Chip: "warn"}
		} else if does.Text == "" {
			does.Text = c.Words.T("admin.users.outweighed")
		}
		due := ""
		if !a.Due.IsZero() {
			due = c.Words.Date(a.Due.In(zone(v)))
		}
		g.row(cell{Text: a.Name}, does, cell{Text: due})
	}
	return g
}

// reasonsOf words what a policy decides; numbers and names of methods stay as
// they stand in the policy.
func reasonsOf(c *page.Context, all []policy.Reason) string {
	var out []string
	for _, r := range all {
		key := fmt.Sprintf("admin.users.reason.%s", r.Dimension)
		if !c.Words.Has(key) {
			key = "admin.users.reason.other"
		}
		out = append(out, c.Words.T(key, r.Value))
	}
	return strings.Join(out, " · ")
}

// troublesOf is what keeps them out, and what was sent to let them in.
func troublesOf(c *page.Context, v admin.Visit, k people.Card, view *cardView) {
	view.Locks = heads(c, "lock", "ends")
	for _, l := range k.Locks {
		what := c.Words.T(fmt.Sprintf("admin.users.lock_%s", l.What))
		small := ""
		if l.Method != "" && c.Words.Has("factor."+string(l.Method)+".name") {
			small = c.Words.T("factor." + string(l.Method) + ".name")
		}
		if l.Browser {
			small = c.Words.T("admin.users.lock_browser")
		}
		until := when(c, v, l.Until)
		if until == "" {
			until = c.Words.T("admin.users.lock_forever")
		}
		view.Locks.row(cell{Text: what, Small: small}, cell{Text: until})
	}
	view.Letters = heads(c, "letter", "sent", "ends")
	for _, l := range k.Letters {
		key := fmt.Sprintf("admin.users.letter_%s", strings.ReplaceAll(string(l.Purpose), "-", "_"))
		if c.Words.Has(key) {
			view.Letters.row(cell{Text: c.Words.T(key)}, cell{Text: when(c, v, l.Made)}, cell{Text: when(c, v, l.Expires)})
		}
	}
	for _, a := range k.Waiting {
		n := notice{Text: c.Words.T("admin.users.waits", a.Reason), URL: Home + "/approvals", Do: c.Words.T("admin.users.approvals")}
		if !a.Waits() {
			n.Text = c.Words.T("admin.users.allowed", a.Reason)
		}
		view.Notices = append(view.Notices, n)
	}
}

// elsewhereOf is where else they are known.
func elsewhereOf(c *page.Context, v admin.Visit, k people.Card, view *cardView) {
	view.Ties = heads(c, "odoo", "odoo_login", "odoo_linked", "state")
	for _, t := range k.Ties {
		state := cell{Text: c.Words.T("admin.users.tie_open"), Chip: "good"}
		if t.Closed != connector.Open {
			state = cell{Text: c.Words.T(fmt.Sprintf("admin.users.tie_%s", string(t.Closed))), Chip: "warn"}
		}
		linked := when(c, v, t.Linked)
		if linked == "" {
			linked = c.Words.T("admin.users.tie_not_yet")
		}
		view.Ties.row(cell{Text: t.Connection}, cell{Text: t.Login, Small: fmt.Sprintf("#%d", t.Odoo)}, cell{Text: linked}, state)
	}
	view.Apps = heads(c, "app", "used", "consented")
	for _, a := range k.Apps {
		var consent cell
		if a.Consent != nil {
			consent = cell{Text: strings.Join(a.Consent.Scopes, " "), Small: when(c, v, a.Consent.At)}
		}
		view.Apps.row(cell{Text: a.Client.Title()}, cell{Text: when(c, v, a.Used)}, consent)
	}
}

// doings are the buttons: those only that the visitor may use, and that would
// change something.
func (p cards) doings(c *page.Context, v admin.Visit, k people.Card, view *cardView) {
	u := k.User
	add := func(to *[]link, path string, right idp.Right, danger, is bool) {
		if is && v.By.MayTouch(right, u) == nil {
			*to = append(*to, link{URL: view.URL + "/" + path, Text: c.Words.T(fmt.Sprintf("admin.users.do.%s", path)), Danger: danger})
		}
	}
	second := k.Standing.Now.State != posture.Fine || len(u.Factors) > 0
	add(&view.Places, "edit", idp.EditPeople, false, true)
	add(&view.Places, "groups", idp.EditPeople, false, true)
	add(&view.Places, "role", idp.GrantRoles, false, u.ID != v.By.User)
	add(&view.Places, "invite", idp.HelpPeople, false, u.Password == "" && !u.Disabled)
	add(&view.Places, "unlock", idp.HelpPeople, false, len(k.Locks) > 0)
	add(&view.Places, "enrol", idp.HelpPeople, false, !u.Disabled)
	add(&view.Places, "temporary", idp.HelpPeople, false, !u.Disabled && second)
	for _, f := range u.Factors {
		if f == "temporary" {
			add(&view.Places, "void", idp.HelpPeople, false, true)
		}
	}
	add(&view.Places, "merge", idp.EditPeople, false, true)
	add(&view.Places, "enable", idp.EditPeople, false, u.Disabled)
	add(&view.Ends, "end", idp.HelpPeople, true, len(k.Sessions) > 0 || len(k.Ties) > 0)
	add(&view.Ends, "reset", idp.HelpPeople, true, len(u.Factors) > 0)
	add(&view.Ends, "disable", idp.EditPeople, true, !u.Disabled && u.ID != v.By.User)
	add(&view.Ends, "remove", idp.EditPeople, true, u.ID != v.By.User)
}

// data hands out what is held about somebody, who asked for it on paper.
func (p cards) data(c *page.Context, v admin.Visit) error {
	u, err := p.whose(c)
	if err != nil {
		return err
	}
	if p.Data == nil {
		return idp.ErrNotFound
	}
	begun := false
	err = p.Data.WriteOf(c.Context(), v.By, u, func() io.Writer {
		begun = true
		return c.Download(c.Words.T("profile.data_file"), "application/json")
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	return err
}
