package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
)

// Connection is a connected Odoo, without the key to it.
type Connection struct {
	ID       string           `json:"id"`
	URL      string           `json:"url"`
	Database string           `json:"database"`
	Login    string           `json:"login"`
	Client   idp.ClientID     `json:"client"`
	Version  string           `json:"version"`
	Users    int              `json:"users" doc:"Active ones of the Odoo, when it was looked at."`
	Linked   int              `json:"linked"`
	Locked   *time.Time       `json:"locked,omitempty" doc:"Since when local passwords are replaced."`
	Settings ConnectionValues `json:"settings"`
	Health   ConnectionHealth `json:"health"`
	Created  time.Time        `json:"created"`
}

// ConnectionHealth is how talking to an Odoo goes.
type ConnectionHealth struct {
	Well    bool       `json:"well"`
	Good    *time.Time `json:"good,omitempty" doc:"The last time that it worked."`
	Failed  *time.Time `json:"failed,omitempty" doc:"The last time that it did not."`
	Failure string     `json:"failure,omitempty" doc:"With people:read only."`
	Why     *Reason    `json:"why,omitempty" doc:"The failure, for programs and for other languages."`
}

// Reason is why something failed: its kind, and what its sentence says.
type Reason = connector.Reason

// ConnectionValues are how an Odoo is kept in step; what is left out stays.
type ConnectionValues struct {
	Sync      *bool `json:"sync,omitempty" doc:"Bring both sides in step."`
	Archive   *bool `json:"archive,omitempty" doc:"Archive people in Odoo who are disabled or removed here."`
	Contacts  *bool `json:"contacts,omitempty" doc:"Contacts without a user become portal users at their first sign-in."`
	Newcomers *bool `json:"newcomers,omitempty" doc:"Customers whom the Odoo does not know become portal users, with a contact, at their first sign-in."`
	Trickle   *bool `json:"trickle,omitempty" doc:"Check the first password of people who have none here with Odoo."`
	Leads     *bool `json:"leads,omitempty" doc:"A company's own contact becomes its main contact here."`
	Invite    *bool `json:"invite,omitempty" doc:"Mail an invitation to people whom the synchronisation brings in."`
	Keep      *bool `json:"keep_locked,omitempty" doc:"After a lock: replace also the passwords of people who come later, and again of who came in past this server."`
}

func viewConnection(by idp.Actor, c connector.Connection) Connection {
	s := c.Settings
	return Connection{
		c.ID, c.URL, c.Database, c.Login, c.Client, c.Facts.Version.Full, c.Facts.Users, c.Facts.Linked, moment(c.Lock.At),
		ConnectionValues{&s.Sync, &s.Archive, &s.Contacts, &s.Newcomers, &s.Trickle, &s.Leads, &s.Invite, &s.KeepLocked},
		viewHealth(by, c.Health), c.Created.UTC(),
	}
}

func viewHealth(by idp.Actor, h connector.Health) ConnectionHealth {
	v := ConnectionHealth{h.Well(), moment(h.Good), moment(h.Failed), h.Failure, nil}
	if h.Why.Kind != "" {
		v.Why = &h.Why
	}
	v.Failure, v.Why = unnamedFailure(by, v.Failure, v.Why)
	return v
}

type AboutConnection struct {
	ID string `path:"id" maxLength:"64" doc:"The connection's id."`
}

// NewConnection is an Odoo to be connected.
type NewConnection struct {
	URL      string `json:"url" maxLength:"512"`
	Database string `json:"database,omitempty" maxLength:"128" doc:"Default: the only one."`
	Login    string `json:"login" maxLength:"256" doc:"Of an administrator of the Odoo."`
	Key      string `json:"key" maxLength:"512" doc:"An API key of theirs. It is sealed and never shown."`
	ID       string `json:"id,omitempty" maxLength:"64" doc:"Default: chosen."`
	Reach    string `json:"reach,omitempty" maxLength:"512" doc:"Where Odoo's server finds Latchkey, if not at the issuer."`
	Moved    bool   `json:"moved,omitempty" doc:"The Odoo of this id has a new address, and it is the same one."`
	DryRun   bool   `json:"dry_run,omitempty" doc:"Change nothing, say what would be done."`
}

// Connected is what connecting did. The secrets that it made are in Odoo.
type Connected struct {
	Connection Connection       `json:"connection"`
	Steps      []connector.Step `json:"steps"`
	Warnings   []string         `json:"warnings"`
	Notes      []connector.Note `json:"notes" doc:"The warnings, for other languages."`
	Looks      string           `json:"looks,omitempty" doc:"What became of the looks of its company, which the application takes over if it has none."`
}

// odooAPI are the operations about connected Odoos.
type odooAPI struct{ *API }

