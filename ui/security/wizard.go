package security

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/code"
	"latchkey/mfa/totp"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// wizard is the pages that set something up.
type wizard struct{ desk }

func (d wizard) mount(r gin.IRouter) {
	n := renewal{d}
	d.post(r, "/totp", security.AddFactor, "/totp", d.addApp)
	d.get(r, "/totp/scan", security.ConfirmAdd, d.running("/totp", d.scan))
	d.get(r, "/totp/codes", security.ConfirmAdd, d.running("/totp", d.codes))
	d.get(r, "/totp/codes.txt", security.ConfirmAdd, d.running("/totp", d.download))
	d.post(r, "/totp/codes", security.ConfirmAdd, "/totp", d.running("/totp", d.keep))
	d.get(r, "/totp/confirm", security.ConfirmAdd, d.running("/totp", d.confirmation("/totp")))
	d.post(r, "/totp/confirm", security.ConfirmAdd, "/totp", d.running("/totp", d.confirm("/totp")))
	d.get(r, "/backup-codes", security.AddFactor, n.backupCodes)
	d.post(r, "/backup-codes", security.AddFactor, "/backup-codes", n.newCodes)
	d.get(r, "/backup-codes/new", security.ConfirmAdd, d.running("/backup-codes", d.codes))
	d.get(r, "/backup-codes/codes.txt", security.ConfirmAdd, d.running("/backup-codes", d.download))
	d.post(r, "/backup-codes/new", security.ConfirmAdd, "/backup-codes", d.running("/backup-codes", n.keepNew))
	d.post(r, "/phones", security.AddFactor, "/phones", d.addPhone)
	d.get(r, "/phones/confirm", security.ConfirmAdd, d.running("/phones", d.confirmation("/phones")))
	d.post(r, "/phones/confirm", security.ConfirmAdd, "/phones", d.running("/phones", d.confirm("/phones")))
	d.post(r, "/phones/again", security.ConfirmAdd, "/phones", d.running("/phones", d.sendAgain))
}

// ticket is what the addresses of a wizard carry.
const ticket = "w"

func ticketOf(c *page.Context) string {
	if t := c.Form(ticket); t != "" {
		return t
	}
	return c.Query(ticket)
}

func at(path, t string) string { return path + "?" + ticket + "=" + url.QueryEscape(t) }

// running is the frame of the pages of a wizard under way; what is over begins
// anew.
func (d wizard) running(path string, draw func(*page.Context, visit, security.Adding) error) handler {
	return func(c *page.Context, v visit) error {
		a, err := d.Security.Adding(c.Context(), v.by, v.whose, ticketOf(c))
		if errors.Is(err, mfa.ErrExpired) {
			return c.Redirect(v.base + path + "?anew=1")
		} else if err != nil {
			return err
		}
		return draw(c, v, a)
	}
}

// addApp begins the wizard for one more app.
func (d wizard) addApp(c *page.Context, v visit) error { return d.startScan(c, v, false) }

func (d wizard) startScan(c *page.Context, v visit, anew bool) error {
	a, err := d.Security.BeginAdd(c.Context(), v.by, v.whose, totp.Kind, "")
	if err != nil {
		return err
	}
	to := at(v.base+"/totp/scan", a.Ticket)
	if anew {
		to += "&anew=1"
	}
	return c.Redirect(to)
}

// scanView is step 1.
type scanView struct {
	head
	pages.Track
	pages.Scan
	Anew bool
	Next string
}

func trackOf(step int, a security.Adding) pages.Track {
	return pages.Track{At: step, Kind: string(a.Kind), Codes: a.Codes.Shape != ""}
}

func (d wizard) scan(c *page.Context, v visit, a security.Adding) error {
	s, err := pages.ScanOf(c, a.Ask)
	if err != nil {
		return err
	}
	next := "/totp/codes"
	if a.Codes.Shape == "" {
		next = "/totp/confirm"
	}
	c.Script() // copies the key
	return c.Show(set, http.StatusOK, "scan.html", scanView{
		head: headOf(c, v), Track: trackOf(1, a), Scan: s, Anew: c.Query("anew") != "", Next: at(v.base+next, a.Ticket),
	})
}

// codesView is step 2, and the new set of backup codes.
type codesView struct {
	head
	pages.Track
	Ticket             string
	New                bool // a set of its own: no steps
	Shown              []string
	Kept, Missing      bool
	Action             string
	Download, Previous string
	FileName           string
	Account            string // for the paper
	Made               time.Time
}

func (d wizard) codes(c *page.Context, v visit, a security.Adding) error {
	if a.Kind != backup.Kind && a.Codes.Shape == "" {
		return c.Redirect(at(v.base+"/totp/confirm", a.Ticket))
	}
	return d.showCodes(c, v, a, http.StatusOK, false)
}

