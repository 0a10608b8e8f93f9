package store_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"latchkey/idp/people"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

func TestLoadZZ(t *testing.T) {
	url := os.Getenv("ZZ_URL")
	if url == "" {
		t.Skip()
	}
	db := storetest.With(t, store.Config{URL: url, Keyring: zzRing(t)})
	if os.Getenv("ZZ_MIGRATE") != "" {
		return
	}
	ctx := t.Context()
	for range 2 {
		for name, q := range map[string]people.Query{
			"list": {}, "list by sign-in": {Sort: people.BySignIn},
			"search rare (surname777)": {Filter: people.Filter{Text: "surname777"}},
			"search common (anna)": {Filter: people.Filter{Text: "anna"}},
			"search anna + surname5": {Filter: people.Filter{Text: "anna surname5"}},
			"search 1 letter (a)": {Filter: people.Filter{Text: "a"}},
			"search domain (example)": {Filter: people.Filter{Text: "example"}},
			"search common, by sign-in": {Filter: people.Filter{Text: "anna"}, Sort: people.BySignIn},
			"search nobody": {Filter: people.Filter{Text: "zzzz"}},
			"two that never meet": {Filter: people.Filter{Text: "anna bernd"}},
			"no factor": {Filter: people.Filter{NoFactor: true}}, "internal": {Filter: people.Filter{Kind: "internal"}},
			"internal without factor": {Filter: people.Filter{Kind: "internal", NoFactor: true}},
			"group big": {Filter: people.Filter{Group: "customers"}}, "group small": {Filter: people.Filter{Group: "board"}},
			"group small, no factor, never": {Filter: people.Filter{Group: "board", NoFactor: true, Never: true}},
			"role any": {Filter: people.Filter{Role: "any"}}, "disabled": {Filter: people.Filter{Disabled: true}}, "locked": {Filter: people.Filter{Locked: true}},
			"never": {Filter: people.Filter{Never: true}}, "stale 365": {Filter: people.Filter{Stale: 365}}, "invited": {Filter: people.Filter{Invited: true}},
			"anna, disabled, never": {Filter: people.Filter{Text: "anna", Disabled: true, Never: true}},
			"anna, no factor, customers, stale": {Filter: people.Filter{Text: "anna", NoFactor: true, Group: "customers", Stale: 90}},
			"deep page": {After: people.Cursor{Name: "maria surname500000", ID: "m"}},
		} {
			q.Limit = 51
			start := time.Now()
			all, err := db.People().Find(ctx, q)
			mid := time.Now()
			n, err2 := db.People().Count(ctx, q.Filter, 10001)
			fmt.Printf("%-36s find %7.1f ms (%d) count %7.1f ms (%d) %v %v\n", name, float64(mid.Sub(start).Microseconds())/1000, len(all), float64(time.Since(mid).Microseconds())/1000, n, err, err2)
		}
		fmt.Println()
	}
}
