// Package dev shows what only a developer or a demo may see: the messages
// that would have been sent. Whoever can open it can read everybody's mail, so
// it is mounted in demo mode and nowhere else.
package dev

import (
	"context"
	"embed"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/mail"
	"latchkey/ui/page"
)

//go:embed outbox.html
var files embed.FS

var set = page.Parse(files, "outbox.html")

// most is how many messages the page shows.
const most = 100

// Outbox is where the messages lie; see [mail.Outbox].
type Outbox interface {
	Newest(ctx context.Context, limit int) ([]mail.Message, error)
}

// Pages serves the page. Its fields are set once, before first use.
type Pages struct {
	Site   *page.Site
	Outbox Outbox
}

// Mount adds the route.
func (p *Pages) Mount(r gin.IRouter) {
	r.GET("/dev/outbox", p.Site.Strangers(p.outbox))
}

type outboxView struct{ Messages []messageView }

type messageView struct {
	ID, Channel, To, Kind, Subject, Failure string
	Machine, At                             string // when it was written
	Paragraphs                              [][]string
}

func (p *Pages) outbox(c *page.Context) error {
	all, err := p.Outbox.Newest(c.Context(), most)
	if err != nil {
		return err
	}
	kinds := map[mail.Channel]string{mail.Mail: c.Words.T("outbox.mail"), mail.SMS: c.Words.T("outbox.sms")}
	v := outboxView{Messages: make([]messageView, len(all))}
	for i, m := range all {
		at := m.Created.UTC()
		v.Messages[i] = messageView{
			ID: m.ID, Channel: string(m.Channel), To: m.To, Kind: kinds[m.Channel], Subject: m.Subject, Failure: m.Failure,
			Machine: at.Format(time.RFC3339), At: c.Words.DateTime(at), Paragraphs: paragraphs(m.Text),
		}
	}
	return c.Show(set, http.StatusOK, "outbox.html", v)
}

// paragraphs cuts a plain text at empty lines, and each part into its lines.
func paragraphs(text string) (out [][]string) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		out = append(out, strings.Split(part, "\n"))
	}
	return out
}
