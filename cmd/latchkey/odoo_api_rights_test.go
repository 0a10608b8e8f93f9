package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
)

// D-01: a token to connect Odoos changes no brand: it says so, and one with the
// right to the house does.
func TestOdooLooksNeedTheHouse(t *testing.T) {
	w := newWorld(t, "sqlite")
	boss := w.staff("boss@example.org", idp.Admin)
	there := odootest.New(t, odootest.Options{Now: w.clock})
	order := m{"url": there.URL, "database": there.Database, "login": odootest.Login, "key": there.Key, "id": "shop"}
	narrow := w.send(w.apiToken(boss, idp.EditOdoo, idp.EditClients), http.MethodPost, "/api/v1/odoo", order).want(http.StatusCreated)
	if !strings.Contains(narrow.at("warnings", 0), string(idp.EditHouse)) {
		t.Errorf("%s", narrow.body)
	}
	client := idp.ClientID(narrow.at("connection", "client"))
	if own, err := w.choices.brands.Get(t.Context(), host, client); err == nil && !own.Empty() {
		t.Errorf("the brand is %+v", own)
	}
	wide := w.send(w.apiToken(boss, idp.EditOdoo, idp.EditClients, idp.EditHouse), http.MethodPost, "/api/v1/odoo", order).want(http.StatusCreated)
	own, err := w.choices.brands.Get(t.Context(), host, client)
	if err != nil || own.Empty() || !strings.Contains(wide.at("looks"), "copied") {
		t.Errorf("%+v %v %s", own, err, wide.body)
	}
	by := ""
	w.must(w.db.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if strings.HasPrefix(e.What, "brand") {
			by = string(e.Actor)
		}
		return nil
	}))
	if by != string(boss.ID) {
		t.Errorf("the log says that %q did it", by)
	}
}

// D-01: a token to look at Odoos sees no names and logins of people.
func TestOdooNamesNeedPeople(t *testing.T) {
	w := newWorld(t, "sqlite")
	boss := w.staff("boss@example.org", idp.Admin)
	w.must(w.db.Connections.Add(t.Context(), connector.Connection{ID: "shop", Client: "shop"}))
	const name = "pia.secret"
	bad := []connector.SyncTrouble{{Odoo: 7, Login: name, Text: name + " is in the way"}}
	w.must(w.db.Connections.SetState(t.Context(), "shop", "sync", `{"troubles":[{"odoo_id":7,"login":"`+name+`","message":"`+name+` is in the way"}]}`))
	w.must(w.db.Journal.Ran(t.Context(), "shop", connector.SyncRun{Began: w.clock(), Ended: w.clock(), Troubles: bad, Counts: connector.SyncCounts{Failed: 1}}))
	for kind, v := range map[string]any{
		"import": m{"report": connector.ImportReport{Classes: []connector.ClassReport{{Count: 1, Examples: []connector.ImportFinding{{Login: name}}}}}},
		"doctor": connector.Diagnosis{Findings: []connector.Finding{{Check: "unlinked", Evidence: name, Cure: name, Said: connector.Said{Facts: []string{"1", name}, Detail: name}}}},
		"sync":   m{"state": connector.SyncState{Troubles: bad}},
	} {
		_, err := w.jobs.Start(t.Context(), host, "odoo."+kind, "shop", func(context.Context, *job.Run) (any, error) { return v, nil })
		w.must(err)
	}
	w.jobs.Wait()
	narrow, wide := w.apiToken(boss, idp.SeeOdoo), w.apiToken(boss, idp.SeeOdoo, idp.SeePeople)
	for _, at := range []string{"sync", "sync/runs", "work"} {
		a, b := w.send(narrow, http.MethodGet, "/api/v1/odoo/shop/"+at, nil).want(http.StatusOK), w.send(wide, http.MethodGet, "/api/v1/odoo/shop/"+at, nil).want(http.StatusOK)
		if strings.Contains(string(a.body), name) || !strings.Contains(string(b.body), name) {
			t.Errorf("%s: %s\n%s", at, a.body, b.body)
		}
		if at == "work" {
			for i := range 3 {
				id := b.at("items", i, "id")
				a, b := w.send(narrow, http.MethodGet, "/api/v1/odoo/shop/work/"+id, nil).want(http.StatusOK), w.send(wide, http.MethodGet, "/api/v1/odoo/shop/work/"+id, nil).want(http.StatusOK)
				if strings.Contains(string(a.body), name) || !strings.Contains(string(b.body), name) {
					t.Errorf("%s\n%s", a.body, b.body)
				}
			}
		}
	}
	w.failuresNeedPeople(boss, narrow, wide, name)
	if a := w.send(narrow, http.MethodGet, "/api/v1/odoo/shop/cases", nil).want(http.StatusForbidden); !strings.Contains(a.at("detail"), string(idp.SeePeople)) {
		t.Errorf("%s", a.body)
	}
	w.send(wide, http.MethodGet, "/api/v1/odoo/shop/cases", nil).want(http.StatusOK)
}

