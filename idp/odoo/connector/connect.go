package connector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// Callback is where Odoo's module auth_oauth takes answers.
const Callback = "/auth_oauth/signin"

// Order is what an administrator says about an Odoo.
type Order struct {
	URL      string
	Database string // empty: the only one
	Login    string
	Key      string // an API key or a password
	ID       string // empty: chosen
	Reach    string // where Odoo's server finds Latchkey, if not at the issuer
	Dry      bool   // change nothing, say what would be
	Moved    bool   // the Odoo of this name has a new address, and it is the same one
}

// Address is where an order, and the key in it, goes: URL as it is called.
func (o Order) Address() string {
	at := strings.TrimRight(strings.TrimSpace(o.URL), "/")
	if !strings.Contains(at, "://") {
		at = "https://" + at
	}
	return at
}

// Step is one thing that was done, or would be.
type Step struct {
	Name string `json:"name"`
	Did  string `json:"did"` // in English
	Said
	Seconds float64 `json:"seconds"`
}

// Report says what came of an order.
type Report struct {
	Connection       Connection
	AuthorizationURL string
	ValidationURL    string // holds a secret
	Steps            []Step
	Warnings         []Note
}

// joining is one run of Connect.
type joining struct {
	*Setup
	by     idp.Actor
	o      Order
	r      *rpc.Client
	c      Connection
	old    Connection
	known  bool // there was a connection before
	client oidc.Client
	Report
}

// Connect connects an Odoo, or repairs a connection to it: running it again
// changes only what is not as it should be. tell hears of each step; nil: nobody.
func (s *Setup) Connect(ctx context.Context, by idp.Actor, o Order, tell func(Step)) (Report, error) {
	if err := may(by); err != nil {
		return Report{}, err
	}
	j := &joining{Setup: s, by: by, o: o}
	for _, step := range []struct {
		name string
		do   func(context.Context) (Note, error)
	}{
		{"sign in", j.enter}, {"read", j.read}, {"module", j.module}, {"client", j.register}, {"provider row", j.provide}, {"keep", j.keep}, {"test", j.test},
	} {
		began := s.book.now()
		did, err := step.do(ctx)
		if err != nil {
			return j.Report, fmt.Errorf("%s: %w", step.name, err)
		}
		if did.Text == "" {
			continue
		}
		done := Step{Name: step.name, Did: did.Text, Said: did.Said, Seconds: s.book.now().Sub(began).Seconds()}
		if j.Steps = append(j.Steps, done); tell != nil {
			tell(done)
		}
	}
	j.Connection = j.c
	return j.Report, nil
}

// enter finds the database and an earlier connection, and signs in.
func (j *joining) enter(ctx context.Context) (Note, error) {
	j.o.URL = j.o.Address()
	if err := j.choose(ctx); err != nil {
		return Note{}, err
	}
	if err := j.recall(ctx); err != nil {
		return Note{}, err
	}
	j.c.URL, j.c.Database, j.c.Login, j.c.Key = j.o.URL, j.o.Database, j.o.Login, j.o.Key
	if j.o.Reach != "" {
		if origin(j.o.Reach) == "" {
			return Note{}, refuse("refused.reach", idp.ErrInvalid, j.o.Reach)
		}
		j.c.Reach = strings.TrimRight(j.o.Reach, "/")
	}
	var err error
	if j.r, err = rpc.Dial(ctx, j.book.config(j.c)); errors.Is(err, rpc.ErrWrongKey) {
		err = fmt.Errorf("%w: make an API key in Odoo (My Profile, Account Security); a password does not do for somebody with Odoo's own second factor", err)
	}
	if err != nil {
		return Note{}, err
	}
	v := j.r.Version()
	edition := "Community"
	if v.Enterprise {
		edition = "Enterprise"
	}
	return say("did.sign_in", v.Full, edition, j.r.Protocol(), j.c.Database, j.c.Login), nil
}

// choose finds the database when none is named.
func (j *joining) choose(ctx context.Context) error {
	if j.o.Database != "" {
		return nil
	}
	if u, err := url.Parse(j.o.URL); err == nil && strings.HasSuffix(u.Hostname(), ".odoo.com") {
		j.o.Database, _, _ = strings.Cut(u.Hostname(), ".") // so does Odoo Online name them
		return nil
	}
	all, err := rpc.Databases(ctx, j.book.config(Connection{URL: j.o.URL}))
	switch {
	case errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrNotOdoo):
		return refuse("refused.database", idp.ErrInvalid)
	case err != nil:
		return err
	case len(all) != 1:
		return refuse("refused.databases", idp.ErrInvalid, strings.Join(all, ", "))
	}
	j.o.Database = all[0]
	return nil
}

