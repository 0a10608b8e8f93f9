package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Preview is what publishing a draft would do to everybody.
type Preview struct {
	Running bool       `json:"running" doc:"It is being looked up. Ask again in a moment."`
	Looked  int        `json:"looked" doc:"At so many people, so far."`
	At      *time.Time `json:"at,omitempty" doc:"Of the answer; none: there is none yet."`
	Old     bool       `json:"old" doc:"The answer is about other policies, or another day."`
	Before  []Day      `json:"before"`
	After   []Day      `json:"after"`
	Hits    int        `json:"hits" doc:"People who are blocked at some time."`
	New     int        `json:"new" doc:"Of these, because of the change."`
}

// Day is how many people stand how, from a day on.
type Day struct {
	From    string `json:"from" doc:"A date in UTC; empty: now."`
	Fine    int    `json:"fine" doc:"In, with the password alone."`
	Asked   int    `json:"asked" doc:"In, with a second factor that they have."`
	MustSet int    `json:"must_set_up" doc:"In, once a factor is set up on the way."`
	ShutOut int    `json:"shut_out"`
}

func viewDay(d posture.Day) Day {
	return Day{string(d.Day), d.States[posture.Fine], d.States[posture.Asked], d.States[posture.MustSetUp], d.States[posture.ShutOut]}
}

// Coverage is how ready people are for a policy.
type Coverage struct {
	ID     string `json:"id"`
	People int    `json:"people" doc:"Whom it is for, exempt ones aside."`
	Ready  int    `json:"ready" doc:"Of these, with what it demands once it is due."`
	Exempt int    `json:"exempt"`
}

// CoverageList is how ready people are for each policy.
type CoverageList struct {
	Running bool       `json:"running"`
	At      *time.Time `json:"at,omitempty"`
	Old     bool       `json:"old"`
	Items   []Coverage `json:"items"`
}

// Doubt is something about a policy that somebody should know.
type Doubt struct {
	Kind  rulebook.DoubtKind `json:"kind"`
	Value string             `json:"value"`
}

// Question is: what happens if somebody signs in somewhere, from somewhere?
type Question struct {
	Who     string     `json:"who" maxLength:"256" doc:"E-mail, login or id."`
	Client  string     `json:"client,omitempty" maxLength:"128" doc:"Empty: our own pages."`
	Address string     `json:"address,omitempty" maxLength:"64" doc:"An IP address; empty: not known."`
	At      *time.Time `json:"at,omitempty" doc:"Default: now."`
	Draft   string     `json:"draft,omitempty" maxLength:"64" doc:"The id of a policy whose draft is taken as published."`
}

// Forecast is the way of a sign-in.
type Forecast struct {
	First   mfa.Kind   `json:"first" enum:"pwd,passkey" doc:"What is given in the first step."`
	Steps   []string   `json:"steps"`
	Methods []mfa.Kind `json:"methods" doc:"That would be offered."`
	Addable []mfa.Kind `json:"addable" doc:"That could be set up."`
	Stuck   bool       `json:"stuck" doc:"It ends before it is done."`
}

func viewForecast(f signin.Forecast) Forecast {
	return Forecast{f.First, each(f.Steps, func(s signin.Step) string { return string(s) }), f.Methods, f.Addable, f.Stuck}
}

// Verdict is what one policy has to do with it.
type Verdict struct {
	Policy  string         `json:"policy"`
	Verdict policy.Verdict `json:"verdict" enum:"holds,ahead,exempt,elsewhere,others,off"`
	Until   *time.Time     `json:"until,omitempty"`
}

// Answer is what would happen.
type Answer struct {
	User      idp.UserID     `json:"user"`
	Disabled  bool           `json:"disabled"`
	Obstacles []Obstacle     `json:"obstacles" doc:"What keeps them out whatever policies say, the worst first; sign_in says what would come without it."`
	At        time.Time      `json:"at"`
	Now       Forecast       `json:"sign_in"`
	Ahead     []Forecast     `json:"ahead" doc:"At each deadline to come."`
	Policies  []Verdict      `json:"policies"`
	Reasons   []PolicyReason `json:"reasons"`
}

// Obstacle is what keeps somebody out whatever policies say.
type Obstacle struct {
	What   rulebook.ObstacleKind `json:"what" enum:"disabled,invited,invitation_over,no_password,password_locked,factor_locked"`
	Method mfa.Kind              `json:"method,omitempty" doc:"Of factor_locked; none: all of them."`
	Since  *time.Time            `json:"since,omitempty" doc:"When the invitation went out."`
	Until  *time.Time            `json:"until,omitempty" doc:"When a lock ends, or an invitation; none: when somebody does something."`
}

func viewObstacle(o rulebook.Obstacle) Obstacle {
	return Obstacle{o.What, o.Method, moment(o.Since), moment(o.Until)}
}

// PolicyReason is why something is demanded.
type PolicyReason struct {
	Policy    string `json:"policy" doc:"Empty: the sum of several."`
	Dimension string `json:"dimension"`
	Value     string `json:"value"`
}

// previewsAPI are the operations about what policies do to whom.
type previewsAPI struct{ *API }

