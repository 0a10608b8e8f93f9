package store_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// Why a contact with an Odoo failed, and why work did, is kept so that every
// language can say it.
func TestFailuresHaveReasons(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(db.Connections.Add(ctx, connector.Connection{ID: "shop", Client: "shop"}))
		bad := &rpc.Trouble{Of: rpc.ErrUnreachable, Says: "reach.name", Facts: []string{"erp.example.org"}, Detail: "no such host"}
		must(db.Connections.Heard(ctx, "shop", now, bad))
		c, err := db.Connections.ByID(ctx, "shop")
		must(err)
		if c.Health.Well() || c.Health.Failure != bad.Error() || !reflect.DeepEqual(c.Health.Why, connector.Why(bad)) {
			t.Errorf("%+v", c.Health)
		}
		must(db.Connections.Heard(ctx, "shop", now, errors.New(`{"odd`)))
		if c, err = db.Connections.ByID(ctx, "shop"); err != nil || c.Health.Failure != `{"odd` || c.Health.Why.Kind != "" {
			t.Errorf("%+v %v", c.Health, err)
		}
		must(db.Connections.Heard(ctx, "shop", now, nil))
		if c, err = db.Connections.ByID(ctx, "shop"); err != nil || !c.Health.Well() || c.Health.Why.Kind != "" {
			t.Errorf("%+v %v", c.Health, err)
		}

		j := job.Job{ID: "j", Kind: "odoo.lock", About: "shop", State: job.Running, Began: now, Touched: now}
		must(db.Jobs.Add(ctx, j, now))
		raw, err := json.Marshal(connector.Why(bad))
		must(err)
		j.State, j.Key, j.Reason = job.Failed, "unreachable", raw
		must(db.Jobs.Save(ctx, j))
		kept, err := db.Jobs.ByID(ctx, "j")
		must(err)
		var why connector.Reason
		if err := kept.Why(&why); err != nil || !reflect.DeepEqual(why, connector.Why(bad)) {
			t.Errorf("%+v %v", why, err)
		}
	})
}

// What was kept before failures had reasons is their text.
func TestFailureFromBefore(t *testing.T) {
	for _, kept := range []string{"Odoo cannot be reached: 502", ""} {
		if text, why := store.FailureFrom(kept); text != kept || why.Kind != "" {
			t.Errorf("%q: %q %+v", kept, text, why)
		}
	}
}
