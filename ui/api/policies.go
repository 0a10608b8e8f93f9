package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

// PolicyDocument is a policy as policy files have it; docs/administrator.md explains
// its keys. It is read as strictly as a file.
type PolicyDocument map[string]any

// Draft is a policy that is being written.
type Draft struct {
	Policy  PolicyDocument `json:"policy"`
	Version int            `json:"version" doc:"Rises with each save."`
	Base    int            `json:"base" doc:"The version that it was begun from; 0: a new policy."`
	Saved   time.Time      `json:"saved"`
	By      string         `json:"by"`
}

// Policy is one policy, with its draft if there is one.
type Policy struct {
	ID      string         `json:"id"`
	Version int            `json:"version" doc:"In force; 0: none, there is only a draft."`
	Policy  PolicyDocument `json:"policy,omitempty" doc:"As it is in force."`
	Draft   *Draft         `json:"draft,omitempty"`
}

// PolicyVersion is a policy as it was from a moment on.
type PolicyVersion struct {
	ID      string         `json:"id"`
	Version int            `json:"version"`
	Name    string         `json:"name"`
	Act     rulebook.Act   `json:"act" doc:"What made it."`
	Source  int            `json:"source,omitempty" doc:"Of a rollback: the version that came back."`
	At      time.Time      `json:"at"`
	By      string         `json:"by"`
	Reason  string         `json:"reason,omitempty"`
	Policy  PolicyDocument `json:"policy,omitempty"`
}

func documentOf(p policy.Policy) PolicyDocument {
	out := PolicyDocument{}
	text, err := json.Marshal(p)
	if err != nil || json.Unmarshal(text, &out) != nil {
		return nil
	}
	delete(out, "id") // it stands beside
	return out
}

// read holds a document against the rules of policy files: JSON is YAML.
func (d PolicyDocument) read() (policy.Policy, error) {
	text, err := json.Marshal(map[string]any{"policies": []PolicyDocument{d}})
	if err != nil {
		return policy.Policy{}, err
	}
	return rulebook.Read(string(text))
}

func viewDraft(d *rulebook.Draft) *Draft {
	if d == nil {
		return nil
	}
	return &Draft{documentOf(d.Policy), d.Version, d.Base, d.At.UTC(), d.Who}
}

func viewPolicy(e rulebook.Entry) Policy {
	v := Policy{ID: e.Policy.ID, Version: e.Version, Draft: viewDraft(e.Draft)}
	if e.Draft != nil {
		v.ID = e.Draft.Policy.ID
	}
	if !e.New() {
		v.Policy = documentOf(e.Policy)
	}
	return v
}

func viewVersion(n rulebook.Version) PolicyVersion {
	v := PolicyVersion{n.Policy, n.Number, n.Name, n.Act, n.Source, n.At.UTC(), n.Who, n.Reason, nil}
	if p, err := n.Read(); err == nil {
		v.Policy = documentOf(p)
	}
	return v
}

type AboutPolicy struct {
	ID string `path:"id" maxLength:"64" doc:"The policy's id."`
}

// PolicyDraft is what is written.
type PolicyDraft struct {
	Policy PolicyDocument `json:"policy"`
	Seen   int            `json:"seen,omitempty" minimum:"0" doc:"The version of the draft that was read; 0: there was none."`
}

// PolicyMeans goes with every change of what is in force.
type PolicyMeans struct {
	Reason  string `json:"reason,omitempty" maxLength:"500" doc:"For the history; an exemption needs one."`
	Confirm string `json:"confirm,omitempty" maxLength:"256" doc:"The name of the policy: it may lock out those who could take it back."`
	Seen    int    `json:"seen,omitempty" minimum:"0" doc:"The version that was looked at; 0: whichever it is."`
}

func (m PolicyMeans) means() rulebook.Means {
	return rulebook.Means{Reason: m.Reason, Confirm: m.Confirm, Seen: m.Seen}
}

// PolicyReturn says which version comes back.
type PolicyReturn struct {
	PolicyMeans
	Version int `json:"version" minimum:"1"`
}

// PolicyExemption says who is left out, and until when.
type PolicyExemption struct {
	PolicyMeans
	Who   string      `json:"who" maxLength:"256" doc:"E-mail, login or id."`
	Until policy.Date `json:"until" format:"date" doc:"Within a year."`
}

// PolicyFile is a file of policies.
type PolicyFile struct {
	PolicyMeans
	Policies []PolicyDocument `json:"policies" minItems:"1" maxItems:"200"`
}

// PolicyTemplate is a policy to begin with.
type PolicyTemplate struct {
	Name   string         `json:"name"`
	Policy PolicyDocument `json:"policy"`
}

