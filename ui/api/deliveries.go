package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
)

// Delivery is a message as the log of deliveries has it: never what it said.
type Delivery struct {
	ID      string       `json:"id"`
	Channel mail.Channel `json:"channel" enum:"mail,sms,logout,odoo"`
	To      string       `json:"to"`
	State   mail.State   `json:"state" enum:"sent,waiting,given up,replaced,withdrawn"`
	Tries   int          `json:"tries"`
	Created time.Time    `json:"created"`
	Due     *time.Time   `json:"due,omitempty" doc:"When it is tried next."`
	Sent    *time.Time   `json:"sent,omitempty"`
	Failure string       `json:"failure,omitempty" doc:"Of the last try."`
	By      string       `json:"handled_by,omitempty" doc:"Who took it."`
	Receipt string       `json:"receipt,omitempty" doc:"What they call it."`
	Again   bool         `json:"again" doc:"It was given up and can be sent once more."`
}

func viewDelivery(d mail.Delivery) Delivery {
	return Delivery{
		d.ID, d.Channel, d.To, d.State(), d.Tries, d.Created.UTC(), moment(d.Due), moment(d.Sent), d.Failure, d.HandledBy, d.Receipt, d.Kept,
	}
}

// deliveriesAPI are the operations about what became of messages.
type deliveriesAPI struct{ *API }

func (a deliveriesAPI) routes() {
	add(a.API, operation{id: "list-deliveries", method: http.MethodGet, path: "/deliveries", tag: "messages", right: idp.SeeHouse,
		summary: "List what became of mails, text messages and messages to applications, newest first"}, a.list)
	add(a.API, operation{id: "send-again", method: http.MethodPost, path: "/deliveries/{delivery}/again", tag: "messages", right: idp.EditHouse,
		summary: "Send a mail once more that was given up", about: "As a new one to the same address. Codes and links cannot be: they are made anew."},
		func(ctx context.Context, by idp.Actor, in *struct {
			Delivery string `path:"delivery" maxLength:"64"`
		}) (*none, error) {
			return done(a.Messages.Deliveries.Again(ctx, by, in.Delivery))
		})
}

func (a deliveriesAPI) list(ctx context.Context, by idp.Actor, in *struct {
	Paging
	Channel mail.Channel `query:"channel" enum:"mail,sms,logout,odoo"`
	Failed  bool         `query:"failed" doc:"Not sent, and failed when it was last tried."`
	To      string       `query:"to" maxLength:"256" doc:"The whole address or number."`
}) (*body[Page[Delivery]], error) {
	q := mail.DeliveryQuery{Channel: in.Channel, Failed: in.Failed, To: in.To, Limit: in.Limit + 1}
	if err := in.place(&q.After); err != nil {
		return nil, err
	}
	all, err := a.Messages.Deliveries.List(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(d mail.Delivery) any { return d.Place() }, viewDelivery), nil
}
