package main

import (
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
)

// D-05: an owner who was invited and never came, or is disabled, is no second
// owner.
func TestActiveOwners(t *testing.T) {
	in := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	staff := []evidence.Admin{
		{Role: idp.Owner, SignedIn: in}, {Role: idp.Owner}, {Role: idp.Owner, SignedIn: in, Disabled: true}, {Role: idp.Admin, SignedIn: in},
	}
	if n := activeOwners(staff); n != 1 {
		t.Errorf("%d owners, want 1", n)
	}
	staff[1].SignedIn = in
	if n := activeOwners(staff); n != 2 {
		t.Errorf("%d owners, want 2", n)
	}
}
