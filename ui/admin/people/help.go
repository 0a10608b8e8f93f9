package people

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

// helping is the pages for people who cannot get in.
type helping struct{ *Pages }

// freshly is how recent a proof must be that gives access.
const freshly = 5 * time.Minute

func languages() []locale.Language { return locale.Languages() }

// secretView shows something once.
type secretView struct {
	admin.Head
	Title  string
	Secret admin.Secret
	Back   string
}

func (p helping) temporaryForm(c *page.Context, v admin.Visit, u idp.User, second bool) formView {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	life := admin.Field{Name: "life", Label: t("temporary_for"), Type: "select"}
	for _, h := range []int{1, 8, 24, 72} {
		life.Options = append(life.Options, admin.Option{Value: strconv.Itoa(h), Label: c.Words.N("admin.users.hours", h), Chosen: h == 8})
	}
	uses := admin.Field{Name: "uses", Label: t("temporary_uses"), Type: "number", Value: "1", Min: "1", Max: "10"}
	f := formView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.temporary_title", page.PersonOf(u).Name), Text: t("temporary_text"), ID: "temporary",
		Action: urlOf(u.ID) + "/temporary", Button: t("temporary_do"), Cancel: urlOf(u.ID),
		Fields: admin.Fields{{Name: "reason", Label: t("reason"), Help: t("reason_help"), Required: true, Auto: "off"}, life, uses},
	}
	if second {
		f.Text, f.Button = t("temporary_second"), t("temporary_ask")
	}
	return f
}

func (p helping) temporaryPage(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.HelpPeople)
	if err != nil {
		return err
	}
	second, err := p.Help.Codes().SecondNeeded(c.Context(), v.By)
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, p.temporaryForm(c, v, u, second))
}

// temporary gives a code, or asks for the word of somebody else first.
func (p helping) temporary(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.HelpPeople)
	if err != nil {
		return err
	}
	second, err := p.Help.Codes().SecondNeeded(c.Context(), v.By)
	if err != nil {
		return err
	}
	hours, _ := strconv.Atoi(c.Form("life"))
	uses, _ := strconv.Atoi(c.Form("uses"))
	if uses < 1 {
		uses = -1 // refused below
	}
	in := account.Temporary{Reason: c.Form("reason"), For: time.Duration(hours) * time.Hour, Uses: uses}
	code := ""
	if second {
		_, err = p.Approvals.Ask(c.Context(), v.By, u.ID, in)
	} else {
		code, err = p.Help.Codes().Give(c.Context(), v.By, u.ID, in)
	}
	if errors.Is(err, idp.ErrInvalid) {
		f := p.temporaryForm(c, v, u, second)
		f.Fields = f.Fields.Filled(c).Marked("reason", c.Words.T("admin.users.wrong.reason"))
		f.Head = f.Refused(c.Words.T("admin.users.refused"), c.Words.T("admin.users.look_below"))
		return showForm(c, http.StatusBadRequest, f)
	} else if err != nil {
		return err
	}
	if second {
		return c.Redirect(urlOf(u.ID) + "?done=asked")
	}
	return p.showCode(c, v, u, code)
}

func (p helping) showCode(c *page.Context, v admin.Visit, u idp.User, code string) error {
	c.Here(urlOf(u.ID))
	return c.Show(set, http.StatusOK, "secret.html", secretView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.temporary_title", page.PersonOf(u).Name), Back: urlOf(u.ID),
		Secret: admin.Secret{Label: c.Words.T("factor.temporary.name"), Value: code, Help: c.Words.T("admin.users.temporary_once")},
	})
}

func (p helping) inviteForm(c *page.Context, v admin.Visit, u idp.User) (formView, error) {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	var ways []string
	if u.Email != "" {
		ways = append(ways, "mail")
	}
	err := p.Help.Invitations().MayHandOver(c.Context(), v.By, u)
	switch {
	case err == nil:
		ways = append(ways, "hand")
	case !errors.Is(err, idp.ErrDenied) && !errors.Is(err, account.ErrReachable):
		return formView{}, err
	}
	how := "mail"
	if len(ways) == 1 {
		how = ways[0]
	}
	if len(ways) == 0 { // drawn all the same: sending it says what is missing
		ways = []string{how}
	}
	return formView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.invite_title", page.PersonOf(u).Name), Text: t("invite_text"), ID: "invite",
		Action: urlOf(u.ID) + "/invite", Button: t("invite_do"), Cancel: urlOf(u.ID),
		Fields: admin.Fields{admin.Select(c, "how", t("invite_how"), "admin.users.invite_%s", how, ways...)},
	}, nil
}

func (p helping) invitePage(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.HelpPeople)
	if err != nil {
		return err
	}
	f, err := p.inviteForm(c, v, u)
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, f)
}

