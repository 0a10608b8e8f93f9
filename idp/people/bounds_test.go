package people_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/people"
)

// Reliability: what somebody prepares and leaves lying is bounded; the oldest that was
// never started gives way, and nobody else's.
func TestLeftLying(t *testing.T) {
	h := open(t)
	admin, other, u := h.add("admin", idp.Admin), h.add("other", idp.Admin), h.add("p", "")
	prepare := func(who idp.User) string {
		h.clock.Pass(time.Second)
		id, err := h.bulk.Prepare(t.Context(), as(who), people.Order{Act: people.Disable}, people.Selection{IDs: []idp.UserID{u.ID}})
		h.must(err)
		return id
	}
	started, theirs := prepare(admin), prepare(other)
	h.must(h.bulk.Start(t.Context(), as(admin), started))
	h.desk.Wait()
	var all []string
	for range 12 {
		all = append(all, prepare(admin))
	}
	there := func(who idp.User, id string) bool {
		_, err := h.bulk.Plan(t.Context(), as(who), id)
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			t.Error(err)
		}
		return err == nil
	}
	if !there(admin, started) || !there(other, theirs) {
		t.Error("what was started, or is somebody else's, is gone")
	}
	for i, id := range all {
		if there(admin, id) != (i >= 2) {
			t.Errorf("%d of %d: %v", i, len(all), there(admin, id))
		}
	}
}

// Reliability: two tables of one person at most lie there, checked or not; one that is
// being read is left alone.
func TestTablesLeftLying(t *testing.T) {
	h := open(t)
	admin := h.add("admin", idp.Admin)
	hold, held := make(chan struct{}), make(chan struct{})
	look := &hooked{h.db.Directory, func() {}}
	imports := &people.Imports{Accounts: h.help.Service, Lookup: look, Batches: h.db.Batches, Bulk: h.bulk, Work: h.desk, Now: h.clock.Now}
	begin := func() string {
		h.clock.Pass(time.Second)
		id, err := imports.Begin(t.Context(), as(admin), []byte("email,password\np@example.org,Tr0ub4dor\n"))
		h.must(err)
		return id
	}
	check := func(id string) {
		h.must(imports.Check(context.WithoutCancel(t.Context()), as(admin), id, people.Choice{Fields: []string{"email", ""}}))
	}
	busy := begin()
	look.before = func() {
		look.before = func() {}
		close(held)
		<-hold
	}
	check(busy)
	<-held
	ids := []string{begin(), begin(), begin()}
	var left []string
	for _, id := range append([]string{busy}, ids...) {
		if _, err := h.db.Batches.File(t.Context(), id); err == nil {
			left = append(left, id)
		}
	}
	if want := []string{busy, ids[1], ids[2]}; !slices.Equal(left, want) {
		t.Errorf("%v, not %v", left, want)
	}
	close(hold)
	h.desk.Wait()
	check(ids[1])
	h.desk.Wait()
	last := begin()
	if _, err := imports.Draft(t.Context(), as(admin), busy); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("one that was only checked: %v", err)
	}
	d, err := imports.Draft(t.Context(), as(admin), last)
	h.must(err)
	if got := d.Veiled(d.Sample[0]); got[0] != "p@example.org" || got[1] == "Tr0ub4dor" { // D-06: of a column that means nothing
		t.Errorf("%v", got)
	}
}