func (a odooAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/odoo" + path, tag: "odoo", summary: summary, right: right, patient: true}
	}
	add(a.API, o("list-connections", http.MethodGet, "", "List connected Odoos", idp.SeeOdoo), func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Connection]], error) {
		all, err := a.Odoo.Register.List(ctx, by)
		return answer(Items[Connection]{each(all, func(c connector.Connection) Connection { return viewConnection(by, c) })}, err)
	})
	connect := o("connect-odoo", http.MethodPost, "", "Connect an Odoo, or repair a connection", idp.EditOdoo)
	connect.status = http.StatusCreated
	add(a.API, connect, a.connect)
	add(a.API, o("get-connection", http.MethodGet, "/{id}", "Show a connected Odoo, its settings and its health", idp.SeeOdoo), func(ctx context.Context, by idp.Actor, in *AboutConnection) (*versioned[Connection], error) {
		c, err := a.Odoo.Register.Get(ctx, by, in.ID)
		return version(viewConnection(by, c), err)
	})
	add(a.API, o("update-connection", http.MethodPatch, "/{id}", "Change how an Odoo is kept in step", idp.EditOdoo), func(ctx context.Context, by idp.Actor, in *struct {
		AboutConnection
		Matching
		Body ConnectionValues
	}) (*versioned[Connection], error) {
		c, err := a.Odoo.Register.Get(ctx, by, in.ID)
		if err == nil {
			err = in.match(viewConnection(by, c))
		}
		if err == nil {
			c, err = a.Odoo.Register.Configure(ctx, by, in.ID, in.Body.apply)
		}
		return version(viewConnection(by, c), err)
	})
	remove := o("disconnect-odoo", http.MethodDelete, "/{id}", "Take back what connecting made", idp.EditOdoo)
	remove.status = http.StatusOK
	add(a.API, remove, a.disconnect)
	examine := o("examine-odoo", http.MethodPost, "/{id}/doctor", "Find what is wrong with a connection, and every way around the second factor", idp.EditOdoo)
	examine.about = namesNeed
	add(a.API, examine, a.examine)
	a.inStep(o)
}

// inStep are the operations that keep both sides in step.
func (a odooAPI) inStep(o func(id, method, path, summary string, right idp.Right) operation) {
	state := o("get-sync", http.MethodGet, "/{id}/sync", "How the synchronisation stands", idp.SeeOdoo)
	runs := o("list-sync-runs", http.MethodGet, "/{id}/sync/runs", "List the last runs of the synchronisation that did something or failed", idp.SeeOdoo)
	state.about, runs.about = namesNeed, namesNeed
	add(a.API, state, func(ctx context.Context, by idp.Actor, in *AboutConnection) (*body[connector.SyncState], error) {
		if _, err := a.Odoo.Register.Get(ctx, by, in.ID); err != nil {
			return nil, err
		}
		s, err := a.Odoo.Sync.SyncState(ctx, in.ID)
		return answer(unnamedState(by, s), err)
	})
	add(a.API, runs, func(ctx context.Context, by idp.Actor, in *AboutConnection) (*body[Items[connector.SyncRun]], error) {
		if _, err := a.Odoo.Register.Get(ctx, by, in.ID); err != nil {
			return nil, err
		}
		all, err := a.Odoo.Register.Runs(ctx, by, in.ID)
		return answer(Items[connector.SyncRun]{each(all, func(r connector.SyncRun) connector.SyncRun { return unnamedRun(by, r) })}, err)
	})
	add(a.API, o("run-sync", http.MethodPost, "/{id}/sync", "Bring both sides in step now", idp.EditOdoo), a.sync)
	add(a.API, o("link-people", http.MethodPost, "/{id}/link", "Link people here to users of the Odoo by their names", idp.EditOdoo), func(ctx context.Context, by idp.Actor, in *struct {
		AboutConnection
		Body Rehearsal
	}) (*body[connector.LinkReport], error) {
		return answer(a.Odoo.Links.LinkAll(ctx, by, in.ID, connector.Linking{DryRun: in.Body.DryRun, Callers: a.Gate}))
	})
	lock := o("lock-odoo", http.MethodPost, "/{id}/lock", "Replace the local passwords of linked people in the Odoo", idp.EditOdoo)
	lock.about = namesNeed
	add(a.API, lock, a.lock)
	add(a.API, o("unlock-odoo", http.MethodPost, "/{id}/unlock", "Allow Odoo's own password reset again", idp.EditOdoo), a.unlock)
}

func (v ConnectionValues) apply(s *connector.Settings) {
	set(&s.Sync, v.Sync)
	set(&s.Archive, v.Archive)
	set(&s.Contacts, v.Contacts)
	set(&s.Newcomers, v.Newcomers)
	set(&s.Trickle, v.Trickle)
	set(&s.Leads, v.Leads)
	set(&s.Invite, v.Invite)
	set(&s.KeepLocked, v.Keep)
}

