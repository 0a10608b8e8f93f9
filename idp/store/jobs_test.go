package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// One piece of work of a kind about one thing goes on at a time, also when many
// begin it at once; one whose instance fell over makes room.
func TestJobs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, jobs := t.Context(), db.Jobs
		now := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
		make := func(id, kind string) job.Job {
			return job.Job{ID: id, Kind: kind, About: "shop", Owner: "u", State: job.Running, Began: now, Touched: now}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := []string{}
		for i := range 8 {
			wg.Go(func() {
				id := fmt.Sprint("j", i)
				if err := jobs.Add(ctx, make(id, "import"), now.Add(-time.Minute)); err == nil {
					mu.Lock()
					won = append(won, id)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%v began", won)
		}
		must(t, jobs.Add(ctx, make("other", "link"), now.Add(-time.Minute))) // of another kind
		j, err := jobs.ByID(ctx, won[0])
		must(t, err)
		j.Progress, j.Result, j.Touched = job.Progress{Done: 7, Part: .5}, json.RawMessage(`{"login":"ada"}`), now.Add(time.Second)
		must(t, jobs.Save(ctx, j))
		if got, err := jobs.ByID(ctx, j.ID); err != nil || got.Done != 7 || got.Part != .5 || !bytes.Equal(got.Result, j.Result) || !got.Touched.Equal(j.Touched) || got.Owner != "u" {
			t.Errorf("%+v, %v", got, err)
		}
		// It was not heard of for two minutes: another one takes its place, and its
		// own notes come too late.
		now = now.Add(2 * time.Minute)
		must(t, jobs.Add(ctx, make("next", "import"), now.Add(-time.Minute)))
		wantErr(t, jobs.Save(ctx, j), idp.ErrSpent)
		if got, err := jobs.ByID(ctx, j.ID); err != nil || got.State != job.Lost {
			t.Errorf("%+v, %v", got, err)
		}
		done := make("next", "import")
		done.State, done.Ended, done.Key = job.Done, now, "k"
		must(t, jobs.Save(ctx, done))
		wantErr(t, jobs.Save(ctx, done), idp.ErrSpent) // it ends once
		must(t, jobs.Add(ctx, make("last", "import"), now.Add(-time.Minute)))
		all, err := jobs.About(ctx, "shop", 2)
		if err != nil || len(all) != 2 || all[0].Began.Before(all[1].Began) {
			t.Errorf("%+v, %v", all, err)
		}
		must(t, db.Sweep(ctx, now.Add(job.Keep+time.Minute)))
		_, err = jobs.ByID(ctx, j.ID)
		wantErr(t, err, idp.ErrNotFound)
	})
}

// The journal keeps the last hundred runs of a connection, and open cases until
// they are settled; both go with the connection.
func TestJournal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, journal := t.Context(), db.Journal
		now := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
		must(t, db.Connections.Add(ctx, connector.Connection{ID: "shop", Client: "shop", Created: now}))
		for i := range connector.JournalKeep + 5 {
			at := now.Add(time.Duration(i) * time.Minute)
			must(t, journal.Ran(ctx, "shop", connector.SyncRun{Began: at, Ended: at.Add(time.Second), Counts: connector.SyncCounts{Created: i}}))
		}
		must(t, journal.Ran(ctx, "gone", connector.SyncRun{Began: now}))
		all, err := journal.Runs(ctx, "shop", 1000)
		if err != nil || len(all) != connector.JournalKeep || all[0].Counts.Created != connector.JournalKeep+4 {
			t.Errorf("%d runs, %v", len(all), err)
		}
		if none, err := journal.Runs(ctx, "gone", 10); err != nil || len(none) != 0 {
			t.Errorf("%v, %v", none, err)
		}
		person(t, db, "ann")
		for range 2 { // it comes up again
			must(t, journal.Open(ctx, connector.Case{Connection: "shop", User: "ann", What: "a, b", Seen: now}))
		}
		must(t, journal.Open(ctx, connector.Case{Connection: "shop", User: "nobody", What: "a, b", Seen: now}))
		cases, err := journal.Cases(ctx, "shop", 10)
		if err != nil || len(cases) != 1 || cases[0].User != "ann" || cases[0].What != "a, b" || cases[0].Login == "" {
			t.Errorf("%+v, %v", cases, err)
		}
		said := connector.Said{Says: "case.some_linked", Facts: []string{"a, b", "c"}}
		must(t, journal.Open(ctx, connector.Case{Connection: "shop", User: "ann", What: "a, b; linked otherwise: c", Said: said, Seen: now}))
		cases, err = journal.Cases(ctx, "shop", 10)
		if err != nil || len(cases) != 1 || cases[0].What != "a, b; linked otherwise: c" || !reflect.DeepEqual(cases[0].Said, said) {
			t.Errorf("%+v, %v", cases, err)
		}
		must(t, journal.Settled(ctx, "shop", "ann"))
		must(t, journal.Settled(ctx, "shop", "ann"))
		if cases, err := journal.Cases(ctx, "shop", 10); err != nil || len(cases) != 0 {
			t.Errorf("%+v, %v", cases, err)
		}
		must(t, db.Connections.Remove(ctx, "shop"))
		if all, err := journal.Runs(ctx, "shop", 10); err != nil || len(all) != 0 {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// E-06: only administrators whose address is known to be theirs are written to.
func TestReachable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for id, u := range map[string]idp.User{
			"owner": {Role: idp.Owner, Email: "o@example.org", EmailVerified: true}, "admin": {Role: idp.Admin, Email: "a@example.org", EmailVerified: true},
			"unproven": {Role: idp.Admin, Email: "u@example.org"}, "off": {Role: idp.Admin, Email: "d@example.org", EmailVerified: true, Disabled: true},
			"helper": {Role: idp.HelpDesk, Email: "h@example.org", EmailVerified: true}, "ann": {Email: "ann@example.org", EmailVerified: true},
		} {
			u.ID, u.Login = idp.UserID(id), id
			must(t, db.Users.Add(t.Context(), u, []idp.Identifier{{Canonical: id, Skeleton: id}}))
		}
		all, err := db.Administrators.Reachable(t.Context())
		if err != nil || len(all) != 2 || all[0].Email == "" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
