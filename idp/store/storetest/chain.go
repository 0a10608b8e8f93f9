package storetest

import (
	"testing"

	"latchkey/idp/audit"
	"latchkey/idp/store"
)

// Chain gives every event its place in the chain, as the background does.
func Chain(t testing.TB, db *store.DB) {
	t.Helper()
	keys, err := db.AuditKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &audit.Sequencer{Chain: db.Audit, Work: db.AuditWork, Keys: keys, Holder: "test", Now: NewClock().Now}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
}