// recall finds an earlier connection to the same Odoo, or of the same id.
func (j *joining) recall(ctx context.Context) error {
	all, err := j.book.connections.All(ctx)
	if err != nil {
		return err
	}
	if j.o.ID != "" && slug(j.o.ID) == "" {
		return refuse("refused.name", idp.ErrInvalid, j.o.ID)
	}
	id := slug(j.o.ID)
	for _, c := range all {
		same := origin(c.URL) == origin(j.o.URL) && c.Database == j.o.Database
		if id == c.ID && origin(c.URL) != origin(j.o.URL) && !j.o.Moved {
			return refuse("refused.elsewhere", idp.ErrInvalid, c.ID, origin(c.URL))
		}
		if id == c.ID || id == "" && same {
			j.old, j.c, j.known = c, c, true
			return nil
		}
		if same {
			return refuse("refused.connected", idp.ErrInvalid, c.ID)
		}
	}
	return j.name(id, ids(all))
}

// name begins a new connection, by the name that was chosen or one that is free.
func (j *joining) name(chosen string, taken []string) error {
	for _, id := range []string{chosen, "odoo", slug(j.o.Database), slug(origin(j.o.URL))} {
		if nameOf.MatchString(id) && !slices.Contains(taken, id) {
			j.c = Connection{ID: id, Created: j.book.now()}
			return nil
		}
	}
	return refuse("refused.unnamed", idp.ErrInvalid)
}

func (j *joining) read(ctx context.Context) (Note, error) {
	f, err := read(ctx, j.r, j.c)
	if err != nil {
		return Note{}, err
	}
	f.Read = j.book.now()
	j.c.Facts = f
	if f.Version.Online {
		j.warn(say("note.online"))
	}
	other, err := j.book.twin(ctx, j.c)
	if err != nil {
		return Note{}, err
	}
	if other != "" {
		j.warn(say("note.copy", other))
	}
	hosts, languages := strings.Join(f.Hosts, " "), strings.Join(f.Languages, " ")
	if f.OpenSignup {
		return say("did.read.everybody", f.Users, f.Company.Name, hosts, languages), nil
	}
	return say("did.read.invited", f.Users, f.Company.Name, hosts, languages), nil
}

func (j *joining) warn(n Note) { j.Warnings = append(j.Warnings, n) }

// module switches Odoo's own module on, which is part of every Odoo.
func (j *joining) module(ctx context.Context) (Note, error) {
	if j.c.Facts.Has("auth_oauth") {
		return Note{}, nil
	}
	if j.o.Dry {
		return say("would.module"), nil
	}
	found, err := j.r.Search(ctx, "ir.module.module", rpc.Domain{rpc.Is("name", "=", "auth_oauth")}, rpc.Page{})
	if err != nil {
		return Note{}, err
	}
	if len(found) == 0 {
		return Note{}, refuse("refused.module", idp.ErrInvalid)
	}
	cfg := j.book.config(j.c)
	cfg.Timeout = 5 * time.Minute // Odoo builds itself anew
	patient, err := rpc.Dial(ctx, cfg)
	if err != nil {
		return Note{}, err
	}
	if err := patient.Call(ctx, "ir.module.module", "button_immediate_install", found, nil, nil); err != nil {
		return Note{}, err
	}
	j.c.Facts.Modules = append(j.c.Facts.Modules, "auth_oauth")
	return say("did.module"), nil
}

// register makes the client, or brings it up to date. Addresses that somebody
// added by hand stay, and so does it stay disabled. What changes a client needs
// the right to change clients, too (SECURITY.md D-01).
func (j *joining) register(ctx context.Context) (Note, error) {
	old, err := j.clients.ByID(ctx, cmp.Or(j.c.Client, idp.ClientID(j.c.ID)))
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return j.newClient(ctx)
	case err != nil:
		return Note{}, err
	case old.Type != oidc.Odoo:
		return Note{}, refuse("refused.type", idp.ErrTaken, old.ID)
	case !j.known && !j.o.Moved && !leadsTo(old, j.o.URL):
		// Whoever has a token for Odoos must not send an application's people elsewhere.
		return Note{}, refuse("refused.addresses", idp.ErrTaken, old.ID)
	}
	j.client, j.c.Client = old, old.ID
	next := old
	next.RedirectURIs = j.union(old.RedirectURIs, Callback)
	next.PostLogoutURIs = j.union(old.PostLogoutURIs, "/")
	if old.Disabled {
		j.warn(say("note.disabled", old.ID))
	}
	if slices.Equal(next.RedirectURIs, old.RedirectURIs) && slices.Equal(next.PostLogoutURIs, old.PostLogoutURIs) {
		return say("did.client.right", old.ID), nil
	}
	if err := j.by.May(idp.EditClients); err != nil {
		return Note{}, err
	}
	made, err := oidc.Revise(next)
	if err != nil {
		return Note{}, err
	}
	j.client = made.Client
	if j.o.Dry {
		return say("would.client.changed", old.ID), nil
	}
	return say("did.client.changed", old.ID), j.book.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(j.clients.Save(ctx, made.Client), j.book.note(ctx, j.by, "client.update", j.c, idp.Diff(addresses(old), addresses(made.Client))))
	})
}

