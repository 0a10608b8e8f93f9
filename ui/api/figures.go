package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/figures"
	"latchkey/mfa"
)

// Figures are what the first page of the administration shows.
type Figures struct {
	From      time.Time          `json:"from"`
	To        time.Time          `json:"to" doc:"The last day, today in UTC."`
	SignIns   []DayOfSignIns     `json:"sign_ins" doc:"One per day."`
	Methods   []MethodCount      `json:"methods" doc:"Of sign-ins that went well, by the factor that came last."`
	Coverage  []CoverageOf       `json:"coverage" doc:"How well people are protected, by whom it is about, as it was last measured."`
	Trend     []CoverageOf       `json:"trend" doc:"Of everybody, one per day that was measured."`
	Messages  []DeliveryCount    `json:"deliveries" doc:"Of the last day."`
	Deadlines []Deadline         `json:"deadlines" doc:"The soonest first. Takes policies:read."`
	Odoos     []ConnectionStatus `json:"odoo" doc:"Takes odoo:read."`
}

// DayOfSignIns is one day.
type DayOfSignIns struct {
	Day    time.Time `json:"day"`
	OK     int64     `json:"ok"`
	Failed int64     `json:"failed"`
	Locked int64     `json:"locked"`
}

// MethodCount is how often something was used.
type MethodCount struct {
	Method mfa.Kind `json:"method"`
	N      int64    `json:"n"`
}

// CoverageOf is how well the enabled people of a scope are protected.
type CoverageOf struct {
	Scope     figures.Scope `json:"scope" doc:"all, kind:…, role:… or group:…"`
	Day       time.Time     `json:"day"`
	People    int64         `json:"people"`
	Ready     int64         `json:"ready" doc:"With a second factor."`
	Resistant int64         `json:"phishing_resistant" doc:"With one that withstands phishing."`
	Never     int64         `json:"never_signed_in"`
	Stale     int64         `json:"stale" doc:"Without a sign-in for 90 days."`
}

// DeliveryCount is how many messages of a channel are in a state.
type DeliveryCount struct {
	Channel string `json:"channel"`
	State   string `json:"state" enum:"sent,waiting,failed"`
	N       int64  `json:"n"`
}

// ConnectionStatus is how one Odoo does.
type ConnectionStatus struct {
	ID string `json:"id"`
	ConnectionHealth
}

// figuresAPI are the operations about figures.
type figuresAPI struct{ *API }

func (a figuresAPI) routes() {
	add(a.API, operation{id: "get-figures", method: http.MethodGet, path: "/figures", tag: "house", right: idp.SeeAudit,
		summary: "Show sign-ins over time, coverage and its trend, deliveries, deadlines and the health of connected Odoos",
		about:   "They are counted in the background, and cost no look at everybody."}, a.show)
}

func viewCoverage(c figures.Coverage) CoverageOf {
	return CoverageOf{c.Scope, c.Day.Time().UTC(), c.People, c.Ready, c.Resistant, c.Never, c.Stale}
}

func (a figuresAPI) show(ctx context.Context, by idp.Actor, in *struct {
	Days int `query:"days" minimum:"1" maximum:"366" default:"30"`
}) (*body[Figures], error) {
	o, err := a.Figures.Overview(ctx, by, in.Days)
	if err != nil {
		return nil, err
	}
	v := Figures{
		From: o.From.Time().UTC(), To: o.To.Time().UTC(), Coverage: each(o.Coverage, viewCoverage), Trend: each(o.Trend, viewCoverage),
		SignIns:  each(o.SignIns, func(d figures.DaySum) DayOfSignIns { return DayOfSignIns{d.Day.Time().UTC(), d.OK, d.Failed, d.Locked} }),
		Messages: each(o.Messages, func(d figures.Delivery) DeliveryCount { return DeliveryCount(d) }),
	}
	for k, n := range o.Methods {
		v.Methods = append(v.Methods, MethodCount{k, n})
	}
	slices.SortFunc(v.Methods, func(x, y MethodCount) int { return strings.Compare(string(x.Method), string(y.Method)) })
	if by.May(idp.SeeRules) == nil {
		if v.Deadlines, err = a.Outlook(ctx, by); err != nil {
			return nil, err
		}
	}
	if by.May(idp.SeeOdoo) == nil {
		all, err := a.Odoo.Register.List(ctx, by)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			v.Odoos = append(v.Odoos, ConnectionStatus{c.ID, viewHealth(by, c.Health)})
		}
	}
	return &body[Figures]{v}, nil
}