func (a odooAPI) connect(ctx context.Context, by idp.Actor, in *struct{ Body NewConnection }) (*made[Connected], error) {
	b := in.Body
	r, err := a.Odoo.Setup.Connect(ctx, by, connector.Order{URL: b.URL, Database: b.Database, Login: b.Login, Key: b.Key, ID: b.ID, Reach: b.Reach, Moved: b.Moved, Dry: b.DryRun}, nil)
	if err != nil {
		return nil, err
	}
	v := Connected{Connection: viewConnection(by, r.Connection), Steps: r.Steps, Notes: r.Warnings}
	if !b.DryRun {
		if v.Looks, err = a.Dress(ctx, by, r.Connection); err != nil {
			v.Notes = append(v.Notes, connector.NotDressed(err))
		}
	}
	v.Warnings = connector.Texts(v.Notes)
	return &made[Connected]{Location: Prefix + "/odoo/" + r.Connection.ID, Body: v}, nil
}

// Did is what was done, or would be.
type Did struct {
	Did   []string         `json:"did"`
	Notes []connector.Note `json:"notes,omitempty" doc:"The same, for other languages."`
}

func (a odooAPI) disconnect(ctx context.Context, by idp.Actor, in *struct {
	AboutConnection
	DryRun bool `query:"dry_run"`
	Force  bool `query:"force" doc:"Even if the Odoo cannot be reached; it then keeps its part."`
}) (*body[Did], error) {
	did, err := a.Odoo.Setup.Disconnect(ctx, by, in.ID, in.DryRun, in.Force)
	return answer(Did{connector.Texts(did), did}, err)
}

func (a odooAPI) examine(ctx context.Context, by idp.Actor, in *struct {
	AboutConnection
	Body Examination
}) (*body[connector.Diagnosis], error) {
	look := func() (connector.Diagnosis, error) { return a.Odoo.Doctor.Examine(ctx, by, in.ID, in.Body.Fix) }
	if in.Body.Check != "" {
		look = func() (connector.Diagnosis, error) { return a.Odoo.Doctor.Cure(ctx, by, in.ID, in.Body.Check) }
	}
	d, err := look()
	return answer(unnamedDiagnosis(by, d), err)
}

// Rehearsal says whether it is meant.
type Rehearsal struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Change nothing, say what would be done."`
}

// Examination says what the doctor does.
type Examination struct {
	Fix   bool   `json:"fix,omitempty" doc:"Put right what can be without a risk."`
	Check string `json:"check,omitempty" maxLength:"64" doc:"Put right what this one check finds, and nothing else."`
}

// NewLock says whose passwords are replaced.
type NewLock struct {
	Except []string `json:"except,omitempty" maxItems:"100" doc:"Logins in Odoo that keep theirs, for when all else fails."`
	DryRun bool     `json:"dry_run,omitempty"`
	Force  bool     `json:"force,omitempty" doc:"Even if the test of the way fails."`
	Again  bool     `json:"again,omitempty" doc:"Also of everybody whose password was replaced before."`
}

// NewSync says how one run goes.
type NewSync struct {
	DryRun bool `json:"dry_run,omitempty"`
	Full   bool `json:"full,omitempty" doc:"Look at everybody."`
	Force  bool `json:"force,omitempty" doc:"What looks like an accident is meant."`
}

// Synced is what one run did.
type Synced struct {
	State   connector.SyncState    `json:"state"`
	Changes []connector.SyncChange `json:"changes" doc:"At most 1,000."`
}

func (a odooAPI) sync(ctx context.Context, by idp.Actor, in *struct {
	AboutConnection
	Body NewSync
}) (*body[Synced], error) {
	const most = 1000
	var v Synced
	var err error
	v.State, err = a.Odoo.Sync.SyncNow(ctx, by, in.ID, connector.SyncOptions{
		DryRun: in.Body.DryRun, Full: in.Body.Full, Force: in.Body.Force, Callers: a.Gate,
		Found: func(c connector.SyncChange) error {
			if len(v.Changes) < most {
				v.Changes = append(v.Changes, c)
			}
			return nil
		},
	})
	return answer(v, err)
}

func (a odooAPI) lock(ctx context.Context, by idp.Actor, in *struct {
	AboutConnection
	Body NewLock
}) (*body[Locked], error) {
	l, err := a.Odoo.Locks.Lock(ctx, by, in.ID, connector.LockOrder{Except: in.Body.Except, Dry: in.Body.DryRun, Force: in.Body.Force, Again: in.Body.Again, Callers: a.Gate})
	return answer(viewLocked(by, l), err)
}

func (a odooAPI) unlock(ctx context.Context, by idp.Actor, in *struct {
	AboutConnection
	Body Rehearsal
}) (*body[Did], error) {
	did, _, err := a.Odoo.Locks.Unlock(ctx, by, in.ID, in.Body.DryRun)
	return answer(Did{Did: did}, err)
}