func (a previewsAPI) routes() {
	add(a.API, rule("preview-policy", http.MethodGet, "/{id}/preview", "Who would be blocked by a draft, today and at its deadlines", idp.SeeRules), func(ctx context.Context, by idp.Actor, in *AboutPolicy) (*body[Preview], error) {
		o, err := a.Rules.Outlook(ctx, by, in.ID, false)
		if err != nil {
			return nil, err
		}
		v := Preview{Running: o.Running, Looked: o.Looked, At: moment(o.At), Old: o.Old}
		if e := o.Effect; e != nil {
			v.Looked, v.Hits, v.New = e.Looked, e.Hits, e.New
			v.Before, v.After = each(e.Before, viewDay), each(e.After, viewDay)
		}
		return &body[Preview]{v}, nil
	})
	again := rule("preview-policy-again", http.MethodPost, "/{id}/preview", "Look at everybody anew", idp.SeeRules)
	again.status, again.about = http.StatusAccepted, "preview-policy has the answer in a moment."
	add(a.API, again, func(ctx context.Context, by idp.Actor, in *AboutPolicy) (*none, error) {
		_, err := a.Rules.Outlook(ctx, by, in.ID, true)
		return done(err)
	})
	hits := rule("list-blocked", http.MethodGet, "/{id}/blocked", "List everybody whom a draft would block, now or at a deadline", idp.SeeRules)
	hits.files, hits.about = []string{"application/jsonl"}, "Takes people:read, too. One line of JSON for each."
	send(a.API, hits, a.blocked)
	count := rule("count-coverage", http.MethodPost, "/coverage", "Count anew how ready people are for each policy", idp.SeeRules)
	count.status, count.about = http.StatusAccepted, "get-coverage has the answer in a moment."
	add(a.API, count, func(ctx context.Context, by idp.Actor, _ *struct{}) (*none, error) {
		_, err := a.Rules.Coverage(ctx, by, true)
		return done(err)
	})
	add(a.API, rule("get-coverage", http.MethodGet, "/coverage", "How ready people are for each policy", idp.SeeRules), a.coverage)
	add(a.API, rule("check-policy", http.MethodPost, "/check", "What somebody should know about a policy before it is in force", idp.SeeRules), func(ctx context.Context, by idp.Actor, in *struct{ Body PolicyDraft }) (*body[Items[Doubt]], error) {
		p, err := in.Body.Policy.read()
		if err != nil {
			return nil, err
		}
		all, err := a.Rules.Doubts(ctx, by, p)
		return answer(Items[Doubt]{each(all, func(d rulebook.Doubt) Doubt { return Doubt(d) })}, err)
	})
	ask := rule("ask-what-if", http.MethodPost, "/what-if", "What happens if a person signs in somewhere, from somewhere", idp.SeeRules)
	ask.about = "Takes people:read, too."
	add(a.API, ask, a.whatIf)
}

// Blocked is somebody whom a draft would block.
type Blocked struct {
	User    idp.UserID     `json:"user"`
	Name    string         `json:"name"`
	State   posture.State  `json:"state"`
	From    policy.Date    `json:"from,omitempty"` // a day in UTC; none: now
	New     bool           `json:"new"`            // because of the change
	SetUp   []mfa.Kind     `json:"set_up"`
	Reasons []PolicyReason `json:"reasons"`
}

func (a previewsAPI) blocked(_ context.Context, _ idp.Actor, in *AboutPolicy) (*huma.StreamResponse, error) {
	return a.stream("application/jsonl", "blocked.jsonl", func(ctx context.Context, by idp.Actor, w io.Writer) error {
		if err := by.May(idp.SeePeople); err != nil {
			return err
		}
		return a.Rules.Hits(ctx, by, in.ID, func(h posture.Hit) error {
			return format.Marshal(w, Blocked{h.User, h.Name, h.State, h.Day, h.New, h.SetUp, viewReasons(h.Reasons)})
		})
	}), nil
}

func (a previewsAPI) coverage(ctx context.Context, by idp.Actor, _ *struct{}) (*body[CoverageList], error) {
	c, err := a.Rules.Coverage(ctx, by, false)
	if err != nil {
		return nil, err
	}
	v := CoverageList{Running: c.Running, At: moment(c.At), Old: c.Old}
	for id, n := range c.By {
		v.Items = append(v.Items, Coverage{id, n.People, n.Ready, n.Exempt})
	}
	return &body[CoverageList]{v}, nil
}

func (a previewsAPI) whatIf(ctx context.Context, by idp.Actor, in *struct{ Body Question }) (*body[Answer], error) {
	q := rulebook.Question{Who: in.Body.Who, Client: in.Body.Client, Address: in.Body.Address, Draft: in.Body.Draft}
	if in.Body.At != nil {
		q.At = *in.Body.At
	}
	w, err := a.Rules.WhatIf(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return &body[Answer]{Answer{
		User: w.User.ID, Disabled: w.Disabled, Obstacles: each(w.Obstacles, viewObstacle), At: w.At.UTC(), Now: viewForecast(w.Signin), Ahead: each(w.Ahead, viewForecast),
		Policies: each(w.Policies, func(p rulebook.Part) Verdict { return Verdict{p.Name, p.Verdict, moment(p.Until)} }),
		Reasons:  each(w.Decision.Reasons, func(r policy.Reason) PolicyReason { return PolicyReason(r) }),
	}}, nil
}