func rule(id, method, path, summary string, right idp.Right) operation {
	return operation{id: id, method: method, path: "/policies" + path, tag: "policies", summary: summary, right: right}
}

// policiesAPI are the operations about policies and their history.
type policiesAPI struct{ *API }

func (a policiesAPI) routes() {
	add(a.API, rule("list-policies", http.MethodGet, "", "List policies and drafts", idp.SeeRules), a.listPolicies)
	create := rule("create-policy", http.MethodPost, "", "Begin a new policy, as a draft", idp.EditRules)
	create.status = http.StatusCreated
	add(a.API, create, func(ctx context.Context, by idp.Actor, in *struct{ Body PolicyDraft }) (*made[Policy], error) {
		d, err := a.saveDraft(ctx, by, "", in.Body)
		if err != nil {
			return nil, err
		}
		v := Policy{ID: d.Policy.ID, Draft: viewDraft(&d)}
		return &made[Policy]{Location: Prefix + "/policies/" + v.ID, ETag: tag(v), Body: v}, nil
	})
	add(a.API, rule("get-policy", http.MethodGet, "/{id}", "Show a policy and its draft", idp.SeeRules), func(ctx context.Context, by idp.Actor, in *AboutPolicy) (*versioned[Policy], error) {
		e, err := a.Rules.Get(ctx, by, in.ID)
		return version(viewPolicy(e), err)
	})
	add(a.API, rule("save-draft", http.MethodPut, "/{id}/draft", "Write the draft of a policy", idp.EditRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Body PolicyDraft
	}) (*body[Draft], error) {
		d, err := a.saveDraft(ctx, by, in.ID, in.Body)
		if err != nil {
			return nil, err
		}
		return &body[Draft]{*viewDraft(&d)}, nil
	})
	rebase := rule("rebase-draft", http.MethodPost, "/{id}/draft/rebase", "Let a draft go on from what was published meanwhile", idp.EditRules)
	rebase.about = "Nothing of the draft changes but what it was begun from."
	add(a.API, rebase, func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Body struct {
			Seen int `json:"seen,omitempty" minimum:"0" doc:"The version of the draft that was read."`
		}
	}) (*none, error) {
		return done(a.Rules.Rebase(ctx, by, in.ID, in.Body.Seen))
	})
	add(a.API, rule("list-policy-templates", http.MethodGet, "/templates", "List what most houses want, to begin with", idp.SeeRules), func(context.Context, idp.Actor, *struct{}) (*body[Items[PolicyTemplate]], error) {
		return &body[Items[PolicyTemplate]]{Items[PolicyTemplate]{each(rulebook.Templates(a.Gate.Now()), func(t rulebook.Template) PolicyTemplate {
			return PolicyTemplate{t.Name, documentOf(t.Policy)}
		})}}, nil
	})
	add(a.API, rule("drop-draft", http.MethodDelete, "/{id}/draft", "Throw a draft away", idp.EditRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Seen int `query:"seen" minimum:"0" doc:"The version of the draft that was read."`
	}) (*none, error) {
		return done(a.Rules.DropDraft(ctx, by, in.ID, in.Seen))
	})
	add(a.API, rule("remove-policy", http.MethodPost, "/{id}/remove", "Take a policy away; its history stays", idp.EditRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Body PolicyMeans
	}) (*none, error) {
		return done(a.Rules.Remove(ctx, by, in.ID, in.Body.means()))
	})
	a.inForce()
	a.versions()
}

// saveDraft keeps a draft; without an id it is a new policy.
func (a policiesAPI) saveDraft(ctx context.Context, by idp.Actor, id string, in PolicyDraft) (rulebook.Draft, error) {
	p, err := in.Policy.read()
	if err != nil {
		return rulebook.Draft{}, err
	}
	if id != "" {
		if _, err := a.Rules.Get(ctx, by, id); err != nil {
			return rulebook.Draft{}, err
		}
	}
	p.ID = id
	return a.Rules.SaveDraft(ctx, by, p, in.Seen)
}

