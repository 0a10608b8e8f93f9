package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"latchkey/idp"
	"latchkey/idp/audit"
)

// EventFilter selects events; what is left out selects all.
type EventFilter struct {
	User    idp.UserID   `query:"user" maxLength:"256" doc:"Whom it is about."`
	Actor   idp.UserID   `query:"actor" maxLength:"256" doc:"Who did it."`
	What    string       `query:"event" maxLength:"256" doc:"The event's name, such as factor.add, or its beginning, such as factor."`
	Client  idp.ClientID `query:"client" maxLength:"256"`
	Result  string       `query:"result" maxLength:"256" doc:"ok, failed (every other), or a reason such as locked."`
	Address string       `query:"address" maxLength:"256" doc:"An IP address."`
	Request string       `query:"request" maxLength:"256" doc:"A correlation id."`
	Since   time.Time    `query:"since"`
	Until   time.Time    `query:"until" doc:"Exclusive."`
}

func (e EventFilter) query() audit.Query {
	return audit.Query{
		User: e.User, Actor: e.Actor, What: e.What, Client: e.Client, Result: e.Result, Address: e.Address, Request: e.Request, Since: e.Since, Until: e.Until,
	}
}

// EventPage is a part of the log, newest first.
type EventPage struct {
	Page[audit.Line]
	Looked *time.Time `json:"looked_until,omitempty" doc:"How far back the log was looked through, where a page is not full and more may come."`
}

// Event is one event, and how it stands in the chain.
type Event struct {
	audit.Line
	State audit.State `json:"state" enum:"placed,waiting,old,bad" doc:"How it stands by itself; verify-log says whether the chain is whole."`
}

// LogStatus is how the log stands.
type LogStatus struct {
	Rows       int64           `json:"rows" doc:"The place of the last one."`
	Waiting    int             `json:"waiting" doc:"Rows that have no place yet."`
	Began      *time.Time      `json:"began,omitempty" doc:"When the chain began."`
	Checkpoint *audit.MarkLine `json:"checkpoint,omitempty" doc:"The last one."`
	Cut        *audit.MarkLine `json:"cut,omitempty" doc:"Up to where the log was cut off."`
	Verified   *audit.Report   `json:"verified,omitempty" doc:"The last verification."`
	Key        string          `json:"public_key" doc:"What signs checkpoints."`
}

// NewVerification says how much is verified.
type NewVerification struct {
	From   int64 `json:"from,omitempty" minimum:"0" doc:"A checkpoint's row; 0: from the beginning."`
	Newest int64 `json:"newest,omitempty" minimum:"0" doc:"About so many of the newest rows; 0: all."`
}

// auditAPI are the operations about the log.
type auditAPI struct{ *API }

func (a auditAPI) routes() {
	o := func(id, method, path, summary string) operation {
		return operation{id: id, method: method, path: "/audit" + path, tag: "audit", summary: summary, right: idp.SeeAudit}
	}
	add(a.API, o("search-log", http.MethodGet, "", "Search the log, newest first"), a.searchLog)
	export := o("export-log", http.MethodGet, "/export", "Export the log as a file, oldest first")
	export.files = []string{"application/jsonl", "text/csv"}
	export.about = "JSON lines without filters can be verified with the public key and nothing else."
	send(a.API, export, a.exportLog)
	add(a.API, o("get-log-status", http.MethodGet, "/status", "How the log stands"), a.logStatus)
	add(a.API, o("list-checkpoints", http.MethodGet, "/checkpoints", "List the signed checkpoints of the log"), a.checkpoints)
	add(a.API, o("verify-log", http.MethodPost, "/verify", "Walk along the log and find the first row that is wrong"), func(ctx context.Context, by idp.Actor, in *struct{ Body NewVerification }) (*body[audit.Report], error) {
		return answer(a.Audit.Verify(ctx, by, audit.Extent{From: in.Body.From, Newest: in.Body.Newest}))
	})
	add(a.API, o("get-event", http.MethodGet, "/events/{event}", "Show one event"), func(ctx context.Context, by idp.Actor, in *struct {
		Event string `path:"event" maxLength:"64"`
	}) (*body[Event], error) {
		e, state, err := a.Audit.Get(ctx, by, in.Event)
		return answer(Event{audit.LineOf(e), state}, err)
	})
}

func (a auditAPI) searchLog(ctx context.Context, by idp.Actor, in *struct {
	Paging
	EventFilter
}) (*body[EventPage], error) {
	q := in.query()
	q.Limit = in.Limit
	if err := in.place(&q.Before); err != nil {
		return nil, err
	}
	found, err := a.Audit.Search(ctx, by, q)
	if err != nil {
		return nil, err
	}
	out := EventPage{Looked: moment(found.Looked)}
	out.Items = each(found.Entries, audit.LineOf)
	if !found.Next.At.IsZero() {
		out.Next = cursor(found.Next)
	}
	return &body[EventPage]{out}, nil
}

func (a auditAPI) exportLog(_ context.Context, _ idp.Actor, in *struct {
	EventFilter
	Format audit.Format `query:"format" enum:"jsonl,csv" default:"jsonl"`
}) (*huma.StreamResponse, error) {
	kind := map[audit.Format]string{audit.CSV: "text/csv; charset=utf-8", audit.JSONLines: "application/jsonl"}[in.Format]
	return a.stream(kind, "log."+string(in.Format), func(ctx context.Context, by idp.Actor, w io.Writer) error {
		return a.Audit.Export(ctx, by, in.query(), w, in.Format)
	}), nil
}

func (a auditAPI) logStatus(ctx context.Context, by idp.Actor, _ *struct{}) (*body[LogStatus], error) {
	s, err := a.Audit.Status(ctx, by)
	if err != nil {
		return nil, err
	}
	v := LogStatus{Rows: s.Head.Seq, Waiting: s.Waiting, Began: moment(s.Head.Began), Verified: s.Verified, Key: audit.FormatKey(a.Audit.Key())}
	for to, c := range map[**audit.MarkLine]audit.Checkpoint{&v.Checkpoint: s.Last, &v.Cut: s.Cut} {
		if c.Seq > 0 {
			line := audit.MarkLineOf(c)
			*to = &line
		}
	}
	return &body[LogStatus]{v}, nil
}

func (a auditAPI) checkpoints(ctx context.Context, by idp.Actor, in *Paging) (*body[Page[audit.MarkLine]], error) {
	var after int64
	if err := in.place(&after); err != nil {
		return nil, err
	}
	all, err := a.Audit.Checkpoints(ctx, by, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(c audit.Checkpoint) any { return c.Seq }, audit.MarkLineOf), nil
}
