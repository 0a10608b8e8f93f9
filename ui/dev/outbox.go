// Package dev shows what only a developer or a demo may see: the messages
// that would have been sent, and every page and message with sample data.
// Whoever can open it can read everybody's mail, so it is mounted in demo mode
// and nowhere else.
package dev

import (
	"context"
	"embed"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/mail"
	"latchkey/ui/locale"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(files, "*.html")

// most is how many messages the page shows.
const most = 100

// Outbox is where the messages lie; see [mail.Outbox].
type Outbox interface {
	Newest(ctx context.Context, limit int) ([]mail.Message, error)
}

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Site     *page.Site
	Outbox   Outbox
	Shelves  []page.Shelf // pages with sample data, by package
	Messages []message.Sample
}

// Mount adds the routes, and lets the process rehearse writing from right to
// left.
func (p *Pages) Mount(r gin.IRouter) {
	locale.Rehearse()
	r.GET("/dev/outbox", p.Site.Strangers(p.outbox))
	r.GET(samples, p.Site.Strangers(p.list))
	r.GET(samples+"/:shelf/:name", p.Site.Strangers(p.sample))
	r.GET(samples+"/:shelf/:name/html", p.Site.Strangers(p.html))
}

type outboxView struct{ Messages []messageView }

type messageView struct {
	ID, Channel, To, Kind, Subject, Failure string
	Machine, At                             string // when it was written
	HTML                                    string // address; empty: it has none, or none is shown
	Paragraphs                              [][]string
}

func (p *Pages) outbox(c *page.Context) error {
	all, err := p.Outbox.Newest(c.Context(), most)
	if err != nil {
		return err
	}
	v := outboxView{Messages: make([]messageView, len(all))}
	for i, m := range all {
		v.Messages[i] = messageViewOf(c, m)
	}
	return c.Show(set, http.StatusOK, "outbox.html", v)
}

func messageViewOf(c *page.Context, m mail.Message) messageView {
	kind, at := c.Words.T("outbox.mail"), m.Created.UTC()
	if m.Channel == mail.SMS {
		kind = c.Words.T("outbox.sms")
	}
	return messageView{
		ID: m.ID, Channel: string(m.Channel), To: m.To, Kind: kind, Subject: m.Subject, Failure: m.Failure,
		Machine: at.Format(time.RFC3339), At: c.Words.DateTime(at), Paragraphs: paragraphs(m.Text),
	}
}

// paragraphs cuts a plain text at empty lines, and each part into its lines.
func paragraphs(text string) (out [][]string) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		out = append(out, strings.Split(part, "\n"))
	}
	return out
}