// failuresNeedPeople looks at what is said of failures: Odoo's own texts name people.
func (w *world) failuresNeedPeople(boss idp.User, narrow, wide, name string) {
	w.t.Helper()
	why := connector.Reason{Kind: "fault", Said: connector.Said{Says: "odoo.fault", Facts: []string{name}, Detail: name + " may not"}}
	failed := &job.Problem{Key: "invalid", Detail: "nobody there has the login " + name, Reason: why, Err: idp.ErrInvalid}
	state, err := json.Marshal(connector.SyncState{Failures: 1, Failure: name + " may not", Why: &why})
	w.must(err)
	w.must(w.db.Connections.Add(w.t.Context(), connector.Connection{ID: "bad", Client: "bad"}))
	w.must(w.db.Connections.SetState(w.t.Context(), "bad", "sync", string(state)))
	w.must(w.db.Connections.Heard(w.t.Context(), "bad", w.clock(), fmt.Errorf("%w: %s", rpc.ErrFault, name)))
	w.must(w.db.Journal.Ran(w.t.Context(), "bad", connector.SyncRun{Began: w.clock(), Ended: w.clock(), Failure: name + " may not", Why: &why}))
	_, err = w.jobs.Start(w.t.Context(), host, "odoo.lock", "bad", func(context.Context, *job.Run) (any, error) { return nil, failed })
	w.must(err)
	w.jobs.Wait()
	work := w.send(wide, http.MethodGet, "/api/v1/odoo/bad/work", nil).want(http.StatusOK).at("items", 0, "id")
	for path, kind := range map[string][]any{
		"odoo": {"items", 0, "health", "why", "kind"}, "odoo/bad": {"health", "why", "kind"}, "odoo/bad/sync": {"why", "kind"}, "odoo/bad/sync/runs": {"items", 0, "why", "kind"},
		"odoo/bad/work": {"items", 0, "why"}, "odoo/bad/work/" + work: {"why"},
	} {
		a, b := w.send(narrow, http.MethodGet, "/api/v1/"+path, nil).want(http.StatusOK), w.send(wide, http.MethodGet, "/api/v1/"+path, nil).want(http.StatusOK)
		if strings.Contains(string(a.body), name) || !strings.Contains(string(b.body), name) || a.at(kind...) == "" || a.at(kind...) != b.at(kind...) {
			w.t.Errorf("%s: %s\n%s", path, a.body, b.body)
		}
	}
	audit, all := w.apiToken(boss, idp.SeeAudit, idp.SeeOdoo), w.apiToken(boss, idp.SeeAudit, idp.SeeOdoo, idp.SeePeople)
	a, b := w.send(audit, http.MethodGet, "/api/v1/figures", nil).want(http.StatusOK), w.send(all, http.MethodGet, "/api/v1/figures", nil).want(http.StatusOK)
	if strings.Contains(string(a.body), name) || !strings.Contains(string(b.body), name) {
		w.t.Errorf("figures: %s\n%s", a.body, b.body)
	}
}