// inForce are the operations that change what is in force.
func (a policiesAPI) inForce() {
	change := func(id, path, summary string, do func(context.Context, idp.Actor, string, rulebook.Means) (rulebook.Version, error)) {
		add(a.API, rule(id, http.MethodPost, "/{id}/"+path, summary, idp.EditRules), func(ctx context.Context, by idp.Actor, in *struct {
			AboutPolicy
			Body PolicyMeans
		}) (*body[PolicyVersion], error) {
			n, err := do(ctx, by, in.ID, in.Body.means())
			return answer(viewVersion(n), err)
		})
	}
	change("publish-policy", "publish", "Put a draft in force", a.Rules.Publish)
	change("enable-policy", "enable", "Switch a policy on", func(ctx context.Context, by idp.Actor, id string, m rulebook.Means) (rulebook.Version, error) {
		return a.Rules.Switch(ctx, by, id, true, m)
	})
	change("disable-policy", "disable", "Switch a policy off", func(ctx context.Context, by idp.Actor, id string, m rulebook.Means) (rulebook.Version, error) {
		return a.Rules.Switch(ctx, by, id, false, m)
	})
	add(a.API, rule("roll-policy-back", http.MethodPost, "/{id}/rollback", "Put an older version in force again", idp.EditRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Body PolicyReturn
	}) (*body[PolicyVersion], error) {
		n, err := a.Rules.Rollback(ctx, by, in.ID, in.Body.Version, in.Body.means())
		return answer(viewVersion(n), err)
	})
	add(a.API, rule("exempt-from-policy", http.MethodPost, "/{id}/exempt", "Leave a person out of a policy until the end of a day", idp.EditRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Body PolicyExemption
	}) (*body[PolicyVersion], error) {
		n, err := a.Rules.Exempt(ctx, by, in.ID, in.Body.Who, in.Body.Until, in.Body.means())
		return answer(viewVersion(n), err)
	})
	apply := rule("apply-policies", http.MethodPost, "/apply", "Put the policies of a file in force, all or none", idp.EditRules)
	apply.about, apply.most = "One with a known name takes the place of that policy, others are new. To confirm, all their names with commas.", maxDocument
	add(a.API, apply, a.applyPolicies)
}

func (a policiesAPI) applyPolicies(ctx context.Context, by idp.Actor, in *struct {
	Body PolicyFile
}) (*body[Items[PolicyVersion]], error) {
	text, err := json.Marshal(map[string]any{"policies": in.Body.Policies})
	if err != nil {
		return nil, err
	}
	ps, err := policy.Parse(text)
	if err != nil {
		return nil, err
	}
	all, err := a.Rules.Apply(ctx, by, ps, in.Body.means())
	return answer(Items[PolicyVersion]{each(all, viewVersion)}, err)
}

func (a policiesAPI) listPolicies(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Policy]], error) {
	there, fresh, err := a.Rules.List(ctx, by)
	if err != nil {
		return nil, err
	}
	out := each(there, viewPolicy)
	for _, d := range fresh {
		out = append(out, Policy{ID: d.Policy.ID, Draft: viewDraft(&d)})
	}
	return &body[Items[Policy]]{Items[Policy]{out}}, nil
}

// versions are the operations that look at the history.
func (a policiesAPI) versions() {
	add(a.API, rule("list-policy-versions", http.MethodGet, "/{id}/versions", "List the versions of a policy, newest first", idp.SeeRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Paging
	}) (*body[Page[PolicyVersion]], error) {
		before := 0
		if err := in.place(&before); err != nil {
			return nil, err
		}
		all, err := a.Rules.History(ctx, by, in.ID, before, in.Limit+1)
		if err == nil && len(all) == 0 && before == 0 {
			_, err = a.Rules.Get(ctx, by, in.ID) // a draft has none yet
		}
		if err != nil {
			return nil, err
		}
		return page(all, in.Limit, func(n rulebook.Version) any { return n.Number }, viewVersion), nil
	})
	add(a.API, rule("get-policy-version", http.MethodGet, "/{id}/versions/{version}", "Show a version of a policy", idp.SeeRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		Version int `path:"version" minimum:"1"`
	}) (*body[PolicyVersion], error) {
		n, err := a.Rules.Version(ctx, by, in.ID, in.Version)
		return answer(viewVersion(n), err)
	})
	add(a.API, rule("compare-policy-versions", http.MethodGet, "/{id}/diff", "In what two versions of a policy differ", idp.SeeRules), func(ctx context.Context, by idp.Actor, in *struct {
		AboutPolicy
		From int `query:"from" minimum:"1" required:"true"`
		To   int `query:"to" minimum:"1" required:"true"`
	}) (*body[Items[PolicyDifference]], error) {
		all, err := a.Rules.Between(ctx, by, in.ID, in.From, in.To)
		return answer(Items[PolicyDifference]{each(all, func(c rulebook.Change) PolicyDifference { return PolicyDifference(c) })}, err)
	})
	add(a.API, rule("list-removed-policies", http.MethodGet, "/removed", "List policies that were removed, the last first", idp.SeeRules), func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[PolicyVersion]], error) {
		all, err := a.Rules.Gone(ctx, by)
		return answer(Items[PolicyVersion]{each(all, viewVersion)}, err)
	})
}

// PolicyDifference is one thing in which two versions differ.
type PolicyDifference struct {
	Key    string `json:"key"`
	Before string `json:"before"`
	After  string `json:"after"`
}
