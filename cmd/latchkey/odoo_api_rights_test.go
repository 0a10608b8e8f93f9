package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
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
	if a := w.send(narrow, http.MethodGet, "/api/v1/odoo/shop/cases", nil).want(http.StatusForbidden); !strings.Contains(a.at("detail"), string(idp.SeePeople)) {
		t.Errorf("%s", a.body)
	}
	w.send(wide, http.MethodGet, "/api/v1/odoo/shop/cases", nil).want(http.StatusOK)
}

// D-04: nothing that asks for the rights of a token goes on when it is revoked.
func TestOdooWorkEndsWithItsToken(t *testing.T) {
	w := newWorld(t, "sqlite")
	boss := w.staff("boss@example.org", idp.Admin)
	w.must(w.db.Connections.Add(t.Context(), connector.Connection{ID: "shop", Client: "shop"}))
	_, by, err := w.tokens().Bearer(t.Context(), w.apiToken(boss, idp.EditOdoo, idp.EditPeople), idp.Origin{})
	w.must(err)
	try := func() (out []error) {
		_, lock := w.odoo.people().Lock(t.Context(), by, "shop", connector.LockOrder{Callers: w.gate()})
		_, link := w.odoo.people().LinkAll(t.Context(), by, "shop", connector.Linking{Callers: w.gate()})
		_, sync := w.odoo.people().SyncNow(t.Context(), by, "shop", connector.SyncOptions{Force: true, Callers: w.gate()})
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
		_, err := w.odoo.people().BringIn(t.Context(), by, "shop", connector.Intake{Callers: w.gate(), Open: func(_ context.Context, groups []string) (connector.Source, func(), error) {
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