// D-01: nor does a token to change Odoos get them by looking for what is wrong with
// one, or by replacing its passwords: it gets numbers.
func TestOdooAnswersNeedPeople(t *testing.T) {
	w := newWorld(t, "sqlite")
	boss := w.staff("boss@example.org", idp.Admin)
	there := odootest.New(t, odootest.Options{Now: w.clock})
	narrow, wide := w.apiToken(boss, idp.EditOdoo, idp.EditClients), w.apiToken(boss, idp.EditOdoo, idp.EditClients, idp.SeePeople)
	w.send(wide, http.MethodPost, "/api/v1/odoo", m{"url": there.URL, "database": there.Database, "login": odootest.Login, "key": there.Key, "id": "shop"}).want(http.StatusCreated)
	c, err := w.db.Connections.ByID(t.Context(), "shop")
	w.must(err)
	const name = "pia.secret"
	there.AddUser(name, "Pia", name+"@example.org", false) // not linked
	id := there.AddUser("tim.secret", "Tim", "tim.secret@example.org", false)
	there.Set("res.users", id, odootest.Record{"oauth_provider_id": c.Provider, "oauth_uid": "tim"})
	for path, order := range map[string]m{
		"doctor": {}, "lock": {"dry_run": true, "force": true, "except": []string{odootest.Login}},
	} {
		a, b := w.send(narrow, http.MethodPost, "/api/v1/odoo/shop/"+path, order).want(http.StatusOK), w.send(wide, http.MethodPost, "/api/v1/odoo/shop/"+path, order).want(http.StatusOK)
		if strings.Contains(string(a.body), ".secret") || !strings.Contains(string(b.body), name) || !strings.Contains(string(b.body), "tim.secret") {
			t.Errorf("%s: %s\n%s", path, a.body, b.body)
		}
		if path == "doctor" && !strings.Contains(string(a.body), "unlinked") {
			t.Errorf("%s", a.body)
		}
		if path == "lock" && (a.at("counts", "users") != "1" || a.at("counts", "exempt") != "1" || a.at("counts", "unlinked") == "0" || !strings.Contains(string(a.body), `"exempt":[]`)) {
			t.Errorf("%s", a.body)
		}
	}
	// With one check alone, too.
	a := w.send(narrow, http.MethodPost, "/api/v1/odoo/shop/doctor", m{"check": "signup"}).want(http.StatusOK)
	if strings.Contains(string(a.body), ".secret") {
		t.Errorf("%s", a.body)
	}
}

// D-04: nothing that asks for the rights of a token goes on when it is revoked.
func TestOdooWorkEndsWithItsToken(t *testing.T) {
	w := newWorld(t, "sqlite")
	boss := w.staff("boss@example.org", idp.Admin)
	w.must(w.db.Connections.Add(t.Context(), connector.Connection{ID: "shop", Client: "shop"}))
	_, by, err := w.tokens().Bearer(t.Context(), w.apiToken(boss, idp.EditOdoo, idp.EditPeople), idp.Origin{})
	w.must(err)
	try := func() (out []error) {
		_, lock := w.odoo.office().Locks.Lock(t.Context(), by, "shop", connector.LockOrder{Callers: w.gate()})
		_, link := w.odoo.office().Links.LinkAll(t.Context(), by, "shop", connector.Linking{Callers: w.gate()})
		_, sync := w.odoo.office().Sync.SyncNow(t.Context(), by, "shop", connector.SyncOptions{Force: true, Callers: w.gate()})
		return []error{lock, link, sync}
	}
	for n, err := range try() { // there is no Odoo, but they may
		if err == nil || errors.Is(err, idp.ErrDenied) {
			t.Errorf("%d: %v", n, err)
		}
	}
	w.must(w.tokens().Revoke(t.Context(), host, by.Token))
	for n, err := range try() {
		if !errors.Is(err, connector.ErrLost) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// D-04: an import ends with the token that began it.
func TestOdooImportEndsWithItsToken(t *testing.T) {
	w := newWorld(t, "sqlite")
	boss := w.staff("boss@example.org", idp.Admin)
	w.must(w.db.Connections.Add(t.Context(), connector.Connection{ID: "shop", Client: "shop"}))
	token := w.apiToken(boss, idp.EditOdoo, idp.EditPeople)
	_, by, err := w.tokens().Bearer(t.Context(), token, idp.Origin{})
	w.must(err)
	bring := func(between func() error) error {
		_, err := w.odoo.office().Imports.BringIn(t.Context(), by, "shop", connector.Intake{Callers: w.gate(), Open: func(_ context.Context, groups []string) (connector.Source, func(), error) {
			s, err := connector.OpenCSV(strings.NewReader("ID;Login;Email\n7;pia@example.org;pia@example.org\n8;tim@example.org;tim@example.org\n"), groups)
			return s, func() {}, errors.Join(err, between())
		}})
		return err
	}
	if err := bring(func() error { return w.tokens().Revoke(t.Context(), host, by.Token) }); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("%v", err)
	}
	if u, err := w.people.accounts.Find(t.Context(), "pia@example.org"); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("%+v came in", u)
	}
}
