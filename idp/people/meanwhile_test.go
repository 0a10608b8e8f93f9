package people_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/people"
)

// hooked lets a test step in before names are looked up.
type hooked struct {
	account.Directory
	before func()
}

func (d *hooked) Holding(ctx context.Context, ids []idp.Identifier) (account.Holders, error) {
	d.before()
	return d.Directory.Holding(ctx, ids)
}

func (h *house) role(u idp.User, is idp.Role) {
	h.Helper()
	_, err := h.help.Service.Update(context.WithoutCancel(h.Context()), idp.Actor{Host: true}, u.ID, account.Change{Role: &is})
	h.must(err)
}

// D-04: whose role is taken away while a table comes in adds nobody more, and
// invites nobody.
func TestImportRightsMeanwhile(t *testing.T) {
	h := open(t)
	admin := h.add("admin", idp.Admin)
	look := &hooked{h.db.Directory, func() {}}
	imports := &people.Imports{Accounts: h.help.Service, Lookup: look, Batches: h.db.Batches, Bulk: h.bulk, Work: h.desk, Now: h.clock.Now}
	file := "email\n"
	for i := range 450 {
		file += fmt.Sprintf("p%03d@example.org\n", i)
	}
	id, err := imports.Begin(t.Context(), as(admin), []byte(file))
	h.must(err)
	h.must(imports.Check(t.Context(), as(admin), id, people.Choice{Fields: []string{"email"}}))
	h.desk.Wait()
	look.before = func() { h.role(admin, idp.Auditor) }
	h.must(imports.Start(t.Context(), as(admin), id, true))
	h.desk.Wait()
	d, err := imports.Draft(t.Context(), as(admin), id)
	h.must(err)
	if d.Job.State != job.Failed || d.Job.Key != "denied" || h.events("user.add", "ok") != 1+200 || h.events("user.invite", "ok") != 0 {
		t.Errorf("%+v, %d added, %d invited", d.Job, h.events("user.add", "ok"), h.events("user.invite", "ok"))
	}
}

// between lets a test step in after a merge was looked at.
type between struct {
	people.Moves
	before func()
}

func (m between) Same(ctx context.Context, u idp.User) error {
	m.before()
	return m.Moves.Same(ctx, u)
}

// D-02: a merge takes nothing over that its actor may not give: accounts in an
// Odoo, what is somebody else's for themselves, and what is above them by now.
func TestMergeRights(t *testing.T) {
	h := open(t)
	admin, keep, gone := h.add("admin", idp.Admin), h.add("keep", ""), h.add("gone", "")
	moves := &between{h.db.Moves, func() {}}
	m := &people.Merging{
		Users: h.db.Users, Ties: h.db.Ties, Consents: h.db.Consents, Moves: moves, Accounts: h.help.Service, Log: h.db.Log, Atomic: h.db.Atomic, Now: h.clock.Now,
	}
	in := people.Merge{Keep: keep.ID, Gone: gone.ID}
	for _, own := range []people.Merge{{Keep: admin.ID, Gone: gone.ID}, {Keep: keep.ID, Gone: admin.ID}} {
		if _, err := m.Do(t.Context(), as(admin), own); !errors.Is(err, people.ErrSelf) {
			t.Errorf("into or out of one's own: %v", err)
		}
	}
	h.must(h.db.Ties.Put(t.Context(), connector.Tie{Connection: "shop", Odoo: 1, User: gone.ID, Created: time.UnixMilli(5)}))
	token := as(admin)
	token.Scopes = []idp.Right{idp.EditPeople}
	if _, err := m.Do(t.Context(), token, in); !errors.Is(err, idp.ErrDenied) || h.events("user.merge", "denied") != 1 {
		t.Errorf("without the right to Odoo's accounts: %v", err)
	}
	moves.before = func() { h.role(keep, idp.Owner) }
	if _, err := m.Do(t.Context(), as(admin), in); !errors.Is(err, idp.ErrSpent) {
		t.Errorf("into an owner: %v", err)
	}
	if u, err := h.db.Users.ByID(t.Context(), gone.ID); err != nil || u.Disabled || h.events("user.merge", "ok") != 0 {
		t.Errorf("half a merge: %+v, %v", u, err)
	}
	moves.before = func() {}
	h.role(keep, "")
	out, err := m.Do(t.Context(), as(admin), in)
	h.must(err)
	mine, err := h.db.Ties.OfUser(t.Context(), keep.ID)
	if err != nil || len(out.Ties) != 1 || !slices.ContainsFunc(mine, func(t connector.Tie) bool { return t.Connection == "shop" }) {
		t.Errorf("%+v %+v, %v", out, mine, err)
	}
}

// D-04: what was begun with a token of the API ends with it.
func TestBulkEndsWithItsToken(t *testing.T) {
	h := open(t)
	admin := h.add("admin", idp.Admin)
	tokens := &apitoken.Service{Tokens: h.db.APITokens, Users: h.db.Users, Log: h.db.Log, Atomic: h.db.Atomic, Now: h.clock.Now}
	h.bulk.Callers = tokens
	for i := range 120 {
		h.add(fmt.Sprintf("p%03d", i), "")
	}
	made, secret, err := tokens.Make(t.Context(), as(admin), apitoken.New{Name: "bulk", Scopes: []idp.Right{idp.EditPeople, idp.HelpPeople}})
	h.must(err)
	_, by, err := tokens.Bearer(t.Context(), secret, idp.Origin{})
	h.must(err)
	id, err := h.bulk.Prepare(t.Context(), by, people.Order{Act: people.Disable}, people.Selection{Filter: &people.Filter{Text: "p"}})
	h.must(err)
	h.doing.before = func() {
		h.doing.before = nil
		h.must(tokens.Revoke(context.WithoutCancel(t.Context()), as(admin), made.ID))
	}
	h.must(h.bulk.Start(t.Context(), by, id))
	h.desk.Wait()
	p, err := h.bulk.Plan(t.Context(), by, id)
	h.must(err)
	if p.Job.State != job.Failed || p.Job.Key != "denied" || p.Done != 50 || p.Todo != 70 {
		t.Errorf("%+v %+v", p.Job, p)
	}
}