// leadsTo reports whether a client has an address at an Odoo's origin.
func leadsTo(c oidc.Client, odoo string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(u string) bool { return origin(u) == origin(odoo) })
}

// addresses is what the log says of a client that changes.
func addresses(c oidc.Client) map[string]string {
	return map[string]string{"redirect_uris": strings.Join(c.RedirectURIs, " "), "post_logout_uris": strings.Join(c.PostLogoutURIs, " ")}
}

func (j *joining) newClient(ctx context.Context) (Note, error) {
	if err := j.by.May(idp.EditClients); err != nil {
		return Note{}, err
	}
	in := oidc.Input{
		ID: idp.ClientID(j.c.ID), Name: cmp.Or(j.c.Facts.Company.Name, j.c.ID), Type: oidc.Odoo, Choose: true,
		RedirectURIs: j.union(nil, Callback), PostLogoutURIs: j.union(nil, "/"),
	}
	if j.c.Facts.Version.Series < 18 { // a stored token works as a password there (ODOO.md §2)
		in.Sessions = oidc.SessionsSingle
		j.warn(say("note.sessions", j.c.Facts.Version.Series))
	}
	made, err := oidc.NewClient(in, j.book.now())
	if err != nil {
		return Note{}, err
	}
	j.client, j.c.Client = made.Client, made.Client.ID
	for _, w := range made.Warnings {
		j.warn(warned(w))
	}
	if j.o.Dry {
		return say("would.client.made", made.Client.ID, strings.Join(made.Client.RedirectURIs, " ")), nil
	}
	return say("did.client.made", made.Client.ID, strings.Join(made.Client.RedirectURIs, " ")), j.book.atomic(ctx, func(ctx context.Context) error {
		detail := idp.Diff(nil, addresses(made.Client))
		detail["type"], detail["name"] = string(made.Client.Type), made.Client.Name
		return errors.Join(j.clients.Add(ctx, made.Client), j.book.note(ctx, j.by, "client.add", j.c, detail))
	})
}

// union adds the addresses of all hosts to those that there are.
func (j *joining) union(have []string, path string) []string {
	out := slices.Clone(have)
	for _, h := range j.c.Facts.Hosts {
		if !slices.Contains(out, h+path) {
			out = append(out, h+path)
		}
	}
	return out
}

// provide writes the row on which Odoo's button stands.
func (j *joining) provide(ctx context.Context) (Note, error) {
	j.AuthorizationURL = j.issuer + oidc.PathAuthorize
	if !j.o.Dry || j.known { // one that is only tried has no secret to keep
		j.ValidationURL = validation(j.issuer, j.c, j.client)
	}
	if j.o.Dry && !j.c.Facts.Has("auth_oauth") {
		return say("would.row.made"), nil
	}
	return j.buttons.row(ctx, j.r, &j.c, j.client, j.o.Dry)
}

// keep stores the connection, sealed.
func (j *joining) keep(ctx context.Context) (Note, error) {
	if j.o.Dry {
		return Note{}, nil
	}
	what := "odoo.connect"
	if j.known {
		what = "odoo.repair"
	}
	if err := j.c.Facts.count(ctx, j.r, j.c); err != nil {
		return Note{}, err
	}
	err := j.book.atomic(ctx, func(ctx context.Context) error {
		save := j.book.connections.Add
		if j.known {
			save = j.again
		}
		return errors.Join(save(ctx, j.c), j.book.note(ctx, j.by, what, j.c, map[string]string{"url": j.c.URL, "database": j.c.Database}))
	})
	if err == nil && j.known {
		err = j.book.connections.Heard(ctx, j.c.ID, j.book.now(), nil)
	}
	return say("did.kept", j.c.ID), err
}

// test goes the whole way that a token goes. What it finds are warnings: the
// server may not be running yet.
func (j *joining) test(ctx context.Context) (Note, error) {
	if j.o.Dry {
		return Note{}, nil
	}
	w, err := j.way.walk(ctx, j.c, j.client)
	if err != nil {
		return Note{}, err
	}
	for _, f := range w {
		j.warn(f.note())
	}
	if len(w) > 0 {
		return say("did.test.failed"), nil
	}
	return say("did.test"), nil
}
