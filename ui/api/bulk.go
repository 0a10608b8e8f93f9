package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/people"
	"latchkey/mfa"
)

// Work is how far something is that goes on behind the answer.
type Work struct {
	State string     `json:"state" enum:"running,done,failed,lost" doc:"lost: nothing has been heard of it for a while. Start it again."`
	Done  int        `json:"done" doc:"People, or rows."`
	Part  float64    `json:"part" doc:"0 to 1; 0 while nobody knows."`
	Began time.Time  `json:"began"`
	Ended *time.Time `json:"ended,omitempty"`
	Why   string     `json:"why,omitempty" doc:"Why it failed, in a word."`
	Hint  string     `json:"hint,omitempty" doc:"Small print for whoever helps."`
}

func (a *API) viewWork(j *job.Job) *Work {
	if j == nil {
		return nil
	}
	return &Work{string(j.Now(a.Gate.Now())), j.Done, j.Part, j.Began.UTC(), moment(j.Ended), j.Key, j.Detail}
}

// NewBulk says what is to be done, and to whom.
type NewBulk struct {
	Act    people.Act   `json:"act" enum:"invite,enrol,join,leave,end,unlock,reset,disable,enable,remove" doc:"end: their sessions. reset: their second factors."`
	Group  string       `json:"group,omitempty" maxLength:"128" doc:"To join or to leave."`
	Method mfa.Kind     `json:"method,omitempty" enum:"totp,sms,passkey" doc:"What to set up, for enrol; default totp."`
	IDs    []idp.UserID `json:"ids,omitempty" maxItems:"1000" doc:"These people; or"`
	Filter *BulkFilter  `json:"filter,omitempty" doc:"everybody of whom all of this is true, up to 10,000. An empty one is everybody."`
}

// BulkFilter is that of list-users.
type BulkFilter struct {
	Query      string   `json:"q,omitempty" maxLength:"200"`
	Group      string   `json:"group,omitempty" maxLength:"128"`
	Kind       idp.Kind `json:"kind,omitempty" enum:"internal,portal"`
	Role       string   `json:"role,omitempty" enum:"owner,admin,helpdesk,auditor,any"`
	NoFactor   bool     `json:"no_factor,omitempty"`
	Active     bool     `json:"active,omitempty"`
	Disabled   bool     `json:"disabled,omitempty"`
	Locked     bool     `json:"locked,omitempty"`
	Never      bool     `json:"never_signed_in,omitempty"`
	Invited    bool     `json:"invited,omitempty"`
	Registered bool     `json:"registered,omitempty"`
	Stale      int      `json:"stale_days,omitempty" minimum:"0" maximum:"3660"`
}

// Bulk is a selection with what is to be done to it.
type Bulk struct {
	ID      string         `json:"id"`
	Act     people.Act     `json:"act"`
	Group   string         `json:"group,omitempty"`
	Method  mfa.Kind       `json:"method,omitempty"`
	Total   int            `json:"total"`
	Todo    int            `json:"todo" doc:"Not done yet."`
	Done    int            `json:"done"`
	Skipped map[string]int `json:"skipped" doc:"Passed over, by reason: role (above the caller's), self, already, disabled, password (there is one), address (none that is known to be theirs)."`
	Failed  map[string]int `json:"failed" doc:"By reason: gone, denied, last_owner, invalid, busy, failed."`
	Work    *Work          `json:"work,omitempty" doc:"None: it was not started."`
	Expires time.Time      `json:"expires" doc:"It is forgotten then."`
}

func (a bulkAPI) view(p people.Plan) Bulk {
	return Bulk{p.Batch.ID, p.Order.Act, p.Order.Group, p.Order.Kind, p.Total, p.Todo, p.Done, p.Skips, p.Fails, a.viewWork(p.Job), p.Batch.Expires.UTC()}
}

// BulkPerson is somebody of a selection and what came of it.
type BulkPerson struct {
	ID    idp.UserID `json:"id"`
	Login string     `json:"login"`
	Name  string     `json:"name"`
	Why   string     `json:"why,omitempty" doc:"Why they are passed over, or it failed."`
}

// AboutBatch names a bulk action or an import. It is that of who made it.
type AboutBatch struct {
	ID string `path:"id" maxLength:"64"`
}

// bulkAPI are the operations that do one thing to many people.
type bulkAPI struct{ *API }

func (a bulkAPI) routes() {
	o := func(id, method, path, summary string) operation {
		return operation{id: id, method: method, path: "/bulk" + path, tag: "users", summary: summary, right: idp.HelpPeople}
	}
	create := o("prepare-bulk", http.MethodPost, "", "Choose what is done to many people, and see to whom")
	create.status, create.about = http.StatusCreated, "Nothing is done yet. What takes people:write for one person takes it here, too; people:read is needed as well. A selection is kept for a day, for its maker."
	add(a.API, create, a.prepare)
	add(a.API, o("get-bulk", http.MethodGet, "/{id}", "What would be done to many people, is being done, or was"), func(ctx context.Context, by idp.Actor, in *AboutBatch) (*body[Bulk], error) {
		p, err := a.Bulk.Plan(ctx, by, in.ID)
		if err != nil {
			return nil, err
		}
		return &body[Bulk]{a.view(p)}, nil
	})
	add(a.API, o("list-bulk-people", http.MethodGet, "/{id}/people", "List the people of a selection"), a.some)
	start := o("start-bulk", http.MethodPost, "/{id}/start", "Do what was prepared")
	start.status, start.about = http.StatusAccepted, "It goes on behind the answer; get-bulk tells how far it is. Who is not as they were is judged anew. Started again, it goes on with who is left."
	add(a.API, start, func(ctx context.Context, by idp.Actor, in *AboutBatch) (*body[Bulk], error) {
		if err := a.Bulk.Start(ctx, by, in.ID); err != nil {
			return nil, err
		}
		p, err := a.Bulk.Plan(ctx, by, in.ID)
		if err != nil {
			return nil, err
		}
		return &body[Bulk]{a.view(p)}, nil
	})
}

func (a bulkAPI) prepare(ctx context.Context, by idp.Actor, in *struct{ Body NewBulk }) (*made[Bulk], error) {
	b := in.Body
	who := people.Selection{IDs: b.IDs}
	if f := b.Filter; f != nil {
		if len(b.IDs) > 0 {
			return nil, invalid("ids", "either these or a filter")
		}
		is := UserFilter(*f).people()
		who.Filter = &is
	}
	id, err := a.Bulk.Prepare(ctx, by, people.Order{Act: b.Act, Group: b.Group, Kind: b.Method}, who)
	if err != nil {
		return nil, err
	}
	p, err := a.Bulk.Plan(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return &made[Bulk]{Location: Prefix + "/bulk/" + id, Body: a.view(p)}, nil
}

func (a bulkAPI) some(ctx context.Context, by idp.Actor, in *struct {
	AboutBatch
	Paging
	Which string `query:"which" enum:"todo,done,skipped,failed" default:"todo"`
}) (*body[Page[BulkPerson]], error) {
	from := 0
	if err := in.place(&from); err != nil {
		return nil, err
	}
	which := map[string]string{"todo": "", "done": "ok", "skipped": "skip", "failed": "failed"}[in.Which]
	all, err := a.Bulk.From(ctx, by, in.ID, which, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(s people.Somebody) any { return s.Place + 1 }, func(s people.Somebody) BulkPerson {
		v := BulkPerson{ID: s.ID, Login: s.Login, Name: s.Name}
		if which == "skip" || which == "failed" {
			v.Why = s.Why
		}
		return v
	}), nil
}
