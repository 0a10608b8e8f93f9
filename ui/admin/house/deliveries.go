package house

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// deliveryLog is what became of messages: never what they said.
type deliveryLog struct{ *Pages }

const perPage = 50

type logView struct {
	admin.Head
	Fields admin.Fields
	Some   bool // something is filtered
	Rows   []deliveryRow
	Empty  *admin.Empty
	Pager  admin.Pager
	May    bool
}

type deliveryRow struct {
	When, Machine, Channel, To string
	State, Chip, At            string // At says since when, or when next
	Tries                      int
	By, Receipt, Failure       string
	Again                      string // address; empty: it cannot be sent again
}

var channels = []mail.Channel{mail.Mail, mail.SMS, mail.Logout, mail.Odoo}

func (l deliveryLog) list(c *page.Context, v admin.Visit) error {
	q := mail.DeliveryQuery{Channel: mail.Channel(c.Query("channel")), Failed: c.Query("failed") != "", To: strings.TrimSpace(c.Query("to")), After: mail.ParsePlace(c.Query("after")), Limit: perPage + 1}
	if !slices.Contains(channels, q.Channel) {
		q.Channel = ""
	}
	all, err := l.Deliveries.List(c.Context(), v.By, q)
	if err != nil {
		return err
	}
	view := logViewOf(c, v, q, all)
	return c.Show(set, http.StatusOK, "log.html", view)
}

func logViewOf(c *page.Context, v admin.Visit, q mail.DeliveryQuery, all []mail.Delivery) logView {
	filter := url.Values{}
	if q.Channel != "" {
		filter.Set("channel", string(q.Channel))
	}
	if q.Failed {
		filter.Set("failed", "yes")
	}
	if q.To != "" {
		filter.Set("to", q.To)
	}
	view := logView{Head: v.Head(c, messagesCrumb(c)), Some: len(filter) > 0, Fields: logFields(c, q), May: v.May(idp.EditHouse)}
	if q.After.ID != "" {
		view.Pager.First = logPath + "?" + filter.Encode()
	}
	if len(all) > perPage {
		all = all[:perPage]
		filter.Set("after", all[perPage-1].Place().String())
		view.Pager.Next = logPath + "?" + filter.Encode()
	}
	for _, d := range all {
		view.Rows = append(view.Rows, rowOf(c, d, view.May))
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.messages.log_none"), Text: c.Words.T("admin.messages.log_none_text")}
		if view.Some {
			view.Empty = &admin.Empty{Title: c.Words.T("admin.messages.log_nothing"), URL: logPath, Button: c.Words.T("admin.messages.log_all")}
		}
	}
	return view
}

func logFields(c *page.Context, q mail.DeliveryQuery) admin.Fields {
	channel := admin.Field{Name: "channel", Type: "select", Label: c.Words.T("admin.messages.channel"), Value: string(q.Channel), Options: []admin.Option{{Label: c.Words.T("admin.messages.channel_all")}}}
	for _, ch := range channels {
		channel.Options = append(channel.Options, admin.Option{Value: string(ch), Label: channelName(c, ch), Chosen: ch == q.Channel})
	}
	failed := ""
	if q.Failed {
		failed = "yes"
	}
	return admin.Fields{
		channel,
		{Name: "to", Label: c.Words.T("admin.messages.to"), Value: q.To, Mono: true, Auto: "off"},
		{Name: "failed", Type: "checkbox", Label: c.Words.T("admin.messages.failed"), Value: failed},
	}
}

func rowOf(c *page.Context, d mail.Delivery, may bool) deliveryRow {
	moment := func(t time.Time) string { return c.Words.DateTime(t.UTC()) }
	r := deliveryRow{
		When: moment(d.Created), Machine: d.Created.UTC().Format(time.RFC3339), Channel: channelName(c, d.Channel), To: d.To,
		Tries: d.Tries, By: d.HandledBy, Receipt: d.Receipt, Failure: d.Failure,
	}
	switch d.State() {
	case mail.Sent:
		r.State, r.Chip, r.At = c.Words.T("admin.messages.state.sent"), "chip-good", moment(d.Sent)
	case mail.Obsolete, mail.Withdrawn:
		r.State, r.Failure = c.Words.T(fmt.Sprintf("admin.messages.state.%s", d.State())), ""
	case mail.GivenUp:
		r.State, r.Chip = c.Words.T("admin.messages.state.given_up"), "chip-bad"
	default:
		r.State = c.Words.T("admin.messages.state.waiting")
		if d.Failure != "" {
			r.Chip, r.At = "chip-warn", c.Words.T("admin.messages.next_try", moment(d.Due))
		}
	}
	if may && d.Kept {
		r.Again = logPath + "/" + url.PathEscape(d.ID) + "/again"
	}
	return r
}

func (l deliveryLog) sure(c *page.Context, v admin.Visit) error {
	d, err := l.Deliveries.Kept(c.Context(), v.By, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", sureView{v.Head(c, messagesCrumb(c), logCrumb(c)), againConfirm(c, d)})
}

func logCrumb(c *page.Context) admin.Crumb {
	return admin.Crumb{Title: c.Words.T("admin.messages.log"), URL: logPath}
}

func againConfirm(c *page.Context, d mail.Delivery) admin.Confirm {
	return admin.Confirm{
		ID: "again-form", Title: c.Words.T("admin.messages.again_title"), Text: []string{c.Words.T("admin.messages.again_text", d.To, c.Words.DateTime(d.Created.UTC()))},
		Action: logPath + "/" + url.PathEscape(d.ID) + "/again", Button: c.Words.T("admin.messages.again"), Cancel: logPath,
	}
}

func (l deliveryLog) again(c *page.Context, v admin.Visit) error {
	if err := l.Deliveries.Again(c.Context(), v.By, c.R.PathValue("id")); err != nil {
		return err
	}
	return c.Redirect(logPath + "?done=again")
}