// invite mails a link, or shows it once to be handed over.
func (p helping) invite(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.HelpPeople)
	if err != nil {
		return err
	}
	hand := c.Form("how") == "hand"
	made, err := p.Help.Invitations().Invite(c.Context(), v.By, u.ID, account.Invite{ByHand: hand})
	if err != nil {
		f, broken := p.inviteForm(c, v, u)
		if broken != nil {
			return broken
		}
		if f, status, drawn := refusedForm(c, f, err); drawn {
			return showForm(c, status, f)
		}
		return err
	}
	if !hand {
		return c.Redirect(urlOf(u.ID) + "?done=invite")
	}
	c.Here(urlOf(u.ID))
	return c.Show(set, http.StatusOK, "secret.html", secretView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.invite_title", page.PersonOf(u).Name), Back: urlOf(u.ID),
		Secret: admin.Secret{
			Label: c.Words.T("admin.users.invite_link"), Value: idp.LinkInvite.Address(p.Issuer, made.Token), Help: c.Words.T("admin.users.invite_link_help", when(c, v, made.Expires)),
		},
	})
}

func (p helping) enrolForm(c *page.Context, v admin.Visit, u idp.User) formView {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	return formView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.enrol_title", page.PersonOf(u).Name), Text: t("enrol_text"), ID: "enrol",
		Action: urlOf(u.ID) + "/enrol", Button: t("enrol_do"), Cancel: urlOf(u.ID), Fields: admin.Fields{methodField(c, p.Kinds())},
	}
}

// methodField offers what somebody can be asked to set up.
func methodField(c *page.Context, kinds []mfa.Kind) admin.Field {
	f := admin.Field{Name: "method", Label: c.Words.T("admin.users.method"), Type: "select"}
	for _, k := range kinds {
		if k == "totp" || k == "sms" || k == idp.Passkey {
			f.Options = append(f.Options, admin.Option{Value: string(k), Label: c.Words.T("factor." + string(k) + ".name")})
		}
	}
	return f
}

func (p helping) enrolPage(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.HelpPeople)
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, p.enrolForm(c, v, u))
}

// enrol mails a link. Where no address is known to be theirs there is nowhere to
// send it, and it is not shown here: it leads to a factor of somebody else's.
func (p helping) enrol(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.HelpPeople)
	if err != nil {
		return err
	}
	if u.Email == "" || !u.EmailVerified {
		err = account.ErrNoAddress
	} else {
		_, err = p.Help.EnrolLink(c.Context(), v.By, u.ID, mfa.Kind(c.Form("method")), 0)
	}
	if err != nil {
		if f, status, drawn := refusedForm(c, p.enrolForm(c, v, u), err); drawn {
			return showForm(c, status, f)
		}
		return err
	}
	return c.Redirect(urlOf(u.ID) + "?done=enrol")
}

// approvalsView is the temporary codes that wait for somebody.
type approvalsView struct {
	admin.Head
	Requests []requestView
	Empty    admin.Empty
}

type requestView struct {
	ID, Person, URL, Reason, By, Until string
	Own, Waits                         bool
}

func (p helping) approvals(c *page.Context, v admin.Visit) error {
	return p.showApprovals(c, v, http.StatusOK, v.Head(c, crumb(c)...))
}

func (p helping) showApprovals(c *page.Context, v admin.Visit, status int, h admin.Head) error {
	all, err := p.Approvals.Waiting(c.Context(), v.By, "")
	if err != nil {
		return err
	}
	view := approvalsView{Head: h, Empty: admin.Empty{Title: c.Words.T("admin.users.approvals_none"), Text: c.Words.T("admin.users.approvals_none_text")}}
	for _, a := range all {
		u, err := p.Accounts.Users.ByID(c.Context(), a.User)
		if err != nil {
			return err
		}
		by, err := p.Accounts.Users.ByID(c.Context(), a.Requester)
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			return err
		}
		if v.By.MayTouch(idp.HelpPeople, u) != nil || !a.Waits() && a.Requester != v.By.User {
			continue
		}
		view.Requests = append(view.Requests, requestView{
			ID: a.ID, Person: page.PersonOf(u).Name, URL: urlOf(u.ID), Reason: a.Reason, By: page.PersonOf(by).Name, Until: when(c, v, a.Expires),
			Own: a.Requester == v.By.User || a.User == v.By.User, Waits: a.Waits(),
		})
	}
	c.Here(Home + "/approvals")
	return c.Show(set, status, "approvals.html", view)
}

// answered is what an action on a request leads to.
func (p helping) answered(c *page.Context, v admin.Visit, err error, done string) error {
	if said := troubleOf(c, err); said != "" {
		return p.showApprovals(c, v, page.ProblemOf(err).Status, v.Head(c, crumb(c)...).Refused(c.Words.T("admin.users.refused"), said))
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "/approvals?done=" + done)
}

func (p helping) allow(c *page.Context, v admin.Visit) error {
	return p.answered(c, v, p.Approvals.Allow(c.Context(), v.By, c.R.PathValue("request")), "allow")
}

func (p helping) refuse(c *page.Context, v admin.Visit) error {
	return p.answered(c, v, p.Approvals.Refuse(c.Context(), v.By, c.R.PathValue("request")), "refuse")
}

// take shows the code that was allowed.
func (p helping) take(c *page.Context, v admin.Visit) error {
	code, r, err := p.Approvals.Take(c.Context(), v.By, c.R.PathValue("request"))
	if err != nil {
		return p.answered(c, v, err, "")
	}
	u, err := p.Accounts.Users.ByID(c.Context(), r.User)
	if err != nil {
		return err
	}
	return p.showCode(c, v, u, code)
}