// showCodes allows the script that copies and prints.
func (d wizard) showCodes(c *page.Context, v visit, a security.Adding, status int, missing bool) error {
	c.Script()
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	view := codesView{
		Account: o.User.Subject().Name, Made: c.Now(),
		head: headOf(c, v), Track: trackOf(2, a), Ticket: a.Ticket, Shown: a.Codes.Codes, Kept: a.Kept, Missing: missing,
		Action: v.base + "/totp/codes", Download: at(v.base+"/totp/codes.txt", a.Ticket), Previous: at(v.base+"/totp/scan", a.Ticket),
		FileName: c.Words.T("enrol.codes_file"),
	}
	if a.Kind == backup.Kind {
		view.New, view.Shown = true, a.Ask.Codes
		view.Action, view.Download, view.Previous = v.base+"/backup-codes/new", at(v.base+"/backup-codes/codes.txt", a.Ticket), v.base+"/backup-codes"
	}
	return c.Show(set, status, "codes.html", view)
}

func (d wizard) download(c *page.Context, v visit, a security.Adding) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	codes := a.Codes.Codes
	if a.Kind == backup.Kind {
		codes = a.Ask.Codes
	}
	return pages.CodesFile(c, o.User.Subject().Name, codes)
}

func (d wizard) keep(c *page.Context, v visit, a security.Adding) error {
	if c.Form("kept") == "" {
		c.Here(at(v.base+"/totp/codes", a.Ticket))
		return d.showCodes(c, v, a, http.StatusBadRequest, true)
	}
	t, err := d.Security.Keep(c.Context(), v.by, v.whose, a.Ticket)
	if err != nil {
		return err
	}
	return c.Redirect(at(v.base+"/totp/confirm", t))
}

// confirmView is step 3.
type confirmView struct {
	head
	pages.Track
	Ticket   string
	Action   string
	Digits   int
	SentTo   string
	Wait     int // seconds until another code may be sent
	Label    string
	Previous string
}

func (d wizard) confirmation(path string) func(*page.Context, visit, security.Adding) error {
	return func(c *page.Context, v visit, a security.Adding) error {
		if !a.Ready() {
			return c.Redirect(at(v.base+path+"/codes", a.Ticket))
		}
		return d.showConfirm(c, v, a, path, http.StatusOK, nil)
	}
}

func (d wizard) showConfirm(c *page.Context, v visit, a security.Adding, path string, status int, wrong *pages.Complaint) error {
	h := headOf(c, v)
	h.Error = wrong
	view := confirmView{
		head: h, Track: trackOf(3, a), Ticket: a.Ticket, Action: v.base + path + "/confirm", Digits: a.Ask.Digits, SentTo: a.Ask.SentTo, Label: c.Form("label"),
	}
	if a.Kind == totp.Kind {
		view.Previous = at(v.base+"/totp/codes", a.Ticket)
		if a.Codes.Shape == "" {
			view.Previous = at(v.base+"/totp/scan", a.Ticket)
		}
	}
	if wait := a.Ask.Again.Sub(c.Now()); wait > 0 {
		view.Wait = int(math.Ceil(wait.Seconds()))
	}
	c.Here(at(view.Action, a.Ticket))
	return c.Show(set, status, "confirm.html", view)
}

func (d wizard) confirm(path string) func(*page.Context, visit, security.Adding) error {
	return func(c *page.Context, v visit, a security.Adding) error {
		if !a.Ready() {
			return c.Redirect(at(v.base+path+"/codes", a.Ticket))
		}
		typed := c.Form("code")
		if !pages.Shaped(a.Ask, typed) {
			return d.showConfirm(c, v, a, path, http.StatusBadRequest, pages.ShapeOf(c, a.Ask))
		}
		done, err := d.Security.ConfirmAdd(c.Context(), v.by, v.whose, a.Ticket, security.Proof{
			Answer: mfa.Answer{Code: typed}, Label: c.Form("label"), EndOthers: c.Form("end_others") != "",
		})
		locked := (*mfa.LockedError)(nil)
		switch {
		case err == nil:
			return d.added(c, v, path, done)
		case errors.As(err, &locked):
			return d.showConfirm(c, v, a, path, http.StatusTooManyRequests, pages.LockOf(c, locked))
		case errors.Is(err, mfa.ErrWrong):
			key := fmt.Sprintf("factor.%s.wrong", a.Kind)
			if a.Kind == totp.Kind {
				key = "enrol.confirm_wrong"
			}
			return d.showConfirm(c, v, a, path, http.StatusUnauthorized, &pages.Complaint{Title: c.Words.T("factor.wrong_title"), Text: c.Words.T(key)})
		case errors.Is(err, mfa.ErrExpired) && a.Kind != totp.Kind:
			return d.showConfirm(c, v, a, path, http.StatusUnauthorized, &pages.Complaint{
				Title: c.Words.T("factor.expired_title"), Text: c.Words.T(fmt.Sprintf("factor.%s.anew", a.Kind)),
			})
		case errors.Is(err, mfa.ErrExpired):
			return c.Redirect(v.base + path + "?anew=1")
		}
		return err
	}
}

