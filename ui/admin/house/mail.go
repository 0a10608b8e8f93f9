package house

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// mailView is whether mail works, and where a test would go.
type mailView struct{ Server, To string }

func (s setting) mailView(v admin.Visit) mailView {
	if s.Mail == nil {
		return mailView{}
	}
	return mailView{s.MailServer, ownAddress(v.User, mail.Mail)}
}

// patience is for a mail server that somebody waits for.
const patience = 20 * time.Second

// mail hands a mail to the server now, for the visitor's own address and no
// other, and says what came of it.
func (s setting) mail(c *page.Context, v admin.Visit) error {
	to := ownAddress(v.User, mail.Mail)
	if s.Mail == nil || to == "" {
		return idp.ErrNotFound
	}
	h, version, err := s.Settings.Read(c.Context(), v.By)
	if err != nil {
		return err
	}
	name := s.Brand(c.Context())
	m := mail.New(mail.Mail, to, c.Now())
	m.Subject, m.Text = c.Words.T("admin.messages.test_subject", name), c.Words.T("admin.settings.mail_text", name)+"\n"
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	var got mail.Receipt
	err = s.Settings.TestMail(c.Context(), v.By, func() (err error) {
		got, err = s.Mail.Hand(ctx, m)
		return err
	})
	if notTried(err) {
		return err
	}
	view := s.view(c, v, h, version)
	c.Here(settingsPath)
	if err != nil {
		view.Head = view.Refused(c.Words.T("admin.settings.mail_failed"), err.Error())
		return c.Show(set, http.StatusBadGateway, "settings.html", view)
	}
	view.Done = c.Words.T("admin.gateway.test_done", got.By)
	return c.Show(set, http.StatusOK, "settings.html", view)
}
