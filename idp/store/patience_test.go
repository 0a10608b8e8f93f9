package store_test

import (
	"errors"
	"testing"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// Counting a million people takes longer than a sign-in may wait.
func TestCountingMayTakeLonger(t *testing.T) {
	db := storetest.With(t, store.Config{URL: storetest.FinishedPostgres(t)})
	if err := db.Sleep(t.Context(), 2.3); !errors.Is(err, idp.ErrBusy) {
		t.Errorf("an ordinary read waits for 2.3 s: %v", err)
	}
	if err := db.Sleep(store.Counts(t.Context()), 2.3); err != nil {
		t.Errorf("counting: %v", err)
	}
}