// added goes on after a factor was added: to backup codes for whoever has none.
func (d wizard) added(c *page.Context, v visit, path string, a security.Added) error {
	renew(c, a.Renewed)
	if a.NoCodes {
		path = "/backup-codes"
	}
	return c.Redirect(v.base + path + "?done=" + string(a.Kind))
}

// addPhone sends a code to a new number, or to the e-mail address.
func (d wizard) addPhone(c *page.Context, v visit) error {
	k, typed := mfa.Kind(c.Form("method")), c.Form("phone")
	if k != code.Email {
		k = code.SMS
	}
	a, err := d.Security.BeginAdd(c.Context(), v.by, v.whose, k, typed)
	locked := (*mfa.LockedError)(nil)
	l := listAt("/phones")
	switch {
	case errors.As(err, &locked):
		return shelf(d).again(c, v, l, http.StatusTooManyRequests, pages.LimitOf(c, locked), typed)
	case errors.Is(err, mfa.ErrUnsent):
		return shelf(d).again(c, v, l, http.StatusServiceUnavailable, pages.LimitOf(c, &mfa.LockedError{}), typed)
	case errors.Is(err, security.ErrUnusable):
		return shelf(d).again(c, v, l, http.StatusBadRequest, &pages.Complaint{Title: c.Words.T("enrol.phone_wrong_title"), Text: c.Words.T("enrol.phone_wrong")}, typed)
	case err != nil:
		return err
	}
	return c.Redirect(at(v.base+"/phones/confirm", a.Ticket))
}

func (d wizard) sendAgain(c *page.Context, v visit, a security.Adding) error {
	err := d.Security.SendAgain(c.Context(), v.by, v.whose, a.Ticket)
	locked := (*mfa.LockedError)(nil)
	switch {
	case err == nil:
		return c.Redirect(at(v.base+"/phones/confirm", a.Ticket))
	case errors.As(err, &locked):
		return d.showConfirm(c, v, a, "/phones", http.StatusTooManyRequests, pages.LimitOf(c, locked))
	case errors.Is(err, mfa.ErrUnsent):
		return d.showConfirm(c, v, a, "/phones", http.StatusServiceUnavailable, pages.LimitOf(c, &mfa.LockedError{}))
	}
	return err
}

// renewal is the pages of the backup codes.
type renewal struct{ wizard }

// backupView is the page of the backup codes.
type backupView struct {
	head
	Left  int
	Since string
	May   bool // there is something for them to stand in for
	First bool // they come right after a factor
}

func (d renewal) backupCodes(c *page.Context, v visit) error {
	o, err := d.Security.Overview(c.Context(), v.by, v.whose)
	if err != nil {
		return err
	}
	view := backupView{head: headOf(c, v), Left: o.CodesLeft(), May: slices.Contains(o.Addable, backup.Kind)}
	for _, f := range o.Held(backup.Kind) {
		view.Since = day(c, f.Created, security.Zone(o.User))
	}
	view.First = view.Done != "" && view.Left == 0
	return c.Show(set, http.StatusOK, "backup.html", view)
}

// newCodes shows a new set; the old one is good until that is saved.
func (d renewal) newCodes(c *page.Context, v visit) error {
	a, err := d.Security.BeginAdd(c.Context(), v.by, v.whose, backup.Kind, "")
	if err != nil {
		return err
	}
	return c.Redirect(at(v.base+"/backup-codes/new", a.Ticket))
}

func (d renewal) keepNew(c *page.Context, v visit, a security.Adding) error {
	if c.Form("kept") == "" {
		c.Here(at(v.base+"/backup-codes/new", a.Ticket))
		return d.showCodes(c, v, a, http.StatusBadRequest, true)
	}
	done, err := d.Security.ConfirmAdd(c.Context(), v.by, v.whose, a.Ticket, security.Proof{Answer: mfa.Answer{Kept: true}})
	if errors.Is(err, mfa.ErrExpired) {
		return c.Redirect(v.base + "/backup-codes?anew=1")
	} else if err != nil {
		return err
	}
	renew(c, done.Renewed)
	return c.Redirect(v.base + "/backup-codes?done=codes")
}
